"""Checkpoint files, written by the libraries that users write them with."""

from __future__ import annotations

import hashlib
import os
import pickle
import types
import warnings
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from pytest_failaware.core.errors import ModelError
from pytest_failaware.core.request import Loading
from pytest_failaware.measure.models.checkpoint import Checkpoint, checkpoint_of
from pytest_failaware.measure.models.content import read_content
from pytest_failaware.measure.models.formats import recognise

RESAVE = "torch.save(model.state_dict(), ...)"


def read_state_dict(path: Path, loading: Loading = Loading()) -> Checkpoint:  # noqa: B008 - frozen
    """The weights in a file, as a model's are read."""
    return checkpoint_of(path, read_content(path, recognise(path), loading), loading)


class Net(nn.Module):
    """A layer with a name of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(3, 2)


class Payload:
    """Unpickling it would make a folder."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.mkdir, (str(self.path),)


@pytest.fixture
def weights() -> dict[str, torch.Tensor]:
    """The state_dict of a small module, with torch's notes on versions."""
    return Net().state_dict()


def assert_same(expected: dict[str, torch.Tensor], tensors: dict[str, torch.Tensor]) -> None:
    """The same names, with the same values, in the same order."""
    assert list(expected) == list(tensors)
    for name in expected:
        assert torch.equal(expected[name], tensors[name])


