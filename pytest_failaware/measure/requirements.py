"""Check what a measurement needs before anything is opened."""

from __future__ import annotations

import importlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import groupby
from typing import Final

from pytest_failaware.core.condition import Condition
from pytest_failaware.core.errors import ConfigError
from pytest_failaware.core.gate import Gate
from pytest_failaware.core.preprocessing import Preprocessing
from pytest_failaware.core.request import RunConfig, Source, SubjectKind

_NO_NAME: Final = (
    "no name for the baseline: {what} without an architecture's name; give --failaware-baseline=NAME, "
    "failaware_baseline in the ini, or baseline=… in the marker"
)


def check_requirements(config: RunConfig, gate: Gate, condition: Condition, *, overridden: Collection[str]) -> None:
    """Refuse to measure a condition if an option that it needs is not given.

    Args:
        config: the configuration of the run.
        gate: the gate of the test.
        condition: the condition to measure.
        overridden: `model` or `dataset`, if a fixture of the tests gives it.

    Raises:
        ConfigError: an option is missing; the message names it.
    """
    if config.subject is SubjectKind.PREDICTIONS:
        if config.against is None:
            known_name("", gate, what="predictions come")
        return
    if config.model is None and "model" not in overridden:
        return  # the test skips
    needed_preprocess(config)
    if "dataset" not in overridden:
        needed_dataset(config)
    if condition.is_precomputed and config.precomputed is None:
        raise no_folder(condition)


def check_torch() -> None:
    """Refuse to open a model or images if torch or torchvision is not installed.

    Raises:
        ConfigError: a package is missing; the message says what to install.
    """
    for name in ("torch", "torchvision"):
        try:
            importlib.import_module(name)
        except ModuleNotFoundError as error:
            raise ConfigError(
                f"measuring a model: {name} is not installed; run `python -m pip install torch torchvision`, "
                "or give predictions made elsewhere, which need neither (--failaware-predictions=FILE)"
            ) from error


def needed_preprocess(config: RunConfig) -> Preprocessing | Source:
    """Return the configured preprocessing.

    Raises:
        ConfigError: there is none.
    """
    if config.preprocess is None:
        raise ConfigError(
            "no preprocessing given, and a guess would silently ruin every number; pass what the model was trained "
            "with, as in --failaware-preprocess=resize=224,mean=0.485/0.456/0.406,std=0.229/0.224/0.225 (none: x / 255)"
        )
    return config.preprocess


def needed_dataset(config: RunConfig) -> Source:
    """Return the configured data set.

    Raises:
        ConfigError: there is none.
    """
    if config.dataset is None:
        raise ConfigError("no data set given; pass --failaware-dataset=folder:DIR or set failaware_dataset in the ini")
    return config.dataset


def no_folder(condition: Condition) -> ConfigError:
    """Return the error for a precomputed condition if no folder of precomputed images is given."""
    return ConfigError(
        f"conditions: {condition.key} needs --failaware-precomputed=DIR (or failaware_precomputed in the ini), "
        "the folder with arrays as in CIFAR-10-C or folders as in ImageNet-C"
    )


def known_name(architecture: str, gate: Gate, *, what: str = "the model comes") -> str:
    """Return the name of the baseline: that of the gate, else that of the architecture; file names change too often.

    Raises:
        ConfigError: the gate has no name, and the architecture is unknown.
    """
    name = gate.baseline or architecture
    if not name:
        raise ConfigError(_NO_NAME.format(what=what))
    return name


def torn_entries(gated: Iterable[tuple[str, Gate, Condition]]) -> Mapping[str, str]:
    """Return why tests cannot update an entry that they share with another test, by test id.

    An entry holds one seed. Gates without a name share the baseline of the run's model. Tests with different rules for
    one entry are refused when they are collected.

    Args:
        gated: the test id, the gate and the condition of each test of the run.
    """
    return dict(_torn(sorted(gated, key=_entry)))


def _entry(test: tuple[str, Gate, Condition]) -> tuple[str, str]:
    _, gate, condition = test
    return gate.baseline or "", condition.key


def _torn(in_order: Iterable[tuple[str, Gate, Condition]]) -> Iterator[tuple[str, str]]:
    for (name, key), group in groupby(in_order, key=_entry):
        seeds = {nodeid: gate.seed for nodeid, gate, condition in group if condition.is_random}
        for nodeid, mine in seeds.items():
            other = next((test for test, theirs in seeds.items() if theirs != mine), None)
            if other is not None:
                of = f" of baseline {name!r}" if name else ""
                yield (
                    nodeid,
                    f"{key}{of} would be stored with seed {mine} by this test and with seed {seeds[other]} by {other}; "
                    "give each a `baseline=` of its own",
                )
