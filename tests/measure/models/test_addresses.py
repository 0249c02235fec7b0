"""A URL or a registry's name in the place of a file."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from pytest_failaware.config.option_texts import Surroundings
from pytest_failaware.config.resolve import resolve
from pytest_failaware.core.errors import ConfigError, ModelError
from pytest_failaware.core.request import RunConfig, Source, SourceKind
from pytest_failaware.measure.models.loading import load_model


def asked(folder: Path, **command_line: str) -> RunConfig:
    """What a run is asked to do in a folder."""
    around = Surroundings(environ={}, invocation_dir=folder, ini_dir=folder)
    return resolve(command_line=command_line, ini={}, around=around)


@pytest.mark.parametrize(
    "text", ["s3://bucket/model.pth", "models:/prod/7", "https://x.org/m.pth", "gs://a", "file:///m"]
)
def test_a_model_at_an_address(tmp_path: Path, text: str) -> None:
    """A hook gets it as it was typed; if none takes it, the error says what to do."""
    model = asked(tmp_path, model=text).model
    assert Source(kind=SourceKind.FILE, target=text) == model

    assert model is not None
    with pytest.raises(ModelError) as caught:
        load_model(model, None, torch.device("cpu"))
    assert (
        f"{text}: is an address, not a file; fetch it first, or load it in the hook pytest_failaware_load_model"
    ) == str(caught.value)


@pytest.mark.parametrize(
    ("option", "text", "finding"),
    [
        ("predictions", "s3://bucket/p.csv", "is an address"),
        ("dataset", "https://x.org/data.zip", "is an address"),
        ("dataset", "folder:s3://bucket/test", "names an address"),
        ("dataset", "csv:https://x.org/labels.csv", "names an address"),
        ("dataset", "npz:gs://bucket/a.npz", "names an address"),
    ],
)
def test_data_at_an_address(tmp_path: Path, option: str, text: str, finding: str) -> None:
    """It is refused before anything is opened."""
    with pytest.raises(ConfigError) as caught:
        asked(tmp_path, **{option: text})
    assert f"--failaware-{option}={text}: {finding}, not a file; fetch it first and give its path" == str(caught.value)


@pytest.mark.parametrize("text", ["C:/models/m.pth", "models/m.pth", "registry:prod/7", "a:b.pth", "/m.pth"])
def test_no_address(tmp_path: Path, text: str) -> None:
    """A path of Windows, and names that hooks know without a slash after the colon, are read as always."""
    model = asked(tmp_path, model=text).model
    assert model is not None
    assert (tmp_path / text).as_posix() == model.target or SourceKind.FACTORY is model.kind


def test_a_file_whose_name_is_like_an_address(tmp_path: Path) -> None:
    """What is there is a file."""
    (tmp_path / "models:").mkdir()
    (tmp_path / "models:" / "m.pth").touch()
    model = asked(tmp_path, model="models:/m.pth").model
    assert model is not None
    assert str(tmp_path / "models:" / "m.pth") == model.target
