"""The spelling of names, rates, verdicts and comparisons."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Final

from pytest_failaware.core.estimates import Value, percent
from pytest_failaware.core.request import REASON, RESET
from pytest_failaware.core.result import BoundCheck, Comparison, ItemResult, Judged, Verdict

NOT_THE_SAME: Final = "not the same measurement"


ORIENTATION: Final = {
    "accuracy": "accuracy", "failure_rate": "flagged", "confident_accuracy": "confident_accuracy"
}  # fmt: skip
"""The rates that are shown of incomparable items, by their short names."""


FLAGGED: Final = "flagged"
"""The name of the share of flagged samples everywhere except in the CSV file and the options."""


_HEADINGS: Final = {"failure_rate": FLAGGED, "confident_accuracy_at_coverage": "accuracy at coverage"}
"""The headings of columns that are shorter than the name of the metric."""


MEANINGS: Final = {
    "confident_accuracy": "right / trusted",
    "silent_failure_rate": "trusted and wrong / all",
    "confident_correct_rate": "trusted and right / all",
    "failure_rate": "flagged / all",
    "failure_region_accuracy": "right / flagged",
}
"""The meaning of the rates whose names do not say it."""


INCONCLUSIVE: Final = (
    "inconclusive: the drop on these samples is beyond the tolerance and may be chance, since p is not below what is "
    "needed; more samples decide, against a recipe more seeds, too"
)


_MOST_DIGITS: Final = 5  # with equal digits up to here, two numbers are the same for a reader


def short_name(result: ItemResult) -> str:
    """Return the item's name without its file and classes."""
    return name_in(result.nodeid)


def name_in(nodeid: str) -> str:
    """Return the last name in an id; its brackets may also contain "::"."""
    path, colons, inside = nodeid.partition("::")
    function, bracket, parameters = (inside if colons else path).partition("[")
    return function.rpartition("::")[2] + bracket + parameters


def unguarded(result: ItemResult) -> str:
    """Return that the class guard was not judged; "" if it was, or if it is off."""
    return "" if result.unguarded is None else f"class guard: not judged, {percent(result.unguarded)} right"


def reference_name(result: ItemResult) -> str:
    """Return the name of the other side: a stored baseline, or the second model of the run."""
    return result.baseline if result.is_against else f"baseline {result.baseline!r}"


def spelled(value: Value, beside: float | None = None) -> str:
    """Return a value: a rate in percent, another number with four digits; more digits to differ from `beside`."""
    if value.value is None:
        return "undefined"
    more = 0 if beside is None else _more_digits(value.value, beside)
    return f"{value.value:.{2 + more}%}" if value.is_rate else f"{value.value:.{4 + more}f}"


def difference(drop: float, of: Value, beside: float | None = None) -> str:
    """Return a change with its sign, in percentage points for a rate; more digits to differ in size from `beside`."""
    more = 0 if beside is None else _more_digits(abs(drop), beside)
    return f"{100 * drop:+.{2 + more}f} pt" if of.is_rate else f"{drop:+.{4 + more}f}"


def _more_digits(value: float, other: float) -> int:
    """Return how many digits beyond two show that two percentages differ."""
    read_differently = (
        more for more in range(_MOST_DIGITS) if f"{100 * value:.{2 + more}f}" != f"{100 * other:.{2 + more}f}"
    )
    return next(read_differently, 0)


def heading(metric: str) -> str:
    """Return a metric's name as the heading of a column."""
    return _HEADINGS.get(metric, metric.replace("_", " "))


def verdict_word(verdict: Verdict) -> str:
    """Return a verdict for a table: in capitals if it fails, so that the colour is not the only sign."""
    return verdict.words.upper() if verdict.fails else verdict.words


def comparison_cells(comparison: Judged) -> tuple[str, ...]:
    """Return the cells metric, baseline, now, change, allowed, verdict."""
    note = f" ({comparison.note})" if comparison.note else ""
    verdict, current = verdict_word(comparison.verdict) + note, comparison.current
    if isinstance(comparison, BoundCheck):
        now = spelled(current, float(comparison.limit))
        return comparison.metric, "", now, "", comparison.bound, verdict
    reference, change = comparison.reference, ""
    if reference.value is not None and current.value is not None:
        change = difference(current.value - reference.value, current, float(comparison.allowed))
    before, now = spelled(reference, current.value), spelled(current, reference.value)
    return comparison.metric, before, now, change, allowed(comparison), verdict


def allowed(comparison: Comparison) -> str:
    """Return a tolerance with the typed digits, in percentage points if the metric is a rate."""
    tolerance = comparison.allowed
    if comparison.current.is_rate:
        return f"{100 * tolerance:.{max(2, _decimals(tolerance) - 2)}f} pt"
    return f"{tolerance:.{max(4, _decimals(tolerance))}f}"


def _decimals(number: Decimal) -> int:
    return -int(number.as_tuple().exponent)


def needed_options(results: Sequence[ItemResult]) -> list[str]:
    """Return the options of an update that stores these results, without their prefix."""
    resets = any(result.needs_reset for result in results)
    reasoned = resets or any(result.needs_reason for result in results)
    return ["update-baselines", *([RESET] if resets else []), *([f'{REASON}="…"'] if reasoned else [])]


def why_reset(results: Sequence[ItemResult], prefix: str) -> Iterator[str]:
    """Yield why the accepting command resets the golden reference; `prefix` precedes the names of options."""
    option = f"{prefix}{RESET} is in it because"
    if any(result.ends_golden for result in results):
        yield f"{option} the golden reference, from which drift is measured, cannot stay beside the new values"
    if any(result.drifts for result in results):
        yield (
            f"{option} the loss since the first accepted values is beyond the drift budget; drift is measured from the "
            "new values then"
        )


def orientation(result: ItemResult) -> str:
    """Return the stored rates of an incomparable item beside the new rates; "" for any other item."""
    if not result.stored:
        return ""
    rates = zip(ORIENTATION.values(), _both_sides(result), strict=True)
    return f"for orientation, {NOT_THE_SAME}: {', '.join(f'{word} {sides}' for word, sides in rates)}"


def orientation_headings() -> tuple[str, ...]:
    """Return the headings over `orientation_cells`."""
    return NOT_THE_SAME, *ORIENTATION.values(), "verdict"


def orientation_cells(result: ItemResult) -> tuple[str, ...]:
    """Return the test of an incomparable item, its stored and new rates, and its verdict."""
    return short_name(result), *_both_sides(result), verdict_word(result.verdict)


def _both_sides(result: ItemResult) -> list[str]:
    return [f"{percent(result.stored[name])} -> {percent(result.stats.rates[name])}" for name in ORIENTATION]


def duration(seconds: float) -> str:
    """Return a duration as minutes and seconds, with hours if there are any: `1:30`, `2:00:05`."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
