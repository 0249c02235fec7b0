"""A checkpoint file -> named tensors. The format is recognised by content, and nothing in the file is ever executed."""

from __future__ import annotations

import argparse
import io
import pathlib
import pickle
import re
import warnings
from collections import OrderedDict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import safetensors.torch
import torch
from torch import nn

from pytest_failaware.budgets import UNPACKED_BYTES
from pytest_failaware.errors import ModelError
from pytest_failaware.measure.archives import RESAVE, damaged, data_pickle
from pytest_failaware.measure.formats import Format
from pytest_failaware.measure.pickles import PICKLE_BYTES, check_pickles
from pytest_failaware.measure.trust import globals_in, refusal, refuse_old_torch, shown, trusted_bytes
from pytest_failaware.schema import Loading
from pytest_failaware.text import one_line

_KEYS: Final = ("state_dict", "model", "model_state_dict", "net", "network")
_AVERAGED: Final = ("state_dict_ema", "model_ema", "ema")  # averages of the weights, which nobody tests unasked
_PREFIXES: Final = ("_orig_mod.", "module.")
_OLD_PICKLES: Final = 5  # before torch 1.6: a magic number, the version, the system, the content, the names of storages
_SAFETENSORS_HEADER: Final = 10_000_000  # bytes; 1 MB describes ten thousand tensors
_ATTRIBUTE_DICTS: Final = (
    "lightning_fabric.utilities.data.AttributeDict",
    "lightning.fabric.utilities.data.AttributeDict",
    "pytorch_lightning.utilities.parsing.AttributeDict",
    "lightning.pytorch.utilities.parsing.AttributeDict",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """The weights of a file, on the CPU, possibly memory-mapped.

    `key` is where in the checkpoint they were ("" where it is bare), `others` the keys that held tensors too.
    `versions` is what torch noted about the version of each module, by module path; empty where the file has none.
    `architecture` is the name in `arch` beside the weights, "" where there is none.
    `is_of_timm`: timm's training script wrote it.
    `is_of_lightning`: its names begin with the attribute of a LightningModule that holds the network.
    """

    tensors: dict[str, torch.Tensor]
    key: str
    others: tuple[str, ...] = ()
    versions: Mapping[str, Any]  # Any: torch's own notes, as its load_state_dict reads them
    architecture: str = ""
    is_of_timm: bool = False
    is_of_lightning: bool = False

    def without(self, prefix: str) -> Checkpoint:
        """The same weights, with a prefix that all names share removed."""
        return replace(
            self,
            tensors={name.removeprefix(prefix): tensor for name, tensor in self.tensors.items()},
            versions=_unprefixed(self.versions, prefix),
        )


def checkpoint_of(path: Path, content: object, loading: Loading) -> Checkpoint:
    """The weights in what a file held.

    Raises:
        ModelError: there are none, or none under the key that was asked for, or they claim to be more than they are.
    """
    if not isinstance(content, dict):
        raise ModelError(
            f"{path}: holds an object of type {type(content).__name__}, not a dict of weights; write one with {RESAVE}"
        )
    known = [key for key in (*_KEYS, *_AVERAGED) if isinstance(content.get(key), dict) and _tensors(content[key])]
    plain = [key for key in known if key not in _AVERAGED]
    key = loading.checkpoint_key or (plain[0] if plain else "")
    weights = _under(content, key) if key else content
    tensors = _tensors(weights) if isinstance(weights, dict) else {}
    if not tensors:
        raise ModelError(f"{path}: {_without_weights(content, loading.checkpoint_key, known)}")
    _refuse_claims(path, tensors)
    by_timm = key and isinstance(content.get("args"), argparse.Namespace)  # other scripts note names of torchvision
    architecture = content.get("arch") if key else ""
    found = Checkpoint(
        tensors=tensors,
        key=key,
        others=tuple(one for one in known if one != key),
        versions=_versions(weights),
        architecture=architecture if isinstance(architecture, str) else "",
        is_of_timm=bool(by_timm),
        is_of_lightning="pytorch-lightning_version" in content,
    )
    return found.without(shared_prefix(tensors))


def _refuse_claims(path: Path, tensors: Mapping[str, torch.Tensor]) -> None:
    """Refuse shapes without the numbers for them: a network of such shapes takes far more memory than the file."""
    dense = [tensor for tensor in tensors.values() if tensor.layout is torch.strided]
    storages = [tensor.untyped_storage() for tensor in dense if not tensor.is_meta]
    held = sum({storage.data_ptr(): storage.nbytes() for storage in storages}.values())
    claimed = sum(tensor.numel() * tensor.element_size() for tensor in dense)
    if claimed > held + UNPACKED_BYTES:
        raise ModelError(
            f"{path}: its shapes claim {claimed:,} bytes, and the file holds {held:,}; write one with {RESAVE}"
        )


def module_in(content: object, loading: Loading) -> nn.Module | None:
    """The pickled module that a file holds, itself or in a checkpoint; None where it holds none."""
    keys = (loading.checkpoint_key,) if loading.checkpoint_key else _KEYS
    found = [content, *(_under(content, key) for key in keys if isinstance(content, dict))]
    return next((one for one in found if isinstance(one, nn.Module)), None)


def _under(content: dict[Any, Any], key: str) -> object:
    """What a dict has under a key, or in the dicts in it under a dotted one."""
    found: object = content
    for part in (key,) if key in content else key.split("."):
        found = found.get(part) if isinstance(found, dict) else None
    return found


def _without_weights(content: dict[Any, Any], asked: str, known: list[str]) -> str:
    found = one_line(", ".join(map(_shown_key, list(content)[:8]))) or "none"
    if asked:
        others = f"; give one of {', '.join(known)}" if known else ""
        return f"no weights under --failaware-checkpoint-key={asked}; its keys: {found}{others}"
    if known:
        return f"no weights but averaged ones; take them with --failaware-checkpoint-key={known[0]}; its keys: {found}"
    return f"no weights in it or under {', '.join(_KEYS)}; its keys: {found}; write one with {RESAVE}"


def _shown_key(key: object) -> str:
    """Return a text as it is; anything else by its type, since a tuple of the same tuples has no end."""
    return repr(key) if isinstance(key, str) else f"a key of type {type(key).__name__}"


def shared_prefix(names: Collection[str]) -> str:
    """What torch.compile and DataParallel, in either nesting, put before every name, of which there is at least one."""
    prefix = ""
    while longer := [prefix + one for one in _PREFIXES if all(name.startswith(prefix + one) for name in names)]:
        prefix = longer[0]
    return prefix


def read_content(path: Path, form: Format, loading: Loading) -> object:
    """Whatever a file of weights holds, by the loader of its form.

    Raises:
        ModelError: It is damaged, or asks for more than tensors and plain values and is not trusted.
    """
    if form is Format.SAFETENSORS:
        return _safetensors(path)
    if form in (Format.PACKAGE, Format.TORCH_TAR):
        raise ModelError(
            f"{path}: {form.value}, which can run any code when it is loaded{_asking(path)}; none of it was run; write "
            f"the weights with {RESAVE}"
        )
    trusted = trusted_bytes(path, loading)
    if trusted is not None:
        return _unpickle(path, trusted)
    refuse_old_torch(path, loading)
    _check_growth(path, form)
    # torch reads whatever path ends in .safetensors as that format; a file object it reads by content.
    return _torch_load(path, loading, mmap=form is Format.TORCH_ZIP and not path.name.endswith(".safetensors"))


def _check_growth(path: Path, form: Format) -> None:
    if form is Format.TORCH_ZIP:
        check_pickles(path, io.BytesIO(data_pickle(path, PICKLE_BYTES)), 1)
        return
    with path.open("rb") as file:
        check_pickles(path, file, _OLD_PICKLES)


def _asking(path: Path) -> str:
    wanted = globals_in(path.read_bytes())
    return f"; it asks for {shown(wanted)}" if wanted else ""


def _safetensors(path: Path) -> object:
    with path.open("rb") as file:
        claimed = int.from_bytes(file.read(8), "little")
    if claimed > _SAFETENSORS_HEADER:
        raise ModelError(
            f"{path}: its header claims {claimed:,} bytes, more than the {_SAFETENSORS_HEADER:,} that any model needs; "
            "write it anew with safetensors.torch.save_file"
        )
    try:
        return safetensors.torch.load_file(path)
    except Exception as error:  # a damaged file raises whatever its bytes provoke
        raise damaged(path, error) from error


def _unpickle(path: Path, content: bytes) -> object:
    """What a trusted file holds; its code runs here."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return torch.load(io.BytesIO(content), map_location="cpu", weights_only=False)
        except Exception as error:  # the code in the file runs here
            raise damaged(path, error) from error


def _torch_load(path: Path, loading: Loading, *, mmap: bool) -> object:
    with warnings.catch_warnings(), torch.serialization.safe_globals([*_numpy_scalars(), *_inert()]):
        warnings.simplefilter("ignore")
        try:
            with path.open("rb") as file:
                return torch.load(path if mmap else file, map_location="cpu", weights_only=True, mmap=mmap)
        except Exception as error:  # a damaged file raises whatever its bytes provoke; nothing is tried again
            reason = _finding(error)
            wanted = _foreign_globals(path, str(reason))
            if wanted:
                raise _refusal(path, wanted, loading) from error
            raise damaged(path, reason) from error


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


def _inert() -> list[Any]:  # Any: as above
    """What training scripts keep of their settings; these globals hold values and do nothing."""
    paths = [(pathlib.PurePosixPath, f"pathlib.{module}PosixPath") for module in ("", "_local.")]
    return [argparse.Namespace, *paths, *((OrderedDict, name) for name in _ATTRIBUTE_DICTS)]


def _refusal(path: Path, wanted: Collection[str], loading: Loading) -> ModelError:
    is_module = any(name.startswith(("torch.nn.modules.", "torchvision.models.")) for name in wanted)
    content = "it is a whole pickled model, not weights" if is_module else "it holds Python objects, not only weights"
    finding = f"needs pickle globals that are not on the allow-list: {shown(wanted)}; {content}"
    return refusal(path, finding, (), loading, f"re-save it with {RESAVE}")


def _tensors(weights: Mapping[Any, Any]) -> dict[str, torch.Tensor]:  # Any: a file may hold anything
    return {name: value for name, value in weights.items() if isinstance(name, str) and isinstance(value, torch.Tensor)}


def _versions(weights: object) -> Mapping[str, Any]:  # Any: as in Checkpoint
    notes = getattr(weights, "_metadata", None)
    return {path: note for path, note in notes.items() if isinstance(note, dict)} if isinstance(notes, dict) else {}


def _unprefixed(versions: Mapping[str, Any], prefix: str) -> Mapping[str, Any]:  # Any: as in Checkpoint
    dotted = {f"{path}.": note for path, note in versions.items()}
    return {path.removeprefix(prefix)[:-1]: note for path, note in dotted.items() if path.startswith(prefix)}
