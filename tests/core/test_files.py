"""Files that are replaced: in which order, what is on the disk at each step, and the lock on their folder."""

from __future__ import annotations

import errno
import importlib.util
import os
import sys
from pathlib import Path

import pytest

from pytest_failaware.core import files
from pytest_failaware.core.errors import FailAwareError
from pytest_failaware.core.files import final_name, locked, replace_in_order, write_atomically

fcntl = pytest.importorskip("fcntl")  # on Windows a library locks a file


def test_the_last_file_is_the_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The contents and the names of the other files are on the disk before the last file is replaced."""
    done: list[str] = []
    fsync, replace = os.fsync, os.replace

    def synced(descriptor: int) -> None:
        fsync(descriptor)
        name = Path(f"/proc/self/fd/{descriptor}").readlink().name
        done.append(f"sync {final_name(name) or name}")

    def replaced(old: Path, new: Path) -> None:
        replace(old, new)
        done.append(f"replace {Path(new).name}")

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(os, "replace", replaced)
    replace_in_order({tmp_path / "in" / "a": b"a", tmp_path / "in" / "b": b"b", tmp_path / "last": b"c"})

    here = tmp_path.name
    assert [
        *("sync a", "sync b", "sync last", "replace a", "replace b", "sync in", f"sync {here}"),
        *("replace last", f"sync {here}"),
    ] == done


def test_folders_that_cannot_be_synced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file system that cannot sync folders is used without it; an error of the disk is raised."""
    fsync = os.fsync

    def failing(number: int) -> None:
        def sync(descriptor: int) -> None:
            if Path(f"/proc/self/fd/{descriptor}").is_dir():
                raise OSError(number, os.strerror(number))
            fsync(descriptor)

        monkeypatch.setattr(os, "fsync", sync)

    failing(errno.EINVAL)
    write_atomically(tmp_path / "a", b"a")
    assert b"a" == (tmp_path / "a").read_bytes()
    failing(errno.EIO)
    with pytest.raises(OSError, match="Input/output error"):
        write_atomically(tmp_path / "a", b"b")


def test_names_of_temporary_files() -> None:
    """The name of a temporary file shows the file that it would have become; other names show none."""
    assert ["clean.npz", "a.yaml", "", "", ""] == [
        final_name(name) for name in (".clean.npz.abc_1234", ".a.yaml.abcdefgh", "a.yaml", ".a.yaml.swp", ".gitignore")
    ]


def test_a_lock_keeps_others_out_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that waits too long for a lock gets an error with the folder; the lock ends with its block."""
    monkeypatch.setattr("pytest_failaware.core.files._TIMEOUT", 0.05)
    with locked(tmp_path):
        with pytest.raises(FailAwareError, match=rf"{tmp_path}: another process has been writing"), locked(tmp_path):
            pass
        assert [] == list(tmp_path.iterdir())
    with locked(tmp_path):
        pass
    with pytest.raises(ValueError, match="body"), locked(tmp_path):
        raise ValueError("body")
    with locked(tmp_path):
        pass


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.EOPNOTSUPP])
def test_a_file_system_without_locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """If the file system has no locks, the folder is refused with a message."""

    def refuse(descriptor: int, operation: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", refuse)
    with (
        pytest.raises(FailAwareError, match=rf"{tmp_path}: cannot be locked \(.*\), .* that has locks"),
        locked(tmp_path),
    ):
        pass


def test_windows_locks_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On Windows a file in the folder keeps other processes out, and folders are not synced.

    The branch for Windows runs here with another value of sys.platform.
    """
    filelock = pytest.importorskip("filelock")
    spec = importlib.util.spec_from_file_location("files_of_windows", files.__file__)
    assert spec is not None
    assert spec.loader is not None
    monkeypatch.setattr(sys, "platform", "win32")
    windows = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(windows)
    other = filelock.FileLock(tmp_path / ".failaware.lock", timeout=0)

    with windows.locked(tmp_path), pytest.raises(filelock.Timeout):
        other.acquire()
    monkeypatch.setattr(windows, "_TIMEOUT", 0)
    with other, pytest.raises(windows.FailAwareError, match="another process has been writing there"):
        windows.locked(tmp_path).__enter__()
    assert None is windows._sync_folder(tmp_path / "absent")
