"""Checkpoints as training scripts leave them: which weights are taken, under which names, for which architecture."""

from __future__ import annotations

import argparse
import pathlib
import sys
import warnings
from collections import OrderedDict
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torchvision import models as torchvision_models

from pytest_failaware.core.errors import ModelError
from pytest_failaware.core.request import Loading, Source, SourceKind
from pytest_failaware.measure.models.architectures import import_timm
from pytest_failaware.measure.models.checkpoint import Checkpoint, checkpoint_of
from pytest_failaware.measure.models.content import read_content
from pytest_failaware.measure.models.formats import recognise
from pytest_failaware.measure.models.loading import LoadedModel, load_model

CPU = torch.device("cpu")
SQUEEZENET = Source(kind=SourceKind.TORCHVISION, target="squeezenet1_1")


def saved(content: object, path: Path) -> Path:
    torch.save(content, path)
    return path


def read(path: Path, key: str = "") -> Checkpoint:
    loading = Loading(checkpoint_key=key)
    return checkpoint_of(path, read_content(path, recognise(path), loading), loading)


def load(path: Path, arch: Source | None, loading: Loading = Loading()) -> LoadedModel:  # noqa: B008 - frozen
    return load_model(Source(kind=SourceKind.FILE, target=str(path)), arch, CPU, loading)


def weights(value: float) -> dict[str, torch.Tensor]:
    return {"fc.weight": torch.full((2, 3), value)}


# ---- which weights -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "value"),
    [("", 2.0), ("state_dict_ema", 1.0), ("ckpt.model", 3.0), ("model", 2.0), ("a.b", 4.0)],
)
def test_key_decides(tmp_path: Path, key: str, value: float) -> None:
    """A key that is given wins, also a dotted one; averaged weights are taken only when named."""
    content = {"state_dict_ema": weights(1), "model": weights(2), "ckpt": {"model": weights(3)}, "a.b": weights(4)}
    checkpoint = read(saved(content, tmp_path / "last.pth"), key)

    assert value == checkpoint.tensors["fc.weight"][0, 0]
    assert (key or "model") == checkpoint.key
    assert ("state_dict_ema" in checkpoint.others) == (key != "state_dict_ema")


@pytest.mark.parametrize("key", ["state_dict_ema", "model_ema", "ema"])
def test_averaged_weights_alone(tmp_path: Path, key: str) -> None:
    """Where there are only averaged weights the message says how to take them."""
    path = saved({key: weights(1), "epoch": 3}, tmp_path / "last.pth")
    with pytest.raises(ModelError) as caught:
        read(path)

    expected = (
        f"no weights but averaged ones; take them with --failaware-checkpoint-key={key}; its keys: {key!r}, 'epoch'"
    )
    assert f"{path}: {expected}" == str(caught.value)


@pytest.mark.parametrize("key", ["modle", "ckpt.modle", "ckpt", "epoch.model", "epoch"])
def test_key_without_weights(tmp_path: Path, key: str) -> None:
    """A key that leads nowhere, or to something else, is refused with the keys that would do."""
    path = saved({"model": weights(1), "ckpt": {"model": weights(2)}, "epoch": 3}, tmp_path / "last.pth")
    with pytest.raises(ModelError) as caught:
        read(path, key)

    expected = (
        f"no weights under --failaware-checkpoint-key={key}; its keys: 'model', 'ckpt', 'epoch'; give one of model"
    )
    assert f"{path}: {expected}" == str(caught.value)


@pytest.mark.parametrize("settings", ["namespace", "path", "ordered"])
def test_settings_beside_the_weights(tmp_path: Path, settings: str) -> None:
    """The usual containers of a script's settings do not stand in the way, and stay out of torch's own allow-list."""
    before = set(torch.serialization.get_safe_globals())
    kept: dict[str, Any] = {
        "namespace": argparse.Namespace(lr=0.1, name="x"),
        "path": pathlib.PosixPath("/data/train"),
        "ordered": OrderedDict(lr=0.1),
    }
    checkpoint = read(saved({"model": weights(2), "args": kept[settings]}, tmp_path / "last.pth"))

    assert "model" == checkpoint.key
    assert before == set(torch.serialization.get_safe_globals())


