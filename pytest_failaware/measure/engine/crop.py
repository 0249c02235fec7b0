"""Remove the parts of convolution kernels that only ever multiply padding."""

from __future__ import annotations

import torch
from torch import nn


def crop_kernels(module: nn.Module, images: torch.Tensor) -> None:
    """Crop the kernels of a model, in place, to the part that images of this size reach; the answers stay the same.

    Networks for large images shrink small images to a single pixel, for which a kernel of 3 x 3 multiplies eight zeros
    of padding and one value.
    """
    sizes: dict[nn.Conv2d, set[tuple[int, int]]] = {}

    def note(layer: nn.Module, arguments: tuple[torch.Tensor, ...]) -> None:
        assert isinstance(layer, nn.Conv2d)
        height, width = arguments[0].shape[-2:]
        sizes.setdefault(layer, set()).add((height, width))

    layers = [part for part in module.modules() if isinstance(part, nn.Conv2d)]
    handles = [layer.register_forward_pre_hook(note) for layer in layers]
    module(images[:2])
    for handle in handles:
        handle.remove()
    for layer, seen in sizes.items():
        if len(seen) == 1 and layer.padding_mode == "zeros" and not isinstance(layer.padding, str):
            _crop(layer, *seen)


def _crop(layer: nn.Conv2d, size: tuple[int, int]) -> None:
    padding = [int(value) for value in layer.padding]
    reached = [
        _reached(size[axis], layer.kernel_size[axis], layer.stride[axis], padding[axis], layer.dilation[axis])
        for axis in (0, 1)
    ]
    (top, bottom), (left, right) = reached
    layer.weight = nn.Parameter(layer.weight[:, :, top:bottom, left:right].clone(), requires_grad=False)
    layer.kernel_size = (bottom - top, right - left)
    layer.padding = (padding[0] - top * layer.dilation[0], padding[1] - left * layer.dilation[1])


def _reached(size: int, kernel: int, stride: int, padding: int, dilation: int) -> tuple[int, int]:
    """Return the first row of the kernel that reaches the image and the row after the last; all rows if in doubt."""

    def count(rows: int, pad: int) -> int:
        return (size + 2 * pad - dilation * (rows - 1) - 1) // stride + 1

    starts = [stride * output - padding for output in range(count(kernel, padding))]
    rows = [row for row in range(kernel) if any(0 <= start + dilation * row < size for start in starts)]
    first, end = (rows[0], rows[-1] + 1) if rows else (0, kernel)
    pad = padding - dilation * first
    return (first, end) if pad >= 0 and count(end - first, pad) == len(starts) else (0, kernel)
