"""The proof of a failed comparison: for these samples, and for other samples like them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pytest_failaware.core.estimates import Estimate, Score, Value, percent
from pytest_failaware.core.result import (
    BoundCheck,
    Comparison,
    CoverageWay,
    Evidence,
    ItemResult,
    Judged,
    SeedSpread,
    Verdict,
)
from pytest_failaware.report.words import allowed, difference, spelled

WAYS: Final = {
    CoverageWay.THRESHOLDS: "both stored thresholds scaled",
    CoverageWay.TEMPERATURE: "one temperature, stored thresholds",
    CoverageWay.NEW_RULE: "both new thresholds scaled",
}
"""How the coverage of the baseline is reached, in words."""


def proof(comparison: Judged, result: ItemResult) -> Iterator[str]:
    """Yield what holds for these images, and what that proves for other images like them."""
    if isinstance(comparison, BoundCheck) or comparison.evidence is None:
        return
    evidence, reference = comparison.evidence, comparison.reference
    samples = result.change.samples if result.change else result.stats.cells.samples
    if isinstance(reference, Estimate) and isinstance(comparison.current, Estimate):
        flips = _flips(evidence, comparison.current.numerator - reference.numerator)
        of = "answers of all conditions" if result.is_mean else "samples"
        yield f"on these {samples:,} {of}: {_sides(reference, comparison.current, samples)}{flips}"
    if evidence.seeds is not None:
        yield beside_seeds(comparison, evidence.seeds)
    said, p = claim(comparison, evidence)
    yield f"{'on samples like these' if evidence.seeds is None else 'as one more seed of the recipe'}: {said}"
    sure = "" if evidence.low is None else " (95 %)"
    yield f"  {interval(evidence, comparison.current)}{sure}, p {p}, needed {evidence.level:.2g}"


def beside_seeds(comparison: Comparison, seeds: SeedSpread) -> str:
    """Return a value that is worse than those of a recipe, beside the range of its seeds.

    `over_chance` is a ratio of variances, so that 1 means that seeds differ by chance alone.
    """
    now = spelled(comparison.current)
    low, high = (spelled(Score(value=end, is_rate=comparison.current.is_rate)) for end in (seeds.low, seeds.high))
    return (
        f"worse than this recipe usually is: {now}, its {seeds.count} seeds {low.removesuffix('%')} to {high}; their "
        f"variance is {seeds.over_chance:.1f} times that of chance"
    )


def _flips(evidence: Evidence, change: int) -> str:
    """Return how many samples changed each way; the sign of `change` decides whether more counted samples are worse."""
    if evidence.lost is None or evidence.gained is None:
        return ""
    if evidence.lost == evidence.gained:
        return f"; {evidence.lost:,} changed each way"
    more, less = ("new", "gone") if change == evidence.lost - evidence.gained else ("lost", "gained")
    return f"; {evidence.lost:,} {more}, {evidence.gained:,} {less}"


def _sides(before: Estimate, now: Estimate, samples: int) -> str:
    """Return both sides as counts."""
    over_all = before.denominator == now.denominator == samples
    return " -> ".join(f"{side.numerator:,}" if over_all else counts(side) for side in (before, now))


def ways(evidence: Evidence) -> Iterator[tuple[str, str, str]]:
    """Yield each way to the coverage of the baseline in words, the rate that it gives, and its p."""
    for way in evidence.ways:
        yield WAYS[way.way], f"{percent(way.current)} ({counts(way.current)})", p_value(way.p_beyond)


def claim(comparison: Comparison, evidence: Evidence) -> tuple[str, str]:
    """Return what a failed comparison proves or does not prove, with its p."""
    limit = allowed(comparison)
    if comparison.verdict is Verdict.NOT_SHOWN:
        return f"not shown to be at most {limit} worse", p_value(evidence.p_within)
    if evidence.p_beyond < evidence.level:
        return f"proven to be more than {limit} worse", p_value(evidence.p_beyond)
    return f"proven to be worse; more than {limit} only on these", p_value(evidence.p_worse)


def interval(evidence: Evidence, of: Value) -> str:
    """Return the interval of a drop with 95 % confidence, in words: a sign would mean different things per metric."""
    if evidence.low is None or evidence.high is None:
        return "too few samples to tell"
    low, high = (difference(abs(end), of).removeprefix("+") for end in (evidence.low, evidence.high))
    if evidence.low >= 0:
        return f"{low.removesuffix(' pt')} to {high} worse"
    if evidence.high <= 0:
        return f"{high.removesuffix(' pt')} to {low} better"
    return f"{low} better to {high} worse"


def loss(comparison: Judged) -> float:
    """Return the least loss, with 95 % confidence; 0 if no loss is proven."""
    return comparison.evidence.low or 0.0 if comparison.evidence else 0.0


def badness(result: ItemResult) -> tuple[int, float]:
    """Return the key that sorts results, the worst first: the verdict, then the largest loss of gates with it."""
    losses = [loss(comparison) for comparison in result.comparisons if comparison.verdict is result.verdict]
    return result.verdict.severity, -max(losses, default=0.0)


def p_value(p: float) -> str:
    """Return a p with two digits."""
    return f"{p:.2g}" if p else "below 1e-300"


def counts(estimate: Estimate) -> str:
    """Return a rate as its two counts."""
    return f"{estimate.numerator:,} of {estimate.denominator:,}"
