"""Models from real files, real torchvision architectures and factories of the user's own code."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn
from torchvision import models as torchvision_models

from pytest_failaware.core.errors import ConfigError, FailAwareError, ModelError
from pytest_failaware.core.request import Source, SourceKind
from pytest_failaware.measure.models.loading import LoadedModel, adopt_model, choose_device, load_model
from pytest_failaware.measure.models.state import model_sha256

CPU = torch.device("cpu")
WriteFactory = Callable[[str], Source]
USER_CODE = """
import functools
import warnings
from torch import nn

class Net(nn.Module):
    def __init__(self, num_classes=3, width=4):
        super().__init__()
        self.norm = nn.BatchNorm1d(width)
        self.drop = nn.Dropout(0.5)
        self.fc = nn.Linear(width, num_classes)

    def forward(self, x):
        return self.fc(self.drop(self.norm(x)))

class Second(Net):
    _version = 2

    def _load_from_state_dict(self, state, prefix, metadata, *rest):
        if metadata["version"] < 2:
            warnings.warn("converted from version 1")
            state["fc.bias"] = state.pop("fc.offset")
        super()._load_from_state_dict(state, prefix, metadata, *rest)

class Fixed(Net):
    def __init__(self):
        super().__init__(num_classes=5)

class Zoo:
    wide = functools.partial(Net, width=6)

class Parallel(nn.Module):
    def __init__(self, num_classes):
        super().__init__()
        self.module = Net(num_classes)

def build(num_classes):
    return Net(num_classes)

def build_any(**options):
    return Net(**options)

def build_by_position(num_classes, /):
    return Net(num_classes)

def build_two_heads(num_classes):
    return nn.ModuleDict({"first": nn.Linear(4, num_classes), "second": nn.Linear(4, num_classes)})

def build_empty():
    return nn.Identity()

def fail():
    raise KeyError("no\\nsuch config")

def return_weights():
    return Net().state_dict()

instance = Net()
number = 3
"""


@pytest.fixture
def factory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[WriteFactory]:
    """The sources that name the attributes of a user's module, which no other test imports."""
    name = f"failaware_user_models_{abs(hash(tmp_path))}"
    (tmp_path / f"{name}.py").write_text(USER_CODE)
    monkeypatch.syspath_prepend(tmp_path)
    yield lambda attribute: Source(kind=SourceKind.FACTORY, target=f"{name}:{attribute}")
    sys.modules.pop(name, None)


def torchvision(name: str) -> Source:
    """A torchvision architecture."""
    return Source(kind=SourceKind.TORCHVISION, target=name)


def built(source: Source, **arguments: int) -> nn.Module:
    """A new module straight from the user's code."""
    module, _, attribute = source.target.partition(":")
    __import__(module)
    found = sys.modules[module]
    for part in attribute.split("."):
        found = getattr(found, part)
    return found(**arguments)


def saved(content: object, path: Path) -> Source:
    """The source of a file written by torch.save."""
    torch.save(content, path)
    return Source(kind=SourceKind.FILE, target=str(path))


def error_of(source: Source, arch: Source | None, error: type[FailAwareError] = ModelError) -> str:
    """The message with which load_model refuses, which must be one line."""
    with pytest.raises(error) as caught:
        load_model(source, arch, CPU)
    assert str(caught.value).isprintable()
    return str(caught.value)


def assert_ready(loaded: LoadedModel) -> None:
    """Eval mode all through, no gradient, on the CPU."""
    assert not any(part.training for part in loaded.module.modules())
    assert not any(parameter.requires_grad for parameter in loaded.module.parameters())
    assert {CPU} == {tensor.device for tensor in loaded.module.state_dict().values()} | {loaded.device}


# ---- device --------------------------------------------------------------------------------------------------------


def with_cuda(monkeypatch: pytest.MonkeyPatch, count: int, current: int = 0) -> None:
    """Let torch report this many CUDA devices."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: count > 0)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: count)
    monkeypatch.setattr(torch.cuda, "current_device", lambda: current)


@pytest.mark.parametrize(
    ("text", "count", "expected"),
    [
        ("auto", 0, "cpu"),
        ("cpu", 2, "cpu"),
        ("auto", 2, "cuda:1"),
        ("cuda", 2, "cuda:1"),
        ("cuda:0", 2, "cuda:0"),
    ],
)
def test_device(monkeypatch: pytest.MonkeyPatch, text: str, count: int, expected: str) -> None:
    """Auto takes CUDA if there is a device; without a number it is torch's current device."""
    with_cuda(monkeypatch, count, current=1)
    assert torch.device(expected) == choose_device(text)


