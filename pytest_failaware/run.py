"""Measure a model without pytest: the same path that the fixtures take, for notebooks, scripts and our own tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_failaware.conditions import FOUNDING, Degrade
from pytest_failaware.config import resolve
from pytest_failaware.errors import ConfigError
from pytest_failaware.judge.kinds import AnyMetric, Metric, ScoreMetric
from pytest_failaware.judge.metric_names import one_sided_metric
from pytest_failaware.judge.metrics import METRICS, stats_of
from pytest_failaware.judge.rule import FailureRule
from pytest_failaware.marker import build_gate
from pytest_failaware.measure.bench import Bench, build_bench
from pytest_failaware.measure.data import ImageSet, adopt_dataset
from pytest_failaware.measure.models import LoadedModel, adopt_model, choose_device, load_model, restored
from pytest_failaware.measure.sources import open_dataset
from pytest_failaware.measure.store import silent
from pytest_failaware.options import Surroundings
from pytest_failaware.schema import (
    RECORD_DTYPES,
    Condition,
    ConditionStats,
    Gate,
    Records,
    RunConfig,
    Tell,
    Value,
)
from pytest_failaware.vocabulary import BUILT_IN

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    import torch
    from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """One condition's outcome: the columns of `records` and the counts and rates of `stats` under `rule`."""

    condition: Condition
    records: Records
    rule: FailureRule
    table: Mapping[str, AnyMetric] = field(default_factory=lambda: METRICS, repr=False)

    @cached_property
    def stats(self) -> ConditionStats:
        """The four cells and the rates made of them."""
        return stats_of(self.condition.key, self.records, self.rule, self.table)

    @cached_property
    def flagged(self) -> NDArray[np.bool_]:
        """Which predictions the rule flags, (N,) bool."""
        return self.rule.flags(confidence=self.records.confidence, entropy=self.records.entropy)

    def score(self, name: str) -> Value:
        """One metric by its name in a gate, as in `score("augrc").value`; without a value it says why.

        Raises:
            ConfigError: no metric of one side has this name.
        """
        if name in self.stats.rates:
            return self.stats.rates[name]
        own = self.table.get(name)
        metric = own if isinstance(own, ScoreMetric) else one_sided_metric(name, "score")
        return (
            metric.estimate(self.stats.cells)
            if isinstance(metric, Metric)
            else metric.score(self.records, self.flagged)
        )

    def to_frame(self) -> pd.DataFrame:
        """One row per sample: every column of the records but the logits, and whether it is flagged."""
        import pandas as pd

        columns = {name: getattr(self.records, name) for name in RECORD_DTYPES}
        return pd.DataFrame({**columns, "flagged": self.flagged})


def evaluate(
    *,
    model: torch.nn.Module | str | None = None,
    dataset: Any = None,  # Any: a map-style data set of (image, label), or text as --failaware-dataset takes it
    preprocess: str | None = None,
    records: Any = None,  # Any: the path of a file as --failaware-predictions takes it, its data frame or arrays
    arch: str | None = None,
    checkpoint_key: str | None = None,
    trust_model: str | None = None,
    allow_download: bool = False,
    conditions: Sequence[str] | None = None,
    rule: str | FailureRule = FailureRule(),  # noqa: B008 - frozen, so sharing the default is safe
    data_root: str | Path | None = None,
    bad_samples: str = "fail",
    precomputed: str | Path | None = None,
    device: str = "auto",
    batch_size: int | None = None,
    precision: str = "ieee",
    store_logits: bool = False,
    seed: int = 0,
) -> Mapping[str, Evaluation]:
    """Measure a classifier under each condition; the mapping's keys are the conditions' spellings.

    Text means what it means on pytest's command line; relative paths start at the working directory. A module that is
    given has its device, modes and gradients back afterwards. Instead of model, dataset and preprocess, `records` takes
    predictions made elsewhere. Without `conditions` these are the founding four, or those that were predicted. With
    `store_logits` the records of a model hold every logit; those of predictions always do.

    Raises:
        FailAwareError: anything that cannot be used, in one line.
    """
    if records is not None:
        if model is not None or dataset is not None:
            raise ConfigError("evaluate: records were predicted elsewhere; leave out model and dataset, or records")
        return _evaluate_predictions(records, conditions, rule)
    if model is None or dataset is None or preprocess is None:
        raise ConfigError("evaluate: give model, dataset and preprocess, or records of predictions made elsewhere")
    conditions = FOUNDING if conditions is None else conditions
    given = {"model": model, "dataset": dataset, "preprocess": preprocess, "arch": arch, "device": device}
    given |= {
        "precision": precision,
        "bad-samples": bad_samples,
        "checkpoint-key": checkpoint_key,
        "trust-model": trust_model,
        "allow-download": "1" if allow_download else None,
        "precomputed": precomputed and str(precomputed),
        "data-root": data_root and str(data_root),
        "batch-size": batch_size and str(batch_size),
    }
    config = resolve(
        command_line={name: value for name, value in given.items() if isinstance(value, str)},
        ini={"conditions": list(conditions), "rule": rule, "seed": seed, "store_logits": store_logits},
        around=Surroundings(environ={}, invocation_dir=Path.cwd(), ini_dir=Path.cwd()),
    )
    with restored(model):
        chosen = choose_device(config.device)
        loaded = open_model(config, chosen) if isinstance(model, str) else adopt_model(model, chosen)
        bench = open_bench(config, loaded, open_images(config) if isinstance(dataset, str) else dataset)
        try:
            return {condition.key: _evaluation(bench, condition, config.gate) for condition in config.gate.conditions}
        finally:
            bench.close()


