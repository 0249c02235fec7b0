"""compare() judges what `evaluate` returned against a stored baseline, with the verdicts and words of the gate."""

from __future__ import annotations

from html import escape

import pytest
from project import Project

from pytest_failaware import Evaluations, FailAwareError, compare, evaluate


def evaluated(project: Project, model: str, conditions: tuple[str, ...] = ("clean", "low_light")) -> Evaluations:
    """Evaluate a checkpoint of the project under the conditions of its ini file."""
    return evaluate(
        model=str(project.path / model),
        arch="toy:network",
        dataset="toy:images",
        preprocess="none",
        conditions=conditions,
    )


@pytest.fixture
def recorded(project: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    """Return the project with a baseline of its good model."""
    project.record()
    monkeypatch.chdir(project.path)
    monkeypatch.syspath_prepend(project.path)
    return project


def test_the_same_model_is_unchanged(recorded: Project) -> None:
    """The same model is unchanged against its baseline, which is named by a path or by its name."""
    good = evaluated(recorded, "good.pth")
    for baseline in ("baselines/toy.yaml", recorded.path / "baselines" / "toy.yaml", "toy"):
        judgements = compare(good, baseline)
        assert {"clean": "unchanged", "low_light": "unchanged"} == dict(judgements)
        assert (True, "") == (judgements.passed, judgements.failure)
        assert "<Judgements: baseline 'toy': 2 checked: 2 unchanged>" == repr(judgements)


def test_a_worse_model_fails_in_the_words_of_the_gate(recorded: Project) -> None:
    """A worse model gets the verdicts, the text of the failure and the table of the gate."""
    judgements = compare(evaluated(recorded, "worse.pth"), "toy")
    run = recorded.run("-v", model="worse.pth").stdout.str()

    assert ({"clean": "regressed", "low_light": "regressed"}, False) == (dict(judgements), judgements.passed)
    act = "retrain, or accept with a reason"
    assert f"{act}: clean: worse than baseline 'toy' allows" == judgements.failure.splitlines()[0]
    shared = [line for line in judgements.failure.splitlines()[1:] if not line.startswith(f"{act}: low_light: ")]
    assert [] == [line for line in shared if line.strip() not in run]
    assert str(judgements).splitlines()[1].split()[:4] == ["condition", "metric", "baseline", "now"]
    assert judgements.failure in str(judgements)
    assert "item " == judgements.results[0].change.worst[0].name[:5]


def test_a_frame_of_what_was_compared(recorded: Project) -> None:
    """The data frame has one row for each condition and metric, with numbers instead of texts."""
    frame = compare(evaluated(recorded, "worse.pth"), "toy").to_frame()
    row = frame[(frame.condition == "clean") & (frame.metric == "accuracy")].iloc[0]

    assert 10 == len(frame)  # the class guard is red, too
    assert (0.6, 0.4, 0.005, "regressed") == (row.baseline, pytest.approx(row.now), row.allowed, row.verdict)


def test_a_bound_stands_in_the_frame(recorded: Project) -> None:
    """The row of a bound has the bound as a number and no value of a baseline."""
    worse = compare(evaluated(recorded, "worse.pth"), "toy", maximum={"silent_failure_rate": "0.01"})
    frame = worse.to_frame()
    row = frame[(frame.condition == "clean") & (frame.verdict == "above_maximum")].iloc[0]

    assert ("silent_failure_rate", True, 0.01) == (row.metric, row.isna().baseline, row.allowed)


def test_arguments_of_the_marker(recorded: Project) -> None:
    """The marker's arguments change the gate, except those that `evaluate` decided, and a misspelt one is an error."""
    worse = evaluated(recorded, "worse.pth")

    assert compare(worse, "toy", metrics=["accuracy"], tolerance=0.5, class_guard="off").passed
    assert {"accuracy"} == set(compare(worse, "toy", metrics="accuracy", class_guard="off").to_frame().metric)
    assert "above_maximum" == compare(worse, "toy", tolerance=0.9, maximum={"silent_failure_rate": 0.01})["clean"]
    for name in ("conditions", "seed"):
        with pytest.raises(FailAwareError, match=f"compare: {name}: was set by evaluate"):
            compare(worse, "toy", **{name: 1})
    with pytest.raises(FailAwareError, match="compare: tolerence: unknown argument; did you mean 'tolerance'"):
        compare(worse, "toy", tolerence=0.1)


def test_what_cannot_be_compared_fails(recorded: Project) -> None:
    """A condition without an entry has a row with the verdict MISSING, and a missing baseline is an error."""
    judgements = compare(evaluated(recorded, "good.pth", ("clean", "blur")), "toy")

    assert {"clean": "unchanged", "blur": "missing"} == dict(judgements)
    assert "blur: no entry 'blur' in baseline 'toy', so nothing was compared" in judgements.failure
    assert ["blur", "MISSING"] == next(
        line for line in str(judgements).splitlines() if line.startswith("blur ")
    ).split()
    with pytest.raises(FailAwareError, match=r"other\.yaml: no such baseline; choose from toy"):
        compare(evaluated(recorded, "good.pth"), "baselines/other.yaml")


def test_judgements_are_neither_true_nor_false(recorded: Project) -> None:
    """Judgements have no truth value, since `assert compare(…)` would otherwise pass for regressions."""
    with pytest.raises(TypeError, match=r"neither true nor false; ask for \.passed"):
        assert compare(evaluated(recorded, "worse.pth"), "toy")


def test_a_notebook_gets_the_table_and_the_failures(recorded: Project) -> None:
    """A notebook shows the table and the failures as escaped HTML, since a class can have any name."""
    html = compare(evaluated(recorded, "worse.pth"), "toy")._repr_html_()

    assert "<p>baseline &#x27;toy&#x27;: 2 checked: 2 regressed</p><table>" == html[: html.index("<thead>")]
    assert "<pre>retrain, or accept with a reason: clean: worse than baseline &#x27;toy&#x27; allows" in html


def test_notes_of_what_passes(recorded: Project) -> None:
    """A passing judgement has a note that names the changed rule once for all conditions."""
    judgements = compare(evaluated(recorded, "good.pth"), "toy", rule="confidence < 0.7")

    assert judgements.passed
    change = "rule changed: confidence < 0.6 or entropy > 1.0 -> confidence < 0.7"
    assert 1 == str(judgements).count(change)
    assert 1 == judgements._repr_html_().count(f"<p>{escape(change)}</p>")
