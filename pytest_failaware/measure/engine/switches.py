"""Fix the process-wide switches of Pillow while images are decoded.

Many training scripts set `ImageFile.LOAD_TRUNCATED_IMAGES`; a damaged file would then be measured with a grey half.
"""

from __future__ import annotations

import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from PIL import GifImagePlugin, Image, ImageFile, PngImagePlugin, TiffImagePlugin

from pytest_failaware.core.budgets import IMAGE_PIXELS

_VALUES: Final[tuple[tuple[object, str, object], ...]] = (
    (ImageFile, "LOAD_TRUNCATED_IMAGES", False),
    (Image, "MAX_IMAGE_PIXELS", IMAGE_PIXELS // 2),  # Pillow refuses more than twice this
    (PngImagePlugin, "MAX_TEXT_CHUNK", 1 << 20),
    (PngImagePlugin, "MAX_TEXT_MEMORY", 1 << 26),
    (GifImagePlugin, "LOADING_STRATEGY", GifImagePlugin.LoadingStrategy.RGB_AFTER_FIRST),
    (TiffImagePlugin, "READ_LIBTIFF", False),
)
"""Module, name and value of each switch that changes what is decoded or refused. All values except the limit of pixels
are Pillow's defaults; our limit also holds in the code of a user's data set."""

_lock = threading.Lock()
_users = 0
_former: tuple[object, ...] = ()


@contextmanager
def fixed_switches() -> Iterator[None]:
    """Fix Pillow's switches within the block; if several threads use it, the last one restores the former values."""
    _enter()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # images within our limit are not too large
            yield
    finally:
        _leave()


def _enter() -> None:
    global _users, _former
    with _lock:
        if _users == 0:
            _former = tuple(getattr(module, name) for module, name, _ in _VALUES)
            for module, name, value in _VALUES:
                setattr(module, name, value)
        _users += 1


def _leave() -> None:
    global _users
    with _lock:
        _users -= 1
        if _users == 0:
            for (module, name, _), value in zip(_VALUES, _former, strict=True):
                setattr(module, name, value)
