"""CSV manifests: their columns, the places of their files, and the line numbers in errors."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pytest_failaware.core.errors import DataError
from pytest_failaware.core.request import Source, SourceKind
from pytest_failaware.measure.images.data import ImageSet
from pytest_failaware.measure.images.decoding import build_store
from pytest_failaware.measure.images.sources import open_dataset

PIXELS = np.random.default_rng(0).integers(0, 256, (4, 6, 5, 3), dtype=np.uint8)


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    """Where the manifest goes, beside a.png, b.png, sub/c.png and sub/d.png."""
    folder = tmp_path / "set"
    (folder / "sub").mkdir(parents=True)
    for name, pixels in zip(("a", "b", "sub/c", "sub/d"), PIXELS, strict=True):
        Image.fromarray(pixels).save(folder / f"{name}.png")
    Image.fromarray(PIXELS[0]).save(tmp_path / "outside.png")
    return folder / "list.csv"


def opened(path: Path, text: str | bytes, group: str | None = None) -> ImageSet:
    """The data set of a manifest with this text."""
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return open_dataset(Source(kind=SourceKind.CSV, target=str(path)), None, group)


def refusal(path: Path, text: str | bytes, group: str | None = None) -> str:
    """Return the line that refuses the manifest."""
    with pytest.raises(DataError) as caught:
        opened(path, text, group)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def labels(images: ImageSet) -> list[int]:
    return [images.read(index).label for index in range(len(images))]


def test_class_names_are_numbered_in_sorted_order(manifest: Path) -> None:
    """Each row is an image in the manifest's order; other files in the folder do not matter."""
    images = opened(manifest, "file,label\nsub/c.png,dog\na.png,cat\nb.png,dog\n")

    assert (3, ("cat", "dog"), True) == (len(images), images.classes, images.has_class_names)
    assert [1, 0, 1] == labels(images)
    assert ["sub/c.png", "a.png", "b.png"] == [images.name(k) for k in range(3)]
    assert np.array_equal(PIXELS[2], np.asarray(images.read(0).image))
    assert (None, ()) == (images.groups, images.notes)


def test_whole_numbers_are_class_numbers(manifest: Path) -> None:
    """They count from 0 and need not all occur: 10 comes after 2, and no name is given."""
    images = opened(manifest, "file,label\na.png,10\nb.png,2\n")

    assert [10, 2] == labels(images)
    assert not images.has_class_names
    assert tuple(map(str, range(11))) == build_store(images, lambda image: image).facts.classes


def test_one_name_among_numbers_makes_all_of_them_names(manifest: Path) -> None:
    """Where not all labels are numbers, they are names."""
    assert ("10", "2", "cat") == opened(manifest, "file,label\na.png,10\nb.png,2\nsub/c.png,cat\n").classes


@pytest.mark.parametrize(
    "text",
    [
        "file,label\na.png,cat\nb.png,dog\n",
        "\ufefffile,label\r\na.png,cat\r\nb.png,dog\r\n",
        "\n\nlabel,file\n\n , \ncat,a.png\n,,\ndog,b.png\n\n".replace(",,", ","),
        '"file", "label"\n"a.png", "cat"\n b.png , dog',
        "file,label\nsub/../a.png,cat\n./b.png,dog\n",
    ],
)
def test_spellings_of_one_manifest(manifest: Path, text: str) -> None:
    """A byte order mark, blank rows, quotes, blanks around values and the order of columns mean nothing."""
    images = opened(manifest, text)

    assert (("cat", "dog"), [0, 1]) == (images.classes, labels(images))
    assert np.array_equal(PIXELS[0], np.asarray(images.read(0).image))


def test_a_quoted_value_may_hold_commas_and_lines(manifest: Path) -> None:
    """Errors count lines of the file, not rows."""
    text = 'file,label,note\na.png,"cat, grey","two\nlines"\nb.png,dog,\ngone.png,dog,\n'

    assert f"{manifest}:5: 'gone.png' is not there" in refusal(manifest, text)
    assert ("cat, grey", "dog") == opened(manifest, text.replace("gone", "sub/d")).classes


def test_the_same_images_as_in_folders_have_the_same_ids(manifest: Path) -> None:
    """A manifest of class folders is the same data as the folders: ids, labels and fingerprint."""
    for name, old in (("cat", "a.png"), ("dog", "b.png")):
        (manifest.parent / name).mkdir()
        (manifest.parent / old).rename(manifest.parent / name / old)
    listed = build_store(opened(manifest, "file,label\ndog/b.png,dog\ncat/a.png,cat\n"), lambda image: image)
    for path in (manifest, *manifest.parent.glob("sub/*")):
        path.unlink()
    (manifest.parent / "sub").rmdir()
    folder = open_dataset(Source(kind=SourceKind.FOLDER, target=str(manifest.parent)), None)

    assert build_store(folder, lambda image: image).facts == listed.facts


# ---- groups --------------------------------------------------------------------------------------------------------

