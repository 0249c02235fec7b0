"""Hash the files that a run names, without opening them as a model or as images."""

from __future__ import annotations

import csv
import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pytest_failaware.core.request import Source, SourceKind
from pytest_failaware.measure.images.decode import has_image_suffix


class UncertainError(Exception):
    """The content of the files does not identify them, as with a link to a folder."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedFiles:
    """The hash of all files that a source names; `stamp` is a hash of their metadata and changes with every write."""

    source: Source
    sha256: str
    stamp: str

    @classmethod
    def read(cls, source: Source) -> NamedFiles:
        """Hash the files of a source.

        Raises:
            UncertainError: the source is neither a file nor a folder, or its files cannot be identified.
            OSError: a file cannot be read.
        """
        paths = list(_paths(source))
        stamp, digest = _stamp(paths), hashlib.sha256()
        for path in paths:
            content = Path(path).read_bytes() if _is_read(path, source) else b""
            digest.update(f"{path}\0{os.path.realpath(path)}\0{len(content)}\0".encode(errors="surrogateescape"))
            digest.update(content)
        return cls(source=source, sha256=digest.hexdigest(), stamp=stamp)

    @property
    def are_unchanged(self) -> bool:
        """Whether no file was changed, added or removed since the files were hashed."""
        try:
            return _stamp(list(_paths(self.source))) == self.stamp
        except (OSError, UncertainError):
            return False


def _is_read(path: str, source: Source) -> bool:
    """Return whether the content of a file is hashed; in a folder, only files with the suffix of an image are."""
    return source.kind is not SourceKind.FOLDER or (has_image_suffix(path) and not Path(path).is_dir())


def _stamp(paths: list[str]) -> str:
    digest = hashlib.sha256()
    for path in paths:
        status = Path(path).stat()
        parts = (path, status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino, status.st_dev)
        digest.update(repr(parts).encode(errors="surrogateescape"))
    return digest.hexdigest()


def _paths(source: Source) -> Iterator[str]:
    """Yield the path of each file and folder that a source names, in a fixed order."""
    yield source.target
    if source.kind is SourceKind.FOLDER:
        yield from _below(source.target)
    elif source.kind is SourceKind.CSV:
        yield from _listed(Path(source.target))
    elif source.kind not in (SourceKind.FILE, SourceKind.NPZ):
        raise UncertainError(str(source))


def _below(folder: str) -> Iterator[str]:
    """Yield all paths below a folder, sorted by name, without hidden files and folders."""
    with os.scandir(folder) as unsorted:
        entries = sorted((entry for entry in unsorted if not entry.name.startswith(".")), key=lambda entry: entry.name)
    for entry in entries:
        if not entry.is_file() and (entry.is_symlink() or not entry.is_dir()):
            raise UncertainError(entry.path)
        yield entry.path
        if not entry.is_file():
            yield from _below(entry.path)


def _listed(manifest: Path) -> Iterator[str]:
    """Yield the files in the column `file` of a manifest."""
    column = -1
    try:
        with manifest.open(encoding="utf-8-sig", newline="") as file:
            for cells in csv.reader(file, strict=True, skipinitialspace=True):
                values = [cell.strip() for cell in cells]
                if any(values):
                    if column < 0:
                        column = values.index("file")
                    else:
                        yield str(manifest.parent / values[column])
    except (ValueError, IndexError, csv.Error) as error:
        raise UncertainError(str(manifest)) from error
