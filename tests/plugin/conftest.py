"""The fixture of every plugin test."""

from __future__ import annotations

import pytest
from project import Command, Project

from pytest_failaware.__main__ import main
from pytest_failaware.options import CI_SERVERS


@pytest.fixture
def project(pytester: pytest.Pytester) -> Project:
    """A fresh toy project."""
    return Project(pytester)


@pytest.fixture
def command(project: Project, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Command:
    """Runs a command in the project's folder: its exit code, and what it printed."""
    monkeypatch.chdir(project.path)

    def run(*words: str) -> tuple[int, str]:
        capsys.readouterr()
        code = main(words)
        printed = capsys.readouterr()
        return code, printed.out + printed.err

    return run


@pytest.fixture(autouse=True)
def _no_outer_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    """The suite itself runs on CI servers, whose variables change what the plugin does."""
    for name in ("FAILAWARE_MODEL", "FAILAWARE_STRICT", "PYTEST_ADDOPTS", "GITHUB_STEP_SUMMARY", *CI_SERVERS):
        monkeypatch.delenv(name, raising=False)