WITH_GROUPS = "file,label,group,patient,site\na.png,cat,x,7,N\nb.png,dog,y,7,N\nsub/c.png,cat,x,8,S\n"


def test_the_column_group_groups_without_being_asked(manifest: Path) -> None:
    """Columns that are not used are named in a note."""
    images = opened(manifest, WITH_GROUPS)

    assert ["x", "y", "x"] == images.groups
    assert ("list.csv: columns that are not used: patient, site",) == images.notes


def test_another_column_groups_when_it_is_named(manifest: Path) -> None:
    """The option wins over a column named group."""
    images = opened(manifest, WITH_GROUPS, "patient")

    assert ["7", "7", "8"] == images.groups
    assert ("list.csv: columns that are not used: group, site",) == images.notes
    assert [0, 0, 1] == build_store(images, lambda image: image).groups.tolist()


def test_columns_that_could_group_are_told(manifest: Path) -> None:
    """Without groups the note says how to name a column."""
    images = opened(manifest, "file,label,patient\na.png,cat,7\n")

    assert images.groups is None
    assert (
        "list.csv: columns that are not used: patient; --failaware-group names one whose samples belong together",
    ) == images.notes


def test_a_group_that_is_no_column(manifest: Path) -> None:
    """The error suggests the column that was meant."""
    text = refusal(manifest, WITH_GROUPS, "pateint")

    assert text.startswith(f"--failaware-group=pateint: --failaware-dataset=csv:{manifest} has no such column; did you")
    assert "'patient'" in text


def test_a_sample_without_a_group(manifest: Path) -> None:
    """An empty cell would put strangers together."""
    text = refusal(manifest, "file,label,group\na.png,cat,x\nb.png,dog,\n")

    assert f"{manifest}:3: the column 'group' is empty; a sample that belongs to no other needs its own group" in text


# ---- what is refused -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ["lists no image", "file,label"]),
        ("file,label\n\n", ["lists no image"]),
        (
            "filename,label\na.png,cat\n",
            [":1: has no column 'file', only 'filename', 'label'; did you mean 'filename'?"],
        ),
        ("File,Label\na.png,cat\n", ["did you mean 'File'?"]),
        ("\nfile,class\na.png,cat\n", [":2: has no column 'label'", "did you mean 'class'?"]),
        ("file,labels\na.png,cat\n", ["did you mean 'labels'?"]),
        ("file;label\na.png;cat\n", ["has no column 'file'", "separated by commas"]),
        ("a.png,cat\nb.png,dog\n", ["has no column 'file', only 'a.png', 'cat'; name columns file,label"]),
        ("file,label,label\na.png,cat,dog\n", ["two columns 'label'"]),
        ("file,label\na.png,cat,grey\n", [":2: has 3 values and the header 2", "quote"]),
        ("file,label\na.png\n", [":2: has 1 values and the header 2"]),
        ("file,label\na.png,cat\nb.png,\n", [":3: the column 'label' is empty"]),
        ("file,label\n,cat\n", [":2: the column 'file' is empty"]),
        ("file,label\na.png,0\nb.png,-1\n", [":3: the label is '-1'", "numbers from 0"]),
        ("file,label\na.png,0\nb.png,1.0\n", [":3: the label is '1.0'"]),
        ("file,label\na.png,0\nb.png,\u0661\n", [":3: the label is '\u0661'"]),
        ("file,label\na.png,cat\nx.png,cat\ny.png,cat\n", [":3: 'x.png' is not there (and 1 more files)"]),
        ("file,label\nsub,cat\n", [":2: 'sub' is not there"]),
        ("file,label\nsub\\c.png,cat\n", ["'sub\\\\c.png' is not there", "with / between folders"]),
        ("file,label\na.png,cat\nb.png,dog\nsub/../a.png,cat\n", [":4: 'sub/../a.png' is also the file of line 2"]),
        ("file,label\na.png,cat\na.png,dog\n", [":3: 'a.png' is also the file of line 2"]),
        ("file,label\na\0.png,cat\n", [":2: 'a\\x00.png' is no file"]),
        (f"file,label\n{'a' * 5000},cat\n", [":2: ", "is no file"]),
        ('file,label\na.png,"cat\n', ["cannot be read as CSV", "comma-separated UTF-8"]),
        ("file,label\na.png,Kätzchen\n".encode("latin-1"), ["cannot be read as CSV (UnicodeDecodeError"]),
        ("file,label\na.png,cat\n".encode("utf-16"), ["cannot be read as CSV (UnicodeDecodeError"]),
    ],
)
def test_manifests_that_are_refused(manifest: Path, text: str | bytes, words: list[str]) -> None:
    """The error names the file and the line, what was found and the remedy."""
    found = refusal(manifest, text)

    assert found.startswith(f"--failaware-dataset=csv:{manifest}:")
    assert [] == [word for word in words if word not in found]