@pytest.mark.parametrize(
    ("text", "worker", "expected"),
    [
        ("auto", 0, "cuda:0"),
        ("auto", 1, "cuda:1"),
        ("auto", 5, "cuda:1"),
        ("cuda", 3, "cuda:1"),
        ("cuda:0", 3, "cuda:0"),
        ("cpu", 3, "cpu"),
    ],
)
def test_workers_take_the_gpus_in_turn(monkeypatch: pytest.MonkeyPatch, text: str, worker: int, expected: str) -> None:
    """Worker number modulo count, unless a device is named."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)

    assert torch.device(expected) == choose_device(text, worker=worker)


@pytest.mark.parametrize(
    ("text", "count", "expected"),
    [
        ("cuda", 0, "torch finds no CUDA device here; choose auto or cpu"),
        ("cuda:1", 0, "torch finds no CUDA device here; choose auto or cpu"),
        ("cuda:2", 2, "there is no such device; choose cuda:0 to cuda:1"),
        ("tpu", 2, "unknown device; choose auto, cpu, cuda or cuda:N"),
        ("cuda:-1", 2, "unknown device; choose auto, cpu, cuda or cuda:N"),
        ("cuda:", 2, "unknown device; choose auto, cpu, cuda or cuda:N"),
        ("cpu:0", 0, "unknown device; choose auto, cpu, cuda or cuda:N"),
    ],
)
def test_device_that_is_not_there(monkeypatch: pytest.MonkeyPatch, text: str, count: int, expected: str) -> None:
    """An unknown or absent device is refused with the choices."""
    with_cuda(monkeypatch, count)
    with pytest.raises(ConfigError) as caught:
        choose_device(text)
    assert f"--failaware-device={text}: {expected}" == str(caught.value)


# ---- torchvision architectures -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["shufflenet_v2_x0_5", "squeezenet1_1"])
@pytest.mark.parametrize("classes", [7, 13])
def test_torchvision_model_with_its_classes(tmp_path: Path, name: str, classes: int) -> None:
    """The class count comes from the file, be the head linear or a convolution, and the model computes the same."""
    original = torchvision_models.get_model(name, num_classes=classes).eval()
    random_state = torch.get_rng_state()
    loaded = load_model(saved(original.state_dict(), tmp_path / "model.pth"), torchvision(name), CPU)
    assert torch.equal(random_state, torch.get_rng_state())
    assert_ready(loaded)
    assert name == loaded.facts.architecture
    assert model_sha256(original) == loaded.facts.sha256
    assert () == loaded.notes
    images = torch.linspace(0, 1, 2 * 3 * 64 * 64).reshape(2, 3, 64, 64)
    with torch.inference_mode():
        assert torch.equal(original(images), loaded.module(images))


def test_weights_without_versions_are_the_present_ones(tmp_path: Path) -> None:
    """Safetensors notes no module versions; torchvision's mnasnet would not load without them."""
    original = torchvision_models.mnasnet0_5(num_classes=7)
    save_file(original.state_dict(), tmp_path / "model.safetensors")
    source = Source(kind=SourceKind.FILE, target=str(tmp_path / "model.safetensors"))
    loaded = load_model(source, torchvision("mnasnet0_5"), CPU)
    assert model_sha256(original) == loaded.facts.sha256


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("resnet-18", "did you mean 'resnet18'? otherwise give timm:NAME or pkg.mod:factory"),
        ("ResNet50", "did you mean 'resnet50'? otherwise give timm:NAME or pkg.mod:factory"),
        ("qqqq", "give a torchvision classifier's name, timm:NAME or pkg.mod:factory"),
        ("mobilenetv3_small_050", "timm has it: give timm:mobilenetv3_small_050"),
        ("fcn_resnet50", None),
    ],
)
def test_unknown_torchvision_name(tmp_path: Path, name: str, hint: str | None) -> None:
    """A name that is no torchvision classifier is refused with timm's of that name, or the nearest one."""
    message = error_of(saved({"w": torch.ones(1)}, tmp_path / "model.pth"), torchvision(name))
    assert message.startswith(f"--failaware-arch={name}: torchvision has no such classifier; ")
    assert hint is None or message.endswith(f"; {hint}")


