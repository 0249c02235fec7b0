"""Checkpoints whose state holds more, or other things, than dense float tensors under the architecture's own names."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torchvision import models

from pytest_failaware.core.errors import ModelError
from pytest_failaware.core.request import Loading, Source, SourceKind
from pytest_failaware.measure.models.loading import LoadedModel, load_model

ARCHITECTURES = """
import torch
from torch import nn

class Extra(nn.Linear):
    def get_extra_state(self): return getattr(self, "state", None)
    def set_extra_state(self, state):
        if state == "refused": raise KeyError(state)
        self.state = state

def extra(): return nn.Sequential(nn.Flatten(), Extra(12, 3))
def plain(): return nn.Sequential(nn.Flatten(), nn.Linear(12, 3))
def lazy(): return nn.Sequential(nn.Flatten(), nn.LazyLinear(3))
def dynamic(): return torch.ao.quantization.quantize_dynamic(plain().eval(), {nn.Linear}, dtype=torch.qint8)
def static():
    stubs = torch.ao.quantization.QuantStub(), torch.ao.quantization.DeQuantStub()
    network = nn.Sequential(stubs[0], nn.Flatten(), nn.Linear(12, 3), stubs[1]).eval()
    network.qconfig = torch.ao.quantization.get_default_qconfig("x86")
    observed = torch.ao.quantization.prepare(network)
    observed(torch.rand(4, 3, 2, 2))
    return torch.ao.quantization.convert(observed)
def compiled():
    network = plain()
    network[1] = torch.compile(network[1])
    return network
"""
pytestmark = pytest.mark.filterwarnings("ignore")  # torch deprecates how int8 models are made
IMAGES = torch.linspace(0, 1, 24).reshape(2, 3, 2, 2)
State = dict[str, Any]


@pytest.fixture
def built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The module with the architectures, importable by name."""
    (tmp_path / "kinds.py").write_text(ARCHITECTURES)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "kinds", raising=False)
    return pytest.importorskip("kinds")


def load(tmp_path: Path, content: object, arch: str, key: str = "") -> LoadedModel:
    path = tmp_path / "model.pth"
    torch.save(content, path)
    source = Source(kind=SourceKind.FACTORY, target=f"kinds:{arch}")
    file = Source(kind=SourceKind.FILE, target=str(path))
    return load_model(file, source, torch.device("cpu"), Loading(checkpoint_key=key))


def refusal(tmp_path: Path, content: object, arch: str, key: str = "") -> str:
    """Return the message that refuses the weights: one line that begins with the path of the file."""
    with pytest.raises(ModelError) as caught:
        load(tmp_path, content, arch, key)
    message = str(caught.value)
    assert message.isprintable()
    assert message.startswith(f"{tmp_path / 'model.pth'}: ")
    return message.removeprefix(f"{tmp_path / 'model.pth'}: ")


# ---- extra state, int8 ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", [{"labels": ["a", "b"]}, None, torch.ones(3), {"scale": torch.ones(2)}, 3, b"bytes"])
def test_extra_state_reaches_its_layer(tmp_path: Path, built: Any, state: Any) -> None:
    """Whatever get_extra_state returned is given to set_extra_state, and is part of the model's hash."""
    weights = built.extra().state_dict()
    loaded = load(tmp_path, {**weights, "1._extra_state": state}, "extra")
    other = load(tmp_path, {**weights, "1._extra_state": "other"}, "extra")

    assert repr(state) == repr(loaded.module[1].state)  # type: ignore[index]  # a Sequential
    assert loaded.facts.sha256 != other.facts.sha256


@pytest.mark.parametrize(
    ("arch", "change", "finding"),
    [
        ("extra", lambda state: state.pop("1._extra_state"), "1 missing (1._extra_state), 0 unexpected"),
        ("plain", lambda state: state.update({"1._extra_state": {}}), "0 missing, 1 unexpected (1._extra_state)"),
        ("extra", lambda state: state.update({"1._extra_state": "refused"}), "KeyError: 'refused'"),
        ("plain", lambda state: state.update({"1.weight": None}), "received <class 'NoneType'>"),
        ("plain", lambda state: state.update({"1.weight": [1.0]}), "received <class 'list'>"),
    ],
)
def test_extra_state_that_does_not_fit(
    tmp_path: Path, built: Any, arch: str, change: Callable[[State], object], finding: str
) -> None:
    """Extra state that is missing, that the architecture does not have, or that it refuses, is named in one line."""
    state = getattr(built, arch)().state_dict()
    change(state)
    message = refusal(tmp_path, state, arch)

    assert message.startswith(f"does not fit kinds:{arch}: ")
    assert finding in message


