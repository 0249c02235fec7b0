"""What every test shares. The heavy imports come first: a pytest run inside a test forgets the modules it imported."""

import hypothesis  # noqa: F401 - see above; its plugin imports it at the end of every run
import numpy  # noqa: F401 - see above
import pandas  # noqa: F401 - see above
import pytest
import scipy.stats  # noqa: F401 - see above
import torch
import torchvision  # noqa: F401 - see above
import toy
import yaml  # noqa: F401 - see above


@pytest.fixture
def toy_model() -> toy.Bands:
    """The toy classifier with its weights."""
    model = toy.network()
    model.load_state_dict(toy.weights())
    return model


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests marked gpu are skipped, not failed, where there is no CUDA device."""
    if torch.cuda.is_available():
        return
    for item in items:
        if item.get_closest_marker("gpu"):
            # Meant: these compare CUDA with the CPU, whose side other tests check without it.
            item.add_marker(pytest.mark.skip(reason="no CUDA device"))
