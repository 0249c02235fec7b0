"""Trouble while the model runs: logits that are not finite, inputs of another scale, Ctrl-C."""

from __future__ import annotations

import json

import pytest
from project import MARKED, NORMED, Project

FRAGILE = """
import toy, torch

class Fragile(toy.Bands):
    def forward(self, images):
        logits = super().forward(images)
        logits[(images.amax((1, 2, 3)) * 255).round() == 8] = float("nan")  # dim images under low light
        return logits

def network(num_classes=3): return Fragile(num_classes)
"""

INTERRUPTED = """
import toy

class Interrupted(toy.Bands):
    def forward(self, images):
        if images.max() < 0.5:  # under low light
            raise KeyboardInterrupt
        return super().forward(images)

def network(): return Interrupted()
"""


def test_logits_that_are_not_finite(project: Project) -> None:
    """Logits that are not finite are noted, recorded and compared, and a maximum of 0 fails on them."""
    (project.path / "own.py").write_text(FRAGILE)
    args = ("--failaware-arch=own:network", "--failaware-report=r.json")
    said = (
        "note: 120 of 300 samples get logits that are not finite (NaN or infinite); they count as wrong and flagged *"
    )
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


def test_inputs_of_another_scale(project: Project) -> None:
    """Inputs of another scale are noted and do not fail, from the cache too; a right normalisation has no note."""
    (project.path / "own.py").write_text(NORMED)
    args = ("--failaware-arch=own:network", "-W", "error")
    said = "note: the clean inputs are not what the model was trained on: *first batch norm (*narrower*std=0.5*"
    for result in (project.record(*args), project.run(*args)):
        result.assert_outcomes(passed=2)
        result.stdout.fnmatch_lines([said])
    right = project.run(*args, "--failaware-preprocess=mean=0.5,std=0.5")

    assert not project.line_with(right, "trained on")


def test_a_suspicion_on_what_is_stored(project: Project) -> None:
    """A note on wrong inputs is printed with -q if the run stores values, and not if it only compares."""
    (project.path / "own.py").write_text(NORMED)
    said = "note: the clean inputs are not what the model was trained on: *"
    args = ("-q", "--failaware-arch=own:network")
    project.record(*args).stdout.fnmatch_lines([said, "*recorded clean, low_light*"])

    project.run(*args).stdout.no_fnmatch_line(said)


def test_ctrl_c_while_the_model_runs(project: Project) -> None:
    """A run that Ctrl-C ends while the model runs writes nothing, and its summary says so."""
    (project.path / "own.py").write_text(INTERRUPTED)
    project.record()
    before = project.files()
    result = project.record("--failaware-arch=own:network", model="worse.pth")

    assert pytest.ExitCode.INTERRUPTED == result.ret
    result.stdout.fnmatch_lines(["baselines NOT written: the run was interrupted; 1 result* ready"])
    assert before == project.files()
