"""Manifests, normalised floats and bad images: what the terminal, the reports and the baselines show."""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import jsonschema
import numpy as np
import pytest
import toy
import yaml
from PIL import Image
from project import MARKED, Project

import pytest_failaware
from pytest_failaware.core.identity import sample_ids

SCHEMA = json.loads((Path(pytest_failaware.__file__).parent / "report" / "schema.json").read_text(encoding="utf-8"))
COLOUR = """
import toy

class Colour(toy.Bands):
    def forward(self, images):
        return super().forward(images.mean(1))

def network(num_classes=3):
    return Colour(num_classes)
"""
NORMALISED = """
import pytest, torch, toy

class Floats(toy.Images):
    def __getitem__(self, index):
        image, label = super().__getitem__(index)
        return (torch.from_numpy(image)[None] / 255 - 0.4) / 0.25, label

@pytest.fixture(scope="session")
def failaware_dataset():
    return Floats()
"""

UNTRAINED = "--failaware-reason=untrained"  # values of a model that knows nothing are stored only with a reason


def rows() -> Iterator[tuple[str, str, np.ndarray]]:
    """Yield thirty of the toy images: file, class and pixels."""
    images, labels = toy.arrays()
    for k in range(30):
        yield f"{k:02}.png", toy.CLASSES[labels[k]], images[k]


def write_manifest(path: Path, listed: list[list[str]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([["file", "label", "patient", "site"], *listed])


@pytest.fixture
def listed(project: Project) -> Project:
    """The project with its first thirty images as files and a manifest, read as RGB."""
    project.test(MARKED.replace("reliability", "reliability(conditions=['clean'])"))
    (project.path / "colour.py").write_text(COLOUR)
    (project.path / "data").mkdir()
    for file, _, pixels in rows():
        Image.fromarray(pixels).save(project.path / "data" / file)
    write_manifest(project.path / "data" / "list.csv", [[file, name, "7", "N"] for file, name, _ in rows()])
    project.always = ("--failaware-arch=colour:network", "--failaware-dataset=csv:data/list.csv")
    return project


def test_a_manifest_is_a_data_set(listed: Project) -> None:
    """A manifest is recorded, its unused columns are named, and the order of its rows does not matter."""
    first = listed.record(UNTRAINED)
    first.assert_outcomes(passed=1)
    first.stdout.fnmatch_lines(
        [
            "note: list.csv: columns that are not used: patient, site; --failaware-group names one whose samples *",
            "data csv:data/list.csv: 30 images, 3 classes; preprocess none",
        ]
    )
    shuffled = [[file, name, f"patient {int(file[:2]) // 5}", "S"] for file, name, _ in reversed([*rows()])]
    write_manifest(listed.path / "data" / "list.csv", shuffled)
    again = listed.run("--failaware-group=patient")

    again.assert_outcomes(passed=1)
    again.stdout.fnmatch_lines(
        [
            "note: list.csv: columns that are not used: site",
            "note: tested over the 6 groups of the *",
            "1 checked: 1 unchanged*",
        ]
    )
    assert {"fingerprint", "samples", "samples_sha256", "classes"} == set(
        yaml.safe_load(listed.baseline.read_text())["data"]
    )


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ("--failaware-group=pateint", ["--failaware-group=pateint", "did you mean 'patient'?"]),
        ("--failaware-dataset=csv:list.csv", ["list.csv: no such file"]),
        ("--failaware-dataset=toy:images", ["--failaware-group=patient", "csv:FILE", ".groups"]),
    ],
)
def test_mistakes_around_manifests(listed: Project, option: str, words: list[str]) -> None:
    """A wrong manifest option ends the run in one line, also if the data set has no columns."""
    listed.ini("failaware_group = patient")
    result = listed.run(option)

    result.assert_outcomes(errors=1)
    assert pytest.ExitCode.USAGE_ERROR == result.ret
    assert listed.line_with(result, *words)
    assert "Traceback" not in result.stdout.str()


def damage(project: Project) -> None:
    """Cut two of the images short."""
    for name in ("03.png", "11.png"):
        path = project.path / "data" / name
        path.write_bytes(path.read_bytes()[:50])


