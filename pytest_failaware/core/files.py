"""Files that are either the old or the new one, never half of each, and written by one process at a time."""

from __future__ import annotations

import errno
import os
import re
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from pytest_failaware.core.errors import FailAwareError

_PATIENCE: Final = 60.0  # seconds; a baseline is written in less than one


_PAUSE: Final = 0.02  # seconds between two tries to get the lock


_TEMPORARY: Final = re.compile(r"\.(?P<name>.+)\.[a-z0-9_]{8}")


_NO_FOLDER_SYNC: Final = (errno.EINVAL, errno.ENOTSUP, errno.EBADF)  # file systems that cannot sync a folder


def write_atomically(path: Path, content: bytes) -> None:
    """Replace one file, as `replace_in_order` does."""
    replace_in_order({path: content})


def replace_in_order(contents: Mapping[Path, bytes]) -> None:
    """Replace files by new contents in the order given; the last one is the commit.

    First all contents lie on the disk in temporary files, so that a full disk changes nothing. The last file is
    replaced after the names of all others are on the disk. Whoever reads the last file first finds what it names,
    provided that no other file replaces one that is still in use: names with a hash in them see to that.

    A file keeps its mode, else it gets the one that the umask gives.

    Raises:
        OSError: a folder cannot be written or the disk is full; the last file is the old one, or the new one.
    """
    staged: dict[Path, Path] = {}
    *others, last = contents
    try:
        for path, content in contents.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            staged[path] = _staged(path, content)
        for path in others:
            staged[path].replace(path)
        for folder in {path.parent: None for path in others}:
            _sync_folder(folder)
            _sync_folder(folder.parent)  # the folder itself may be new
        staged[last].replace(last)
        _sync_folder(last.parent)
    finally:  # after a success nothing is left to remove
        for temporary in staged.values():
            temporary.unlink(missing_ok=True)


def final_name(temporary: str) -> str:
    """Return the name of the file that a temporary file would have replaced, "" for a name that is not temporary."""
    match = _TEMPORARY.fullmatch(temporary)
    return match["name"] if match else ""


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep every other process on this machine out of this block for the same folder, which has to exist.

    On POSIX the folder itself is locked, so that users, containers and folders for temporary files do not matter, and
    nothing is left behind. On Windows, which cannot lock a folder, a file in it is.

    Raises:
        FailAwareError: another process holds the lock for a minute, or the file system has no locks.
    """
    if sys.platform == "win32":
        with _locked_file(folder):
            yield
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        _lock_folder(descriptor, folder)
        yield
    finally:
        os.close(descriptor)  # gives the lock back


if sys.platform == "win32":

    @contextmanager
    def _locked_file(folder: Path) -> Iterator[None]:
        from filelock import FileLock, Timeout

        try:
            with FileLock(folder / ".failaware.lock", timeout=_PATIENCE):
                yield
        except Timeout as error:
            raise _busy(folder) from error

else:

    def _lock_folder(descriptor: int, folder: Path) -> None:
        import fcntl

        deadline = time.monotonic() + _PATIENCE
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                if time.monotonic() > deadline:
                    raise _busy(folder) from error
                time.sleep(_PAUSE)
            except OSError as error:
                raise FailAwareError(
                    f"{folder}: cannot be locked ({error.strerror or error}), so two processes could write it at once; "
                    "keep it on a file system that has locks"
                ) from error
            else:
                return


def _busy(folder: Path) -> FailAwareError:
    return FailAwareError(
        f"{folder}: another process has been writing there for {_PATIENCE:.0f} s; wait for it, then run again"
    )


def _sync_folder(folder: Path) -> None:
    """Put the names in a folder on the disk; Windows has no call for that."""
    if sys.platform == "win32":
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in _NO_FOLDER_SYNC:
            raise
    finally:
        os.close(descriptor)


def _staged(path: Path, content: bytes) -> Path:
    """The content in a temporary file beside `path`, synced to the disk."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(path.stat().st_mode & 0o777 if path.exists() else 0o666 & ~_umask())
    except BaseException:  # Ctrl-C too must leave no temporary file; it goes on after the clean-up
        temporary.unlink(missing_ok=True)
        raise
    return temporary


def _umask() -> int:
    """The process's umask, which can only be read by setting it."""
    mask = os.umask(0)
    os.umask(mask)
    return mask


_ADDRESS: Final = re.compile(r"(?!(?:folder|csv|npz|torchvision|timm):)[A-Za-z][\w+.-]+:/", re.ASCII)


def is_address(text: str) -> bool:
    """Whether a text is a URL or a name in a registry, as in `s3://bucket/m.pth` or `models:/prod/7`."""
    return _ADDRESS.match(text) is not None
