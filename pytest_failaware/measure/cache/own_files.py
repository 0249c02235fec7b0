"""The files of user code that a process has loaded, so that a later process can check that it runs the same code."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from pathlib import Path
from types import ModuleType

from pytest_failaware.measure.cache.origins import (
    ForeignCodeError,
    file_of,
    full_name,
    is_own_module,
    is_versioned,
    module_name,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Witness:
    """The time of records, the SHA-256 of each file of user code that was loaded then, and pytest's options."""

    time: datetime
    files: Mapping[str, str]
    options: tuple[str, ...] = ()

    def __str__(self) -> str:
        time = self.time.isoformat()
        return json.dumps({"time": time, "files": dict(self.files), "options": self.options}, sort_keys=True)

    @property
    def minute(self) -> str:
        """The time to the minute, as text."""
        return f"{self.time:%Y-%m-%d %H:%M}"

    @classmethod
    def parse(cls, text: str) -> Witness:
        """Return the witness that `str` wrote.

        Raises:
            ValueError: the text is not a witness.
        """
        try:
            plain = json.loads(text)
            files = {str(path): str(sha256) for path, sha256 in plain["files"].items()}
            options = tuple(map(str, plain["options"]))
            return cls(time=datetime.fromisoformat(plain["time"]), files=files, options=options)
        except (TypeError, KeyError, AttributeError) as error:
            raise ValueError(f"no witness: {error}") from error

    def difference(self, now: Witness) -> str:
        """Return which file or option changed since this witness, "" if none did."""
        if self.options != now.options:
            return f"pytest's options were {' '.join(self.options) or 'none'}, are {' '.join(now.options) or 'none'}"
        for path, sha256 in self.files.items():
            if now.files.get(path, _sha256(Path(path))) != sha256:
                return f"{path} changed"
        unknown = next((path for path in now.files if path not in self.files), None)
        return f"{unknown} was not loaded" if unknown else ""


@dataclass(kw_only=True)
class OwnFiles:
    """The user code of a process that started at `started`, in seconds since the epoch.

    `loaded_by_pytest` are modules that pytest may have removed from `sys.modules`, such as a second conftest.py.
    `options` are the words of pytest's command line that user code may read.
    """

    started: float
    options: tuple[str, ...] = ()
    loaded_by_pytest: tuple[ModuleType, ...] = ()
    _reached: set[Path] = field(default_factory=set)  # files of other packages whose code runs while measuring
    _foreign: dict[int, object] = field(default_factory=dict)  # modules that are not user code, by their ids

    def modules(self) -> list[object]:
        """Return the modules of user code in `sys.modules`, which can also hold objects of other types.

        A module that is not user code is examined once: a process has thousands, and each condition asks again.
        """
        modules: list[object] = []
        for module in sys.modules.copy().values():  # a copy: other threads import
            if id(module) in self._foreign:
                continue
            if _path_of(module) is None:
                self._foreign[id(module)] = module  # kept alive, so that no other module gets its id
            else:
                modules.append(module)
        return modules

    def code_of(self, code: object) -> str:
        """Return the name of code with the plain values of its module, and remember its file.

        Raises:
            ForeignCodeError: the code is in no file.
        """
        name = full_name(code)
        if is_versioned(code):
            return name
        file = file_of(code)
        if file is None:
            raise ForeignCodeError(f"{name}, which no file holds")
        self._reached.add(file)
        module = sys.modules.get(module_name(code))
        return f"{name} in {file} with {plain_values(vars(module) if module else {})}"

    def witness(self) -> Witness:
        """Return the state of the files now.

        Raises:
            ForeignCodeError: a file is gone or was written since the process started, so it is unknown which code runs.
        """
        paths = (_path_of(module) for module in (*self.modules(), *self.loaded_by_pytest))
        files = self._reached.union(Path(path) for path in paths if path is not None)
        for file in sorted(files):
            if not file.is_file() or _written(file) > self.started:
                raise ForeignCodeError(f"{file}, which was written to while this run went on")
        hashes = {str(file): _sha256(file) for file in sorted(files)}
        return Witness(time=datetime.now().astimezone(), files=hashes, options=self.options)


def plain_values(namespace: Mapping[str, object]) -> list[tuple[str, object]]:
    """Return the plain values of a module or a class, such as switches, which other code may set."""
    return [
        (name, value)
        for name, value in sorted(namespace.items())
        if not name.startswith("__") and (value is None or isinstance(value, bool | int | float | str))
    ]


def _path_of(module: object) -> str | None:
    """Return the file of a module of user code, None for other modules."""
    path = getattr(module, "__dict__", {}).get("__file__")  # getattr of `__file__` can start an import
    return path if isinstance(path, str) and is_own_module(path) else None


def _written(file: Path) -> float:
    status = file.stat()
    return max(status.st_mtime, status.st_ctime)


def _sha256(file: Path) -> str:
    """Return the hash of a file, "" if it is gone."""
    try:
        status = file.stat()
        return _hashed(file, status.st_mtime_ns, status.st_size)
    except OSError:
        return ""


@cache
def _hashed(file: Path, changed_ns: int, size: int) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()
