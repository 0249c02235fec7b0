"""The HTML report: one file with the run, its curves and the worst images."""

from __future__ import annotations

import re

import numpy as np
import pytest
from project import MARKED, Project

OUTSIDE = re.compile(r"""<script|https?:|(?:src|href)=["'](?!data:|#)""")


def test_a_failing_run_with_its_worst_images(project: Project) -> None:
    """The report of a failing run shows verdicts, both curves and flipped images, and loads nothing from elsewhere."""
    project.record()
    result = project.run("--failaware-report=r.html", model="worse.pth")
    text = (project.path / "r.html").read_text(encoding="utf-8")

    result.stdout.fnmatch_lines(["wrote r.html"])
    assert "Reliability failed" in text
    assert "; baseline toy in baselines</li>" in text
    assert str(project.path) not in text
    assert '<td role="cell" class="number" data-label="baseline">60.00%</td>' in text
    assert "baseline: the rule trusts 60.0%, of which 33.3% are wrong" in text
    assert 2 * 8 == text.count('<img src="data:image/png;base64,')
    assert None is OUTSIDE.search(text)


def test_nothing_is_drawn_of_what_cannot_be_compared(project: Project) -> None:
    """The report draws no curve and no flip of a baseline that cannot be compared."""
    project.record()
    project.run("--failaware-report=r.html", "--failaware-preprocess=resize=8", model="worse.pth")
    text = (project.path / "r.html").read_text(encoding="utf-8")

    assert "test_toy[clean]: cannot be compared with baseline &#39;toy&#39;; preprocessing: baseline" in text
    assert 8 == text.count('<svg role="img"')
    assert None is re.search('class="other">(?!not the same measurement: baseline )|baseline: the rule|<img', text)


def test_images_can_be_kept_out(project: Project) -> None:
    """With failaware_html_images = 0 the report has no image and no sample name, and counts the flips in words."""
    project.record()
    project.ini("failaware_html_images = 0")
    project.run("--failaware-report=none.html", model="worse.pth")
    project.run("--failaware-report=two.html", "-o", "failaware_html_images=2", model="worse.pth")
    none, two = ((project.path / name).read_text(encoding="utf-8") for name in ("none.html", "two.html"))

    assert (0, 2 * 2) == (none.count("<img"), two.count("<img"))
    assert "those of the highest confidence now." in none
    named = re.compile(r"<dt>name</dt><dd>item \d+</dd>")
    assert (0, 2 * 2) == (len(named.findall(none)), len(named.findall(two)))
    assert "item " not in none


def test_predictions_made_elsewhere_have_no_images(project: Project) -> None:
    """The report of predictions has curves and counts, but no images."""
    logits = np.tile(np.eye(3, dtype=np.float32) * 5, (40, 1))
    columns = {"sample_id": np.arange(120), "label": np.arange(120) % 3}
    for name, shift in (("before", 0), ("now", 40)):
        answers = logits.copy()
        answers[:shift] = np.roll(answers[:shift], 1, axis=1)
        np.savez(project.path / f"{name}.npz", **columns, logits=answers)
    project.test(MARKED.replace("reliability", "reliability(conditions=['clean'])"))
    project.run("--failaware-predictions=before.npz", "--failaware-update-new", model=None)
    project.run("--failaware-predictions=now.npz", "--failaware-report=r.html", model=None)
    text = (project.path / "r.html").read_text(encoding="utf-8")

    assert "8 of 40, those of the highest confidence now." in text
    assert "<img" not in text
    assert 4 == text.count('<svg role="img"')


@pytest.mark.parametrize("typed", ["-1", "21", "many", "²"])
def test_a_number_of_images_that_is_none(project: Project, typed: str) -> None:
    """A wrong number of images is a usage error."""
    result = project.run("--failaware-report=r.html", "-o", f"failaware_html_images={typed}")

    assert pytest.ExitCode.USAGE_ERROR == result.ret
    result.stderr.fnmatch_lines([f"*failaware_html_images = {typed}: must be a whole number from 0 to 20, got*"])
