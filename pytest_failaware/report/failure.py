"""A failed item -> the text of its failure: the short version, and the rest at -v."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pytest_failaware.core.estimates import Estimate, Value, percent
from pytest_failaware.core.result import (
    BoundCheck,
    Comparison,
    Evidence,
    Flip,
    ItemResult,
    Judged,
    SampleChange,
    Verdict,
)
from pytest_failaware.report.alarms import FIRST, alarm_headline, alarm_in_brief
from pytest_failaware.report.terminal.display import Line, colour
from pytest_failaware.report.words import (
    MEANINGS,
    allowed,
    comparison_cells,
    difference,
    orientation,
    reference_name,
    short_name,
    verdict_word,
)

AT_THE_END: Final = "the end of the run says what to do, once the condition clean is known"
_FLIPS: Final = 5  # shown at -v
COMMAND: Final = "the command at the end of the log"
"""Which one it is depends on where the run is: a CI server refuses to update."""


def failure_lines(result: ItemResult, *, verbosity: int = 0, command: str = COMMAND) -> Iterator[str]:
    """The text of a failure as plain lines; `command` names what stores new values."""
    return (line.text for line in failure_text(result, verbosity=verbosity, command=command))


def failure_text(result: ItemResult, *, verbosity: int = 0, command: str = COMMAND) -> Iterator[Line]:
    """What fell, by how much, on how many images, what that proves, why, and what to do; more of it at -v."""
    yield from _heading(result)
    if result.has_new_alarm:
        yield Line(f"  {FIRST}.")
    elif result.verdict is Verdict.MISSING:
        record = f"record it by {command}, and commit what it writes"
        yield Line(f"  {AT_THE_END if result.awaits_clean else record}")
    yield from (Line(f"  {difference}") for difference in result.differences)
    if shown := orientation(result):
        yield Line(f"  {shown}")
    for comparison in _failed(result):
        yield Line(f"  {_sentence(comparison)}", colour(comparison.verdict))
        yield from (Line(f"    {line}") for line in _proof(comparison, result))
    if result.change is not None:
        yield from (Line(f"  {line}") for line in _changes(result.change, has_counts=_has_counted_flips(result)))
        yield from (Line(f"  {line}") for line in (_details(result.change) if verbosity > 0 else ()))
    yield from (Line(f"  {note}") for note in result.notes)
    yield from (Line(f"  {line}") for line in _remedy(result, command))
    if result.causes and result.verdict is not Verdict.MISSING:
        yield Line(f"  what else changed: {'; '.join(result.causes)}")


def _heading(result: ItemResult) -> Iterator[Line]:
    """What the failure is about: a new alarm before all else."""
    if alarm := alarm_headline(result):
        yield Line(f"{short_name(result)}: {alarm}", "red")
    if result.verdict is not Verdict.MISSING or not alarm:  # nothing is to be recorded of a wrong set-up
        yield Line(f"{short_name(result)}: {_outcome(result)}")
    if result.alarm and not alarm:
        yield Line(f"  {alarm_in_brief(result)}", "red")


def headline(result: ItemResult) -> str:
    """A failure in one line for a list of failed tests, which has the name of each: `REGRESSED: accuracy -6.58 pt`."""
    if alarm := alarm_headline(result):
        return alarm
    fallen = [_in_brief(comparison) for comparison in _failed(result)]
    return f"{verdict_word(result.verdict)}: {', '.join(fallen) or '; '.join(result.differences) or _outcome(result)}"


def _outcome(result: ItemResult) -> str:
    reference = reference_name(result)
    if result.verdict is Verdict.MISSING:
        return f"no entry {result.stats.condition!r} in {reference}, so nothing was compared"
    if result.verdict is Verdict.INCOMPARABLE:
        return f"cannot be compared with {reference}"
    return f"worse than {reference} allows, on {result.stats.cells.samples:,} samples"


def _failed(result: ItemResult) -> list[Judged]:
    """The comparisons that failed, the worst first."""
    ranked = sorted(result.comparisons, key=lambda one: one.verdict.severity)
    return [comparison for comparison in ranked if comparison.verdict.fails]


def _in_brief(comparison: Judged) -> str:
    """The metric with its change, or with its value and the bound that it does not keep."""
    metric, _, now, change, limit, _ = comparison_cells(comparison)
    return f"{metric} {change or f'{now}, must be {limit}'}"


def _sentence(comparison: Judged) -> str:
    """One failed comparison in a line that stands alone."""
    metric, before, now, change, limit, verdict = comparison_cells(comparison)
    metric = f"{metric} ({MEANINGS[metric]})" if metric in MEANINGS else metric
    if isinstance(comparison, BoundCheck):
        counted = f" ({_counts(comparison.current)})" if isinstance(comparison.current, Estimate) else ""
        return f"{metric}: {now}{counted}, must be {limit}: {verdict}"
    moved = f", {change} (allowed {limit})" if change else ""
    return f"{metric}: {before} -> {now}{moved}: {verdict}"


def _proof(comparison: Judged, result: ItemResult) -> Iterator[str]:
    """What holds for these images, and what that says about others like them."""
    if isinstance(comparison, BoundCheck) or comparison.evidence is None:
        return
    evidence, reference = comparison.evidence, comparison.reference
    samples = result.change.samples if result.change else result.stats.cells.samples
    if isinstance(reference, Estimate) and isinstance(comparison.current, Estimate):
        flips = _flips(evidence, comparison.current.numerator - reference.numerator)
        yield f"on these {samples:,} samples: {_sides(reference, comparison.current, samples)}{flips}"
    said, p = claim(comparison, evidence)
    yield f"on samples like these: {said}"
    sure = "" if evidence.low is None else " (95 %)"
    yield f"  {interval(evidence, comparison.current)}{sure}, p {p}, needed {evidence.level:.2g}"


def _flips(evidence: Evidence, change: int) -> str:
    """How many samples changed each way, in the words of what is counted: `change` says whether more is worse."""
    if evidence.lost is None or evidence.gained is None:
        return ""
    if evidence.lost == evidence.gained:
        return f"; {evidence.lost:,} changed each way"
    more, less = ("new", "gone") if change == evidence.lost - evidence.gained else ("lost", "gained")
    return f"; {evidence.lost:,} {more}, {evidence.gained:,} {less}"


def _sides(before: Estimate, now: Estimate, samples: int) -> str:
    """Both sides as counts."""
    over_all = before.denominator == now.denominator == samples
    return " -> ".join(f"{side.numerator:,}" if over_all else _counts(side) for side in (before, now))


def claim(comparison: Comparison, evidence: Evidence) -> tuple[str, str]:
    """What a failed comparison proves, or does not, with the p that says so."""
    limit = allowed(comparison)
    if comparison.verdict is Verdict.NOT_SHOWN:
        return f"not shown to be at most {limit} worse", p_value(evidence.p_within)
    if evidence.p_beyond < evidence.level:
        return f"proven to be more than {limit} worse", p_value(evidence.p_beyond)
    return f"proven to be worse; more than {limit} only on these", p_value(evidence.p_worse)


def interval(evidence: Evidence, of: Value) -> str:
    """The drop of a value with 95 % confidence, in words: a sign would be that of the change in one metric alone."""
    if evidence.low is None or evidence.high is None:
        return "too few samples to tell"
    low, high = (difference(abs(end), of).removeprefix("+") for end in (evidence.low, evidence.high))
    if evidence.low >= 0:
        return f"{low.removesuffix(' pt')} to {high} worse"
    if evidence.high <= 0:
        return f"{high.removesuffix(' pt')} to {low} better"
    return f"{low} better to {high} worse"


def loss(comparison: Judged) -> float:
    """What is lost at least, with 95 % confidence; 0 where nothing is proven of it."""
    return comparison.evidence.low or 0.0 if comparison.evidence else 0.0


def badness(result: ItemResult) -> tuple[int, float]:
    """What to sort results by, the worst first: the verdict, then the greatest loss among the gates that have it."""
    losses = [loss(comparison) for comparison in result.comparisons if comparison.verdict is result.verdict]
    return result.verdict.severity, -max(losses, default=0.0)


def p_value(p: float) -> str:
    """A p in two digits."""
    return f"{p:.2g}" if p else "below 1e-300"


def _has_counted_flips(result: ItemResult) -> bool:
    """Whether the text on accuracy has already said how many answers were lost and gained since the reference."""
    texts = [one for one in _failed(result) if one.metric == "accuracy" and one.verdict is not Verdict.DRIFTED]
    return any(one.evidence is not None and one.evidence.lost is not None for one in texts)


def _changes(change: SampleChange, *, has_counts: bool) -> Iterator[str]:
    """The diagnosis, the class that lost most, confident_accuracy at both thresholds if they differ, and the flips."""
    yield from (f"diagnosis: {finding}" for finding in change.diagnosis)
    if (worst := change.worst_class) is not None:
        before, now = (
            percent(Estimate(numerator=right, denominator=worst.samples)) for right in (worst.before, worst.now)
        )
        yield f"hardest hit class: {worst.name!r}, {before} -> {now} of {worst.samples:,} samples"
    if (parts := change.decomposition) is not None:
        fixed, moved = (f"{100 * part:+.2f} pt" for part in (parts.whole, parts.at_coverage))
        if fixed != moved:  # else the threshold did not matter, and the change stands above
            yield f"confident_accuracy: {fixed} at the threshold, {moved} with as many trusted as before"
    silent, lost = f"{change.confident_negative_flips:,}", f"{change.negative_flips:,}"
    if has_counts:
        yield f"flips: {silent} of the {lost} lost answers were trusted both times"
        return
    trusted = f"({silent} trusted both times)"
    yield f"flips: {lost} right before, wrong now {trusted}; {change.positive_flips:,} the reverse"


def _details(change: SampleChange) -> Iterator[str]:
    """The parts of the change of confident_accuracy, and the worst flips."""
    if (parts := change.decomposition) is not None:
        answers, entered, left = (f"{100 * part:+.2f} pt" for part in (parts.answers, parts.entered, parts.left))
        yield f"confident_accuracy by part: answers {answers}, newly trusted {entered}, no longer {left}"
    yield from (f"  {_flip(flip)}" for flip in change.worst[:_FLIPS])
    if change.known_label_errors:
        yield f"  and {change.known_label_errors:,} known label errors"


def _flip(flip: Flip) -> str:
    """The sample by its name where it has one; the id is what `known_label_errors` lists."""
    answers = (
        f"{flip.label!r}, before {flip.before!r} ({flip.confidence_before:.0%}), now {flip.now!r} "
        f"({flip.confidence_now:.0%})"
    )
    sample = f"sample {flip.sample_id}"
    return f"{flip.name}: {answers}, {sample}" if flip.name else f"{sample}: {answers}"


def _remedy(result: ItemResult, command: str) -> Iterator[str]:
    """What to do, where the summary's last line does not say it."""
    if result.lacks_files or result.has_new_alarm:
        return  # the sentence on that says what to do
    if result.has_other_classes:
        yield "give the class folders the names that they had, whose order decides what an output means; or say in the"
        yield "ini, as failaware_rename, that the names are new and the classes are the same"
    if result.verdict is Verdict.INCOMPARABLE and not result.is_against:
        yield "go back to what the baseline was recorded with or, if the change is meant, store the new values by"
        yield command
    if result.verdict is Verdict.DRIFTED:
        yield "the loss since the first accepted values is more than the drift budget; if that is intended, reset the"
        yield f"golden reference, from which drift is measured, by {command}"


def _counts(estimate: Estimate) -> str:
    return f"{estimate.numerator:,} of {estimate.denominator:,}"
