"""Models that are programs: TorchScript, ONNX and torch.export files, made by the real exporters."""

from __future__ import annotations

import hashlib
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn
from toy import Images

from pytest_failaware.core.conditions.spelling import parse_condition
from pytest_failaware.core.errors import ModelError
from pytest_failaware.core.preprocessing import Preprocessing
from pytest_failaware.core.request import Loading, Source, SourceKind
from pytest_failaware.measure.cache.key import Identity
from pytest_failaware.measure.engine.fold import private_copies
from pytest_failaware.measure.images.map_style import adopt_dataset
from pytest_failaware.measure.live import Bench, build_bench
from pytest_failaware.measure.models.loading import LoadedModel, adopt_model, load_model

CPU = torch.device("cpu")


class Net(nn.Module):
    """A small convolutional classifier whose eval mode differs from its train mode."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm, self.drop = nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.Dropout(0.5)
        self.fc = nn.Linear(4, 3)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Logits, (N, 3)."""
        return self.fc(self.drop(torch.relu(self.norm(self.conv(images)))).mean((2, 3)))


@pytest.fixture(scope="module")
def net() -> Net:
    """The network, in train mode."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return Net()


def load(path: Path, *, trust: bool = False, arch: Source | None = None) -> LoadedModel:
    trusted = (hashlib.sha256(path.read_bytes()).hexdigest(),) if trust else ()
    return load_model(Source(kind=SourceKind.FILE, target=str(path)), arch, CPU, Loading(trusted=trusted))


def torchscript(net: nn.Module, path: Path) -> Path:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch deprecates TorchScript
        torch.jit.script(net).save(path)
    return path


def frozen(net: nn.Module, path: Path) -> Path:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.freeze(torch.jit.script(net.eval())).save(path)
    return path


def exported(net: nn.Module, path: Path) -> Path:
    shapes = ({0: torch.export.Dim("batch", min=2)},)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.export.export(net.eval(), (torch.zeros(2, 1, 8, 8),), dynamic_shapes=shapes)
        torch.export.save(program, path.with_suffix(".pt2"))
    return path.with_suffix(".pt2").rename(path)


def onnx_file(net: nn.Module, path: Path) -> Path:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            net.eval(),
            (torch.zeros(2, 1, 8, 8),),
            str(path),
            dynamo=False,
            input_names=["images"],
            dynamic_axes={"images": {0: "batch"}},
        )
    return path


TORCHSCRIPT = "a program of TorchScript, which torch no longer develops; --failaware-trust-model lets it run"
FORMS: dict[str, tuple[Callable[[nn.Module, Path], Path], bool, str]] = {
    "torchscript": (torchscript, True, TORCHSCRIPT),
    "frozen torchscript": (frozen, True, TORCHSCRIPT),
    "exported": (exported, True, "a program of torch.export; --failaware-trust-model lets it run"),
    "onnx": (onnx_file, False, "an ONNX program: onnxruntime computes it on the CPU"),
}


@pytest.mark.parametrize("form", FORMS)
def test_program_computes_what_its_network_does(tmp_path: Path, net: Net, form: str) -> None:
    """Whatever the suffix, the program is recognised, answers as in eval mode, and is known by its file's hash."""
    write, trust, note = FORMS[form]
    path = write(net.train(), tmp_path / "model.bin")
    arch = Source(kind=SourceKind.TORCHVISION, target="resnet18")
    loaded = load(path, trust=trust, arch=arch)
    images = torch.linspace(0, 1, 5 * 64).reshape(5, 1, 8, 8)
    with torch.inference_mode():
        torch.testing.assert_close(loaded.module(images), net.eval()(images), rtol=1e-5, atol=1e-6)

    assert hashlib.sha256(path.read_bytes()).hexdigest() == loaded.facts.sha256
    unused = (
        "--failaware-arch=torchvision:resnet18 is not used: the program of --failaware-model builds the whole model"
    )
    assert (note, unused) == loaded.notes
    assert loaded.facts.sha256 in loaded.program
    assert [] == list(private_copies(loaded.module, images))


def bench_of(loaded: LoadedModel) -> Bench:
    return build_bench(loaded, adopt_dataset(Images(), "images"), Preprocessing(), batch_size=7)


@pytest.mark.parametrize("form", FORMS)
def test_program_is_measured(tmp_path: Path, net: Net, form: str) -> None:
    """The same records as its network's, and an identity by which they are reused: its hash and what runs it."""
    write, trust, _ = FORMS[form]
    loaded = load(write(net.train(), tmp_path / "model.bin"), trust=trust)
    condition = parse_condition("low_light", "test")
    bench = bench_of(loaded)
    expected = bench_of(adopt_model(net.eval(), CPU)).measure(condition, 0).records
    records = bench.measure(condition, 0).records
    parts = Identity(bench).parts(condition, 0)

    assert np.array_equal(expected.prediction, records.prediction)
    assert np.allclose(expected.confidence, records.confidence, rtol=1e-4)
    assert (loaded.program, "a program") == (parts["weights"], parts["architecture"])


def test_no_warning_of_torchscript(tmp_path: Path, net: Net) -> None:
    """Torch deprecates TorchScript; a gate must not fail for it."""
    path = torchscript(net, tmp_path / "model.pt")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        load(path, trust=True)

    assert [] == caught


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kept", [0.3, 0.9])
def test_damaged_program(tmp_path: Path, net: Net, form: str, kept: float) -> None:
    """A file that lost its end is refused in one line, in each form."""
    write, trust, _ = FORMS[form]
    path = write(net, tmp_path / "model.bin")
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * kept)])
    with pytest.raises(ModelError) as caught:
        load(path, trust=trust)

    assert str(caught.value).startswith(f"{path}: ")
    assert str(caught.value).isprintable()


