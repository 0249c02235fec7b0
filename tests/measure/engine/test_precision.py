"""The precision of a measurement, and the process's own settings back afterwards."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import numpy as np
import pytest
import torch
import toy
from convolutional import CPU, bench, network
from torch import backends, nn

from pytest_failaware.core.conditions.spelling import parse_condition
from pytest_failaware.core.errors import ConfigError
from pytest_failaware.core.measurement import Measurement
from pytest_failaware.core.request import Precision, Source, SourceKind
from pytest_failaware.measure.engine.settings import computing
from pytest_failaware.measure.models.loading import load_model

CUDA = torch.device("cuda")
OPERATIONS = {
    "cudnn.conv": backends.cudnn.conv,
    "cudnn.rnn": backends.cudnn.rnn,
    "cuda.matmul": backends.cuda.matmul,
    "mkldnn.conv": backends.mkldnn.conv,
    "mkldnn.rnn": backends.mkldnn.rnn,
    "mkldnn.matmul": backends.mkldnn.matmul,
}


def state() -> dict[str, object]:
    """Every setting that a measurement may touch."""
    cudnn = backends.cudnn
    flags = {"enabled": cudnn.enabled, "benchmark": cudnn.benchmark, "deterministic": cudnn.deterministic}
    autocast = {device: torch.is_autocast_enabled(device) for device in ("cpu", "cuda")}
    return flags | autocast | {name: one.fp32_precision for name, one in OPERATIONS.items()}


@pytest.fixture(params=["as torch comes", "whatever is fastest"])
def settings(request: pytest.FixtureRequest) -> Iterator[dict[str, object]]:
    """The process's own choice, which is set back after the test."""
    before, benchmark = state(), backends.cudnn.benchmark
    if request.param != "as torch comes":
        backends.cudnn.benchmark = True
        for name in ("cudnn.conv", "cuda.matmul"):
            OPERATIONS[name].fp32_precision = "tf32"
        OPERATIONS["mkldnn.matmul"].fp32_precision = "bf16"
    yield state()
    backends.cudnn.benchmark = benchmark
    for name, one in OPERATIONS.items():
        one.fp32_precision = before[name]


@pytest.mark.parametrize("precision", list(Precision))
def test_every_setting_comes_back(settings: dict[str, object], precision: Precision) -> None:
    """The settings of the process are restored after a measurement and after one that fails."""
    for device in (CPU,) if precision is Precision.BFLOAT16 else (CPU, CUDA):  # without CUDA its autocast warns
        with suppress(ZeroDivisionError), computing(precision, device):
            raise ZeroDivisionError

        assert settings == state()


def test_float32_is_ieee_on_every_device(settings: dict[str, object]) -> None:
    """Neither TF32 nor bfloat16 for any operation, deterministic algorithms, no autocast of the process's own."""
    with torch.autocast("cpu", dtype=torch.bfloat16), computing(Precision.IEEE, CUDA), computing(Precision.IEEE, CPU):
        inside = state()

    assert {"ieee"} == {str(inside[name]).replace("none", "ieee") for name in OPERATIONS}
    assert (True, False, True) == (inside["enabled"], inside["benchmark"], inside["deterministic"])
    assert not inside["cpu"]


def test_tf32_is_for_cuda_alone(settings: dict[str, object]) -> None:
    """Its convolutions and products get it; the CPU's stay what they are called."""
    with computing(Precision.TF32, CUDA):
        inside = state()

    assert ["tf32"] * 3 == [inside[name] for name in OPERATIONS if name.startswith("cud")]
    assert {"ieee"} == {str(inside[name]).replace("none", "ieee") for name in OPERATIONS if name.startswith("mkl")}


def test_tf32_on_a_cpu_is_refused() -> None:
    """It would have no effect there, and the baseline would say that it had."""
    with pytest.raises(ConfigError, match="--failaware-precision=tf32: only CUDA has TF32, and the model runs on cpu"):
        bench(network(), precision=Precision.TF32)


def measured(module: nn.Module, precision: Precision) -> Measurement:
    """One clean pass."""
    return bench(module, precision=precision).measure(parse_condition("clean", ""), seed=0)


def test_bfloat16_computes_in_bfloat16_and_records_float32() -> None:
    """Layers run under autocast, scores are a little off, and the provenance says so."""
    net, seen = network(), []
    exact = measured(net, Precision.IEEE)
    with net.first.register_forward_hook(lambda *arguments: seen.append(arguments[2].dtype)):
        rough = measured(net, Precision.BFLOAT16)

    assert {torch.bfloat16} == set(seen)
    assert ("float32", "bfloat16") == tuple(one.provenance.environment["dtype"] for one in (exact, rough))
    assert np.float32 == rough.records.max_logit.dtype
    difference = np.abs(exact.records.max_logit - rough.records.max_logit)
    assert 1e-4 < difference.max() < 0.05 * np.abs(exact.records.max_logit).max()


