"""One image file -> its content and its pixels; what is damaged, too large or deeper than 8 bits is a bad image.

The orientation in EXIF is ignored, as torchvision and Pillow do: pixels stand as they are stored. A model that was
trained on turned images needs its files turned before.
"""

from __future__ import annotations

import contextlib
import io
import struct
import zlib
from pathlib import Path
from typing import Final

from PIL import Image, UnidentifiedImageError

from pytest_failaware.errors import BadImageError, DataError
from pytest_failaware.text import describe_error

_EIGHT_BIT: Final = ("1", "P", "PA", "LA", "RGBA", "RGBX", "CMYK", "YCbCr", "HSV")  # what becomes RGB without loss
_DAMAGE: Final = (
    OSError, SyntaxError, ValueError, IndexError, EOFError, RuntimeError, OverflowError, struct.error, zlib.error,
    Image.DecompressionBombError,
)  # fmt: skip
_ABSENT: Final = (FileNotFoundError, PermissionError, IsADirectoryError)


def read_image(path: Path, place: str) -> tuple[bytes, Image.Image]:
    """The content of an image file, and what it decodes to in RGB; errors name it `place`.

    Pillow reads the size first and refuses more than twice PIL.Image.MAX_IMAGE_PIXELS before it takes that memory.

    Raises:
        BadImageError: the file is damaged, too large to decode, or has more than 8 bits per channel.
        DataError: it cannot be read at all.
    """
    try:
        content = path.read_bytes()
        image = _opened(content, path.suffix)
        image.load()
    except _ABSENT as error:
        raise DataError(f"{place}: cannot be read ({describe_error(error)}); check its name and rights") from error
    except Exception as error:  # damaged bytes raise whatever they provoke
        unknown = isinstance(error, UnidentifiedImageError)  # its own text names an object in memory
        reason = "no image format that Pillow knows" if unknown else describe_error(error)
        raise unreadable(error, f"{place}: cannot be decoded ({reason}); repair or remove the file") from error
    return content, grey_or_rgb(image, place).convert("RGB")


def unreadable(error: Exception, text: str) -> DataError:
    """The error of an image that cannot be read: a bad image, unless the file is not there or may not be read."""
    is_bad = isinstance(error, _DAMAGE) and not isinstance(error, _ABSENT)
    return BadImageError(text) if is_bad else DataError(text)


def grey_or_rgb(image: Image.Image, place: str) -> Image.Image:
    """The image in mode L or RGB, alpha dropped; modes of more than 8 bits, which Pillow would clip, are refused."""
    if image.mode in ("L", "RGB"):
        return image
    if image.mode not in _EIGHT_BIT:
        raise BadImageError(
            f"{place}: the image has mode {image.mode!r}; save it as grey or RGB with 8 bits per channel"
        )
    if image.mode == "P" and isinstance(image.info.get("transparency"), bytes):
        image = image.convert("RGBA")  # the direct way gives the same colours and a warning
    return image.convert("RGB")


def _opened(content: bytes, suffix: str) -> Image.Image:
    """What the bytes are, whatever the suffix says; its format is tried first, which saves half of the time."""
    likely = Image.EXTENSION.get(suffix.lower())
    if likely is not None:
        with contextlib.suppress(UnidentifiedImageError):  # then it is another format
            return Image.open(io.BytesIO(content), formats=[likely])
    return Image.open(io.BytesIO(content))
