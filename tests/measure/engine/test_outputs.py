"""Logits are found in what models answer, and what may be something else is refused with its shapes."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import torch
from convolutional import CPU, bench, network
from torch import nn
from torchvision.models.googlenet import GoogLeNetOutputs

from pytest_failaware.core.conditions.spelling import parse_condition
from pytest_failaware.core.errors import ModelError
from pytest_failaware.core.preprocessing import Preprocessing
from pytest_failaware.core.request import Loading, Precision, Source, SourceKind
from pytest_failaware.measure.engine.outputs import logits_in
from pytest_failaware.measure.images.map_style import adopt_dataset
from pytest_failaware.measure.live import build_bench
from pytest_failaware.measure.models.loading import LoadedModel, adopt_model, load_model

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
    """The output itself, its member logits, or the first member if no other has that shape."""
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


# ---- types and sizes -----------------------------------------------------------------------------------------------

WIDEST = 65_534


@pytest.mark.parametrize("outputs", [WIDEST + 1, 81_313, 2**17])
def test_more_outputs_than_a_prediction_can_name(outputs: int) -> None:
    """They are refused with both numbers, before anything is measured."""
    with pytest.raises(ModelError, match=f"{outputs:,} outputs, and a prediction can name 65,534 classes at most"):
        logits_in(torch.zeros(2, 1).expand(2, outputs), 2)


def test_as_many_outputs_as_a_prediction_can_name() -> None:
    """The last of them is a prediction like any other."""
    net = Fixed(nn.functional.one_hot(torch.tensor([WIDEST - 1, 0]), WIDEST).float() * 9)
    records = bench(net, images=2).measure(parse_condition("clean", ""), 0).records

    assert {0, WIDEST - 1} == set(records.prediction.tolist())


class Fixed(nn.Module):
    """The given rows for images in their order, as often as it is asked."""

    def __init__(self, rows: torch.Tensor) -> None:
        super().__init__()
        self.rows = rows
        self.seen: dict[bytes, int] = {}

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """A row for each image, the same each time."""
        keys = [image.numpy().tobytes() for image in images]
        return self.rows[[self.seen.setdefault(key, len(self.seen) % len(self.rows)) for key in keys]]


@pytest.mark.parametrize(
    "make",
    [
        lambda: LOGITS.to(torch.complex64),
        lambda: LOGITS.to(torch.complex128),
        lambda: LOGITS > 3,
        lambda: LOGITS.to("meta"),
        lambda: LOGITS.to_sparse(),
        lambda: LOGITS.to_sparse_csr(),
        lambda: torch.quantize_per_tensor(LOGITS, 0.1, 0, torch.quint8),
        lambda: {"logits": LOGITS > 3},
        lambda: (LOGITS.to(torch.complex64), None),
        lambda: torch.zeros(4, 3, dtype=torch.bool),
    ],
    ids=["complex", "complex128", "bool", "meta", "sparse", "csr", "int8", "dict", "tuple", "false"],
)
@pytest.mark.filterwarnings("ignore:Sparse CSR tensor support:UserWarning", "ignore:.*quantize_per_tensor")
def test_outputs_that_are_no_real_numbers(make: Callable[[], object]) -> None:
    """One line names their type, layout and device."""
    with pytest.raises(
        ModelError, match=r"returns shape \(4, 3\) of torch\..*logits are real numbers in a dense tensor"
    ):
        logits_in(make(), 4)


@pytest.mark.parametrize(
    ("rows", "predictions"),
    [
        (torch.tensor([[2**53, 2**53 - 1], [2**53 - 1, 2**53]]), [0, 1]),
        (torch.tensor([[2**24 + 1, 2**24], [2**24, 2**24 + 1]], dtype=torch.int32), [0, 1]),
        (torch.tensor([[1 + 1e-12, 1.0], [1.0, 1 + 1e-12]], dtype=torch.float64), [0, 1]),
        (torch.tensor([[1e39, -1e39], [-1e300, 1e300]], dtype=torch.float64), [0, 1]),
        (torch.tensor([[9, 1], [1, 9]], dtype=torch.uint8), [0, 1]),
        (torch.tensor([[9.0, 1], [1, 9]], dtype=torch.float16), [0, 1]),
        (torch.tensor([[9.0, 1], [1, 9]], dtype=torch.bfloat16), [0, 1]),
        (torch.tensor([[9.0, 1], [1, 9]]).to(torch.float8_e4m3fn), [0, 1]),
    ],
    ids=["int64", "int32", "float64", "beyond float32", "uint8", "float16", "bfloat16", "float8"],
)
def test_no_type_of_output_is_narrowed(rows: torch.Tensor, predictions: list[int]) -> None:
    """What differs in the model's own type differs in the records, and every column is finite."""
    data = adopt_dataset([(np.full((2, 2), number, np.uint8), number) for number in range(2)], "data")
    one = build_bench(adopt_model(Fixed(rows), CPU), data, Preprocessing(), keep_logits=True)
    records = one.measure(parse_condition("clean", ""), 0).records

    assert predictions == records.prediction[np.argsort(records.label)].tolist()
    assert all(np.isfinite(column).all() for column in records.columns.values())


