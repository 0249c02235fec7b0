"""Measure a model without pytest: the same path that the fixtures take, for notebooks, scripts and our own tests."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pytest_failaware.conditions import DEFINITIONS, FOUNDING
from pytest_failaware.config import resolve
from pytest_failaware.errors import ConfigError
from pytest_failaware.judge.metrics import count_cells, stats_of
from pytest_failaware.judge.rule import FailureRule
from pytest_failaware.measure.data import ImageSet, adopt_dataset, open_dataset
from pytest_failaware.measure.inference import measure_records
from pytest_failaware.measure.loader import DegradedLoader, default_batch_size
from pytest_failaware.measure.models import LoadedModel, adopt_model, choose_device, load_model
from pytest_failaware.measure.preprocess import Pipeline, build_pipeline
from pytest_failaware.measure.store import ImageStore, build_store
from pytest_failaware.schema import Condition, ConditionStats, Measurement, Provenance, Records, RunConfig

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """One condition's outcome: the columns of `records` and the counts and rates of `stats` under `rule`."""

    condition: Condition
    records: Records
    rule: FailureRule

    @cached_property
    def stats(self) -> ConditionStats:
        """The four cells and the rates made of them."""
        return stats_of(self.condition.key, count_cells(self.records, self.rule))

    @cached_property
    def flagged(self) -> NDArray[np.bool_]:
        """Which predictions the rule flags, (N,) bool."""
        return self.rule.flags(confidence=self.records.confidence, entropy=self.records.entropy)

    def to_frame(self) -> pd.DataFrame:
        """One row per sample: every column of the records, and whether it is flagged."""
        import pandas as pd

        columns = {name: getattr(self.records, name) for name in Records.__slots__}
        return pd.DataFrame({**columns, "flagged": self.flagged})


@dataclass(frozen=True, kw_only=True)
class Bench:
    """A model and its images, opened once, on which any condition can be measured."""

    model: LoadedModel
    store: ImageStore
    pipeline: Pipeline
    batch_size: int

    def loader(self, condition: Condition, seed: int) -> DegradedLoader:
        """The ready-to-feed batches of one condition."""
        return DegradedLoader(
            store=self.store,
            pipeline=self.pipeline,
            condition=condition,
            seed=seed,
            device=self.model.device,
            batch_size=self.batch_size,
        )

    def measure(self, condition: Condition, seed: int) -> Measurement:
        """One pass over the images under one condition."""
        return Measurement(
            condition=condition,
            seed=seed if DEFINITIONS[condition.name].is_random else None,
            records=measure_records(self.model, self.loader(condition, seed)),
            provenance=self.provenance,
        )

    @property
    def provenance(self) -> Provenance:
        """What model, data and environment a measurement here comes from."""
        return Provenance(
            data=self.store.facts,
            preprocessing=self.pipeline.text,
            model=self.model.facts,
            environment=_environment(self.model),
        )


def evaluate(
    *,
    model: Any,  # Any: a torch.nn.Module, or text as --failaware-model takes it
    dataset: Any,  # Any: a map-style data set, or text as --failaware-dataset takes it
    preprocess: str,
    arch: str | None = None,
    conditions: Sequence[str] = FOUNDING,
    rule: str | FailureRule = FailureRule(),  # noqa: B008 - frozen, so sharing the default is safe
    data_root: str | Path | None = None,
    device: str = "auto",
    batch_size: int | None = None,
    seed: int = 0,
) -> Mapping[str, Evaluation]:
    """Measure a classifier under each condition; the mapping's keys are the conditions' spellings.

    Text means what it means on pytest's command line; relative paths start at the working directory.

    Raises:
        FailAwareError: anything that cannot be used, in one line.
    """
    here = Path.cwd()
    text = {"model": model, "dataset": dataset} | {"arch": arch, "preprocess": preprocess, "device": device}
    text |= {"data-root": None if data_root is None else str(data_root), "batch-size": batch_size and str(batch_size)}
    options = {name: value for name, value in text.items() if isinstance(value, str)}
    gate = {"conditions": list(conditions), "rule": rule, "seed": seed}
    config = resolve(command_line=options, ini=gate, environ={}, invocation_dir=here, ini_dir=here)
    given_model = None if isinstance(model, str) else model
    given_dataset = None if isinstance(dataset, str) else dataset
    with open_bench(config, model=given_model, dataset=given_dataset) as bench:
        return {
            condition.key: Evaluation(
                condition=condition, records=bench.measure(condition, config.gate.seed).records, rule=config.gate.rule
            )
            for condition in config.gate.conditions
        }


@contextlib.contextmanager
def open_bench(config: RunConfig, *, model: Any = None, dataset: Any = None) -> Iterator[Bench]:
    """The bench of a configuration; a model or data set that is given takes the place of the configured one."""
    device = choose_device(config.device)
    loaded = open_model(config, device) if model is None else adopt_model(model, device)
    images = open_images(config) if dataset is None else adopt_images(dataset)
    bench = build_bench(config, loaded, images)
    try:
        yield bench
    finally:
        bench.store.close()


def open_model(config: RunConfig, device: Any) -> LoadedModel:  # Any: a torch.device
    """The configured model, loaded and frozen on the device."""
    if config.model is None:
        raise ConfigError("no model given; pass --failaware-model=FILE (or FAILAWARE_MODEL, or the ini)")
    return load_model(config.model, config.arch, device)


def open_images(config: RunConfig) -> ImageSet:
    """The configured data set, not yet decoded."""
    if config.dataset is None:
        raise ConfigError("no data set given; pass --failaware-dataset=folder:DIR or set failaware_dataset in the ini")
    return open_dataset(config.dataset, config.data_root)


def adopt_images(dataset: Any) -> ImageSet:  # Any: whatever a failaware_dataset fixture returns
    """The images of a data set that the user built."""
    return dataset if isinstance(dataset, ImageSet) else adopt_dataset(dataset, "failaware_dataset")


def build_bench(config: RunConfig, model: LoadedModel, images: ImageSet) -> Bench:
    """Decode the images through the configured geometry and put the pieces together."""
    if config.preprocess is None:
        raise ConfigError(
            "no preprocessing given, and a guess would silently ruin every number; pass what the model was trained "
            "with, as in --failaware-preprocess=resize=224,mean=0.485/0.456/0.406,std=0.229/0.224/0.225 (none: x / 255)"
        )
    pipeline = build_pipeline(config.preprocess)
    store = build_store(images, pipeline.geometry)
    return Bench(model=model, store=store, pipeline=pipeline, batch_size=config.batch_size or default_batch_size(store))


def _environment(model: LoadedModel) -> dict[str, str]:
    """What can explain a change between two machines: device, precision and versions."""
    import torch
    import torchvision

    found = {"device": model.device.type, "dtype": "float32", "torch": str(torch.__version__)}
    if model.device.type == "cuda":
        found |= {"cuda": str(torch.version.cuda), "gpu": torch.cuda.get_device_name(model.device)}
    return found | {"torchvision": str(torchvision.__version__)}
