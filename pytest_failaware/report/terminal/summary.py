"""The summary at the end of a run: lines with the name of their colour; prints nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from pytest_failaware.core.fact import FactKind
from pytest_failaware.core.result import ItemResult, Reuse, Verdict
from pytest_failaware.core.summary import RunReport
from pytest_failaware.report.advice import task_lines, tasks
from pytest_failaware.report.alarms import alarms_below_failures
from pytest_failaware.report.corruption import corruption_sentences
from pytest_failaware.report.power import at_chance, sight_range, sight_table, too_few
from pytest_failaware.report.proof import badness
from pytest_failaware.report.terminal.display import Display, Line, colour
from pytest_failaware.report.terminal.next_action import next_action
from pytest_failaware.report.terminal.summary_tables import compared, left_out, measured, not_compared
from pytest_failaware.report.words import INCONCLUSIVE, reference_name, short_name, unguarded


def summary_lines(report: RunReport, *, display: Display, diffs: Sequence[str] = ()) -> Iterator[Line]:
    """Yield the section at the end of the run: failures first, then tables, the total, and a command to copy.

    -q leaves the total and the sentences on written files; -qq leaves only these sentences.

    Args:
        report: the run.
        display: how much to show, and on what.
        diffs: unified diffs of a dry run.
    """
    results = sorted(report.results, key=badness)
    if display.verbosity >= 0:
        facts = [fact.line for fact in report.facts]
        yield from map(Line, [*facts, *([""] if facts and results else [])])
        yield from (Line(sentence, "red") for sentence in alarms_below_failures(results))
        yield from compared(results, display)
        yield from _tasks(results, report)
        yield from _inconclusive(results)
        yield from _reasons(results)
        yield from _guard(report.results, display)
        yield from not_compared(results, display)
        yield from measured(report.results, display)
        yield from _sights(report.results, display)
        yield from map(Line, corruption_sentences(report.corruption))
    for diff in diffs:
        yield from (Line(line, _diff_colour(line), is_verbatim=True) for line in diff.splitlines())
    if display.verbosity >= 0:
        yield from _reuse(report.results, display)
        yield from left_out(results, display)
    else:
        yield from _taken(results)
        if any(result.verdict.is_written for result in results):
            yield from (Line(fact.line) for fact in report.facts if fact.kind is FactKind.NOTE)  # on stored values
            yield from not_compared(results, display)
    if results and display.verbosity >= -1:
        yield Line(total(results), colour(results[0].verdict))
    yield from _complaints(report)
    yield from (Line(notice, "yellow") for notice in report.notices)
    if display.verbosity >= 0:
        yield from _unused(report)
        if report.workers > 1:
            yield Line(f"{report.workers} workers loaded the same model; --dist loadfile keeps a file's tests together")
        yield from next_action(results, report)


def _complaints(report: RunReport) -> Iterator[Line]:
    """Yield what fails the run: without a failed test, pytest's own last line is green."""
    yield from (Line(complaint, "red") for complaint in report.complaints)
    if report.complaints and not report.errors and not any(result.verdict.fails for result in report.results):
        yield Line("the run fails for this, though no gate failed", "red")


def _tasks(results: Sequence[ItemResult], report: RunReport) -> Iterator[Line]:
    """Yield what to do about each marked test with a worse condition, in one block a test."""
    for task in tasks(results, report.advice):
        act, *lines = task_lines(task)
        yield Line(act, "red")
        yield from (Line(line, is_verbatim=line.startswith("  failaware_rule")) for line in lines)
        yield Line("")


def _inconclusive(results: Sequence[ItemResult]) -> Iterator[Line]:
    """Yield the meaning of the verdict inconclusive, which neither passes nor fails."""
    if any(result.is_open for result in results):
        yield Line(INCONCLUSIVE, "yellow")
        yield Line("")


