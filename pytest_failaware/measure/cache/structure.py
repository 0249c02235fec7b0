"""Hash the structure of a network, if versions of libraries identify all of its code."""

from __future__ import annotations

import sys
from types import FunctionType
from typing import Final

import torch
from torch import nn
from torch.nn import functional

from pytest_failaware.measure.cache.contents import Contents
from pytest_failaware.measure.cache.origins import VERSIONED, ForeignCodeError, full_name, is_versioned

_ALSO_IN_TORCH: Final = (*sys.stdlib_module_names, "typing_extensions")  # torch re-exports functions of these
_NO_LAYER_CALLS: Final = ("compile",)  # no layer calls it, and importing lightning replaces it


def structure_sha256(module: nn.Module) -> str:
    """Return the SHA-256, in hex, over the parts of a network in order: name, class and settings, such as a stride.

    Raises:
        ForeignCodeError: a class, a function or a hook is not part of torch, torchvision, timm or Python; a function of
            torch was replaced; or a setting cannot be hashed.
    """
    refuse_replaced_functions()
    contents = Contents(versioned_code)
    contents.add_module(module)
    return contents.hexdigest()


def refuse_replaced_functions() -> None:
    """Refuse replaced functions of torch: layers call them, and a conftest can replace them by wrappers.

    Raises:
        ForeignCodeError: a function was replaced.
    """
    for place in (torch, functional, torch.Tensor):
        for name, function in vars(place).items():
            if isinstance(function, FunctionType) and name not in _NO_LAYER_CALLS:
                origin = str(function.__globals__["__name__"])
                if origin.partition(".")[0] not in (*VERSIONED, *_ALSO_IN_TORCH):
                    raise ForeignCodeError(f"{place.__name__}.{name}, replaced by {origin}")


def versioned_code(code: object) -> str:
    """Return the full name of a class, a function or a module of torch, torchvision, timm or Python; refuse others."""
    name = full_name(code)
    if not is_versioned(code):
        raise ForeignCodeError(name)
    return name
