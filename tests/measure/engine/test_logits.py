"""Models that return something else than logits: refused in one line, noted, or taken as declared."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from convolutional import bench
from onnx import TensorProto, helper, numpy_helper
from torch import nn

from pytest_failaware import FailAwareWarning, FailureRule, evaluate
from pytest_failaware.baselines.entries import baseline_of
from pytest_failaware.core.conditions.spelling import parse_condition
from pytest_failaware.core.errors import ConfigError, DataError, FailAwareError, ModelError
from pytest_failaware.core.records import Records
from pytest_failaware.core.request import ModelOutputs, Precision
from pytest_failaware.judge.comparability import otherwise_made
from pytest_failaware.measure.cache.key import Identity
from pytest_failaware.measure.engine.logits import OutputReader
from pytest_failaware.measure.live import Bench

CLASSES, SIDE = 10, 8

pytestmark = pytest.mark.filterwarnings("ignore:clean. not shown to know more:pytest_failaware.FailAwareWarning")


class Grey:
    """A hundred flat images; the label is the tens of the brightness, with a wrong one every tenth time."""

    classes = tuple(f"c{number}" for number in range(CLASSES))

    def __init__(self, count: int = 100, *, is_reversed: bool = False) -> None:
        levels = [25 * (number % CLASSES) + number // CLASSES for number in range(count)]
        self.levels = levels[::-1] if is_reversed else levels

    def __len__(self) -> int:
        return len(self.levels)

    def __getitem__(self, index: int) -> tuple[np.ndarray, int]:
        level = self.levels[index]
        return np.full((SIDE, SIDE, 1), level, np.uint8), (level // 25 + (level % 10 == 9)) % CLASSES


class Net(nn.Module):
    """The logit of a class is highest if the mean brightness, of 255, is near 25 times its number."""

    def __init__(self, ending: nn.Module, sharpness: float = 60.0) -> None:
        super().__init__()
        self.linear, self.ending = nn.Linear(1, CLASSES), ending
        centre = (torch.arange(CLASSES) * 25.0 + 4) / 255
        with torch.no_grad():
            self.linear.weight.copy_(2 * sharpness * centre[:, None])
            self.linear.bias.copy_(-sharpness * centre.square())

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """What the ending makes of the logits, (N, 10)."""
        return self.ending(self.linear(images.mean((2, 3))))


class Ending(nn.Module):
    """A function as the last layer."""

    def __init__(self, function: Callable[[torch.Tensor], object]) -> None:
        super().__init__()
        self.function = function

    def forward(self, logits: torch.Tensor) -> object:
        """What the function makes of them."""
        return self.function(logits)


def measure(model: object, data: object = None, **given: Any) -> Records:  # Any: as evaluate takes it
    """The records under clean."""
    given = {"dataset": data or Grey(), "preprocess": "none", "conditions": ["clean"], "device": "cpu", **given}
    return evaluate(model=model, **given)["clean"].records


def refusal(model: object, data: object = None, **given: Any) -> str:  # Any: as above
    """The line in which it is refused."""
    with pytest.raises(FailAwareError) as caught:
        measure(model, data, **given)
    assert str(caught.value).isprintable()
    return str(caught.value)


def ensemble(logits: torch.Tensor) -> torch.Tensor:
    """The mean of three softmax outputs."""
    return torch.stack([(logits * scale).softmax(1) for scale in (0.5, 1, 2)]).mean(0)


def four_decimals(logits: torch.Tensor) -> torch.Tensor:
    """Probabilities as a service rounds them."""
    return (logits.softmax(1) * 1e4).round() / 1e4


PROBABILITIES: dict[str, Callable[[torch.Tensor], object]] = {
    "softmax": lambda logits: logits.softmax(1),
    "softmax in float16": lambda logits: logits.softmax(1).half(),
    "softmax in bfloat16": lambda logits: logits.softmax(1).bfloat16(),
    "softmax in float64": lambda logits: logits.double().softmax(1),
    "an ensemble": ensemble,
    "rounded": four_decimals,
    "one-hot": lambda logits: nn.functional.one_hot(logits.argmax(1), CLASSES),
    "sigmoids that are normalised": lambda logits: nn.functional.normalize(logits.sigmoid(), p=1.0),
    "in a dict": lambda logits: {"logits": logits.softmax(1)},
    "with features": lambda logits: (logits.softmax(1), logits[:, :, None]),
    "two classes": lambda logits: torch.cat([(z := logits[:, :1].sigmoid()), 1 - z, *[0 * z] * 8], 1),
}


@pytest.mark.parametrize("name", PROBABILITIES)
def test_probabilities_are_not_taken_for_logits(name: str) -> None:
    """The line says what was seen and both remedies."""
    said = refusal(Net(Ending(PROBABILITIES[name])))

    assert "the outputs of the model are probabilities, every row sums to 1" in said
    assert 'return logits, or set failaware_outputs = probabilities in the ini (evaluate: outputs="probabi' in said


@pytest.mark.parametrize("name", ["softmax", "softmax in float16", "an ensemble"])
def test_percentages_are_not_taken_for_logits(name: str) -> None:
    """They have to be divided first."""
    said = refusal(Net(Ending(lambda logits: 100 * PROBABILITIES[name](logits))))

    assert "are percentages, every row sums to 100" in said
    assert "divide them by 100 and set failaware_outputs = probabilities" in said


# ---- every way in --------------------------------------------------------------------------------------------------


def torchscript(folder: Path, ending: nn.Module) -> dict[str, str]:
    """A traced program, trusted."""
    path = folder / "model.pt"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch deprecates TorchScript
        torch.jit.trace(Net(ending).eval(), torch.rand(2, 1, SIDE, SIDE)).save(str(path))
    return {"model": str(path), "trust_model": f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}"}


def exported(folder: Path, ending: nn.Module) -> dict[str, str]:
    """A program of torch.export, trusted."""
    path = folder / "model.pt2"
    shapes = ({0: torch.export.Dim("batch", min=2)},)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.export.save(
            torch.export.export(Net(ending).eval(), (torch.zeros(2, 1, SIDE, SIDE),), dynamic_shapes=shapes), path
        )
    return {"model": str(path), "trust_model": f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}"}


def onnx_file(folder: Path, ending: nn.Module, kind: int = TensorProto.FLOAT) -> dict[str, str]:
    """An ONNX file with the same layers, and an output of this type."""
    net, names = Net(ending), ["mean", "flat", "logits"]
    nodes = [
        helper.make_node("GlobalAveragePool", ["images"], ["mean"]),
        helper.make_node("Flatten", ["mean"], ["flat"]),
        helper.make_node("Gemm", ["flat", "weight", "bias"], ["logits"], transB=1),
    ]
    if not isinstance(ending, nn.Identity):
        nodes.append(helper.make_node(type(ending).__name__, ["logits"], ["scores"]))
        names.append("scores")
    if kind != TensorProto.FLOAT:
        nodes.append(helper.make_node("Cast", names[-1:], ["cast"], to=kind))
        names.append("cast")
    weights = {"weight": net.linear.weight, "bias": net.linear.bias}
    graph = helper.make_graph(
        nodes,
        "graph",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, ["batch", 1, SIDE, SIDE])],
        [helper.make_tensor_value_info(names[-1], kind, ["batch", CLASSES])],
        [numpy_helper.from_array(value.detach().numpy(), name) for name, value in weights.items()],
    )
    path = folder / "model.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return {"model": str(path)}


def module(folder: Path, ending: nn.Module) -> dict[str, nn.Module]:
    """The module itself."""
    return {"model": Net(ending)}


WAYS: dict[str, Callable[[Path, nn.Module], dict[str, Any]]] = {
    "module": module,
    "torchscript": torchscript,
    "exported": exported,
    "onnx": onnx_file,
}


@pytest.mark.parametrize("way", WAYS)
def test_a_softmax_is_seen_in_every_kind_of_model(tmp_path: Path, way: str) -> None:
    """A program hides its layers, and is refused for what it returns; declared, it gives the flags of the logits."""
    softmax = WAYS[way](tmp_path, nn.Softmax(1))
    assert "the outputs of the model are probabilities" in refusal(**softmax)

    found, expected = measure(**softmax, outputs="probabilities"), measure(**WAYS[way](tmp_path, nn.Identity()))
    flags, others = (FailureRule().flags_of(one) for one in (found, expected))
    assert np.array_equal(expected.prediction, found.prediction)
    assert np.array_equal(others, flags)
    assert 0 < flags.sum() < 100
    assert found.confidence == pytest.approx(expected.confidence, abs=1e-5)


@pytest.mark.filterwarnings("ignore:clean. (almost surely|the rule flags)")  # with these labels
@pytest.mark.parametrize("way", WAYS)
def test_a_sigmoid_gets_a_note_in_every_kind_of_model(tmp_path: Path, way: str) -> None:
    """Honest logits can look so: they are measured, with a warning."""
    with pytest.warns(
        FailAwareWarning, match="outputs of the model are between 0 and 1, as after a sigmoid; softmax is"
    ):
        records = measure(**WAYS[way](tmp_path, nn.Sigmoid()))

    assert 100 == len(records)


@pytest.mark.parametrize("kind", [TensorProto.FLOAT16, TensorProto.DOUBLE])
def test_an_onnx_output_of_another_type(tmp_path: Path, kind: int) -> None:
    """It is seen, too."""
    assert "the outputs of the model are probabilities" in refusal(**onnx_file(tmp_path, nn.Softmax(1), kind))
    assert 100 == len(measure(**onnx_file(tmp_path, nn.Identity(), kind)))


@pytest.mark.parametrize("kind", [TensorProto.INT64, TensorProto.BOOL, TensorProto.STRING, TensorProto.BFLOAT16])
def test_an_onnx_output_that_no_logits_are(tmp_path: Path, kind: int) -> None:
    """It is refused when the file is opened, with its type."""
    said = refusal(**onnx_file(tmp_path, nn.Identity(), kind))

    assert "one output of logits in these or float64, this program has 1 and 1: images tensor(float)" in said


@pytest.mark.filterwarnings("ignore:clean. (almost surely|the rule flags)")  # with these labels
def test_probabilities_in_the_records_of_predictions() -> None:
    """The same check, and the remedy that such a file has."""
    scores = Net(nn.Softmax(1))(torch.rand(20, 1, 2, 2)).detach().numpy()
    table = {"sample_id": np.arange(20), "label": np.zeros(20, int), "logits": scores}

    with pytest.raises(
        DataError, match=r"the logits are probabilities, every row sums to 1 .* name them probabilities"
    ):
        evaluate(records=table)
    with pytest.raises(ConfigError, match="records state whether scores are logits or probabilities; remove outputs"):
        evaluate(records=table, outputs="probabilities")
    with pytest.warns(FailAwareWarning, match="the logits are between 0 and 1, as after a sigmoid"):
        evaluate(records=table | {"logits": scores / 2})


# ---- when it is seen -----------------------------------------------------------------------------------------------


def outputs_bench(ending: nn.Module, count: int = 100, size: int = 16, **options: object) -> Bench:
    """A bench on random images for a network of five outputs."""
    return bench(nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, 5), ending), images=count,
                 batch_size=size, **options)  # fmt: skip


@pytest.mark.parametrize("is_reversed", [False, True])
@pytest.mark.parametrize("batch_size", [1, 7, 64, 100])
def test_the_verdict_depends_on_no_batch_size_and_no_order(batch_size: int, *, is_reversed: bool) -> None:
    """The same line, each time."""
    expected = refusal(Net(nn.Softmax(1)))

    assert expected == refusal(Net(nn.Softmax(1)), Grey(is_reversed=is_reversed), batch_size=batch_size)


@pytest.mark.parametrize("count", [1, 2, 7, 8])
def test_few_images(count: int) -> None:
    """A softmax is seen in as many as there are."""
    assert "the outputs of the model are probabilities" in refusal(Net(nn.Softmax(1)), Grey(count))


def test_it_is_seen_before_the_rest_is_measured() -> None:
    """After 64 images of the first condition, whichever that is."""
    one, seen = outputs_bench(nn.Softmax(1), count=500), []
    with pytest.raises(ModelError, match="for each of the first 64 images"):
        one.measure(parse_condition("low_light", ""), 0, progress=lambda done, count: seen.append(done))

    assert [16, 32, 48] == seen


def test_a_condition_without_answers_settles_nothing() -> None:
    """The softmax is seen under the next one."""
    reader, rows = OutputReader(ModelOutputs.LOGITS), slice(0, 64)
    reader.look(np.full((64, 3), np.nan), rows, 64)

    with pytest.raises(ModelError, match="the outputs of the model are probabilities"):
        reader.look(np.full((64, 3), 1 / 3), rows, 64)


@pytest.mark.parametrize(
    "ending",
    [nn.Identity(), nn.LogSoftmax(1), nn.ReLU(), nn.Tanh(), Ending(lambda logits: logits / 100 + 0.5)],
    ids=["logits", "log-probabilities", "relu", "tanh", "near a half"],
)
@pytest.mark.parametrize("count", [1, 7, 100])
@pytest.mark.filterwarnings("ignore::pytest_failaware.FailAwareWarning")
def test_honest_logits_are_measured(ending: nn.Module, count: int) -> None:
    """Whatever their range, and however few."""
    assert count == len(measure(Net(ending), Grey(count)))


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.filterwarnings("ignore::pytest_failaware.FailAwareWarning")
def test_two_honest_logits_are_measured(seed: int) -> None:
    """Of two classes, near a half each: the likeliest to sum to 1 by chance."""
    generator = torch.Generator().manual_seed(seed)
    rows = torch.randn((100, 2), generator=generator) / 10 + 0.5
    net = Ending(lambda images: rows[(images.mean((1, 2, 3)) * 255).round().long()])
    data = [(np.full((2, 2), number, np.uint8), number % 2) for number in range(100)]

    assert 100 == len(measure(net, data))


# ---- declared probabilities ----------------------------------------------------------------------------------------


def test_declared_probabilities_get_the_flags_of_flag_probabilities() -> None:
    """Also those at the threshold, and a probability of 0 is a legal answer."""
    rows = torch.tensor([[0.6, 0.4, 0.0], [0.59999, 0.40001, 0.0], [1.0, 0.0, 0.0], [0.34, 0.33, 0.33]] * 2)

    class Fixed(nn.Module):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return rows[(images.mean((1, 2, 3)) * 255).round().long()]

    data = [(np.full((2, 2), number, np.uint8), 0) for number in range(8)]
    rule = FailureRule(confidence=0.6, entropy=None)
    given = {"model": Fixed(), "dataset": data, "preprocess": "none", "conditions": ["clean"]}
    found = evaluate(**given, rule=rule, outputs="probabilities")["clean"]

    flags, expected = found.flagged[found.records.confidence.argsort()], rule.flag_probabilities(rows)
    assert expected[rows.amax(1).argsort()].tolist() == flags.tolist()
    assert np.isfinite(found.records.label_log_probability).all()


@pytest.mark.parametrize(
    ("ending", "words"),
    [
        (nn.Identity(), "outputs that are none, as with -"),
        (nn.Sigmoid(), "outputs that are none, as with a sum of"),
        (Ending(lambda logits: logits.softmax(1) * 100), "as with a sum of 100"),
        (nn.LogSoftmax(1), "as with -"),
        (Ending(lambda logits: logits.softmax(1) * torch.inf), "get logits that are not finite|a sum of"),
        (Ending(lambda logits: logits * torch.nan), "get logits that are not finite"),
    ],
    ids=["logits", "sigmoid", "percentages", "log-probabilities", "infinite", "nan"],
)
def test_declared_probabilities_have_to_be_some(ending: nn.Module, words: str) -> None:
    """The line names the key, what was seen and the remedy."""
    with pytest.raises(ModelError, match=words) as caught:
        measure(Net(ending), outputs="probabilities")

    assert "failaware_outputs = probabilities" in str(caught.value) or "not finite" in words


@pytest.mark.parametrize("text", ["percentages", "softmax", "Logits"])
def test_another_kind_of_outputs(text: str) -> None:
    """It is refused with those that there are."""
    with pytest.raises(ConfigError, match=f"failaware_outputs = {text}: must be logits or probabilities"):
        measure(Net(nn.Identity()), outputs=text)


def test_declared_outputs_are_part_of_what_records_depend_on() -> None:
    """Of their identity in the cache, and of what makes a baseline comparable."""
    plain, declared = outputs_bench(nn.Identity()), outputs_bench(nn.Softmax(1), declared=ModelOutputs.PROBABILITIES)
    clean = parse_condition("clean", "")
    parts = [{**Identity(one)._data, **one.environment} for one in (plain, declared)]

    assert {"outputs"} == {name for name in parts[1] if parts[0].get(name) != parts[1][name]}
    assert ModelOutputs.PROBABILITIES is declared.of(plain.model).runner.reader.declared
    baseline = baseline_of(plain.measure(clean, 0), FailureRule(), "b")
    measurement = declared.measure(clean, 0)
    assert {"outputs of the model": ("logits", "probabilities")} == otherwise_made(measurement, baseline)
    assert {} == otherwise_made(measurement, baseline_of(measurement, FailureRule(), "b"))


# ---- the fast way --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("precision", [Precision.IEEE, Precision.BFLOAT16])
def test_declared_probabilities_in_every_precision(precision: Precision) -> None:
    """Their sums are off by what the precision rounds."""
    one = outputs_bench(nn.Softmax(1), declared=ModelOutputs.PROBABILITIES, precision=precision)

    assert 100 == len(one.measure(parse_condition("blur", ""), 0).records)
