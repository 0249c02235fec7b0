"""Other files below the ini in use that configure pytest with keys of the plugin."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_failaware.config import inis_below
from pytest_failaware.config.inis_below import is_only_ini

KEYS = "[pytest]\nfailaware_model = m.pth\n"


@pytest.fixture
def ini(tmp_path: Path) -> Path:
    """Return the ini in use, with folders beside it."""
    for folder in ("a/b", ".hidden", "node_modules", "venv/lib", "baselines"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "venv" / "pyvenv.cfg").touch()
    (tmp_path / "pytest.ini").write_text(KEYS)
    return tmp_path / "pytest.ini"


@pytest.mark.parametrize("name", ["tox.ini", "a/pytest.ini", "a/b/pytest.ini"])
def test_another_ini_beside_or_below(ini: Path, name: str) -> None:
    """Another ini beside or below counts only if it has keys of the plugin."""
    (ini.parent / name).write_text("[pytest]\naddopts = -q\n")
    assert is_only_ini(ini, ini.parent / "baselines")
    (ini.parent / name).write_text(KEYS)
    assert not is_only_ini(ini, ini.parent / "baselines")


@pytest.mark.parametrize("folder", [".hidden", "node_modules", "venv", "venv/lib", "baselines"])
def test_folders_of_others_are_not_searched(ini: Path, folder: str) -> None:
    """Folders of installed, hidden or stored files are not searched, because they configure no run of this project."""
    (ini.parent / folder / "pytest.ini").write_text(KEYS)
    assert is_only_ini(ini, ini.parent / "baselines")


def test_the_search_ends_after_too_many_folders(ini: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The search ends after too many folders, and then another ini may exist."""
    monkeypatch.setattr(inis_below, "MOST_FOLDERS", 4)
    assert is_only_ini(ini, ini.parent / "baselines")
    monkeypatch.setattr(inis_below, "MOST_FOLDERS", 3)
    assert not is_only_ini(ini, ini.parent / "baselines")


def test_a_folder_that_cannot_be_read_may_hold_an_ini(ini: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If a folder cannot be read, another ini may exist."""

    def scandir(place: str) -> object:
        raise PermissionError(place)

    monkeypatch.setattr("os.scandir", scandir)
    assert not is_only_ini(ini, ini.parent / "baselines")
