"""Other files below the ini in use that configure pytest with keys of ours."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_failaware.config import inis_below
from pytest_failaware.config.inis_below import is_only_ini

KEYS = "[pytest]\nfailaware_model = m.pth\n"


@pytest.fixture
def ini(tmp_path: Path) -> Path:
    """The file in use, with folders beside it."""
    for folder in ("a/b", ".hidden", "node_modules", "venv/lib", "baselines"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "venv" / "pyvenv.cfg").touch()
    (tmp_path / "pytest.ini").write_text(KEYS)
    return tmp_path / "pytest.ini"


@pytest.mark.parametrize("name", ["tox.ini", "a/pytest.ini", "a/b/pytest.ini"])
def test_another_ini_beside_or_below(ini: Path, name: str) -> None:
    """It counts if it has keys of ours."""
    (ini.parent / name).write_text("[pytest]\naddopts = -q\n")
    assert is_only_ini(ini, ini.parent / "baselines")
    (ini.parent / name).write_text(KEYS)
    assert not is_only_ini(ini, ini.parent / "baselines")


@pytest.mark.parametrize("folder", [".hidden", "node_modules", "venv", "venv/lib", "baselines"])
def test_folders_of_others_are_not_searched(ini: Path, folder: str) -> None:
    """What is installed, hidden or stored there configures no run of this project."""
    (ini.parent / folder / "pytest.ini").write_text(KEYS)
    assert is_only_ini(ini, ini.parent / "baselines")


def test_of_too_many_folders_nothing_is_known(ini: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The search ends, and then another ini may be there."""
    monkeypatch.setattr(inis_below, "MOST_FOLDERS", 4)
    assert is_only_ini(ini, ini.parent / "baselines")
    monkeypatch.setattr(inis_below, "MOST_FOLDERS", 3)
    assert not is_only_ini(ini, ini.parent / "baselines")


def test_of_a_folder_that_cannot_be_read_nothing_is_known(ini: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It may hold another ini."""

    def scandir(place: str) -> object:
        raise PermissionError(place)

    monkeypatch.setattr("os.scandir", scandir)
    assert not is_only_ini(ini, ini.parent / "baselines")
