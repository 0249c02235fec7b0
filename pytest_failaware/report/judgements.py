"""The judgements on an evaluation that was compared with a stored baseline."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final

from pytest_failaware.core.layout import aligned
from pytest_failaware.core.notebook import html_lines, html_table, html_text
from pytest_failaware.core.result import BoundCheck, ItemResult, Judged
from pytest_failaware.core.text import printable
from pytest_failaware.report.alarms import alarms
from pytest_failaware.report.failure import failure_lines
from pytest_failaware.report.proof import badness
from pytest_failaware.report.script_words import in_script
from pytest_failaware.report.terminal.summary import total
from pytest_failaware.report.words import comparison_cells, verdict_word

if TYPE_CHECKING:
    import pandas as pd


_COMMAND: Final = "a run of pytest with --failaware-update-baselines"


_HEADINGS: Final = ("condition", "metric", "baseline", "now", "change", "allowed", "verdict")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class Judgements(Mapping[str, str]):
    """The verdict on each condition, as in `judgements["blur"] == "regressed"`, with the comparisons behind it.

    Printed, it is a table with the failure text of each failed condition. It has no truth value: ask `passed` whether
    no condition fails.
    """

    results: tuple[ItemResult, ...]

    def __getitem__(self, condition: str) -> str:
        return self._verdicts[condition]

    def __iter__(self) -> Iterator[str]:
        return iter(self._verdicts)

    def __len__(self) -> int:
        return len(self.results)

    def __bool__(self) -> bool:
        raise TypeError("compare: a mapping of verdicts is neither true nor false; ask for .passed")

    @property
    def passed(self) -> bool:
        """Whether no condition fails."""
        return not any(result.verdict.fails for result in self.results)

    @property
    def failure(self) -> str:
        """The text of the failed conditions, the worst first; "" if no condition fails."""
        return "\n".join(self._failure_lines)

    def to_frame(self) -> pd.DataFrame:
        """Return one row per condition and metric: its values before and now, the tolerance or bound, the verdict."""
        import pandas as pd

        rows = [
            (result.stats.condition, comparison.metric, *_numbers(comparison), comparison.verdict.value)
            for result in self.results
            for comparison in result.comparisons
        ]
        return pd.DataFrame(rows, columns=["condition", "metric", "baseline", "now", "allowed", "verdict"])

    def __repr__(self) -> str:
        return f"<Judgements: {self._heading}>"

    def __str__(self) -> str:
        return "\n".join([self._heading, *aligned(self._rows, left=(0, 1, 6)), *self._notes, *self._failure_lines])

    def _repr_html_(self) -> str:
        table = html_table(self._rows, left=(0, 1, 6))
        return html_lines([self._heading]) + table + html_lines(self._notes) + html_text(self._failure_lines)

    @property
    def _verdicts(self) -> dict[str, str]:
        return {result.stats.condition: result.verdict.value for result in self.results}

    @property
    def _heading(self) -> str:
        return f"baseline {self.results[0].baseline!r}: {total(sorted(self.results, key=badness))}"

    @property
    def _rows(self) -> list[tuple[str, ...]]:
        """Return the headings, the metrics of each condition, and the conditions without a comparable metric."""
        rows: list[tuple[str, ...]] = [_HEADINGS]
        for result in self.results:
            key = result.stats.condition
            rows += [(key, *comparison_cells(comparison)) for comparison in result.comparisons]
            if not any(comparison.verdict is result.verdict for comparison in result.comparisons):
                rows.append((key, "", "", "", "", "", verdict_word(result.verdict)))
        return rows

    @property
    def _notes(self) -> list[str]:
        """Return whether the rule changed, and the notes of conditions that pass; a failure has its own notes."""
        passed = (result for result in self.results if not result.verdict.fails)
        changes = dict.fromkeys(result.rule_change for result in self.results)
        return [
            *(printable(change) for change in changes if change),
            *(printable(in_script(alarm)) for alarm in alarms(self.results)),
            *(printable(f"note: {result.stats.condition}: {note}") for result in passed for note in result.notes),
        ]

    @property
    def _failure_lines(self) -> list[str]:
        failed = sorted((result for result in self.results if result.verdict.fails), key=badness)
        return [
            printable(in_script(line))
            for result in failed
            for line in failure_lines(result, verbosity=1, command=_COMMAND)
        ]


def _numbers(comparison: Judged) -> tuple[float | None, float | None, float]:
    """Return the values before and now, and the tolerance or the bound."""
    if isinstance(comparison, BoundCheck):
        return None, comparison.current.value, float(comparison.limit)
    return comparison.reference.value, comparison.current.value, float(comparison.allowed)
