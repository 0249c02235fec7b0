"""A model and data that no option describes, by overriding two fixtures, and an option that chooses the checkpoint."""

from __future__ import annotations

from pathlib import Path

import digits
import pytest
import torch
from torch import nn

CHECKPOINTS = Path(__file__).parents[1] / "digits"


class DarkOnBright(nn.Module):
    """The digits network, which knows bright ink alone, for scans."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """(B, 1, 32, 32) in [0, 1], ink dark -> logits (B, 10)."""
        logits: torch.Tensor = self.network(1 - images)
        return logits


def pytest_addoption(parser: pytest.Parser) -> None:
    """Where the model comes from is ours to say, so is the option."""
    parser.addoption("--checkpoint", default="digits.pth", help="a file of examples/digits. Default: %(default)s")


@pytest.fixture(scope="session")
def failaware_model(pytestconfig: pytest.Config) -> nn.Module:
    """The model under test; it is moved to the device, set to eval mode and frozen for us."""
    network = digits.network()
    network.load_state_dict(torch.load(CHECKPOINTS / pytestconfig.getoption("--checkpoint"), weights_only=True))
    return DarkOnBright(network)


@pytest.fixture(scope="session")
def failaware_dataset() -> digits.Digits:
    """Anything with `len` and items `(image, label)`; `classes` names the classes in the reports."""
    bright = digits.test_set()
    return digits.Digits(255 - bright.images, bright.labels)
