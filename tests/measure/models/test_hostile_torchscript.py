"""TorchScript can write any file: without trust no form of it reaches the loader, under any file name."""

from __future__ import annotations

import hashlib
import io
import site
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from hostile_models import BODIES, python_start_line, script, script_on_load, two_archives, weights, zipped

from pytest_failaware.core.errors import ModelError
from pytest_failaware.core.request import Loading, Source, SourceKind
from pytest_failaware.measure.models.loading import load_model

CPU = torch.device("cpu")
FILES: dict[str, Callable[[Path], bytes]] = {
    **{name: lambda made, body=body: zipped(script(body.format(made))) for name, body in BODIES.items()},
    "on load": lambda made: zipped(script_on_load(BODIES["save"].format(made))),
    "on load, joined": lambda made: zipped(script_on_load(BODIES["joined literals"].format(made))),
    "a line of a .pth file": lambda made: zipped(script(python_start_line(made, made.with_suffix(".ran")))),
    "two archives": lambda made: two_archives(script(BODIES["save"].format(made)), weights()),
    "two archives, on load": lambda made: two_archives(script_on_load(BODIES["save"].format(made)), weights()),
}


def load(path: Path, *trusted: str) -> None:
    load_model(Source(kind=SourceKind.FILE, target=str(path)), None, CPU, Loading(trusted=trusted))


def refused(path: Path, *trusted: str) -> str:
    """Return the line of the refusal."""
    with pytest.raises(ModelError) as caught:
        load(path, *trusted)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert message.isprintable()
    return message


@pytest.mark.parametrize("name", FILES)
def test_torchscript_does_not_run(tmp_path: Path, name: str) -> None:
    """Nothing is written, and the refusal names the hash that would let the file run."""
    path = tmp_path / "model.pt"
    path.write_bytes(FILES[name](tmp_path / "made"))
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()

    assert refused(path).endswith(f"or pass --failaware-trust-model=sha256:{sha256}")
    assert f"its hash is sha256:{sha256}, not sha256:{'0' * 64} as trusted" in refused(path, "0" * 64)
    assert [path] == list(tmp_path.iterdir())


@pytest.mark.parametrize("name", FILES)
def test_torchscript_is_real(tmp_path: Path, name: str) -> None:
    """Torch runs each of them and it writes: otherwise the test above would prove nothing."""
    content = FILES[name](tmp_path / "made")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch deprecates TorchScript
        torch.jit.load(io.BytesIO(content))(torch.zeros(2, 1, 8, 8))

    assert (tmp_path / "made").is_file()


def test_torchscript_writes_exact_bytes(tmp_path: Path) -> None:
    """A line in a .pth file of a site folder is code at the next start of Python."""
    made = tmp_path / "made.pth"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.load(io.BytesIO(FILES["a line of a .pth file"](made)))(torch.zeros(2, 1, 8, 8))
    site.addpackage(str(tmp_path), made.name, set())

    assert made.with_suffix(".ran").exists()


@pytest.mark.parametrize("suffix", [".pth", ".pt", ".bin", ".zip", ".pt2", ".onnx", ".safetensors", ".ckpt", ""])
@pytest.mark.parametrize("name", ["octal escape", "two archives"])
def test_suffix_of_torchscript(tmp_path: Path, name: str, suffix: str) -> None:
    """No suffix makes another form of it."""
    path = tmp_path / f"model{suffix}"
    path.write_bytes(FILES[name](tmp_path / "made"))

    assert "a TorchScript archive, which can run any code" in refused(path)
    assert [path] == list(tmp_path.iterdir())


def test_trusted_torchscript(tmp_path: Path) -> None:
    """With its hash it is loaded, and then it really does what it likes."""
    path = tmp_path / "model.pt"
    path.write_bytes(FILES["on load"](tmp_path / "made"))
    load(path, hashlib.sha256(path.read_bytes()).hexdigest())

    assert (tmp_path / "made").is_file()


def test_two_archives_of_weights(tmp_path: Path) -> None:
    """A file that shows each of two readers other weights is refused, too."""
    path = tmp_path / "model.pth"
    other = {name: content + b"\0" if name.endswith("data/0") else content for name, content in weights().items()}
    path.write_bytes(two_archives(other, weights()))

    assert "two readers of zip archives see different content in it" in refused(path)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_name_that_is_there_twice(tmp_path: Path) -> None:
    """Which of two members of one name is read depends on the reader."""
    path = tmp_path / "model.pth"
    torch.save({"weight": torch.ones(3)}, path)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("model/data.pkl", b"\x80\x02}.")

    assert "two readers of zip archives see different content in it" in refused(path)


@pytest.mark.parametrize("name", FILES)
def test_torch_load_refuses_torchscript_itself(tmp_path: Path, name: str) -> None:
    """Even past our recognition torch.load with weights_only dispatches none of them to torch.jit.load."""
    path = tmp_path / "model.pth"
    path.write_bytes(FILES[name](tmp_path / "made"))
    for file in (path, io.BytesIO(path.read_bytes())):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with pytest.raises(RuntimeError, match="Cannot use ``weights_only=True`` with TorchScript archives"):
                torch.load(file, weights_only=True)

    assert [path] == list(tmp_path.iterdir())
