"""Open an ONNX file as a function from images to logits, which onnxruntime computes on the CPU."""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch

from pytest_failaware.core.errors import ModelError
from pytest_failaware.core.lfs import LFS_REMEDY, is_lfs_pointer
from pytest_failaware.core.text import describe_error, one_line
from pytest_failaware.measure.models.formats import read_bytes
from pytest_failaware.measure.models.onnx_file import external_tensors, parse_onnx, put, refuse_long

_TYPES: Final = {"tensor(float)": np.float32, "tensor(float16)": np.float16}
_LOGITS: Final = (*_TYPES, "tensor(double)")
_CHUNK: Final = 1 << 20  # bytes
_HEAD: Final = 64  # bytes that show a pointer of Git LFS
_ERRORS_ONLY: Final = 3  # onnxruntime's level of log; it writes warnings straight to the terminal


class OnnxProgram:
    """A program with one input and one output; for a fixed batch size, batches are split and padded."""

    def __init__(self, session: Any, path: Path) -> None:  # Any: onnxruntime ships no types
        inputs, outputs = session.get_inputs(), session.get_outputs()
        if len(inputs) != 1 or len(outputs) != 1 or not _is_classifier(inputs[0], outputs[0]):
            signature = ", ".join(f"{value.name} {value.type} {value.shape}" for value in (*inputs, *outputs))
            raise ModelError(
                f"{path}: a classifier has one input of images (N, C, H, W) in float32 or float16 and one output of "
                f"logits in these or float64, this program has {len(inputs)} and {len(outputs)}: "
                f"{one_line(signature)}; export the model so"
            )
        self.session, self.input, self.type = session, inputs[0].name, _TYPES[inputs[0].type]
        batch = inputs[0].shape[0]
        self.batch: int | None = batch if isinstance(batch, int) and batch > 0 else None

    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        """Return logits, (N, K), on the device of the images."""
        if torch.is_autocast_enabled(images.device.type):
            raise ModelError("an ONNX program computes in its own precision; remove --failaware-precision")
        pixels = np.ascontiguousarray(images.cpu().numpy(), dtype=self.type)
        step = self.batch or len(pixels)
        parts = [self._part(pixels[start : start + step], step) for start in range(0, len(pixels), step)]
        return torch.from_numpy(np.concatenate(parts)).to(images.device)

    def _part(self, pixels: np.ndarray[Any, np.dtype[Any]], step: int) -> np.ndarray[Any, np.dtype[Any]]:
        filled = np.concatenate([pixels, np.repeat(pixels[-1:], step - len(pixels), axis=0)])
        answer: np.ndarray[Any, np.dtype[Any]] = self.session.run(None, {self.input: filled})[0]
        return answer[: len(pixels)]


def _is_classifier(images: Any, logits: Any) -> bool:  # Any: as above
    """Return whether the types and dimensions fit images as input and logits as output."""
    return images.type in _TYPES and len(images.shape) == 4 and logits.type in _LOGITS


def open_onnx(path: Path) -> tuple[OnnxProgram, str, str]:
    """Return the program, the SHA-256 over its file and the files of its weights, and the version of onnxruntime.

    Raises:
        ModelError: onnx or onnxruntime is missing or refuses the file, it has custom operators, or its weights lie
            outside of its folder.
    """
    refuse_long(path)
    content = read_bytes(path)
    model = parse_onnx(path, content)
    runtime = _import_runtime(path)
    try:
        with tempfile.TemporaryDirectory(prefix="pytest-failaware-") as folder:
            digests = _copy_weights(path, model, Path(folder))
            private = Path(folder, "model.onnx")
            private.write_bytes(model.SerializeToString())
            session = _session(runtime, private, path)
    except OSError as error:
        raise ModelError(
            f"{path}: cannot be copied to a temporary folder ({describe_error(error)}); check permissions and space"
        ) from error
    return OnnxProgram(session, path), _sha256(content, digests), runtime.__version__


def _import_runtime(path: Path) -> Any:  # Any: onnxruntime ships no types
    try:
        import onnxruntime
    except ImportError as error:
        raise ModelError(
            f"{path}: ONNX programs need onnxruntime; install it with pip install 'pytest-failaware[onnx]'"
        ) from error
    return onnxruntime


def _session(runtime: Any, private: Path, path: Path) -> Any:  # Any: as above
    """Return a session on the checked model, which onnx wrote again into an empty folder."""
    options = runtime.SessionOptions()
    options.log_severity_level = _ERRORS_ONLY
    options.intra_op_num_threads = torch.get_num_threads()
    options.add_session_config_entry("session.load_model_format", "ONNX")  # never the runtime's own format
    try:
        return runtime.InferenceSession(str(private), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # the runtime has a class of error for each kind of fault
        reason = describe_error(error).replace(str(private), path.name)
        raise ModelError(f"{path}: onnxruntime cannot load it ({reason}); export it again") from error


def _copy_weights(path: Path, model: Any, folder: Path) -> dict[str, bytes]:  # Any: onnx.ModelProto
    """Copy the files of the weights under new names, put these into the model, and return the digests by old name.

    New names are needed since the runtime reads some names as addresses in memory.
    """
    tensors = external_tensors(path, model)
    names = sorted({place["location"] for _, place in tensors})
    private_names = {name: f"{number}.data" for number, name in enumerate(names)}
    digests = {name: _copy(path, name, folder / private_names[name]) for name in names}
    for tensor, place in tensors:
        put(tensor, place | {"location": private_names[place["location"]]})
    return digests


def _copy(path: Path, name: str, target: Path) -> bytes:
    """Copy a file of weights, and return the SHA-256 of its name and of the copied bytes."""
    digest = hashlib.sha256(name.encode() + b"\0")
    place = _place(path, name)
    with place.open("rb") as source, target.open("xb") as copy:
        while chunk := source.read(_CHUNK):
            digest.update(chunk)
            copy.write(chunk)
    with target.open("rb") as copy:
        if is_lfs_pointer(copy.read(_HEAD)):
            raise ModelError(f"{place}: a Git LFS pointer, not the weights of {path.name}; {LFS_REMEDY}")
    return digest.digest()


def _place(path: Path, name: str) -> Path:
    """Return the file that a model names, with its links resolved."""
    is_plain = name.isprintable() and bool(name) and not Path(name).is_absolute() and ".." not in Path(name).parts
    folders = (path.parent.resolve(), path.resolve().parent)  # in a store of models both may be links
    try:
        place = (path.parent / name).resolve() if is_plain else path
        is_there = place.is_file()
    except (OSError, RuntimeError) as error:  # the name is too long, or links form a circle
        raise ModelError(
            f"{path}: names weights that no file has ({describe_error(error)}); export it again"
        ) from error
    if not is_plain or not any(place.is_relative_to(folder) for folder in folders):
        raise ModelError(
            f"{path}: names weights outside of its folder: {one_line(name)!r}; nothing was read from there; keep the "
            "data beside the model and export it again"
        )
    if not is_there:
        raise ModelError(f"{path}: its weights lie in {one_line(name)!r}, which is not there; copy it beside the model")
    return place


def _sha256(content: bytes, digests: dict[str, bytes]) -> str:
    """Return the hash of the file; if other files hold the weights, a hash over the digests of all files by name."""
    if not digests:
        return hashlib.sha256(content).hexdigest()
    digests = {"": hashlib.sha256(b"\0" + content).digest()} | digests
    return hashlib.sha256(b"".join(digests[name] for name in sorted(digests))).hexdigest()
