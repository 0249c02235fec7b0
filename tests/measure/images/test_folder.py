"""Folders of images: the files that count, the targets of links, and names that are not UTF-8."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pytest_failaware.core.conditions.spelling import parse_condition
from pytest_failaware.core.errors import BadImageError, DataError
from pytest_failaware.core.text import spelled
from pytest_failaware.measure.images.decoding import build_store
from pytest_failaware.measure.images.folder import FolderImages
from pytest_failaware.measure.images.map_style import adopt_dataset
from pytest_failaware.measure.images.precomputed import Precomputed

PIXELS = np.random.default_rng(0).integers(0, 256, (6, 5, 3), dtype=np.uint8)
NO_UTF8 = os.fsdecode(b"caf\xe9")


def same(image: Image.Image) -> Image.Image:
    return image


def write(path: Path) -> Path:
    """An image there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(PIXELS).save(path, "PNG")
    return path


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Two classes, three images; beside them, elsewhere, two more."""
    for name in ("data/cat/1.png", "data/cat/sub/2.png", "data/dog/3.png", "store/4.png", "store/5.png"):
        write(tmp_path / name)
    return tmp_path / "data"


def names(root: Path) -> list[str]:
    images = FolderImages(root)
    return [Path(images.name(k)).as_posix() for k in range(len(images))]


def refusal(root: Path) -> str:
    with pytest.raises(DataError) as caught:
        FolderImages(root)
    text = str(caught.value)
    assert text.startswith(f"--failaware-dataset=folder:{root}: ")
    assert "\n" not in text
    return text.removeprefix(f"--failaware-dataset=folder:{root}: ")


def test_the_order_of_files(root: Path) -> None:
    """It is that of their paths, part by part, as Python sorts them."""
    for name in ("cat/sub.png", "cat/sub a/x.png", "cat/sub-/x.png", "cat/10.png", "cat/sub/0.png"):
        write(root / name)
    found = names(root)

    assert [path.relative_to(root).as_posix() for path in sorted(root.rglob("*.png"))] == found
    assert 8 == len(found)


# ---- links ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("target", ["..", ".", "../..", "../../..", "/", "../../data", "../cat"])
def test_links_that_lead_back(root: Path, target: str) -> None:
    """Their images would count again and again."""
    (root / "cat" / "loop").symlink_to(target)

    assert f"the link {Path('cat', 'loop')} leads back to a folder that holds it; remove it" == refusal(root)


def test_a_link_that_leads_to_itself(root: Path) -> None:
    """The error is that of the system."""
    (root / "cat" / "loop").symlink_to("loop")

    assert "cannot be listed (OSError" in refusal(root)


def test_a_loop_by_way_of_another_folder(root: Path) -> None:
    """A link out of the data set, and one there that leads back."""
    (root / "cat" / "out").symlink_to(root.parent / "store")
    (root.parent / "store" / "back").symlink_to(root)

    assert "leads back to a folder that holds it" in refusal(root)


@pytest.mark.parametrize(
    ("link", "target", "first", "second"),
    [
        ("dog/a.png", "../cat/1.png", "cat/1.png", "dog/a.png"),
        ("cat/0.png", "1.png", "cat/0.png", "cat/1.png"),
        ("dog/more", "../cat/sub", "cat/sub", "dog/more"),
        ("eel", "cat", "cat", "eel"),
    ],
)
def test_one_file_under_two_names(root: Path, link: str, target: str, first: str, second: str) -> None:
    """It would count twice, so both names are given."""
    (root / link).symlink_to(target)

    assert f"{Path(second)} and {Path(first)} are the same and would count twice" in refusal(root)


def test_two_links_to_one_file_elsewhere(root: Path) -> None:
    """A store without duplicates keeps equal images as one file: they are two samples, as two copies are."""
    before = len(FolderImages(root))
    for name in ("cat/a.png", "dog/b.png"):
        (root / name).symlink_to(root.parent / "store" / "4.png")

    assert before + 2 == len(FolderImages(root))


def test_links_to_files_elsewhere(root: Path) -> None:
    """Links of data stores to files, folders and whole classes are followed, and one line reports them."""
    assert () == FolderImages(root).notes
    (root / "dog" / "a.png").symlink_to(root.parent / "store" / "4.png")
    one = FolderImages(root).notes
    (root / "dog" / "a.png").unlink()
    (root / "eel").symlink_to(root.parent / "store")
    images = FolderImages(root)

    assert (f"links lead to 1 image outside of {root}",) == one
    assert (f"links lead to 2 images outside of {root}",) == images.notes
    assert (("cat", "dog", "eel"), 5) == (images.classes, len(images))
    assert images.notes == build_store(images, same).notes


def test_the_folder_itself_may_be_a_link(root: Path) -> None:
    """Nothing lies outside of it then."""
    link = root.parent / "link"
    link.symlink_to(root)

    assert (names(root), ()) == (names(link), FolderImages(link).notes)


def test_hard_links_are_copies(root: Path) -> None:
    """Two samples of one content, as two copies are: a file system that saves room changes nothing."""
    copies = root.parent / "copies" / "cat"
    linked = root.parent / "linked" / "cat"
    for place in (copies, linked):
        write(place / "1.png")
    (copies / "2.png").write_bytes((copies / "1.png").read_bytes())
    os.link(linked / "1.png", linked / "2.png")
    stores = [build_store(FolderImages(place.parent), same) for place in (copies, linked)]

    assert 2 == stores[0].facts.samples
    assert stores[0].facts == stores[1].facts


# ---- files that are none, and other files --------------------------------------------------------------------------


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="only some systems have such files")
def test_a_pipe_is_refused(root: Path) -> None:
    """Reading it would wait for ever; under a name that is no image's it does not count."""
    os.mkfifo(root / "cat" / "notes.txt")
    assert 3 == len(names(root))
    os.mkfifo(root / "store.png")
    (root / "cat" / "0.png").symlink_to(root / "store.png")

    assert f"{Path('cat', '0.png')} is neither a file nor a folder; remove it" == refusal(root)


@pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="only some systems have such files")
def test_a_socket_is_refused(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a pipe is."""
    monkeypatch.chdir(root)  # the name of a socket must be short
    with socket.socket(socket.AF_UNIX) as one:
        one.bind("cat/0.png")

        assert "is neither a file nor a folder" in refusal(root)


def test_files_that_are_left_out_for_their_suffix(root: Path) -> None:
    """One line says how many, and the first three; hidden files and files beside the class folders do not count."""
    (root / "README.txt").write_text("no class")
    (root / "cat" / ".hidden").write_text("hidden")
    (root / "cat" / "a.heic").write_text("another format")
    one = FolderImages(root).notes
    for name in ("b.avif", "c.eps", "sub/d"):
        (root / "cat" / name).write_text("another")
    several = FolderImages(root).notes
    formats = "because the suffix is not of PNG, JPEG, WebP, BMP, GIF, TIFF or PPM"

    assert (f"1 file in the class folders is left out, {formats}: {Path('cat', 'a.heic')}",) == one
    shown = ", ".join(str(Path("cat", name)) for name in ("a.heic", "b.avif", "c.eps"))
    assert (f"4 files in the class folders are left out, {formats}: {shown} and 1 more",) == several


# ---- names that are no UTF-8 ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("cat", "cat"),
        ("Kätzchen ✓ \U0001f600", "Kätzchen ✓ \U0001f600"),
        ("caf\udce9", "caf\\udce9"),
        ("\ud83d", "\\ud83d"),
        ("\\xff", "\\xff"),
    ],
)
def test_spelled(name: str, text: str) -> None:
    """Only what cannot be written is written otherwise."""
    assert text == spelled(name)
    assert text.encode("utf-8")


@pytest.fixture
def odd(tmp_path: Path) -> Path:
    """A class folder and a file whose names are not UTF-8, if the file system allows it."""
    try:
        write(tmp_path / "data" / NO_UTF8 / f"{NO_UTF8}.png")
    except (OSError, UnicodeError):
        pytest.skip("the file system knows UTF-8 alone")
    write(tmp_path / "data" / "dog" / "1.png")
    return tmp_path / "data"


def test_names_that_are_no_utf8(odd: Path) -> None:
    """They can be sent to other processes and written to files, and the files are opened by their real path."""
    execnet = pytest.importorskip("execnet")
    images = FolderImages(odd)
    store = build_store(images, same)
    sent = (images.classes, [images.name(k) for k in range(2)], store.facts.classes)

    assert sent == execnet.loads(execnet.dumps(sent))
    assert ("caf\\udce9", "dog") == images.classes
    assert str(Path("caf\\udce9", "caf\\udce9.png")) == images.name(0)


def test_errors_with_names_that_are_no_utf8(odd: Path) -> None:
    """They can be written, too."""
    (odd / NO_UTF8 / f"{NO_UTF8}.png").write_bytes(b"no image")
    with pytest.raises(BadImageError) as caught:
        FolderImages(odd).read(0)

    shown = Path("caf\\udce9", "caf\\udce9.png")
    assert f"{shown} (image 0): cannot be decoded" in str(caught.value)
    (odd / NO_UTF8 / f"{NO_UTF8}.png").unlink()
    assert "the class folder 'caf\\\\udce9' has no image" in refusal(odd)


def test_two_class_folders_that_are_written_alike(odd: Path) -> None:
    """One name means one class."""
    write(odd / "caf\\udce9" / "1.png")

    assert "two class folders are written 'caf\\\\udce9'; rename the folder whose name is not UTF-8" in refusal(odd)


def test_a_folder_of_corrupted_images_has_the_same_names(odd: Path) -> None:
    """The files there are found by their real names as well."""
    images = FolderImages(odd)
    for k in range(2):
        write(odd.parent / "stored" / "fog" / "1" / images.file(k))
    found = Precomputed(odd.parent / "stored", images, build_store(images, same), same)

    assert 2 == found.store(parse_condition("precomputed/fog:1", "test")).facts.samples


def test_class_names_of_other_data_sets() -> None:
    """torchvision takes them from folders as well."""

    class Named(list[object]):
        classes = (NO_UTF8, ("dog", NO_UTF8))

    assert ("caf\\udce9", "dog, caf\\udce9") == adopt_dataset(Named([(PIXELS, 0)]), "here").classes
