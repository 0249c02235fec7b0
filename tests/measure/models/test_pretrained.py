"""Published weights by name, without a network: only from the caches, unless a download is allowed."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn
from torchvision import models as torchvision_models

from pytest_failaware.core.errors import ModelError
from pytest_failaware.core.request import Loading, Source, SourceKind
from pytest_failaware.measure.models.loading import LoadedModel, load_model
from pytest_failaware.measure.models.state import model_sha256

FILE = "squeezenet1_1-b8a52dc0.pth"
ADDRESS = f"https://download.pytorch.org/models/{FILE}"


@pytest.fixture(scope="module")
def squeezenet() -> nn.Module:
    """A small stand-in for the published model, with 1,000 classes."""
    return torchvision_models.squeezenet1_1()


@pytest.fixture(autouse=True)
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache of torch's, and no way to download."""

    def refuse(*arguments: object, **options: object) -> None:
        raise OSError("no network in tests")

    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    monkeypatch.setattr(torch.hub, "download_url_to_file", refuse)
    return tmp_path / "checkpoints"


def load(kind: SourceKind, target: str, *, downloads: bool = False, arch: Source | None = None) -> LoadedModel:
    source = Source(kind=kind, target=target)
    return load_model(source, arch, torch.device("cpu"), Loading(downloads=downloads))


def error_of(kind: SourceKind, target: str, *, downloads: bool = False) -> str:
    with pytest.raises(ModelError) as caught:
        load(kind, target, downloads=downloads)
    return str(caught.value)


@pytest.mark.parametrize("target", ["squeezenet1_1", "SqueezeNet1_1_Weights.IMAGENET1K_V1"])
def test_weights_in_the_cache(hub: Path, squeezenet: nn.Module, target: str) -> None:
    """Weights that torch has stored before are used without any flag, by the model's name or that of its weights."""
    hub.mkdir()
    torch.save(squeezenet.state_dict(), hub / FILE)
    loaded = load(SourceKind.TORCHVISION, target, arch=Source(kind=SourceKind.TORCHVISION, target="resnet18"))

    assert model_sha256(squeezenet) == loaded.facts.sha256
    assert "squeezenet1_1" == loaded.facts.architecture
    expected = "--failaware-arch=torchvision:resnet18 is not used: the name of --failaware-model builds the whole model"
    assert (expected,) == loaded.notes


def test_nothing_is_downloaded_without_permission(hub: Path) -> None:
    """Without the flag the message names the file, the place that was searched, and the ways to get it."""
    expected = (
        f"--failaware-model=torchvision:squeezenet1_1: its weights ({ADDRESS}) are not in {hub / FILE}, and downloads "
        "are not allowed; add --failaware-allow-download, or fetch the file on another machine and give it "
        "with --failaware-arch"
    )
    assert expected == error_of(SourceKind.TORCHVISION, "squeezenet1_1")
    assert not hub.exists()


def test_download(hub: Path, squeezenet: nn.Module, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the flag the file is fetched, and torch gets the hash from its name."""
    asked: list[tuple[str, str | None, bool]] = []

    def fetch(url: str, path: str, hash_prefix: str | None, progress: bool) -> None:
        asked.append((url, hash_prefix, progress))
        torch.save(squeezenet.state_dict(), path)

    monkeypatch.setattr(torch.hub, "download_url_to_file", fetch)
    for _ in range(2):  # the second time it is there
        loaded = load(SourceKind.TORCHVISION, "squeezenet1_1", downloads=True)

    assert [(ADDRESS, "b8a52dc0", False)] == asked
    assert model_sha256(squeezenet) == loaded.facts.sha256


def test_download_that_fails(hub: Path) -> None:
    """A network that is not there is one line with the way around it."""
    message = error_of(SourceKind.TORCHVISION, "squeezenet1_1", downloads=True)

    assert f"cannot download {ADDRESS} to {hub / FILE} (OSError: no network in tests); fetch the file" in message


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("squeezenet1_2", "torchvision has no such classifier; did you mean 'squeezenet1_1'?"),
        ("ResNet50_Weights.IMAGENET1K_V3", "no such weights; did you mean 'IMAGENET1K_V2'?"),
        ("ResNet51_Weights.IMAGENET1K_V1", "no such weights; give a name as torchvision:resnet18"),
    ],
)
def test_unknown_torchvision_name(target: str, words: str) -> None:
    """A name that torchvision does not have is refused before anything is fetched."""
    message = error_of(SourceKind.TORCHVISION, target, downloads=True)

    assert message.startswith(f"--failaware-model=torchvision:{target}: {words}")


def test_inception_keeps_the_scale_it_was_trained_on(hub: Path) -> None:
    """The published GoogLeNet changes the scale of its inputs, which no weight in its file says."""
    hub.mkdir()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.save(torchvision_models.googlenet(init_weights=False).state_dict(), hub / "googlenet-1378be20.pth")

    assert load(SourceKind.TORCHVISION, "googlenet").module.transform_input is True


# ---- timm ----------------------------------------------------------------------------------------------------------


def test_timm_weights_in_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file that the hub's library has stored is used; the architecture's name comes without the tag."""
    import huggingface_hub
    import timm

    model = timm.create_model("test_resnet.r160_in1k")
    save_file(model.state_dict(), tmp_path / "model.safetensors")

    def cached(repository: str, name: str) -> str | None:
        return (
            str(tmp_path / name) if (repository, name) == ("timm/test_resnet.r160_in1k", "model.safetensors") else None
        )

    monkeypatch.setattr(huggingface_hub, "try_to_load_from_cache", cached)
    loaded = load(SourceKind.TIMM, "test_resnet.r160_in1k")

    assert model_sha256(model) == loaded.facts.sha256
    assert "test_resnet" == loaded.facts.architecture


@pytest.mark.parametrize("downloads", [False, True])
def test_timm_weights_that_are_not_there(monkeypatch: pytest.MonkeyPatch, downloads: bool) -> None:
    """Without the flag the hub is not asked; with it, the error of the hub is reported."""
    import huggingface_hub

    def fetch(repository: str, name: str) -> str:
        raise OSError(f"no network for {repository} {name}")

    monkeypatch.setattr(huggingface_hub, "try_to_load_from_cache", lambda repository, name: None)
    monkeypatch.setattr(huggingface_hub, "hf_hub_download", fetch)
    message = error_of(SourceKind.TIMM, "test_resnet.r160_in1k", downloads=downloads)

    assert "timm/test_resnet.r160_in1k/model.safetensors" in message
    assert ("no network for" in message, "--failaware-allow-download" in message) == (downloads, not downloads)


def test_unknown_timm_name() -> None:
    """A name that timm does not have gets the closest one."""
    expected = "--failaware-model=timm:test_resnett: timm has no such model; did you mean 'test_resnet'?"
    assert expected == error_of(SourceKind.TIMM, "test_resnett")
