"""The files of the user's own code that a process has loaded, by which a later process knows that it runs the same."""

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

from pytest_failaware.measure.cache.contents import ForeignCodeError
from pytest_failaware.measure.cache.origins import (
    file_of,
    full_name,
    is_own_module,
    is_versioned,
    module_name,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Witness:
    """When records were made, the files of the own code that was loaded then, path -> SHA-256, and pytest's options."""

    time: datetime
    files: Mapping[str, str]
    options: tuple[str, ...] = ()

    def __str__(self) -> str:
        time = self.time.isoformat()
        return json.dumps({"time": time, "files": dict(self.files), "options": self.options}, sort_keys=True)

    @property
    def minute(self) -> str:
        """When it was, for people."""
        return f"{self.time:%Y-%m-%d %H:%M}"

    @classmethod
    def parse(cls, text: str) -> Witness:
        """What `str` made of one.

        Raises:
            ValueError: it is no such text.
        """
        try:
            plain = json.loads(text)
            files = {str(path): str(sha256) for path, sha256 in plain["files"].items()}
            options = tuple(map(str, plain["options"]))
            return cls(time=datetime.fromisoformat(plain["time"]), files=files, options=options)
        except (TypeError, KeyError, AttributeError) as error:
            raise ValueError(f"no witness: {error}") from error

    def difference(self, now: Witness) -> str:
        """Which own file or option is not as it was then, "" if all are."""
        if self.options != now.options:
            return f"pytest's options were {' '.join(self.options) or 'none'}, are {' '.join(now.options) or 'none'}"
        for path, sha256 in self.files.items():
            if now.files.get(path, _sha256(Path(path))) != sha256:
                return f"{path} changed"
        unknown = next((path for path in now.files if path not in self.files), None)
        return f"{unknown} was not loaded" if unknown else ""


@dataclass(kw_only=True)
class OwnFiles:
    """The own code of a process that started at `started`, seconds since the epoch.

    `loaded_by_pytest` are modules that pytest may have taken out of `sys.modules`, such as a second conftest.py.
    `options` are those words of pytest's command line that own code may read.
    """

    started: float
    options: tuple[str, ...] = ()
    loaded_by_pytest: tuple[ModuleType, ...] = ()
    _reached: set[Path] = field(default_factory=set)  # files of other packages whose code the measuring runs

    def code_of(self, code: object) -> str:
        """Return the name of code with the plain values of its module, and remember its file.

        Raises:
            ForeignCodeError: no file holds it.
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
        """The files as they are now.

        Raises:
            ForeignCodeError: one is gone or was written to since the process started, so nothing says what runs.
        """
        modules = (*list(sys.modules.values()), *self.loaded_by_pytest)
        found = (getattr(module, "__dict__", {}).get("__file__") for module in modules)  # some import when asked
        files = self._reached.union(Path(path) for path in found if isinstance(path, str) and is_own_module(path))
        for file in sorted(files):
            if not file.is_file() or _written(file) > self.started:
                raise ForeignCodeError(f"{file}, which was written to while this run went on")
        hashes = {str(file): _sha256(file) for file in sorted(files)}
        return Witness(time=datetime.now().astimezone(), files=hashes, options=self.options)


def plain_values(namespace: Mapping[str, object]) -> list[tuple[str, object]]:
    """Return the switches and numbers of a module or a class, which other code may set."""
    return [
        (name, value)
        for name, value in sorted(namespace.items())
        if not name.startswith("__") and (value is None or isinstance(value, bool | int | float | str))
    ]


def _written(file: Path) -> float:
    status = file.stat()
    return max(status.st_mtime, status.st_ctime)


def _sha256(file: Path) -> str:
    """The hash of a file, "" if it is gone."""
    try:
        status = file.stat()
        return _hashed(file, status.st_mtime_ns, status.st_size)
    except OSError:
        return ""


@cache
def _hashed(file: Path, changed_ns: int, size: int) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()
