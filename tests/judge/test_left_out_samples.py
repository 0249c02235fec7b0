"""How many bad images a run left out belongs to its data: it is stored where there were any, and compared."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from five import RULE, measurement_of

from pytest_failaware.baselines.entries import baseline_of
from pytest_failaware.baselines.reading import parse_baseline
from pytest_failaware.baselines.text import baseline_text
from pytest_failaware.baselines.update import update_baseline
from pytest_failaware.config.gate import build_gate
from pytest_failaware.core.errors import BaselineError
from pytest_failaware.core.measurement import Measurement
from pytest_failaware.core.reference import Reference
from pytest_failaware.core.result import Verdict
from pytest_failaware.judge.verdict import Terms, judge


def with_skipped(count: int) -> Measurement:
    """The five samples, after so many others were left out."""
    now = measurement_of()
    data = dataclasses.replace(now.provenance.data, skipped=count)
    return dataclasses.replace(now, provenance=dataclasses.replace(now.provenance, data=data))


def test_the_count_is_stored_where_there_is_one() -> None:
    """A baseline without the key reads as none left out, so older files stay as they are."""
    none, two = (baseline_text(baseline_of(with_skipped(count), RULE, "small")) for count in (0, 2))

    assert "skipped" not in none
    assert "\n  skipped: 2\n  classes:\n" in two
    assert none == two.replace("  skipped: 2\n", "")
    assert (0, 2) == tuple(parse_baseline(text, "small.yaml", "small").data.skipped for text in (none, two))


@pytest.mark.parametrize("value", ["-1", "two", "1.5", "true"])
def test_a_count_that_is_none(value: str) -> None:
    """An invalid count is refused with its line."""
    text = baseline_text(baseline_of(with_skipped(2), RULE, "small")).replace("skipped: 2", f"skipped: {value}")

    with pytest.raises(BaselineError, match=r"small\.yaml:7: data\.skipped must be"):
        parse_baseline(text, "small.yaml", "small")


@pytest.mark.parametrize(("stored", "now"), [(0, 2), (2, 0), (2, 3)])
def test_another_count_is_incomparable(stored: int, now: int) -> None:
    """Another count is incomparable, even if the remaining images are the same."""
    measured = with_skipped(now)
    result = judge(
        measured,
        Reference(
            name="small",
            key=measured.condition.key,
            baseline=baseline_of(with_skipped(stored), RULE, "small"),
            records=measured.records,
        ),
        build_gate({}),
        Terms(nodeid="t"),
    )

    assert Verdict.INCOMPARABLE is result.verdict
    assert (f"bad images left out: baseline {stored}, now {now}",) == result.differences


def test_predictions_do_not_tell_how_many_were_left_out() -> None:
    """On neither side: images measured here beside a baseline that predictions wrote are comparable."""
    measured, predicted = with_skipped(2), with_skipped(0)
    predicted = dataclasses.replace(predicted, provenance=dataclasses.replace(predicted.provenance, environment={}))
    for one, other in ((measured, predicted), (predicted, measured)):
        stored = baseline_of(other, RULE, "small")
        result = judge(
            one,
            Reference(name="small", key=one.condition.key, baseline=stored, records=other.records),
            build_gate({}),
            Terms(nodeid="t"),
        )

        assert () == result.differences


def test_an_update_stores_another_count(tmp_path: Path) -> None:
    """The same outcome with another count is a change of the file; the same count is none."""
    for count, changes in ((2, True), (2, False), (0, True)):
        before = (tmp_path / "small.yaml").read_text() if (tmp_path / "small.yaml").exists() else ""
        update_baseline(tmp_path, "small", [(with_skipped(count), RULE)])

        assert changes == (before != (tmp_path / "small.yaml").read_text())