def test_weights_of_another_torchvision_model(tmp_path: Path) -> None:
    """Weights of another architecture are counted and the first of them named."""
    state = torchvision_models.squeezenet1_0(num_classes=7).state_dict()
    message = error_of(saved(state, tmp_path / "model.pth"), torchvision("squeezenet1_1"))
    expected = (
        "does not fit squeezenet1_1 (it fits squeezenet1_0): 12 missing (features.6.squeeze.weight, "
        "features.6.squeeze.bias, …), 12 unexpected "
        "(features.5.squeeze.weight, features.5.squeeze.bias, …), 10 of another shape (features.0.weight (96, 3, 7, 7) "
        "vs (64, 3, 3, 3), features.0.bias (96,) vs (64,), …); give the architecture it was trained with"
    )
    assert f"{tmp_path / 'model.pth'}: {expected}" == message


# ---- architectures from a factory ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("attribute", "name"),
    [("Net", "Net"), ("build", "build"), ("build_any", "build_any"), ("Zoo.wide", "wide")],
)
def test_factory_gets_the_classes(tmp_path: Path, factory: WriteFactory, attribute: str, name: str) -> None:
    """A class, a function, one with **options and a partial are called with the file's class count."""
    original = built(factory(attribute), num_classes=7)
    loaded = load_model(saved(original.state_dict(), tmp_path / "model.pth"), factory(attribute), CPU)
    assert_ready(loaded)
    assert name == loaded.facts.architecture
    assert model_sha256(original) == loaded.facts.sha256


def test_factory_without_classes(tmp_path: Path, factory: WriteFactory) -> None:
    """A factory that takes no class count is called without one."""
    original = built(factory("Fixed"))
    loaded = load_model(saved(original.state_dict(), tmp_path / "model.pth"), factory("Fixed"), CPU)
    assert model_sha256(original) == loaded.facts.sha256


def test_weights_and_module_under_a_prefix(tmp_path: Path, factory: WriteFactory) -> None:
    """Weights fit whether the file, the factory's module, or both have DataParallel's prefix."""
    wrapped, bare = built(factory("Parallel"), num_classes=7), built(factory("Net"), num_classes=7)
    for number, (given, arch) in enumerate([(wrapped, "Parallel"), (wrapped, "Net"), (bare, "Parallel")]):
        loaded = load_model(saved(given.state_dict(), tmp_path / f"{number}.pth"), factory(arch), CPU)
        weight = next(value for name, value in given.state_dict().items() if name.endswith("fc.weight"))
        prefix = "module." if arch == "Parallel" else ""
        assert torch.equal(weight, loaded.module.state_dict()[f"{prefix}fc.weight"])


def test_note_on_the_key(tmp_path: Path, factory: WriteFactory) -> None:
    """A note names the key of the weights in the checkpoint, and the other keys with weights."""
    state = built(factory("Net"), num_classes=7).state_dict()
    loaded = load_model(saved({"net": state, "state_dict": state}, tmp_path / "model.pth"), factory("Net"), CPU)
    note = "took the weights under 'state_dict' of the checkpoint; it also has 'net'"
    assert (f"{note} (--failaware-checkpoint-key=net takes that)",) == loaded.notes
    loaded = load_model(saved({"model": state}, tmp_path / "model.pth"), factory("Net"), CPU)
    assert ("took the weights under 'model' of the checkpoint",) == loaded.notes


def test_half_precision_file(tmp_path: Path, factory: WriteFactory) -> None:
    """Weights stored in half precision are computed with in the module's own."""
    original = built(factory("Net"), num_classes=7).half()
    loaded = load_model(saved(original.state_dict(), tmp_path / "model.pth"), factory("Net"), CPU)
    assert torch.float32 == loaded.module.fc.weight.dtype
    assert model_sha256(original.float()) == loaded.facts.sha256