def _evaluate_predictions(
    records: Any,  # Any: as evaluate takes it
    conditions: Sequence[str] | None,
    rule: str | FailureRule,
) -> Mapping[str, Evaluation]:
    from pytest_failaware.predictions import adopt_predictions, read_predictions

    is_path = isinstance(records, (str, Path))
    found = read_predictions(Path(records), option="records") if is_path else adopt_predictions(records)
    wanted = list(found.records) if conditions is None else list(conditions)
    gate = build_gate({"conditions": wanted, "rule": rule}, prefix="evaluate: ", vocabulary=BUILT_IN.of_predictions)
    measured = [found.measurement(condition, gate.seed) for condition in gate.conditions]
    return {
        one.condition.key: Evaluation(condition=one.condition, records=one.records, rule=gate.rule) for one in measured
    }


def _evaluation(bench: Bench, condition: Condition, gate: Gate) -> Evaluation:
    records = bench.measure(condition, gate.seed).records
    return Evaluation(condition=condition, records=records, rule=gate.rule, table=gate.table)


def open_model(config: RunConfig, device: torch.device) -> LoadedModel:
    """The configured model, loaded and frozen on the device."""
    if config.model is None:
        raise ConfigError("no model given; pass --failaware-model=FILE (or FAILAWARE_MODEL, or the ini)")
    return load_model(config.model, config.arch, device, config.loading)


def open_images(config: RunConfig) -> ImageSet:
    """The configured data set, not yet decoded."""
    if config.dataset is None:
        raise ConfigError("no data set given; pass --failaware-dataset=folder:DIR or set failaware_dataset in the ini")
    return open_dataset(config.dataset, config.data_root, config.group)


def open_bench(
    config: RunConfig,
    model: LoadedModel,
    dataset: Any,  # Any: an ImageSet or what a user gives
    own_kernels: Mapping[str, Degrade] | None = None,
    tell: Tell = silent,
) -> Bench:
    """The bench of a model and a data set under the configured preprocessing."""
    if config.preprocess is None:
        raise ConfigError(
            "no preprocessing given, and a guess would silently ruin every number; pass what the model was trained "
            "with, as in --failaware-preprocess=resize=224,mean=0.485/0.456/0.406,std=0.229/0.224/0.225 (none: x / 255)"
        )
    images = dataset if isinstance(dataset, ImageSet) else adopt_dataset(dataset, "failaware_dataset")
    if config.group is not None and images.groups is None:
        raise ConfigError(
            f"--failaware-group={config.group}: names a column of a data set csv:FILE; this one tells no groups, give "
            "it an attribute .groups (npz: an array groups) or leave the option out"
        )
    return build_bench(
        model,
        images,
        config.preprocess,
        batch_size=config.batch_size,
        precision=config.precision,
        flags=config.gate.rule.flags,
        limit=config.limit,
        bad_samples=config.bad_samples,
        own_kernels=own_kernels,
        precomputed=config.precomputed,
        keep_logits=config.store_logits,
        rename=config.rename,
        tell=tell,
    )
