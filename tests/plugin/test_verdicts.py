"""The life of a gate: missing, recorded, unchanged, regressed, updated."""

from __future__ import annotations

import pytest
import yaml
from project import CELLS, Project


def test_a_missing_baseline_fails_and_names_the_command(project: Project) -> None:
    """A run without a baseline fails, writes nothing, and prints the command that records."""
    result = project.run()

    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines(
        [
            "*test_toy[[]clean]: no entry 'clean' in baseline 'toy', so nothing was compared*",
            "no entry in baseline 'toy': clean, low_light",
            "2 checked: 2 missing",
            "  pytest --failaware-model=good.pth --failaware-update-new",
        ]
    )
    assert not project.baseline.exists()


def test_record_then_check(project: Project) -> None:
    """The recorded counts are those computed by hand, and the same model passes as unchanged."""
    recorded = project.record()
    recorded.assert_outcomes(passed=2)
    recorded.stdout.fnmatch_lines(["2 checked: 2 recorded", "*toy.yaml: recorded clean, low_light; review*"])
    stored = yaml.safe_load(project.baseline.read_text())

    assert CELLS == stored["conditions"]["clean"]["cells"]
    assert CELLS == stored["conditions"]["low_light"]["cells"]
    checked = project.run()
    checked.assert_outcomes(passed=2)
    checked.stdout.fnmatch_lines(["2 checked: 2 unchanged"])


def test_a_worse_model_fails_with_the_counts(project: Project) -> None:
    """A worse model fails with the counts before and now and the metrics that regressed."""
    project.record()
    result = project.run(model="worse.pth")

    result.assert_outcomes(failed=2)
    assert pytest.ExitCode.TESTS_FAILED == result.ret
    result.stdout.fnmatch_lines(
        [
            "*test_toy[[]clean]: worse than baseline 'toy' allows",
            "    accuracy: 60.00% -> 40.00%, -20.00 pt (allowed 0.50 pt): REGRESSED",
            "      on these 300 samples: 180 -> 120; 60 lost, 0 gained",
            "*2 checked: 2 regressed",
            "If this change is intended*",
        ]
    )
    assert "Traceback" not in result.stdout.str()
    assert "test_toy.py:" not in result.stdout.str().split("short test summary")[0].split("FAILURES")[1]


def test_an_improvement_passes_and_is_shown(project: Project) -> None:
    """A better model than the stored one passes with the verdict improved."""
    project.run("--failaware-update-baselines", model="worse.pth")
    result = project.run()

    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(["*accuracy*improved*", "2 checked: 2 improved"])


def test_updates_rewrite_only_what_changed(project: Project) -> None:
    """An update with the same values changes no file at any batch size, and other values replace only their entry."""
    project.record()
    before = project.files()
    named = [project.sample_file(key) for key in ("samples", "clean", "low_light")]
    assert {"toy.yaml", *(f"toy/{path.name}" for path in named)} == set(before)
    for batch_size in ("1", "7", "64"):
        again = project.record(f"--failaware-batch-size={batch_size}")
        again.stdout.fnmatch_lines(["2 checked: 2 unchanged", "*nothing written"])
        assert before == project.files()

    updated = project.record("-k", "clean", model="worse.pth")
    updated.assert_outcomes(passed=1, deselected=1)
    updated.stdout.fnmatch_lines(["1 checked: 1 updated", "*toy.yaml: updated clean; review*"])
    after = project.files()
    kept = f"toy/{project.sample_file('low_light').name}"
    assert before[kept] == after[kept]
    entries = [yaml.safe_load(files["toy.yaml"][0])["conditions"]["low_light"] for files in (before, after)]
    assert entries[0] == entries[1]


def test_bounds_hold_without_a_baseline_and_in_updates(project: Project) -> None:
    """A value outside a literal bound fails and is not written, and a value equal to the bound passes."""
    project.test(
        """
        import pytest

        @pytest.mark.reliability(conditions=["clean"], minimum={"accuracy": 0.6, "confident_accuracy": 0.67})
        def test_below(): pass

        AT = {"minimum": {"accuracy": 0.6}, "maximum": {"silent_failure_rate": 0.2}}

        @pytest.mark.reliability(conditions=["low_light"], **AT)
        def test_at(): pass
        """.replace("\n        ", "\n")
    )
    result = project.record()

    result.assert_outcomes(failed=1, passed=1)
    result.stdout.fnmatch_lines(
        ["  confident_accuracy (right / trusted): 66.67% (120 of 180), must be >= 0.67: BELOW MINIMUM"]
    )
    assert ["low_light"] == list(yaml.safe_load(project.baseline.read_text())["conditions"])


def test_incomparable_is_neither_a_regression_nor_a_pass(project: Project) -> None:
    """A run with another preprocessing is incomparable, and the failure names both values."""
    project.record()
    result = project.run("--failaware-preprocess=mean=0.5,std=0.5")

    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines(
        [
            "not comparable with baseline 'toy': preprocessing: baseline 'none', now 'mean=0.5, std=0.5'",
            "2 checked: 2 incomparable",
        ]
    )


def test_the_founding_table_as_csv(project: Project) -> None:
    """A CSV report has one row for each condition, with the columns of the default table."""
    project.run("--failaware-report=table.csv").stdout.fnmatch_lines(["wrote *table.csv"])

    expected = (
        "Condition,Accuracy (All),Failure Rate,Accuracy (Confident Only),Accuracy (Failure Region)\n"
        "clean,0.600000,0.400000,0.666667,0.500000\n"
        "low_light,0.600000,0.400000,0.666667,0.500000\n"
    )
    assert expected == (project.path / "table.csv").read_text()


def test_the_founding_table_as_a_picture(project: Project) -> None:
    """An SVG report draws the default table, also for a failing run."""
    project.record()
    project.run("--failaware-report=table.svg", model="worse.pth").stdout.fnmatch_lines(["wrote *table.svg"])
    picture = (project.path / "table.svg").read_text(encoding="utf-8")

    assert "Accuracy (All) 40.00%, Flagged 40.00%, Accuracy (Confident Only) 44.44%" in picture
