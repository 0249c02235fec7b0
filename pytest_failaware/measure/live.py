"""The bench: a model and its images, opened once, on which any condition can be measured."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
import torchvision

from pytest_failaware.core.condition import Condition
from pytest_failaware.core.conditions.catalogue import Degrade
from pytest_failaware.core.conditions.spelling import at_size
from pytest_failaware.core.conditions.stored import content_of
from pytest_failaware.core.measurement import DECLARED_OUTPUTS, Former, Measurement, Provenance
from pytest_failaware.core.preprocessing import Preprocessing
from pytest_failaware.core.progress import Progress
from pytest_failaware.core.records import Records
from pytest_failaware.core.request import ModelOutputs, Precision, Source
from pytest_failaware.core.rule_columns import Rules
from pytest_failaware.measure.class_labels import missing_zero_note
from pytest_failaware.measure.degrade.kernels import Kernel, checked, find_kernel
from pytest_failaware.measure.engine.loader import DegradedLoader, default_batch_size
from pytest_failaware.measure.engine.loop import measure_records
from pytest_failaware.measure.engine.runner import Flags, Runner
from pytest_failaware.measure.engine.settings import check_precision
from pytest_failaware.measure.images.class_order import order_note
from pytest_failaware.measure.images.data import ImageSet
from pytest_failaware.measure.images.decoding import build_store
from pytest_failaware.measure.images.precomputed import Precomputed
from pytest_failaware.measure.images.store import ImageStore, silent
from pytest_failaware.measure.inputs.preprocess import Pipeline, build_pipeline
from pytest_failaware.measure.inputs.scale import Inspection, inspect_scale
from pytest_failaware.measure.models.loading import LoadedModel
from pytest_failaware.measure.requirements import no_folder


@dataclass(frozen=True, kw_only=True, eq=False)  # a bench equals itself alone, so that it can be a key
class Bench:
    """A model, its images and all that is needed to measure conditions on them."""

    runner: Runner
    store: ImageStore
    pipeline: Pipeline
    kernels: Mapping[str, Kernel]  # user-defined degradations
    limit: int | None = None
    precomputed: Precomputed | None = None
    keep_logits: bool = False

    @property
    def model(self) -> LoadedModel:
        """The model that is measured."""
        return self.runner.model

    @property
    def notes(self) -> tuple[str, ...]:
        """The notes of the summary on the images, on the inputs and on the measuring."""
        return (*self.store.notes, *self.class_notes, *self.doubts, *self.runner.notes)

    @cached_property
    def class_notes(self) -> tuple[str, ...]:
        """A note if the order of the model's outputs may differ from the order of the data set's classes."""
        if self.store.has_class_names:
            note = order_note(self.store.facts.classes, self.model.module)
        else:
            note = missing_zero_note(self.store.labels)
        return (note,) if note else ()

    @property
    def doubts(self) -> tuple[str, ...]:
        """The finding that the inputs differ from those of the training, if so; then every number is doubtful."""
        finding = self.inspection.finding
        return () if finding is None else (finding,)

    @property
    def is_misfit(self) -> bool:
        """Whether the inputs differ from those of the training."""
        return bool(self.doubts)

    @cached_property
    def inspection(self) -> Inspection:
        """The result of checking the preprocessing on a few clean images."""
        runner = self.runner
        return inspect_scale(self.model, self.store, self.pipeline, runner.precision, batch_size=runner.batch_size)

    def of(self, model: LoadedModel) -> Bench:
        """Return a bench of another model on the same images."""
        return dataclasses.replace(self, runner=self.runner.of(model))

    def sized(self, condition: Condition) -> Condition:
        """The condition with what is known of it now: a severity's strength for images of this size, or its content."""
        if not condition.is_precomputed:
            return at_size(condition, *self.store.images.shape[1:3])
        return dataclasses.replace(condition, content=content_of(self._stored(condition).facts.fingerprint))

    def _stored(self, condition: Condition) -> ImageStore:
        """Return the images of a precomputed condition."""
        if self.precomputed is None:
            raise no_folder(condition)
        return self.precomputed.store(condition)

    def _images(self, condition: Condition) -> ImageStore:
        """Return the images that the kernel gets, as many as are measured."""
        if not condition.is_precomputed:
            return self.store
        stored = self._stored(condition)
        return stored if self.limit is None else stored.limited(self.limit)

    def loader(self, condition: Condition, seed: int) -> DegradedLoader:
        """Return the loader of the batches of one condition."""
        return DegradedLoader(
            store=self._images(condition),
            pipeline=self.pipeline,
            condition=self.sized(condition),
            kernel=find_kernel(condition, self.kernels),
            seed=seed,
            device=self.model.device,
            batch_size=self.runner.batch_size,
        )

    def measure(self, condition: Condition, seed: int, rules: Rules = (), progress: Progress = silent) -> Measurement:
        """Measure all images under one condition; the records have the columns of these rules."""
        loader = self.loader(condition, seed)
        records = measure_records(self.runner, loader, rules, progress, keep_logits=self.keep_logits)
        return self.measurement(condition, seed, records)

    def measurement(self, condition: Condition, seed: int, records: Records) -> Measurement:
        """Return the records as a measurement, with their provenance."""
        return Measurement(
            condition=self.sized(condition),
            seed=seed if condition.is_random else None,
            records=records,
            provenance=Provenance(
                data=self.store.facts,
                preprocessing=self.pipeline.text,
                model=self.model.facts,
                environment=self.environment,
            ),
            former=self._former,
        )

    @property
    def _former(self) -> Former | None:
        """The identity of the samples before classes were renamed, in the order of the records."""
        former = self.store.former
        if former is None:
            return None
        return dataclasses.replace(former, sample_id=former.sample_id[np.argsort(self.store.sample_id)])

    def close(self) -> None:
        """Remove the files of memory maps."""
        self.store.close()
        if self.precomputed is not None:
            self.precomputed.close()

    @property
    def environment(self) -> dict[str, str]:
        """The facts that can explain a change between two machines: device, precision and versions, as text."""
        environment = _environment(self.model.device, self.runner.precision)
        declared = self.runner.reader.declared
        return environment if declared is ModelOutputs.LOGITS else environment | {DECLARED_OUTPUTS: declared.value}