# ---- Lightning -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def lightning(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint that Lightning's trainer wrote after one step, with hyper-parameters; its network is `self.net`."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pytorch_lightning as pl

        class Classifier(pl.LightningModule):
            def __init__(self, width: int = 3, options: dict[str, float] | None = None) -> None:
                super().__init__()
                self.save_hyperparameters()
                self.net = torchvision_models.squeezenet1_1(num_classes=4)

            def training_step(self, batch: list[torch.Tensor], index: int) -> torch.Tensor:
                return self.net(batch[0]).sum()

            def configure_optimizers(self) -> torch.optim.Optimizer:
                return torch.optim.SGD(self.parameters(), lr=0.01)

        path = tmp_path_factory.mktemp("lightning") / "last.ckpt"
        data = torch.utils.data.TensorDataset(torch.zeros(2, 3, 32, 32))
        quiet = {"logger": False, "enable_progress_bar": False, "enable_model_summary": False}
        trainer = pl.Trainer(
            max_steps=1, accelerator="cpu", default_root_dir=path.parent, enable_checkpointing=False, **quiet
        )
        trainer.fit(Classifier(options={"lr": 0.1}), torch.utils.data.DataLoader(data))
        trainer.save_checkpoint(path)
    return path


def test_lightning_checkpoint(lightning: Path) -> None:
    """Its weights are found, and the name of the attribute that held the network goes, since the rest then fits."""
    loaded = load(lightning, SQUEEZENET)

    assert "pytorch-lightning_version" in torch.load(lightning)
    expected = torch.load(lightning)["state_dict"]["net.classifier.1.weight"]
    assert torch.equal(expected, loaded.module.state_dict()["classifier.1.weight"])
    assert (
        "took the weights under 'state_dict' of the checkpoint",
        "removed the prefix 'net.' from the names of the weights",
    ) == loaded.notes


def test_lightning_checkpoint_without_an_architecture(lightning: Path) -> None:
    """It is inferred from the names as they are without the attribute."""
    loaded = load(lightning, None)

    assert "squeezenet1_1" == loaded.facts.architecture
    assert "removed the prefix 'net.' from the names of the weights" == loaded.notes[1]
    assert loaded.notes[2].startswith("inferred the architecture squeezenet1_1 with ")


def test_prefix_stays_where_the_rest_does_not_fit(lightning: Path) -> None:
    """Names that do not fit without the prefix either are reported as they are in the file."""
    with pytest.raises(ModelError, match=r"does not fit resnet18: .* missing .*unexpected \(net\.features\.0\.weight"):
        load(lightning, Source(kind=SourceKind.TORCHVISION, target="resnet18"))


def test_prefix_stays_where_other_weights_would_be_left(lightning: Path, tmp_path: Path) -> None:
    """A second part beside the network may be its real head, so nothing is dropped in silence."""
    content = torch.load(lightning)
    content["state_dict"]["head.weight"] = torch.ones(1)

    with pytest.raises(
        ModelError, match=r"after removing the prefix 'net.', but other names are there too \(head.weight\)"
    ):
        load(saved(content, tmp_path / "two.ckpt"), SQUEEZENET)


def test_lightning_attribute_dict(lightning: Path, tmp_path: Path) -> None:
    """Lightning's dict of hyper-parameters is a plain dict to the reader."""
    from lightning_fabric.utilities.data import AttributeDict

    content = torch.load(lightning) | {"hyper_parameters": AttributeDict(lr=0.1)}
    path = saved(content, tmp_path / "last.ckpt")

    assert ["lightning_fabric.utilities.data.AttributeDict"] == torch.serialization.get_unsafe_globals_in_checkpoint(
        path
    )
    assert "state_dict" == read(path).key


def test_lightning_settings_of_another_class(lightning: Path, tmp_path: Path) -> None:
    """Hyper-parameters of any class that could do something are refused by their name."""
    path = saved(torch.load(lightning) | {"hyper_parameters": {"loss": nn.CrossEntropyLoss()}}, tmp_path / "last.ckpt")

    with pytest.raises(ModelError, match=r"not on the allow-list: torch\.nn\.modules\.loss\.CrossEntropyLoss"):
        read(path)


