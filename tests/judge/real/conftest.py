"""The two checkpoints, each measured once for all processes of a run of the tests."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock
from real_checkpoints import Side, measure

VARIABLE = "FAILAWARE_SHARED_DATA"

Measured = Callable[..., Side]


@pytest.fixture(scope="session")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Measured:
    """Returns the predictions of a checkpoint; the first call measures it, in about ten seconds of a CPU."""
    if VARIABLE not in os.environ:
        pytest.skip(f"{VARIABLE} names no folder with the images and checkpoints")
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "real"
    folder.mkdir(exist_ok=True)

    def side(checkpoint: str, precision: str = "ieee") -> Side:
        file = folder / f"{checkpoint}-{precision}.npz"
        with FileLock(folder / "lock"):
            if not file.exists():
                np.savez(file, **measure(Path(os.environ[VARIABLE]), checkpoint, folder, precision))
        with np.load(file) as columns:
            return Side(columns=dict(columns))

    return side


@pytest.fixture(scope="session")
def later(measured: Measured) -> Side:
    """The later checkpoint of the training run, which is better."""
    return measured("resnet18_cifar10.pth")


@pytest.fixture(scope="session")
def earlier(measured: Measured) -> Side:
    """The checkpoint of one epoch before."""
    return measured("resnet18_cifar10_earlier.pth")


@pytest.fixture(scope="session")
def halved(measured: Measured) -> Side:
    """The later checkpoint in bfloat16."""
    return measured("resnet18_cifar10.pth", "bfloat16")
