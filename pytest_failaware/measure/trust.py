"""Files that can run code: refused, with what they ask for, unless the user trusts these very bytes."""

from __future__ import annotations

import hashlib
import io
import pickletools
import tarfile
import zipfile
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Final

import torch

from pytest_failaware.errors import ModelError
from pytest_failaware.measure.formats import RESAVE, read_bytes
from pytest_failaware.schema import Loading
from pytest_failaware.text import one_line

_OPTION: Final = "--failaware-trust-model"
_PLAIN: Final = (
    "torch._utils._rebuild",
    "torch._tensor._rebuild",
    "collections OrderedDict",
    "collections.OrderedDict",
)
_ENTRY_LIMIT: Final = 64_000_000  # bytes of an archive's entry that is searched for what it asks for
_NESTING: Final = 4


def trusted_bytes(path: Path, loading: Loading) -> bytes | None:
    """The bytes of a file that the user trusts, to be loaded from here and not read again; None where it is not."""
    if not loading.trusted:
        return None
    content = read_bytes(path)
    return content if hashlib.sha256(content).hexdigest() in loading.trusted else None


def refusal(path: Path, finding: str, wanted: Collection[str], loading: Loading, remedy: str) -> ModelError:
    """The error for a file that needs trust: what it is, what it asks for, and the option that would trust it."""
    content = read_bytes(path)
    sha256 = hashlib.sha256(content).hexdigest()
    asked = f"; it asks for {shown(wanted)}" if wanted else ""
    if loading.trusted:
        found = f"; its hash is sha256:{sha256}, not {', '.join(f'sha256:{one}' for one in loading.trusted)} as trusted"
        return ModelError(f"{path}: {finding}{asked}, and none of it was run{found}; {remedy}, or correct {_OPTION}")
    return ModelError(
        f"{path}: {finding}{asked}, and none of it was run; where you trust its origin, {remedy}, or pass "
        f"{_OPTION}=sha256:{sha256}"
    )


def shown(wanted: Collection[str]) -> str:
    """The first six names in one line."""
    first = one_line(", ".join(sorted(wanted)[:6]))
    return f"{first} and {len(wanted) - 6} more" if len(wanted) > 6 else first


def globals_in(content: bytes, depth: int = _NESTING) -> set[str]:
    """The Python names that the pickles in a file ask for, however deep in archives; read, never run.

    A list for people: a pickle made to mislead can hide names from it, so nothing is allowed because of it.
    """
    found: set[str] = set()
    if depth and content.startswith(b"PK\x03\x04"):
        for entry in _zipped(content):
            found |= globals_in(entry, depth - 1)
    elif depth and content[257:262] == b"ustar":
        for entry in _tarred(content):
            found |= globals_in(entry, depth - 1)
    elif content.startswith((b"\x80", b"c", b"(")):
        found = set(_pickled(content))
    return {name for name in found if not name.startswith(_PLAIN) and not name.endswith("Storage")}


def _zipped(content: bytes) -> Iterator[bytes]:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for entry in archive.infolist():
                if entry.file_size <= _ENTRY_LIMIT:
                    yield archive.read(entry)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError):  # a damaged archive has no more to tell
        return


def _tarred(content: bytes) -> Iterator[bytes]:
    try:
        with tarfile.open(fileobj=io.BytesIO(content)) as archive:
            for entry in archive:
                file = archive.extractfile(entry) if entry.isfile() and entry.size <= _ENTRY_LIMIT else None
                if file is not None:
                    yield file.read()
    except (tarfile.TarError, EOFError):  # as above
        return


def _pickled(content: bytes) -> Iterator[str]:
    """The globals of one pickle after the other, until the bytes are no pickle."""
    stream, texts, memo = io.BytesIO(content), [""], dict[object, str]()
    try:
        while True:
            for code, value, _ in pickletools.genops(stream):
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
    except (ValueError, IndexError, EOFError, UnicodeError):  # genops' ways to say that here is no pickle
        return


def trusted_only(path: Path, what: str, loading: Loading) -> bytes:
    """The bytes of a file of a form that can run any code.

    Raises:
        ModelError: the user does not trust it.
    """
    content = trusted_bytes(path, loading)
    if content is None:
        finding = f"{what}, which can run any code when it is loaded"
        raise refusal(path, finding, globals_in(read_bytes(path)), loading, f"write the weights with {RESAVE}")
    return content


def refuse_old_torch(path: Path, loading: Loading) -> None:
    """Refuse an untrusted file where torch's own loader is not safe even for weights.

    Raises:
        ModelError: torch is older than 2.10.
    """
    if torch.torch_version.TorchVersion(torch.__version__) < "2.10":
        finding = f"the loader of torch {torch.__version__} has known holes"
        raise refusal(path, finding, (), loading, "install torch 2.10 or later, give a safetensors file")