def error_of(path: Path) -> str:
    """Return the message that refuses the file: one line that begins with the path."""
    with pytest.raises(ModelError) as caught:
        read_state_dict(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert message.isprintable()
    return message.removeprefix(f"{path}: ")


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("name", ["model.pth", "model.safetensors", "model"])
def test_torch_file_whatever_its_suffix(
    tmp_path: Path, weights: dict[str, torch.Tensor], zipped: bool, name: str
) -> None:
    """A bare state_dict is read in torch's present and in its former format; the suffix does not matter."""
    torch.save(weights, tmp_path / name, _use_new_zipfile_serialization=zipped)
    checkpoint = read_state_dict(tmp_path / name)
    assert_same(weights, checkpoint.tensors)
    assert ("", ()) == (checkpoint.key, checkpoint.others)
    assert {"": {"version": 1}, "fc": {"version": 1}} == dict(checkpoint.versions)


@pytest.mark.parametrize("name", ["model.safetensors", "model.pth"])
def test_safetensors_file_whatever_its_suffix(tmp_path: Path, weights: dict[str, torch.Tensor], name: str) -> None:
    """A safetensors file is known by its content, and has no notes on versions."""
    save_file(weights, tmp_path / name)
    checkpoint = read_state_dict(tmp_path / name)
    assert_same(dict(sorted(weights.items())), dict(sorted(checkpoint.tensors.items())))
    assert {} == checkpoint.versions


def test_safetensors_header_that_begins_like_a_pickle(tmp_path: Path) -> None:
    """A header of 128 bytes, whose length byte is also a pickle's first byte, is still safetensors."""
    path = tmp_path / "model.safetensors"
    save_file({"w" * 72: torch.ones(2)}, path)
    assert b"\x80" == path.read_bytes()[:1]
    assert ["w" * 72] == list(read_state_dict(path).tensors)


@pytest.mark.parametrize("key", ["state_dict", "model", "model_state_dict", "net", "network"])
def test_weights_inside_a_checkpoint(tmp_path: Path, weights: dict[str, torch.Tensor], key: str) -> None:
    """The weights are found under each of the usual keys, beside an optimizer and numbers."""
    path = tmp_path / "last.pt"
    torch.save({"epoch": 3, "optimizer": {"state": {0: torch.ones(1)}}, "loss": torch.ones(()), key: weights}, path)
    checkpoint = read_state_dict(path)
    assert_same(weights, checkpoint.tensors)
    assert (key, ()) == (checkpoint.key, checkpoint.others)


def test_first_of_several_keys(tmp_path: Path, weights: dict[str, torch.Tensor]) -> None:
    """With several candidates the order is fixed, empty ones do not count, and the others are named."""
    path = tmp_path / "last.pt"
    torch.save({"net": {"a": torch.ones(1)}, "model": weights, "state_dict": {}}, path)
    checkpoint = read_state_dict(path)
    assert_same(weights, checkpoint.tensors)
    assert ("model", ("net",)) == (checkpoint.key, checkpoint.others)


@pytest.mark.parametrize("prefix", ["module.", "_orig_mod.", "module._orig_mod.", "_orig_mod.module."])
def test_prefix_of_every_name_is_removed(tmp_path: Path, weights: dict[str, torch.Tensor], prefix: str) -> None:
    """What DataParallel and torch.compile put before every name goes, in either nesting, with the notes in step."""
    wrapped: nn.Module = Net()
    for part in reversed(prefix.rstrip(".").split(".")):
        outer = nn.Module()
        outer.add_module(part, wrapped)
        wrapped = outer
    wrapped.load_state_dict({prefix + name: value for name, value in weights.items()})
    torch.save({"state_dict": wrapped.state_dict()}, tmp_path / "model.pth")
    checkpoint = read_state_dict(tmp_path / "model.pth")
    assert_same(weights, checkpoint.tensors)
    assert {"": {"version": 1}, "fc": {"version": 1}} == dict(checkpoint.versions)


def test_prefix_of_some_names_stays(tmp_path: Path) -> None:
    """Where only some names have the prefix it belongs to them."""
    given = {"module.weight": torch.ones(1), "scale": torch.ones(1)}
    torch.save(given, tmp_path / "model.pth")
    assert list(given) == list(read_state_dict(tmp_path / "model.pth").tensors)


@pytest.mark.parametrize("zipped", [True, False])
def test_numpy_numbers_beside_the_weights(tmp_path: Path, weights: dict[str, torch.Tensor], zipped: bool) -> None:
    """Numpy numbers, such as a best accuracy, do not stand in the way, and stay out of torch's own allow-list."""
    before = set(torch.serialization.get_safe_globals())
    numbers = {"a": np.float64(0.9), "b": np.float32(0.9), "c": np.int64(3), "d": np.bool_(True), "e": np.uint8(1)}
    path = tmp_path / "best.pth"
    torch.save({"state_dict": weights, **numbers}, path, _use_new_zipfile_serialization=zipped)
    assert_same(weights, read_state_dict(path).tensors)
    assert before == set(torch.serialization.get_safe_globals())


def test_numpy_number_saved_under_numpy_1(tmp_path: Path, weights: dict[str, torch.Tensor]) -> None:
    """The name that numpy gave its scalars before 2.0 is known too."""
    path = tmp_path / "best.pth"
    torch.save({"state_dict": weights, "best": np.float64(0.9)}, path, _use_new_zipfile_serialization=False)
    former = path.read_bytes().replace(b"numpy._core.multiarray", b"numpy.core.multiarray")
    path.write_bytes(former)
    assert b"numpy.core.multiarray\nscalar" in former
    assert_same(weights, read_state_dict(path).tensors)


def test_no_warning_escapes(tmp_path: Path, weights: dict[str, torch.Tensor]) -> None:
    """torch warns of pickle protocol 3; the reader does not, and the warning filters stay as they were."""
    path = tmp_path / "model.pth"
    torch.save(weights, path, pickle_protocol=3)
    filters = list(warnings.filters)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        read_state_dict(path)
    assert [] == caught
    assert filters == list(warnings.filters)


def test_missing_file_suggests_the_neighbours(tmp_path: Path) -> None:
    """A misspelt file name gets the close names of its folder."""
    (tmp_path / "resnet18.pth").touch()
    assert "no such file; did you mean resnet18.pth?" == error_of(tmp_path / "resnet-18.pth")


def test_missing_file_without_neighbours(tmp_path: Path) -> None:
    """Where nothing is close, or the folder is missing, the message says so."""
    assert "no such file; give the path of a checkpoint" == error_of(tmp_path / "resnet18.pth")
    assert f"no such file; there is no folder {tmp_path / 'runs'} either" == error_of(tmp_path / "runs" / "a.pth")


def test_folder(tmp_path: Path) -> None:
    """A folder is refused as such."""
    expected = f"a folder, not a checkpoint; give the file in it, as in {tmp_path / 'model.pth'}"
    assert expected == error_of(tmp_path)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "the file is empty; copy or download it again"),
        (
            b"<!DOCTYPE html>\n<html>",
            f"not a torch or safetensors checkpoint, it begins with b'<!DOCTYPE html>\\n<htm'; write one with {RESAVE}",
        ),
        (
            b'{"a": 1, {}}',
            f"not a torch or safetensors checkpoint, it begins with b'{{\"a\": 1, {{}}}}'; write one with {RESAVE}",
        ),
        (
            b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 3\n",
            "a Git LFS pointer, not the checkpoint itself; fetch the file with git lfs pull",
        ),
    ],
)
def test_file_of_another_kind(tmp_path: Path, content: bytes, expected: str) -> None:
    """An empty file, a web page, text and a Git LFS pointer have different messages."""
    path = tmp_path / "model.pth"
    path.write_bytes(content)
    assert expected == error_of(path)


