"""Refuse files that can run code, with the globals that they ask for, unless the user trusts exactly these bytes."""

from __future__ import annotations

import hashlib
import io
import lzma
import re
import tarfile
import zipfile
import zlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Final

import torch

from pytest_failaware.core.budgets import ARCHIVE_DEPTH
from pytest_failaware.core.errors import ModelError
from pytest_failaware.core.request import Loading
from pytest_failaware.core.text import one_line
from pytest_failaware.measure.models.archives import RESAVE
from pytest_failaware.measure.models.formats import read_bytes
from pytest_failaware.measure.models.pickles import names_in

_OPTION: Final = "--failaware-trust-model"
_PLAIN: Final = (
    "torch._utils._rebuild",
    "torch._tensor._rebuild",
    "collections OrderedDict",
    "collections.OrderedDict",
    "__torch__.",
    "torch.jit._pickle.",
)
_NAME: Final = re.compile(r"[\w.<>-]+( [\w.<>-]+)?")  # source code, too, can begin like a pickle
_DAMAGED: Final = (  # raised by readers of archives; NotImplementedError is a RuntimeError
    zipfile.BadZipFile,
    tarfile.TarError,
    zlib.error,
    lzma.LZMAError,
    OSError,
    EOFError,
    ValueError,
    RuntimeError,
)
_ZIP: Final = b"PK\x03\x04"
_HEAD: Final = 512  # bytes that show the format of a member of an archive
_SEARCHED: Final = 4_000_000  # unpacked bytes of archives and pickles that are searched for globals


def trusted_bytes(path: Path, loading: Loading) -> bytes | None:
    """Return the bytes of a trusted file, which must be loaded from here, not read again; None if it is not trusted."""
    if not loading.trusted:
        return None
    content = read_bytes(path)
    return content if hashlib.sha256(content).hexdigest() in loading.trusted else None


def trusted_only(path: Path, what: str, loading: Loading) -> bytes:
    """Return the bytes of a file whose format can run any code.

    Raises:
        ModelError: the user does not trust it.
    """
    content = trusted_bytes(path, loading)
    if content is None:
        finding = f"{what}, which can run any code when it is loaded"
        raise refusal(
            path, finding, globals_in(read_bytes(path)), loading, f"write the weights with {RESAVE} or export to ONNX"
        )
    return content


def refusal(path: Path, finding: str, wanted: Collection[str], loading: Loading, remedy: str) -> ModelError:
    """Return the error for a file that needs trust: its format, its globals, and the option to trust it."""
    content = read_bytes(path)
    sha256 = hashlib.sha256(content).hexdigest()
    asked = f"; it asks for {shown(wanted)}" if wanted else ""
    if loading.trusted:
        hashes = (
            f"; its hash is sha256:{sha256}, not {', '.join(f'sha256:{sha}' for sha in loading.trusted)} as trusted"
        )
        return ModelError(f"{path}: {finding}{asked}, and none of it was run{hashes}; {remedy}, or correct {_OPTION}")
    return ModelError(
        f"{path}: {finding}{asked}, and none of it was run; if you trust its origin, {remedy}, or pass "
        f"{_OPTION}=sha256:{sha256}"
    )


def shown(wanted: Collection[str]) -> str:
    """Return the first six names in one line."""
    first = one_line(", ".join(sorted(wanted)[:6]))
    return f"{first} and {len(wanted) - 6} more" if len(wanted) > 6 else first


def globals_in(content: bytes, budget: int = _SEARCHED) -> set[str]:
    """Return the Python names that the pickles in a file ask for, also in nested archives; they are read, never run.

    The list is only for people, and allows nothing: a hostile pickle can hide names, and the search stops after a
    budget of bytes.
    """
    search = _Search(budget)
    search.look_into(content if _is_archive(content) else content[:budget], ARCHIVE_DEPTH)
    names = {
        name
        for name in search.names
        if _NAME.fullmatch(name) and not name.startswith(_PLAIN) and not name.endswith("Storage")
    }
    return names if search.left > 0 else names | {f"(not searched beyond {budget:,} bytes)"}


@dataclass(slots=True)
class _Search:
    """The bytes that may still be unpacked, of all nested archives together, and the names so far."""

    left: int
    names: set[str] = field(default_factory=set)

    def look_into(self, content: bytes, depth: int) -> None:
        """Add the names in a pickle, or in the members of an archive and of nested archives."""
        if not _is_archive(content):
            self.names.update(names_in(io.BytesIO(content)))
            return
        if not depth:
            return
        try:
            for member in _zipped(content):
                if self.left <= 0:
                    return
                self.look_into(self._unpack(member), depth - 1)
        except _DAMAGED:  # the rest of the archive cannot be read
            return

    def _unpack(self, member: IO[bytes]) -> bytes:
        """Return the content of a member within the budget; only its head if it is neither an archive nor a pickle."""
        content = member.read(_HEAD)
        if _is_archive(content) or content.startswith((b"\x80", b"c", b"(")):
            content += member.read(self.left)
        self.left -= max(_HEAD, len(content))  # opening an empty member takes time, too
        return content


def _is_archive(head: bytes) -> bool:
    return head.startswith(_ZIP)


def _zipped(content: bytes) -> Iterator[IO[bytes]]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for member in archive.infolist():
            with archive.open(member) as file:
                yield file


def refuse_old_torch(path: Path, loading: Loading) -> None:
    """Refuse an untrusted file if torch's loader is not safe even for weights.

    Raises:
        ModelError: torch is older than 2.10.
    """
    if torch.torch_version.TorchVersion(torch.__version__) < "2.10":
        finding = f"the loader of torch {torch.__version__} has known holes"
        raise refusal(path, finding, (), loading, "install torch 2.10 or later, give a safetensors file")
