"""The date, the commit and the versions of a report; none of these enters a baseline."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

from pytest_failaware.core.git import git

_PACKAGES: Final = ("pytest-failaware", "pytest", "torch", "torchvision", "numpy")
_COMMITS: Final = ("GITHUB_SHA", "CI_COMMIT_SHA")  # GitHub, GitLab


def date_of(environ: Mapping[str, str], now: datetime) -> str:
    """Return the time in UTC as ISO 8601: SOURCE_DATE_EPOCH if it is set, for reproducible reports, otherwise now.

    >>> date_of({"SOURCE_DATE_EPOCH": "0"}, datetime.now(UTC))
    '1970-01-01T00:00:00Z'
    """
    epoch = environ.get("SOURCE_DATE_EPOCH", "")
    time = datetime.fromtimestamp(int(epoch), UTC) if epoch.isdecimal() and len(epoch) < 12 else now.astimezone(UTC)
    return f"{time:%Y-%m-%dT%H:%M:%S}Z"


def commit_of(environ: Mapping[str, str], folder: Path) -> str:
    """Return the commit that a CI server names, otherwise the commit checked out in a folder; "" without a commit."""
    named = next((environ[name] for name in _COMMITS if environ.get(name)), "")
    return named or (git(folder, "rev-parse", "HEAD") or b"").decode("ascii", "replace").strip()


def versions() -> dict[str, str]:
    """Return the versions of Python and of the installed packages that numbers depend on."""
    packages = {"python": platform.python_version()}
    for name in _PACKAGES:
        try:
            packages[name] = version(name)
        except PackageNotFoundError:  # predictions need no torch
            continue
    return packages
