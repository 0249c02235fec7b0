"""The baselines that an update refuses, and the sentences on them."""

from __future__ import annotations

import dataclasses

import pytest
from judged import result

from pytest_failaware.baselines.refusals import refused_updates
from pytest_failaware.core.request import UpdateMode, Writing
from pytest_failaware.core.result import ItemResult, Verdict


def judged(condition: str, verdict: Verdict) -> ItemResult:
    """Return an item whose only metric has the same verdict."""
    plain = result(condition, verdict)
    return dataclasses.replace(
        plain, comparisons=tuple(dataclasses.replace(one, verdict=verdict) for one in plain.comparisons)
    )


DRIFTED, WORSE = judged("clean", Verdict.DRIFTED), judged("blur", Verdict.REGRESSED)
READY, SAME = judged("low_light", Verdict.UPDATED), judged("fog", Verdict.UNCHANGED)
NEW = judged("snow", Verdict.RECORDED)
DRIFT, LOSS = "the new values of clean drifted from the golden reference", "the new values of blur are worse than the"
BOTH = '--failaware-reset-golden --failaware-reason="why"'


@pytest.mark.parametrize(
    ("results", "reason", "words"),
    [
        ([DRIFTED], "", f"{DRIFT}; if that is meant, add {BOTH}"),
        ([DRIFTED], "meant", f"{DRIFT}; if that is meant, add --failaware-reset-golden"),
        ([DRIFTED, SAME], "meant", f"{DRIFT}; if that is meant, add --failaware-reset-golden"),
        (
            [DRIFTED, READY],
            "meant",
            f"{DRIFT}; if that is meant, add --failaware-reset-golden; not written either: low_light",
        ),
        (
            [READY, NEW, DRIFTED],
            "meant",
            f"{DRIFT}; if that is meant, add --failaware-reset-golden; not written either: low_light, snow",
        ),
        ([DRIFTED, WORSE], "", f"{DRIFT} and {LOSS} stored ones; if that is meant, add {BOTH}"),
        ([WORSE], "", f'{LOSS} stored ones; if that is meant, add --failaware-reason="why"'),
        (
            [WORSE, READY],
            "",
            f'{LOSS} stored ones; if that is meant, add --failaware-reason="why"; not written either: low_light',
        ),
    ],
)
def test_why_a_baseline_is_not_written(results: list[ItemResult], reason: str, words: str) -> None:
    """One sentence names all missing options and all values that are not written."""
    found = refused_updates(results, Writing(update=UpdateMode.ALL, reason=reason))
    assert {"toy": f"baseline 'toy' NOT written: {words}"} == found


@pytest.mark.parametrize(
    ("results", "writing"),
    [
        ([READY, SAME, NEW], Writing(update=UpdateMode.ALL)),
        ([DRIFTED, NEW], Writing(update=UpdateMode.MISSING)),
        ([WORSE, READY], Writing(update=UpdateMode.ALL, reason="meant")),
        ([DRIFTED, WORSE], Writing(update=UpdateMode.NOTHING)),
    ],
)
def test_what_needs_no_option(results: list[ItemResult], writing: Writing) -> None:
    """Equal values, new values and a run that keeps stored values need no option."""
    assert {} == refused_updates(results, writing)


def test_another_baseline_is_written() -> None:
    """Only the baseline with the drifted condition is refused."""
    other = dataclasses.replace(READY, baseline="other")
    assert ["toy"] == list(refused_updates([DRIFTED, other], Writing(update=UpdateMode.ALL, reason="meant")))


def test_what_was_not_written_is_not_called_updated() -> None:
    """Items and metrics that were not written lose the verdict updated; other verdicts stay."""
    for verdict in Verdict:
        unwritten = judged("clean", verdict).unwritten
        expected = Verdict.NOT_WRITTEN if verdict in (Verdict.UPDATED, Verdict.RECORDED) else verdict
        assert {expected} == {unwritten.verdict, *(one.verdict for one in unwritten.comparisons)}
