"""A checkpoint file -> named tensors. The format is recognised by content, and nothing in the file is ever executed."""

from __future__ import annotations

import difflib
import pickle
import re
import warnings
import zipfile
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import safetensors.torch
import torch

from pytest_failaware.errors import ModelError
from pytest_failaware.text import describe_error, one_line

_KEYS: Final = ("state_dict", "model", "model_state_dict", "net")
_PREFIXES: Final = ("_orig_mod.", "module.")
_RESAVE: Final = "torch.save(model.state_dict(), ...)"
_SAFETENSORS_HEADER_LIMIT: Final = 100_000_000  # bytes; the format's own limit


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """The weights of a file, on the CPU, possibly memory-mapped.

    `key` is where in the checkpoint they were ("" where it is bare), `others` the keys that held tensors too.
    `versions` is what torch noted about the version of each module, by module path; empty where the file has none.
    """

    tensors: dict[str, torch.Tensor]
    key: str
    others: tuple[str, ...] = ()
    versions: Mapping[str, Any]  # Any: torch's own notes, as its load_state_dict reads them


def read_state_dict(path: Path) -> Checkpoint:
    """The weights in a .pth, .pt or .safetensors file, bare or inside a checkpoint dict.

    Raises:
        ModelError: The file is missing, damaged, of another kind, or asks for more than tensors and plain values.
    """
    content = _read(path)
    if not isinstance(content, dict):
        raise ModelError(
            f"{path}: holds an object of type {type(content).__name__}, not a dict of weights; write one with {_RESAVE}"
        )
    keys = [key for key in _KEYS if isinstance(content.get(key), dict) and _tensors(content[key])]
    weights = content[keys[0]] if keys else content
    tensors = _tensors(weights)
    if not tensors:
        found = one_line(", ".join(map(repr, list(content)[:8]))) or "none"
        raise ModelError(
            f"{path}: no weights in it or under {', '.join(_KEYS)}; its keys: {found}; write one with {_RESAVE}"
        )
    prefix = shared_prefix(tensors)
    return Checkpoint(
        tensors={name.removeprefix(prefix): tensor for name, tensor in tensors.items()},
        key=keys[0] if keys else "",
        others=tuple(keys[1:]),
        versions=_versions(weights, prefix),
    )


def shared_prefix(names: Collection[str]) -> str:
    """What torch.compile and DataParallel, in either nesting, put before every name, of which there is at least one."""
    prefix = ""
    while longer := [prefix + one for one in _PREFIXES if all(name.startswith(prefix + one) for name in names)]:
        prefix = longer[0]
    return prefix


def _read(path: Path) -> object:
    """Whatever the file holds, by the loader that its first bytes ask for."""
    head = _head(path)
    if head.startswith(b"PK\x03\x04"):
        _refuse_foreign_zip(path)
        # torch reads whatever path ends in .safetensors as that format; a file object it reads by content.
        return _torch_load(path, mmap=not path.name.endswith(".safetensors"))
    # Before the pickle: a header of 128 bytes begins with a pickle's first byte.
    if head[8:9] == b"{" and int.from_bytes(head[:8], "little") <= _SAFETENSORS_HEADER_LIMIT:
        try:
            return safetensors.torch.load_file(path)
        except Exception as error:  # a damaged file raises whatever its bytes provoke
            raise _damaged(path, error) from error
    if head.startswith(b"\x80"):  # a pickle, as torch wrote before 1.6
        return _torch_load(path, mmap=False)
    raise ModelError(_foreign(path, head))


def _head(path: Path) -> bytes:
    if path.is_dir():
        raise ModelError(f"{path}: a folder, not a checkpoint; give the file in it, as in {path / 'model.pth'}")
    try:
        with path.open("rb") as file:
            return file.read(64)
    except FileNotFoundError as error:
        raise ModelError(f"{path}: no such file; {_nearby(path)}") from error
    except OSError as error:
        raise ModelError(f"{path}: cannot be read ({describe_error(error)}); check its permissions") from error


def _nearby(path: Path) -> str:
    if not path.parent.is_dir():
        return f"there is no folder {path.parent} either"
    close = difflib.get_close_matches(path.name, sorted(file.name for file in path.parent.iterdir()), n=3)
    return f"did you mean {' or '.join(close)}?" if close else "give the path of a checkpoint"


