"""The hash of the files that a run names changes with everything that the run would see."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_failaware.core.request import Source, SourceKind
from pytest_failaware.measure.cache.named_files import NamedFiles, UncertainError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of two classes, a manifest that lists both files, and a text beside them."""
    root = tmp_path / "data"
    for name in ("a", "b"):
        (root / name).mkdir(parents=True)
        (root / name / "1.png").write_bytes(name.encode())
    (root / "a" / "notes.txt").write_text("text")
    (tmp_path / "data.csv").write_text("label, file\na, data/a/1.png\n\nb, data/b/1.png\n")
    return root


def _source(kind: SourceKind, root: Path) -> Source:
    return Source(kind=kind, target=str(root.with_suffix(".csv") if kind is SourceKind.CSV else root))


def _rewrite(root: Path) -> None:
    """Write another content of the same size, and set the times back."""
    file, status = root / "a" / "1.png", (root / "a" / "1.png").stat()
    file.write_bytes(b"c")
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))


def _link(root: Path) -> None:
    (root / "b" / "1.png").rename(root.parent / "elsewhere.png")
    (root / "b" / "1.png").symlink_to(root.parent / "elsewhere.png")


CHANGES: dict[str, Callable[[Path], object]] = {
    "a content": _rewrite,
    "a link to the same content": _link,
    "a new image": lambda root: (root / "a" / "2.png").write_bytes(b"new"),
    "a new file that is no image": lambda root: (root / "a" / "more.txt").write_text("text"),
    "another name": lambda root: (root / "a" / "1.png").rename(root / "a" / "3.png"),
    "no image": lambda root: (root / "a" / "1.png").unlink(),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_of_a_folder(folder: Path, change: str) -> None:
    """Each change is seen by the hash, and by the look at the files alone."""
    source = _source(SourceKind.FOLDER, folder)
    before = NamedFiles.read(source)
    assert before.are_unchanged
    CHANGES[change](folder)
    assert (False, False) == (before.are_unchanged, before.sha256 == NamedFiles.read(source).sha256)


def test_the_same_files_have_the_same_hash(folder: Path) -> None:
    """Another process finds the same hash, also if a file that is no image was written to."""
    source = _source(SourceKind.FOLDER, folder)
    before = NamedFiles.read(source).sha256
    (folder / "a" / "notes.txt").write_text("another text")
    assert before == NamedFiles.read(source).sha256


def test_a_change_of_an_image_that_a_manifest_lists(folder: Path) -> None:
    """The content of each listed image counts, beside that of the manifest."""
    source = _source(SourceKind.CSV, folder)
    before = NamedFiles.read(source)
    _rewrite(folder)
    assert (False, False) == (before.are_unchanged, before.sha256 == NamedFiles.read(source).sha256)


@pytest.mark.parametrize("text", ["image,label\ndata/a/1.png,a\n", "file\na\nb,c\n\0", 'label,file\na\n"'])
def test_a_manifest_that_cannot_be_read(folder: Path, text: str) -> None:
    """A run that cannot use it, or names no such files, has no hash."""
    folder.with_suffix(".csv").write_text(text)
    with pytest.raises((UncertainError, OSError)):
        NamedFiles.read(_source(SourceKind.CSV, folder))


def test_a_link_to_a_folder(folder: Path) -> None:
    """What lies behind a link to a folder is not followed, and the run has no hash."""
    (folder / "c").symlink_to(folder / "a", target_is_directory=True)
    with pytest.raises(UncertainError):
        NamedFiles.read(_source(SourceKind.FOLDER, folder))


@pytest.mark.parametrize("kind", [SourceKind.FACTORY, SourceKind.TORCHVISION])
def test_what_is_no_file(folder: Path, kind: SourceKind) -> None:
    """A data set that code makes has no files that say everything."""
    with pytest.raises(UncertainError):
        NamedFiles.read(Source(kind=kind, target=str(folder)))
