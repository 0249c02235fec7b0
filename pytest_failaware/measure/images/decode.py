"""Read an image file: its content and its pixels. A damaged, too large or more than 8 bits deep file is a bad image.

The orientation in EXIF is ignored, as in torchvision and Pillow: pixels keep their stored order. Rotate the files
first if the model was trained on rotated images.
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
"""The formats that are decoded. Some other formats of Pillow start a program, as EPS does."""

FORMAT_NAMES: Final = "PNG, JPEG, WebP, BMP, GIF, TIFF or PPM"
_FORMAT_OF: Final = {
    ".png": "PNG", ".apng": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".jpe": "JPEG", ".jfif": "JPEG", ".webp": "WEBP",
    ".bmp": "BMP", ".gif": "GIF", ".tif": "TIFF", ".tiff": "TIFF", ".ppm": "PPM", ".pgm": "PPM", ".pbm": "PPM",
    ".pnm": "PPM", ".pfm": "PPM",
}  # fmt: skip
_DECODED: Final = frozenset({*FORMATS, "MPO"})  # Pillow's name of a JPEG with more pictures after it

_EIGHT_BIT: Final = ("1", "P", "PA", "LA", "RGBA", "RGBX", "CMYK", "YCbCr", "HSV")  # modes that become RGB without loss
_DAMAGE: Final = (
    OSError, SyntaxError, ValueError, IndexError, EOFError, RuntimeError, OverflowError, struct.error, zlib.error,
    Image.DecompressionBombError,
)  # fmt: skip
_ABSENT: Final = (FileNotFoundError, PermissionError, IsADirectoryError)


def has_image_suffix(name: str) -> bool:
    """Return whether a file of this name should be an image."""
    return name[name.rfind(".") :].lower() in _FORMAT_OF


def read_image(path: Path, place: str) -> tuple[bytes, Image.Image]:
    """Return the bytes of an image file and the decoded image in RGB; errors name the file `place`.

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
    except Exception as error:  # damaged bytes raise errors of any kind
        unknown = isinstance(error, UnidentifiedImageError)  # Pillow's text names an object in memory
        reason = f"no {FORMAT_NAMES} image" if unknown else describe_error(error)
        raise unreadable(error, f"{place}: cannot be decoded ({reason}); repair or remove the file") from error
    return content, grey_or_rgb(image, place).convert("RGB")


def unreadable(error: Exception, text: str) -> DataError:
    """Return the error for an unreadable image: BadImageError, unless the file is absent or may not be read."""
    is_bad = isinstance(error, _DAMAGE) and not isinstance(error, _ABSENT)
    return BadImageError(text) if is_bad else DataError(text)


def check_header(image: Image.Image, place: str) -> None:
    """Refuse an image by its header, before its pixels are decoded.

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
    if (bits := _bits(image)) > 8:  # Pillow would keep the upper 8 bits of colours
        raise BadImageError(
            f"{place}: the image has {bits} bits per channel; save it as grey or RGB with 8 bits per channel"
        )


def _bits(image: Image.Image) -> int:
    """Return how many bits a channel has in the file; 8 in formats that have no more."""
    if image.format == "JPEG" or not isinstance(image, (PngImageFile, TiffImageFile, PpmImageFile)):
        return 8
    if isinstance(image, TiffImageFile):
        return int(max(image.tag_v2.get(BITSPERSAMPLE, (8,))))
    arguments = image.tile[0][3] if image.tile else ""
    if isinstance(arguments, tuple):  # in a PPM file: the mode and the largest value
        return int(arguments[1]).bit_length()
    return 16 if ";16" in (arguments or "") else 8  # the raw mode, such as RGB;16B


def grey_or_rgb(image: Image.Image, place: str) -> Image.Image:
    """Return the image in mode L or RGB without alpha; refuse modes of more than 8 bits, which Pillow would clip."""
    if image.mode in ("L", "RGB"):
        return image
    if image.mode not in _EIGHT_BIT:
        raise BadImageError(
            f"{place}: the image has mode {image.mode!r}; save it as grey or RGB with 8 bits per channel"
        )
    if image.mode == "P" and isinstance(image.info.get("transparency"), bytes):
        image = image.convert("RGBA")  # to RGB directly gives the same colours and a warning
    return image.convert("RGB")


def _opened(content: bytes, suffix: str) -> Image.Image:
    """Open an image by its content; trying the format of the suffix first saves half of the time."""
    likely = _FORMAT_OF.get(suffix.lower())
    if likely is not None:
        with contextlib.suppress(UnidentifiedImageError):  # the suffix is wrong
            return Image.open(io.BytesIO(content), formats=[likely])
    return Image.open(io.BytesIO(content), formats=FORMATS)
