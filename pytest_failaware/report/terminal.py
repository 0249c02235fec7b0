"""Results -> lines for people; yields text with the name of its colour and prints nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from pytest_failaware.report.table import COLUMNS
from pytest_failaware.schema import Comparison, Estimate, ItemResult, RunReport, SampleChange, Verdict

Line = tuple[str, str]
"""A line and the markup it stands in: "red", "green", "yellow", or "" for plain."""

_ALWAYS_TABLED: Final = 12  # more conditions than this are tabled at -v only
_SHORT: Final = {"accuracy": "all", "confident_accuracy": "confident", "failure_region_accuracy": "flagged"}
_SHOUTS: Final = frozenset({verdict for verdict in Verdict if verdict.fails and verdict is not Verdict.INCOMPARABLE})
_TOLD: Final = (Verdict.INCONCLUSIVE, Verdict.WORSE_WITHIN_TOLERANCE, Verdict.IMPROVED)
_FLIPS: Final = 5  # shown at -v


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
    for diff in diffs:
        yield from ((line, _diff_colour(line)) for line in diff.splitlines())
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


def failure_lines(result: ItemResult, *, verbosity: int = 0) -> Iterator[str]:
    """The text of a failed item: what fell, by how much, on how many images, why, and what to do; more of it at -v."""
    name = short_name(result)
    if result.verdict is Verdict.MISSING:
        yield f"{name}: no entry {result.stats.condition!r} in baseline {result.baseline!r}, so nothing was compared"
        yield "  record it with --failaware-update-new, and commit the file"
    elif result.verdict is Verdict.INCOMPARABLE:
        yield f"{name}: cannot be compared with baseline {result.baseline!r}"
    else:
        yield f"{name}: worse than baseline {result.baseline!r} allows on {result.stats.cells.samples:,} images"
    yield from (f"  {difference}" for difference in result.differences)
    for comparison in sorted(result.comparisons, key=lambda one: one.verdict.severity):
        if comparison.verdict.fails:
            yield f"  {_sentence(comparison)}"
            yield from _proof(comparison, result)
    if result.change is not None:
        yield from (f"  {line}" for line in _changes(result.change, everything=verbosity > 0))
    yield from (f"  {note}" for note in result.notes)
    if result.verdict is Verdict.INCOMPARABLE:
        yield "  go back to what the baseline was recorded with, or record anew with --failaware-update-baselines"
    if result.verdict is Verdict.DRIFTED:
        yield (
            "  accepted changes add up to more than the drift budget; if that is intended, add "
            '--failaware-reset-golden to --failaware-update-baselines, with --failaware-reason="…"'
        )
    if result.causes and result.verdict is not Verdict.MISSING:
        yield f"  what else changed since the baseline: {'; '.join(result.causes)}"


def short_name(result: ItemResult) -> str:
    """The item's name without the path of its file."""
    return result.nodeid.rpartition("::")[2]


def percent(estimate: Estimate) -> str:
    """A rate as people read it, with its reason where it has no value."""
    return "undefined" if estimate.value is None else f"{estimate.value:.2%}"


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


def comparison_cells(comparison: Comparison) -> tuple[str, ...]:
    """metric, baseline, now, change, allowed, verdict."""
    reference, current = comparison.reference, comparison.current
    change = ""
    if reference is not None and reference.value is not None and current.value is not None:
        change = f"{100 * (current.value - reference.value):+.2f} pt"
    word = comparison.verdict.value.replace("_", " ")
    if comparison.verdict in _SHOUTS:
        word = word.upper()
    note = f" ({comparison.note})" if comparison.note else ""
    return (
        comparison.metric,
        "" if reference is None else percent(reference),
        percent(current),
        change,
        _allowed(comparison),
        word + note,
    )


def _allowed(comparison: Comparison) -> str:
    """A tolerance in percentage points, or the bound as typed."""
    if comparison.reference is None:
        return comparison.allowed
    return f"{100 * float(comparison.allowed):.2f} pt"