@pytest.mark.parametrize("format_name", ["zip", "legacy", "safetensors"])
@pytest.mark.parametrize("kept", [0.1, 0.6, 0.99])
def test_truncated_file(tmp_path: Path, weights: dict[str, torch.Tensor], format_name: str, kept: float) -> None:
    """A file that lost its end is called damaged, in each format, wherever it was cut."""
    path = tmp_path / "model.pth"
    if format_name == "safetensors":
        save_file(weights, path)
    else:
        torch.save(weights, path, _use_new_zipfile_serialization=format_name == "zip")
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * kept)])
    message = error_of(path)
    assert message.startswith("cut short, damaged or no checkpoint (")
    assert message.endswith(f"); copy it again or write one with {RESAVE}")


def test_plain_pickle(tmp_path: Path) -> None:
    """A pickle that torch did not write is no checkpoint."""
    path = tmp_path / "model.pkl"
    path.write_bytes(pickle.dumps({"a": 1}, protocol=4))
    assert error_of(path).startswith("cut short, damaged or no checkpoint (UnpicklingError: Unsupported operand 149)")


def test_archive_of_another_kind(tmp_path: Path) -> None:
    """A zip archive such as numpy's is not taken for a checkpoint."""
    path = tmp_path / "model.pth"
    with path.open("wb") as file:
        np.savez(file, a=np.zeros(2))
    assert f"a zip archive that torch.save did not write; write one with {RESAVE}" == error_of(path)


def test_pickled_module(tmp_path: Path) -> None:
    """A whole model is refused with everything it asks for and the way to save its weights."""
    path = tmp_path / "model.pth"
    torch.save(Net(), path)
    expected = (
        f"needs pickle globals that are not on the allow-list: {Net.__module__}.Net, torch.nn.modules.linear.Linear; "
        "it is a whole pickled model, not weights, and none of it was run; if you trust its origin, re-save it "
        f"with {RESAVE}, or pass --failaware-trust-model=sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}"
    )
    assert expected == error_of(path)


def test_pickled_module_of_a_former_torch(tmp_path: Path) -> None:
    """In torch's former format the first thing asked for is named."""
    path = tmp_path / "model.pth"
    torch.save(Net(), path, _use_new_zipfile_serialization=False)
    assert f"not on the allow-list: {Net.__module__}.Net; it holds Python objects, not only weights" in error_of(path)


def test_python_object_beside_the_weights(tmp_path: Path, weights: dict[str, torch.Tensor]) -> None:
    """Options saved with the weights are not called a model."""
    path = tmp_path / "model.pth"
    torch.save({"state_dict": weights, "args": types.SimpleNamespace(lr=0.1)}, path)
    expected = "not on the allow-list: types.SimpleNamespace; it holds Python objects, not only weights"
    assert expected in error_of(path)


@pytest.mark.parametrize("zipped", [True, False])
def test_malicious_pickle_is_not_run(tmp_path: Path, weights: dict[str, torch.Tensor], zipped: bool) -> None:
    """Code in a checkpoint is named and never run."""
    path, made = tmp_path / "model.pth", tmp_path / "made"
    torch.save({"state_dict": weights, "x": Payload(made)}, path, _use_new_zipfile_serialization=zipped)
    assert f"not on the allow-list: {os.mkdir.__module__}.mkdir;" in error_of(path)
    assert not made.exists()
    pickle.loads(pickle.dumps(Payload(made)))
    assert made.is_dir(), "the payload must be real for this test to mean something"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (
            {"epoch": 3, "optimizer": {"state": {0: torch.ones(1)}}},
            "no weights in it or under state_dict, model, model_state_dict, net, network; its keys: 'epoch', "
            f"'optimizer'; write one with {RESAVE}",
        ),
        (
            OrderedDict(),
            "no weights in it or under state_dict, model, model_state_dict, net, network; its keys: none; "
            f"write one with {RESAVE}",
        ),
        (torch.ones(2), f"holds an object of type Tensor, not a dict of weights; write one with {RESAVE}"),
        ([torch.ones(2)], f"holds an object of type list, not a dict of weights; write one with {RESAVE}"),
    ],
)
def test_no_weights(tmp_path: Path, content: object, expected: str) -> None:
    """A file without named tensors is refused with what it holds."""
    path = tmp_path / "model.pth"
    torch.save(content, path)
    assert expected == error_of(path)
