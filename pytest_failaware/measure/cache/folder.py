"""Records of earlier runs in a folder: one npz file per measurement, found by everything the measurement depends on."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pytest_failaware.core.files import write_atomically
from pytest_failaware.core.npz import (
    ColumnsError,
    check_outcome,
    pack,
    read_only,
    unpack,
)
from pytest_failaware.core.records import LOGITS, RECORD_DTYPES, Records
from pytest_failaware.core.samples import Samples
from pytest_failaware.core.text import describe_error
from pytest_failaware.measure.cache.opened import Opened

LIMIT: Final = 256 * 2**20
"""The bytes that all files together may take."""

_LAYOUT: Final = "1"  # rises when files of an earlier version must not be read
_OPENED: Final = "opened"  # no condition has this name
_LOOKED_AT: Final = 20  # files, when looking for the one that differs least
_WITNESS: Final = "own files"  # what is kept beside the parts, and not looked for
_SHORT: Final = 40  # characters of a value that is worth showing; hashes are longer
_MEMBERS: Final = {"parts", "sha256", *RECORD_DTYPES}

Parts = Mapping[str, str]
"""What a measurement depends on, by the names that people read."""


class RecordCache:
    """The folder, which several processes may use at once; `notify` is told what the user should know about it."""

    def __init__(self, folder: Path, *, notify: Callable[[str], None], limit_bytes: int = LIMIT) -> None:
        self.folder = folder
        self.limit_bytes = limit_bytes
        self._notify = notify
        self._own: set[Path] = set()  # files of this run, which explain nothing about the last one

    def find(self, name: str, parts: Parts, samples: Samples) -> Records | str:
        """Return the records kept for these parts, with read-only columns, else why there are none.

        Args:
            name: the condition's, as a file name has it.
            parts: what the records depend on.
            samples: what the records must be of.
        """
        found = self.find_witnessed(name, parts, samples)
        return found if isinstance(found, str) else found[0]

    def find_witnessed(self, name: str, parts: Parts, samples: Samples) -> tuple[Records, str] | str:
        """Return what `find` does, with the witness that was kept beside the records."""
        path = self._path(name, parts)
        try:
            kept, records = _unpacked(path.read_bytes())
            witness = kept.pop(_WITNESS, "")
            if kept != parts:
                raise ColumnsError("it belongs to another measurement")
            records = _of_samples(records, samples)
        except FileNotFoundError:
            return self._reason(name, parts)
        except OSError as error:
            self._notify(f"the cache {self.folder} cannot be read ({error.strerror or error}); make it readable")
            return "the cache cannot be read"
        except ColumnsError as error:
            self._notify(f"{path}: not what the cache wrote ({error}); measured anew and replaced")
            return "its file in the cache was damaged"
        with contextlib.suppress(OSError):  # in a read-only folder: the file's age decides only when it is removed
            os.utime(path)
        return records, witness

    def keep(self, name: str, parts: Parts, records: Records, witness: str = "") -> None:
        """Write the records, and remove the files longest unused if all together take too much.

        A witness says what no part can say: which own code ran, or the runner's notes. Records with another witness
        for the same parts are replaced.
        """
        content = _packed({**parts, **({_WITNESS: witness} if witness else {})}, records)
        if len(content) > self.limit_bytes:
            self._notify(f"{name} is not kept: {len(content):,} bytes, the cache holds {self.limit_bytes:,}")
            return
        path = self._path(name, parts)
        self._own.add(path)
        try:
            write_atomically(path, content)
            self._remove_oldest()
        except OSError as error:
            reason = error.strerror or error
            self._notify(
                f"the cache {self.folder} cannot be written ({reason}), so the next run measures anew; free the place, "
                "make it writable, or pass --failaware-no-cache"
            )

    def find_opened(self, key: Parts) -> Opened | None:
        """What an earlier run with this key opened, None if nothing is kept or can be read."""
        path = self._path(_OPENED, key)
        try:
            opened = Opened.from_bytes(path.read_bytes(), key)
        except OSError:  # the records tell the user what is wrong with the folder
            return None
        except ColumnsError as error:
            self._notify(f"{path}: not what the cache wrote ({error}); measured anew and replaced")
            return None
        with contextlib.suppress(OSError):
            os.utime(path)
        return opened

    def keep_opened(self, key: Parts, opened: Opened) -> None:
        """Write what a run with this key opened, unless it would take the place of all records."""
        content = opened.to_bytes(key)
        if len(content) > self.limit_bytes // 4:
            return
        with contextlib.suppress(OSError):  # writing the records has told the user
            write_atomically(self._path(_OPENED, key), content)
            self._remove_oldest()

    def _path(self, name: str, parts: Parts) -> Path:
        return self.folder / f"{name}@{hashlib.sha256(_canonical(parts)).hexdigest()[:32]}.npz"

    def _reason(self, name: str, parts: Parts) -> str:
        """Which parts differ from the most similar file of this condition and earlier runs, the latest among equals."""
        differences = [_differences(old, parts) for old in self._latest(name)]
        fewest = min(differences, key=len, default=["not in the cache yet"])
        return "; ".join(fewest)

    def _latest(self, name: str) -> list[Parts]:
        """The parts of the latest files of a condition; those that cannot be read explain nothing."""
        found: list[Parts] = []
        files = [path for *_, path in sorted(_files(self.folder, f"{name}@*.npz"), reverse=True)]
        for path in [path for path in files if path not in self._own][:_LOOKED_AT]:
            with contextlib.suppress(OSError, ColumnsError):
                found.append(_unpacked(path.read_bytes())[0])
        return found

    def _remove_oldest(self) -> None:
        """Temporary files that a killed process left behind count too."""
        files = sorted(_files(self.folder, "*"))
        excess = sum(size for _, size, _ in files) - self.limit_bytes
        for _, size, path in files:
            if excess <= 0:
                return
            path.unlink(missing_ok=True)
            excess -= size


def _files(folder: Path, pattern: str) -> list[tuple[int, int, Path]]:
    """Time of change, size and path of the files there are; another process may remove some meanwhile."""
    found: list[tuple[int, int, Path]] = []
    for path in folder.glob(pattern):
        with contextlib.suppress(FileNotFoundError):
            status = path.stat()
            found.append((status.st_mtime_ns, status.st_size, path))
    return found


def _differences(old: Parts, new: Parts) -> list[str]:
    changed = [name for name in {**new, **old} if old.get(name) != new.get(name) and name != _WITNESS]
    return [_difference(name, old.get(name, "absent"), new.get(name, "absent")) for name in changed]


def _difference(name: str, old: str, new: str) -> str:
    return f"{name} was {old}, is {new}" if max(len(old), len(new)) <= _SHORT else f"{name} changed"


# ---- one file ------------------------------------------------------------------------------------------------------


def _canonical(parts: Parts) -> bytes:
    """The one spelling of the parts, with the layout of the file."""
    return json.dumps({"": _LAYOUT, **parts}, sort_keys=True, allow_nan=False).encode()


def _packed(parts: Parts, records: Records) -> bytes:
    columns = records.columns
    spelled = np.frombuffer(_canonical(parts), dtype=np.uint8)
    return pack({"parts": spelled, "sha256": _digest(spelled, columns), **columns})


def _unpacked(content: bytes) -> tuple[dict[str, str], Records]:
    """What one file holds, each column read-only and bound to the parts by a hash."""
    members = unpack(content)
    if set(members) - {LOGITS} != _MEMBERS:
        raise ColumnsError("other members")
    spelled, digest = members.pop("parts"), members.pop("sha256")
    if not np.array_equal(digest, _digest(spelled, members)):
        raise ColumnsError("its hash does not fit")
    return _parts(spelled), Records.from_columns({name: read_only(column) for name, column in members.items()})


def _parts(spelled: NDArray[np.uint8]) -> dict[str, str]:
    """The parts in their canonical spelling, the only one there is."""
    try:
        parts = json.loads(spelled.tobytes())
        del parts[""]
        if spelled.tobytes() == _canonical(parts) and all(isinstance(value, str) for value in parts.values()):
            return dict(parts)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise ColumnsError(f"its parts cannot be read ({describe_error(error)})") from error
    raise ColumnsError("its parts are spelled otherwise")


def _digest(spelled: NDArray[np.uint8], columns: Mapping[str, NDArray[np.generic]]) -> NDArray[np.uint8]:
    """A hash over the parts and the columns with their types and shapes, (32,) uint8."""
    digest = hashlib.sha256(spelled.tobytes())
    for name in [name for name in (*RECORD_DTYPES, LOGITS) if name in columns]:
        column = columns[name]
        digest.update(f"{name} {column.dtype.str} {column.shape}".encode() + column.tobytes())
    return np.frombuffer(digest.digest(), dtype=np.uint8)


def _of_samples(records: Records, samples: Samples) -> Records:
    """Return the records with these samples, which have to be theirs; the cache knows no groups and no class names."""
    check_outcome(records, tuple(map(str, range(int(samples.labels.max(initial=0)) + 1))))
    if not (np.array_equal(records.sample_id, samples.ids) and np.array_equal(records.label, samples.labels)):
        raise ColumnsError("it holds other samples")
    return replace(records, samples=samples)
