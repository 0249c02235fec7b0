"""The small classifier of handwritten digits and the images that pytest.ini names."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from torch import nn

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Digits:
    """A map-style data set of `(image, label)`: uint8 (8, 8), dark to bright, and the digit that it shows."""

    classes = tuple("0123456789")

    def __init__(self, images: NDArray[np.uint8], labels: NDArray[np.int64]) -> None:
        self.images, self.labels = images, labels

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[NDArray[np.uint8], int]:
        return self.images[index], int(self.labels[index])


def network(num_classes: int = 10) -> nn.Sequential:
    """Return the untrained network, which makes logits (B, num_classes) from images (B, 1, 32, 32) in [0, 1]."""
    return nn.Sequential(
        *_block(1, 16),
        *_block(16, 32),
        *_block(32, 64),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(64, num_classes),
    )


def train_set() -> Digits:
    """Return the 901 images for train.py: the first half of each digit, in scikit-learn's order."""
    return _split(test=False)


def test_set() -> Digits:
    """Return the 896 images for the gate: the second half of each digit, in scikit-learn's order."""
    return _split(test=True)


def _block(channels_in: int, channels_out: int) -> tuple[nn.Module, ...]:
    convolution = nn.Conv2d(channels_in, channels_out, kernel_size=3, padding=1, bias=False)
    return convolution, nn.BatchNorm2d(channels_out), nn.ReLU(), nn.MaxPool2d(2)


def _split(*, test: bool) -> Digits:
    from sklearn.datasets import load_digits

    bunch = load_digits()
    images = np.rint(bunch.images * (255 / 16)).astype(np.uint8)  # published with 17 grey levels, 0 to 16
    halves = (_half(np.flatnonzero(bunch.target == digit), test=test) for digit in range(10))
    chosen = np.sort(np.concatenate(list(halves)))
    return Digits(images[chosen], bunch.target[chosen])


def _half(rows: NDArray[np.int64], *, test: bool) -> NDArray[np.int64]:
    middle = -(-len(rows) // 2)
    return rows[middle:] if test else rows[:middle]
