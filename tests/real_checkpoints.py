"""Two real checkpoints of one training run on 5,000 images, and marked tests that compare them.

The images and the checkpoints are in the folder that the environment variable FAILAWARE_SHARED_DATA names. Each is
measured once; afterwards its logits are enough for every scale and every rule.
"""

from __future__ import annotations

import tarfile
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pytest_failaware import FailAwareWarning, evaluate
from pytest_failaware.baselines.entries import baseline_of
from pytest_failaware.config.gate import build_gate
from pytest_failaware.core.measurement import Measurement
from pytest_failaware.core.reference import Reference
from pytest_failaware.core.remedy import Advice
from pytest_failaware.core.result import Comparison, ItemResult
from pytest_failaware.core.rule import FailureRule
from pytest_failaware.core.rule_columns import with_rules
from pytest_failaware.judge.remedy.advice import advise
from pytest_failaware.judge.remedy.tested import Tested
from pytest_failaware.judge.verdict import Terms, judge
from pytest_failaware.measure.predictions.predictions import adopt_predictions

CONDITIONS = ("clean", "gaussian_noise", "blur", "low_light")
GATES = {
    "metrics": ["accuracy", "confident_accuracy_at_coverage", "confident_accuracy", "confident_correct_rate"],
    "tolerance": {"confident_correct_rate": 0.05},
}
"""The four gates with their tolerances, by name."""

Floats = NDArray[np.float32]


def measure(data: Path, checkpoint: str, folder: Path, precision: str = "ieee") -> Mapping[str, np.ndarray]:
    """Return the predictions of a checkpoint on all images under the four conditions, as a file of predictions."""
    images = folder / "cifar10_test_5000"
    if not images.exists():
        with tarfile.open(data / "cifar10_test_5000.tar") as archive:
            archive.extractall(folder, filter="data")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FailAwareWarning)
        found = evaluate(
            model=str(data / checkpoint),
            dataset=f"folder:{images}",
            preprocess="none",
            arch="torchvision:resnet18",
            conditions=list(CONDITIONS),
            device="cpu",
            precision=precision,
            store_logits=True,
        )
    records = [found[key].records for key in CONDITIONS]
    return {
        "sample_id": np.concatenate([one.sample_id for one in records]),
        "label": np.concatenate([one.label for one in records]).astype(np.int64),
        "condition": np.repeat(CONDITIONS, len(records[0])),
        "logits": np.concatenate([one.logits for one in records if one.logits is not None]),
        "classes": np.array(found["clean"].measurement.provenance.data.classes),
    }


@dataclass(frozen=True, kw_only=True)
class Side:
    """The predictions of a model under the four conditions, with the columns of a file of predictions."""

    columns: Mapping[str, np.ndarray]

    def times(self, factor: float) -> Side:
        """Return the model with its logits multiplied."""
        return self.answering(self.columns["logits"] * np.float32(factor))

    def answering(self, logits: Floats) -> Side:
        """Return the model with these logits, (4 N, K)."""
        return Side(columns={**self.columns, "logits": logits})

    @cached_property
    def measurements(self) -> Mapping[str, Measurement]:
        """The measurement of each condition, with logits."""
        predictions = adopt_predictions(self.columns)
        gate = build_gate({"conditions": list(CONDITIONS)})
        return {one.key: predictions.measurement(one, 0) for one in gate.conditions}

    def under(self, key: str, *rules: FailureRule) -> Measurement:
        """Return the measurement of a condition with the columns of these rules and without logits."""
        measurement = self.measurements[key]
        return replace(measurement, records=replace(with_rules(measurement.records, rules), logits=None))


@dataclass(frozen=True, kw_only=True)
class Judged:
    """A marked test, judged: what its items got, and their results by condition."""

    items: tuple[Tested, ...]

    @cached_property
    def results(self) -> Mapping[str, ItemResult]:
        """The results of the items."""
        return {
            item.measurement.condition.key: replace(
                judge(item.measurement, item.reference, item.gate, item.terms), test=("t[", "]")
            )
            for item in self.items
        }

    @cached_property
    def verdicts(self) -> dict[str, str]:
        """The verdicts of the items that fail, by condition."""
        return {key: result.verdict.value for key, result in self.results.items() if result.verdict.fails}

    @cached_property
    def red(self) -> dict[str, list[str]]:
        """The gates that fail, by condition."""
        failing = {
            key: [one.metric for one in result.comparisons if one.verdict.fails] for key, result in self.results.items()
        }
        return {key: names for key, names in failing.items() if names}

    def comparison(self, key: str, metric: str) -> Comparison:
        """Return the comparison of one metric under one condition."""
        return next(
            one for one in self.results[key].comparisons if isinstance(one, Comparison) and one.metric == metric
        )

    @cached_property
    def advice(self) -> Advice | None:
        """What to do about the test."""
        return advise(list(self.results.values()), self.items)


def judged(before: Side, now: Side, rule: str | FailureRule = "", **gate: object) -> Judged:
    """Return the marked test of a candidate under a rule against a baseline under the default rule."""
    stored = FailureRule()
    wanted = build_gate({"conditions": list(CONDITIONS), "rule": rule or stored, **GATES, **gate})
    items = []
    for key in CONDITIONS:
        old = before.under(key, stored)
        reference = Reference(name="b", key=key, baseline=baseline_of(old, stored, "b"), records=old.records)
        measurement, terms = now.under(key, wanted.rule, stored), Terms(nodeid=f"t[{key}]")
        items.append(Tested(measurement=measurement, reference=reference, gate=wanted, terms=terms))
    return Judged(items=tuple(items))
