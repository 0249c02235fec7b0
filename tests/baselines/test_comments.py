"""Comments that people wrote into a baseline stay where they belong when the file is written again."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from five import RULE, measurement_of

from pytest_failaware.baselines.comments import with_comments
from pytest_failaware.baselines.file import read_baseline
from pytest_failaware.baselines.text import baseline_text
from pytest_failaware.baselines.update import update_baseline
from pytest_failaware.core.measurement import Measurement


def update(directory: Path, *measurements: Measurement, drop: tuple[str, ...] = ()) -> None:
    """Store measurements under the name small."""
    update_baseline(directory, "small", [(measurement, RULE) for measurement in measurements], drop=drop)


def edit(directory: Path, *pairs: tuple[str, str]) -> str:
    """Replace each first text by the second in the file, and return the new text."""
    path = directory / "small.yaml"
    text = path.read_text()
    for old, new in pairs:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    path.write_text(text)
    return text


def test_comments_survive_an_update(tmp_path: Path) -> None:
    """Comments above, beside, in lists and at both ends stay, whether or not the value changed."""
    update(tmp_path, measurement_of(), measurement_of(condition="blur"))
    text = edit(
        tmp_path,
        ("schema: 3", "# Owner: the vision team.\n\n# Ask before you accept a loss.\nschema: 2"),
        ("  - dog\n", "  # Not wolves.\n  - dog  # nor foxes\n"),
        ("  clean:\n", "# The contract with product says 90 %.\n  clean:  # see the wiki\n"),
        ("preprocessing: resize=32", "preprocessing: resize=32 # as in training"),
    )
    with (tmp_path / "small.yaml").open("a") as file:
        file.write("# The end.\n")
    update(tmp_path, measurement_of("RRRRR"), measurement_of(condition="low_light"))
    lines = (tmp_path / "small.yaml").read_text().splitlines()

    assert [line.strip() for line in text.splitlines() if "# " in line] + ["# The end."] == [
        line.strip().replace("32  #", "32 #") for line in lines if "# " in line
    ]
    for comment, below in (
        ("# Ask before you accept a loss.", "schema: 3"),
        ("  # Not wolves.", "  - dog  # nor foxes"),
        ("  # The contract with product says 90 %.", "  clean:  # see the wiki"),
    ):
        assert below == lines[lines.index(comment) + 1]
    assert "# The end." == lines[-1]
    baseline = read_baseline(tmp_path, "small")
    assert baseline is not None
    assert {"blur", "clean", "low_light"} == set(baseline.entries)


def test_a_comment_goes_with_its_value(tmp_path: Path) -> None:
    """Only the comment on a deleted entry is deleted."""
    update(tmp_path, measurement_of(), measurement_of(condition="blur"))
    edit(tmp_path, ("  blur:\n", "  # Fast lenses.\n  blur:\n"), ("  clean:\n", "  # By day.\n  clean:\n"))
    update(tmp_path, drop=("blur",))
    text = (tmp_path / "small.yaml").read_text()

    assert ("Fast" in text, "  # By day.\n  clean:\n" in text) == (False, True)


def test_what_only_looks_like_a_comment(tmp_path: Path) -> None:
    """A # in a text is not a comment, and a text of several lines keeps its #."""
    classes = ("#1", "a # b", "x\n# y")
    update(tmp_path, measurement_of(classes=classes))
    edit(tmp_path, ("schema: 3", "schema: 3  # three"))
    update(tmp_path, measurement_of("RRRRR", classes=classes))
    baseline = read_baseline(tmp_path, "small")

    assert baseline is not None
    assert classes == baseline.data.classes
    assert (
        with_comments(baseline_text(baseline), "").replace("schema: 3", "schema: 3  # three", 1)
        == (tmp_path / "small.yaml").read_text()
    )


@pytest.mark.skipif(os.name == "nt", reason="links need rights on Windows")
def test_links_survive_an_update(tmp_path: Path) -> None:
    """The targets of links are written, and nothing is removed from a linked folder."""
    shared, here = tmp_path / "shared", tmp_path / "baselines"
    update(shared, measurement_of())
    other = shared / "small" / "clean-0123456789ab.npz"
    other.touch()
    here.mkdir()
    for name in ("small.yaml", "small"):
        (here / name).symlink_to(shared / name)
    update(here, measurement_of("RRRRR"))

    assert [True, True] == [(here / name).is_symlink() for name in ("small.yaml", "small")]
    assert read_baseline(here, "small") == read_baseline(shared, "small")
    assert "trusted_right: 5" in (shared / "small.yaml").read_text()
    assert other.is_file()
