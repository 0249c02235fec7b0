"""Images whose red value shows the class, and networks that read it."""

from __future__ import annotations

import numpy as np
import torch
from networks import NONE
from preprocessing import Trained, inspected
from torch import nn

from pytest_failaware.core.preprocessing import Preprocessing
from pytest_failaware.measure.inputs.scale import Inspection
from pytest_failaware.measure.models.loading import adopt_model

CPU = torch.device("cpu")


class Picky(nn.Module):
    """A network without batch norm that reads the class, 0 to 3, from the red of inputs that have the right size."""

    def __init__(self, *, size: int = 32, spec: Preprocessing = NONE, channel: int = 0) -> None:
        super().__init__()
        self.size, self.channel = size, channel
        numbers = (spec.mean or (0.0,) * 3, spec.std or (1.0,) * 3)
        self.mean, self.std = (torch.tensor(values * (3 // len(values))) for values in numbers)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Return the logits, (B, 4)."""
        if inputs.shape[2] != self.size:
            return torch.zeros(len(inputs), 4)
        c = self.channel
        level = (inputs[:, c].mean((1, 2)) * self.std[c] + self.mean[c]) * 255  # 10, 60, 110 or 160
        return -(level[:, None] - torch.tensor([10.0, 60.0, 110.0, 160.0])).abs()


def of_red(module: nn.Module, count: int = 400) -> Trained:
    """Return images of 32 px whose red value shows the class and whose blue value is always 0."""
    labels = (np.arange(count) * 7 % 4).astype(np.uint16)
    images = np.zeros((count, 32, 32, 3), dtype=np.uint8)
    images[..., 0] = (10 + 50 * labels)[:, None, None]
    images[:, 0, 0, 1] = np.arange(count) % 256  # so that no two images are equal
    images[:, 0, 1, 1] = np.arange(count) // 256
    return Trained(name="red", model=adopt_model(module, CPU), spec=NONE, images=images, labels=labels)


def inspected_red(one: Trained, spec: Preprocessing = NONE) -> Inspection:
    """Return what an inspection finds with this preprocessing."""
    return inspected(one.bench(spec=spec))