def _sentence(comparison: Comparison) -> str:
    """One failed comparison in a line that stands alone, with the exact counts behind the rates."""
    metric, before, now, change, allowed, verdict = comparison_cells(comparison)
    if comparison.reference is None:
        return f"{metric:<24}{now}, must be {allowed}: {verdict} ({_counts(comparison.current)})"
    moved = f", {change} (allowed {allowed})" if change else ""
    counts = f"{_counts(comparison.reference)} -> {_counts(comparison.current)}"
    return f"{metric:<24}{before} -> {now}{moved}: {verdict} ({counts})"


def _proof(comparison: Comparison, result: ItemResult) -> Iterator[str]:
    """What holds for these images, and what that says about others like them."""
    evidence = comparison.evidence
    if evidence is None:
        return
    if evidence.lost is not None:
        samples = result.change.samples if result.change else result.stats.cells.samples
        yield f"    on these {samples:,} images: {evidence.lost:,} lost, {evidence.gained:,} gained"
    p, need = f"p {evidence.p_beyond:.2g}", f"needed {evidence.level:.2g}"
    said = "not shown to stay within" if comparison.verdict is Verdict.NOT_SHOWN else "proven worse than"
    bounds = f"95 %: {100 * evidence.low:.2f} to {100 * evidence.high:.2f} pt worse"
    paired = "" if evidence.paired else ", unpaired"
    yield f"    on images like these: {said} the {_allowed(comparison)} allowed ({p}, {need}; {bounds}{paired})"


def _changes(change: SampleChange, *, everything: bool) -> Iterator[str]:
    """The diagnosis and the flips; at -v the decomposition and the worst flips."""
    if change.diagnosis:
        yield f"diagnosis: {change.diagnosis}"
    known = f" ({change.known_label_errors:,} known label errors)" if change.known_label_errors else ""
    yield (
        f"flips: {change.negative_flips:,} right before and wrong now, {change.positive_flips:,} the reverse; "
        f"{change.confident_negative_flips:,} trusted on both sides{known}"
    )
    if not everything:
        return
    if (parts := change.decomposition) is not None:
        yield (
            f"confident_accuracy: {100 * parts.answers:+.2f} pt by changed answers, {100 * parts.entered:+.2f} pt by "
            f"samples that are trusted now, {100 * parts.left:+.2f} pt by samples that no longer are"
        )
    for flip in change.worst[:_FLIPS]:
        yield (
            f"  sample {flip.sample_id}: class {flip.label}, before {flip.before} ({flip.confidence_before:.0%}), now "
            f"{flip.now} ({flip.confidence_now:.0%})"
        )


def _counts(estimate: Estimate) -> str:
    return f"{estimate.numerator:,} of {estimate.denominator:,}"


def _reasons(results: Sequence[ItemResult]) -> Iterator[Line]:
    """Why items are missing or incomparable, and how others were compared, once per reason."""
    missing = [result for result in results if result.verdict is Verdict.MISSING]
    for baseline in dict.fromkeys(result.baseline for result in missing):
        names = ", ".join(result.stats.condition for result in missing if result.baseline == baseline)
        yield f"no entry in baseline {baseline!r}: {names}", "red"
    differing = dict.fromkeys((result.baseline, difference) for result in results for difference in result.differences)
    for baseline, difference in differing:
        yield f"not comparable with baseline {baseline!r}: {difference}", "red"
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


def heading(metric: str) -> str:
    """A metric's name as the heading of a column."""
    return f"accuracy: {_SHORT[metric]}" if metric in _SHORT else metric.replace("_", " ")


def total(results: Sequence[ItemResult]) -> str:
    """How many items were checked, and how many got which verdict, the worst first."""
    counts = Counter(result.verdict for result in results)
    said = ", ".join(f"{counts[verdict]} {verdict.value.replace('_', ' ')}" for verdict in Verdict if counts[verdict])
    return f"{len(results)} checked: {said}"


def _next_action(results: Sequence[ItemResult], command: str) -> Iterator[Line]:
    """The command that accepts or records, where something failed that it would mend."""
    verdicts = {result.verdict for result in results}
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


def aligned(rows: Iterable[tuple[str, ...]], left: tuple[int, ...]) -> list[str]:
    """Rows as lines with columns of one width; the columns in `left` are flush left, the others flush right."""
    table = list(rows)
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    return [
        "  ".join(
            cell.ljust(width) if index in left else cell.rjust(width)
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in table
    ]
