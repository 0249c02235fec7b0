"""Results -> lines for people; yields text with the name of its colour and prints nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

from pytest_failaware.report.corruption import corruption_sentences
from pytest_failaware.report.sights import at_chance, sight_lines
from pytest_failaware.report.table import COLUMNS
from pytest_failaware.report.words import aligned, comparison_cells, heading, percent, reference_name, short_name
from pytest_failaware.schema import ItemResult, RunReport, Verdict

Line = tuple[str, str]
"""A line and the markup it stands in: "red", "green", "yellow", or "" for plain."""

_ALWAYS_TABLED: Final = 12  # more conditions than this are tabled at -v only
_TOLD: Final = (Verdict.INCONCLUSIVE, Verdict.WORSE_WITHIN_TOLERANCE, Verdict.IMPROVED)


def summary_lines(report: RunReport, *, verbosity: int = 0, diffs: Sequence[str] = ()) -> Iterator[Line]:
    """The section at the end of the run: what failed first, then the table, the total, and a command to copy.

    Args:
        report: the run.
        verbosity: pytest's; below 0 the total and what was or was not written are all.
        diffs: unified diffs of a dry run.
    """
    results = sorted(report.results, key=lambda result: result.verdict.severity)
    if verbosity >= 0:
        yield from ((fact, "") for fact in report.facts)
        yield from _comparison_table(results, everything=verbosity > 0)
        yield from _reasons(results)
        if results and (len(results) <= _ALWAYS_TABLED or verbosity > 0):
            yield from _rates_table(report.results)
        yield from _sights(report.results, everything=verbosity > 0)
        yield from ((sentence, "") for sentence in corruption_sentences(report.corruption))
    for diff in diffs:
        yield from ((line, _diff_colour(line)) for line in diff.splitlines())
    if verbosity >= 0:
        yield from _reuse(report.results, everything=verbosity > 0)
    if results:
        yield total(results), _colour(results[0].verdict)
    yield from ((complaint, "red") for complaint in report.complaints)
    yield from ((notice, "yellow") for notice in report.notices)
    if report.obsolete and not report.complaints:
        yield f"used by no test: {', '.join(report.obsolete)}; --failaware-prune in a full run deletes them", "yellow"
    if verbosity >= 0:
        if report.workers > 1:
            yield f"{report.workers} workers loaded the same model; --dist loadfile keeps a file's tests together", ""
        yield from _next_action(results, report.command)


def _comparison_table(results: Sequence[ItemResult], *, everything: bool) -> Iterator[Line]:
    """One row per metric that failed, is in doubt or improved; at -v every metric."""
    rows = [
        (result, comparison)
        for result in results
        for comparison in sorted(result.comparisons, key=lambda one: one.verdict.severity)
        if everything or comparison.verdict.fails or comparison.verdict in _TOLD
    ]
    if not rows:
        return
    headings = ("test", "metric", "baseline", "now", "change", "allowed", "verdict")
    body = [(short_name(result), *comparison_cells(comparison)) for result, comparison in rows]
    lines = aligned([headings, *body], left=(0, 1, 6))
    yield lines[0], ""
    for line, (_, comparison) in zip(lines[1:], rows, strict=True):
        yield line, _colour(comparison.verdict)
    yield "", ""


def _reasons(results: Sequence[ItemResult]) -> Iterator[Line]:
    """Why items are missing or incomparable, and how others were compared, once per reason."""
    missing = [result for result in results if result.verdict is Verdict.MISSING]
    for baseline in dict.fromkeys(result.baseline for result in missing):
        names = ", ".join(result.stats.condition for result in missing if result.baseline == baseline)
        yield f"no entry in baseline {baseline!r}: {names}", "red"
    differing = dict.fromkeys(
        (reference_name(result), difference) for result in results for difference in result.differences
    )
    for reference, difference in differing:
        yield f"not comparable with {reference}: {difference}", "red"
    notes = dict.fromkeys(note for result in results for note in result.notes)
    for note in notes:
        where = [result.stats.condition for result in results if note in result.notes]
        yield f"note: {note}" + (f" ({', '.join(where)})" if len(where) < len(results) else ""), ""


def _rates_table(results: Sequence[ItemResult]) -> Iterator[Line]:
    """One row per item: the four founding rates and the verdict."""
    headings = ("test", *(heading(name) for name in COLUMNS), "verdict")
    body = [
        (
            short_name(result),
            *(percent(result.stats.rates[name]) for name in COLUMNS),
            result.verdict.value.replace("_", " "),
        )
        for result in results
    ]
    lines = aligned([headings, *body], left=(0, len(headings) - 1))
    yield lines[0], ""
    for line, result in zip(lines[1:], results, strict=True):
        yield line, _colour(result.verdict)
    yield "", ""


def _sights(results: Sequence[ItemResult], *, everything: bool) -> Iterator[Line]:
    """What the gates that this run recorded can see, and where there is nothing to lose."""
    recorded = {short_name(result): result.sights for result in results if result.sights}
    lines = list(sight_lines(recorded, first="test", brief=len(recorded) > _ALWAYS_TABLED and not everything))
    yield from ((line, "") for line in lines)
    if lines:
        yield "", ""
    if chance := at_chance(results):
        yield chance, "yellow"


def _reuse(results: Sequence[ItemResult], *, everything: bool) -> Iterator[Line]:
    """How many measurements came from the cache, where some did; at -v why the others did not."""
    measured = [one for result in results for one in result.reuse]
    reused = sum(not one.anew for one in measured)
    if everything:
        yield from ((f"{one.measured}: measured anew: {one.anew}", "") for one in measured if one.anew)
    if reused:
        what = "measured condition" if len(measured) == 1 else "measured conditions"
        yield f"reused {reused} of {len(measured)} {what} from the cache (--failaware-no-cache measures anew)", ""


def total(results: Sequence[ItemResult]) -> str:
    """How many items were checked, and how many got which verdict, the worst first."""
    counts = Counter(result.verdict for result in results)
    said = ", ".join(f"{counts[verdict]} {verdict.value.replace('_', ' ')}" for verdict in Verdict if counts[verdict])
    chance = sum(result.at_chance for result in results)
    return f"{len(results)} checked: {said}" + (f"; {chance} at chance, with nothing to lose" if chance else "")


def _next_action(results: Sequence[ItemResult], command: str) -> Iterator[Line]:
    """The command that accepts or records, where something failed that it would mend."""
    verdicts = {result.verdict for result in results if not result.is_against}
    update = f"{command} --failaware-update-baselines"
    if verdicts & {Verdict.REGRESSED, Verdict.NOT_SHOWN, Verdict.INCOMPARABLE}:
        yield "If this change is intended, accept the new values and commit the baseline:", ""
        yield f"  {update}", ""
    elif Verdict.MISSING in verdicts:
        yield "Record the expected values and commit the baseline:", ""
        yield f"  {command} --failaware-update-new", ""


def _diff_colour(line: str) -> str:
    return {"-": "red", "+": "green"}.get(line[:1], "")


def _colour(verdict: Verdict) -> str:
    if verdict.fails:
        return "red"
    warned = (Verdict.INCONCLUSIVE, Verdict.WORSE_WITHIN_TOLERANCE, Verdict.RECORDED, Verdict.UPDATED)
    return "yellow" if verdict in warned else "green"
