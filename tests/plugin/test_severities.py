"""Severities, suites and the user's functions in a gate, and the commands that list and show them."""

from __future__ import annotations

from fnmatch import fnmatch

import numpy as np
import pytest
from PIL import Image
from project import MARKED, Command, Project


def gate(project: Project, *conditions: str) -> None:
    """Mark the project's test with these conditions."""
    project.test(MARKED.replace("reliability", f"reliability(conditions={list(conditions)!r})"))


def test_a_range_is_an_item_per_severity(project: Project) -> None:
    """Each severity of a range is one item, stored with the strength that is published for this image size."""
    gate(project, "fog:2..3", "clean")
    project.record().assert_outcomes(passed=3)
    stored = project.stored()

    assert ["clean", "fog:2", "fog:3"] == sorted(stored)
    assert {"published_for_px": 32.0, "thickness": 0.75, "decay": 2.5} == stored["fog:3"]["parameters"]  # type: ignore[index]
    assert project.sample_file("fog:3").name.startswith("fog-3-")
    result = project.run("-k", "fog")
    result.assert_outcomes(passed=2, deselected=1)
    result.stdout.fnmatch_lines(["2 checked: 2 unchanged*"])


def test_another_table_is_not_compared(project: Project) -> None:
    """A severity at another image size is incomparable, since it has another strength, and both are named."""
    gate(project, "fog:3")
    project.record()
    (project.path / "big.py").write_text(BIG)

    project.run("--failaware-preprocess=resize=64", "--failaware-arch=big:network").stdout.fnmatch_lines(
        ["*parameters: baseline {'published_for_px': 32.0,*now {'published_for_px': 64.0,*"]
    )


BIG = """
import toy

class Big(toy.Bands):
    def forward(self, images):
        return super().forward(images[..., ::8, ::8])

network = Big
"""
RAIN = """
def fall(images, strength, random):
    draws = random.uint16(images[0].numel()).reshape(images.shape)
    return images.masked_fill(draws < strength["share"] * 65536, 255)

def shrink(images, strength, random):
    return images[..., ::2]

level = 3
"""


def test_a_function_of_ones_own(project: Project) -> None:
    """A user's function is a condition with the name of its module and its numbers, and any batch size."""
    (project.path / "rain.py").write_text(RAIN)
    gate(project, "rain:fall(share=0.5)", "rain:fall(share=0)", "clean")
    project.record("--failaware-batch-size=7").assert_outcomes(passed=3)
    stored = project.stored()

    assert {"share": 0.5} == stored["rain:fall(share=0.5)"]["parameters"]  # type: ignore[index]
    assert stored["clean"]["cells"] == stored["rain:fall(share=0)"]["cells"]  # type: ignore[index]
    assert stored["clean"]["cells"] != stored["rain:fall(share=0.5)"]["cells"]  # type: ignore[index]
    project.run().stdout.fnmatch_lines(["4 checked: 4 unchanged*"])  # with the mean


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        ("rain:shrink", "condition rain:shrink: its function must return images of the same shape"),
        ("rain:level", "conditions=rain:level: is a int; name a function(images, strength, random)"),
        ("rain:fal", "did you mean 'fall'?"),
        ("reign:fall", "conditions=reign:fall: no module named 'reign'"),
        ("rain:fall", "KeyError"),
    ],
)
def test_a_function_that_cannot_be_used(project: Project, condition: str, words: str) -> None:
    """A function that cannot be used fails in one line, and the other conditions are measured."""
    (project.path / "rain.py").write_text(RAIN)
    gate(project, condition, "clean")
    result = project.record()

    result.stdout.fnmatch_lines([f"*{words}*"])
    assert "Traceback" not in result.stdout.str()
    result.assert_outcomes(passed=1, errors=1)


def test_a_mistake_gets_the_list(project: Project) -> None:
    """A misspelt condition in a marker is a collection error with the closest name and a list of all."""
    gate(project, "motion_blurr:2")

    project.run().stdout.fnmatch_lines(["*unknown condition 'motion_blurr'; did you mean 'motion_blur'? choose from*"])


def test_the_list_of_conditions(command: Command) -> None:
    """`conditions` prints one line for each condition with its parameters, and then the suites."""
    code, text = command("conditions")
    lines = text.splitlines()

    assert 0 == code
    assert next(line for line in lines if line.startswith("fog ")).split() == [
        *("fog", "1..5", "random", "thickness", "(0..10),", "decay", "(1..10)")
    ]
    assert "blur radius=2 (0..64 px)" == " ".join(next(line for line in lines if line.startswith("blur ")).split())
    assert "imagenet-c: 15 corruptions at severities 1 to 5, or at one as in imagenet-c:3" in lines


def test_a_preview(project: Project, command: Command) -> None:
    """`preview` writes a sheet with a row for each corruption and a column for each severity."""
    pixels = np.random.default_rng(0).integers(0, 256, (32, 40, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(project.path / "cat.png")
    code, text = command("preview", "cat.png")

    assert (0, "cat-preview.png: cat.png at 32 x 32 pixels under 104 conditions\n") == (code, text)
    with Image.open(project.path / "cat-preview.png") as sheet:
        assert (5 * (128 + 6) + 6, 21 * (128 + 14 + 6) + 6) == sheet.size


def test_a_preview_of_some(project: Project, command: Command) -> None:
    """`preview` shows only the conditions that are named, at the size that is named."""
    Image.new("RGB", (300, 300), (10, 200, 30)).save(project.path / "green.png")
    words = ("--size", "130", "--output", "sheet.png", "--conditions", "clean", "fog:1..2")

    assert "sheet.png: green.png at 130 x 130 pixels under 3 conditions\n" == command("preview", "green.png", *words)[1]
    with Image.open(project.path / "sheet.png") as sheet:
        assert (10, 200, 30) == sheet.getpixel((50, 50))


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("none.png",), "error: none.png: cannot be read (*No such file*); check its name and rights"),
        (("text.png",), "error: text.png: cannot be decoded (no PNG, JPEG, WebP, BMP, GIF, TIFF or PPM image)*"),
        (
            ("text.png", "--conditions", "precomputed/fog:1"),
            "error: --conditions: precomputed/* names images of a data set*",
        ),
        (("text.png", "--output", "none/x.png"), "error: --output: the folder none does not exist; create it first"),
        (("text.png", "--size", "1025"), "error: --size: must be at most 1,024 pixels a side, got 1,025"),
        (("text.png", "--conditions", "fog:9"), "error: --conditions: 'fog:9': write 1 to 5*"),
    ],
)
def test_a_preview_that_cannot_be_made(
    project: Project, command: Command, words: tuple[str, ...], complaint: str
) -> None:
    """A preview that cannot be made is one line with the file or option and the remedy, and writes nothing."""
    (project.path / "text.png").write_text("no picture")
    code, text = command("preview", *words)

    assert 4 == code
    assert fnmatch(text.strip(), complaint)
    assert not list(project.path.glob("*preview*"))
