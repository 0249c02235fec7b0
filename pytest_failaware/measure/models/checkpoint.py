"""A checkpoint file -> named tensors. The format is recognised by content, and nothing in the file is ever executed."""

from __future__ import annotations

import argparse
import io
import pathlib
import pickle
import re
import warnings
from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import safetensors.torch
import torch
from torch.nn.parameter import is_lazy

from pytest_failaware.core.budgets import UNPACKED_BYTES
from pytest_failaware.core.errors import ModelError
from pytest_failaware.core.request import Loading
from pytest_failaware.core.text import one_line
from pytest_failaware.measure.models.archives import RESAVE, damaged, data_pickle
from pytest_failaware.measure.models.formats import Format
from pytest_failaware.measure.models.pickles import PICKLE_BYTES, check_pickles
from pytest_failaware.measure.models.trust import globals_in, refusal, refuse_old_torch, shown, trusted_bytes
from pytest_failaware.measure.models.weight_keys import find_weights, tensors_in
from pytest_failaware.measure.models.weight_names import is_averaging, shared_prefix, unwrapped

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

    `extras` are the values beside the tensors that a module's state may have: extra state, and what int8 layers keep.
    `key` is where in the checkpoint they were ("" where it is bare), `others` the keys that held tensors too.
    `averaged` is over how many models they are an average, None where the file does not say that they are one.
    `versions` is what torch noted about the version of each module, by module path; empty where the file has none.
    `architecture` is the name in `arch` beside the weights, "" where there is none.
    `is_of_timm`: timm's training script wrote it.
    `is_of_lightning`: its names begin with the attribute of a LightningModule that holds the network.
    """

    tensors: dict[str, torch.Tensor]
    extras: Mapping[str, Any] = field(default_factory=dict)  # Any: whatever the pickle may hold
    key: str
    others: tuple[str, ...] = ()
    averaged: int | None = None
    versions: Mapping[str, Any]  # Any: torch's own notes, as its load_state_dict reads them
    architecture: str = ""
    is_of_timm: bool = False
    is_of_lightning: bool = False

    def without(self, prefix: str) -> Checkpoint:
        """The same weights, with a prefix that all names share removed."""
        inside = {path: note for path, note in self.versions.items() if f"{path}.".startswith(prefix)}
        return replace(self, versions=inside).renamed(lambda name: name.removeprefix(prefix))

    def renamed(self, rename: Callable[[str], str]) -> Checkpoint:
        """The same weights under other names; as they are where two would get one name."""
        tensors = {rename(name): tensor for name, tensor in self.tensors.items()}
        if len(tensors) < len(self.tensors):
            return self
        return replace(
            self,
            tensors=tensors,
            extras={rename(name): value for name, value in self.extras.items()},
            versions={rename(f"{path}.").removesuffix("."): note for path, note in self.versions.items()},
        )


def checkpoint_of(path: Path, content: object, loading: Loading) -> Checkpoint:
    """The weights in what a file held.

    Raises:
        ModelError: there are none, or none under the key that was asked for, they claim to be more than they are, or
            some have no values.
    """
    if not isinstance(content, dict):
        raise ModelError(
            f"{path}: holds an object of type {type(content).__name__}, not a dict of weights; write one with {RESAVE}"
        )
    found = find_weights(content, loading.checkpoint_key)
    if isinstance(found, str):
        raise ModelError(f"{path}: {found}")
    tensors = tensors_in(found.weights)
    _refuse_claims(path, [tensor for tensor in tensors.values() if not is_lazy(tensor)])
    _refuse_empty(path, tensors)
    by_timm = found.key and isinstance(content.get("args"), argparse.Namespace)  # other scripts note torchvision's
    architecture = content.get("arch") if found.key else ""
    checkpoint = Checkpoint(
        tensors=tensors,
        extras={name: value for name, value in found.weights.items() if isinstance(name, str) and name not in tensors},
        key=found.key,
        others=found.others,
        versions=_versions(found.weights),
        architecture=architecture if isinstance(architecture, str) else "",
        is_of_timm=bool(by_timm),
        is_of_lightning="pytorch-lightning_version" in content,
    )
    return _without_counter(checkpoint).without(shared_prefix(tensors)).renamed(unwrapped)


def _without_counter(checkpoint: Checkpoint) -> Checkpoint:
    """Averaged weights without their counter, which stands beside the `module.` of torch's AveragedModel."""
    tensors = checkpoint.tensors
    counts = [name for name in tensors if is_averaging(name) and tensors[name].numel() == 1]
    averages = [name for name in counts if any(one.startswith(name.removesuffix("n_averaged") + "module.")
                                               for one in tensors)]  # fmt: skip
    if not averages:
        return checkpoint
    rest = {name: tensor for name, tensor in tensors.items() if name not in averages}
    return replace(checkpoint, tensors=rest, averaged=int(tensors[averages[0]]))


def _refuse_empty(path: Path, tensors: Mapping[str, torch.Tensor]) -> None:
    """Refuse tensors without values: they would be left as the architecture drew them, or end in torch's own error."""
    empty = [name for name, tensor in tensors.items() if is_lazy(tensor) or tensor.is_meta]
    if empty:
        raise ModelError(
            f"{path}: {one_line(empty[0])!r} has no values (a lazy layer that saw no batch, or the meta device); run a "
            f"batch through the model, or load its weights, before {RESAVE}"
        )


def _refuse_claims(path: Path, tensors: Sequence[torch.Tensor]) -> None:
    """Refuse shapes without the numbers for them: a network of such shapes takes far more memory than the file."""
    dense = [tensor for tensor in tensors if tensor.layout is torch.strided and not tensor.is_meta]
    storages = [tensor.untyped_storage() for tensor in dense]
    held = sum({storage.data_ptr(): storage.nbytes() for storage in storages}.values())
    claimed = sum(tensor.numel() * tensor.element_size() for tensor in tensors)
    if claimed > held + UNPACKED_BYTES:
        raise ModelError(
            f"{path}: its shapes claim {claimed:,} bytes, and the file holds {held:,}; write one with {RESAVE}"
        )


def read_content(path: Path, form: Format, loading: Loading) -> object:
    """Whatever a file of weights holds, by the loader of its form.

    Raises:
        ModelError: It is damaged, or asks for more than tensors and plain values and is not trusted.
    """
    if form is Format.SAFETENSORS:
        return _safetensors(path)
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
    if any(name.startswith("torch.nn.parameter.Uninitialized") for name in wanted):
        content = "a lazy layer in it saw no batch and has no values"
    finding = f"needs pickle globals that are not on the allow-list: {shown(wanted)}; {content}"
    return refusal(path, finding, (), loading, f"re-save it with {RESAVE}")


def _versions(weights: object) -> Mapping[str, Any]:  # Any: as in Checkpoint
    notes = getattr(weights, "_metadata", None)
    return {path: note for path, note in notes.items() if isinstance(note, dict)} if isinstance(notes, dict) else {}
