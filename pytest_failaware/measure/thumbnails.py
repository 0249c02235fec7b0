"""Make small pictures of single samples as the model saw them: degraded, before normalisation."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pytest_failaware.core.condition import Condition
from pytest_failaware.core.pictures import Thumbnail
from pytest_failaware.measure.live import Bench

_SIDE: Final = 96  # the largest side in pixels; larger images are shrunk
_QUALITY: Final = 75  # of JPEG: about 5 kB at this size, even for an image of noise


def thumbnails(bench: Bench, condition: Condition, seed: int, sample_ids: Sequence[int]) -> Iterator[Thumbnail]:
    """Yield a picture of each of these samples that the bench has, in the order of the ids."""
    loader = bench.loader(condition, seed)
    row_of = loader.store.rows(sample_ids)
    known = [sample_id for sample_id in sample_ids if sample_id in row_of]
    if not known:
        return
    pixels = loader.images(np.array([row_of[sample_id] for sample_id in known]))
    for sample_id, image in zip(known, pixels.permute(0, 2, 3, 1).contiguous().cpu().numpy(), strict=True):
        yield _thumbnail(sample_id, image)


def _thumbnail(sample_id: int, pixels: NDArray[np.uint8]) -> Thumbnail:
    """Return a picture of `pixels` (H, W, 1 or 3): PNG if the image is small, else JPEG."""
    image = Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)
    kind, options = ("png", {}) if max(image.size) <= _SIDE // 2 else ("jpeg", {"quality": _QUALITY})
    image.thumbnail((_SIDE, _SIDE), Image.Resampling.BOX)
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    content = base64.b64encode(buffer.getvalue()).decode("ascii")
    return Thumbnail(
        sample_id=sample_id, uri=f"data:image/{kind};base64,{content}", width=image.width, height=image.height
    )
