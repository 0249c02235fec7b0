"""The fixture of every plugin test."""

from __future__ import annotations

import pytest
from project import Project

from pytest_failaware.options import CI_SERVERS


@pytest.fixture
def project(pytester: pytest.Pytester) -> Project:
    """A fresh toy project."""
    return Project(pytester)


@pytest.fixture(autouse=True)
def _no_outer_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    """The suite itself runs on CI servers, whose variables change what the plugin does."""
    for name in ("FAILAWARE_MODEL", "FAILAWARE_STRICT", "PYTEST_ADDOPTS", "GITHUB_STEP_SUMMARY", *CI_SERVERS):
        monkeypatch.delenv(name, raising=False)
