"""Write files atomically, and let only one process write to a folder at a time."""

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

_TIMEOUT: Final = 60.0  # seconds; a baseline is written in less than one


_PAUSE: Final = 0.02  # seconds between two tries to get the lock


_TEMPORARY: Final = re.compile(r"\.(?P<name>.+)\.[a-z0-9_]{8}")


_NO_FOLDER_SYNC: Final = (errno.EINVAL, errno.ENOTSUP, errno.EBADF)  # file systems that cannot sync a folder


def write_atomically(path: Path, content: bytes) -> None:
    """Replace one file; see `replace_in_order`."""
    replace_in_order({path: content})


def replace_in_order(contents: Mapping[Path, bytes]) -> None:
    """Replace files in the order of `contents`; replacing the last file commits the change.

    First all contents are written to temporary files and synced, so a full disk changes nothing. The last file is
    replaced only after the names of all other files are on the disk. A process that reads the last file first
    therefore finds all files that it names, if the other files never replace a file in use. Hashes in their names
    ensure that.

    An existing file keeps its mode; a new file gets the mode that the umask gives.

    Raises:
        OSError: a folder cannot be written or the disk is full; the last file is then either the old or the new one.
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
    finally:  # after a success no temporary file exists
        for temporary in staged.values():
            temporary.unlink(missing_ok=True)


def final_name(temporary: str) -> str:
    """Return the name of the file that a temporary file would have replaced, "" for a name that is not temporary."""
    match = _TEMPORARY.fullmatch(temporary)
    return match["name"] if match else ""


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Lock an existing folder against every other process on this machine that calls this function.

    POSIX locks the folder itself: this works across users and containers, and leaves no file behind. Windows cannot
    lock a folder, so a file in it is locked there.

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
            with FileLock(folder / ".failaware.lock", timeout=_TIMEOUT):
                yield
        except Timeout as error:
            raise _busy(folder) from error

else:

    def _lock_folder(descriptor: int, folder: Path) -> None:
        import fcntl

        deadline = time.monotonic() + _TIMEOUT
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
        f"{folder}: another process has been writing there for {_TIMEOUT:.0f} s; wait for it, then run again"
    )


def _sync_folder(folder: Path) -> None:
    """Write the names in a folder to the disk; Windows has no call for that."""
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
    """Write the content to a temporary file beside `path`, sync it to the disk, and return its path."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(path.stat().st_mode & 0o777 if path.exists() else 0o666 & ~_umask())
    except BaseException:  # Ctrl-C must leave no temporary file either; it is raised again below
        temporary.unlink(missing_ok=True)
        raise
    return temporary


def _umask() -> int:
    """Return the umask of the process, which can only be read by setting it."""
    mask = os.umask(0)
    os.umask(mask)
    return mask


_ADDRESS: Final = re.compile(r"(?!(?:folder|csv|npz|torchvision|timm):)[A-Za-z][\w+.-]+:/", re.ASCII)


def is_address(text: str) -> bool:
    """Return whether a text is a URL or a name in a registry, such as `s3://bucket/m.pth` or `models:/prod/7`."""
    return _ADDRESS.match(text) is not None
