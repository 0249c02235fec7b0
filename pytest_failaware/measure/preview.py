"""Draw an image under many conditions as one picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont, ImageOps

from pytest_failaware.core.condition import Condition
from pytest_failaware.core.conditions.spelling import at_size
from pytest_failaware.measure.degrade.kernels import find_kernel
from pytest_failaware.measure.degrade.randomness import SampleRandom
from pytest_failaware.measure.engine.switches import fixed_switches
from pytest_failaware.measure.images.decode import read_image

_SIDE: Final = 224  # the default side of the picture in pixels
_TILE: Final = 128  # a smaller picture is enlarged to this size by repeating pixels
_MARGIN: Final = 6
_LINE: Final = 14  # pixels of a line of text


def open_picture(path: Path, side: int | None) -> Image.Image:
    """Open an image in RGB: its middle square, `side` pixels wide; by default 224, or the image's size if smaller.

    Raises:
        DataError: the file is not an image, or a gate would refuse it.
    """
    with fixed_switches():
        picture = read_image(path, str(path))[1]
    side = side or min(_SIDE, *picture.size)
    return ImageOps.fit(picture, (side, side), Image.Resampling.BICUBIC)


def contact_sheet(picture: Image.Image, rows: Sequence[Sequence[Condition]], seed: int = 0) -> Image.Image:
    """Return a sheet with the picture under each condition, a tile each, with the condition's key below it."""
    size = picture.width * max(1, -(-_TILE // picture.width))
    tile = (size + _MARGIN, size + _LINE + _MARGIN)
    sheet = Image.new("RGB", (tile[0] * max(map(len, rows)) + _MARGIN, tile[1] * len(rows) + _MARGIN), "white")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(size=_LINE - 3)
    for down, row in enumerate(rows):
        for right, condition in enumerate(row):
            corner = _MARGIN + right * tile[0], _MARGIN + down * tile[1]
            degraded = _degraded(picture, condition, seed)
            sheet.paste(degraded.resize((size, size), Image.Resampling.NEAREST), corner)
            draw.text((corner[0], corner[1] + size), condition.key, fill="black", font=font)
    return sheet


def _degraded(picture: Image.Image, condition: Condition, seed: int) -> Image.Image:
    images = torch.from_numpy(np.array(picture)).permute(2, 0, 1).unsqueeze(0).contiguous()
    random = SampleRandom.keyed(seed, condition.name, torch.zeros(1, dtype=torch.int64))
    sized = at_size(condition, picture.height, picture.width)
    degraded = find_kernel(condition, {})(images, dict(sized.parameters), random)
    return Image.fromarray(degraded[0].permute(1, 2, 0).contiguous().numpy())
