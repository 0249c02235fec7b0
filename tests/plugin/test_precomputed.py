"""Corrupted images that are read from a folder: the arrays of CIFAR-10-C and the folders of ImageNet-C."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import toy
from PIL import Image
from project import MARKED, Project

from pytest_failaware import evaluate
from pytest_failaware.core.conditions.spelling import parse_condition
from pytest_failaware.core.errors import DataError
from pytest_failaware.measure.images.decoding import build_store
from pytest_failaware.measure.images.folder import FolderImages
from pytest_failaware.measure.images.map_style import adopt_dataset
from pytest_failaware.measure.images.precomputed import Precomputed

CONDITIONS = "reliability(conditions=['precomputed/dust:1..2', 'clean'])"


def write_arrays(project: Project, **changes: np.ndarray) -> None:
    """Write dust.npy with five severities, the second one black, and labels.npy; `changes` replace an array."""
    images, labels = toy.arrays()
    dusty = np.stack([images, images * 0, images, images, images]).reshape(-1, *images.shape[1:])
    folder = project.path / "stored"
    folder.mkdir(exist_ok=True)
    for name, array in {"dust": dusty, "labels": np.tile(labels, 5), **changes}.items():
        np.save(folder / f"{name}.npy", array)


@pytest.fixture(name="gated")
def _gated(project: Project) -> Project:
    project.test(MARKED.replace("reliability", CONDITIONS))
    project.ini("failaware_precomputed = stored")
    write_arrays(project)
    return project


def test_an_array_holds_five_severities(gated: Project) -> None:
    """Each severity of an array is a condition whose content is stored; here the first equals the clean images."""
    gated.record().assert_outcomes(passed=3)
    stored = gated.stored()

    assert stored["clean"]["cells"] == stored["precomputed/dust:1"]["cells"]  # type: ignore[index]
    assert stored["clean"]["cells"] != stored["precomputed/dust:2"]["cells"]  # type: ignore[index]
    assert ["content"] == list(stored["precomputed/dust:1"]["parameters"])  # type: ignore[index]
    assert "precomputed-dust-2-" in gated.sample_file("precomputed/dust:2").name
    gated.run("--failaware-batch-size=7").stdout.fnmatch_lines(["4 checked: 4 unchanged*"])
    gated.run("--failaware-limit=50").assert_outcomes(passed=4)


def test_other_content_is_not_compared(gated: Project) -> None:
    """A baseline is not comparable after the content of a precomputed file changed."""
    gated.record()
    images, _ = toy.arrays()
    write_arrays(gated, dust=np.tile(images // 2, (5, 1, 1)))

    gated.run().stdout.fnmatch_lines(["*parameters: baseline {'content': *}, now {'content': *}*"])


def test_another_order_is_other_content(gated: Project) -> None:
    """The same rows in another order are other content, since each row belongs to one clean image."""
    gated.record()
    images, _ = toy.arrays()
    images[[0, 1]] = images[[1, 0]]  # both have the same label
    write_arrays(gated, dust=np.tile(images, (5, 1, 1)))

    gated.run().stdout.fnmatch_lines(["*parameters: baseline {'content': *}, now {'content': *}*"])


def test_evaluate_takes_the_folder(gated: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """`evaluate` takes the folder of precomputed images as an argument."""
    monkeypatch.chdir(gated.path)
    network = toy.network()
    network.load_state_dict(toy.weights())
    found = evaluate(
        model=network,
        dataset=toy.Images(),
        preprocess="none",
        conditions=["clean", "precomputed/dust:1"],
        precomputed="stored",
    )

    assert found["clean"].stats.cells == found["precomputed/dust:1"].stats.cells


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"dust": np.zeros((1500, 1, 8, 8), dtype=np.uint8)}, "dust.npy: must be uint8*got uint8 (1500, 1, 8, 8)"),
        ({"labels": np.full(1500, -1)}, "has the label -1"),
        ({"dust": np.zeros((300, 8, 8), dtype=np.uint8)}, "dust.npy: must be uint8 (1500, height, width, channels)*"),
        ({"dust": np.zeros((1500, 8, 8))}, "dust.npy: must be uint8*got float64 (1500, 8, 8)"),
        ({"dust": np.zeros((1500, 9, 9), dtype=np.uint8)}, "(9, 9, 1) (height, width, channels) after*(8, 8, 1)*"),
        ({"labels": np.zeros(1500, dtype=int)}, "the labels differ from those of --failaware-dataset in its order*"),
        (
            {"labels": 2 - np.tile(toy.arrays()[1], 5)},
            "*in its order; only the order of the classes differs (label 0 there is 2 here); use the same set",
        ),
        ({"labels": np.zeros(3, dtype=int)}, "labels.npy: must be 1,500 whole numbers, got int64 (3,)"),
    ],
)
def test_an_array_that_does_not_fit(gated: Project, changes: dict[str, np.ndarray], words: str) -> None:
    """An array that does not fit fails in one line with file, shape and remedy, and clean images are measured."""
    write_arrays(gated, **changes)
    result = gated.record()

    result.assert_outcomes(passed=1, errors=2)
    result.stdout.fnmatch_lines([f"*{words}*"])


def test_nothing_there(gated: Project) -> None:
    """A missing file is reported with the names that the folder has, and a broken file with the reason."""
    (gated.path / "stored" / "dust.npy").rename(gated.path / "stored" / "mist.npy")
    gated.record().stdout.fnmatch_lines(["*precomputed/dust:1*has neither dust.npy nor dust/1; it has mist"])
    (gated.path / "stored" / "dust.npy").write_text("no array")
    gated.record().stdout.fnmatch_lines(["*dust.npy: cannot be read as an array (*); write it with numpy.save"])


def test_no_folder_given(project: Project) -> None:
    """Without a folder the error names the option; without a severity it shows how to write the condition."""
    project.test(MARKED.replace("reliability", CONDITIONS))
    project.record().stdout.fnmatch_lines(["*precomputed/dust:1 needs --failaware-precomputed=DIR*"])
    project.test(MARKED.replace("reliability", "reliability(conditions=['precomputed/dust'])"))
    project.record().stdout.fnmatch_lines(["*cannot read 'precomputed/dust'; write it as in 'precomputed/fog:3'*"])


def test_a_folder_repeats_the_files(tmp_path: Path) -> None:
    """A folder must have a file for each clean image, with any suffix, and a missing file is named."""
    random = np.random.default_rng(0)
    for name in ("cat/1.png", "cat/2.png", "dog/1.png"):
        for folder, suffix in (("clean", ".png"), ("made/fog/3", ".jpg" if "2" in name else ".png")):
            path = (tmp_path / folder / name).with_suffix(suffix)
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(random.integers(0, 256, (9, 9, 3), dtype=np.uint8)).save(path)
    images = FolderImages(tmp_path / "clean")
    clean = build_store(images, lambda image: image)
    fog = parse_condition("precomputed/fog:3", "test")
    found = Precomputed(tmp_path / "made", images, clean, lambda image: image).store(fog)

    assert np.array_equal(clean.sample_id, found.sample_id)
    for row, name in enumerate(("cat/1.png", "cat/2.jpg", "dog/1.png")):
        with Image.open(tmp_path / "made" / "fog" / "3" / name) as image:
            assert np.array_equal(np.asarray(image), found.images[row])
    (tmp_path / "made" / "fog" / "3" / "dog" / "1.png").unlink()
    with pytest.raises(DataError, match=r"1\.png: there is no such file; the folder must repeat the files"):
        Precomputed(tmp_path / "made", images, clean, lambda image: image).store(fog)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (np.zeros(5, dtype=np.uint8), r"dust\.npy: must be uint8 \(5, height, width, channels\).* got uint8 \(5,\)"),
        (np.zeros((5, 9, 9), dtype=np.uint8), r"dust\.npy: an image has 9 x 9 pixels, the limit is 80; write smaller"),
        (b"version https://git-lfs.github.com/spec/v1\noid 0\n", r"dust\.npy: is a Git LFS pointer.* pull$"),
        ("archive", r"dust\.npy: is an archive of several arrays"),
    ],
    ids=["flat", "large", "lfs", "archive"],
)
def test_files_that_are_no_such_array(
    tmp_path: Path, content: np.ndarray | bytes | str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that is not an array of images is refused before an image is read from it."""
    monkeypatch.setattr("pytest_failaware.measure.images.precomputed.IMAGE_PIXELS", 80)
    path = tmp_path / "dust.npy"
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif isinstance(content, str):
        with path.open("wb") as file:
            np.savez(file, images=np.zeros(3))
    else:
        np.save(path, content)
    images = adopt_dataset([(np.zeros((9, 9), dtype=np.uint8), 0)], "here")
    clean = build_store(images, lambda image: image)

    with pytest.raises(DataError, match=words):
        Precomputed(tmp_path, images, clean, lambda image: image).store(parse_condition("precomputed/dust:1", "test"))
