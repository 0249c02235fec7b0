"""A failed item -> the text of its failure: the short version, and the rest at -v; every line fits 100 columns."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pytest_failaware.report.words import allowed, comparison_cells, reference_name, short_name
from pytest_failaware.schema import Comparison, Estimate, Evidence, ItemResult, SampleChange, Verdict

_FLIPS: Final = 5  # shown at -v


def failure_lines(result: ItemResult, *, verbosity: int = 0) -> Iterator[str]:
    """What fell, by how much, on how many images, what that proves, why, and what to do; more of it at -v."""
    name, reference = short_name(result), reference_name(result)
    if result.verdict is Verdict.MISSING:
        yield f"{name}: no entry {result.stats.condition!r} in {reference}, so nothing was compared"
        yield "  record it with --failaware-update-new, and commit the file"
    elif result.verdict is Verdict.INCOMPARABLE:
        yield f"{name}: cannot be compared with {reference}"
    else:
        yield f"{name}: worse than {reference} allows, on {result.stats.cells.samples:,} images"
    yield from (f"  {difference}" for difference in result.differences)
    for comparison in sorted(result.comparisons, key=lambda one: one.verdict.severity):
        if comparison.verdict.fails:
            yield f"  {_sentence(comparison)}"
            yield from (f"    {line}" for line in _proof(comparison, result))
    if result.change is not None:
        yield from (f"  {line}" for line in _changes(result.change, everything=verbosity > 0))
    yield from (f"  {note}" for note in result.notes)
    yield from (f"  {line}" for line in _remedy(result))
    if result.causes and result.verdict is not Verdict.MISSING:
        yield f"  what else changed: {'; '.join(result.causes)}"


def _sentence(comparison: Comparison) -> str:
    """One failed comparison in a line that stands alone."""
    metric, before, now, change, limit, verdict = comparison_cells(comparison)
    if comparison.reference is None:
        return f"{metric}: {now} ({_counts(comparison.current)}), must be {limit}: {verdict}"
    moved = f", {change} (allowed {limit})" if change else ""
    return f"{metric}: {before} -> {now}{moved}: {verdict}"


def _proof(comparison: Comparison, result: ItemResult) -> Iterator[str]:
    """What holds for these images, and what that says about others like them."""
    evidence, reference = comparison.evidence, comparison.reference
    if evidence is None or reference is None:
        return
    samples = result.change.samples if result.change else result.stats.cells.samples
    sides = reference, comparison.current
    over_all = all(side.denominator == samples for side in sides)
    counts = " -> ".join(f"{side.numerator:,}" if over_all else _counts(side) for side in sides)
    flips = "" if evidence.lost is None else f"; {evidence.lost:,} lost, {evidence.gained:,} gained"
    yield f"on these {samples:,} images: {counts}{flips}"
    claim, p = _claim(comparison, evidence)
    yield f"on images like these: {claim}"
    bounds = f"{100 * evidence.low:+.2f} to {100 * evidence.high:+.2f} pt worse (95 %)"
    unpaired = "" if evidence.paired else ", unpaired"
    yield f"  {bounds}, p {p:.2g}, needed {evidence.level:.2g}{unpaired}"


def _claim(comparison: Comparison, evidence: Evidence) -> tuple[str, float]:
    """What is proven, or is not, with the p that says so."""
    limit = allowed(comparison)
    if comparison.verdict is Verdict.NOT_SHOWN:
        return f"not shown to be at most {limit} worse", 1 - evidence.p_beyond
    if evidence.p_beyond < evidence.level:
        return f"proven to be more than {limit} worse", evidence.p_beyond
    return f"proven to be worse; more than {limit} only on these", evidence.p_worse


def _changes(change: SampleChange, *, everything: bool) -> Iterator[str]:
    """The diagnosis and the flips; at -v the decomposition and the worst flips."""
    yield from (f"diagnosis: {finding}" for finding in change.diagnosis)
    yield (
        f"flips: {change.negative_flips:,} right before, wrong now ({change.confident_negative_flips:,} trusted both "
        f"times); {change.positive_flips:,} the reverse"
    )
    if change.known_label_errors:
        yield f"known label errors among those trusted both times: {change.known_label_errors:,}"
    if not everything:
        return
    if (parts := change.decomposition) is not None:
        yield (
            f"confident_accuracy by part: answers {100 * parts.answers:+.2f} pt, newly trusted "
            f"{100 * parts.entered:+.2f} pt, no longer {100 * parts.left:+.2f} pt"
        )
    for flip in change.worst[:_FLIPS]:
        yield (
            f"  sample {flip.sample_id}: class {flip.label}, before {flip.before} ({flip.confidence_before:.0%}), now "
            f"{flip.now} ({flip.confidence_now:.0%})"
        )


def _remedy(result: ItemResult) -> Iterator[str]:
    """What to do, where the summary's last line does not say it."""
    if result.verdict is Verdict.INCOMPARABLE and not result.is_against:
        yield "go back to what the baseline was recorded with, or record anew with --failaware-update-baselines"
    if result.verdict is Verdict.DRIFTED:
        yield "accepted changes add up to more than the drift budget; where that is intended, add"
        yield '--failaware-reset-golden and --failaware-reason="…" to --failaware-update-baselines'


def _counts(estimate: Estimate) -> str:
    return f"{estimate.numerator:,} of {estimate.denominator:,}"
