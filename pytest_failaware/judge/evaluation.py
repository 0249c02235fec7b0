"""The return value of `evaluate`: the outcome of each condition as numbers, tables and data frames."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Final

from pytest_failaware.core.condition import Condition
from pytest_failaware.core.estimates import Cells, ConditionStats, Value, percent
from pytest_failaware.core.gate import Gate
from pytest_failaware.core.layout import aligned
from pytest_failaware.core.measurement import Measurement, in_groups
from pytest_failaware.core.metric import AnyMetric, score_metrics
from pytest_failaware.core.notebook import html_lines, html_table
from pytest_failaware.core.records import NO_CLASS, RECORD_DTYPES, Records
from pytest_failaware.core.rule import FailureRule
from pytest_failaware.core.text import printable
from pytest_failaware.judge.metrics.names import one_sided_metric
from pytest_failaware.judge.metrics.rates import FOUNDING_RATES, METRICS, stats_of

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

_SHOWN: Final = 4  # conditions in a line

Names = Callable[[Sequence[int]], Mapping[int, str]]
"""A function that takes ids of samples and returns the names in the data set; a sample may have no name."""


def without_names(sample_ids: Sequence[int]) -> Mapping[int, str]:
    """Return an empty mapping: these samples have no names."""
    return {}


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class Evaluation:
    """The outcome of one condition: the columns of `records` and the counts and rates of `stats` under `rule`."""

    measurement: Measurement
    rule: FailureRule
    table: Mapping[str, AnyMetric] = field(default_factory=lambda: METRICS)
    names: Names = without_names

    @property
    def condition(self) -> Condition:
        """The condition that the images were changed with."""
        return self.measurement.condition

    @property
    def records(self) -> Records:
        """The outcome of every sample."""
        return self.measurement.records

    @cached_property
    def stats(self) -> ConditionStats:
        """The counts of the four cells and the rates that are made of these counts."""
        return stats_of(self.condition.key, self.records, self.rule, self.table)

    @cached_property
    def flagged(self) -> NDArray[np.bool_]:
        """Which predictions the rule flags, (N,) bool."""
        return self.rule.flags_of(self.records)

    def score(self, name: str) -> Value:
        """Return one metric by its name in a gate, as in `score("augrc").value`; without a value, `reason` says why.

        Raises:
            ConfigError: no metric of one side has this name.
        """
        if name in self.stats.rates:
            return self.stats.rates[name]
        metric = next(iter(score_metrics(self.table, (name,))), None) or one_sided_metric(name, "score")
        return metric.measure(self.records, self.flagged)

    def to_frame(self) -> pd.DataFrame:
        """Return one row per sample: names, every column of the records except the logits, and whether it is flagged.

        `sample_name` is the sample's name in the data set: the path of its file, or `item 7` for your own data set.
        `prediction_name` is missing if the logits are not finite.
        """
        import pandas as pd

        records, classes = self.records, self.measurement.provenance.data.classes
        ids = records.sample_id.tolist()
        names = self.names(ids)
        columns = {name: getattr(records, name) for name in RECORD_DTYPES}
        first = {
            "sample_id": columns.pop("sample_id"),
            "sample_name": [names.get(sample_id, str(sample_id)) for sample_id in ids],
            "label": columns.pop("label"),
            "label_name": [classes[label] for label in records.label.tolist()],
            "prediction": columns.pop("prediction"),
            "prediction_name": [
                None if prediction == NO_CLASS else classes[prediction] for prediction in records.prediction.tolist()
            ],
        }
        return pd.DataFrame({**first, **columns, "flagged": self.flagged})

    def __repr__(self) -> str:
        return f"<Evaluation of {self.condition.key}: {self.stats.counts}>"


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class Evaluations(Mapping[str, Evaluation]):
    """The outcome of each condition, by its spelling, as in `evaluations["blur"]`.

    `notes` are sentences about doubts and decisions; notes that need attention were also issued as warnings.
    """

    evaluations: Mapping[str, Evaluation]
    gate: Gate
    notes: tuple[str, ...] = ()

    def __getitem__(self, condition: str) -> Evaluation:
        if condition not in self.evaluations:
            raise KeyError(f"{condition!r} was not evaluated; choose from {', '.join(self.evaluations)}")
        return self.evaluations[condition]

    def __iter__(self) -> Iterator[str]:
        return iter(self.evaluations)

    def __len__(self) -> int:
        return len(self.evaluations)

    def to_frame(self) -> pd.DataFrame:
        """Return one row per condition and sample; `condition` and the columns of `Evaluation.to_frame`."""
        import pandas as pd

        frames = {key: evaluation.to_frame() for key, evaluation in self.items()}
        whole = pd.concat(frames, names=["condition"])
        return whole.reset_index(level="condition").reset_index(drop=True)

    def __repr__(self) -> str:
        shown = [f"{key} {_right(evaluation.stats.cells)}" for key, evaluation in list(self.items())[:_SHOWN]]
        more = [f"{len(self) - _SHOWN} more"] if len(self) > _SHOWN else []
        return f"<Evaluations: {', '.join(shown + more)}>"

    def __str__(self) -> str:
        return "\n".join([self._heading, *aligned(self._rows, left=(0,)), *self._note_lines])

    def _repr_html_(self) -> str:
        table = html_table(self._rows, left=(0,))
        return html_lines([self._heading]) + table + html_lines(self._note_lines)

    @property
    def _heading(self) -> str:
        data = next(iter(self.values())).measurement.provenance.data
        return f"{data.samples:,} samples{in_groups(data)}, {len(data.classes)} classes; rule {self.gate.rule}"

    @property
    def _note_lines(self) -> list[str]:
        """Return the notes without control characters, which file names can contain."""
        return [printable(f"note: {note}") for note in self.notes]

    @property
    def _rows(self) -> list[tuple[str, ...]]:
        """Return the headings, then one row per condition with the rates over all and over the trusted samples."""
        *rates, failure_rate, _ = FOUNDING_RATES
        rows = [("condition", *rates, "flagged")]
        for key, evaluation in self.items():
            shown = [percent(evaluation.stats.rates[name]) for name in (*rates, failure_rate)]
            rows.append((key, *shown))
        return rows


def _right(cells: Cells) -> str:
    return f"{cells.right:,} of {cells.samples:,} right"
