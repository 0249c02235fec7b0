"""The pooled verdict: one test over all conditions of a marked test, by the mean of each sample's scores.

A loss that all conditions share can be too small for the gate of each condition. Dependence between conditions is no
trouble, because the scores of a sample are averaged before they are tested. Opens no file.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import numpy as np

from pytest_failaware.core.condition import MEAN
from pytest_failaware.core.estimates import Cells, ConditionStats, Estimate, Score, Value
from pytest_failaware.core.gate import POOLED, Gate
from pytest_failaware.core.levels import FEWEST_POOLED
from pytest_failaware.core.pooled import Reached, SeedShare, Share
from pytest_failaware.core.result import Comparison, CoverageWay, Evidence, ItemResult, Verdict
from pytest_failaware.core.samples import Samples
from pytest_failaware.judge.coverage import reached, reached_by
from pytest_failaware.judge.evidence import mean_evidence
from pytest_failaware.judge.metrics.rates import cell_rates
from pytest_failaware.judge.outcomes import Mask
from pytest_failaware.judge.policy import decide
from pytest_failaware.judge.recipe.evidence import ways_of
from pytest_failaware.judge.recipe.means import RecipeMean
from pytest_failaware.judge.recipe.seeds import Recipe
from pytest_failaware.judge.sentences import judgement
from pytest_failaware.judge.sides import Sides
from pytest_failaware.judge.significance.means import paired_mean
from pytest_failaware.judge.significance.ratios import PairedRatio
from pytest_failaware.judge.significance.units import Units

_ACCURACY, _RANKING = POOLED
_Tested = tuple[Value, Value, Fraction, Evidence, str]
"""The mean before and now, the exact drop, the evidence and a note."""


def share_of(sides: Sides, condition: str) -> Share:
    """Return what a condition adds to the pooled verdict."""
    samples = sides.now.records.samples
    return Share(
        condition=condition,
        samples=_hash_of(samples),
        groups=samples.groups,
        right_before=sides.before.right,
        trusted_before=sides.before.trusted,
        right_now=sides.now.right,
        ways=tuple(_reached(sides)) if sides.makes_promise else (),
        seeds=() if sides.recipe is None else tuple(_seeds(sides, sides.recipe)),
    )


def _reached(sides: Sides) -> Iterator[Reached]:
    """Yield what each way reaches: the coverage of the baseline, or of the recipe."""
    if sides.recipe is None:
        yield from reached(sides)
        return
    for way in ways_of(sides, sides.recipe):
        side = sides.now if way is CoverageWay.NEW_RULE else sides.now_as_before
        yield reached_by(way, side, sides.recipe.coverage)


def _seeds(sides: Sides, recipe: Recipe) -> Iterator[SeedShare]:
    for seed in recipe.seeds:
        ways = [reached_by(way, seed, recipe.coverage) for way in ways_of(sides, recipe) if recipe.makes_promise]
        yield SeedShare(right=seed.right, trusted=seed.trusted, ways=tuple(ways))


def _hash_of(samples: Samples) -> str:
    return hashlib.sha256(b"".join(column.tobytes() for column in samples.columns.values())).hexdigest()


def pooled_result(results: Sequence[ItemResult], shares: Sequence[Share], gate: Gate, nodeid: str) -> ItemResult | None:
    """Return the pooled verdict of a marked test: regressed, passed, or unchanged if all conditions are unchanged.

    It is None if only the ranking is pooled and too few conditions have one.

    Args:
        results: the results of all declared conditions.
        shares: what these conditions add, in the same order, on the same samples.
        gate: the gate of the test.
        nodeid: the id of the pooled verdict.
    """
    comparisons = tuple(pooled(shares, gate))
    if not comparisons:
        return None
    worst = min((comparison.verdict for comparison in comparisons), key=lambda verdict: verdict.severity)
    same = all(result.verdict is Verdict.UNCHANGED for result in results)
    first = results[0]
    return ItemResult(
        nodeid=nodeid,
        baseline=first.baseline,
        rule=first.rule,
        stored_rule=first.stored_rule,
        levels=first.levels,
        stats=_together(results),
        comparisons=comparisons,
        verdict=Verdict.UNCHANGED if same else worst,
        is_against=first.is_against,
        test=first.test,
        location=first.location,
    )


def _together(results: Sequence[ItemResult]) -> ConditionStats:
    """Return the counts of all conditions together, and their rates."""
    counts = [result.stats.cells for result in results]
    cells = Cells(**{name: sum(getattr(count, name) for count in counts) for name in Cells.__slots__})
    return ConditionStats(condition=MEAN, cells=cells, rates=cell_rates(cells))


def pooled(shares: Sequence[Share], gate: Gate) -> Iterator[Comparison]:
    """Yield the comparison of the mean of each pooled metric that gates.

    The ranking is averaged over the conditions in which the baseline has one, and left out if these are fewer than
    three: which they are depends on the baseline alone.
    """
    units = _units(shares[0])
    gate = gate.against_recipe if shares[0].seeds else gate
    if _ACCURACY in gate.pooled:
        yield _comparison(_ACCURACY, gate, _accuracy(shares, units, gate))
    ranked = [share for share in shares if share.ways]
    if _RANKING in gate.pooled and len(ranked) >= FEWEST_POOLED:
        yield _comparison(_RANKING, gate, _ranking(ranked, len(shares), units, gate))


def _units(share: Share) -> Units:
    """Return the independent units of the samples; their ids and labels play no part in it."""
    count = len(share.right_now)
    return Units.of(
        Samples(ids=np.arange(count, dtype=np.uint64), labels=np.zeros(count, np.uint16), groups=share.groups)
    )


def _comparison(name: str, gate: Gate, tested: _Tested) -> Comparison:
    """Return the comparison of a mean; it is regressed or passed, because other verdicts are for a person to act on."""
    reference, current, drop, evidence, note = tested
    verdict = decide(gate.policy, evidence, drop, Fraction(gate.allowed(name)))
    return Comparison(
        metric=name,
        reference=reference,
        current=current,
        allowed=gate.allowed(name),
        verdict=Verdict.REGRESSED if verdict is Verdict.REGRESSED else Verdict.PASSED,
        note=note,
        evidence=evidence,
    )


# ---- accuracy ------------------------------------------------------------------------------------------------------


def _accuracy(shares: Sequence[Share], units: Units, gate: Gate) -> _Tested:
    everything = np.ones(len(shares[0].right_now), dtype=np.bool_)
    if shares[0].seeds:
        return _against_recipe(RecipeMean.of_accuracy(shares, units), _ACCURACY, gate)
    rates = [_ratio((share.right_before, everything), (share.right_now, everything), units) for share in shares]
    evidence = mean_evidence(paired_mean(rates, [0.0] * len(rates)), *_terms(_ACCURACY, gate))
    before, now = (
        Estimate(numerator=sum(map(int, counts)), denominator=len(shares) * len(everything))
        for counts in ([share.right_before.sum() for share in shares], [share.right_now.sum() for share in shares])
    )
    drop = Fraction(before.numerator - now.numerator, before.denominator)
    return before, now, drop, evidence, ""


def _terms(name: str, gate: Gate) -> tuple[Decimal, float]:
    return gate.allowed(name), gate.levels.pooled


# ---- the ranking ---------------------------------------------------------------------------------------------------


def _ranking(shares: Sequence[Share], declared: int, units: Units, gate: Gate) -> _Tested:
    """Return the mean ranking in the way with the weakest proof; a way counts only if all conditions have it."""
    by_way = [{way.way: way for way in share.ways} for share in shares]
    ways = [way for way in CoverageWay if all(way in of_share for of_share in by_way)]
    notes = [judgement.THRESHOLDS_ALONE] if CoverageWay.TEMPERATURE not in ways else []
    notes += [judgement.ranked_in(len(shares), declared)] if len(shares) < declared else []
    if shares[0].seeds:
        of_ways = [_against_recipe(RecipeMean.of_ranking(shares, way, units), _RANKING, gate) for way in ways]
    else:
        of_ways = [_of_way(shares, [of_share[way] for of_share in by_way], units, gate) for way in ways]
    before, now, drop, evidence, _ = max(of_ways, key=lambda tested: tested[3].p_beyond)
    whole = replace(evidence, p_worse=max(tested[3].p_worse for tested in of_ways))
    return before, now, drop, whole, "; ".join(notes)


def _of_way(shares: Sequence[Share], ways: Sequence[Reached], units: Units, gate: Gate) -> _Tested:
    pairs = zip(shares, ways, strict=True)
    rates = [_ratio(_trusted(share), (way.right, way.trusted), units) for share, way in pairs]
    evidence = mean_evidence(paired_mean(rates, [way.right_at_threshold for way in ways]), *_terms(_RANKING, gate))
    before, now = _mean_rate(map(_trusted, shares)), _mean_rate((way.right, way.trusted) for way in ways)
    return _score(before), _score(now), before - now, evidence, ""


def _trusted(share: Share) -> tuple[Mask, Mask]:
    return share.right_before & share.trusted_before, share.trusted_before


def _ratio(before: tuple[Mask, Mask], now: tuple[Mask, Mask], units: Units) -> PairedRatio:
    (good, counted), (new_good, new_counted) = (
        tuple(mask.astype(np.float64) for mask in side) for side in (before, now)
    )
    return PairedRatio(before=(good, counted), now=(new_good, new_counted), units=units)


def _mean_rate(sides: Iterable[tuple[Mask, Mask]]) -> Fraction:
    """Return the exact mean of the right answers among the trusted ones."""
    rates = [Fraction(int(right.sum()), int(trusted.sum())) for right, trusted in sides]
    return sum(rates, Fraction(0)) / len(rates)


def _against_recipe(mean: RecipeMean, name: str, gate: Gate) -> _Tested:
    """Return the mean beside that of the seeds, by the moderated t over the mean of each seed."""
    tolerance, level = _terms(name, gate)
    evidence = mean.evidence(tolerance, level)
    before, now = mean.spread.mean, mean.now
    return Score(value=before, is_rate=True), Score(value=now, is_rate=True), Fraction(before - now), evidence, ""


def _score(mean: Fraction) -> Score:
    return Score(value=float(mean), is_rate=True)
