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

State = Mapping[str, Any]  # Any: what a module's get_extra_state returns, or an int8 layer keeps


def own_state(module: nn.Module) -> dict[str, Any]:  # Any: as in State
    """The state of a module by the names that a checkpoint has: without those of a compiled part."""
    return {unwrapped(name): value for name, value in module.state_dict().items()}


def fitting(checkpoint: Checkpoint, module: nn.Module) -> tuple[Checkpoint, str]:
    """The checkpoint without a prefix of all its names, if just that makes them fit, and this prefix.

    Lightning's names begin with the attribute that holds the network, as in `model.`, `net.` or `backbone.`. What
    DataParallel put before the names of one part goes as well, if just that makes them fit.
    """
    own = own_state(module)
    prefix = _foreign_prefix(own, checkpoint.tensors)
    if prefix and all(name.startswith(prefix) for name in checkpoint.tensors):
        return checkpoint.without(prefix), prefix
    plain = checkpoint.renamed(without_modules)
    return (plain, "") if _telling(plain.tensors) == _telling(own) else (checkpoint, "")


def _telling(state: State) -> set[str]:
    return {name for name, value in state.items() if isinstance(value, torch.Tensor) and not is_counter(name)}


def fill(module: nn.Module, checkpoint: Checkpoint, place: str) -> None:
    """Load the weights.

    Raises:
        ModelError: a name or a shape differs, or the module refuses its extra state.
    """
    own = own_state(module)
    # Files from before torch 0.4.1 lack the counter of a batch norm.
    counters = {name: value for name, value in own.items() if is_counter(name)}
    extras = {name: value for name, value in checkpoint.extras.items() if name in own or _is_extra(name)}
    given = counters | checkpoint.tensors | extras
    _refuse_other_numbers(own, checkpoint.tensors, place)
    names = {unwrapped(name): name for name in module.state_dict()}
    state = OrderedDict((names.get(name, name), _loadable(name, value, own.get(name))) for name, value in given.items())
    vars(state)["_metadata"] = _versions(module, checkpoint)
    try:
        with warnings.catch_warnings():  # torchvision tells of former versions that it then converts
            warnings.simplefilter("ignore")
            module.load_state_dict(state, strict=True)
    except Exception as error:  # a module's own set_extra_state runs here
        raise ModelError(f"{place}: {_differences(own, given) or describe_error(error)}") from error


def _refuse_other_numbers(own: State, given: Mapping[str, torch.Tensor], place: str) -> None:
    """Refuse numbers that torch would copy without a word: int8 weights mean nothing without their scales."""
    for name, value in given.items():
        mine = own.get(name)
        if isinstance(mine, torch.Tensor) and not (is_lazy(mine) or _stands_for(value, mine.dtype)):
            raise ModelError(
                f"{place}: {one_line(name)} has numbers of {value.dtype} where the architecture has {mine.dtype}; save "
                "the weights as float32, multiplied by their scales"
            )


def _stands_for(value: torch.Tensor, wanted: torch.dtype) -> bool:
    """Whether the values are those that are wanted, in whatever precision; integers may come as other integers."""
    if value.is_quantized or value.dtype is wanted:
        return True
    if wanted.is_floating_point:
        return value.dtype.is_floating_point and value.dtype.itemsize > 1
    return wanted.is_complex or bool((value.to(wanted).to(value.dtype) == value).all())


def _is_extra(name: str) -> bool:
    return name.rpartition(".")[2] == "_extra_state"


def _loadable(name: str, value: object, own: object) -> object:
    """The value as the module can copy it: torch copies sparse and int8 tensors into none that are of another kind."""
    if _is_extra(name) or not (isinstance(value, torch.Tensor) and isinstance(own, torch.Tensor)):
        return copy.deepcopy(value)  # a module may keep it as it is, and the file that it is mapped from may change
    if value.is_quantized and not own.is_quantized:
        value = value.dequantize()
    return value.to_dense() if value.layout is not own.layout and own.layout is torch.strided else value


def _versions(module: nn.Module, checkpoint: Checkpoint) -> Mapping[str, Any]:  # Any: as in Checkpoint
    """torch's notes by the module's own paths; without any torch takes the weights for those of its first releases."""
    if not checkpoint.versions:
        return getattr(module.state_dict(), "_metadata", {})
    paths = {path: unwrapped(path) for path, _ in module.named_modules()}
    return {path: checkpoint.versions[plain] for path, plain in paths.items() if plain in checkpoint.versions}


def _differences(own: State, given: State) -> str:
    missing = [name for name in own if name not in given]
    unexpected = [name for name in given if name not in own]
    both = [name for name in own if isinstance(own[name], torch.Tensor) and isinstance(given.get(name), torch.Tensor)]
    shapes = [
        f"{name} {tuple(given[name].shape)} vs {tuple(own[name].shape)}"
        for name in both
        if not is_lazy(own[name])
        if given[name].shape != own[name].shape and not _is_extra(name)
    ]
    if not (missing or unexpected or shapes):
        return ""
    counts = (_count(missing, "missing"), _count(unexpected, "unexpected"), _count(shapes, "of another shape"))
    prefix = _foreign_prefix(own, given)
    if prefix:
        rest = one_line(", ".join([name for name in given if name not in own and not name.startswith(prefix)][:2]))
        return (
            f"{', '.join(counts)}; the names fit after removing the prefix {prefix!r}, but others are there too "
            f"({rest}): save the model's alone"
        )
    return f"{', '.join(counts)}; give the architecture it was trained with"


def _count(found: list[str], what: str) -> str:
    shown = one_line(", ".join(found[:2])) + (", …" if len(found) > 2 else "")
    return f"{len(found)} {what} ({shown})" if found else f"0 {what}"


def _foreign_prefix(own: State, given: State) -> str:
    """What stands before each of the module's names in the file, "" where that is not all that differs."""
    names = [name for name in own if not is_counter(name)]
    first = next(iter(names), "")
    prefixes = (name.removesuffix(first) for name in given if name.endswith(f".{first}"))
    return next((prefix for prefix in prefixes if all(prefix + name in given for name in names)), "")
