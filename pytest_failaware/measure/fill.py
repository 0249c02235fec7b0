"""Weights into a module, strictly: a half-random model would just seem to score badly."""

from __future__ import annotations

import warnings
from collections import OrderedDict
from collections.abc import Mapping

import torch
from torch import nn

from pytest_failaware.errors import ModelError
from pytest_failaware.measure.checkpoint import Checkpoint
from pytest_failaware.text import describe_error, one_line


def fitting(checkpoint: Checkpoint, module: nn.Module) -> tuple[Checkpoint, str]:
    """The checkpoint without a prefix of all its names, if just that makes them fit, and this prefix.

    Lightning's names begin with the attribute that holds the network, as in `model.`, `net.` or `backbone.`.
    """
    prefix = _foreign_prefix(module.state_dict(), checkpoint.tensors)
    if not prefix or not all(name.startswith(prefix) for name in checkpoint.tensors):
        return checkpoint, ""
    return checkpoint.without(prefix), prefix


def fill(module: nn.Module, checkpoint: Checkpoint, place: str) -> None:
    """Load the weights.

    Raises:
        ModelError: a name or a shape differs.
    """
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
        rest = one_line(", ".join([name for name in given if name not in own and not name.startswith(prefix)][:2]))
        return (
            f"{', '.join(counts)}; the names fit after removing the prefix {prefix!r}, but others are there too "
            f"({rest}): save the model's alone"
        )
    return f"{', '.join(counts)}; give the architecture it was trained with"


def _count(found: list[str], what: str) -> str:
    shown = one_line(", ".join(found[:2])) + (", …" if len(found) > 2 else "")
    return f"{len(found)} {what} ({shown})" if found else f"0 {what}"


def _foreign_prefix(own: Mapping[str, torch.Tensor], given: Mapping[str, torch.Tensor]) -> str:
    """What stands before each of the module's names in the file, "" where that is not all that differs."""
    first = next(iter(own), "")
    prefixes = (name.removesuffix(first) for name in given if name.endswith(f".{first}"))
    return next((prefix for prefix in prefixes if all(prefix + name in given for name in own)), "")
