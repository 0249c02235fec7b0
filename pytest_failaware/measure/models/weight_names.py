"""The names of weights, and what wrappers of training put into them."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

_PREFIXES: Final = ("_orig_mod.", "module.")
_WRAPPERS: Final = ("_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module")
"""What torch.compile, FSDP and activation checkpointing put before the names of a part; no network uses these words."""
_AVERAGE: Final = "n_averaged"
_COUNTERS: Final = ("num_batches_tracked", _AVERAGE)


def is_counter(name: str) -> bool:
    """Whether this counts the batches of a batch norm or the models of an average, which eval mode never reads."""
    return name.rpartition(".")[2] in _COUNTERS


def is_averaging(name: str) -> bool:
    """Whether this is the counter that torch's AveragedModel puts beside its `module.`."""
    return name.rpartition(".")[2] == _AVERAGE


def shared_prefix(names: Collection[str]) -> str:
    """What torch.compile, DataParallel and averaging, in any nesting, put before every name, of which there is one."""
    prefix, rest = "", [name for name in names if not is_averaging(name)]
    while rest and (
        longer := [prefix + one for one in _PREFIXES if all(name.startswith(prefix + one) for name in rest)]
    ):
        prefix = longer[0]
    return prefix


def unwrapped(name: str) -> str:
    """The name without what only wrappers put into it, at its beginning or in the middle."""
    return ".".join(part for part in name.split(".") if part not in _WRAPPERS)


def without_modules(name: str) -> str:
    """The name without what DataParallel puts into it; a network may have a part of this name, too."""
    return ".".join(part for part in name.split(".") if part != "module")
