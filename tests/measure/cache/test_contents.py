"""The hash of an object's content: equal for equal objects, different after any change, refused if uncertain."""

from __future__ import annotations

import collections
import copy
import enum
import functools
import threading
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from pytest_failaware.measure.cache.contents import Contents
from pytest_failaware.measure.cache.origins import ForeignCodeError


class Colour(enum.Enum):
    """A closed set."""

    RED = 1
    BLUE = 2


class Settings:
    """An object without a text of its own."""

    def __init__(self, value: object) -> None:
        self.value = value


def name_of(code: object) -> str:
    return str(getattr(code, "__qualname__", code))


def sha256(*values: object) -> str:
    contents = Contents(name_of)
    for value in values:
        contents.add(value, "here")
    return contents.hexdigest()


def scaled(factor: object) -> Callable[[float], object]:
    return lambda value: (factor, value)


DIFFERENT: list[Callable[[], object]] = [
    lambda: None,
    lambda: 0,
    lambda: False,
    lambda: 0.0,
    lambda: "0",
    lambda: b"0",
    lambda: [0],
    lambda: (0,),
    lambda: {0},
    lambda: {0: 0},
    lambda: {0: 0, 1: 0},
    lambda: {1: 0, 0: 0},
    lambda: [[0], 0],
    lambda: [0, [0]],
    lambda: collections.OrderedDict([(0, 0)]),
    lambda: collections.deque([0, 1], maxlen=2),
    lambda: Colour.RED,
    lambda: Colour.BLUE,
    lambda: Settings(0),
    lambda: Settings(1),
    lambda: Settings(Settings(1)),
    lambda: torch.zeros(2),
    lambda: torch.zeros(1, 2),
    lambda: torch.zeros(2, dtype=torch.float64),
    lambda: np.zeros(2),
    lambda: np.array([1.0, 0.0]),
    lambda: np.array([{"a": 1}], dtype=object),
    lambda: torch.float16,
    lambda: torch.Size([1, 2]),
    lambda: functools.partial(max, 3),
    lambda: functools.partial(max, 4),
    lambda: functools.partial(min, 3),
    lambda: scaled(1),
    lambda: scaled(2),
    lambda: scaled([2]),
    lambda: Settings(1).__init__,
    lambda: "abc".upper,
    lambda: "abd".upper,
    lambda: np,
    lambda: nn.Conv2d(1, 2, 3),
    lambda: nn.Conv2d(1, 2, 3, stride=2),
    lambda: nn.Sequential(nn.ReLU()),
    lambda: nn.Sequential(nn.ReLU(), nn.ReLU()),
    lambda: nn.Sequential(*[nn.ReLU()] * 2),
    lambda: nn.Sequential(*[nn.ReLU()] * 3),
]  # fmt: skip


def test_every_difference_shows() -> None:
    """No two of these have one hash, and each has the same hash when it is made again."""

    def hashes() -> list[str]:
        with torch.random.fork_rng():
            torch.manual_seed(0)  # weights count, too
            return [sha256(make()) for make in DIFFERENT]

    once = hashes()
    assert once == hashes()
    assert len(DIFFERENT) == len(set(once))


def test_the_order_of_a_set_does_not_matter() -> None:
    """It differs between processes."""
    words = [f"word{number}" for number in range(50)]
    assert sha256(set(words)) == sha256(frozenset(reversed(words)))


def test_circles() -> None:
    """An object that holds itself has an end."""
    first, second = Settings(0), Settings(0)
    first.value, second.value = first, [second]

    assert sha256(first) == sha256(copy.deepcopy(first))
    assert sha256(first) != sha256(second)


def test_buffers_that_the_state_leaves_out() -> None:
    """They are no weights, and change the answers."""
    module, other = nn.ReLU(), nn.ReLU()
    for part, value in ((module, 1.0), (other, 2.0)):
        part.register_buffer("table", torch.tensor([value]), persistent=False)

    assert sha256(module) == sha256(copy.deepcopy(module))
    assert sha256(module) != sha256(other)


def nested(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    "make",
    [
        lambda: nested(100_000),
        threading.Lock,
        lambda: weakref.ref(Settings),
        lambda: (number for number in range(3)),
        lambda: Settings([open]),
    ],
)
def test_what_cannot_be_described(make: Callable[[], Any]) -> None:
    """What pickle cannot save, or code that is not known, is named by its place."""

    def code_of(code: object) -> str:
        if code is open:
            raise ForeignCodeError("open")
        return name_of(code)

    contents = Contents(code_of)
    with pytest.raises(ForeignCodeError, match=r"^(Net\.setting|open)$"):
        contents.add(make(), "Net.setting")