def test_bad_images_fail_by_default(listed: Project) -> None:
    """A run names the first bad image and fails; with skip:1 two bad images are named and fail too."""
    damage(listed)
    paths = [f"data/{name}" for name in ("03.png (image 3)", "11.png (image 11)")]
    for options, words in (
        ((), [paths[0], "cannot be decoded"]),
        (("--failaware-bad-samples=skip:1",), ["=skip:1: at least 2 images cannot be used", *paths]),
    ):
        result = listed.record(*options)

        result.assert_outcomes(errors=1)
        assert pytest.ExitCode.USAGE_ERROR == result.ret
        assert listed.line_with(result, *words)
        assert not listed.baseline.exists()


def test_bad_images_that_are_left_out_are_counted(listed: Project) -> None:
    """The summary, the JSON report and the baseline count the bad images, and another count is incomparable."""
    damage(listed)
    listed.ini("failaware_bad_samples = skip:5")
    recorded = listed.record(UNTRAINED, "--failaware-report=r.json")
    recorded.assert_outcomes(passed=1)
    recorded.stdout.fnmatch_lines(
        ["note: 2 bad images were left out, as --failaware-bad-samples allows: 03.png, 11.png", "data *: 28 images, *"]
    )
    document = json.loads((listed.path / "r.json").read_text())
    jsonschema.validate(document, SCHEMA)
    assert 2 == document["results"][0]["measurement"]["data"]["skipped"]
    stored = yaml.safe_load(listed.baseline.read_text())["data"]
    assert (28, 2) == (stored["samples"], stored["skipped"])
    listed.run().assert_outcomes(passed=1)

    kept = [[file, name, "", ""] for file, name, _ in rows() if file not in ("03.png", "11.png")]
    write_manifest(listed.path / "data" / "list.csv", kept)
    other = listed.run()

    other.assert_outcomes(failed=1)
    other.stdout.fnmatch_lines(["  bad images left out: baseline 2, now 0"])
    assert "samples: " not in other.stdout.str().replace("bad images left out: ", "")
    listed.record("--failaware-reason=the bad ones are gone").assert_outcomes(passed=1)
    assert "skipped" not in listed.baseline.read_text()


def test_a_flip_names_its_file(listed: Project) -> None:
    """The terminal at -v, the JSON and the HTML report name the file of a flip, also if images were left out."""
    gate = "reliability(conditions=['clean'], maximum={'confident_negative_flip_rate': 0})"
    listed.test(MARKED.replace("reliability", gate))
    damage(listed)
    listed.ini("failaware_bad_samples = skip:5")
    listed.record(UNTRAINED)
    result = listed.run("-v", "--failaware-report=r.json", "--failaware-report=r.html", model="worse.pth")
    document = json.loads((listed.path / "r.json").read_text())
    jsonschema.validate(document, SCHEMA)
    flips, labels = document["results"][0]["change"]["worst"], {file: name for file, name, _ in rows()}
    keys = [hashlib.sha256((listed.path / "data" / flip["name"]).read_bytes()).digest() for flip in flips]
    page = (listed.path / "r.html").read_text(encoding="utf-8")

    assert sample_ids(keys, [flip["label"] for flip in flips]).tolist() == [flip["sample_id"] for flip in flips]
    assert [labels[flip["name"]] for flip in flips] == [flip["label"] for flip in flips]
    assert {"13.png", "28.png"} == {flip["name"] for flip in flips}  # bright, lowest band, labelled top
    first = flips[0]
    result.stdout.fnmatch_lines(
        [f"    {first['name']}: 'top', before 'top' (*), now 'middle' (*), sample {first['sample_id']}"]
    )
    assert f'alt="{first["name"]}, which shows top"' in page
    assert f"<dt>name</dt><dd>{first['name']}</dd>" in page


def test_normalised_floats_are_the_grey_levels_that_they_came_from(project: Project) -> None:
    """Normalised floats are converted back to the uint8 images, and wrong mean or std values are refused."""
    numbers = "--failaware-preprocess=mean=0.4,std=0.25"
    project.record(numbers)
    (project.path / "conftest.py").write_text(NORMALISED)
    same = project.run(numbers)

    same.assert_outcomes(passed=2)
    same.stdout.fnmatch_lines(
        [
            "note: failaware_dataset: float32 images were converted back to uint8, exactly in every pixel",
            "2 checked: 2 unchanged",
        ]
    )
    other = project.run("--failaware-preprocess=mean=0.4,std=0.26")
    other.assert_outcomes(errors=2)
    assert pytest.ExitCode.USAGE_ERROR == other.ret
    assert project.line_with(
        other, "failaware_dataset: item 0: cannot convert float32 back to uint8", "mean=0.4, std=0.26"
    )
