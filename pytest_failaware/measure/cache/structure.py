"""What a module computes beside its weights: a hash over its parts, if versions of libraries identify all its code."""

from __future__ import annotations

import sys
from types import FunctionType
from typing import Final

import torch
from torch import nn
from torch.nn import functional

from pytest_failaware.measure.cache.contents import Contents, ForeignCodeError
from pytest_failaware.measure.cache.origins import VERSIONED, full_name, is_versioned

_ALSO_IN_TORCH: Final = (*sys.stdlib_module_names, "typing_extensions")  # functions that torch hands on
_NO_LAYER_CALLS: Final = ("compile",)  # of torch; lightning replaces it when it is imported


def structure_sha256(module: nn.Module) -> str:
    """The SHA-256, in hex, over the parts in order: name, class and settings, such as a stride.

    Raises:
        ForeignCodeError: a class, a function or a hook is none of torch's, torchvision's, timm's or Python's, a
            function of torch's was replaced, or nothing tells two values of a setting apart.
    """
    refuse_replaced_functions()
    contents = Contents(versioned_code)
    contents.add_module(module)
    return contents.hexdigest()


def refuse_replaced_functions() -> None:
    """Refuse wrappers that keep the name: layers call functions of torch, which a conftest may replace by them.

    Raises:
        ForeignCodeError: there is one.
    """
    for place in (torch, functional, torch.Tensor):
        for name, function in vars(place).items():
            if isinstance(function, FunctionType) and name not in _NO_LAYER_CALLS:
                origin = str(function.__globals__["__name__"])
                if origin.partition(".")[0] not in (*VERSIONED, *_ALSO_IN_TORCH):
                    raise ForeignCodeError(f"{place.__name__}.{name}, replaced by {origin}")


def versioned_code(code: object) -> str:
    """The full name of a class, a function or a module of torch's, torchvision's, timm's or Python's."""
    name = full_name(code)
    if not is_versioned(code):
        raise ForeignCodeError(name)
    return name
