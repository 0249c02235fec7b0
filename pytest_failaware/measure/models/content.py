"""Load the content of a file of weights; nothing in an untrusted file is executed."""

from __future__ import annotations

import argparse
import io
import pathlib
import pickle
import re
import warnings
from collections import OrderedDict
from collections.abc import Collection
from pathlib import Path
from typing import Any, Final

import numpy as np
import safetensors.torch
import torch

from pytest_failaware.core.errors import ModelError
from pytest_failaware.core.request import Loading
from pytest_failaware.measure.models.archives import RESAVE, damaged, data_pickle
from pytest_failaware.measure.models.formats import Format
from pytest_failaware.measure.models.pickles import PICKLE_BYTES, check_pickles
from pytest_failaware.measure.models.trust import refusal, refuse_old_torch, shown, trusted_bytes

_OLD_PICKLES: Final = 5  # in a file before torch 1.6: magic number, version, system, content, names of storages


_SAFETENSORS_HEADER: Final = 10_000_000  # bytes; 1 MB describes ten thousand tensors


_ATTRIBUTE_DICTS: Final = (
    "lightning_fabric.utilities.data.AttributeDict",
    "lightning.fabric.utilities.data.AttributeDict",
    "pytorch_lightning.utilities.parsing.AttributeDict",
    "lightning.pytorch.utilities.parsing.AttributeDict",
)


def read_content(path: Path, form: Format, loading: Loading) -> object:
    """Load the content of a file of weights with the loader of its format.

    Raises:
        ModelError: The file is damaged, or it is untrusted and needs more than tensors and plain values.
    """
    if form is Format.SAFETENSORS:
        return _safetensors(path)
    trusted = trusted_bytes(path, loading)
    if trusted is not None:
        return _unpickle(path, trusted)
    refuse_old_torch(path, loading)
    _check_growth(path, form)
    # torch reads a path that ends in .safetensors as that format, and a file object by content.
    return _torch_load(path, loading, mmap=form is Format.TORCH_ZIP and not path.name.endswith(".safetensors"))


def _check_growth(path: Path, form: Format) -> None:
    if form is Format.TORCH_ZIP:
        check_pickles(path, io.BytesIO(data_pickle(path, PICKLE_BYTES)), 1)
        return
    with path.open("rb") as file:
        check_pickles(path, file, _OLD_PICKLES)


def _safetensors(path: Path) -> object:
    with path.open("rb") as file:
        claimed = int.from_bytes(file.read(8), "little")
    if claimed > _SAFETENSORS_HEADER:
        raise ModelError(
            f"{path}: its header claims {claimed:,} bytes, more than the {_SAFETENSORS_HEADER:,} that any model needs; "
            "write it again with safetensors.torch.save_file"
        )
    try:
        return safetensors.torch.load_file(path)
    except Exception as error:  # a damaged file raises errors of any kind
        raise damaged(path, error) from error


def _unpickle(path: Path, content: bytes) -> object:
    """Load a trusted file; its code runs here."""
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
        except Exception as error:  # a damaged file raises errors of any kind; there is no second try
            reason = _finding(error)
            wanted = _foreign_globals(path, str(reason))
            if wanted:
                raise _refusal(path, wanted, loading) from error
            raise damaged(path, reason) from error


def _finding(error: Exception) -> BaseException:
    """Return what stopped the loader, without torch's advice to switch weights_only off."""
    return (isinstance(error, pickle.UnpicklingError) and error.__context__) or error


def _numpy_scalars() -> list[Any]:  # Any: a class, a function, or a pair of one and its name
    """Return the globals of numpy numbers, such as a best accuracy; these globals only build numbers."""
    build = np.float64(0).__reduce__()[0]
    kinds = {type(np.dtype(code)) for code in "?bBhHiIlLqQefd"}
    return [np.dtype, *kinds, *((build, f"numpy.{core}.multiarray.scalar") for core in ("core", "_core"))]


def _foreign_globals(path: Path, reason: str) -> set[str]:
    """Return the globals beyond the allow-list that a checkpoint asks for; its pickle is read, not run."""
    named = set(re.findall(r"\bGLOBAL (\S+)", reason))
    try:
        return named | set(torch.serialization.get_unsafe_globals_in_checkpoint(path))
    except Exception:  # not a zip, or a pickle too damaged to be read to its end
        return named


def _inert() -> list[Any]:  # Any: as above
    """Return the globals in which training scripts keep settings; they only hold values."""
    paths = [(pathlib.PurePosixPath, f"pathlib.{module}PosixPath") for module in ("", "_local.")]
    return [argparse.Namespace, *paths, *((OrderedDict, name) for name in _ATTRIBUTE_DICTS)]


def _refusal(path: Path, wanted: Collection[str], loading: Loading) -> ModelError:
    is_module = any(name.startswith(("torch.nn.modules.", "torchvision.models.")) for name in wanted)
    content = "it is a whole pickled model, not weights" if is_module else "it holds Python objects, not only weights"
    if any(name.startswith("torch.nn.parameter.Uninitialized") for name in wanted):
        content = "a lazy layer in it saw no batch and has no values"
    finding = f"needs pickle globals that are not on the allow-list: {shown(wanted)}; {content}"
    return refusal(path, finding, (), loading, f"re-save it with {RESAVE}")
