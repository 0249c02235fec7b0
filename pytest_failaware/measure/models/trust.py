"""Files that can run code: refused, with what they ask for, unless the user trusts these very bytes."""

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
_NAME: Final = re.compile(r"[\w.<>-]+( [\w.<>-]+)?")  # source code, too, can begin as a pickle does
_DAMAGED: Final = (  # what the readers of archives raise, NotImplementedError among the RuntimeErrors
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
_HEAD: Final = 512  # bytes that show what a member of an archive is
_SEARCHED: Final = 4_000_000  # bytes, unpacked, of all archives and pickles that are searched for what they ask for


def trusted_bytes(path: Path, loading: Loading) -> bytes | None:
    """The bytes of a file that the user trusts, to be loaded from here and not read again; None where it is not."""
    if not loading.trusted:
        return None
    content = read_bytes(path)
    return content if hashlib.sha256(content).hexdigest() in loading.trusted else None


def trusted_only(path: Path, what: str, loading: Loading) -> bytes:
    """The bytes of a file of a form that can run any code.

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


def globals_in(content: bytes, budget: int = _SEARCHED) -> set[str]:
    """The Python names that the pickles in a file ask for, in archives in archives too; read, never run.

    A list for people: a pickle made to mislead can hide names from it, and no more than a budget of bytes is searched,
    so nothing is allowed because of it.
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
    """The bytes that may still be unpacked, of all archives in one another together, and the names found so far."""

    left: int
    names: set[str] = field(default_factory=set)

    def look_into(self, content: bytes, depth: int) -> None:
        """Add the names in a pickle, or in the members of an archive and of those in it."""
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
        except _DAMAGED:  # the rest of the archive has no names that could be read
            return

    def _unpack(self, member: IO[bytes]) -> bytes:
        """Return what a member holds, as far as the budget goes; its head alone if it is no archive and no pickle."""
        content = member.read(_HEAD)
        if _is_archive(content) or content.startswith((b"\x80", b"c", b"(")):
            content += member.read(self.left)
        self.left -= max(_HEAD, len(content))  # to open an empty member takes time, too
        return content


def _is_archive(head: bytes) -> bool:
    return head.startswith(_ZIP)


def _zipped(content: bytes) -> Iterator[IO[bytes]]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for member in archive.infolist():
            with archive.open(member) as file:
                yield file


def refuse_old_torch(path: Path, loading: Loading) -> None:
    """Refuse an untrusted file where torch's own loader is not safe even for weights.

    Raises:
        ModelError: torch is older than 2.10.
    """
    if torch.torch_version.TorchVersion(torch.__version__) < "2.10":
        finding = f"the loader of torch {torch.__version__} has known holes"
        raise refusal(path, finding, (), loading, "install torch 2.10 or later, give a safetensors file")