# ---- timm ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def timm_checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint as timm's own saver writes it in training, with averaged weights that differ."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import timm
        from timm.utils import CheckpointSaver

    model, averaged = (timm.create_model("test_resnet", num_classes=4) for _ in range(2))
    path = tmp_path_factory.mktemp("timm")
    saver = CheckpointSaver(
        model=model,
        optimizer=torch.optim.SGD(model.parameters(), lr=0.1),
        args=argparse.Namespace(model="test_resnet", lr=0.1),
        model_ema=averaged,
        checkpoint_dir=str(path),
        recovery_dir=str(path),
    )
    saver.save_checkpoint(epoch=0, metric=0.5)
    return path / "last.pth.tar"


def test_timm_checkpoint_names_its_architecture(timm_checkpoint: Path) -> None:
    """Without --failaware-arch the architecture is the one that timm's script noted, which the summary says."""
    loaded = load(timm_checkpoint, None)

    expected = torch.load(timm_checkpoint, weights_only=False)["state_dict"]["conv1.0.weight"]
    assert torch.equal(expected, loaded.module.state_dict()["conv1.0.weight"])
    assert "test_resnet" == loaded.facts.architecture
    assert (
        "took the weights under 'state_dict' of the checkpoint; it also has 'state_dict_ema' "
        "(--failaware-checkpoint-key=state_dict_ema takes that)",
        "took the architecture timm:test_resnet, as the checkpoint says",
    ) == loaded.notes
    with torch.inference_mode():
        assert (2, 4) == loaded.module(torch.zeros(2, 3, 64, 64)).shape


def test_timm_averaged_weights(timm_checkpoint: Path) -> None:
    """Averaged weights load if they are named."""
    arch = Source(kind=SourceKind.TIMM, target="test_resnet")
    loaded = load(timm_checkpoint, arch, Loading(checkpoint_key="state_dict_ema"))

    expected = torch.load(timm_checkpoint, weights_only=False)["state_dict_ema"]["conv1.0.weight"]
    assert torch.equal(expected, loaded.module.state_dict()["conv1.0.weight"])


@pytest.mark.parametrize(
    "content",
    [
        {"arch": "resnet18", "best_acc1": 0.5},
        {"arch": "own_network", "args": argparse.Namespace()},
        {"arch": nn.Identity.__name__, "args": {"lr": 1}},
        {"arch": 18, "args": argparse.Namespace()},
    ],
)
def test_other_notes_name_no_architecture(tmp_path: Path, content: dict[str, Any]) -> None:
    """Scripts beside timm's note names of torchvision or their own, so these are not taken for timm's."""
    with pytest.raises(ModelError, match="no known architecture has these tensors"):
        load(saved({"state_dict": weights(1), **content}, tmp_path / "last.pth"), None)


def test_a_name_of_timm_in_a_checkpoint_of_another_script(tmp_path: Path) -> None:
    """A name that torchvision lacks can only be timm's, whichever script wrote it."""
    timm = import_timm("")
    state = timm.create_model("test_resnet", num_classes=4).state_dict()
    loaded = load(saved({"arch": "test_resnet", "state_dict": state}, tmp_path / "last.pth"), None)

    assert "test_resnet" == loaded.facts.architecture
    assert "took the architecture timm:test_resnet, as the checkpoint says" in loaded.notes


def test_a_name_of_timm_without_timm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where it is not installed, the error names it as one of the ways."""
    monkeypatch.setitem(sys.modules, "timm", None)
    source = saved({"arch": "test_resnet", "state_dict": weights(1)}, tmp_path / "last.pth")
    with pytest.raises(ModelError, match="give theirs, as in --failaware-arch=timm:NAME or"):
        load(source, None)


def test_a_name_of_torchvision_after_timm(timm_checkpoint: Path) -> None:
    """The hint names the library that knows the name."""
    with pytest.raises(ModelError, match="timm has no such model; torchvision has it: give torchvision:mobilenet_v3"):
        load(timm_checkpoint, Source(kind=SourceKind.TIMM, target="mobilenet_v3_small"))


def test_unknown_timm_architecture(timm_checkpoint: Path) -> None:
    """A misspelt name gets the closest one."""
    with pytest.raises(ModelError) as caught:
        load(timm_checkpoint, Source(kind=SourceKind.TIMM, target="test_resnett"))

    assert "--failaware-arch=timm:test_resnett: timm has no such model; did you mean 'test_resnet'?" == str(
        caught.value
    )


def noted(architecture: str, path: Path) -> Path:
    """A small checkpoint that claims to be of an architecture of timm's."""
    content = {"arch": architecture, "args": argparse.Namespace(), "state_dict": {"head.weight": torch.ones(3, 4)}}
    return saved(content, path)


