"""Load the weights of a checkpoint into a module."""

from __future__ import annotations

import copy
import warnings
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

import torch
from torch import nn
from torch.nn.parameter import is_lazy

from pytest_failaware.core.errors import ModelError
from pytest_failaware.core.text import describe_error, one_line
from pytest_failaware.measure.models.checkpoint import Checkpoint
from pytest_failaware.measure.models.weight_names import is_counter, unwrapped, without_modules

State = Mapping[str, Any]  # Any: extra state, or a value of an int8 layer


def plain_state(module: nn.Module) -> dict[str, Any]:  # Any: as in State
    """Return the state of a module by the names of a checkpoint, without the parts of wrappers."""
    return {unwrapped(name): value for name, value in module.state_dict().items()}


def fitting(checkpoint: Checkpoint, module: nn.Module) -> tuple[Checkpoint, str]:
    """Return the checkpoint without a prefix of all names, and the prefix, if the names fit only then.

    Lightning's names begin with the attribute that holds the network, as in `model.`, `net.` or `backbone.`. The
    part of DataParallel within names is removed as well, if the names fit only then.
    """
    expected = plain_state(module)
    prefix = _foreign_prefix(expected, checkpoint.tensors)
    if prefix and all(name.startswith(prefix) for name in checkpoint.tensors):
        return checkpoint.without(prefix), prefix
    plain = checkpoint.renamed(without_modules)
    return (plain, "") if _identifying(plain.tensors) == _identifying(expected) else (checkpoint, "")


def _identifying(state: State) -> set[str]:
    return {name for name, value in state.items() if isinstance(value, torch.Tensor) and not is_counter(name)}


def fill(module: nn.Module, checkpoint: Checkpoint, place: str) -> None:
    """Load the weights.

    Raises:
        ModelError: a name or a shape differs, or the module refuses its extra state.
    """
    expected = plain_state(module)
    # Files from before torch 0.4.1 lack the counter of a batch norm.
    counters = {name: value for name, value in expected.items() if is_counter(name)}
    extras = {name: value for name, value in checkpoint.extras.items() if name in expected or _is_extra(name)}
    loaded = counters | checkpoint.tensors | extras
    _refuse_other_numbers(expected, checkpoint.tensors, place)
    names = {unwrapped(name): name for name in module.state_dict()}
    state = OrderedDict(
        (names.get(name, name), _loadable(name, value, expected.get(name))) for name, value in loaded.items()
    )
    vars(state)["_metadata"] = _versions(module, checkpoint)
    try:
        with warnings.catch_warnings():  # torchvision warns of former versions, which it converts
            warnings.simplefilter("ignore")
            module.load_state_dict(state, strict=True)
    except Exception as error:  # the module's set_extra_state runs here
        raise ModelError(f"{place}: {_differences(expected, loaded) or describe_error(error)}") from error


def _refuse_other_numbers(expected: State, weights: Mapping[str, torch.Tensor], place: str) -> None:
    """Refuse numbers that torch would copy silently: int8 weights are meaningless without their scales."""
    for name, value in weights.items():
        wanted = expected.get(name)
        if isinstance(wanted, torch.Tensor) and not (is_lazy(wanted) or _stands_for(value, wanted.dtype)):
            raise ModelError(
                f"{place}: {one_line(name)} has numbers of {value.dtype} where the architecture has {wanted.dtype}; "
                "save the weights as float32, multiplied by their scales"
            )


def _stands_for(value: torch.Tensor, wanted: torch.dtype) -> bool:
    """Return whether the values fit the wanted type in any precision; integers may have another integer type."""
    if value.is_quantized or value.dtype is wanted:
        return True
    if wanted.is_floating_point:
        return value.dtype.is_floating_point and value.dtype.itemsize > 1
    return wanted.is_complex or bool((value.to(wanted).to(value.dtype) == value).all())


def _is_extra(name: str) -> bool:
    return name.rpartition(".")[2] == "_extra_state"


def _loadable(name: str, value: object, expected: object) -> object:
    """Return a value that the module can copy: torch copies sparse and int8 tensors only into tensors of their kind."""
    if _is_extra(name) or not (isinstance(value, torch.Tensor) and isinstance(expected, torch.Tensor)):
        return copy.deepcopy(value)  # a module may keep the object, and its mapped file may change
    if value.is_quantized and not expected.is_quantized:
        value = value.dequantize()
    return value.to_dense() if value.layout is not expected.layout and expected.layout is torch.strided else value


def _versions(module: nn.Module, checkpoint: Checkpoint) -> Mapping[str, Any]:  # Any: as in Checkpoint
    """Return torch's notes by the module's paths; without notes torch treats weights as those of its first releases."""
    if not checkpoint.versions:
        return getattr(module.state_dict(), "_metadata", {})
    paths = {path: unwrapped(path) for path, _ in module.named_modules()}
    return {path: checkpoint.versions[plain] for path, plain in paths.items() if plain in checkpoint.versions}


def _differences(expected: State, loaded: State) -> str:
    missing = [name for name in expected if name not in loaded]
    unexpected = [name for name in loaded if name not in expected]
    both = [
        name
        for name in expected
        if isinstance(expected[name], torch.Tensor) and isinstance(loaded.get(name), torch.Tensor)
    ]
    shapes = [
        f"{name} {tuple(loaded[name].shape)} vs {tuple(expected[name].shape)}"
        for name in both
        if not is_lazy(expected[name])
        if loaded[name].shape != expected[name].shape and not _is_extra(name)
    ]
    if not (missing or unexpected or shapes):
        return ""
    counts = (_count(missing, "missing"), _count(unexpected, "unexpected"), _count(shapes, "of another shape"))
    prefix = _foreign_prefix(expected, loaded)
    if prefix:
        rest = one_line(
            ", ".join([name for name in loaded if name not in expected and not name.startswith(prefix)][:2])
        )
        return (
            f"{', '.join(counts)}; the names fit after removing the prefix {prefix!r}, but other names are there too "
            f"({rest}): save only the weights of the model"
        )
    return f"{', '.join(counts)}; give the architecture it was trained with"


def _count(names: list[str], what: str) -> str:
    shown = one_line(", ".join(names[:2])) + (", …" if len(names) > 2 else "")
    return f"{len(names)} {what} ({shown})" if names else f"0 {what}"


def _foreign_prefix(expected: State, loaded: State) -> str:
    """Return the prefix of all the module's names in the file, "" if the names differ in more than a prefix."""
    names = [name for name in expected if not is_counter(name)]
    first = next(iter(names), "")
    prefixes = (name.removesuffix(first) for name in loaded if name.endswith(f".{first}"))
    return next((prefix for prefix in prefixes if all(prefix + name in loaded for name in names)), "")
