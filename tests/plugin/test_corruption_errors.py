"""mCE of a run and of stored baselines; brightness changes no answer of the toy model, so every error is known."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import jsonschema
import pytest
from five import baseline_of, measurement_of
from project import MARKED, Command, Project

import pytest_failaware
from pytest_failaware.baselines.text import baseline_text
from pytest_failaware.core.baseline import Baseline
from pytest_failaware.core.conditions.spelling import at_size

SCHEMA = json.loads((Path(pytest_failaware.__file__).parent / "report" / "schema.json").read_text(encoding="utf-8"))
BRIGHT = MARKED.replace("reliability", "reliability(conditions=['clean', 'brightness:1..5'])")
OVER = "over 1 of the 15 corruptions of ImageNet-C x 5 severities"
CLASSES = tuple(f"class {number}" for number in range(1000))
FOG = tuple(f"fog:{severity}" for severity in range(1, 6))


def store(project: Project, name: str, letters: str = "RRWW", *, side: int = 32, classes: int = 3) -> Baseline:
    """Write a baseline of clean images, all right, and of fog, without a run."""
    entries = {}
    for key in ("clean", *FOG):
        one = measurement_of("R" * len(letters) if key == "clean" else letters, key, classes=CLASSES[:classes])
        found = baseline_of(dataclasses.replace(one, condition=at_size(one.condition, side, side)), name=name)
        entries |= found.entries
    baseline = dataclasses.replace(found, entries=entries)
    (project.path / "baselines").mkdir(exist_ok=True)
    (project.path / "baselines" / f"{name}.yaml").write_text(baseline_text(baseline), encoding="utf-8")
    return baseline


# ---- the run -------------------------------------------------------------------------------------------------------


def test_a_run_says_its_corruption_errors(project: Project) -> None:
    """A run prints its mean corruption error and reports it; only the command `mce` compares two of them."""
    project.test(BRIGHT)
    project.record().stdout.fnmatch_lines([f"mean corruption error 40.00% {OVER}"])
    worse = project.run("--failaware-report=r.json", "--failaware-report=r.md", model="worse.pth")

    worse.stdout.fnmatch_lines([f"mean corruption error 60.00% {OVER}"])
    worse.stdout.no_fnmatch_line("*mCE*")
    document = json.loads((project.path / "r.json").read_text(encoding="utf-8"))
    jsonschema.validate(document, SCHEMA)
    (summary,) = document["corruption"]
    assert ("toy", 0.6, ["brightness"]) == (
        summary["model"],
        summary["mean"]["value"],
        [error["name"] for error in summary["corruptions"]],
    )
    assert [180] * 5 == [rate["numerator"] for rate in summary["corruptions"][0]["rates"]]
    assert "references" not in summary
    assert "- mean corruption error 60.00% over" in (project.path / "r.md").read_text(encoding="utf-8")


def test_a_part_of_a_corruption_is_none(project: Project) -> None:
    """A corruption without all five severities adds no line and no entry of the corruption error."""
    project.test(BRIGHT.replace("1..5", "1..4"))
    project.run("--failaware-report=r.json").stdout.no_fnmatch_line("*corruption error*")

    assert [] == json.loads((project.path / "r.json").read_text(encoding="utf-8"))["corruption"]


def test_workers_make_one_summary(project: Project) -> None:
    """Severities that different xdist workers measured are summarised as one corruption."""
    pytest.importorskip("xdist")
    project.test(BRIGHT)
    project.record("-p", "no:xdist")

    project.run("-n", "2", model="worse.pth").stdout.fnmatch_lines([f"mean corruption error 60.00% {OVER}"])


# ---- the command ---------------------------------------------------------------------------------------------------


def test_mce_of_a_baseline(project: Project, command: Command) -> None:
    """`mce` prints the error at each severity and the mean; with a reference it adds CE and relative CE."""
    store(project, "small")
    store(project, "other", "RWWW")
    code, text = command("mce", "small")
    lines = text.splitlines()

    assert (0, "small: 4 images, 3 classes; error on clean images 0.00%") == (code, lines[0])
    assert ["fog", *["50.00%"] * 6] == lines[2].split()
    assert [f"mean corruption error 50.00% {OVER}"] == lines[3:]
    text = command("mce", "small", "--reference", "other")[1]
    assert ["fog", *["50.00%"] * 6, "66.67%", "66.67%"] == text.splitlines()[2].split()
    assert "mCE 66.67%, relative mCE 66.67% of baseline 'other', over the same" == text.splitlines()[-1]
    assert text == command("mce", "baselines/small.yaml", "--reference=baselines/other.yaml")[1]
    assert "mCE 100.00%, relative mCE 100.00% of baseline 'small'" in command("mce", "small", "--reference=small")[1]


def test_mce_says_where_preprocessing_differs(project: Project, command: Command) -> None:
    """`mce` has a note if the preprocessing of the two baselines differs."""
    small = store(project, "small")
    other = dataclasses.replace(small, name="other", preprocessing="resize=64")
    (project.path / "baselines" / "other.yaml").write_text(baseline_text(other), encoding="utf-8")

    assert "note: preprocessing differs: resize=64 -> resize=32" in command("mce", "small", "--reference=other")[1]


def test_mce_of_alexnet(project: Project, command: Command) -> None:
    """`alexnet` means the published errors; a stored baseline of that name is chosen by its path."""
    store(project, "big", classes=1000, side=224)
    text = command("mce", "big", "--reference", "alexnet")[1]
    assert "mCE 61.03%, relative mCE 130.02% of AlexNet (published errors), over the same" == text.splitlines()[-1]

    store(project, "alexnet", "WWWW", classes=1000, side=224)
    text = command("mce", "big", "--reference", "alexnet")[1]
    assert "AlexNet (published errors)" in text
    assert text.splitlines()[-1].startswith("note: alexnet means the published errors; for the stored baseline give")
    text = command("mce", "big", "--reference", "baselines/alexnet.yaml")[1]
    assert "mCE 50.00%, relative mCE 50.00% of baseline 'alexnet'" in text


@pytest.mark.parametrize(
    ("reference", "words"),
    [
        (
            "alexnet",
            "--reference alexnet: was published for 1000 classes and images of 224 pixels, small has 3",
        ),
        ("alexnt", "alexnt.yaml: no such baseline; did you mean 'alexnet'? choose from larger, small, alexnet"),
        (
            "larger",
            "--reference larger: cannot be compared with small (other images, 6 there and 4 here; other parameters or "
            "another implementation of fog:1, fog:2, fog:3 and 2 more); record both with the same",
        ),
    ],
)
def test_references_that_are_none(project: Project, command: Command, reference: str, words: str) -> None:
    """A reference that cannot be used ends with exit code 4 and a line with option, value and remedy."""
    store(project, "small")
    store(project, "larger", "RRWWRR", side=64)
    code, text = command("mce", "small", "--reference", reference)

    assert 4 == code
    assert words in text


def test_mce_of_a_baseline_without_a_corruption(project: Project, command: Command) -> None:
    """`mce` of a baseline without a full corruption names the conditions to record."""
    project.record()
    code, text = command("mce", "toy")

    assert (4, True) == (code, text.startswith("error: toy: no corruption was recorded at all five severities"))
    assert "'fog:1..5' or 'imagenet-c'" in text