def test_small_checkpoint_of_a_large_architecture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The names and shapes are compared before the network takes memory."""
    import timm

    real, built = timm.create_model, []

    def watched(*args: Any, **options: Any) -> nn.Module:
        built.append(real(*args, **options))
        return built[-1]

    monkeypatch.setattr(timm, "create_model", watched)
    with pytest.raises(ModelError, match=r"does not fit vit_base_patch16_224: .* missing"):
        load(noted("vit_base_patch16_224", tmp_path / "model.pth"), None)

    assert {"meta"} == {tensor.device.type for model in built for tensor in model.state_dict().values()}


def test_architecture_that_cannot_be_outlined(timm_checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a constructor computes with its tensors, the network is built at once, as always."""
    import timm

    real = timm.create_model

    def computing(*args: Any, **options: Any) -> nn.Module:
        torch.ones(1).item()
        module: nn.Module = real(*args, **options)
        return module

    monkeypatch.setattr(timm, "create_model", computing)

    assert "test_resnet" == load(timm_checkpoint, None).facts.architecture


def test_tag_that_timm_does_not_know(tmp_path: Path) -> None:
    """What timm raises is one line with the name."""
    with pytest.raises(
        ModelError, match=r"timm:resnet18\.nonsense: timm cannot build it \(RuntimeError: .*give another"
    ):
        load(noted("resnet18.nonsense", tmp_path / "model.pth"), None)


@pytest.mark.parametrize("shape", [(4, 1_000_000_000), (1_000_000_000, 4)])
@pytest.mark.parametrize("kind", ["expanded", "meta"])
def test_tensor_without_its_numbers(tmp_path: Path, shape: tuple[int, int], kind: str) -> None:
    """A shape that a stride of zero or the meta device makes up takes no memory, and is refused."""
    weight = torch.ones(1).expand(shape) if kind == "expanded" else torch.empty(shape, device="meta")
    with pytest.raises(ModelError) as caught:
        load(saved({"fc.weight": weight}, tmp_path / "model.pth"), SQUEEZENET)

    held = 4 if kind == "expanded" else 0
    assert f"its shapes claim 16,000,000,000 bytes, and the file holds {held}; write one" in str(caught.value)


def test_tensor_that_is_there_many_times(tmp_path: Path) -> None:
    """Many names of the same numbers count each time, as they would in a network."""
    weight = torch.ones(1_000_000)
    with pytest.raises(ModelError, match="its shapes claim 2,000,000,000 bytes, and the file holds 4,000,000; write"):
        load(saved({f"{number}.weight": weight for number in range(500)}, tmp_path / "model.pth"), SQUEEZENET)


def test_timm_that_is_not_installed(timm_checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message names the extra that installs it."""
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(ModelError, match=r"needs timm; install it with pip install 'pytest-failaware\[timm\]'"):
        load(timm_checkpoint, None)


# ---- wrappers ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("wrap", [nn.DataParallel, torch.compile, lambda model: torch.compile(nn.DataParallel(model))])
def test_wrapped_models(tmp_path: Path, wrap: Any) -> None:
    """What DataParallel and torch.compile really write fits the bare architecture."""
    model = torchvision_models.squeezenet1_1(num_classes=4)
    state = wrap(model).state_dict()
    loaded = load(saved(state, tmp_path / "model.pth"), SQUEEZENET)

    assert "features.0.weight" not in state
    assert torch.equal(model.features[0].weight, loaded.module.state_dict()["features.0.weight"])
