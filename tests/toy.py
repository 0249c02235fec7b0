"""A classifier and 300 images, twenty copies of fifteen, so simple that every number can be computed by hand.

A 1 x 8 x 8 image of class k has one bright band of two rows; the logit of class k is ten times that band's mean in
[0, 1]. Bright images (255) get the logits (10, 0, 0): confidence 0.9999, trusted. Dim ones (20) get (0.78, 0, 0):
confidence 0.52, flagged. Each class has two bright and one dim image labelled right, one bright and one dim labelled
as the next class, so the cells are: trusted right 120, trusted wrong 60, flagged right 60, flagged wrong 60.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

CLASSES = ("top", "middle", "bottom")
BRIGHT, DIM = 255, 20
COPIES = 20


class Bands(nn.Module):
    """A linear layer on the flattened image."""

    def __init__(self, num_classes: int = 3) -> None:
        super().__init__()
        self.linear = nn.Linear(64, num_classes)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return the logits, (N, 3)."""
        return self.linear(images.flatten(1))


def network(num_classes: int = 3) -> Bands:
    """Return the untrained network."""
    return Bands(num_classes)


def weights(*, dead: tuple[int, ...] = ()) -> dict[str, torch.Tensor]:
    """Return weights that read the bands; a class in `dead` is predicted as the class before it."""
    rows = torch.zeros(3, 8, 8)
    for k in range(3):
        rows[k - 1 if k in dead else k, 3 * k : 3 * k + 2] += 10 / 16
    return {"linear.weight": rows.flatten(1), "linear.bias": torch.zeros(3)}


def arrays() -> tuple[np.ndarray, np.ndarray]:
    """Return images (300, 8, 8) uint8 and labels (300,) int64; two pixels without a weight make each image unique."""
    images, labels = [], []
    for copy in range(COPIES):
        for k in range(3):
            for value, label in ((BRIGHT, k), (BRIGHT, k), (DIM, k), (BRIGHT, (k + 1) % 3), (DIM, (k + 1) % 3)):
                image = np.zeros((8, 8), dtype=np.uint8)
                image[3 * k : 3 * k + 2] = value
                image[2, :2] = len(images) % 15, copy
                images.append(image)
                labels.append(label)
    return np.stack(images), np.array(labels)


class Images:
    """The map-style data set of these arrays, in a chosen order."""

    classes = CLASSES

    def __init__(self, order: tuple[int, ...] = tuple(range(15 * COPIES))) -> None:
        self.images, self.labels = arrays()
        self.order = order

    def __len__(self) -> int:
        return len(self.order)

    def __getitem__(self, index: int) -> tuple[np.ndarray, int]:
        return self.images[self.order[index]], int(self.labels[self.order[index]])


def images() -> Images:
    """Return the data set."""
    return Images()


class Patients(Images):
    """The same images as those of twenty patients, each with one copy of the fifteen images."""

    @property
    def groups(self) -> list[int]:
        """Return the patient of each image."""
        return [index // 15 for index in self.order]


def patients() -> Patients:
    """Return the data set with its groups."""
    return Patients()
