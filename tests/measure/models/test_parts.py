"""A part of a model, a folder or an address is refused with what to give instead."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from pytest_failaware.core.errors import ModelError
from pytest_failaware.measure.models.formats import Format, recognise


def refusal(path: Path) -> str:
    with pytest.raises(ModelError) as caught:
        recognise(path)
    assert str(caught.value).isprintable()
    return str(caught.value)


@pytest.mark.parametrize(
    ("name", "finding"),
    [
        (
            "model-00001-of-00002.safetensors",
            "shard 1 of 2, which has a part of the weights; save the model as one file",
        ),
        (
            "pytorch_model-00003-of-00003.bin",
            "shard 3 of 3, which has a part of the weights; save the model as one file",
        ),
        (
            "model.safetensors.index.json",
            "an index that names the shards of a model, not its weights; save the model as",
        ),
        (
            "pytorch_model.bin.index.json",
            "an index that names the shards of a model, not its weights; save the model as",
        ),
        ("__0_0.distcp", "a part of a distributed checkpoint; make one file of its folder with python -m torch.distri"),
    ],
)
def test_part_of_a_model(tmp_path: Path, name: str, finding: str) -> None:
    """Shards, their index and parts of a distributed checkpoint are known by their names."""
    save_file({"weight": torch.ones(2)}, tmp_path / name)
    assert f"{tmp_path / name}: {finding}" in refusal(tmp_path / name)


def test_the_only_shard(tmp_path: Path) -> None:
    """Shard 1 of 1 is a whole model."""
    path = tmp_path / "model-00001-of-00001.safetensors"
    save_file({"weight": torch.ones(2)}, path)
    assert Format.SAFETENSORS is recognise(path)


def test_a_shard_that_is_a_git_lfs_pointer(tmp_path: Path) -> None:
    """What keeps the file from being read at all is said first."""
    path = tmp_path / "model-00001-of-00002.safetensors"
    path.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 3\n")
    assert "a Git LFS pointer" in refusal(path)


@pytest.mark.parametrize(
    ("file", "finding"),
    [
        (".metadata", "a distributed checkpoint of torch; make one file of it with python -m torch.distributed"),
        ("zero_to_fp32.py", "a checkpoint of DeepSpeed; make one file of it with python "),
        ("config.json", "a folder, not a checkpoint; give the file in it, as in {folder}/model.pth"),
        ("model.safetensors", "a folder, not a checkpoint; give the file in it, as in {folder}/model.safetensors"),
        ("last.ckpt", "a folder, not a checkpoint; give the file in it, as in {folder}/last.ckpt"),
    ],
)
def test_folder(tmp_path: Path, file: str, finding: str) -> None:
    """A folder is named by what lies in it."""
    (tmp_path / file).touch()
    assert f"{tmp_path}: {finding.format(folder=tmp_path)}" in refusal(tmp_path)


@pytest.mark.parametrize(
    "text", ["s3://bucket/model.pth", "models:/prod/7", "https://x.org/m.pth", "gs://a/b", "hf://a/b"]
)
def test_address(tmp_path: Path, text: str) -> None:
    """An address is said to be one, with what can be done."""
    scheme = text.partition(":")[0]
    assert (
        f"{scheme}: is an address, and only files are read; fetch it first and give the file, or load it in the hook "
        "pytest_failaware_load_model"
    ) in refusal(tmp_path / text)


def test_a_drive_is_no_address(tmp_path: Path) -> None:
    """One letter before the colon is a drive of Windows."""
    assert "there is no folder" in refusal(tmp_path / "C:" / "model.pth")
