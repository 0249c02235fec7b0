"""A replaced function of the code that reads images is found, however it was replaced."""

from __future__ import annotations

import functools
from unittest import mock

import numpy as np
import pytest
from PIL import Image

from pytest_failaware.measure.cache.origins import ForeignCodeError
from pytest_failaware.measure.cache.replaced import refuse_replaced_readers
from pytest_failaware.measure.images import decode


class Callable:
    """An object that can be called."""

    def __call__(self, *arguments: object) -> object:
        """Return the arguments."""
        return arguments


@functools.wraps(Image.Image.convert)
def wrapper(*arguments: object) -> object:
    """A wrapper that takes over the names of the function."""
    return arguments


class OwnImage(Image.Image):
    """A class of the user."""


def test_nothing_is_replaced() -> None:
    """The libraries as they are installed are no user code."""
    refuse_replaced_readers()


REPLACED = {
    "a wrapper": wrapper,
    "a lambda": lambda *arguments: arguments,
    "a partial function": functools.partial(wrapper, 1),
    "a function with a memory": functools.lru_cache(wrapper),
    "a static method": staticmethod(wrapper),
    "a class method": classmethod(wrapper),
    "a property": property(wrapper),
    "a method of an object": Callable().__call__,
    "an object": Callable(),
    "a mock": mock.Mock(),
}


@pytest.mark.parametrize("way", REPLACED)
def test_a_replaced_method(monkeypatch: pytest.MonkeyPatch, way: str) -> None:
    """The message names the method."""
    monkeypatch.setattr(Image.Image, "convert", REPLACED[way])
    with pytest.raises(ForeignCodeError, match=r"PIL.Image.Image.convert, which user code replaced"):
        refuse_replaced_readers()


@pytest.mark.parametrize(
    ("place", "name", "value"),
    [(Image, "open", wrapper), (Image, "Image", OwnImage), (np, "load", wrapper), (decode, "read_image", wrapper)],
)
def test_a_replaced_function(monkeypatch: pytest.MonkeyPatch, place: object, name: str, value: object) -> None:
    """Functions and classes of Pillow, of numpy and of this package count."""
    monkeypatch.setattr(place, name, value)
    with pytest.raises(ForeignCodeError, match=name):
        refuse_replaced_readers()
