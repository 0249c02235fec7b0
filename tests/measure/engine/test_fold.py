"""Private copies: what is copied, what is left alone, and that the outputs do not change."""

from __future__ import annotations

import warnings

import convolutional
import pytest
import torch
from torch import nn
from torchvision import models as torchvision_models

from pytest_failaware.measure.engine.fold import private_copies
from pytest_failaware.measure.models.state import model_sha256, weights_version

IMAGES = torch.rand(6, 3, 8, 8, generator=torch.Generator().manual_seed(0))


def test_copies_answer_alike_and_have_no_batch_norm() -> None:
    """Each gives the module's logits within float32 rounding from inputs in its own layout."""
    net = convolutional.network()
    copies = list(private_copies(net, IMAGES))

    assert 2 == len(copies)
    for module, layout in copies:
        assert not any(isinstance(part, nn.BatchNorm2d) for part in module.modules())
        with torch.inference_mode():
            assert torch.allclose(net(IMAGES), module(IMAGES.to(memory_format=layout)), rtol=1e-5, atol=1e-5)


def test_the_module_itself_is_never_touched() -> None:
    """Weights, the count of writes to them, layers and modes are those of before, and no warning comes out."""
    net = convolutional.network()
    before = (model_sha256(net), weights_version(net), str(net), [part.training for part in net.modules()])
    pointers = [value.data_ptr() for value in net.state_dict().values()]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        list(private_copies(net, IMAGES))

    assert before == (model_sha256(net), weights_version(net), str(net), [part.training for part in net.modules()])
    assert pointers == [value.data_ptr() for value in net.state_dict().values()]


class Branching(convolutional.ConvolutionalNet):
    """Decides by a pixel, which tracing cannot."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Logits, (N, 5)."""
        return super().forward(images if images.max() > 2 else 2 * images)


class Uncopyable(convolutional.ConvolutionalNet):
    """Holds what cannot be copied."""

    def __deepcopy__(self, memo: object) -> Branching:
        raise TypeError("a lock cannot be copied")


@pytest.mark.parametrize("kind", [Branching, Uncopyable])
def test_no_copy_of_what_cannot_be_traced_or_copied(kind: type[convolutional.ConvolutionalNet]) -> None:
    """Such models are left to run as they are."""
    assert [] == list(private_copies(convolutional.network(kind), IMAGES))


def test_no_copy_without_convolutions() -> None:
    """There is nothing to gain from a linear layer, whose forward is not even traced."""
    assert [] == list(private_copies(nn.Sequential(nn.Flatten(), nn.Linear(192, 5)), IMAGES))


@pytest.mark.parametrize("method", ["register_forward_hook", "register_forward_pre_hook"])
def test_no_copy_where_a_hook_listens(method: str) -> None:
    """A hook on any layer, or on all modules, would not fire in a copy."""
    net = convolutional.network()
    handle = getattr(net.first[0], method)(lambda *arguments: None)
    assert [] == list(private_copies(net, IMAGES))
    handle.remove()
    assert 2 == len(list(private_copies(net, IMAGES)))
    handle = getattr(nn.modules.module, method.replace("register_", "register_module_"))(lambda *arguments: None)
    try:
        assert [] == list(private_copies(net, IMAGES))
    finally:
        handle.remove()


@pytest.mark.parametrize(("name", "copies"), [("resnet18", 2), ("squeezenet1_1", 1)])
def test_blocks_are_for_models_that_stay_in_them(name: str, copies: int) -> None:
    """A resnet stays in oneDNN's layout from the first convolution to the pooling; concatenations leave it."""
    assert copies == len(
        list(private_copies(torchvision_models.get_model(name, num_classes=10).eval(), torch.rand(2, 3, 64, 64)))
    )


def test_half_precision_models_have_no_blocks() -> None:
    """oneDNN's layout is for float32; the other copy does not care."""
    assert 1 == len(list(private_copies(convolutional.network().double(), IMAGES.double())))
