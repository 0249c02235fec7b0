"""Files that can run code: none does unless the user trusts these bytes, and the refusal says what they ask for."""

from __future__ import annotations

import hashlib
import io
import os
import pickle
import struct
import tarfile
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import nn
from torchvision import models as torchvision_models

from pytest_failaware.core.errors import ModelError
from pytest_failaware.core.request import Loading, Source, SourceKind
from pytest_failaware.measure.cache.structure import structure_sha256
from pytest_failaware.measure.models.loading import LoadedModel, load_model
from pytest_failaware.measure.models.state import model_sha256
from pytest_failaware.measure.models.trust import globals_in

CPU = torch.device("cpu")
ARCH = Source(kind=SourceKind.TORCHVISION, target="squeezenet1_1")
MKDIR = f"{os.mkdir.__module__}.mkdir"


class Payload:
    """Unpickling it makes a folder."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.mkdir, (str(self.path),)


def load(path: Path, *trusted: str, arch: Source | None = ARCH) -> LoadedModel:
    return load_model(Source(kind=SourceKind.FILE, target=str(path)), arch, CPU, Loading(trusted=trusted))


def refused(path: Path, *trusted: str) -> str:
    """Return the text of the refusal after the file's name."""
    with pytest.raises(ModelError) as caught:
        load(path, *trusted)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert message.isprintable()
    return message.removeprefix(f"{path}: ")


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


# ---- trust ---------------------------------------------------------------------------------------------------------


def pickled_module(path: Path) -> Path:
    with torch.random.fork_rng():
        torch.save(torchvision_models.squeezenet1_1(num_classes=4), path)
    return path


@pytest.mark.parametrize("key", ["", "model"])
def test_trusted_module(tmp_path: Path, key: str) -> None:
    """A whole pickled model, bare or in a checkpoint, is taken as it is once its hash is given."""
    path, original = tmp_path / "model.pth", torchvision_models.squeezenet1_1(num_classes=4)
    torch.save({key: original, "epoch": 3} if key else original, path)
    loaded = load(path, sha256(path))

    assert model_sha256(original) == loaded.facts.sha256
    assert not loaded.module.training
    assert structure_sha256(original.eval()) == structure_sha256(loaded.module), "its code is torchvision's: reusable"
    unused = "--failaware-arch=torchvision:squeezenet1_1 is not used: the pickled model of --failaware-model builds the"
    taken = ("took the model under 'model' of the checkpoint",) if key else ()
    assert ("a pickled model, whose code ran as trusted", *taken, f"{unused} whole model") == loaded.notes


def test_refusal_names_the_option_that_works(tmp_path: Path) -> None:
    """The option in the message, given as it stands, loads the file."""
    path = pickled_module(tmp_path / "model.pth")
    option = refused(path).rpartition("--failaware-trust-model=sha256:")[2]

    load(path, option)


def test_trust_is_for_these_bytes_alone(tmp_path: Path) -> None:
    """One other byte, and the file is refused again, with both hashes."""
    path = pickled_module(tmp_path / "model.pth")
    trusted = sha256(path)
    path.write_bytes(path.read_bytes() + b"\0")
    message = refused(path, trusted)

    assert f"none of it was run; its hash is sha256:{sha256(path)}, not sha256:{trusted} as trusted" in message
    assert "correct --failaware-trust-model" in message


def test_one_of_several_trusted(tmp_path: Path) -> None:
    """A run of two models may trust both."""
    path = pickled_module(tmp_path / "model.pth")

    load(path, "0" * 64, sha256(path))


def test_what_is_hashed_is_what_is_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that changes after its hash was taken does not get in."""
    path, made = pickled_module(tmp_path / "model.pth"), tmp_path / "made"
    trusted, evil = sha256(path), io.BytesIO()
    torch.save(Payload(made), evil)
    real = hashlib.sha256

    def swapping(content: bytes = b"") -> Any:
        if len(content) > 100_000:
            path.write_bytes(evil.getvalue())
        return real(content)

    monkeypatch.setattr(hashlib, "sha256", swapping)
    load(path, trusted)

    assert evil.getvalue() == path.read_bytes(), "the swap must have happened for this test to mean something"
    assert not made.exists()


def test_trust_of_weights_changes_nothing(tmp_path: Path) -> None:
    """A file of weights needs no trust, so a hash of another file does not stop it."""
    model = torchvision_models.squeezenet1_1(num_classes=4)
    torch.save(model.state_dict(), tmp_path / "model.pth")

    assert model_sha256(model) == load(tmp_path / "model.pth", "0" * 64).facts.sha256


# ---- torch before 2.10 ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", ["2.9.1", "2.9.1+cpu", "2.6.0"])
def test_old_torch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str) -> None:
    """Its loader of weights has holes: safetensors and trusted files load, others do not."""
    model, path = torchvision_models.squeezenet1_1(num_classes=4), tmp_path / "model.pth"
    torch.save(model.state_dict(), path)
    save_file(model.state_dict(), tmp_path / "model.safetensors")
    monkeypatch.setattr(torch, "__version__", version)
    expected = (
        f"the loader of torch {version} has known holes, and none of it was run; if you trust its origin, install "
        f"torch 2.10 or later, give a safetensors file, or pass --failaware-trust-model=sha256:{sha256(path)}"
    )

    assert expected == refused(path)
    assert model_sha256(model) == load(path, sha256(path)).facts.sha256
    assert model_sha256(model) == load(tmp_path / "model.safetensors").facts.sha256


def test_new_torch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """2.10 is later than 2.9."""
    model = torchvision_models.squeezenet1_1(num_classes=4)
    torch.save(model.state_dict(), tmp_path / "model.pth")
    monkeypatch.setattr(torch, "__version__", "2.10.0+cu128")

    load(tmp_path / "model.pth")


# ---- attacks -------------------------------------------------------------------------------------------------------


def in_checkpoint(path: Path, made: Path) -> None:
    torch.save({"state_dict": {"w": torch.ones(1)}, "config": {"x": [Payload(made)]}}, path)


def in_legacy_file(path: Path, made: Path) -> None:
    torch.save({"w": torch.ones(1), "x": Payload(made)}, path, _use_new_zipfile_serialization=False)


def bare_pickle(path: Path, made: Path) -> None:
    path.write_bytes(pickle.dumps(Payload(made), protocol=2))


def in_exported_program(path: Path, made: Path) -> None:
    """What lies beside the program's weights is a file of torch.save, which torch.export unpickles."""
    whole, evil = path.with_suffix(".pt2"), io.BytesIO()
    torch.save(Payload(made), evil)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.export.save(torch.export.export(nn.Linear(2, 2).eval(), (torch.zeros(3, 2),)), whole)
    with zipfile.ZipFile(whole) as old, zipfile.ZipFile(path, "w") as new:
        for entry in old.infolist():
            is_target = entry.filename.endswith("sample_inputs/model.pt")
            new.writestr(entry.filename, evil.getvalue() if is_target else old.read(entry))


