"""Hash the state of a model (weights, buffers and extra state), and count the writes to it."""

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
    """Return the SHA-256, in hex, of all weights and buffers: over (name, dtype, shape, bytes), sorted by name.

    Device, memory format and gradients do not matter. Tensors in extra state count like weights, plain values count by
    their text, and other values only by their class.

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
    """Return the number of in-place writes to weights and buffers; tensors of inference mode have no count."""
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


def _state(module: nn.Module) -> dict[str, Any]:  # Any: a module's get_extra_state returns any value
    """Return the state dict; for a program, that of its module, if it has one."""
    inner = module.inner if isinstance(module, Program) else module
    return {} if inner is None else dict(inner.state_dict(keep_vars=True))


def _members(name: str, value: object) -> Iterator[tuple[str, torch.Tensor | str]]:
    """Yield the tensors of a value by name, also in collections, and a text for any other value."""
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
    """Return the bytes of a tensor in dense order; an int8 tensor is dequantised first."""
    try:
        dense = tensor.detach()
        if dense.is_quantized:
            dense = dense.dequantize()
        if dense.layout is not torch.strided:
            dense = dense.to_dense()
        return dense.cpu().reshape(-1).view(torch.uint8).numpy().data
    except (RuntimeError, NotImplementedError, TypeError) as error:  # tensors of unknown classes and layouts
        raise ModelError(
            f"the model: the values of {name!r} cannot be read ({describe_error(error)}); give a model whose weights "
            "are plain tensors"
        ) from error
