"""What a module computes beside its weights: a hash over its parts, where all of their code is torch's own."""

from __future__ import annotations

import functools
import hashlib
import sys
from collections.abc import Iterator
from types import FunctionType
from typing import Final

import torch
from torch import nn
from torch.nn import functional

_VERSIONED: Final = ("torch", "torchvision")  # code that a version number identifies
_ALSO_IN_TORCH: Final = (*sys.stdlib_module_names, "typing_extensions")  # functions that torch hands on
_NO_LAYER_CALLS: Final = ("compile",)  # of torch; lightning replaces it when it is imported
_APART: Final = ("_parameters", "_buffers", "_modules", "training")  # the weights, the parts, what eval() sets


class ForeignCodeError(Exception):
    """Names code that nothing identifies: another version of it may compute something else."""


def structure_sha256(module: nn.Module) -> str:
    """The SHA-256, in hex, over the parts in order: name, class and settings, such as a stride.

    Raises:
        ForeignCodeError: a class, a function or a hook is not torch's or torchvision's, a function of torch's was
            replaced, or a setting is no plain value.
    """
    _refuse_replaced_functions()
    digest = hashlib.sha256()
    for name, part in module.named_modules():
        digest.update(f"{name}\0{_code_of(type(part))}\0".encode())
        _code_of(type(part).forward)  # of another origin where somebody replaced the class's method
        for key, value in _settings(part):
            digest.update(f"{key}\0{_text(value, f'{type(part).__name__}.{key}')}\0".encode())
    return digest.hexdigest()


def _refuse_replaced_functions() -> None:
    """Layers call functions of torch, which a conftest may replace by wrappers that keep the name."""
    for place in (torch, functional, torch.Tensor):
        for name, function in vars(place).items():
            if isinstance(function, FunctionType) and name not in _NO_LAYER_CALLS:
                origin = str(function.__globals__["__name__"])
                if origin.partition(".")[0] not in (*_VERSIONED, *_ALSO_IN_TORCH):
                    raise ForeignCodeError(f"{place.__name__}.{name}, replaced by {origin}")


def _settings(part: nn.Module) -> Iterator[tuple[str, object]]:
    """The attributes of one module by name; torch's own collections of hooks only where they hold some."""
    for key, value in sorted(vars(part).items()):
        is_empty = isinstance(value, dict | set) and not value
        if key not in _APART and not (key.startswith("_") and is_empty):
            yield key, value


def _text(value: object, place: str) -> str:
    if value is None or isinstance(value, bool | int | float | str):
        return repr(value)
    if isinstance(value, tuple | list):
        return f"[{', '.join(_text(one, place) for one in value)}]"
    if isinstance(value, functools.partial):
        return _text((value.func, list(value.args), *sorted(value.keywords.items())), place)
    if isinstance(value, type):
        return _code_of(value)
    raise ForeignCodeError(place)


def _code_of(code: object) -> str:
    """The full name of a class or function of torch's."""
    name = f"{getattr(code, '__module__', '')}.{getattr(code, '__qualname__', code)}"
    if name.partition(".")[0] not in _VERSIONED:
        raise ForeignCodeError(name)
    return name
