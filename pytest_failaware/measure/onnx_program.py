"""An ONNX file as a function from images to logits, computed by onnxruntime on the CPU."""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch

from pytest_failaware.errors import ModelError
from pytest_failaware.measure.formats import read_bytes
from pytest_failaware.measure.onnx_file import data_files
from pytest_failaware.text import describe_error, one_line

_TYPES: Final = {"tensor(float)": np.float32, "tensor(float16)": np.float16}
_ERRORS_ONLY: Final = 3  # onnxruntime's level of log; it writes warnings straight to the terminal


class OnnxProgram:
    """One input, one output; a batch that was fixed at export is met by parts, the last one filled up."""

    def __init__(self, session: Any, path: Path) -> None:  # Any: onnxruntime ships no types
        inputs, outputs = session.get_inputs(), session.get_outputs()
        if len(inputs) != 1 or len(outputs) != 1 or inputs[0].type not in _TYPES or len(inputs[0].shape) != 4:
            given = ", ".join(f"{one.name} {one.type} {one.shape}" for one in (*inputs, *outputs))
            raise ModelError(
                f"{path}: a classifier has one input of images (N, C, H, W) in float32 or float16 and one output of "
                f"logits, this program has {len(inputs)} and {len(outputs)}: {one_line(given)}; export the model so"
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


def open_onnx(path: Path) -> tuple[OnnxProgram, str, str]:
    """The program, the SHA-256 over its file and the files of its weights, and onnxruntime's version.

    Raises:
        ModelError: onnxruntime is missing or refuses the file, or its weights lie outside of its folder.
    """
    try:
        import onnxruntime
    except ImportError as error:
        raise ModelError(
            f"{path}: ONNX programs need onnxruntime; install it with pip install 'pytest-failaware[onnx]'"
        ) from error
    contents = _contents(path)
    digest = hashlib.sha256()
    for name, content in sorted(contents.items()):
        digest.update(content if len(contents) == 1 else hashlib.sha256(name.encode() + b"\0" + content).digest())
    options = onnxruntime.SessionOptions()
    options.log_severity_level = _ERRORS_ONLY
    options.intra_op_num_threads = torch.get_num_threads()
    try:
        session = _session(onnxruntime, contents, options)
    except Exception as error:  # the runtime raises a class of its own for each kind of fault
        raise ModelError(f"{path}: onnxruntime cannot load it ({describe_error(error)}); export it again") from error
    return OnnxProgram(session, path), digest.hexdigest(), onnxruntime.__version__


def _session(runtime: Any, contents: dict[str, bytes], options: Any) -> Any:  # Any: onnxruntime ships no types
    """A session on the very bytes that were checked: in memory, or in a folder that holds nothing else."""
    providers = ["CPUExecutionProvider"]
    own = f"{hashlib.sha256(contents['']).hexdigest()}.onnx"  # a name that no weights in it can have
    if len(contents) == 1:
        return runtime.InferenceSession(contents[""], options, providers=providers)
    with tempfile.TemporaryDirectory(prefix="pytest-failaware-") as folder:
        for name, content in contents.items():
            place = Path(folder, name or own)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content)
        return runtime.InferenceSession(str(Path(folder, own)), options, providers=providers)


def _contents(path: Path) -> dict[str, bytes]:
    """The file under the name "", and each file of external data under the name that it is given there."""
    content = read_bytes(path)
    try:
        names = data_files(content)
    except ValueError as error:
        raise ModelError(f"{path}: a damaged ONNX program ({describe_error(error)}); copy it again") from error
    return {"": content} | {name: _data(path, name) for name in names}


def _data(path: Path, name: str) -> bytes:
    place = path.parent / name
    is_plain = name.isprintable() and bool(name) and not Path(name).is_absolute() and ".." not in Path(name).parts
    folders = (path.parent.resolve(), path.resolve().parent)  # a store of models may hold both behind links
    if not is_plain or not any(place.resolve().is_relative_to(folder) for folder in folders):
        raise ModelError(
            f"{path}: names weights outside of its folder: {one_line(name)!r}; nothing was read from there; keep the "
            "data beside the model and export it again"
        )
    if not place.is_file():
        raise ModelError(f"{path}: its weights lie in {one_line(name)!r}, which is not there; copy it beside the model")
    return read_bytes(place)
