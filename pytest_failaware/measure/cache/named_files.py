"""The files that a run names, hashed without opening them as a model or as images."""

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
    """Files whose content does not say everything, such as a link to a folder."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedFiles:
    """The hash of all files that a source names, and what the system says of each: `stamp` changes with every write."""

    source: Source
    sha256: str
    stamp: str

    @classmethod
    def read(cls, source: Source) -> NamedFiles:
        """Hash the files of a source.

        Raises:
            UncertainError: the source is no file and no folder, or its files do not say everything.
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
        """Whether nobody wrote to the files, added one or removed one since they were hashed."""
        try:
            return _stamp(list(_paths(self.source))) == self.stamp
        except (OSError, UncertainError):
            return False


def _is_read(path: str, source: Source) -> bool:
    """Whether the content of a file counts: in a folder, files that are no images by their suffix are not read."""
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
    """Yield what lies below a folder, sorted by name, without what is hidden."""
    with os.scandir(folder) as found:
        entries = sorted((entry for entry in found if not entry.name.startswith(".")), key=lambda entry: entry.name)
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
