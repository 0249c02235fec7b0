"""Read folders of images with one sub-folder per class. Links are followed, and each real file counts once."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from pytest_failaware.core.errors import DataError
from pytest_failaware.core.text import describe_error, spelled
from pytest_failaware.measure.images.data import ImageSet, Sample
from pytest_failaware.measure.images.decode import FORMAT_NAMES, has_image_suffix, read_image

_NAMED: Final = 3


class FolderImages(ImageSet):
    """One sub-folder per class, class names and files in sorted order; every image is read as RGB."""

    reads_in_parallel = True

    def __init__(self, root: Path) -> None:
        self.root = root
        place = f"--failaware-dataset=folder:{spelled(str(root))}"
        listing = _Listing(root, place)
        folders = _class_folders(root, place, listing)
        self.classes = _class_names(list(folders), place)
        self.files = [(Path(path), label) for label, paths in enumerate(folders.values()) for path in paths]
        self._notes = listing.notes

    def __len__(self) -> int:
        return len(self.files)

    def name(self, index: int) -> str:
        """Return the path of the file below the root, as printable text."""
        return spelled(self.file(index))

    def file(self, index: int) -> str:
        """Return the path of the file below the root, as the system writes it."""
        return str(self.files[index][0].relative_to(self.root))

    def read(self, index: int) -> Sample:
        """Read the file once for its hash and its pixels."""
        path, label = self.files[index]
        content, image = read_image(path, f"{spelled(str(path))} (image {index})")
        return Sample(key=hashlib.sha256(content).digest(), image=image, label=label)

    @property
    def notes(self) -> tuple[str, ...]:
        """Lines on images outside of the folder and on files that are left out because of their suffix."""
        return self._notes


def outside_note(count: int, folder: Path) -> tuple[str, ...]:
    """Return a line for the summary if links lead to images outside of the data set's folder."""
    images = "1 image" if count == 1 else f"{count:,} images"
    return (f"links lead to {images} outside of {spelled(str(folder))}",) if count else ()


def _class_folders(root: Path, place: str, listing: _Listing) -> dict[str, list[str]]:
    """Return the image files of each class folder by its name; hidden files and folders are ignored."""
    if not root.is_dir():
        raise DataError(f"{place}: no such folder; give a folder with one sub-folder per class")
    try:
        folders = [entry for entry in _entries(str(root)) if entry.is_dir()]
        files = {folder.name: list(listing.images(folder, listing.root)) for folder in folders}
    except (OSError, RecursionError) as error:
        reason = describe_error(error)
        raise DataError(f"{place}: cannot be listed ({reason}); make it readable, or remove the link") from error
    if not files:
        raise DataError(f"{place}: has no sub-folders; give a folder with one sub-folder per class")
    empty = next((name for name, paths in files.items() if not paths), None)
    if empty is not None:
        raise DataError(
            f"{place}: the class folder {spelled(empty)!r} has no image ({FORMAT_NAMES}); add some or remove it"
        )
    return files


def _class_names(names: Sequence[str], place: str) -> tuple[str, ...]:
    """Return the names of the class folders as text, all different."""
    classes = tuple(map(spelled, names))
    twice = next((name for name in classes if classes.count(name) > 1), None)
    if twice is not None:
        raise DataError(f"{place}: two class folders are written {twice!r}; rename the folder whose name is not UTF-8")
    return classes


class _Listing:
    """A walk over the class folders, which remembers the real path of all that it has met."""

    def __init__(self, root: Path, place: str) -> None:
        self.folder, self.place = root, place
        self.root = os.path.realpath(root)
        self._met = {self.root: str(root)}  # real paths of folders and files -> the first path to each
        self._outside = 0
        self._left_out: list[str] = []

    @property
    def notes(self) -> tuple[str, ...]:
        """Lines on links and on files whose suffix is not that of an image."""
        return (*outside_note(self._outside, self.folder), *self._suffix_note())

    def images(self, folder: os.DirEntry[str], parent: str) -> Iterator[str]:
        """Yield the paths of the image files below a folder, sorted.

        Args:
            folder: a class folder, or a folder in one.
            parent: the real path of the folder that holds it.

        Raises:
            DataError: a link leads back or to something already met, or an entry is neither a file nor a folder.
            OSError: a folder cannot be listed.
        """
        real = self._real_path(folder, parent)
        for entry in _entries(folder.path):
            if entry.is_dir():
                yield from self.images(entry, real)
            elif has_image_suffix(entry.name):
                self._count(entry, real)
                yield entry.path
            elif entry.is_file():
                self._left_out.append(entry.path)

    def _count(self, file: os.DirEntry[str], parent: str) -> None:
        """Count a file; refuse one that would hang or count twice. A broken link raises when it is read."""
        if not file.is_file() and Path(file.path).exists():
            raise DataError(f"{self.place}: {self._shown(file.path)} is neither a file nor a folder; remove it")
        if not self._real_path(file, parent).startswith(_below(self.root)):
            self._outside += 1

    def _real_path(self, entry: os.DirEntry[str], parent: str) -> str:
        """Return the real path of an entry; refuse a path that another entry led to."""
        if not entry.is_symlink() and (os.name == "posix" or entry.is_file()):  # Windows has junctions as well
            real = _below(parent) + entry.name
        else:
            real = os.path.realpath(entry.path)
            if any(_below(folder).startswith(_below(real)) for folder in (parent, self.root)):
                raise DataError(
                    f"{self.place}: the link {self._shown(entry.path)} leads back to a folder that holds it; remove it"
                )
            if entry.is_file() and not real.startswith(_below(self.root)):
                return real  # a store may keep equal images as one file: links to it count like copies
        other = self._met.setdefault(real, entry.path)
        if other != entry.path:
            raise DataError(
                f"{self.place}: {self._shown(entry.path)} and {self._shown(other)} are the same and would count twice; "
                "remove one of them"
            )
        return real

    def _shown(self, path: str) -> str:
        return spelled(os.path.relpath(path, self.folder))

    def _suffix_note(self) -> tuple[str, ...]:
        count = len(self._left_out)
        more = f" and {count - _NAMED:,} more" if count > _NAMED else ""
        files = "1 file in the class folders is" if count == 1 else f"{count:,} files in the class folders are"
        names = ", ".join(map(self._shown, self._left_out[:_NAMED]))
        return (f"{files} left out, because the suffix is not of {FORMAT_NAMES}: {names}{more}",) if count else ()


def _below(folder: str) -> str:
    """Return the beginning of every path below a folder."""
    return folder.rstrip(os.sep) + os.sep


def _entries(folder: str) -> list[os.DirEntry[str]]:
    """Return the entries of a folder that are not hidden, sorted by name."""
    with os.scandir(folder) as entries:
        return sorted((entry for entry in entries if not entry.name.startswith(".")), key=lambda entry: entry.name)
