"""Kernels cropped to what an image reaches: the same answers from fewer products."""

from __future__ import annotations

import copy
import itertools

import pytest
import torch
from torch import nn

from pytest_failaware.measure.engine.crop import crop_kernels

GEOMETRIES = [
    (size, stride, padding, dilation)
    for size, stride, padding, dilation in itertools.product((1, 2, 3, 5), (1, 2, 3), (0, 1, 2, 4), (1, 2))
    if size + 2 * padding > 2 * dilation and size + 1 + 2 * padding > 4 * dilation  # the kernel fits
]


@pytest.mark.parametrize(("size", "stride", "padding", "dilation"), GEOMETRIES)
def test_answers_stay_the_same(size: int, stride: int, padding: int, dilation: int) -> None:
    """For every geometry that a convolution of 3 x 5 can have on so small an image."""
    images = torch.rand(2, 4, size, size + 1)
    layer = nn.Conv2d(4, 6, (3, 5), stride=stride, padding=padding, dilation=dilation, groups=2)
    cropped = copy.deepcopy(layer)
    with torch.inference_mode():
        crop_kernels(cropped, images)

        assert torch.allclose(layer(images), cropped(images), atol=1e-6)


@pytest.mark.parametrize(
    ("size", "stride", "kernel", "padding"),
    [(1, 1, (1, 1), (0, 0)), (2, 2, (2, 2), (0, 0)), (2, 1, (3, 3), (1, 1)), (8, 2, (3, 3), (1, 1))],
)
def test_what_a_kernel_keeps(size: int, stride: int, kernel: tuple[int, int], padding: tuple[int, int]) -> None:
    """A single pixel uses one of nine values, two pixels that become one use four, larger images use all."""
    layer = nn.Conv2d(3, 3, 3, stride=stride, padding=1)
    crop_kernels(layer, torch.rand(2, 3, size, size))

    assert (kernel, padding, kernel) == (layer.kernel_size, layer.padding, tuple(layer.weight.shape[2:]))


class Twice(nn.Module):
    """One layer for maps of two sizes."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Conv2d(3, 3, 3, padding=1)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """The sum of both."""
        return self.layer(images) + self.layer(images[:, :, :1, :1])


def test_a_layer_that_serves_two_sizes_is_left_alone() -> None:
    """A kernel is cropped only if all its maps have one size."""
    model = Twice()
    crop_kernels(model, torch.rand(2, 3, 4, 4))

    assert (3, 3) == model.layer.kernel_size


def test_padding_that_is_not_zero_is_left_alone() -> None:
    """Replicated pixels count."""
    layer = nn.Conv2d(3, 3, 3, padding=1, padding_mode="replicate")
    crop_kernels(layer, torch.rand(2, 3, 1, 1))

    assert (3, 3) == layer.kernel_size