def test_the_name_of_tf32_in_a_baseline() -> None:
    """It is float32 by its range, and no more by its digits."""
    assert ["float32", "float32 (tf32)", "bfloat16"] == [precision.dtype for precision in Precision]


# ---- the process's default types -----------------------------------------------------------------------------------


@pytest.fixture(params=[torch.float64, torch.float16, torch.bfloat16], ids=str)
def default_dtype(request: pytest.FixtureRequest) -> Iterator[torch.dtype]:
    """The type of what is made without one, set back after the test."""
    former = torch.get_default_dtype()
    torch.set_default_dtype(request.param)
    yield request.param
    torch.set_default_dtype(former)


PLAIN = network()
KERNELS = ("clean", "spatter:3", "spatter:4", "saturate:2", "fog:3")
EXPECTED: dict[str, Measurement] = {}


@pytest.fixture
def expected() -> dict[str, Measurement]:
    """What a plain process measures, once."""
    if not EXPECTED:
        EXPECTED.update({key: measured_under(key) for key in KERNELS})
    return EXPECTED


def measured_under(condition: str) -> Measurement:
    """One pass on images that no default type reached."""
    return bench(copy.deepcopy(PLAIN)).measure(parse_condition(condition, ""), seed=0)


def test_the_default_type_does_not_matter(expected: dict[str, Measurement], default_dtype: torch.dtype) -> None:
    """Under every condition whose kernel makes tensors of its own; the process has its type back afterwards."""
    for key in KERNELS:
        found = measured_under(key).records

        assert all(np.array_equal(expected[key].records.columns[name], found.columns[name]) for name in found.columns)
    assert default_dtype is torch.get_default_dtype()


def test_an_architecture_is_built_in_float32(default_dtype: torch.dtype, tmp_path: Path) -> None:
    """From a file of weights, from a factory and from a published name's architecture, also under another device."""
    weights = {name: value.float() for name, value in toy.weights().items()}
    torch.save(weights, tmp_path / "toy.pth")
    factory = Source(kind=SourceKind.FACTORY, target="toy:network")
    file = Source(kind=SourceKind.FILE, target=str(tmp_path / "toy.pth"))
    torch.set_default_device("meta")
    try:
        models = [load_model(file, factory, CPU), load_model(factory, None, CPU)]
        assert "meta" == torch.get_default_device().type
    finally:
        torch.set_default_device(None)

    assert {(torch.float32, CPU)} == {(one.dtype, one.device) for model in models for one in model.module.parameters()}


class Making(nn.Module):
    """A network that makes tensors in its forward pass, as positional encodings are."""

    def __init__(self) -> None:
        super().__init__()
        self.net = copy.deepcopy(PLAIN)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Logits that a table of thirds is added to."""
        return self.net(images + torch.linspace(0, 1, 8) / 3 + torch.tensor([0.1]))


def test_a_model_that_makes_tensors(default_dtype: torch.dtype) -> None:
    """Its numbers are those of a plain process."""
    found = bench(Making()).measure(parse_condition("clean", ""), seed=0).records
    torch.set_default_dtype(torch.float32)
    plain = bench(Making()).measure(parse_condition("clean", ""), seed=0).records

    assert np.array_equal(plain.max_logit, found.max_logit)


@pytest.mark.parametrize(
    "switch", ["deterministic", "no gradients", "autocast", "flush denormals", "numpy raises", "default device"]
)
def test_other_switches_of_the_process(switch: str) -> None:
    """None of them moves a number."""
    net = network()
    plain = measured(net, Precision.IEEE).records
    with ExitStack() as undo:
        if switch == "deterministic":
            undo.callback(torch.use_deterministic_algorithms, torch.are_deterministic_algorithms_enabled())
            torch.use_deterministic_algorithms(True)
        elif switch == "no gradients":
            undo.enter_context(torch.no_grad())
        elif switch == "autocast":
            undo.enter_context(torch.autocast("cpu", dtype=torch.bfloat16))
        elif switch == "flush denormals":
            undo.callback(torch.set_flush_denormal, False)
            torch.set_flush_denormal(True)
        elif switch == "default device":
            undo.callback(torch.set_default_device, None)
            torch.set_default_device("meta")
        else:
            undo.enter_context(np.errstate(all="raise"))
        found = measured(net, Precision.IEEE).records

    assert all(np.array_equal(plain.columns[name], found.columns[name]) for name in plain.columns)