@pytest.mark.parametrize("plain", [False, True])
def test_file_without_batch_counters(tmp_path: Path, factory: WriteFactory, plain: bool) -> None:
    """Files from before torch 0.4.1 have no num_batches_tracked; eval mode does not need it."""
    state = built(factory("Net"), num_classes=7).state_dict()
    del state["norm.num_batches_tracked"]
    loaded = load_model(saved(dict(state) if plain else state, tmp_path / "model.pth"), factory("Net"), CPU)
    assert torch.equal(state["fc.weight"], loaded.module.fc.weight)


def test_file_of_a_former_version(tmp_path: Path, factory: WriteFactory) -> None:
    """The version that a file notes reaches the module, which converts the weights; its warning does not come out."""
    state = built(factory("Net"), num_classes=7).state_dict()
    state["fc.offset"] = state.pop("fc.bias")
    loaded = load_model(saved(state, tmp_path / "model.pth"), factory("Second"), CPU)
    assert torch.equal(state["fc.offset"], loaded.module.fc.bias)


def test_weights_that_do_not_fit(tmp_path: Path, factory: WriteFactory) -> None:
    """What is missing, what is too much and what has another shape is counted, and the first two of each named."""
    state = built(factory("Net"), num_classes=7, width=6).state_dict()
    del state["fc.bias"], state["norm.weight"], state["norm.bias"]
    state["extra"] = torch.ones(1)
    source = saved(state, tmp_path / "model.pth")
    expected = (
        f"{tmp_path / 'model.pth'}: does not fit {factory('Net').target}: 3 missing (norm.weight, norm.bias, …), "
        "1 unexpected (extra), 3 of another shape (norm.running_mean (6,) vs (4,), norm.running_var (6,) vs (4,), …); "
        "give the architecture it was trained with"
    )
    assert expected == error_of(source, factory("Net"))


def test_fixed_class_count_that_does_not_fit(tmp_path: Path, factory: WriteFactory) -> None:
    """Where the factory fixes the class count, the message shows both."""
    source = saved(built(factory("Net"), num_classes=7).state_dict(), tmp_path / "model.pth")
    expected = "0 missing, 0 unexpected, 2 of another shape (fc.weight (7, 4) vs (5, 4), fc.bias (7,) vs (5,));"
    assert expected in error_of(source, factory("Fixed"))


def test_heads_that_disagree(tmp_path: Path, factory: WriteFactory) -> None:
    """Two heads with different class counts cannot both fit."""
    heads = nn.ModuleDict({"first": nn.Linear(4, 7), "second": nn.Linear(4, 8)})
    source = saved(heads.state_dict(), tmp_path / "model.pth")
    expected = "2 of another shape (second.weight (8, 4) vs (7, 4), second.bias (8,) vs (7,))"
    assert expected in error_of(source, factory("build_two_heads"))


def test_foreign_prefix_is_recognised(tmp_path: Path, factory: WriteFactory) -> None:
    """If every name fits behind a prefix, the message names the prefix."""
    state = built(factory("Net"), num_classes=7).state_dict()
    source = saved(
        {f"encoder.{name}": value for name, value in state.items()} | {"step": torch.ones(())}, tmp_path / "a"
    )
    expected = (
        "; the names fit after removing the prefix 'encoder.', but other names are there too (step): "
        "save only the weights of the model"
    )
    assert error_of(source, factory("Net")).endswith(expected)


def test_module_without_weights(tmp_path: Path, factory: WriteFactory) -> None:
    """The message for a module without weights names the unexpected tensors."""
    source = saved({"module.a": torch.ones(1)}, tmp_path / "model.pth")
    assert "0 missing, 1 unexpected (a), 0 of another shape" in error_of(source, factory("build_empty"))


def test_names_in_a_file_cannot_reach_the_terminal_raw(tmp_path: Path, factory: WriteFactory) -> None:
    """Control characters in a tensor's name do not come through."""
    source = saved({"a\x1b[2J\nb": torch.ones(1)}, tmp_path / "model.pth")
    assert "1 unexpected (a[2J b)" in error_of(source, factory("Net"))


# ---- what cannot be loaded -----------------------------------------------------------------------------------------


