"""Parse an ONNX file with the onnx library, and check its operators and the files of its weights."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from pytest_failaware.core.errors import ModelError
from pytest_failaware.core.text import describe_error, one_line

# onnxruntime's quantiser and optimiser write operators of com.microsoft. They are compiled into the runtime; on the CPU
# none of them opens a file or calls other code. Operators of other domains come from other libraries.
_DOMAINS: Final = ("", "ai.onnx", "ai.onnx.ml", "com.microsoft")
_LONGEST: Final = 2**31  # bytes; a protobuf message must be shorter
_PLACE: Final = ("location", "offset", "length")


def refuse_long(path: Path) -> None:
    """Refuse a file that is too long for protobuf, before it is read.

    Raises:
        ModelError: the file is too long.
    """
    size = path.stat().st_size
    if size >= _LONGEST:
        raise ModelError(
            f"{path}: an ONNX program of {size:,} bytes, the limit is {_LONGEST:,}; save its weights in a file beside "
            "it (save_as_external_data)"
        )


def parse_onnx(path: Path, content: bytes) -> Any:  # Any: onnx.ModelProto, of a library that may be absent
    """Return the model in a file without fields that the onnx library does not know, so that no runtime reads them.

    Raises:
        ModelError: the onnx library is missing or cannot read the file, or the model has custom operators.
    """
    onnx = _import_onnx(path)
    try:
        model = onnx.ModelProto.FromString(content)
    except Exception as error:  # protobuf has one class of error for each of its implementations
        raise ModelError(f"{path}: a damaged ONNX program ({describe_error(error)}); copy it again") from error
    if not model.HasField("graph"):
        raise ModelError(f"{path}: neither a checkpoint nor an ONNX program with a graph; copy it again")
    if model.ir_version > onnx.IR_VERSION:
        raise ModelError(
            f"{path}: an ONNX program of version {model.ir_version}, onnx {onnx.__version__} knows {onnx.IR_VERSION}; "
            "install a newer onnx, or export it for an older version"
        )
    model.DiscardUnknownFields()
    model.ClearField("metadata_props")  # they can hold options for the runtime
    _refuse_custom_operators(path, model)
    return model


def _import_onnx(path: Path) -> Any:  # Any: as above
    """Return the library onnx.

    Raises:
        ModelError: it is not installed.
    """
    try:
        import onnx
    except ImportError as error:
        raise ModelError(
            f"{path}: ONNX programs need onnx and onnxruntime; install them with pip install 'pytest-failaware[onnx]'"
        ) from error
    return onnx


def _refuse_custom_operators(path: Path, model: Any) -> None:  # Any: as above
    local = {(function.domain, function.name) for function in model.functions}
    nodes = [(node.domain, node.op_type) for node in _parts(model, "NodeProto")]
    custom = {f"{domain}:{name}" for domain, name in nodes if domain not in _DOMAINS and (domain, name) not in local}
    if custom:
        raise ModelError(
            f"{path}: an ONNX program with custom operators, {one_line(', '.join(sorted(custom)[:6]))}; none of it was "
            "run; export it with the operators of ONNX alone"
        )


def external_tensors(path: Path, model: Any) -> list[tuple[Any, dict[str, str]]]:  # Any: as above
    """Return each tensor of the model whose data lies in another file, with the place that it names.

    Raises:
        ModelError: a tensor names the place of its data twice, or not by text and numbers.
    """
    tensors = []
    for tensor in _parts(model, "TensorProto"):
        if tensor.data_location == tensor.EXTERNAL:
            tensors.append((tensor, _place(path, tensor)))
        else:
            tensor.ClearField("external_data")
    return tensors


def _place(path: Path, tensor: Any) -> dict[str, str]:  # Any: as above
    """Return the location and, if present, the offset and the length in bytes; nothing else is kept."""
    entries = [(entry.key, entry.value) for entry in tensor.external_data if entry.key in _PLACE]
    place = {"location": ""} | dict(entries)
    is_text = all(isinstance(value, str) for _, value in entries)  # text that is not UTF-8 comes as bytes
    if len(dict(entries)) < len(entries) or not is_text or not _are_numbers(place):
        raise ModelError(
            f"{path}: the tensor {one_line(repr(tensor.name))} does not name one plain place of its data; "
            "export it again"
        )
    return place


def _are_numbers(place: dict[str, str]) -> bool:
    return all(place.get(key, "0").isdecimal() for key in ("offset", "length"))


def put(tensor: Any, place: dict[str, str]) -> None:  # Any: as above
    """Write the place of its data into a tensor."""
    tensor.ClearField("external_data")
    for key, value in place.items():
        tensor.external_data.add(key=key, value=value)


def _parts(message: Any, kind: str) -> Iterator[Any]:  # Any: as above
    """Yield the messages of a kind that a message holds, at any depth."""
    if message.DESCRIPTOR.name == kind:
        yield message
    if message.DESCRIPTOR.name == "TensorProto":  # it holds long data and no wanted message
        return
    for field, value in message.ListFields():
        if field.message_type is not None:
            for part in value if hasattr(value, "__len__") else [value]:
                yield from _parts(part, kind)