def in_tar(path: Path, made: Path) -> None:
    """Torch's first format: a tar archive of pickles."""
    with tarfile.open(path, "w", format=tarfile.USTAR_FORMAT) as archive:
        for name in ("sys_info", "pickle", "storages", "tensors"):
            content = pickle.dumps(Payload(made), protocol=2)
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))


def in_package(path: Path, made: Path) -> None:
    with torch.package.PackageExporter(path) as exporter:
        exporter.extern("**")
        exporter.save_pickle("model", "model.pkl", Payload(made))


ATTACKS: dict[str, Callable[[Path, Path], None]] = {
    "nested in a checkpoint": in_checkpoint,
    "file of a former torch": in_legacy_file,
    "bare pickle": bare_pickle,
    "exported program": in_exported_program,
}


@pytest.mark.parametrize("attack", ATTACKS)
@pytest.mark.parametrize("suffix", [".pth", ".safetensors", ".onnx"])
def test_attack_is_named_and_does_not_run(tmp_path: Path, attack: str, suffix: str) -> None:
    """Whatever the file is called: its code does not run, and its name is in the message."""
    path, made = tmp_path / f"model{suffix}", tmp_path / "made"
    ATTACKS[attack](path, made)
    message = refused(path)

    assert MKDIR in message
    assert "none of it was run" in message
    assert f"--failaware-trust-model=sha256:{sha256(path)}" in message
    assert MKDIR in refused(path, "0" * 64)
    assert not made.exists()


@pytest.mark.parametrize(
    ("write", "words"),
    [(in_tar, "not a torch or safetensors checkpoint"), (in_package, "a zip archive that torch.save did not write")],
    ids=["tar", "torch.package"],
)
def test_archives_that_are_no_form_of_ours(tmp_path: Path, write: Callable[[Path, Path], None], words: str) -> None:
    """Trusted or not, they are refused as any foreign file is, and nothing of them runs."""
    path, made = tmp_path / "model.pth", tmp_path / "made"
    write(path, made)

    assert refused(path).startswith(words)
    assert refused(path, sha256(path)).startswith(words)
    assert not made.exists()


@pytest.mark.parametrize("attack", ATTACKS)
def test_attacks_are_real(tmp_path: Path, attack: str) -> None:
    """Trusted, each of them runs its code: otherwise the tests above would prove nothing."""
    path, made = tmp_path / "model.pth", tmp_path / "made"
    ATTACKS[attack](path, made)
    if attack == "bare pickle":
        pickle.loads(path.read_bytes())
    else:
        try:
            load(path, sha256(path))
        except ModelError:
            assert made.exists(), "the code ran before the file turned out to be no model"

    assert made.is_dir()


@pytest.mark.parametrize("name", ["../../evil.pkl", "/evil.pkl", "archive/../../evil.pkl", "..\\evil.pkl"])
def test_names_that_lead_out_of_an_archive(tmp_path: Path, name: str) -> None:
    """Nothing is ever unpacked, and such an archive is refused by the name."""
    path = tmp_path / "folder" / "model.pth"
    path.parent.mkdir()
    torch.save({"w": torch.ones(1)}, path)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(name, b"evil")

    assert refused(path).startswith(f"names that lead out of the archive: {name}; ")
    assert [] == list(tmp_path.rglob("evil*"))


@pytest.mark.parametrize(
    ("claimed", "real", "words"),
    [
        (100_000_000, 20, "its header claims 100,000,000 bytes, more than the 10,000,000 that any model needs"),
        (10_000_001, 10_000_001, "its header claims 10,000,001 bytes, more than the 10,000,000 that any model needs"),
        (10_000_000, 20, "cut short, damaged or no checkpoint (SafetensorError: "),
    ],
)
def test_safetensors_header_that_is_too_long(tmp_path: Path, claimed: int, real: int, words: str) -> None:
    """A header that claims more than is there, or is blown up with real blanks, costs no memory and no time."""
    path = tmp_path / "model.safetensors"
    path.write_bytes(struct.pack("<Q", claimed) + b"{}".ljust(real))

    assert refused(path).startswith(words)


def test_globals_are_listed_through_memos() -> None:
    """Later pickle protocols refer to names they have said before; the list resolves them."""
    found = globals_in(pickle.dumps([os.mkdir, os.rmdir, os.mkdir, nn.Linear], protocol=4))

    assert {MKDIR, f"{os.rmdir.__module__}.rmdir", "torch.nn.modules.linear.Linear"} == found
