"""Find the weights in a checkpoint: at its top, or under a key."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import torch
from torch import nn
from torch.nn.parameter import is_lazy

from pytest_failaware.core.text import one_line
from pytest_failaware.measure.models.archives import RESAVE

_KEYS: Final[tuple[str, ...]] = ("state_dict", "model", "model_state_dict", "net", "network")
_AVERAGED: Final[tuple[str, ...]] = (
    "state_dict_ema",
    "model_ema",
    "ema",
)  # averages of the weights, which are taken only on request
_NAMED: Final = 3  # keys in a message

Content = Mapping[Any, Any]  # Any: a file may hold any value


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The weights of a checkpoint by name, their key ("" at the top), and other keys with weights."""

    weights: Content
    key: str
    others: tuple[str, ...]


def find_weights(content: Content, asked: str) -> Found | str:
    """Return the weights under the key `asked`, else under a usual key or at the top; a sentence if there are none."""
    candidates = _candidates(content)
    key = asked or next((key for key in _KEYS if key in candidates), "")
    weights = under(content, key) if key else content
    if not (isinstance(weights, Mapping) and _has_weights(weights)):
        return _without_weights(content, asked, candidates)
    return Found(weights=weights, key=key, others=tuple(other for other in candidates if other != key))


def find_module(content: object, asked: str) -> tuple[nn.Module, str, tuple[str, ...]] | None:
    """Return the pickled module in a file, its key, and the other keys that hold a module."""
    if isinstance(content, nn.Module):
        return content, "", ()
    if not isinstance(content, dict):
        return None
    modules = [key for key in content if isinstance(key, str) and isinstance(content[key], nn.Module)]
    for key in (asked,) if asked else _KEYS:
        if isinstance(module := under(content, key), nn.Module):
            return module, key, tuple(other for other in modules if other != key)
    return None


def under(content: Content, key: str) -> object:
    """Return the value under a key of a dict; a dotted key leads into inner dicts."""
    value: object = content
    for part in (key,) if key in content else key.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def tensors_in(weights: Content) -> dict[str, torch.Tensor]:
    """Return the tensors that have a name."""
    return {name: value for name, value in weights.items() if isinstance(name, str) and isinstance(value, torch.Tensor)}


def _candidates(content: Content) -> list[str]:
    """Return the keys that hold weights: usual keys, averages, then others, or else keys of inner dicts."""
    direct = [key for key in content if _is_key(key) and _holds_weights(content[key])]
    first = [key for key in (*_KEYS, *_AVERAGED) if key in direct]
    return [*first, *(key for key in direct if key not in first)] or list(_dotted(content))


def _dotted(content: Content) -> Iterator[str]:
    for outer, inner in content.items():
        if _is_key(outer) and isinstance(inner, Mapping):
            yield from (f"{outer}.{key}" for key in inner if _is_key(key) and _holds_weights(inner[key]))


def _is_key(key: object) -> bool:
    return isinstance(key, str) and "." not in key


def _holds_weights(value: object) -> bool:
    return isinstance(value, Mapping) and _has_weights(value)


def _has_weights(value: Content) -> bool:
    """Return whether there is a tensor with dimensions, also a packed one of int8 layers; a loss alone is no weight."""
    return any(_is_weight(member) for name, member in value.items() if isinstance(name, str))


def _is_weight(value: object) -> bool:
    if isinstance(value, tuple):
        return any(map(_is_weight, value))
    return isinstance(value, torch.Tensor) and (is_lazy(value) or value.ndim > 0)


def _without_weights(content: Content, asked: str, candidates: list[str]) -> str:
    keys = f"its keys: {one_line(', '.join(map(_shown_key, list(content)[:8]))) or 'none'}"
    known = one_line(", ".join(candidates[:_NAMED]))
    if asked:
        others = f"; give one of {known}" if known else ""
        return f"no weights under --failaware-checkpoint-key={asked}; {keys}{others}"
    if not candidates:
        return f"no weights in it or under {', '.join(_KEYS)}; {keys}; write one with {RESAVE}"
    option = f"--failaware-checkpoint-key={one_line(candidates[0])}"
    if candidates[0] in _AVERAGED:
        return f"no weights but averaged ones; take them with {option}; {keys}"
    return f"no weights in it or under {', '.join(_KEYS)}, but some under {known}; take them with {option}; {keys}"


def _shown_key(key: object) -> str:
    """Return a text as it is; anything else by its type, since a tuple of the same tuples has no end."""
    return repr(key) if isinstance(key, str) else f"a key of type {type(key).__name__}"
