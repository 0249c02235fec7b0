"""A small convolutional network whose batch norms change its answers, and images for it."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from pytest_failaware.core.preprocessing import Preprocessing
from pytest_failaware.core.request import Precision
from pytest_failaware.measure.images.map_style import adopt_dataset
from pytest_failaware.measure.live import Bench, build_bench
from pytest_failaware.measure.models.loading import adopt_model

CPU = torch.device("cpu")
BATCH = 16


class ConvolutionalNet(nn.Module):
    """Convolution, batch norm, a residual connection and a linear layer; 3 x 8 x 8 images, 5 classes."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Sequential(nn.Conv2d(3, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU())
        self.second = nn.Sequential(nn.Conv2d(16, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16))
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.head = nn.Linear(16, 5)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return the logits, (N, 5)."""
        maps = self.first(images)
        return self.head(torch.flatten(self.pool(torch.relu(maps + self.second(maps))), 1))


def network(kind: type[ConvolutionalNet] = ConvolutionalNet) -> ConvolutionalNet:
    """Return the network in eval mode, with the same random weights and running statistics each time."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        net = kind()
        for part in net.modules():
            if isinstance(part, nn.BatchNorm2d):
                part.running_mean.normal_(0, 0.3)
                part.running_var.uniform_(0.2, 2)
                nn.init.uniform_(part.weight, 0.5, 2)
                nn.init.normal_(part.bias)
        net.head.weight.data *= 10
    return net.eval()


def bench(module: nn.Module, *, images: int = 50, batch_size: int = BATCH, **options: object) -> Bench:
    """Return a bench of the module on random images."""
    pixels = np.random.default_rng(0).integers(0, 256, (images, 8, 8, 3), dtype=np.uint8)
    data = adopt_dataset([(image, k % 5) for k, image in enumerate(pixels)], "data")
    precision = options.pop("precision", Precision.IEEE)
    loaded = adopt_model(module, CPU)
    return build_bench(loaded, data, Preprocessing(), batch_size=batch_size, precision=precision, **options)