# ---- models of another type than float32 ---------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64], ids=str)
@pytest.mark.parametrize("way", ["module", "torchscript", "exported"])
def test_a_model_of_another_type(tmp_path: Path, dtype: torch.dtype, way: str) -> None:
    """The line names the types and the remedy, not the preprocessing; the remedy works."""
    net = network().to(dtype)
    said = refusal(loaded(net, way, tmp_path))
    name = str(dtype).removeprefix("torch.")

    assert f"the inputs are float32 and its weights {name}: call model.float(), before an export, too" in said
    assert (dtype is torch.bfloat16) == ("or compute in it: --failaware-precision=bfloat16" in said)
    assert "--failaware-preprocess" not in said
    assert 50 == len(bench(network().to(dtype).float()).measure(parse_condition("clean", ""), 0).records)


def test_bfloat16_weights_are_measured_in_bfloat16() -> None:
    """As the line says."""
    one = bench(network().bfloat16(), precision=Precision.BFLOAT16)

    assert 50 == len(one.measure(parse_condition("clean", ""), 0).records)


def test_a_float32_model_that_takes_other_images() -> None:
    """The line points at the preprocessing."""
    assert refusal(adopt_model(nn.Sequential(nn.Flatten(), nn.Linear(5, 3)), CPU)).endswith(
        "check --failaware-preprocess"
    )


def refusal(model: LoadedModel) -> str:
    """The line in which the images are refused."""
    images = np.random.default_rng(0).integers(0, 256, (50, 8, 8, 3), dtype=np.uint8)
    data = adopt_dataset([(image, k % 5) for k, image in enumerate(images)], "data")
    with pytest.raises(ModelError) as caught:
        build_bench(model, data, Preprocessing()).measure(parse_condition("clean", ""), 0)
    return str(caught.value)


def loaded(net: nn.Module, way: str, folder: Path) -> LoadedModel:
    """The network, or the program that it is exported as."""
    if way == "module":
        return adopt_model(net, CPU)
    path, images = folder / "model.bin", torch.zeros(2, 3, 8, 8, dtype=next(net.parameters()).dtype)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch deprecates TorchScript
        if way == "torchscript":
            torch.jit.trace(net, images).save(str(path))
        else:
            batch = ({0: torch.export.Dim("batch", min=2)},)
            with path.open("wb") as file:
                torch.export.save(torch.export.export(net, (images,), dynamic_shapes=batch), file)
    trusted = Loading(trusted=(hashlib.sha256(path.read_bytes()).hexdigest(),))
    return load_model(Source(kind=SourceKind.FILE, target=str(path)), None, CPU, trusted)
