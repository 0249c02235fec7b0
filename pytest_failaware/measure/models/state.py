"""What a model remembers: its weights, buffers and extra state, as a hash and as a count of the writes to them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn.parameter import is_lazy

from pytest_failaware.core.errors import ModelError
from pytest_failaware.core.text import describe_error
from pytest_failaware.measure.models.programs import Program


def model_sha256(module: nn.Module) -> str:
    """The SHA-256, in hex, of all weights and buffers: over (name, dtype, shape, bytes), sorted by name.

    Device, memory format and gradients do not matter. Members of extra state count as weights do where they are
    tensors, by their text where they are plain values, else by their class alone.

    Raises:
        ModelError: a tensor has no values.
    """
    digest = hashlib.sha256()
    for name, value in sorted(_state(module).items()):
        for place, member in _members(name, value):
            digest.update(f"{place}\0".encode())
            if isinstance(member, torch.Tensor):
                digest.update(f"{member.dtype}\0{tuple(member.shape)}\0".encode())
                digest.update(tensor_bytes(place, member))
            else:
                digest.update(f"{member}\0".encode())
    return digest.hexdigest()


def weights_version(module: nn.Module) -> int:
    """How often the weights and buffers have been written to in place; tensors of inference mode keep no count."""
    tensors = (value for value in _state(module).values() if isinstance(value, torch.Tensor))
    return sum(tensor._version for tensor in tensors if not tensor.is_inference())


def check_values(module: nn.Module) -> None:
    """Refuse weights without values.

    Raises:
        ModelError: a weight is on the meta device, or its layer has not seen a batch yet.
    """
    for name, value in _state(module).items():
        if isinstance(value, torch.Tensor) and (is_lazy(value) or value.is_meta):
            raise ModelError(
                f"the model: {name!r} has no values yet (a lazy layer, or the meta device); run one batch through the "
                "model, or load its weights, before it is measured"
            )


def _state(module: nn.Module) -> dict[str, Any]:  # Any: what a module's get_extra_state returns
    """The state dict; that of a program's own module, where it has one."""
    inner = module.inner if isinstance(module, Program) else module
    return {} if inner is None else dict(inner.state_dict(keep_vars=True))


def _members(name: str, value: object) -> Iterator[tuple[str, torch.Tensor | str]]:
    """The tensors of a value by name, those within collections too, and the text of what is none."""
    if isinstance(value, torch.Tensor):
        yield name, value
    elif isinstance(value, Mapping):
        for key, member in value.items():
            yield from _members(f"{name}[{key!r}]", member)
    elif isinstance(value, (tuple, list)):
        for index, member in enumerate(value):
            yield from _members(f"{name}[{index}]", member)
    elif isinstance(value, np.ndarray) and not value.dtype.hasobject:
        yield name, f"{value.dtype} {value.shape} {hashlib.sha256(value.tobytes()).hexdigest()}"
    elif value is None or isinstance(value, (bool, int, float, str, bytes, torch.dtype)):
        yield name, repr(value)
    else:
        yield name, type(value).__qualname__


def tensor_bytes(name: str, tensor: torch.Tensor) -> memoryview:
    """The values in the order of the dense tensor; those of an int8 tensor as the numbers that they stand for."""
    try:
        dense = tensor.detach()
        if dense.is_quantized:
            dense = dense.dequantize()
        if dense.layout is not torch.strided:
            dense = dense.to_dense()
        return dense.cpu().reshape(-1).view(torch.uint8).numpy().data
    except (RuntimeError, NotImplementedError, TypeError) as error:  # tensors of classes and layouts yet to come
        raise ModelError(
            f"the model: the values of {name!r} cannot be read ({describe_error(error)}); give a model whose weights "
            "are plain tensors"
        ) from error
