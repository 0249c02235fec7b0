"""Two models in one run, drift over many updates, and what a failure says."""

from __future__ import annotations

import pytest
from project import MARKED, Project

CLEAN = MARKED.replace("reliability", "reliability(conditions=['clean'])")
UPDATE = ("--failaware-update-baselines", "--failaware-reason=why")


def test_against_another_model(project: Project) -> None:
    """--failaware-against compares with the records of a second model and neither reads nor writes a baseline."""
    worse = project.run("--failaware-against=good.pth", model="worse.pth")
    worse.assert_outcomes(failed=2)
    worse.stdout.fnmatch_lines(
        ["*test_toy[[]clean]: worse than good.pth allows", "*; against good.pth (sha256 ????????)"]
    )
    worse.stdout.no_fnmatch_line("If this change is intended*")
    same = project.run("--failaware-against=good.pth")
    same.stdout.fnmatch_lines(["2 checked: 2 unchanged"])
    better = project.run("--failaware-against=worse.pth")
    better.stdout.fnmatch_lines(["2 checked: 2 improved"])

    assert not project.baseline.exists()
    assert pytest.ExitCode.USAGE_ERROR == project.record("--failaware-against=good.pth").ret
    assert pytest.ExitCode.USAGE_ERROR == project.run("--failaware-against=absent.pth").ret


def test_a_failure_says_what_it_proves(project: Project) -> None:
    """A failure shows the counts, what they prove and the flips; -v adds the decomposition and the worst flips."""
    project.record()
    brief, long = project.run(model="worse.pth"), project.run("-v", model="worse.pth")

    brief.stdout.fnmatch_lines(
        [
            "retrain, or accept with a reason: test_toy[[]clean]: worse than * allows",
            "  Is the model worse? yes",
            "    accuracy: 60.00% -> 40.00%, -20.00 pt (allowed 0.50 pt): REGRESSED",
            "      on these 300 samples: 180 -> 120; 60 lost, 0 gained",
            "      on samples like these: proven to be more than 0.50 pt worse",
            "        15.87 to 24.89 pt worse (95 %), p 1.3e-14, needed *",
            "  Does the pair of model and rule keep its promise? no*",
            "  hardest hit class: 'bottom', 60.00% -> 0.00% of 100 samples",
            "  flips: 40 of the 60 lost answers were trusted both times",
        ]
    )
    assert "by part" not in brief.stdout.str()
    long.stdout.fnmatch_lines(
        [
            "  confident_accuracy by part: answers -22.22 pt, newly trusted +0.00 pt, no longer +0.00 pt",
            "    item *: '*', before '*' (100%), now '*' (*%), sample *",
        ]
    )


def test_drift_is_refused_until_golden_is_reset(project: Project) -> None:
    """An update fails if the model is proven worse than the first accepted model by more than the budget."""
    project.test(CLEAN)
    project.record()
    before = project.files()
    budget = ("-o", "failaware_drift_budget=0.1")
    for _ in range(2):  # first the stored values are the golden ones, then a copy of them is
        refused = project.run(*UPDATE, *budget, model="worse.pth")
        refused.assert_outcomes(failed=1)
        refused.stdout.fnmatch_lines(
            [
                "*DRIFTED*",
                "*if that is intended, reset the golden reference*",
                "1 checked: 1 drifted",
                "*--failaware-update-baselines*--failaware-reset-golden*",
                "--failaware-reset-golden is in it because the loss since the first accepted values is beyond *",
            ]
        )
        assert before == project.files()
        project.run(*UPDATE, model="worse.pth").assert_outcomes(passed=1)
        assert "golden:" in project.baseline.read_text()
        project.run(*budget, model="worse.pth").stdout.fnmatch_lines(["1 checked: 1 drifted"])
        before = project.files()

    reset = project.run(*UPDATE, *budget, "--failaware-reset-golden", model="worse.pth")
    reset.assert_outcomes(passed=1)
    assert "golden:" not in project.baseline.read_text()
    project.run(*budget, model="worse.pth").stdout.fnmatch_lines(["1 checked: 1 unchanged"])