@pytest.mark.parametrize("arch", ["dynamic", "static"])
def test_int8_weights(tmp_path: Path, built: Any, arch: str) -> None:
    """Weights of eager int8 layers, which lie in tuples, give the answers of the model that was saved."""
    model, other = getattr(built, arch)(), getattr(built, arch)()
    loaded = load(tmp_path, model.state_dict(), arch)

    assert torch.equal(model(IMAGES), loaded.module(IMAGES))
    assert loaded.facts.sha256 != load(tmp_path, {"model": other.state_dict()}, arch).facts.sha256


@pytest.mark.parametrize(("saved", "arch"), [("dynamic", "plain"), ("plain", "dynamic"), ("static", "plain")])
def test_int8_weights_of_another_architecture(tmp_path: Path, built: Any, saved: str, arch: str) -> None:
    """A float architecture does not take int8 weights, nor the other way round."""
    assert " unexpected (" in refusal(tmp_path, getattr(built, saved)().state_dict(), arch)


# ---- tensors of other kinds ----------------------------------------------------------------------------------------


def _sparse(weight: torch.Tensor) -> torch.Tensor:
    return weight.to_sparse()


def _rows(weight: torch.Tensor) -> torch.Tensor:
    return weight.to_sparse_csr()


def _half(weight: torch.Tensor) -> torch.Tensor:
    return weight.half()


def _quantized(weight: torch.Tensor) -> torch.Tensor:
    return torch.quantize_per_tensor(weight, 1 / 64, 0, torch.qint8)


@pytest.mark.parametrize("kind", [_sparse, _rows, _half, _quantized, torch.Tensor.double])
def test_tensors_that_stand_for_the_weights(
    tmp_path: Path, built: Any, kind: Callable[[torch.Tensor], torch.Tensor]
) -> None:
    """Sparse, quantised, half and double precision tensors become the dense weights that they stand for."""
    state = built.plain().state_dict()
    state["1.weight"] = (state["1.weight"] * 64).round() / 64
    loaded = load(tmp_path, {**state, "1.weight": kind(state["1.weight"])}, "plain")

    assert torch.equal(state["1.weight"], loaded.module.state_dict()["1.weight"])


@pytest.mark.parametrize("dtype", [torch.int8, torch.uint8, torch.bool, torch.complex64, torch.float8_e4m3fn])
def test_numbers_without_their_scale(tmp_path: Path, built: Any, dtype: torch.dtype) -> None:
    """Tensors that torch would copy into float weights without a word, as other numbers, are refused."""
    state = built.plain().state_dict()
    message = refusal(tmp_path, {**state, "1.weight": state["1.weight"].to(dtype)}, "plain")

    assert (
        f"does not fit kinds:plain: 1.weight has numbers of {dtype} where the architecture has torch.float32; save the "
        "weights as float32, multiplied by their scales"
    ) == message


def test_weights_without_values(tmp_path: Path, built: Any) -> None:
    """Weights of the meta device or of a lazy layer are refused; a lazy architecture takes weights that have values."""
    state = built.plain().state_dict()
    meta = {**state, "1.weight": torch.empty(3, 12, device="meta")}
    assert refusal(tmp_path, meta, "plain").startswith("'1.weight' has no values (a lazy layer that saw no batch, or ")
    assert "a lazy layer in it saw no batch and has no values" in refusal(tmp_path, built.lazy().state_dict(), "lazy")

    assert torch.equal(state["1.weight"], load(tmp_path, state, "lazy").module.state_dict()["1.weight"])


# ---- averages ------------------------------------------------------------------------------------------------------


def _averaged(model: nn.Module) -> State:
    average = torch.optim.swa_utils.AveragedModel(model)
    average.update_parameters(model)
    return average.state_dict()


AVERAGE = "the weights are an average (n_averaged is 1)"


@pytest.mark.parametrize(
    ("wrap", "key", "notes"),
    [
        (lambda state, average: average, "", (AVERAGE,)),
        (lambda state, average: {"model": state, "model_ema": average}, "model_ema",
         ("took the weights under 'model_ema' of the checkpoint; it also has 'model' "
          "(--failaware-checkpoint-key=model takes that)", AVERAGE)),
        (lambda state, average: {"model": state, "model_ema": average}, "",
         ("took the weights under 'model' of the checkpoint; it also has 'model_ema' "
          "(--failaware-checkpoint-key=model_ema takes that)",)),
        (lambda state, average: {"swa": average, "epoch": 3}, "swa",
         ("took the weights under 'swa' of the checkpoint", AVERAGE)),
        (lambda state, average: {"model": average}, "", ("took the weights under 'model' of the checkpoint", AVERAGE)),
        (lambda state, average: {**state, "ema": average}, "",
         ("took the weights at the top of the checkpoint; it also has 'ema' "
          "(--failaware-checkpoint-key=ema takes that)",)),
        (lambda state, average: {"state_dict": state, "averaged": state, "model": state}, "",
         ("took the weights under 'state_dict' of the checkpoint; it also has 'model', 'averaged' "
          "(--failaware-checkpoint-key=KEY takes that)",)),
    ],
)  # fmt: skip
def test_averaged_weights(
    tmp_path: Path, built: Any, wrap: Callable[[State, State], State], key: str, notes: tuple[str, ...]
) -> None:
    """An average of torch's AveragedModel is taken if it is named or alone, and notes name the weights."""
    model = built.plain()
    loaded = load(tmp_path, wrap(model.state_dict(), _averaged(model)), "plain", key)

    assert notes == loaded.notes
    assert torch.equal(model(IMAGES), loaded.module(IMAGES))


