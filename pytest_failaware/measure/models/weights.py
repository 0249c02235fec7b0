"""Choose the architecture of a checkpoint, build it, and fill it with the weights."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import torch
from torch import nn
from torch.nn.parameter import is_lazy

from pytest_failaware.core.request import Source
from pytest_failaware.core.text import one_line
from pytest_failaware.measure.models.architectures import builder_of, noted_architecture, without_memory
from pytest_failaware.measure.models.checkpoint import Checkpoint
from pytest_failaware.measure.models.filling import fill, fitting, plain_state
from pytest_failaware.measure.models.recognition import EXAMPLES, Fit, Shape, infer, nearest, recognise
from pytest_failaware.measure.models.weight_keys import tensors_in
from pytest_failaware.measure.models.weight_names import shared_prefix, without_modules

_REFERENCE_CLASSES: Final = 13
"""The number of classes of the trial model: a size that other layers are unlikely to have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """A module with the weights of a checkpoint; `notes` are lines for the summary."""

    module: nn.Module
    arch: Source
    notes: tuple[str, ...]


def build_filled(path: Path, checkpoint: Checkpoint, arch: Source | None) -> Filled:
    """Load the weights of a file into `arch`, else into the architecture that the file names or its tensors show.

    Raises:
        ModelError: there is no such architecture, or the weights do not fit it.
    """
    if arch is not None:
        return _named(path, checkpoint, arch)
    if noted := checkpoint.architecture and noted_architecture(
        checkpoint.architecture, path, by_timm=checkpoint.is_of_timm
    ):
        return _named(path, checkpoint, noted, f"took the architecture {noted}, as the checkpoint says")
    return _inferred(path, checkpoint)


def _named(path: Path, checkpoint: Checkpoint, arch: Source, *notes: str) -> Filled:
    known, prefix = recognise(_shapes(checkpoint)), ""
    misfit = f"{path}: does not fit {arch.target}" + (f" (it fits {known})" if known else "")
    if known is not None and known.source == arch:
        module = _built(known, checkpoint)
        fill(_unwrapped(module), checkpoint, misfit)
    else:
        module, checkpoint, prefix = _filled(checkpoint, arch, misfit)
    return Filled(module=module, arch=arch, notes=(*_notes(checkpoint, prefix), *notes))


def _filled(checkpoint: Checkpoint, arch: Source, misfit: str) -> tuple[nn.Module, Checkpoint, str]:
    """Return the module, the checkpoint with fitting names, and the prefix that was removed for this."""
    build = builder_of(arch)
    outline = without_memory(arch, build)
    reference = outline(_REFERENCE_CLASSES)
    checkpoint, prefix = fitting(checkpoint, _unwrapped(reference))
    module = _with_classes_of(checkpoint, reference, outline)
    fill(_unwrapped(module), checkpoint, misfit)
    if any(isinstance(value, torch.Tensor) and value.is_meta for value in module.state_dict().values()):
        module = build(_count_classes(_unwrapped(reference), checkpoint))
        fill(_unwrapped(module), checkpoint, misfit)
    return module, checkpoint, prefix


def _inferred(path: Path, checkpoint: Checkpoint) -> Filled:
    prefix = _attribute(checkpoint)
    checkpoint = checkpoint.without(prefix)
    plain = checkpoint.renamed(without_modules)
    if recognise(_shapes(checkpoint)) is None and recognise(_shapes(plain)) is not None:
        checkpoint = plain
    fit = infer(_shapes(checkpoint), path)
    module = _built(fit, checkpoint)
    misfit = f"{path}: the nearest architecture, {fit}, does not fit (give the right one, as in {EXAMPLES})"
    fill(_unwrapped(module), checkpoint, misfit)
    return Filled(module=module, arch=fit.source, notes=(*_notes(checkpoint, prefix), fit.note))


def _built(fit: Fit, checkpoint: Checkpoint) -> nn.Module:
    """Build a module with the options and classes that the tensors show, such as heads only for training."""
    build = builder_of(fit.source, **fit.options)
    return build(fit.classes) if fit.classes else _with_classes_of(checkpoint, build(_REFERENCE_CLASSES), build)


def _attribute(checkpoint: Checkpoint) -> str:
    """Return the attribute that Lightning puts before every name, if the names fit only without it."""
    fit: Fit | None = nearest(_shapes(checkpoint)) if checkpoint.is_of_lightning else None
    if fit is None or not fit.is_exact or not all(name.startswith(fit.prefix) for name in checkpoint.tensors):
        return ""
    return fit.prefix


def _shapes(checkpoint: Checkpoint) -> dict[str, Shape]:
    return {name: tuple(tensor.shape) for name, tensor in checkpoint.tensors.items()}


def _unwrapped(module: nn.Module) -> nn.Module:
    """Return the submodule that fits the names of a checkpoint without their shared prefix."""
    names = list(module.state_dict())
    return module.get_submodule(shared_prefix(names).rstrip(".")) if names else module


def _with_classes_of(checkpoint: Checkpoint, reference: nn.Module, build: Callable[[int], nn.Module]) -> nn.Module:
    """Return a module with as many classes as the weights."""
    classes = _count_classes(_unwrapped(reference), checkpoint)
    return reference if classes == _REFERENCE_CLASSES else build(classes)


def _count_classes(reference: nn.Module, checkpoint: Checkpoint) -> int:
    """Count the classes of a checkpoint: the rows of tensors that have one row per class in the reference.

    If tensors disagree, the first counts, and filling the module reports the tensors that do not fit.
    """
    expected = tensors_in(plain_state(reference))
    pairs = (
        (expected[name].shape, tensor.shape)
        for name, tensor in checkpoint.tensors.items()
        if name in expected and not is_lazy(expected[name])
    )
    heads = (rows[0] for trial, rows in pairs if rows != trial and trial[:1] == (_REFERENCE_CLASSES,) and rows)
    return next(heads, _REFERENCE_CLASSES)


def _notes(checkpoint: Checkpoint, prefix: str) -> tuple[str, ...]:
    return (
        *choice_note("weights", checkpoint.key, checkpoint.others),
        *([] if checkpoint.averaged is None else [f"the weights are an average (n_averaged is {checkpoint.averaged})"]),
        *([one_line(f"removed the prefix {prefix!r} from the names of the weights")] if prefix else []),
    )


def choice_note(what: str, key: str, others: Sequence[str]) -> tuple[str, ...]:
    """Return a line on the key that was taken and how to take another; none if there was no choice."""
    place = f"took the {what} {f'under {key!r}' if key else 'at the top'} of the checkpoint"
    if not others:
        return (one_line(place),) if key else ()
    option = f"--failaware-checkpoint-key={others[0] if len(others) == 1 else 'KEY'}"
    return (one_line(f"{place}; it also has {', '.join(map(repr, others))} ({option} takes that)"),)