def _foreign(path: Path, head: bytes) -> str:
    if not head:
        return f"{path}: the file is empty; copy or download it again"
    if head.startswith(b"version https://git-lfs"):
        return f"{path}: a Git LFS pointer, not the checkpoint itself; fetch it with git lfs pull"
    return f"{path}: not a torch or safetensors checkpoint, it begins with {head[:20]!r}; write one with {_RESAVE}"


def _refuse_foreign_zip(path: Path) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            names = {Path(name).name for name in archive.namelist()}
    except Exception as error:  # a damaged file raises whatever its bytes provoke
        raise _damaged(path, error) from error
    if "constants.pkl" in names:
        raise ModelError(
            f"{path}: a TorchScript archive, a program and not only weights; write the weights with {_RESAVE}"
        )
    if "data.pkl" not in names:
        raise ModelError(f"{path}: a zip archive that torch.save did not write; write one with {_RESAVE}")


def _torch_load(path: Path, *, mmap: bool) -> object:
    with warnings.catch_warnings(), torch.serialization.safe_globals(_numpy_scalars()):
        warnings.simplefilter("ignore")
        try:
            with path.open("rb") as file:
                return torch.load(path if mmap else file, map_location="cpu", weights_only=True, mmap=mmap)
        except Exception as error:  # a damaged file raises whatever its bytes provoke; nothing is tried again
            reason = _finding(error)
            wanted = _foreign_globals(path, str(reason))
            if wanted:
                raise ModelError(_refusal(path, sorted(wanted))) from error
            raise _damaged(path, reason) from error


def _finding(error: Exception) -> BaseException:
    """What stopped the loader, without the advice to switch weights_only off that torch wraps around it."""
    return (isinstance(error, pickle.UnpicklingError) and error.__context__) or error


def _numpy_scalars() -> list[Any]:  # Any: torch takes a class, a function, or a pair with the name to be known by
    """What a numpy number beside the weights needs, such as a best accuracy; these globals build numbers only."""
    build = np.float64(0).__reduce__()[0]
    kinds = {type(np.dtype(code)) for code in "?bBhHiIlLqQefd"}
    return [np.dtype, *kinds, *((build, f"numpy.{core}.multiarray.scalar") for core in ("core", "_core"))]


def _foreign_globals(path: Path, reason: str) -> set[str]:
    """The globals a checkpoint asks for beyond the allow-list, found by reading its pickle, not by running it."""
    named = set(re.findall(r"\bGLOBAL (\S+)", reason))
    try:
        return named | set(torch.serialization.get_unsafe_globals_in_checkpoint(path))
    except Exception:  # no zip, or a pickle too damaged to be read to its end
        return named


def _refusal(path: Path, wanted: list[str]) -> str:
    is_module = any(name.startswith(("torch.nn.modules.", "torchvision.models.")) for name in wanted)
    content = "it is a whole pickled model, not weights" if is_module else "it holds Python objects, not only weights"
    shown = one_line(", ".join(wanted[:6]))
    rest = f" and {len(wanted) - 6} more" if len(wanted) > 6 else ""
    return (
        f"{path}: needs pickle globals that are not on the allow-list: {shown}{rest}; {content}, and none of it was "
        f"run; where you trust its origin, re-save it with {_RESAVE}"
    )


def _damaged(path: Path, error: BaseException) -> ModelError:
    found = f"cut short, damaged or no checkpoint ({describe_error(error)})"
    return ModelError(f"{path}: {found}; copy it again or write one with {_RESAVE}")


def _tensors(weights: Mapping[Any, Any]) -> dict[str, torch.Tensor]:  # Any: a file may hold anything
    return {name: value for name, value in weights.items() if isinstance(name, str) and isinstance(value, torch.Tensor)}


def _versions(weights: object, prefix: str) -> Mapping[str, Any]:  # Any: as in Checkpoint
    notes = getattr(weights, "_metadata", None)
    if not isinstance(notes, dict):
        return {}
    dotted = {f"{path}.": note for path, note in notes.items() if isinstance(note, dict)}
    return {path.removeprefix(prefix)[:-1]: note for path, note in dotted.items() if path.startswith(prefix)}
