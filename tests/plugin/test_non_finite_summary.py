"""A model whose logits are not finite for degraded images: the summary counts them, and a maximum bounds them."""

from __future__ import annotations

import json

import pytest
from project import MARKED, Project

OWN = """
import toy, torch

class Fragile(toy.Bands):
    def forward(self, images):
        logits = super().forward(images)
        logits[(images.amax((1, 2, 3)) * 255).round() == 8] = float("nan")  # dim images under low light
        return logits

def network(num_classes=3): return Fragile(num_classes)
"""


def test_they_are_told_and_bounded(project: Project) -> None:
    """Recorded with a note, unchanged on the second run; a maximum of 0 fails, and a sound model has no note."""
    (project.path / "own.py").write_text(OWN)
    args = ("--failaware-arch=own:network", "--failaware-json=r.json")
    said = "note: 120 of 300 images get logits that are not finite (NaN or infinite); they count as wrong and flagged *"
    recorded = project.record(*args)
    recorded.stdout.fnmatch_lines([f"{said} (low_light)", "2 checked: 2 recorded"])
    project.run(*args).stdout.fnmatch_lines([said, "2 checked: 2 unchanged"])
    rates = json.loads((project.path / "r.json").read_text())["results"][1]["rates"]
    assert (120, 300) == (rates["non_finite_rate"]["numerator"], rates["non_finite_rate"]["denominator"])

    project.test(MARKED.replace("reliability", "reliability(maximum={'non_finite_rate': 0})"))
    bounded = project.run(*args)
    bounded.assert_outcomes(passed=1, failed=1)
    bounded.stdout.fnmatch_lines(["*non_finite_rate: 40.00% (120 of 300), must be <= 0: ABOVE MAXIMUM"])
    assert pytest.ExitCode.TESTS_FAILED == bounded.ret
    assert not project.line_with(project.run(), "not finite")
