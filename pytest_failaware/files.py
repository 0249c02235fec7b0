"""Files that are either the old or the new one, never half of each, and written by one process at a time."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from pytest_failaware.errors import FailAwareError

_PATIENCE: Final = 60.0  # seconds; a baseline is written in less than one


def write_atomically(path: Path, content: bytes) -> None:
    """Replace one file, as `replace_together` does."""
    replace_together({path: content})


def replace_together(contents: Mapping[Path, bytes]) -> None:
    """Replace files by new contents in the order given, once all of them lie on the disk beside their places.

    A file keeps its mode, else it gets the one that the umask gives.

    Raises:
        OSError: a folder cannot be written or the disk is full; every file is as it was.
    """
    old = {path: path.read_bytes() if path.is_file() else None for path in contents}
    staged: dict[Path, Path] = {}
    replaced: list[Path] = []
    try:
        for path, content in contents.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            staged[path] = _staged(path, content)
        for path in contents:
            replaced.append(path)
            staged[path].replace(path)
    except BaseException:  # Ctrl-C between two files too; it goes on once they are back
        for path in replaced:
            _put_back(path, old[path])
        raise
    finally:  # after a success nothing is left to remove
        for temporary in staged.values():
            temporary.unlink(missing_ok=True)


def _put_back(path: Path, content: bytes | None) -> None:
    if content is None:
        path.unlink(missing_ok=True)
    elif path.read_bytes() != content:
        _staged(path, content).replace(path)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """No other process of this user on this machine is inside this block for the same path.

    The lock lies in the folder for temporary files, so that nothing is left beside what it guards.

    Raises:
        FailAwareError: another process holds it for a minute.
    """
    from filelock import FileLock, Timeout

    digest = hashlib.sha256(os.fsencode(path.resolve())).hexdigest()[:32]
    lock = Path(tempfile.gettempdir()) / f"pytest-failaware-{_user()}-{digest}.lock"
    try:
        with FileLock(lock, timeout=_PATIENCE):
            yield
    except Timeout as error:
        raise FailAwareError(
            f"{path}: another process has been writing it for {_PATIENCE:.0f} s ({lock}); wait for it, then run again"
        ) from error


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


def _user() -> str:
    """The user's number; a file that another user's lock left behind could not be opened."""
    return str(os.getuid()) if hasattr(os, "getuid") else "user"


def _umask() -> int:
    """The process's umask, which can only be read by setting it."""
    mask = os.umask(0)
    os.umask(mask)
    return mask
