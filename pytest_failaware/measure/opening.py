"""Open the model and the images that a run names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pytest_failaware.core.conditions.catalogue import Degrade
from pytest_failaware.core.errors import ConfigError
from pytest_failaware.core.progress import Progress
from pytest_failaware.core.request import RunConfig
from pytest_failaware.measure.images.data import ImageSet
from pytest_failaware.measure.images.map_style import adopt_dataset
from pytest_failaware.measure.images.sources import open_dataset
from pytest_failaware.measure.images.store import silent
from pytest_failaware.measure.live import Bench, build_bench
from pytest_failaware.measure.models.loading import LoadedModel, load_model
from pytest_failaware.measure.requirements import needed_dataset, needed_preprocess

if TYPE_CHECKING:
    import torch


def open_model(config: RunConfig, device: torch.device) -> LoadedModel:
    """Load the configured model, and freeze it on the device."""
    if config.model is None:
        raise ConfigError("no model given; pass --failaware-model=FILE (or FAILAWARE_MODEL, or the ini)")
    return load_model(config.model, config.arch, device, config.loading)


def open_images(config: RunConfig) -> ImageSet:
    """Open the configured data set without decoding it."""
    return open_dataset(needed_dataset(config), config.data_root, config.group)


def adopt_images(config: RunConfig, dataset: Any) -> ImageSet:  # Any: an ImageSet or what a user gives
    """Return the images of a data set; refuse a data set without groups if a column of groups is named."""
    images = dataset if isinstance(dataset, ImageSet) else adopt_dataset(dataset, "failaware_dataset")
    if config.group is not None and images.groups is None:
        raise ConfigError(
            f"--failaware-group={config.group}: names a column of a data set csv:FILE; this one tells no groups, give "
            "it an attribute .groups (npz: an array groups) or leave the option out"
        )
    return images


def open_bench(
    config: RunConfig,
    model: LoadedModel,
    dataset: Any,  # Any: an ImageSet or what a user gives
    own_kernels: Mapping[str, Degrade] | None = None,
    progress: Progress = silent,
) -> Bench:
    """Return the bench of a model and a data set under the configured preprocessing."""
    preprocess, images = needed_preprocess(config), adopt_images(config, dataset)
    return build_bench(
        model,
        images,
        preprocess,
        batch_size=config.batch_size,
        precision=config.precision,
        flags=config.gate.rule.flags,
        limit=config.limit,
        bad_samples=config.bad_samples,
        own_kernels=own_kernels,
        precomputed=config.precomputed,
        keep_logits=config.store_logits,
        declared=config.model_outputs,
        rename=config.rename,
        progress=progress,
    )