def _unused(report: RunReport) -> Iterator[Line]:
    """Yield unused entries and tests that did not run, unless a complaint has named them."""
    if report.complaints:
        return
    if report.obsolete:
        unused = ", ".join(report.obsolete)
        yield Line(f"used by no test: {unused}; --failaware-prune in a full run deletes them", "yellow")
    elif report.unused:
        yield Line(f"used by no test of this run: {report.unused} of {report.stored} stored entries")
    if count := len(report.left_out):
        yield Line(f"collected and not run: {count} marked {'test' if count == 1 else 'tests'}", "yellow")


def _reasons(results: Sequence[ItemResult]) -> Iterator[Line]:
    """Yield why items are missing or incomparable, and how others were compared, once per reason."""
    missing = [result for result in results if result.verdict is Verdict.MISSING]
    for baseline in dict.fromkeys(result.baseline for result in missing):
        names = ", ".join(result.stats.condition for result in missing if result.baseline == baseline)
        yield Line(f"no entry in baseline {baseline!r}: {names}", "red")
    differing = dict.fromkeys(
        (reference_name(result), difference) for result in results for difference in result.differences
    )
    for reference, difference in differing:
        yield Line(f"not comparable with {reference}: {difference}", "red")
    notes = dict.fromkeys(note for result in results for note in result.notes)
    count = sum(not result.is_mean for result in results)
    for note in notes:
        where = [result.stats.condition for result in results if note in result.notes]
        yield Line(f"note: {note}" + (f" ({', '.join(where)})" if len(where) < count else ""))


def _guard(results: Sequence[ItemResult], display: Display) -> Iterator[Line]:
    """Yield at -v the conditions in which the class guard is not judged."""
    items = [result for result in results if result.unguarded is not None and display.shows_all]
    yield from (Line(f"{short_name(result)}: {unguarded(result)}") for result in items)


def _sights(results: Sequence[ItemResult], display: Display) -> Iterator[Line]:
    """Yield the drops that the recorded gates detect, and the conditions at chance."""
    recorded = [(short_name(result), result.sights) for result in results if result.sights]
    if recorded:
        whole = sight_table(recorded, first="test", width=display.width)
        yield from map(Line, [*(whole if display.shows_all else sight_range(recorded)), *too_few(recorded), ""])
    if chance := at_chance(results):
        yield Line(chance, "yellow")


def _reuse(results: Sequence[ItemResult], display: Display) -> Iterator[Line]:
    """Yield how many measurements came from the cache, if any did; at -v why the others did not."""
    measured = [reuse for result in results for reuse in result.reuse]
    reused = sum(not reuse.anew and not reuse.made for reuse in measured)
    if display.shows_all:
        yield from (Line(f"{reuse.measured}: measured again: {reuse.anew}") for reuse in measured if reuse.anew)
    if reused:
        yield Line(f"reused {reused} {_of(measured)} from the cache (--failaware-no-cache measures again)")
    yield from _taken(results)


def _taken(results: Sequence[ItemResult]) -> Iterator[Line]:
    """Yield how many measurements an update took from the gate's run."""
    measured = [reuse for result in results for reuse in result.reuse]
    if made := [reuse.made for reuse in measured if reuse.made]:
        runs = " and ".join(sorted(set(made)))
        what = f"{len(made)} {_of(measured)}"
        yield Line(f"took {what} from the gate's run of {runs} (--failaware-no-cache measures again)")


def _of(measured: Sequence[Reuse]) -> str:
    return f"of {len(measured)} measured condition" + ("" if len(measured) == 1 else "s")


def total(results: Sequence[ItemResult]) -> str:
    """Return how many items were checked and how many got each verdict, the worst first."""
    counts = Counter(result.verdict for result in results)
    verdicts = ", ".join(f"{counts[verdict]} {verdict.words}" for verdict in Verdict if counts[verdict])
    chance = sum(result.at_chance and not result.alarm for result in results)
    return f"{len(results)} checked: {verdicts}" + (f"; {chance} at chance, with nothing to lose" if chance else "")


def _diff_colour(line: str) -> str:
    return {"-": "red", "+": "green"}.get(line[:1], "")
