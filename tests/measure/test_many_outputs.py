"""More outputs than a uint16 can name: refused in one line by every way in, never wrapped round."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

from pytest_failaware import FailureRule, evaluate
from pytest_failaware.core.errors import FailAwareError

WIDE = 81_313
ANSWER = 65_536  # the label 0, if it wrapped round


class Wide(nn.Module):
    """Every image gets the class 65,536."""

    def __init__(self, outputs: int = WIDE, answer: int = ANSWER) -> None:
        super().__init__()
        self.register_buffer("row", nn.functional.one_hot(torch.tensor(answer), outputs) * 20.0)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Logits, (N, outputs)."""
        return images.mean((1, 2, 3))[:, None] * 0 + self.row


class Named(nn.Module):
    """The same in a dict, as of Hugging Face's models, or the first of a tuple."""

    def __init__(self, wrap: Callable[[torch.Tensor], object]) -> None:
        super().__init__()
        self.net, self.wrap = Wide(), wrap

    def forward(self, images: torch.Tensor) -> object:
        """The wrapped logits."""
        return self.wrap(self.net(images))


DATA = [(np.full((4, 4, 1), 20 * number, np.uint8), 0) for number in range(10)]


def measure(model: object, **given: object) -> object:
    """The accuracy under clean."""
    found = evaluate(model=model, dataset=DATA, preprocess="none", conditions=["clean"], device="cpu", **given)
    return found["clean"].stats.rates["accuracy"].value


def torchscript(folder: Path) -> object:
    """From a traced program."""
    path = folder / "wide.pt"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch deprecates TorchScript
        torch.jit.trace(Wide(), torch.zeros(2, 1, 4, 4)).save(str(path))
    return measure(str(path), trust_model=f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}")


def onnx_file(folder: Path) -> object:
    """From an ONNX file."""
    weights = [numpy_helper.from_array(np.zeros((16, WIDE), np.float32), "weight")]
    nodes = [helper.make_node("Flatten", ["images"], ["flat"]), helper.make_node("MatMul", ["flat", "weight"], ["out"])]
    inputs = [helper.make_tensor_value_info("images", TensorProto.FLOAT, ["batch", 1, 4, 4])]
    outputs = [helper.make_tensor_value_info("out", TensorProto.FLOAT, ["batch", WIDE])]
    graph = helper.make_graph(nodes, "graph", inputs, outputs, weights)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), folder / "wide.onnx")
    return measure(str(folder / "wide.onnx"))


def rows(outputs: int = WIDE) -> np.ndarray:
    """Two predictions of the class 65,536."""
    logits = np.zeros((2, outputs))
    logits[:, min(ANSWER, outputs - 1)] = 20
    return logits


def predictions(folder: Path, kind: str = "logits", outputs: int = WIDE, suffix: str = "") -> object:
    """From arrays, or from their file."""
    scores = rows(outputs) if kind == "logits" else rows(outputs) / 20
    table = {"sample_id": np.arange(2), "label": np.zeros(2, int), kind: scores}
    if suffix:
        np.savez(folder / "wide", **table)
    return evaluate(records=folder / f"wide{suffix}" if suffix else table)


WAYS: dict[str, Callable[[Path], object]] = {
    "module": lambda folder: measure(Wide()),
    "one too many": lambda folder: measure(Wide(65_535, 0)),
    "dict": lambda folder: measure(Named(lambda logits: {"logits": logits})),
    "tuple": lambda folder: measure(Named(lambda logits: (logits, None))),
    "float16": lambda folder: measure(Named(lambda logits: logits.half())),
    "declared probabilities": lambda folder: measure(Named(lambda logits: logits.softmax(1)), outputs="probabilities"),
    "torchscript": torchscript,
    "onnx": onnx_file,
    "arrays": predictions,
    "probabilities": lambda folder: predictions(folder, "probabilities"),
    "one too many predicted": lambda folder: predictions(folder, outputs=65_535),
    "npz": lambda folder: predictions(folder, suffix=".npz"),
    "flag_logits": lambda folder: FailureRule().flag_logits(rows()),
    "one row": lambda folder: FailureRule().flag_logits(rows()[0]),
    "flag_probabilities": lambda folder: FailureRule().flag_probabilities(rows() / 20),
}


@pytest.mark.parametrize("way", WAYS)
def test_too_many_outputs(tmp_path: Path, way: str) -> None:
    """The line says how many there are and how many can be named."""
    with pytest.raises((FailAwareError, ValueError)) as caught:
        WAYS[way](tmp_path)

    said = str(caught.value)
    assert "65,534" in said
    assert ("65,535" if "one too many" in way else "81,313") in said.replace("81313", "81,313").replace(
        "65535", "65,535"
    )
    assert said.isprintable()


@pytest.mark.filterwarnings("ignore::pytest_failaware.FailAwareWarning")
@pytest.mark.parametrize(("answer", "accuracy"), [(0, 1.0), (65_533, 0.0)])
def test_as_many_outputs_as_can_be_named(answer: int, accuracy: float) -> None:
    """They are measured: the last one is no other."""
    assert accuracy == measure(Wide(65_534, answer))
