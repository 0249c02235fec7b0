"""Build an architecture by name, of torchvision, timm or `pkg.mod:factory`, with random weights."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import nn

from pytest_failaware.core.errors import FailAwareError, ModelError, closest, did_you_mean
from pytest_failaware.core.request import Source, SourceKind
from pytest_failaware.core.text import describe_error, one_line
from pytest_failaware.measure.imports import load_attribute


def builder_of(arch: Source, **options: Any) -> Callable[[int], nn.Module]:  # Any: torchvision's own options
    """Return a function that builds a module for a number of classes; a factory gets no options."""
    if arch.kind is SourceKind.TORCHVISION:
        return _torchvision_builder(arch.target, options)
    place = f"--failaware-arch={arch}"
    if arch.kind is SourceKind.TIMM:
        return _timm_builder(arch.target, place)
    if arch.kind is not SourceKind.FACTORY:
        raise ModelError(f"{place}: not an architecture; give a torchvision name, timm:NAME or pkg.mod:factory")
    factory = load_attribute(arch.target, "--failaware-arch")
    if _takes_classes(factory):
        return lambda classes: call_factory(factory, place, num_classes=classes)
    return lambda classes: call_factory(factory, place)


def without_memory(arch: Source, build: Callable[[int], nn.Module]) -> Callable[[int], nn.Module]:
    """Return a builder of modules without values, only names and shapes, if the library allows it.

    The tensors of a file are compared with these first, since some architectures take 28 GB. The user's factory is
    called unchanged.
    """

    def outline(classes: int) -> nn.Module:
        try:
            with torch.device("meta"):
                return build(classes)
        except Exception:  # some constructors compute with their tensors, such as torchvision's RegNets
            return build(classes)

    return outline if arch.kind in (SourceKind.TORCHVISION, SourceKind.TIMM) else build


def _torchvision_builder(name: str, options: dict[str, Any]) -> Callable[[int], nn.Module]:
    def build(classes: int) -> nn.Module:
        with warnings.catch_warnings():  # inception_v3 and googlenet warn about initial weights, which are replaced
            warnings.simplefilter("ignore")
            module: nn.Module = models.get_model(name, weights=None, num_classes=classes, **options)
        return module

    models = import_torchvision_models()
    check_torchvision_name(name, "--failaware-arch=")
    return build


def import_torchvision_models() -> Any:  # Any: torchvision ships no types
    """Import the module `torchvision.models`."""
    with warnings.catch_warnings():  # importing torchvision may warn of image codecs
        warnings.simplefilter("ignore")
        from torchvision import models
    return models


def check_torchvision_name(name: str, option: str) -> None:
    """Refuse a name that is not a classifier of torchvision; propose timm's of the same name or the closest one.

    Raises:
        ModelError: there is no such classifier.
    """
    known = torchvision_names()
    if name in known:
        return
    close = closest(name, known)
    if _is_of_timm(name):
        hint = f"timm has it: give timm:{name}"
    elif close:
        hint = f"did you mean {close!r}? otherwise give timm:NAME or pkg.mod:factory"
    else:
        hint = "give a torchvision classifier's name, timm:NAME or pkg.mod:factory"
    raise ModelError(f"{option}{name}: torchvision has no such classifier; {hint}")


def torchvision_names() -> list[str]:
    """Return the names of torchvision's classifiers."""
    models = import_torchvision_models()
    known: list[str] = models.list_models(module=models)
    return known


def _is_of_timm(name: str) -> bool:
    """Return whether timm is installed and has a model of this name."""
    try:
        return bool(import_timm("").is_model(name))
    except ModelError:  # it is not installed
        return False


def _timm_builder(name: str, place: str) -> Callable[[int], nn.Module]:
    def build(classes: int) -> nn.Module:
        try:
            module: nn.Module = timm.create_model(name, pretrained=False, num_classes=classes)
        except Exception as error:  # timm raises plain errors, for example for an unknown tag
            raise ModelError(f"{place}: timm cannot build it ({describe_error(error)}); give another name") from error
        return module

    timm = import_timm(place)
    check_timm_name(timm, name, place)
    return build


def noted_architecture(name: str, path: Path, *, by_timm: bool) -> Source | None:
    """Return the architecture of timm that a checkpoint names, None if timm has no such name.

    A name that torchvision also has means timm's only in a checkpoint of timm's script, else torchvision's.

    Raises:
        ModelError: timm's script wrote the checkpoint, and timm is not installed.
    """
    if by_timm:
        import_timm(f"{path}: its architecture {one_line(name)!r}")
    elif name in torchvision_names():
        return None
    return Source(kind=SourceKind.TIMM, target=name) if _is_of_timm(name) else None


def check_timm_name(timm: Any, name: str, place: str) -> None:  # Any: a library that may be absent
    """Refuse a name that timm does not know; propose torchvision's of the same name or the closest one.

    Raises:
        ModelError: there is no such model.
    """
    if timm.is_model(name):
        return
    if name in torchvision_names():
        hint = f"torchvision has it: give torchvision:{name}"
    else:
        hint = did_you_mean(name, timm.list_models(), "give one of timm.list_models()")
    raise ModelError(f"{place}: timm has no such model; {hint}")


def import_timm(place: str) -> Any:  # Any: a library that may be absent
    """Import the library timm.

    Raises:
        ModelError: it is not installed.
    """
    try:
        with warnings.catch_warnings():  # timm imports torchvision, which may warn
            warnings.simplefilter("ignore")
            import timm
    except ImportError as error:
        raise ModelError(f"{place}: needs timm; install it with pip install 'pytest-failaware[timm]'") from error
    return timm


def _takes_classes(factory: object) -> bool:
    try:
        parameters = inspect.signature(factory).parameters.values()  # type: ignore[arg-type]  # the except handles it
    except (TypeError, ValueError):
        return False
    return any(
        parameter.kind is parameter.VAR_KEYWORD
        or (parameter.name == "num_classes" and parameter.kind is not parameter.POSITIONAL_ONLY)
        for parameter in parameters
    )


def call_factory(factory: object, place: str, **arguments: int) -> nn.Module:
    """Call the user's factory and return its module."""
    if not callable(factory):
        raise ModelError(f"{place}: {kind_of(factory)} cannot be called; name a function that returns the model")
    try:
        module = factory(**arguments)
    except FailAwareError:
        raise
    except Exception as error:  # the user's code runs here
        call = ", ".join(f"{name}={value}" for name, value in arguments.items())
        raise ModelError(f"{place}: calling it with ({call}) raised {describe_error(error)}; repair it") from error
    if not isinstance(module, nn.Module):
        raise ModelError(f"{place}: returned {kind_of(module)}, not a torch.nn.Module; return the model itself")
    return module


def architecture_name(source: Source) -> str:
    """Return the name in torchvision, in timm without the tag of the weights, or of the factory without its module."""
    if source.kind is SourceKind.TIMM:
        return source.target.partition(".")[0]
    return source.target.replace(":", ".").rpartition(".")[2]


def kind_of(value: object) -> str:
    """Return the name of a value for errors."""
    return f"the class {value.__name__}" if isinstance(value, type) else f"an instance of {type(value).__name__}"