def test_weights_of_an_unknown_architecture(tmp_path: Path) -> None:
    """A file of weights whose architecture cannot be inferred asks for one, by example."""
    expected = (
        f"{tmp_path / 'model.pth'}: no known architecture has these tensors (first: w (1,)); give theirs, "
        "as in --failaware-arch=timm:NAME or --failaware-arch=mypkg.models:build"
    )
    assert expected == error_of(saved({"w": torch.ones(1)}, tmp_path / "model.pth"), None)


def test_sources_of_another_kind(tmp_path: Path) -> None:
    """A folder is no model, and a file is no architecture."""
    folder = Source(kind=SourceKind.FOLDER, target="data")
    expected = "not a model; give a file, torchvision:NAME, timm:NAME or pkg.mod:factory"
    assert f"--failaware-model=folder:data: {expected}" == error_of(folder, None)
    source = saved({"w": torch.ones(1)}, tmp_path / "model.pth")
    expected = f"--failaware-arch={source}: not an architecture; give a torchvision name, timm:NAME or pkg.mod:factory"
    assert expected == error_of(source, source)


def test_factory_with_required_arguments(tmp_path: Path, factory: WriteFactory) -> None:
    """An architecture that takes its class count by position only is called without, and its complaint shown."""
    source = saved({"w": torch.ones(1)}, tmp_path / "model.pth")
    message = error_of(source, factory("build_by_position"))
    assert "calling it with () raised TypeError: build_by_position() missing 1 required positional" in message


def test_model_from_a_factory(factory: WriteFactory) -> None:
    """A function, a class or a module that exists already makes the whole model."""
    random_state = torch.get_rng_state()
    for attribute in ("build_any", "Net", "instance"):
        loaded = load_model(factory(attribute), None, CPU)
        assert_ready(loaded)
        assert attribute == loaded.facts.architecture
        assert 3 == loaded.module.fc.out_features
    assert torch.equal(random_state, torch.get_rng_state())


def test_a_factory_needs_no_architecture(factory: WriteFactory) -> None:
    """It builds the whole model: an architecture beside it, from the ini say, is not used, and a note says so."""
    loaded = load_model(factory("Net"), torchvision("resnet18"), CPU)
    assert "Net" == loaded.facts.architecture
    assert "--failaware-arch=torchvision:resnet18 is not used" in loaded.notes[0]


@pytest.mark.parametrize(
    ("attribute", "expected"),
    [
        ("number", "an instance of int cannot be called; name a function that returns the model"),
        ("fail", "calling it with () raised KeyError: 'no\\nsuch config'; repair it"),
        ("return_weights", "returned an instance of OrderedDict, not a torch.nn.Module; return the model itself"),
    ],
)
def test_factory_that_makes_no_model(factory: WriteFactory, attribute: str, expected: str) -> None:
    """What is wrong with a factory is one line that names it."""
    assert f"--failaware-model={factory(attribute)}: {expected}" == error_of(factory(attribute), None)


def test_factory_that_does_not_exist(tmp_path: Path, factory: WriteFactory) -> None:
    """A misspelt factory is refused under the option it was given to."""
    assert error_of(factory("Nett"), None, ConfigError).startswith(f"--failaware-model={factory('Nett')}: module")
    source = saved({"w": torch.ones(1)}, tmp_path / "model.pth")
    message = error_of(source, factory("Nett"), ConfigError)
    assert message.startswith(f"--failaware-arch={factory('Nett')}: module")
    assert message.endswith("; did you mean 'Net'?")


# ---- models that the user built, and fingerprints ------------------------------------------------------------------


def test_adopted_model_is_made_ready() -> None:
    """The user's module itself is frozen; without a name its architecture is unknown."""
    module = nn.Sequential(nn.Linear(3, 4), nn.Dropout(), nn.Linear(4, 2))
    loaded = adopt_model(module, CPU)
    assert module is loaded.module
    assert_ready(loaded)
    assert "" == loaded.facts.architecture
    assert "tiny" == adopt_model(module, CPU, "tiny").facts.architecture


@pytest.mark.parametrize(("given", "kind"), [(nn.Linear, "the class Linear"), ({}, "an instance of dict")])
def test_adopting_something_else(given: object, kind: str) -> None:
    """A class or a dict of weights is not a model."""
    with pytest.raises(ModelError) as caught:
        adopt_model(given, CPU)
    assert f"the model is {kind}, not a torch.nn.Module; give an instance of one" == str(caught.value)