@pytest.mark.parametrize(
    ("make", "words"),
    [(lambda path: None, ["no such file", "file,label"]), (Path.mkdir, ["cannot be read", "IsADirectoryError"])],
)
def test_a_manifest_that_is_not_there(tmp_path: Path, make: Callable[[Path], None], words: list[str]) -> None:
    """Nothing, or a folder, in its place."""
    make(tmp_path / "list.csv")
    with pytest.raises(DataError) as caught:
        open_dataset(Source(kind=SourceKind.CSV, target=str(tmp_path / "list.csv")), None)

    assert [] == [word for word in [str(tmp_path / "list.csv"), *words] if word not in str(caught.value)]


@pytest.mark.parametrize("name", ["/etc/hostname", "{root}/a.png", "C:\\data\\a.png", "C:a.png", "\\\\host\\x\\a.png"])
def test_absolute_paths(manifest: Path, name: str) -> None:
    """They are refused even below the folder, since another machine has other folders."""
    name = name.format(root=manifest.parent)

    assert f"{manifest}:2: {name!r} is an absolute path" in refusal(manifest, f"file,label\n{name},cat\n")


@pytest.mark.parametrize(
    "name", ["../outside.png", "sub/../../outside.png", "..", "../set2/a.png", "../set/../outside.png"]
)
def test_paths_that_leave_the_folder(manifest: Path, name: str) -> None:
    """A manifest reads nothing beyond its own folder, whether it is there or not."""
    text = refusal(manifest, f"file,label\na.png,cat\n{name},cat\n")

    assert f"{manifest}:3: {name!r} leads out of the folder of the CSV, {manifest.parent.resolve()}" in text


def test_links_that_leave_the_folder(manifest: Path) -> None:
    """Data stores make such links: they are followed, also by way of a folder, and the summary says how many."""
    (manifest.parent / "link.png").symlink_to(manifest.parent.parent / "outside.png")
    (manifest.parent / "up").symlink_to(manifest.parent.parent)
    (manifest.parent / "inside.png").symlink_to("sub/c.png")
    within = opened(manifest, "file,label\ninside.png,cat\nup/set/a.png,cat\n")
    beyond = opened(manifest, "file,label\ninside.png,cat\nlink.png,cat\n")

    assert np.array_equal(PIXELS[2], np.asarray(within.read(0).image))
    assert () == within.notes
    assert np.array_equal(PIXELS[0], np.asarray(beyond.read(1).image))
    assert (f"links lead to 1 image outside of {manifest.parent}",) == beyond.notes


def test_links_to_one_file_elsewhere(manifest: Path) -> None:
    """A store without duplicates keeps equal images as one file: they are two samples, and each is listed once."""
    for name in ("one.png", "two.png"):
        (manifest.parent / name).symlink_to(manifest.parent.parent / "outside.png")

    assert 2 == len(opened(manifest, "file,label\none.png,cat\ntwo.png,cat\n"))
    text = "file,label\none.png,cat\n./one.png,cat\n"
    assert ":3: './one.png' is also the file of line 2" in refusal(manifest, text)


def test_a_manifest_that_git_lfs_has_not_fetched(manifest: Path) -> None:
    """The error says how to fetch it, and so does that of an image."""
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 3\n"
    (manifest.parent / "b.png").write_bytes(pointer)

    assert f"{manifest}: is a Git LFS pointer, not the manifest itself; fetch the file with git lfs pull" in refusal(
        manifest, pointer
    )
    with pytest.raises(DataError, match=r"b\.png \(image 0\): is a Git LFS pointer.* git lfs pull$"):
        opened(manifest, "file,label\nb.png,cat\n").read(0)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="only some systems have such files")
def test_a_pipe_is_no_image(manifest: Path) -> None:
    """Reading it would wait for ever."""
    os.mkfifo(manifest.parent / "pipe.png")

    assert ":2: 'pipe.png' is not there" in refusal(manifest, "file,label\npipe.png,cat\n")


def test_a_link_to_a_listed_file_is_that_file_again(manifest: Path) -> None:
    """Under two names it would count twice."""
    (manifest.parent / "inside.png").symlink_to("sub/c.png")

    assert ":3: 'inside.png' is also the file of line 2" in refusal(
        manifest, "file,label\nsub/c.png,cat\ninside.png,cat\n"
    )


def test_a_circle_of_links(manifest: Path) -> None:
    """It is no file."""
    (manifest.parent / "one").symlink_to("two")
    (manifest.parent / "two").symlink_to("one")
    text = refusal(manifest, "file,label\none,cat\n")

    assert f"{manifest}:2: 'one' is no" in text


def test_a_damaged_image_is_named_with_its_number(manifest: Path) -> None:
    """The error names the path and which image of the manifest it is."""
    (manifest.parent / "b.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    images = opened(manifest, "file,label\na.png,cat\nb.png,cat\n")

    with pytest.raises(DataError, match=r"b\.png \(image 1\): cannot be decoded"):
        images.read(1)
