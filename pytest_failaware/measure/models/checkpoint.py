"""The named tensors of a checkpoint, with what the file says about them."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from torch.nn.parameter import is_lazy

from pytest_failaware.core.budgets import UNPACKED_BYTES
from pytest_failaware.core.errors import ModelError
from pytest_failaware.core.request import Loading
from pytest_failaware.core.text import one_line
from pytest_failaware.measure.models.archives import RESAVE
from pytest_failaware.measure.models.weight_keys import find_weights, tensors_in
from pytest_failaware.measure.models.weight_names import is_averaging, shared_prefix, unwrapped


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """The weights of a file, on the CPU, possibly memory-mapped.

    `extras` are state values that are not tensors: extra state, and the values of int8 layers.
    `key` is the key of the weights in the checkpoint, "" for the top; `others` are other keys that hold tensors.
    `averaged` is the number of averaged models, None if the file has no such counter.
    `versions` are torch's notes on the version of each module, by module path; empty if the file has none.
    `architecture` is the name in `arch` beside the weights, "" if there is none.
    `is_of_timm`: timm's training script wrote the file.
    `is_of_lightning`: the names begin with the attribute of a LightningModule that holds the network.
    """

    tensors: dict[str, torch.Tensor]
    extras: Mapping[str, Any] = field(default_factory=dict)  # Any: a pickle may hold any value
    key: str
    others: tuple[str, ...] = ()
    averaged: int | None = None
    versions: Mapping[str, Any]  # Any: torch's notes, which its load_state_dict reads
    architecture: str = ""
    is_of_timm: bool = False
    is_of_lightning: bool = False

    def without(self, prefix: str) -> Checkpoint:
        """Return the same weights without a prefix that all names share."""
        inside = {path: note for path, note in self.versions.items() if f"{path}.".startswith(prefix)}
        return replace(self, versions=inside).renamed(lambda name: name.removeprefix(prefix))

    def renamed(self, rename: Callable[[str], str]) -> Checkpoint:
        """Return the weights under other names; unchanged if two would get the same name."""
        tensors = {rename(name): tensor for name, tensor in self.tensors.items()}
        if len(tensors) < len(self.tensors):
            return self
        return replace(
            self,
            tensors=tensors,
            extras={rename(name): value for name, value in self.extras.items()},
            versions={rename(f"{path}.").removesuffix("."): note for path, note in self.versions.items()},
        )


def checkpoint_of(path: Path, content: object, loading: Loading) -> Checkpoint:
    """Return the weights in the content of a file.

    Raises:
        ModelError: there are no weights, or none under the requested key; their shapes claim more bytes than the file
            holds; or some have no values.
    """
    if not isinstance(content, dict):
        raise ModelError(
            f"{path}: holds an object of type {type(content).__name__}, not a dict of weights; write one with {RESAVE}"
        )
    location = find_weights(content, loading.checkpoint_key)
    if isinstance(location, str):
        raise ModelError(f"{path}: {location}")
    tensors = tensors_in(location.weights)
    _refuse_claims(path, [tensor for tensor in tensors.values() if not is_lazy(tensor)])
    _refuse_empty(path, tensors)
    by_timm = location.key and isinstance(content.get("args"), argparse.Namespace)  # other scripts mean torchvision
    architecture = content.get("arch") if location.key else ""
    checkpoint = Checkpoint(
        tensors=tensors,
        extras={
            name: value for name, value in location.weights.items() if isinstance(name, str) and name not in tensors
        },
        key=location.key,
        others=location.others,
        versions=_versions(location.weights),
        architecture=architecture if isinstance(architecture, str) else "",
        is_of_timm=bool(by_timm),
        is_of_lightning="pytorch-lightning_version" in content,
    )
    return _without_counter(checkpoint).without(shared_prefix(tensors)).renamed(unwrapped)


def _without_counter(checkpoint: Checkpoint) -> Checkpoint:
    """Return averaged weights without the counter that torch's AveragedModel puts beside its `module.`."""
    tensors = checkpoint.tensors
    counts = [name for name in tensors if is_averaging(name) and tensors[name].numel() == 1]
    averages = [name for name in counts if any(member.startswith(name.removesuffix("n_averaged") + "module.")
                                               for member in tensors)]  # fmt: skip
    if not averages:
        return checkpoint
    rest = {name: tensor for name, tensor in tensors.items() if name not in averages}
    return replace(checkpoint, tensors=rest, averaged=int(tensors[averages[0]]))


def _refuse_empty(path: Path, tensors: Mapping[str, torch.Tensor]) -> None:
    """Refuse tensors without values: random weights would stay, or torch would raise an error of its own."""
    empty = [name for name, tensor in tensors.items() if is_lazy(tensor) or tensor.is_meta]
    if empty:
        raise ModelError(
            f"{path}: {one_line(empty[0])!r} has no values (a lazy layer that saw no batch, or the meta device); run a "
            f"batch through the model, or load its weights, before {RESAVE}"
        )


def _refuse_claims(path: Path, tensors: Sequence[torch.Tensor]) -> None:
    """Refuse shapes without the numbers for them: a network of such shapes takes far more memory than the file."""
    dense = [tensor for tensor in tensors if tensor.layout is torch.strided and not tensor.is_meta]
    storages = [tensor.untyped_storage() for tensor in dense]
    held = sum({storage.data_ptr(): storage.nbytes() for storage in storages}.values())
    claimed = sum(tensor.numel() * tensor.element_size() for tensor in tensors)
    if claimed > held + UNPACKED_BYTES:
        raise ModelError(
            f"{path}: its shapes claim {claimed:,} bytes, and the file holds {held:,}; write one with {RESAVE}"
        )


def _versions(weights: object) -> Mapping[str, Any]:  # Any: as in Checkpoint
    notes = getattr(weights, "_metadata", None)
    return {path: note for path, note in notes.items() if isinstance(note, dict)} if isinstance(notes, dict) else {}
