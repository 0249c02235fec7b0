"""Find published weights, `torchvision:NAME` or `timm:NAME`, in the libraries' caches, or download them if allowed."""

from __future__ import annotations

import re
import warnings
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import torch

from pytest_failaware.core.errors import ModelError, choices
from pytest_failaware.core.request import Loading, Source, SourceKind
from pytest_failaware.core.text import describe_error
from pytest_failaware.measure.models.architectures import (
    check_timm_name,
    check_torchvision_name,
    import_timm,
    import_torchvision_models,
)

_HASH_IN_NAME: Final = re.compile(r"-([a-f0-9]+)\.")  # torch's convention: the first digits of the SHA-256
_HUB_FILES: Final = ("model.safetensors", "pytorch_model.bin")


def published(source: Source, loading: Loading) -> tuple[Path, Source]:
    """Return the file of published weights, and their architecture.

    Raises:
        ModelError: the name is unknown, or the file is absent and cannot or must not be downloaded.
    """
    place = f"--failaware-model={source}"
    if source.kind is SourceKind.TORCHVISION:
        name, url = _torchvision_weights(source.target, place)
        return _from_url(url, place, loading), Source(kind=SourceKind.TORCHVISION, target=name)
    return _timm_file(source.target, place, loading), source


def _torchvision_weights(target: str, place: str) -> tuple[str, str]:
    """Return architecture and address of `resnet18` (its default weights) or `ResNet18_Weights.IMAGENET1K_V1`."""
    models = import_torchvision_models()
    enum, dot, member = target.partition(".")
    if not dot:
        check_torchvision_name(target, "--failaware-model=torchvision:")
        return target, models.get_model_weights(target).DEFAULT.url
    for name in models.list_models(module=models):
        weights = models.get_model_weights(name)
        if weights.__name__ == enum:
            if member not in weights.__members__:
                raise ModelError(f"{place}: no such weights; {choices(member, list(weights.__members__))}")
            return name, weights[member].url
    raise ModelError(
        f"{place}: no such weights; give a name as torchvision:resnet18, or ResNet18_Weights.IMAGENET1K_V1"
    )


def _from_url(url: str, place: str, loading: Loading) -> Path:
    name = Path(urlsplit(url).path).name
    path = Path(torch.hub.get_dir(), "checkpoints", name)
    if path.is_file():
        return path
    if not loading.downloads:
        raise _absent(place, url, str(path))
    path.parent.mkdir(parents=True, exist_ok=True)
    match = _HASH_IN_NAME.search(name)
    try:
        torch.hub.download_url_to_file(url, str(path), hash_prefix=match and match[1], progress=False)
    except Exception as error:  # the network has many ways to fail
        raise _failed(place, url, str(path), error) from error
    return path


def _timm_file(name: str, place: str, loading: Loading) -> Path:
    timm = import_timm(place)
    check_timm_name(timm, name, place)
    config = timm.models.get_pretrained_cfg(name)
    if config is None or not (config.hf_hub_id or config.url) or config.custom_load:
        raise ModelError(f"{place}: timm has no plain file of weights for it; name another, or give a file of weights")
    if not config.hf_hub_id:
        return _from_url(config.url, place, loading)
    return _from_hub(
        config.hf_hub_id, (config.hf_hub_filename,) if config.hf_hub_filename else _HUB_FILES, place, loading
    )


def _from_hub(repository: str, names: tuple[str, ...], place: str, loading: Loading) -> Path:
    import huggingface_hub

    cached = (huggingface_hub.try_to_load_from_cache(repository, name) for name in names)
    for path in cached:
        if isinstance(path, str):
            return Path(path)
    address, where = f"{repository}/{names[0]}", "the cache of huggingface_hub"
    if not loading.downloads:
        raise _absent(place, address, where)
    try:
        with warnings.catch_warnings():  # the hub warns of caches and tokens
            warnings.simplefilter("ignore")
            return Path(_downloaded(huggingface_hub, repository, names[0]))
    except Exception as error:  # the network has many ways to fail
        raise _failed(place, address, where, error) from error


def _downloaded(hub: Any, repository: str, name: str) -> str:  # Any: a library that may be absent
    path: str = hub.hf_hub_download(repository, name)
    return path


def _absent(place: str, address: str, where: str) -> ModelError:
    return ModelError(
        f"{place}: its weights ({address}) are not in {where}, and downloads are not allowed; add "
        "--failaware-allow-download, or fetch the file on another machine and give it with --failaware-arch"
    )


def _failed(place: str, address: str, where: str, error: Exception) -> ModelError:
    return ModelError(
        f"{place}: cannot download {address} to {where} ({describe_error(error)}); fetch the file on another "
        "machine and give it with --failaware-arch"
    )
