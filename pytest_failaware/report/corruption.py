"""Corruption summaries as sentences for a run and as a table for `mce`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from pytest_failaware.core.conditions.published import IMAGENET_C, SEVERITIES
from pytest_failaware.core.estimates import Estimate, percent
from pytest_failaware.core.layout import aligned
from pytest_failaware.core.summary import CorruptionError, CorruptionSummary, NormalisedError, NormalisedErrors

_SEVERITIES: Final = f"x {len(SEVERITIES)} severities"


def corruption_sentences(summaries: Sequence[CorruptionSummary]) -> Iterator[str]:
    """Yield the mean corruption error of each summary; with several baselines, each with its name."""
    for summary in summaries:
        whose = f"{summary.model}: " if len(summaries) > 1 else ""
        yield from (f"{whose}{sentence}" for sentence in total_sentences(summary))


def total_sentences(summary: CorruptionSummary, ratios: NormalisedErrors | None = None) -> Iterator[str]:
    """Yield the means of a summary and of its ratios to a reference, each with its corruptions and what is left out."""
    if summary.errors:
        left_out = _left_out(f"{name} (severity {_joined(missing)})" for name, missing in summary.incomplete.items())
        yield f"mean corruption error {_value(summary.mean)} over {_span(summary.errors)}{left_out}"
    if ratios is not None:
        over = f"{_span(ratios.errors)}{_left_out(ratios.left_out)}" if ratios.left_out else "the same"
        means = f"mCE {_value(ratios.mce)}, relative mCE {_value(ratios.relative_mce)}"
        yield f"{means} of {ratios.reference}, over {over}"
    if summary.extra:
        said = ", ".join(f"{error.name} {_value(error.mean)}" for error in summary.extra)
        yield f"apart from these, mean over {len(SEVERITIES)} severities: {said}"


def corruption_table(summary: CorruptionSummary, ratios: NormalisedErrors | None = None) -> list[str]:
    """Return a row per corruption: its errors at five severities, their mean, and its ratios to a reference."""
    by_name = {} if ratios is None else {error.name: error for error in ratios.errors}
    headings = ("corruption", *map(str, SEVERITIES), "mean", *(("CE", "relative CE") if by_name else ()))
    errors = (*summary.errors, *summary.extra)
    return aligned([headings, *(_row(error, by_name, len(headings)) for error in errors)], left=(0,))


def _row(error: CorruptionError, ratios: Mapping[str, NormalisedError], width: int) -> tuple[str, ...]:
    normalised = ratios.get(error.name)
    ours = (error.name, *map(percent, error.rates), percent(error.mean))
    theirs = () if normalised is None else (percent(normalised.ce), percent(normalised.relative_ce))
    return (*ours, *theirs, *[""] * (width - len(ours) - len(theirs)))


def _span(errors: Sequence[CorruptionError] | Sequence[NormalisedError]) -> str:
    """Return `all 15 corruptions of ImageNet-C x 5 severities`, or how many of the 15."""
    every = len(IMAGENET_C)
    counted = f"all {every} corruptions" if len(errors) == every else f"{len(errors)} of the {every} corruptions"
    return f"{counted} of ImageNet-C {_SEVERITIES}"


def _left_out(names: Iterable[str]) -> str:
    listed = ", ".join(names)
    return f"; left out: {listed}" if listed else ""


def _joined(missing: Sequence[int]) -> str:
    return f"{', '.join(map(str, missing))} not measured"


def _value(estimate: Estimate) -> str:
    return percent(estimate) + (f" ({estimate.reason})" if estimate.value is None else "")
