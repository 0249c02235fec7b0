"""The date, the commit and the versions of a report."""

from __future__ import annotations

import shutil
import subprocess
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from pytest_failaware.report.made import commit_of, date_of, versions

NOON = datetime(2026, 1, 31, 12, 0, 0, 123456, tzinfo=UTC)


@pytest.mark.parametrize(
    ("environ", "date"),
    [
        ({}, "2026-01-31T12:00:00Z"),
        ({"SOURCE_DATE_EPOCH": "86400"}, "1970-01-02T00:00:00Z"),
        ({"SOURCE_DATE_EPOCH": ""}, "2026-01-31T12:00:00Z"),
        ({"SOURCE_DATE_EPOCH": "yesterday"}, "2026-01-31T12:00:00Z"),
        ({"SOURCE_DATE_EPOCH": "9" * 30}, "2026-01-31T12:00:00Z"),
    ],
)
def test_date(environ: dict[str, str], date: str) -> None:
    """The date is UTC to the second; SOURCE_DATE_EPOCH fixes it."""
    assert date == date_of(environ, NOON)
    assert date == date_of(environ, NOON.astimezone(timezone(timedelta(hours=5))))


def test_commit(tmp_path: Path) -> None:
    """The commit comes from the CI server, otherwise from the checkout; "" outside of a repository."""
    assert "abc" == commit_of({"GITHUB_SHA": "abc"}, tmp_path)
    assert "def" == commit_of({"CI_COMMIT_SHA": "def", "GITHUB_SHA": ""}, tmp_path)
    assert "" == commit_of({}, tmp_path)
    assert "" == commit_of({}, tmp_path / "absent")
    if shutil.which("git") is None:
        pytest.skip("git is not installed")
    author = ["-c", "user.name=x", "-c", "user.email=x@example.org"]
    for words in (["init", "-q"], [*author, "commit", "-q", "--allow-empty", "-m", "first"]):
        subprocess.run(["git", *words], cwd=tmp_path, check=True)
    head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=tmp_path, check=True, capture_output=True, text=True)
    assert head.stdout.strip() == commit_of({}, tmp_path)


def test_versions() -> None:
    """The versions are those of Python and of the installed packages."""
    assert ["python", "pytest-failaware", "pytest"] == list(versions())[:3]
    assert pytest.__version__ == versions()["pytest"]
