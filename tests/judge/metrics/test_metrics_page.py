"""docs/metrics.md agrees with the code on direction, range, undefined case and default tolerance."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_failaware.config.vocabulary import BUILT_IN
from pytest_failaware.core.metric import AnyMetric, Direction, ScoreMetric
from pytest_failaware.judge.metrics.rates import CHANGE_RATES, DEFAULT_GATES
from pytest_failaware.judge.metrics.scores import RANKING_METRICS

PAGE = (Path(__file__).parents[3] / "docs" / "metrics.md").read_text(encoding="utf-8")
METRICS: dict[str, AnyMetric] = {
    **BUILT_IN.metrics,
    **{name: family.plain for name, family in RANKING_METRICS.items()},
}
BETTER = {
    Direction.HIGHER_IS_BETTER: "higher",
    Direction.LOWER_IS_BETTER: "lower",
    Direction.EITHER_IS_WORSE: "a change either way is worse",
}
COLUMNS = ["name", "in words", "better", "range", "undefined if", "tolerance", "source"]


def rows() -> dict[str, dict[str, str]]:
    """The cells of every row that has a metric's name, by that name without brackets."""
    found: dict[str, dict[str, str]] = {}
    heading: list[str] = []
    for line in PAGE.replace(r"\|", "/").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")] if line.startswith("|") else []
        heading = cells if not heading or not cells else heading  # a line without cells ends a table
        if heading == COLUMNS and cells[0].startswith("`"):
            name = cells[0].strip("`").partition("(")[0]
            assert name not in found, f"{name} has two rows"
            found[name] = dict(zip(COLUMNS, cells, strict=True))
    return found


def limits(metric: AnyMetric) -> str:
    """The range as the page writes it."""
    if not isinstance(metric, ScoreMetric):
        return "0 to 1"
    if metric.highest == float("inf"):
        return f"from {metric.lowest:g}"
    return f"{metric.lowest:g} to {metric.highest:g}{', a rate' if metric.is_rate else ''}"


def test_every_metric_has_one_row() -> None:
    """Those that gate, those of the spellings with brackets, and the rates of change; and no row is of another."""
    assert {*METRICS, *CHANGE_RATES} == set(rows())


@pytest.mark.parametrize("name", METRICS)
def test_a_row_says_what_the_code_does(name: str) -> None:
    """The very sentences of a run, and a source for every number that is no ratio of counts."""
    metric, row = METRICS[name], rows()[name]

    assert BETTER[metric.direction] == row["better"]
    assert limits(metric) == row["range"]
    assert metric.undefined == row["undefined if"]
    assert str(metric.tolerance) == row["tolerance"]
    assert row["source"] or not isinstance(metric, ScoreMetric)


@pytest.mark.parametrize("name", CHANGE_RATES)
def test_a_rate_of_change_is_bounded_and_has_no_tolerance(name: str) -> None:
    """A rate of change is lower-is-better, bounded and without a tolerance."""
    assert ("lower", "0 to 1", "") == tuple(rows()[name][column] for column in ("better", "range", "tolerance"))


def test_what_gates_by_default_says_so() -> None:
    """Exactly the four default gates are marked as such."""
    marked = {name for name, row in rows().items() if "gates by default" in row["in words"]}

    assert set(DEFAULT_GATES) == marked
