"""Give a model and data that no option describes: two fixtures, and an option that chooses the checkpoint."""

from __future__ import annotations

from pathlib import Path

import digits
import pytest
import torch
from torch import nn

CHECKPOINTS = Path(__file__).parents[1] / "digits"


class DarkOnBright(nn.Module):
    """The digits network for scans: it inverts them, because the network knows only bright ink."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return logits (B, 10) for images (B, 1, 32, 32) in [0, 1] with dark ink."""
        logits: torch.Tensor = self.network(1 - images)
        return logits


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add our option that chooses the checkpoint."""
    parser.addoption("--checkpoint", default="digits.pth", help="a file of examples/digits. Default: %(default)s")


@pytest.fixture(scope="session")
def failaware_model(pytestconfig: pytest.Config) -> nn.Module:
    """Return the model under test; the plugin moves it to the device, sets it to eval mode and freezes it."""
    network = digits.network()
    network.load_state_dict(torch.load(CHECKPOINTS / pytestconfig.getoption("--checkpoint"), weights_only=True))
    return DarkOnBright(network)


@pytest.fixture(scope="session")
def failaware_dataset() -> digits.Digits:
    """Return an object with `len` and items `(image, label)`; its `classes` name the classes in the reports."""
    bright = digits.test_set()
    return digits.Digits(255 - bright.images, bright.labels)