@pytest.mark.parametrize("named", [True, False])
def test_averaged_weights_of_torchvisions_script(tmp_path: Path, named: bool) -> None:
    """What its references store under model_ema fits, whether the architecture is named or inferred."""
    model = models.squeezenet1_1(num_classes=4)
    path = tmp_path / "model.pth"
    torch.save({"model": model.state_dict(), "model_ema": _averaged(model), "epoch": 3}, path)
    arch = Source(kind=SourceKind.TORCHVISION, target="squeezenet1_1") if named else None
    file = Source(kind=SourceKind.FILE, target=str(path))
    loaded = load_model(file, arch, torch.device("cpu"), Loading(checkpoint_key="model_ema"))

    assert torch.equal(model.features[0].weight, loaded.module.state_dict()["features.0.weight"])


def test_an_architecture_that_is_an_average_itself(tmp_path: Path, built: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A factory may return torch's AveragedModel; weights with and without its counter fit."""
    model = built.plain()
    monkeypatch.setattr(built, "averaged", lambda: torch.optim.swa_utils.AveragedModel(built.plain()), raising=False)
    for state in (model.state_dict(), _averaged(model)):
        assert torch.equal(model(IMAGES), load(tmp_path, state, "averaged").module(IMAGES))


# ---- prefixes in the middle ----------------------------------------------------------------------------------------


def _with(part: str) -> Callable[[str], str]:
    return lambda name: name.replace("1.", f"1.{part}.")


@pytest.mark.parametrize("arch", ["plain", "compiled"])
@pytest.mark.parametrize(
    "rename",
    [
        str,
        _with("_orig_mod"),
        _with("module"),
        _with("_fsdp_wrapped_module"),
        _with("_checkpoint_wrapped_module"),
        _with("_orig_mod.module"),
        lambda name: f"module.{_with('_orig_mod')(name)}",
    ],
)
def test_a_wrapped_part(tmp_path: Path, built: Any, arch: str, rename: Callable[[str], str]) -> None:
    """What compiling or distributing one part puts into its names goes, on either side."""
    model = built.plain()
    loaded = load(tmp_path, {rename(name): value for name, value in model.state_dict().items()}, arch)

    assert [0.0] == (loaded.module.state_dict()[_own(arch)] - model[1].weight).abs().unique().tolist()


def _own(arch: str) -> str:
    return "1._orig_mod.weight" if arch == "compiled" else "1.weight"


def test_a_distributed_part_of_an_inferred_architecture(tmp_path: Path) -> None:
    """The classical script wraps the features of a network alone; its architecture is still recognised."""
    model = models.squeezenet1_1(num_classes=4)
    model.features = nn.DataParallel(model.features)
    torch.save(model.state_dict(), tmp_path / "model.pth")
    file = Source(kind=SourceKind.FILE, target=str(tmp_path / "model.pth"))

    assert "squeezenet1_1" == load_model(file, None, torch.device("cpu")).facts.architecture


@pytest.mark.parametrize(
    ("content", "key"),
    [({"module": 0}, "module"), ({"app": {"model": 0}}, "app.model"), ({"teacher": 0, "step": 1}, "teacher")],
)
def test_weights_under_another_key(tmp_path: Path, built: Any, content: State, key: str) -> None:
    """The message ends in the option that takes them, and with it they load."""
    weights = built.plain().state_dict()
    filled = {name: {"model": weights} if isinstance(value, dict) else weights if value == 0 else value
              for name, value in content.items()}  # fmt: skip
    message = refusal(tmp_path, filled, "plain")

    assert f", but some under {key}; take them with --failaware-checkpoint-key={key}; its keys: " in message
    assert load(tmp_path, filled, "plain", key).notes


@pytest.mark.parametrize("content", [{"rng": {"state": torch.ones(())}}, {"step": torch.ones(()), "ema": {}}])
def test_a_number_is_no_weight(tmp_path: Path, built: Any, content: State) -> None:
    """A count or a loss that was saved as a tensor is not taken for a network."""
    assert "no weights in it or under state_dict" in refusal(tmp_path, content, "plain")
