"""A model on its device, frozen and fingerprinted: from a checkpoint, from a factory, or as the user built it."""

from __future__ import annotations

import hashlib
import warnings
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import torch
from torch import nn

from pytest_failaware.errors import ConfigError, ModelError
from pytest_failaware.imports import load_attribute
from pytest_failaware.measure.architectures import architecture_name, builder_of, call_factory, kind_of
from pytest_failaware.measure.checkpoint import Checkpoint, read_state_dict, shared_prefix
from pytest_failaware.measure.fingerprints import FACTORY, Fit, infer, recognise
from pytest_failaware.schema import ModelFacts, Source, SourceKind
from pytest_failaware.text import describe_error, one_line

_REFERENCE_CLASSES: Final = 13
"""The class count of the trial model: a number that no layer is likely to have for another reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedModel:
    """A classifier in eval mode, gradients off, every tensor on `device`; `notes` are lines for the summary.

    `version` counts the writes to its weights, so that a later one is noticed; `code` names the user's own code that it
    may run, "" where its architecture is torchvision's.
    """

    module: nn.Module
    device: torch.device
    facts: ModelFacts
    version: int
    code: str
    notes: tuple[str, ...] = ()


def choose_device(text: str, *, worker: int | None = None) -> torch.device:
    """The device that `auto`, `cpu`, `cuda` or `cuda:N` means here; auto is CUDA where there is one, else the CPU.

    Args:
        text: what was asked for.
        worker: the number of an xdist worker: without a number in `text`, workers take the GPUs in turn.

    Raises:
        ConfigError: CUDA is absent, has no device N, or the text is another.
    """
    with warnings.catch_warnings():  # an old driver warns, and then simply is no CUDA
        warnings.simplefilter("ignore")
        count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if text == "cpu" or (text == "auto" and not count):
        return torch.device("cpu")
    name, colon, index = text.partition(":")
    if text not in ("auto", "cuda") and not (name == "cuda" and colon and index.isdecimal()):
        raise ConfigError(f"--failaware-device={text}: unknown device; choose auto, cpu, cuda or cuda:N")
    if not count:
        raise ConfigError(f"--failaware-device={text}: torch finds no CUDA device here; choose auto or cpu")
    unnumbered = torch.cuda.current_device() if worker is None else worker % count
    number = int(index) if colon else unnumbered
    if number >= count:
        raise ConfigError(f"--failaware-device={text}: there is no such device; choose cuda:0 to cuda:{count - 1}")
    return torch.device("cuda", number)


def load_model(source: Source, arch: Source | None, device: torch.device) -> LoadedModel:
    """The model of `--failaware-model`: a file of weights in the architecture `arch`, or what a factory returns.

    Without `arch` the architecture is inferred, and the notes say so. The number of classes comes from the checkpoint.
    Nothing is downloaded, loading is strict, and torch's global random state stays as it was.

    Raises:
        ModelError: The file, the architecture or the factory cannot be used, or they do not fit together.
        ConfigError: `pkg.mod:factory` cannot be imported.
    """
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        if source.kind is SourceKind.FACTORY:
            return _from_factory(source, arch, device)
        if source.kind is SourceKind.FILE:
            return _from_file(Path(source.target), arch, device)
    raise ModelError(f"--failaware-model={source}: not a model; give a file of weights or pkg.mod:factory")


def adopt_model(
    module: nn.Module, device: torch.device, architecture: str = "", *, code: str = "the given module"
) -> LoadedModel:
    """The user's own module, made ready in place: moved to the device, in eval mode, gradients off.

    Raises:
        ModelError: It is not a torch.nn.Module.
    """
    if not isinstance(module, nn.Module):
        raise ModelError(f"the model is {kind_of(module)}, not a torch.nn.Module; give an instance of one")
    ready = module.to(device).eval().requires_grad_(False)
    return LoadedModel(
        module=ready,
        device=device,
        facts=ModelFacts(sha256=model_sha256(ready), architecture=architecture),
        version=weights_version(ready),
        code=code,
    )


def weights_version(module: nn.Module) -> int:
    """How often the weights and buffers have been written to in place; tensors of inference mode keep no count."""
    tensors = (value for value in module.state_dict(keep_vars=True).values() if isinstance(value, torch.Tensor))
    return sum(tensor._version for tensor in tensors if not tensor.is_inference())


@contextmanager
def restored(module: object) -> Iterator[None]:
    """Whatever happens inside, a module has its device, its modes and its gradients back afterwards."""
    if not isinstance(module, nn.Module):
        yield
        return
    modes = [(part, part.training) for part in module.modules()]
    gradients = [(parameter, parameter.requires_grad) for parameter in module.parameters()]
    device = gradients[0][0].device if gradients else None
    try:
        yield
    finally:
        module.to(device)
        for part, training in modes:
            part.training = training
        for parameter, required in gradients:
            parameter.requires_grad_(required)


def model_sha256(module: nn.Module) -> str:
    """The SHA-256, in hex, of all weights and buffers: over (name, dtype, shape, bytes), sorted by name.

    Device, memory format and gradients do not matter.
    """
    digest = hashlib.sha256()
    for name, value in sorted(module.state_dict().items()):
        if isinstance(value, torch.Tensor):  # a module may keep other things in its extra state
            digest.update(f"{name}\0{value.dtype}\0{tuple(value.shape)}\0".encode())
            digest.update(value.detach().cpu().reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


# ---- from a factory ------------------------------------------------------------------------------------------------


def _from_factory(source: Source, arch: Source | None, device: torch.device) -> LoadedModel:
    place = f"--failaware-model={source}"
    found = load_attribute(source.target, "--failaware-model")
    module = found if isinstance(found, nn.Module) else call_factory(found, place)
    unused = f"--failaware-arch={arch} is not used: the factory of --failaware-model builds the whole model"
    loaded = adopt_model(module, device, architecture_name(source), code=source.target)
    return replace(loaded, notes=(unused,) if arch else ())


# ---- from a file of weights ----------------------------------------------------------------------------------------


def _from_file(path: Path, arch: Source | None, device: torch.device) -> LoadedModel:
    checkpoint = read_state_dict(path)
    shapes = {name: tuple(tensor.shape) for name, tensor in checkpoint.tensors.items()}
    if arch is None:
        fit = infer(shapes, path)
        misfit = f"{path}: the nearest architecture, {fit}, does not fit (give theirs, as in {FACTORY})"
        loaded = _filled(checkpoint, fit.source, fit, device, misfit)
        return replace(loaded, notes=(*loaded.notes, fit.note))
    known = recognise(shapes)
    own = known if known and known.source == arch else None  # tells options, such as heads that only training needs
    also = f" (it fits {known})" if known else ""
    return _filled(checkpoint, arch, own, device, f"{path}: does not fit {arch.target}{also}")


def _filled(checkpoint: Checkpoint, arch: Source, fit: Fit | None, device: torch.device, misfit: str) -> LoadedModel:
    """The weights in an architecture; `misfit` begins what is said where they do not fit."""
    build = builder_of(arch, **(fit.options if fit else {}))
    module = build(fit.classes) if fit and fit.classes else _with_classes_of(checkpoint, build)
    _fill(_unwrapped(module), checkpoint, misfit)
    code = "" if arch.kind is SourceKind.TORCHVISION else arch.target
    return replace(adopt_model(module, device, architecture_name(arch), code=code), notes=_notes(checkpoint))


def _with_classes_of(checkpoint: Checkpoint, build: Callable[[int], nn.Module]) -> nn.Module:
    """A new module with as many classes as the weights."""
    reference = build(_REFERENCE_CLASSES)
    classes = _count_classes(_unwrapped(reference), checkpoint)
    return reference if classes == _REFERENCE_CLASSES else build(classes)


def _unwrapped(module: nn.Module) -> nn.Module:
    """The part of the module that the names of a checkpoint, stripped of their shared prefix, belong to."""
    names = list(module.state_dict())
    return module.get_submodule(shared_prefix(names).rstrip(".")) if names else module


def _count_classes(reference: nn.Module, checkpoint: Checkpoint) -> int:
    """The classes of the checkpoint: the rows of the tensors that have one row per class in the reference.

    Where they disagree the first counts, and filling the module then says which of them do not fit.
    """
    own = reference.state_dict()
    pairs = ((own[name].shape, tensor.shape) for name, tensor in checkpoint.tensors.items() if name in own)
    heads = (given[0] for trial, given in pairs if given != trial and trial[:1] == (_REFERENCE_CLASSES,) and given)
    return next(heads, _REFERENCE_CLASSES)


def _fill(module: nn.Module, checkpoint: Checkpoint, place: str) -> None:
    """Load the weights, strictly: a half-random model would just seem to score badly."""
    own = module.state_dict()
    # Files from before torch 0.4.1 lack this counter, which eval mode never reads.
    counters = {name: value for name, value in own.items() if name.endswith("num_batches_tracked")}
    state = OrderedDict(counters | checkpoint.tensors)
    # Without versions torch takes the weights for those of its first releases.
    vars(state)["_metadata"] = checkpoint.versions or getattr(own, "_metadata", {})
    try:
        with warnings.catch_warnings():  # torchvision tells of former versions that it then converts
            warnings.simplefilter("ignore")
            module.load_state_dict(state, strict=True)
    except (RuntimeError, ValueError) as error:
        raise ModelError(f"{place}: {_differences(own, state) or describe_error(error)}") from error


def _differences(own: Mapping[str, torch.Tensor], given: Mapping[str, torch.Tensor]) -> str:
    missing = [name for name in own if name not in given]
    unexpected = [name for name in given if name not in own]
    shapes = [
        f"{name} {tuple(given[name].shape)} vs {tuple(own[name].shape)}"
        for name in own
        if name in given and given[name].shape != own[name].shape
    ]
    if not (missing or unexpected or shapes):
        return ""
    counts = (_count(missing, "missing"), _count(unexpected, "unexpected"), _count(shapes, "of another shape"))
    prefix = _foreign_prefix(own, given)
    if prefix:
        return f"{', '.join(counts)}; the names fit after removing the prefix {prefix!r}: save them without it"
    return f"{', '.join(counts)}; give the architecture it was trained with"


def _count(found: list[str], what: str) -> str:
    shown = one_line(", ".join(found[:2])) + (", …" if len(found) > 2 else "")
    return f"{len(found)} {what} ({shown})" if found else f"0 {what}"


def _foreign_prefix(own: Mapping[str, torch.Tensor], given: Mapping[str, torch.Tensor]) -> str:
    """What stands before each of the module's names in the file, "" where that is not all that differs."""
    first = next(iter(own), "")
    prefixes = (name.removesuffix(first) for name in given if name.endswith(f".{first}"))
    return next((prefix for prefix in prefixes if all(prefix + name in given for name in own)), "")


def _notes(checkpoint: Checkpoint) -> tuple[str, ...]:
    if not checkpoint.key:
        return ()
    others = f"; it also has {', '.join(map(repr, checkpoint.others))}" if checkpoint.others else ""
    return (f"took the weights under {checkpoint.key!r} of the checkpoint{others}",)
