"""An ONNX file as a function from images to logits, computed by onnxruntime on the CPU."""

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
    """One input, one output; a batch that was fixed at export is met by parts, the last one filled up."""

    def __init__(self, session: Any, path: Path) -> None:  # Any: onnxruntime ships no types
        inputs, outputs = session.get_inputs(), session.get_outputs()
        if len(inputs) != 1 or len(outputs) != 1 or not _is_classifier(inputs[0], outputs[0]):
            given = ", ".join(f"{one.name} {one.type} {one.shape}" for one in (*inputs, *outputs))
            raise ModelError(
                f"{path}: a classifier has one input of images (N, C, H, W) in float32 or float16 and one output of "
                f"logits in these or float64, this program has {len(inputs)} and {len(outputs)}: {one_line(given)}; "
                "export the model so"
            )
        self.session, self.input, self.type = session, inputs[0].name, _TYPES[inputs[0].type]
        batch = inputs[0].shape[0]
        self.batch: int | None = batch if isinstance(batch, int) and batch > 0 else None

    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        """Logits, (N, K), on the device of the images."""
        if torch.is_autocast_enabled(images.device.type):
            raise ModelError("an ONNX program computes in its own precision; leave --failaware-precision out")
        pixels = np.ascontiguousarray(images.cpu().numpy(), dtype=self.type)
        step = self.batch or len(pixels)
        parts = [self._part(pixels[start : start + step], step) for start in range(0, len(pixels), step)]
        return torch.from_numpy(np.concatenate(parts)).to(images.device)

    def _part(self, pixels: np.ndarray[Any, np.dtype[Any]], step: int) -> np.ndarray[Any, np.dtype[Any]]:
        filled = np.concatenate([pixels, np.repeat(pixels[-1:], step - len(pixels), axis=0)])
        answer: np.ndarray[Any, np.dtype[Any]] = self.session.run(None, {self.input: filled})[0]
        return answer[: len(pixels)]


def _is_classifier(images: Any, logits: Any) -> bool:  # Any: as above
    """Whether the input can be images and the output logits, by their types and dimensions."""
    return images.type in _TYPES and len(images.shape) == 4 and logits.type in _LOGITS


def open_onnx(path: Path) -> tuple[OnnxProgram, str, str]:
    """The program, the SHA-256 over its file and the files of its weights, and onnxruntime's version.

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
    """A session on what was checked, written again by the library that checked it, in a folder with nothing else."""
    options = runtime.SessionOptions()
    options.log_severity_level = _ERRORS_ONLY
    options.intra_op_num_threads = torch.get_num_threads()
    options.add_session_config_entry("session.load_model_format", "ONNX")  # never the runtime's own form
    try:
        return runtime.InferenceSession(str(private), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # the runtime raises a class of its own for each kind of fault
        reason = describe_error(error).replace(str(private), path.name)
        raise ModelError(f"{path}: onnxruntime cannot load it ({reason}); export it again") from error


def _copy_weights(path: Path, model: Any, folder: Path) -> dict[str, bytes]:  # Any: onnx.ModelProto
    """Copy the files of the weights under names of ours, which the model then names, and return their digests by name.

    With other names nothing depends on how the runtime reads a name: it takes some for addresses in memory.
    """
    tensors = external_tensors(path, model)
    names = sorted({place["location"] for _, place in tensors})
    own = {name: f"{number}.data" for number, name in enumerate(names)}
    digests = {name: _copy(path, name, folder / own[name]) for name in names}
    for tensor, place in tensors:
        put(tensor, place | {"location": own[place["location"]]})
    return digests


def _copy(path: Path, name: str, target: Path) -> bytes:
    """Copy one file of weights, and return the SHA-256 of its name and of the very bytes that were copied."""
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
    """The file that a model names, with its links resolved."""
    is_plain = name.isprintable() and bool(name) and not Path(name).is_absolute() and ".." not in Path(name).parts
    folders = (path.parent.resolve(), path.resolve().parent)  # a store of models may hold both behind links
    try:
        place = (path.parent / name).resolve() if is_plain else path
        is_there = place.is_file()
    except (OSError, RuntimeError) as error:  # too long, or links in a circle
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
    """The hash of the file, and where its weights lie in others, one over the digests of all, by their names."""
    if not digests:
        return hashlib.sha256(content).hexdigest()
    digests = {"": hashlib.sha256(b"\0" + content).digest()} | digests
    return hashlib.sha256(b"".join(digests[name] for name in sorted(digests))).hexdigest()