def build_bench(
    model: LoadedModel,
    images: ImageSet,
    preprocess: Preprocessing | Source,
    *,
    batch_size: int | None = None,
    precision: Precision = Precision.IEEE,
    flags: Flags | None = None,
    limit: int | None = None,
    bad_samples: int = 0,
    own_kernels: Mapping[str, Degrade] | None = None,
    precomputed: Path | None = None,
    keep_logits: bool = False,
    declared: ModelOutputs = ModelOutputs.LOGITS,
    rename: Mapping[str, str] | None = None,
    progress: Progress = silent,
) -> Bench:
    """Decode the images, apply the geometry of the preprocessing, and build the bench.

    Args:
        model: the model, on its device.
        images: the whole data set.
        preprocess: geometry and normalisation.
        batch_size: the number of images in a batch; by default it depends on their size and on the device.
        precision: the arithmetic of the model.
        flags: the rule; a faster way to run the model must not change its flags.
        limit: how many images to measure, those with the smallest ids; None for all.
        bad_samples: how many images may be left out because they cannot be used.
        own_kernels: user-defined degradations by name.
        precomputed: the folder of precomputed corruptions.
        keep_logits: whether the records keep every logit.
        declared: what the model returns.
        rename: the new name of each old class name.
        progress: called with the number of decoded images and of all images.

    Raises:
        DataError: the images or the preprocessing cannot be used.
        ConfigError: the device does not have the precision.
    """
    check_precision(precision, model.device)
    pipeline = build_pipeline(preprocess, model.module)
    store = build_store(
        images.undoing(pipeline.numbers), pipeline.geometry, skip=bad_samples, rename=rename, progress=progress
    )
    own = {name: checked(name, kernel) for name, kernel in (own_kernels or {}).items()}
    size = batch_size or default_batch_size(store, model.device)
    return Bench(
        runner=Runner(model, batch_size=size, precision=precision, flags=flags, declared=declared),
        store=store if limit is None else store.limited(limit),
        pipeline=pipeline,
        kernels=own,
        limit=limit,
        precomputed=Precomputed(precomputed, images, store, pipeline.geometry) if precomputed else None,
        keep_logits=keep_logits,
    )


def _environment(device: torch.device, precision: Precision) -> dict[str, str]:
    environment = {"device": device.type, "dtype": precision.dtype, "torch": str(torch.__version__)}
    if device.type == "cuda":
        environment |= {"cuda": str(torch.version.cuda), "gpu": torch.cuda.get_device_name(device)}
    return environment | {"torchvision": str(torchvision.__version__)}
