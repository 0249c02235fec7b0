"""Refuse paths that are only a part of a model: a folder, a shard, an index of shards, an address."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from pytest_failaware.core.errors import ModelError

_SHARD: Final = re.compile(r"(?P<name>.*)-(?P<number>\d{5})-of-(?P<count>\d{5})\.\w+")
_ADDRESS: Final = re.compile(r"(?:^|/)(?P<scheme>[A-Za-z][\w+.-]+):/{1,2}[^/]")
_WHOLE: Final = (".safetensors", ".pth", ".pt", ".ckpt", ".bin", ".onnx", ".th", ".pkl")
_MERGE: Final = (
    "save the model as one file, as transformers does with model.save_pretrained(FOLDER, max_shard_size='100GB'), or "
    "give a factory (pkg.mod:factory) that loads it"
)
_CONVERT: Final = "python -m torch.distributed.checkpoint.format_utils dcp_to_torch {folder} model.pth"


def refuse_part(path: Path) -> None:
    """Refuse a file whose name says that the rest of the model is in other files.

    Raises:
        ModelError: it is one shard of several, the index of shards, or a part of a distributed checkpoint.
    """
    if path.name.endswith(".index.json"):
        raise ModelError(f"{path}: an index that names the shards of a model, not its weights; {_MERGE}")
    shard = _SHARD.fullmatch(path.name)
    if shard is not None and int(shard["count"]) > 1:
        raise ModelError(
            f"{path}: shard {int(shard['number'])} of {int(shard['count'])}, which has a part of the weights; {_MERGE}"
        )
    if path.suffix == ".distcp" or path.name == ".metadata":
        command = _CONVERT.format(folder=path.parent)
        raise ModelError(f"{path}: a part of a distributed checkpoint; make one file of its folder with {command}")


def folder_finding(path: Path) -> str:
    """Return why a folder is not a model, and what to give instead."""
    if (path / ".metadata").is_file() or any(path.glob("*.distcp")):
        return f"a distributed checkpoint of torch; make one file of it with {_CONVERT.format(folder=path)}"
    if (path / "zero_to_fp32.py").is_file():
        return f"a checkpoint of DeepSpeed; make one file of it with python {path / 'zero_to_fp32.py'} {path} OUTPUT"
    files = sorted(file for file in path.iterdir() if file.suffix in _WHOLE and _SHARD.fullmatch(file.name) is None)
    example = files[0] if files else path / "model.pth"
    return f"a folder, not a checkpoint; give the file in it, as in {example}"


def address_finding(path: Path) -> str:
    """Return why an address is not a file, "" if the path is not an address."""
    address = _ADDRESS.search(path.as_posix())
    if address is None:
        return ""
    return (
        f"{address['scheme']}: is an address, and only files are read; fetch it first and give the file, or load it in "
        "the hook pytest_failaware_load_model"
    )
