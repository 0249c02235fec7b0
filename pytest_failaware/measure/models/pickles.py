"""Read the opcodes of a pickle to find the globals that it asks for and its size when loaded; no pickle is loaded."""

from __future__ import annotations

import pickletools
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, BinaryIO, Final, cast

from pytest_failaware.core.errors import ModelError
from pytest_failaware.measure.models.archives import RESAVE, damaged

PICKLE_BYTES: Final = 8_000_000  # a network of a thousand tensors takes 100 kB
_DEPTH: Final = 200  # values in values; torch.save itself cannot write a thousand
_PARTS: Final = 100_000_000  # of all values, counted with their own parts, as hashing a key visits them
_FILLING: Final = ("APPEND", "APPENDS", "SETITEM", "SETITEMS", "ADDITEMS", "BUILD")  # they fill a container
_READING_ERRORS: Final = (ValueError, IndexError, EOFError, KeyError, UnicodeError)


@dataclass(slots=True)
class _Value:
    """A value that a pickle would build: its depth, and the number of its parts, repeated parts counted again."""

    parts: int = 1
    depth: int = 1

    def add(self, values: list[_Value]) -> None:
        """Add values as parts of this value."""
        self.parts += sum(value.parts for value in values)
        self.depth = max([self.depth, *(value.depth + 1 for value in values)])


@dataclass(slots=True)
class _Machine:
    """The machine that loads a pickle, with sizes in place of values; `parts` is the sum over all opcodes."""

    stack: list[_Value | None] = field(default_factory=list)  # None is a mark
    memo: dict[object, _Value] = field(default_factory=dict)
    parts: int = 0
    depth: int = 0

    def step(self, opcode: Any, argument: object) -> None:  # Any: pickletools exports no type
        """Apply an opcode to the stack."""
        if opcode.name == "MARK":
            self.stack.append(None)
        elif opcode.name == "DUP":
            self.stack.append(self.stack[-1])
        elif opcode.name == "MEMOIZE" or opcode.name.endswith("PUT"):
            self.memo[len(self.memo) if argument is None else argument] = self.stack[-1] or _Value()
        elif opcode.name.endswith("GET"):
            self.stack.append(self.memo[argument])
        else:
            self._build(opcode)

    def _build(self, opcode: Any) -> None:  # Any: as above
        fills = opcode.name in _FILLING
        taken = self._take(opcode, fills)
        value = (self.stack.pop() if fills else None) or _Value()
        value.add(taken)
        self.stack.extend([value] * len(opcode.stack_after))
        self.parts += sum(part.parts for part in taken)
        self.depth = max(self.depth, value.depth)

    def _take(self, opcode: Any, fills: bool) -> list[_Value]:  # Any: as above
        """Pop the arguments of an opcode from the stack, except the container that it fills."""
        before = [kind.name for kind in opcode.stack_before]
        if "mark" not in before:
            return [self.stack.pop() or _Value() for _ in before[fills:]]
        taken = []
        while (value := self.stack.pop()) is not None:
            taken.append(value)
        return taken


def check_pickles(path: Path, stream: BinaryIO, count: int) -> None:
    """Refuse small pickles that grow without bounds when they are loaded, such as tuples of the same tuples.

    Args:
        path: of the file, for errors.
        stream: the pickles, one after the other; later bytes are not read.
        count: the largest number of pickles.

    Raises:
        ModelError: a pickle nests too deep, unfolds to too many parts, is too long or is damaged.
    """
    for _ in range(count):
        start = stream.tell()
        if not stream.read(1):
            return
        stream.seek(start)
        try:
            finding = _excess(stream)
        except _READING_ERRORS as error:  # a pickle that is unreadable here must not reach the loader
            raise damaged(path, error) from error
        if finding:
            raise ModelError(f"{path}: {finding}, and none of it was run; write one with {RESAVE}")


def _excess(stream: BinaryIO) -> str:
    """Return what is too large in a pickle, "" if nothing is."""
    machine, start = _Machine(), stream.tell()
    for opcode, argument, _ in _operations(stream):
        machine.step(opcode, argument)
        if machine.depth > _DEPTH:
            return f"its pickle nests values more than {_DEPTH} deep"
        if machine.parts > _PARTS:
            return f"its pickle unfolds to more than {_PARTS:,} parts"
        if stream.tell() - start > PICKLE_BYTES:
            return f"its pickle has more than {PICKLE_BYTES:,} bytes"
    return ""


class _Bounded:
    """A stream that limits each read to the size of a pickle, since a file allocates the requested memory first.

    pickletools reads as many bytes as the pickle claims for a text, and refuses fewer.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.tell = stream.tell
        self.readline = stream.readline

    def read(self, size: int) -> bytes:
        """Return at most `size` bytes, and at most one byte more than a pickle may have."""
        return self._stream.read(min(size, PICKLE_BYTES + 1))


def _operations(stream: BinaryIO) -> Iterator[tuple[pickletools.OpcodeInfo, Any, int | None]]:
    """Yield the operations of a pickle (Any: as genops has it).

    Python warns of a wrong escape in a text of the pickle, which is no fault of the code that runs.
    """
    operations = pickletools.genops(_bounded(stream))
    while True:
        with warnings.catch_warnings():  # around each step, since a generator can be left between two steps
            warnings.simplefilter("ignore", DeprecationWarning)
            operation = next(operations, None)
        if operation is None:
            return
        yield operation


def _bounded(stream: BinaryIO) -> IO[bytes]:
    return cast("IO[bytes]", _Bounded(stream))  # genops uses only these methods


def names_in(stream: BinaryIO) -> Iterator[str]:
    """Yield the globals of one pickle after the other, until the bytes are no pickle."""
    texts, memo = [""], dict[object, str]()
    try:
        while True:
            for code, value, _ in _operations(stream):
                if code.name in ("GLOBAL", "INST"):
                    yield str(value).replace(" ", ".")
                elif code.name == "STACK_GLOBAL":
                    yield ".".join(texts[-2:])
                elif code.name == "MEMOIZE" or code.name.endswith("PUT"):
                    memo[len(memo) if value is None else value] = texts[-1]
                elif code.name.endswith("GET"):
                    texts.append(memo.get(value, "?"))
                elif isinstance(value, str):
                    texts.append(value)
    except _READING_ERRORS:  # genops raises these if there is no pickle
        return
