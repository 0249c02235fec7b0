"""YAML that means one thing: no duplicate keys, anchors, aliases or tags, and every value knows its line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import yaml

from pytest_failaware.errors import BaselineError

_LARGEST: Final = 5_000_000  # characters
_FURTHEST: Final = 2**53  # from 0; beyond it a float skips whole numbers
_DEEPEST: Final = 20
_CONFLICT: Final = re.compile(r"^(<{7}|={7}|>{7}|\|{7})( |$)", re.MULTILINE)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Entry:
    """A value with its place: the file, its dotted key and its line."""

    value: Any  # Any: what YAML can hold; read it through the methods below
    file: str
    key: str
    line: int

    def mapping(self, *, required: tuple[str, ...] = (), optional: tuple[str, ...] | None = None) -> dict[str, Entry]:
        """The value as a mapping; with `optional` given, keys that are in neither tuple are refused."""
        found: dict[str, Entry] = self._as(dict, "a mapping")
        missing = [name for name in required if name not in found]
        if missing:
            raise self.error(f"{', '.join(missing)} is missing")
        unknown = [] if optional is None else [name for name in found if name not in required + optional]
        if unknown:
            raise found[unknown[0]].error("is no key of this version")
        return found

    def items(self) -> list[Entry]:
        """The value as a list."""
        found: list[Entry] = self._as(list, "a list")
        return found

    def text(self) -> str:
        """The value as text."""
        return self._as(str, "text")

    def count(self) -> int:
        """The value as a whole number of at least 0."""
        if isinstance(self.value, bool) or self._as(int, "a whole number") < 0:
            raise self.error(f"must be a whole number of at least 0, got {self.value!r}")
        return int(self.value)

    def number(self) -> float:
        """The value as a number."""
        value = self.value
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not -_FURTHEST <= value <= _FURTHEST:
            raise self.error(f"must be a number, got {str(value)[:40]}")
        return float(value)

    def error(self, finding: str, remedy: str = "restore the file from version control") -> BaselineError:
        """The one line that says what is wrong here and what to do."""
        subject = f"{self.key} " if self.key else ""
        return BaselineError(f"{self.file}:{self.line}: {subject}{finding}; {remedy}")

    def _as(self, kind: type[T], name: str) -> T:
        if not isinstance(self.value, kind):
            nested = isinstance(self.value, (dict, list))
            shown = type(self.value).__name__ if nested else repr(self.value)[:40]
            raise self.error(f"must be {name}, got {shown}")
        return self.value


def parse(text: str, file: str) -> Entry:
    """The document in `text`; `file` is the name errors give it.

    Raises:
        BaselineError: naming the file and the line.
    """
    if len(text) > _LARGEST:
        raise BaselineError(
            f"{file}: larger than any baseline ({len(text):,} characters); restore it from version control"
        )
    if conflict := _CONFLICT.search(text):
        line = text.count("\n", 0, conflict.start()) + 1
        raise BaselineError(
            f"{file}:{line}: a merge conflict is left in the file; take one side, then re-run with "
            "--failaware-update-baselines"
        )
    try:
        _refuse_references(text, file)
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        loader = yaml.SafeLoader("")
        return _entry(loader, node, file, "", 0)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else 1
        problem = getattr(error, "problem", None) or "cannot be read"
        raise BaselineError(f"{file}:{line}: not YAML ({problem}); restore the file from version control") from error
    except RecursionError as error:
        raise BaselineError(f"{file}: nested too deep; restore the file from version control") from error


def _refuse_references(text: str, file: str) -> None:
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        if getattr(event, "anchor", None) or getattr(event, "tag", None):
            line = event.start_mark.line + 1 if event.start_mark else 1
            raise BaselineError(f"{file}:{line}: anchors, aliases and tags are not allowed; write the value out")


def _entry(loader: yaml.SafeLoader, node: yaml.Node | None, file: str, key: str, depth: int) -> Entry:
    if node is None:
        return Entry(None, file, key, 1)
    line = node.start_mark.line + 1
    if depth > _DEEPEST:
        raise BaselineError(f"{file}:{line}: nested too deep; restore the file from version control")
    if isinstance(node, yaml.MappingNode):
        return Entry(dict(_pairs(loader, node, file, key, depth)), file, key, line)
    if isinstance(node, yaml.SequenceNode):
        items = [_entry(loader, item, file, f"{key}[{index}]", depth + 1) for index, item in enumerate(node.value)]
        return Entry(items, file, key, line)
    try:
        return Entry(loader.construct_object(node), file, key, line)
    except ValueError as error:  # 2001-99-99, or an integer of thousands of digits
        raise Entry(None, file, key, line).error(f"cannot be read ({str(error)[:60]})") from error


def _pairs(
    loader: yaml.SafeLoader, node: yaml.MappingNode, file: str, key: str, depth: int
) -> Iterator[tuple[str, Entry]]:
    seen: set[str] = set()
    for name_node, value_node in node.value:
        name, line = str(name_node.value), name_node.start_mark.line + 1
        inner = f"{key}.{name}" if key else name
        if name in seen:
            raise BaselineError(f"{file}:{line}: {inner} stands twice; remove one")
        seen.add(name)
        entry = _entry(loader, value_node, file, inner, depth + 1)
        yield name, Entry(entry.value, file, inner, line)
