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
from PIL.PngImagePlugin import PngImageFile
from PIL.PpmImagePlugin import PpmImageFile
from PIL.TiffImagePlugin import BITSPERSAMPLE, TiffImageFile

from pytest_failaware.core.budgets import IMAGE_PIXELS
from pytest_failaware.core.errors import BadImageError, DataError
from pytest_failaware.core.lfs import LFS_REMEDY, is_lfs_pointer
from pytest_failaware.core.text import describe_error

FORMATS: Final = ("PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF", "PPM")
"""What is decoded, by Pillow itself; of its other formats some start a program, as EPS does."""

FORMAT_NAMES: Final = "PNG, JPEG, WebP, BMP, GIF, TIFF or PPM"
_FORMAT_OF: Final = {
    ".png": "PNG", ".apng": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".jpe": "JPEG", ".jfif": "JPEG", ".webp": "WEBP",
    ".bmp": "BMP", ".gif": "GIF", ".tif": "TIFF", ".tiff": "TIFF", ".ppm": "PPM", ".pgm": "PPM", ".pbm": "PPM",
    ".pnm": "PPM", ".pfm": "PPM",
}  # fmt: skip
_DECODED: Final = frozenset({*FORMATS, "MPO"})  # so Pillow calls a JPEG that more pictures follow

_EIGHT_BIT: Final = ("1", "P", "PA", "LA", "RGBA", "RGBX", "CMYK", "YCbCr", "HSV")  # what becomes RGB without loss
_DAMAGE: Final = (
    OSError, SyntaxError, ValueError, IndexError, EOFError, RuntimeError, OverflowError, struct.error, zlib.error,
    Image.DecompressionBombError,
)  # fmt: skip
_ABSENT: Final = (FileNotFoundError, PermissionError, IsADirectoryError)


def has_image_suffix(name: str) -> bool:
    """Return whether a file of this name should be an image."""
    return name[name.rfind(".") :].lower() in _FORMAT_OF


def read_image(path: Path, place: str) -> tuple[bytes, Image.Image]:
    """The content of an image file, and what it decodes to in RGB; errors name it `place`.

    Raises:
        BadImageError: the file is damaged, no image, too large, or has more than 8 bits per channel.
        DataError: it cannot be read at all.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise unreadable(
            error, f"{place}: cannot be read ({describe_error(error)}); check its name and rights"
        ) from error
    if is_lfs_pointer(content):
        raise DataError(f"{place}: is a Git LFS pointer, not the image itself; {LFS_REMEDY}")
    try:
        image = _opened(content, path.suffix)
        check_header(image, place)
        image.load()
    except BadImageError:
        raise
    except Exception as error:  # damaged bytes raise whatever they provoke
        unknown = isinstance(error, UnidentifiedImageError)  # its own text names an object in memory
        reason = f"no {FORMAT_NAMES} image" if unknown else describe_error(error)
        raise unreadable(error, f"{place}: cannot be decoded ({reason}); repair or remove the file") from error
    return content, grey_or_rgb(image, place).convert("RGB")


def unreadable(error: Exception, text: str) -> DataError:
    """The error of an image that cannot be read: a bad image, unless the file is not there or may not be read."""
    is_bad = isinstance(error, _DAMAGE) and not isinstance(error, _ABSENT)
    return BadImageError(text) if is_bad else DataError(text)


def check_header(image: Image.Image, place: str) -> None:
    """Refuse an image for what its header says, before its pixels are decoded.

    Raises:
        BadImageError: its format is none of `FORMATS`, or it is too large, or has more than 8 bits per channel.
    """
    if image.format not in _DECODED:
        raise BadImageError(
            f"{place}: the image has the format {image.format}; save it as {FORMAT_NAMES}, or decode it in the data "
            "set with .convert('RGB')"
        )
    width, height = image.size
    if width * height > IMAGE_PIXELS:
        raise BadImageError(
            f"{place}: the image has {width:,} x {height:,} pixels, the limit is {IMAGE_PIXELS:,}; make it "
            "smaller or remove it"
        )
    if (bits := _bits(image)) > 8:  # of colours Pillow would keep the upper 8
        raise BadImageError(
            f"{place}: the image has {bits} bits per channel; save it as grey or RGB with 8 bits per channel"
        )


def _bits(image: Image.Image) -> int:
    """How many bits a channel has in the file; 8 in formats that have no more."""
    if image.format == "JPEG" or not isinstance(image, (PngImageFile, TiffImageFile, PpmImageFile)):
        return 8
    if isinstance(image, TiffImageFile):
        return int(max(image.tag_v2.get(BITSPERSAMPLE, (8,))))
    arguments = image.tile[0][3] if image.tile else ""
    if isinstance(arguments, tuple):  # of PPM, with the largest value
        return int(arguments[1]).bit_length()
    return 16 if ";16" in (arguments or "") else 8  # the raw mode, such as RGB;16B


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
    likely = _FORMAT_OF.get(suffix.lower())
    if likely is not None:
        with contextlib.suppress(UnidentifiedImageError):  # then it is another format
            return Image.open(io.BytesIO(content), formats=[likely])
    return Image.open(io.BytesIO(content), formats=FORMATS)
