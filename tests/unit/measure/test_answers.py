"""Logits are found in what models answer, and what may be something else is refused with its shapes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import pytest
import torch
from convolutional import bench
from torch import nn
from torchvision.models.googlenet import GoogLeNetOutputs

from pytest_failaware.errors import ModelError
from pytest_failaware.measure.answers import logits_in, logits_of
from pytest_failaware.spelling import parse_condition

LOGITS = torch.arange(12.0).view(4, 3)
OTHER = torch.zeros(4, 3)


@dataclass
class Output:
    """As the outputs of Hugging Face's models."""

    logits: object
    loss: object = None


class Pair(NamedTuple):
    """As the outputs of detectors."""

    first: torch.Tensor
    second: torch.Tensor


@pytest.mark.parametrize(
    "answer",
    [
        LOGITS,
        {"loss": OTHER, "logits": LOGITS},
        Output(logits=LOGITS),
        GoogLeNetOutputs(LOGITS, OTHER, OTHER),
        (LOGITS,),
        [LOGITS, torch.zeros(4, 8, 2, 2), None],
        (LOGITS, torch.zeros(4), {"any": 1}),
        Pair(LOGITS, torch.zeros(3, 3)),
    ],
    ids=["tensor", "dict", "attribute", "named tuple", "one of one", "features", "no tensor", "another batch"],
)
def test_what_can_only_be_the_logits(answer: object) -> None:
    """The answer itself, what it calls logits, or the first member where no other is of that shape."""
    assert logits_in(answer, 4) is LOGITS


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ((LOGITS, OTHER), ["a tuple of (4, 3), (4, 3); which of them", "factory"]),
        ((torch.zeros(4, 8, 2, 2), LOGITS), ["a tuple of (4, 8, 2, 2), (4, 3); which of them"]),
        (Pair(LOGITS, OTHER), ["a Pair of (4, 3), (4, 3); which of them"]),
        ((), ["a tuple of nothing"]),
        ({"scores": LOGITS, "boxes": OTHER}, ["a dict of 'scores', 'boxes', in which nothing is called logits"]),
        ({"logits": (LOGITS, OTHER)}, ["a tuple of (4, 3), (4, 3); which"]),
        ({"logits": None}, ["a NoneType, in which nothing"]),
        (Output(logits=LOGITS[:, :1]), ["shape (4, 1), one number per image", "sigmoid", "torch.stack"]),
        (LOGITS[:, 0], ["shape (4,), one number per image"]),
        (torch.zeros(4, 0), ["shape (4, 0) for 4 images", "one tensor of logits"]),
        (torch.zeros(4, 3, 7, 7), ["shape (4, 3, 7, 7) for 4 images", "one tensor of logits"]),
        (torch.zeros(5, 3), ["shape (5, 3) for 4 images"]),
        ("text\n", ["a str, in which nothing is called logits"]),
    ],
    ids=lambda value: None if isinstance(value, list) else type(value).__name__,
)
def test_what_may_be_something_else(answer: object, words: list[str]) -> None:
    """One printable line with the shapes and the remedy."""
    with pytest.raises(ModelError) as caught:
        logits_in(answer, 4)

    assert [] == [word for word in ("the model returns ", *words, "factory") if word not in str(caught.value)]
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("value", [-3.0, 2.0])
def test_the_remedy_for_a_sigmoid_is_right(value: float) -> None:
    """The two logits that the error names have the sigmoid's probabilities."""
    z = torch.tensor([value])

    assert torch.allclose(torch.stack([torch.zeros_like(z), z], 1).softmax(1)[:, 1], z.sigmoid())


class Wrapped(nn.Module):
    """A network that answers with what it calls logits."""

    def __init__(self, *, wrap: bool) -> None:
        super().__init__()
        self.wrap = wrap
        self.head = nn.Sequential(nn.Conv2d(3, 5, 3, bias=False), nn.AdaptiveAvgPool2d(1), nn.Flatten())
        nn.init.normal_(self.head[0].weight, generator=torch.Generator().manual_seed(0))

    def forward(self, images: torch.Tensor) -> object:
        """Logits, (N, 5), in a dict."""
        return {"logits": self.head(images)} if self.wrap else self.head(images)


def test_named_logits_are_measured() -> None:
    """The whole way, with a folded copy and a lone last image: the records of the plain network."""
    one, plain = (
        bench(Wrapped(wrap=wrap), images=33).measure(parse_condition("blur", ""), seed=0).records
        for wrap in (True, False)
    )

    assert (one.prediction == plain.prediction).all()
    assert pytest.approx(plain.confidence, abs=1e-5) == one.confidence


@pytest.mark.parametrize("answer", [LOGITS.to(torch.complex64), LOGITS > 5, LOGITS.to("meta"), LOGITS.to_sparse()])
def test_logits_are_real_and_dense(answer: torch.Tensor) -> None:
    """A number that would lose a part, or that is not there, is refused in one line."""
    with pytest.raises(ModelError, match="logits are real numbers in a dense tensor") as caught:
        logits_in(answer, 4)
    assert str(caught.value).isprintable()


def test_whole_numbers_are_logits() -> None:
    """As a network computed in integers returns them."""
    assert torch.equal(LOGITS.long(), logits_in(LOGITS.long(), 4))


@pytest.mark.parametrize(
    ("dtype", "remedy"),
    [
        (torch.float16, "its weights are torch.float16 and the inputs torch.float32; give model.float()"),
        (torch.float64, "its weights are torch.float64 and the inputs torch.float32; give model.float()"),
        (torch.bfloat16, "torch.float32; give model.float(), or pass --failaware-precision=bfloat16"),
        (torch.float32, "check --failaware-preprocess"),
    ],
)
def test_inputs_that_a_model_cannot_take(dtype: torch.dtype, remedy: str) -> None:
    """The remedy is the model's precision where that differs from the inputs', else the preprocessing."""
    network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(5 if dtype is torch.float32 else 12, 3)).to(dtype)
    with pytest.raises(ModelError) as caught:
        logits_of(network, torch.zeros(2, 3, 2, 2))

    assert str(caught.value).endswith(remedy)
