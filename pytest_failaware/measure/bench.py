"""A model and its images, opened once, on which any condition can be measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
import torchvision

from pytest_failaware.conditions import Degrade
from pytest_failaware.measure.data import ImageSet
from pytest_failaware.measure.degrade import KERNELS, Kernel, checked
from pytest_failaware.measure.inference import measure_records
from pytest_failaware.measure.loader import DegradedLoader, default_batch_size
from pytest_failaware.measure.models import LoadedModel
from pytest_failaware.measure.precision import check_precision
from pytest_failaware.measure.preprocess import Pipeline, build_pipeline
from pytest_failaware.measure.runner import Flags, Runner
from pytest_failaware.measure.store import ImageStore, build_store
from pytest_failaware.schema import Condition, Measurement, Precision, Preprocessing, Provenance, Source


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """The pieces that one pass over the data needs."""

    runner: Runner
    store: ImageStore
    pipeline: Pipeline
    kernels: Mapping[str, Kernel]

    @property
    def model(self) -> LoadedModel:
        """The model that is measured."""
        return self.runner.model

    @property
    def notes(self) -> tuple[str, ...]:
        """What the summary says of the measuring itself."""
        return self.runner.notes

    def of(self, model: LoadedModel) -> Bench:
        """The same images for another model."""
        return replace(self, runner=self.runner.of(model))

    def loader(self, condition: Condition, seed: int) -> DegradedLoader:
        """The ready-to-feed batches of one condition."""
        return DegradedLoader(
            store=self.store,
            pipeline=self.pipeline,
            condition=condition,
            kernel=self.kernels[condition.name],
            seed=seed,
            device=self.model.device,
            batch_size=self.runner.batch_size,
        )

    def measure(self, condition: Condition, seed: int) -> Measurement:
        """One pass over the images under one condition."""
        return Measurement(
            condition=condition,
            seed=seed if condition.is_random else None,
            records=measure_records(self.runner, self.loader(condition, seed)),
            provenance=Provenance(
                data=self.store.facts,
                preprocessing=self.pipeline.text,
                model=self.model.facts,
                environment=_environment(self.model.device, self.runner.precision),
            ),
        )


def build_bench(
    model: LoadedModel,
    images: ImageSet,
    preprocess: Preprocessing | Source,
    *,
    batch_size: int | None = None,
    precision: Precision = Precision.IEEE,
    flags: Flags | None = None,
    limit: int | None = None,
    own_kernels: Mapping[str, Degrade] | None = None,
) -> Bench:
    """Decode the images through the preprocessing's geometry and put the pieces together.

    Args:
        model: on its device.
        images: the whole data set, of which `limit` images at most are measured.
        preprocess: geometry and normalisation.
        batch_size: images in a batch, by default chosen by their size and the device.
        precision: what the model is computed in.
        flags: the rule whose flags faster ways to run the model must not change.
        limit: how many images to measure, those with the smallest ids.
        own_kernels: the user's degradations by name.

    Raises:
        DataError: the images or the preprocessing cannot be used.
        ConfigError: the device does not have the precision.
    """
    check_precision(precision, model.device)
    pipeline = build_pipeline(preprocess)
    store = build_store(images, pipeline.geometry)
    own = {name: checked(name, kernel) for name, kernel in (own_kernels or {}).items()}
    size = batch_size or default_batch_size(store, model.device)
    return Bench(
        runner=Runner(model, batch_size=size, precision=precision, flags=flags),
        store=store if limit is None else store.limited(limit),
        pipeline=pipeline,
        kernels={**KERNELS, **own},
    )


def _environment(device: torch.device, precision: Precision) -> dict[str, str]:
    """What can explain a change between two machines: device, precision and versions, as plain text."""
    found = {"device": device.type, "dtype": precision.dtype, "torch": str(torch.__version__)}
    if device.type == "cuda":
        found |= {"cuda": str(torch.version.cuda), "gpu": torch.cuda.get_device_name(device)}
    return found | {"torchvision": str(torchvision.__version__)}
