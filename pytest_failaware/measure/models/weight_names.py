"""Remove from the names of weights what training wrappers put into them."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

_PREFIXES: Final = ("_orig_mod.", "module.")
_WRAPPERS: Final = ("_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module")
"""Parts of names that torch.compile, FSDP and activation checkpointing add; no network uses these words."""
_AVERAGE: Final = "n_averaged"
_COUNTERS: Final = ("num_batches_tracked", _AVERAGE)


def is_counter(name: str) -> bool:
    """Return whether a tensor counts the batches of a batch norm or the averaged models; eval mode never reads it."""
    return name.rpartition(".")[2] in _COUNTERS


def is_averaging(name: str) -> bool:
    """Return whether a tensor is the counter that torch's AveragedModel puts beside its `module.`."""
    return name.rpartition(".")[2] == _AVERAGE


def shared_prefix(names: Collection[str]) -> str:
    """Return the prefix that torch.compile, DataParallel and averaging, in any nesting, put before every name."""
    prefix, rest = "", [name for name in names if not is_averaging(name)]
    while rest and (
        longer := [prefix + part for part in _PREFIXES if all(name.startswith(prefix + part) for name in rest)]
    ):
        prefix = longer[0]
    return prefix


def unwrapped(name: str) -> str:
    """Return a name without the parts of wrappers, at its beginning or in the middle."""
    return ".".join(part for part in name.split(".") if part not in _WRAPPERS)


def without_modules(name: str) -> str:
    """Return a name without the part of DataParallel; a network may have a part of this name, too."""
    return ".".join(part for part in name.split(".") if part != "module")