# ---- ONNX ----------------------------------------------------------------------------------------------------------


def linear(path: Path, batch: int | str = "batch", location: str = "", **changes: Any) -> Path:
    """A linear ONNX classifier of 3 classes on 1 x 8 x 8 images; its weights lie beside it if `location` is set."""
    weight = numpy_helper.from_array(np.arange(192, dtype=np.float32).reshape(64, 3) / 192, "weight")
    if location:
        onnx.external_data_helper.set_external_data(weight, location)
        weight.ClearField("raw_data")
    nodes = [
        helper.make_node("Flatten", ["images"], ["flat"]),
        helper.make_node("MatMul", ["flat", "weight"], ["logits"]),
    ]
    kind = changes.get("kind", TensorProto.FLOAT)
    inputs = [helper.make_tensor_value_info("images", kind, [batch, 1, 8, 8])]
    outputs = [helper.make_tensor_value_info("logits", TensorProto.FLOAT, [batch, 3])] * changes.get("outputs", 1)
    graph = helper.make_graph(nodes, "linear", inputs, outputs, [weight])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    path.write_bytes(model.SerializeToString())
    return path


WEIGHT = np.arange(192, dtype=np.float32) / 192


@pytest.mark.parametrize("batch", [1, 4, "batch"])
def test_onnx_with_a_fixed_batch(tmp_path: Path, batch: int | str) -> None:
    """A batch size that the export fixed is met by parts, the last one filled up, with the same answers."""
    loaded = load(linear(tmp_path / "model.onnx", batch))
    images = torch.rand(7, 1, 8, 8, generator=torch.Generator().manual_seed(0))

    torch.testing.assert_close(loaded.module(images), images.flatten(1) @ torch.from_numpy(WEIGHT.reshape(64, 3)))


@pytest.mark.parametrize("changes", [{"kind": TensorProto.UINT8}, {"outputs": 2}])
def test_onnx_that_is_no_classifier(tmp_path: Path, changes: dict[str, int]) -> None:
    """Inputs that are no floats, and a second output, are refused by what the program declares."""
    path = linear(tmp_path / "model.onnx", **changes)
    with pytest.raises(
        ModelError, match=r"model\.onnx: (a classifier has one input of images|onnxruntime cannot load it)"
    ):
        load(path)


def test_onnx_under_autocast(tmp_path: Path) -> None:
    """A program keeps its own precision, so a run that records another is refused."""
    module = load(linear(tmp_path / "model.onnx")).module
    with torch.autocast("cpu", torch.bfloat16), pytest.raises(ModelError, match="remove --failaware-precision"):
        module(torch.zeros(2, 1, 8, 8))


@pytest.mark.parametrize("library", ["onnx", "onnxruntime"])
def test_library_that_is_not_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, library: str) -> None:
    """The message names the extra that installs it."""
    path = linear(tmp_path / "model.onnx")
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(ModelError, match=r"install (it|them) with pip install 'pytest-failaware\[onnx\]'"):
        load(path)


@pytest.mark.parametrize("location", ["weights.bin", "data/weights.bin"])
def test_onnx_with_weights_beside_it(tmp_path: Path, location: str) -> None:
    """Weights in a file in the model's folder are loaded, and a change of them changes the model's hash."""
    path = linear(tmp_path / "model.onnx", location=location)
    place = tmp_path / location
    place.parent.mkdir(exist_ok=True)
    place.write_bytes(WEIGHT.tobytes())
    first = load(path)
    place.write_bytes((WEIGHT + 1).tobytes())
    second = load(path)

    assert torch.allclose(first.module(torch.ones(2, 1, 8, 8))[0], torch.from_numpy(WEIGHT.reshape(64, 3).sum(0)))
    assert first.facts.sha256 != second.facts.sha256
    assert {"model.onnx", location.partition("/")[0]} == {one.name for one in tmp_path.iterdir()}


@pytest.mark.parametrize("how", ["absolute", "..", "symbolic link", "link to a folder", "blank", "zero byte"])
def test_onnx_weights_outside_of_its_folder(tmp_path: Path, how: str) -> None:
    """No path and no link leads to a file elsewhere: it is named, and not read."""
    folder, secret = tmp_path / "models", tmp_path / "secret.bin"
    folder.mkdir()
    secret.write_bytes(WEIGHT.tobytes())
    (folder / "link.bin").symlink_to(secret)
    (folder / "linked").symlink_to(tmp_path)
    location = {
        "absolute": str(secret),
        "..": "../secret.bin",
        "symbolic link": "link.bin",
        "link to a folder": "linked/secret.bin",
        "zero byte": "\0",
        "blank": " /../../secret.bin",
    }[how]
    path = linear(folder / "model.onnx", location=location)
    with pytest.raises(ModelError) as caught:
        load(path)

    assert f"{path}: names weights outside of its folder: " in str(caught.value)
    assert "nothing was read from there" in str(caught.value)


def test_onnx_weights_that_are_missing(tmp_path: Path) -> None:
    """A model that was copied without its data says which file it needs."""
    path = linear(tmp_path / "model.onnx", location="weights.bin")
    with pytest.raises(ModelError, match=r"its weights lie in 'weights.bin', which is not there; copy it"):
        load(path)
