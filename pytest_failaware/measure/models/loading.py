"""Load a model onto its device, frozen and hashed: from a file, by name, from a factory, or from the user's module."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import nn

from pytest_failaware.core.errors import ConfigError, ModelError
from pytest_failaware.core.files import is_address
from pytest_failaware.core.measurement import ModelFacts
from pytest_failaware.core.request import Loading, Source, SourceKind
from pytest_failaware.measure.engine.settings import building
from pytest_failaware.measure.imports import load_attribute
from pytest_failaware.measure.models.architectures import architecture_name, call_factory, kind_of
from pytest_failaware.measure.models.checkpoint import checkpoint_of
from pytest_failaware.measure.models.content import read_content
from pytest_failaware.measure.models.formats import Format, recognise
from pytest_failaware.measure.models.pretrained import published
from pytest_failaware.measure.models.programs import load_program
from pytest_failaware.measure.models.state import check_values, model_sha256, weights_version
from pytest_failaware.measure.models.weight_keys import find_module
from pytest_failaware.measure.models.weights import build_filled, choice_note


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedModel:
    """A classifier in eval mode, gradients off, every tensor on `device`; `notes` are lines for the summary.

    `state` is the hash of the weights and buffers; `version` counts the writes to them, so that later writes show.
    `code` names the user's code that the model may run, "" if the architecture is torchvision's or timm's. `program` is
    the hash and the runtime of a model that is a program, such as an ONNX file; "" for a module with weights.
    """

    module: nn.Module
    device: torch.device
    facts: ModelFacts
    state: str
    version: int
    code: str
    program: str = ""
    notes: tuple[str, ...] = ()


def choose_device(text: str, *, worker: int | None = None) -> torch.device:
    """Return the device of `auto`, `cpu`, `cuda` or `cuda:N`; auto is CUDA if there is a device, else the CPU.

    Args:
        text: the device that the user asked for.
        worker: the number of an xdist worker; workers take the GPUs in turn if `text` has no number.

    Raises:
        ConfigError: CUDA is absent, has no device N, or the text is unknown.
    """
    with warnings.catch_warnings():  # an old driver warns, and then there is no CUDA
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


def load_model(
    source: Source,
    arch: Source | None,
    device: torch.device,
    loading: Loading = Loading(),  # noqa: B008 - frozen, so sharing the default is safe
) -> LoadedModel:
    """Load the model of `--failaware-model`: a file, published weights by name, or the result of a factory.

    A file of weights is loaded into the architecture `arch`; without it the architecture is inferred, with a note.
    The weights give the number of classes. Loading is strict, nothing is downloaded or run without permission, and
    torch's global random state does not change.

    Raises:
        ModelError: The file, the architecture or the factory cannot be used, or they do not fit together.
        ConfigError: `pkg.mod:factory` cannot be imported.
    """
    with building(), torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        if source.kind is SourceKind.FACTORY:
            return _from_factory(source, arch, device)
        if source.kind is SourceKind.FILE and is_address(source.target):
            raise ModelError(
                f"{source.target}: is an address, not a file; fetch it first, or load it in the hook "
                "pytest_failaware_load_model"
            )
        if source.kind is SourceKind.FILE:
            return _from_file(Path(source.target), arch, device, loading)
        if source.kind in (SourceKind.TORCHVISION, SourceKind.TIMM):
            return _from_name(source, arch, device, loading)
    raise ModelError(
        f"--failaware-model={source}: not a model; give a file, torchvision:NAME, timm:NAME or pkg.mod:factory"
    )


def adopt_model(
    module: nn.Module, device: torch.device, architecture: str = "", *, code: str = "the given module"
) -> LoadedModel:
    """Prepare the user's module in place: move it to the device, in eval mode, gradients off.

    Raises:
        ModelError: The object is not a torch.nn.Module, or its weights have no values.
    """
    if not isinstance(module, nn.Module):
        raise ModelError(f"the model is {kind_of(module)}, not a torch.nn.Module; give an instance of one")
    check_values(module)
    ready = module.to(device).eval().requires_grad_(False)
    state = model_sha256(ready)
    return LoadedModel(
        module=ready,
        device=device,
        facts=ModelFacts(sha256=state, architecture=architecture),
        state=state,
        version=weights_version(ready),
        code=code,
    )


@contextmanager
def restored(module: object) -> Iterator[None]:
    """Restore the device, the modes and the gradients of a module at the end, even after an error."""
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
            if parameter.requires_grad != required:  # a lazy layer refuses to be set
                parameter.requires_grad_(required)


# ---- from a factory ------------------------------------------------------------------------------------------------


def _from_factory(source: Source, arch: Source | None, device: torch.device) -> LoadedModel:
    place = f"--failaware-model={source}"
    target = load_attribute(source.target, "--failaware-model")
    module = target if isinstance(target, nn.Module) else call_factory(target, place)
    loaded = adopt_model(module, device, architecture_name(source), code=source.target)
    return replace(loaded, notes=_unused(arch, "the factory"))


def _unused(arch: Source | None, builder: str) -> tuple[str, ...]:
    return (
        (f"--failaware-arch={arch} is not used: {builder} of --failaware-model builds the whole model",) if arch else ()
    )


# ---- by name -------------------------------------------------------------------------------------------------------


def _from_name(source: Source, arch: Source | None, device: torch.device, loading: Loading) -> LoadedModel:
    path, published_arch = published(source, loading)
    loaded = _from_file(path, published_arch, device, replace(loading, checkpoint_key=""))
    if hasattr(loaded.module, "transform_input"):  # the published Inceptions were trained on another scale of pixels
        vars(loaded.module)["transform_input"] = True
    return replace(loaded, notes=(*loaded.notes, *_unused(arch, "the name")))


# ---- from a file ---------------------------------------------------------------------------------------------------


def _from_file(path: Path, arch: Source | None, device: torch.device, loading: Loading) -> LoadedModel:
    form = recognise(path)
    if form in (Format.TORCHSCRIPT, Format.EXPORTED, Format.ONNX):
        return _from_program(path, form, arch, device, loading)
    content = read_content(path, form, loading)
    if (pickled := find_module(content, loading.checkpoint_key)) is not None:  # only in a trusted file
        module, key, others = pickled
        choice = choice_note("model", key, others)
        notes = ("a pickled model, whose code ran as trusted", *choice, *_unused(arch, "the pickled model"))
        return replace(adopt_model(module, device, code=""), notes=notes)
    filled = build_filled(path, checkpoint_of(path, content, loading), arch)
    code = filled.arch.target if filled.arch.kind is SourceKind.FACTORY else ""
    return replace(adopt_model(filled.module, device, architecture_name(filled.arch), code=code), notes=filled.notes)


def _from_program(path: Path, form: Format, arch: Source | None, device: torch.device, loading: Loading) -> LoadedModel:
    program = load_program(path, form, device, loading)
    return LoadedModel(
        module=program.module.eval(),
        device=device,
        facts=ModelFacts(sha256=program.sha256, architecture=""),
        state=model_sha256(program.module),
        version=weights_version(program.module),
        code="",
        program=f"{program.sha256} {program.runtime}",
        notes=(program.note, *_unused(arch, "the program")),
    )
