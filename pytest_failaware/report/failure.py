"""The text of a failed item: the short version, and the rest at -v."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from pytest_failaware.core.estimates import Estimate
from pytest_failaware.core.result import (
    BoundCheck,
    Comparison,
    ItemResult,
    Judged,
    Verdict,
)
from pytest_failaware.report.alarms import FIRST, alarm_headline, alarm_in_brief
from pytest_failaware.report.flips import change_lines, detail_lines
from pytest_failaware.report.proof import counts, proof, ways
from pytest_failaware.report.questions import ACTS, Question, answer, by_question
from pytest_failaware.report.terminal.display import Line, colour
from pytest_failaware.report.words import (
    MEANINGS,
    comparison_cells,
    orientation,
    reference_name,
    short_name,
    unguarded,
    verdict_word,
)

_GATES: Final = 2  # failed gates of one question, before -v
_POOLED: Final = (
    "this is the mean over all conditions of the test, sample by sample; the loss in a single condition can be too "
    "small for its own gates"
)
AT_THE_END: Final = "the end of the run says what to do, once the condition clean is known"
COMMAND: Final = "the command at the end of the log"
"""The place of the command, which differs between machines: a CI server refuses to update."""


def failure_lines(result: ItemResult, *, verbosity: int = 0, command: str = COMMAND) -> Iterator[str]:
    """Yield the text of a failure as plain lines; `command` names the command that stores new values."""
    return (line.text for line in failure_text(result, verbosity=verbosity, command=command))


def failure_text(result: ItemResult, *, verbosity: int = 0, command: str = COMMAND) -> Iterator[Line]:
    """Yield the act, what fell, by how much, on how many images, the proof, and the cause; more at -v."""
    yield from _heading(result)
    if result.has_new_alarm:
        yield Line(f"  {FIRST}.")
    elif result.verdict is Verdict.MISSING:
        record = f"record it by {command}, and commit what it writes"
        yield Line(f"  {AT_THE_END if result.awaits_clean else record}")
    yield from (Line(f"  {difference}") for difference in result.differences)
    if shown := orientation(result):
        yield Line(f"  {shown}")
    yield from _gates(result, verbosity)
    if result.is_mean:
        yield Line(f"  {_POOLED}")
    if result.change is not None:
        yield from (Line(f"  {line}") for line in change_lines(result.change, has_counts=_has_counted_flips(result)))
        yield from (Line(f"  {line}") for line in (detail_lines(result.change) if verbosity > 0 else ()))
    yield from (Line(f"  {note}") for note in result.notes)
    yield from [Line(f"  {unguarded(result)}")] if verbosity > 0 and unguarded(result) else []
    yield from (Line(f"  {line}") for line in _remedy(result, command))
    if result.causes and result.verdict is not Verdict.MISSING:
        yield Line(f"  what else changed: {'; '.join(result.causes)}")


def _heading(result: ItemResult) -> Iterator[Line]:
    """Yield the subject of the failure; a new alarm comes first."""
    if alarm := alarm_headline(result):
        yield Line(f"{short_name(result)}: {alarm}", "red")
    if result.verdict is not Verdict.MISSING or not alarm:  # values of a wrong set-up must not be recorded
        yield Line(_act(result))
    if result.alarm and not alarm:
        yield Line(f"  {alarm_in_brief(result)}", "red")


def _act(result: ItemResult) -> str:
    """Return the act that the failure asks for, then the item and its outcome; an alarm comes before any act."""
    subject = f"{short_name(result)}: {_outcome(result)}"
    act = None if result.has_new_alarm else ACTS.get(result.verdict)
    return f"{act.value}: {subject}" if act else subject


def headline(result: ItemResult) -> str:
    """Return a failure in one line for a list of failed tests: `REGRESSED: accuracy -6.58 pt`."""
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
    if result.verdict is Verdict.OPERATING_POINT_MOVED:
        return f"breaks the promise of {reference}"
    if result.verdict is Verdict.NOT_SHOWN:
        return f"not shown to be as good as {reference} asks"
    if result.is_against_recipe:
        return f"worse than the recipe of {reference} usually is"
    return f"worse than {reference} allows"


def _gates(result: ItemResult, verbosity: int) -> Iterator[Line]:
    """Yield the failed gates under the question that they answer; before -v the proof of the worst gate alone."""
    groups = by_question(result.comparisons, lambda judged: judged)
    failed = {question: sorted(filter(_fails, gates), key=_severity) for question, gates in groups.items()}
    is_asked = any(failed[question] for question in failed if question is not Question.NONE)
    for question, gates in groups.items():
        depth = "  "
        if question is not Question.NONE:
            if not is_asked:
                continue
            yield Line(f"  {answer(question, gates)}{_in_figures(question, gates)}")
            depth = "    "
        shown = failed[question] if verbosity > 0 else failed[question][:_GATES]
        for number, comparison in enumerate(shown):
            yield Line(f"{depth}{_sentence(comparison)}", colour(comparison.verdict))
            if number == 0 or verbosity > 0:
                yield from (Line(f"{depth}  {line}") for line in proof(comparison, result))
            if comparison.evidence is not None and verbosity > 0:
                yield from (Line(f"{depth}    {way}: {rate}, p {p}") for way, rate, p in ways(comparison.evidence))
        if more := len(failed[question]) - len(shown):
            yield Line(f"{depth}and {more} more failed {'gate' if more == 1 else 'gates'}, shown at -v")


def _in_figures(question: Question, gates: Sequence[Judged]) -> str:
    """Return what the answer is made of: the changes of a model that is not worse, or the shares trusted."""
    if question is Question.MODEL:
        changes = [_in_brief(gate) for gate in gates if comparison_cells(gate)[3]]
        return "" if any(map(_fails, gates)) or not changes else f": {', '.join(changes[:_GATES])}"
    trusted = [_trusted(gate) for gate in gates if gate.metric == "confident_accuracy"]
    return next((f": {sides} trusted" for sides in trusted if sides), "")


def _trusted(gate: Judged) -> str:
    """Return how many samples were and are trusted: `3,700 -> 4,010`; "" if a side is not known."""
    sides = (gate.reference, gate.current) if isinstance(gate, Comparison) else ()
    return " -> ".join(f"{side.denominator:,}" for side in sides if isinstance(side, Estimate))


def _fails(judged: Judged) -> bool:
    return judged.verdict.fails


def _severity(judged: Judged) -> int:
    return judged.verdict.severity


def _failed(result: ItemResult) -> list[Judged]:
    """Return the failed comparisons, the worst first."""
    ranked = sorted(result.comparisons, key=lambda comparison: comparison.verdict.severity)
    return [comparison for comparison in ranked if comparison.verdict.fails]


def _in_brief(comparison: Judged) -> str:
    """Return the metric with its change, or with its value and the violated bound."""
    metric, _, now, change, limit, _ = comparison_cells(comparison)
    return f"{metric} {change or f'{now}, must be {limit}'}"


def _sentence(comparison: Judged) -> str:
    """Return a failed comparison as one self-contained line."""
    metric, before, now, change, limit, verdict = comparison_cells(comparison)
    metric = f"{metric} ({MEANINGS[metric]})" if metric in MEANINGS else metric
    if isinstance(comparison, BoundCheck):
        counted = f" ({counts(comparison.current)})" if isinstance(comparison.current, Estimate) else ""
        return f"{metric}: {now}{counted}, must be {limit}: {verdict}"
    moved = f", {change} (allowed {limit})" if change else ""
    return f"{metric}: {before} -> {now}{moved}: {verdict}"


def _has_counted_flips(result: ItemResult) -> bool:
    """Return whether the text on accuracy already has the numbers of lost and gained answers since the reference."""
    failed = [text for text in _failed(result) if text.metric == "accuracy" and text.verdict is not Verdict.DRIFTED]
    return any(text.evidence is not None and text.evidence.lost is not None for text in failed)


def _remedy(result: ItemResult, command: str) -> Iterator[str]:
    """Yield what to do if the summary's last line does not say it."""
    if result.lacks_files or result.has_new_alarm:
        return  # the sentence on the absent files says what to do
    if result.has_other_classes:
        yield (
            "give the class folders the names that they had, whose order decides what an output means; or say in the "
            "ini, as failaware_rename, that the names are new and the classes are the same"
        )
    if result.verdict is Verdict.INCOMPARABLE and not result.is_against:
        yield (
            "go back to what the baseline was recorded with or, if the change is meant, store the new values by "
            f"{command}"
        )
    if result.verdict is Verdict.DRIFTED:
        yield (
            "the loss since the first accepted values is more than the drift budget; if that is intended, reset the "
            f"golden reference, from which drift is measured, by {command}"
        )
