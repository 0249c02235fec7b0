"""Keep the records of measurements in a folder: one npz file each, found by everything the measurement depends on."""

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
from pytest_failaware.core.npz import ColumnsError, check_outcome, read_only
from pytest_failaware.core.records import LOGITS, OF_RULES, RECORD_DTYPES, Records
from pytest_failaware.core.samples import Samples
from pytest_failaware.core.text import describe_error
from pytest_failaware.measure.cache.opened import Opened
from pytest_failaware.measure.cache.sealed import seal, unseal

LIMIT: Final = 256 * 2**20
"""The limit in bytes on the size of all files together."""

_LAYOUT: Final = "1"  # increases when files of an earlier version must not be read
_OPENED: Final = "opened"  # no condition has this name
_LOOKED_AT: Final = 20  # how many files are compared to find the one that differs least
_WITNESS: Final = "own files"  # kept beside the parts, but not part of the key
_SHORT: Final = 40  # longer values, such as hashes, are not shown
_PARTS: Final = "parts"
_MEMBERS: Final = {_PARTS, *RECORD_DTYPES}

Parts = Mapping[str, str]
"""Everything a measurement depends on, as texts by readable names."""


class RecordCache:
    """The folder of the cache, which several processes may use at once; `notify` gets messages for the user."""

    def __init__(self, folder: Path, *, notify: Callable[[str], None], limit_bytes: int = LIMIT) -> None:
        self.folder = folder
        self.limit_bytes = limit_bytes
        self._notify = notify
        self._own: set[Path] = set()  # files of this run, which cannot explain a difference from an earlier run

    def find(self, name: str, parts: Parts, samples: Samples) -> Records | str:
        """Return the records for these parts, with read-only columns, or the reason why there are none.

        Args:
            name: the name of the condition in file names.
            parts: everything the records depend on.
            samples: the samples that the records must have.
        """
        answer = self.find_witnessed(name, parts, samples)
        return answer if isinstance(answer, str) else answer[0]

    def find_witnessed(self, name: str, parts: Parts, samples: Samples) -> tuple[Records, str] | str:
        """Return the records as `find` does, with the witness that was kept beside them."""
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
            self._notify(f"{path}: not what the cache wrote ({error}); measured again and replaced")
            return "its file in the cache was damaged"
        with contextlib.suppress(OSError):  # the folder may be read-only; the time only decides which file goes first
            os.utime(path)
        return records, witness

    def keep(self, name: str, parts: Parts, records: Records, witness: str = "") -> None:
        """Write the records, and remove the files that were not used for longest if the folder is too large.

        The witness holds facts that cannot be in the key: which user code ran, or the notes of the runner. Records for
        the same parts with another witness are replaced.
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
                f"the cache {self.folder} cannot be written ({reason}), so the next run measures again; free space, "
                "make it writable, or pass --failaware-no-cache"
            )

    def find_opened(self, key: Parts) -> Opened | None:
        """Return what an earlier run with this key opened, None if nothing is kept or it cannot be read."""
        path = self._path(_OPENED, key)
        try:
            opened = Opened.from_bytes(path.read_bytes(), key)
        except OSError:  # reading the records reports what is wrong with the folder
            return None
        except ColumnsError as error:
            self._notify(f"{path}: not what the cache wrote ({error}); measured again and replaced")
            return None
        with contextlib.suppress(OSError):
            os.utime(path)
        return opened

    def keep_opened(self, key: Parts, opened: Opened) -> None:
        """Write what a run with this key opened, unless it needs more than a quarter of the limit."""
        content = opened.to_bytes(key)
        if len(content) > self.limit_bytes // 4:
            return
        with contextlib.suppress(OSError):  # writing the records reports the error
            write_atomically(self._path(_OPENED, key), content)
            self._remove_oldest()

    def _path(self, name: str, parts: Parts) -> Path:
        return self.folder / f"{name}@{hashlib.sha256(_canonical(parts)).hexdigest()[:32]}.npz"

    def _reason(self, name: str, parts: Parts) -> str:
        """Return how the parts differ from the most similar file of an earlier run with this condition."""
        differences = [_differences(old, parts) for old in self._latest(name)]
        fewest = min(differences, key=len, default=["not in the cache yet"])
        return "; ".join(fewest)

    def _latest(self, name: str) -> list[Parts]:
        """Return the parts of the latest files of a condition, without files that cannot be read."""
        latest: list[Parts] = []
        files = [path for *_, path in sorted(_files(self.folder, f"{name}@*.npz"), reverse=True)]
        for path in [path for path in files if path not in self._own][:_LOOKED_AT]:
            with contextlib.suppress(OSError, ColumnsError):
                latest.append(_unpacked(path.read_bytes())[0])
        return latest

    def _remove_oldest(self) -> None:
        """Remove the oldest files until the folder is within the limit; temporary files count too."""
        files = sorted(_files(self.folder, "*"))
        excess = sum(size for _, size, _ in files) - self.limit_bytes
        for _, size, path in files:
            if excess <= 0:
                return
            path.unlink(missing_ok=True)
            excess -= size


def _files(folder: Path, pattern: str) -> list[tuple[int, int, Path]]:
    """Return the time of change, the size and the path of each file."""
    files: list[tuple[int, int, Path]] = []
    for path in folder.glob(pattern):
        with contextlib.suppress(FileNotFoundError):  # another process may remove a file at the same time
            status = path.stat()
            files.append((status.st_mtime_ns, status.st_size, path))
    return files


def _differences(old: Parts, new: Parts) -> list[str]:
    changed = [name for name in {**new, **old} if old.get(name) != new.get(name) and name != _WITNESS]
    return [_difference(name, old.get(name, "absent"), new.get(name, "absent")) for name in changed]


def _difference(name: str, old: str, new: str) -> str:
    return f"{name} was {old}, is {new}" if max(len(old), len(new)) <= _SHORT else f"{name} changed"


# ---- one file ------------------------------------------------------------------------------------------------------


def _canonical(parts: Parts) -> bytes:
    """Return the canonical spelling of the parts, with the layout of the file."""
    return json.dumps({"": _LAYOUT, **parts}, sort_keys=True, allow_nan=False).encode()


def _packed(parts: Parts, records: Records) -> bytes:
    return seal({_PARTS: np.frombuffer(_canonical(parts), dtype=np.uint8), **records.columns})


def _unpacked(content: bytes) -> tuple[dict[str, str], Records]:
    """Return the parts and the records in a file, with read-only columns."""
    members = unseal(content)
    if {name for name in members if not name.startswith(OF_RULES)} - {LOGITS} != _MEMBERS:
        raise ColumnsError("other members")
    parts = _parts(members.pop(_PARTS))
    return parts, Records.from_columns({name: read_only(column) for name, column in members.items()})


def _parts(spelled: NDArray[np.uint8]) -> dict[str, str]:
    """Return the parts; refuse a spelling that is not canonical."""
    try:
        parts = json.loads(spelled.tobytes())
        del parts[""]
        if spelled.tobytes() == _canonical(parts) and all(isinstance(value, str) for value in parts.values()):
            return dict(parts)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise ColumnsError(f"its parts cannot be read ({describe_error(error)})") from error
    raise ColumnsError("its parts are spelled otherwise")


def _of_samples(records: Records, samples: Samples) -> Records:
    """Return the records with these samples, after checking that they match; the cache keeps no groups and classes."""
    check_outcome(records, tuple(map(str, range(int(samples.labels.max(initial=0)) + 1))))
    if not (np.array_equal(records.sample_id, samples.ids) and np.array_equal(records.label, samples.labels)):
        raise ColumnsError("it holds other samples")
    return replace(records, samples=samples)
