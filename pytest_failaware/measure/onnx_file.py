"""An ONNX file as bytes: whether it is one, and which other files its weights lie in, without running anything.

ONNX is a protobuf message, a sequence of (field number, value). Only the way to the weights is followed here, so that
the files which a runtime would open are known before it is asked to.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

_FIELDS: Final[Mapping[str, Mapping[int, str]]] = {
    "model": {7: "graph", 20: "training", 25: "function"},
    "training": {1: "graph", 2: "graph"},
    "function": {7: "node", 11: "attribute"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
    "tensor": {13: "entry"},
}
"""Message -> field number -> the message in it, on the way to where tensors name their files."""

_IR_VERSION, _GRAPH = 1, 7
_VARINT, _FIXED64, _MESSAGE, _FIXED32 = 0, 1, 2, 5  # protobuf's ways to write a value
_DEPTH: Final = 100  # messages in one another; a control flow in a control flow takes six


def looks_like_onnx(content: bytes) -> bool:
    """Whether the bytes are a message to their end, with a version and a graph."""
    try:
        numbers = {number for number, _ in _fields(memoryview(content))}
    except ValueError:
        return False
    return {_IR_VERSION, _GRAPH} <= numbers


def data_files(content: bytes) -> set[str]:
    """The locations of external data, as the file names them.

    Raises:
        ValueError: the bytes are no ONNX message.
    """
    return set(_locations(memoryview(content), "model", 0))


def _locations(message: memoryview, kind: str, depth: int) -> Iterator[str]:
    if depth > _DEPTH:
        raise ValueError("messages nested too deep")
    if kind == "entry":
        pair = dict(_fields(message))
        if bytes(pair.get(1, b"")) == b"location":
            yield bytes(pair.get(2, b"")).decode()
        return
    for number, value in _fields(message):
        if inner := _FIELDS[kind].get(number):
            yield from _locations(value, inner, depth + 1)


def _fields(message: memoryview) -> Iterator[tuple[int, memoryview]]:
    """The fields of a message; numbers have an empty value, since only messages and texts are asked for."""
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        number, way = key >> 3, key & 7
        length = {_VARINT: 0, _FIXED64: 8, _FIXED32: 4}.get(way)
        if way == _VARINT:
            _, at = _varint(message, at)
        elif way == _MESSAGE:
            length, at = _varint(message, at)
        if length is None or not number or at + length > len(message):
            raise ValueError(f"no message at byte {at}")
        yield number, message[at : at + length] if way == _MESSAGE else message[:0]
        at += length


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    value = 0
    for place, byte in enumerate(message[at : at + 10]):
        value |= (byte & 127) << 7 * place
        if byte < 128:
            return value, at + place + 1
    raise ValueError(f"no number at byte {at}")
