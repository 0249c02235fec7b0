"""The hash of a model's weights, buffers and extra state, of any type."""

from __future__ import annotations

import hashlib
import warnings
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from pytest_failaware.core.errors import ModelError
from pytest_failaware.measure.models.loading import adopt_model
from pytest_failaware.measure.models.state import model_sha256, weights_version


class Values(nn.Module):
    """A module whose buffers are the given tensors."""

    def __init__(self, **tensors: torch.Tensor) -> None:
        super().__init__()
        for name, tensor in tensors.items():
            self.register_buffer(name, tensor)


def test_sha256_is_the_documented_one() -> None:
    """The hash is over name, dtype, shape and little-endian bytes, in the order of the names."""
    module = Values(b=torch.tensor([1.0, 2.0]), a=torch.tensor(3))
    text = b"a\0torch.int64\0()\0" + np.int64(3).tobytes() + b"b\0torch.float32\0(2,)\0" + np.float32([1, 2]).tobytes()
    assert hashlib.sha256(text).hexdigest() == model_sha256(module)


def test_sha256_of_every_dtype() -> None:
    """Each dtype that numpy knows or does not know is hashed by its bytes."""
    dtypes = (torch.bfloat16, torch.float16, torch.bool, torch.int8, torch.complex64, torch.float8_e4m3fn)
    hashes = {model_sha256(Values(a=torch.ones(2, dtype=torch.float32).to(dtype))) for dtype in dtypes}
    assert len(dtypes) == len(hashes)
    expected = hashlib.sha256(b"a\0torch.bfloat16\0(1,)\0\x80\x3f").hexdigest()
    assert expected == model_sha256(Values(a=torch.ones(1, dtype=torch.bfloat16)))


def test_sha256_sees_names_shapes_and_values_only() -> None:
    """A name, a shape or one value changes the hash; memory format, gradients and mode do not."""
    grid = torch.arange(24.0).reshape(1, 2, 3, 4)
    expected = model_sha256(Values(a=grid))
    assert expected == model_sha256(Values(a=grid.to(memory_format=torch.channels_last)))
    assert expected != model_sha256(Values(b=grid))
    assert expected != model_sha256(Values(a=grid.reshape(2, 1, 3, 4)))
    assert expected != model_sha256(Values(a=torch.where(grid == 7, 7.5, grid)))
    layer = nn.BatchNorm1d(3)
    assert model_sha256(layer) == model_sha256(layer.eval().requires_grad_(False))


class Extra(nn.Linear):
    """A layer that keeps something beside its tensors."""

    def __init__(self, state: Any) -> None:
        super().__init__(3, 2)
        nn.init.ones_(self.weight)
        nn.init.zeros_(self.bias)
        self.state = state

    def get_extra_state(self) -> Any:
        """Return the extra state for the state dict."""
        return self.state

    def set_extra_state(self, state: Any) -> None:
        """Part of torch's protocol."""


class Opaque:
    """Whatever a library keeps, with the address in its text."""


@pytest.mark.parametrize(
    "state",
    [
        {"version": 2},
        {"scale": torch.ones(2)},
        (torch.ones(1), None),
        ["a", 1.5],
        torch.float16,
        b"bytes",
        {"bins": np.ones(2)},
    ],
)
def test_extra_state_is_part_of_the_hash(state: Any) -> None:
    """Tensors within it and plain values count; the same state has the same hash."""
    assert model_sha256(Extra(state)) == model_sha256(Extra(state))
    assert model_sha256(Extra(state)) != model_sha256(Extra({"version": 1}))
    assert model_sha256(Extra({"bins": np.ones(2)})) != model_sha256(Extra({"bins": np.zeros(2)}))


def test_objects_in_extra_state_count_by_their_class() -> None:
    """Their text may hold an address, which another process would not find again."""
    assert model_sha256(Extra(Opaque())) == model_sha256(Extra(Opaque()))
    assert model_sha256(Extra(Opaque())) != model_sha256(Extra(object()))


def int8(seed: int) -> nn.Module:
    """A linear model with int8 weights."""
    with torch.random.fork_rng(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch deprecates this form
        torch.manual_seed(seed)
        net = nn.Sequential(nn.Flatten(), nn.Linear(192, 3)).eval()
        return torch.ao.quantization.quantize_dynamic(net, {nn.Linear}, dtype=torch.qint8)


def test_int8_weights_are_part_of_the_hash() -> None:
    """They lie in a tuple within the state dict."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch deprecates this form
        assert model_sha256(int8(0)) == model_sha256(int8(0))
        assert model_sha256(int8(0)) != model_sha256(int8(1))


def test_sparse_weights_have_the_hash_of_dense_ones() -> None:
    """As a layout they do not matter; their values do."""
    grid = torch.eye(3)
    assert model_sha256(Values(a=grid)) == model_sha256(Values(a=grid.to_sparse()))
    assert model_sha256(Values(a=grid)) != model_sha256(Values(a=(2 * grid).to_sparse()))


@pytest.mark.parametrize("module", [nn.LazyLinear(3), nn.Linear(4, 3, device="meta")])
def test_weights_without_values_are_refused(module: nn.Module) -> None:
    """The error is one line, before anything is moved or hashed."""
    with pytest.raises(ModelError, match=r"'weight' has no values yet.*run one batch") as caught:
        adopt_model(module, torch.device("cpu"))
    assert str(caught.value).isprintable()


def test_writes_that_torch_counts() -> None:
    """Extra state has nothing to count, and neither has what inference mode made."""
    layer = Extra({"version": 1})
    before = weights_version(layer)
    with torch.no_grad():
        layer.weight.add_(1)
    assert before + 1 == weights_version(layer)
    with torch.inference_mode():
        layer.register_buffer("made", torch.ones(1))
    assert before + 1 == weights_version(layer)
