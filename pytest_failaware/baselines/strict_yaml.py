"""A strict subset of YAML: no duplicate keys, anchors, aliases or tags, and every value has its line."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import yaml

from pytest_failaware.core.errors import BaselineError

_FURTHEST: Final = 2**53  # beyond this, floats skip whole numbers
_DEEPEST: Final = 20  # levels of nesting
_WORDS: Final = {
    spelled: value
    for word, value in (("null", None), ("true", True), ("false", False))
    for spelled in (word, word.title(), word.upper())
} | {"~": None, "": None}
_WHOLE: Final = re.compile(r"-?(0|[1-9][0-9]{0,39})")
_DECIMAL: Final = re.compile(r"-?[0-9]{1,40}\.[0-9]{0,40}([eE][-+][0-9]{1,3})?")
_CONFLICT: Final = re.compile(r"^(<{7}|={7}|>{7}|\|{7})( |$)", re.MULTILINE)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Node:
    """A value with its place: the file, its dotted key and its line."""

    value: Any  # Any: what YAML can hold; read it through the methods below
    file: str
    key: str
    line: int

    def mapping(self, *, required: tuple[str, ...] = (), optional: tuple[str, ...] | None = None) -> dict[str, Node]:
        """Return the value as a mapping; with `optional`, refuse keys that are in neither tuple."""
        nodes: dict[str, Node] = self._as(dict, "a mapping")
        missing = [name for name in required if name not in nodes]
        if missing:
            raise self.error(f"{', '.join(missing)} is missing")
        unknown = [] if optional is None else [name for name in nodes if name not in required + optional]
        if unknown:
            raise nodes[unknown[0]].error("is no key of this version")
        return nodes

    def items(self) -> list[Node]:
        """Return the value as a list."""
        nodes: list[Node] = self._as(list, "a list")
        return nodes

    def text(self) -> str:
        """Return the value as text."""
        return self._as(str, "text")

    def count(self) -> int:
        """Return the value as a whole number of at least 0."""
        if isinstance(self.value, bool) or self._as(int, "a whole number") < 0:
            raise self.error(f"must be a whole number of at least 0, got {self.value!r}")
        return int(self.value)

    def number(self) -> float:
        """Return the value as a number."""
        value = self.value
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not -_FURTHEST <= value <= _FURTHEST:
            raise self.error(f"must be a number, got {str(value)[:40]}")
        return float(value)

    def lines(self) -> dict[str, int]:
        """Return the line of each value, by the dotted key; an item of a list has its place, as in `seeds[0]`."""
        inner: Iterable[Node] = ()
        if isinstance(self.value, (dict, list)):
            inner = self.value.values() if isinstance(self.value, dict) else self.value
        return {self.key: self.line} | {key: line for node in inner for key, line in node.lines().items()}

    def error(self, finding: str, remedy: str = "restore the file from version control") -> BaselineError:
        """Return the error about this value, with the finding and the remedy."""
        subject = f"{self.key} " if self.key else ""
        return BaselineError(f"{self.file}:{self.line}: {subject}{finding}; {remedy}")

    def _as(self, kind: type[T], name: str) -> T:
        if not isinstance(self.value, kind):
            nested = isinstance(self.value, (dict, list))
            shown = type(self.value).__name__ if nested else repr(self.value)[:40]
            raise self.error(f"must be {name}, got {shown}")
        return self.value


def parse(text: str, file: str) -> Node:
    """Return the document in `text`; errors name it `file`.

    Raises:
        BaselineError: the text is invalid; the error names the file and the line.
    """
    if conflict := _CONFLICT.search(text):
        line = text.count("\n", 0, conflict.start()) + 1
        raise BaselineError(
            f"{file}:{line}: a merge conflict is left in the file; take one side, then re-run with "
            "--failaware-update-baselines"
        )
    return _node(compose(text, file), file, "", 1)


def compose(text: str, file: str) -> yaml.Node | None:
    """Return the nodes of a document, which have their places in the text; None for an empty text.

    Raises:
        BaselineError: the text is invalid; the error names the file and the line.
    """
    try:
        return _Loader(text).get_single_node()
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else 1
        problem = getattr(error, "problem", None) or "cannot be read"
        if isinstance(error, _RefusedError):
            raise BaselineError(f"{file}:{line}: {problem}") from error
        raise BaselineError(f"{file}:{line}: not YAML ({problem}); restore the file from version control") from error


class _RefusedError(yaml.MarkedYAMLError):
    """Valid YAML that a baseline does not need; the problem names the remedy."""


class _Loader(yaml.SafeLoader):
    """A loader that composes nodes in one pass and refuses events before it builds nodes from them."""

    depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        event = self.peek_event()  # type: ignore[no-untyped-call]  # the stubs have no types for it
        if getattr(event, "anchor", None) or getattr(event, "tag", None):
            raise _refused("anchors, aliases and tags are not allowed; write the value out", event)
        if self.depth > _DEEPEST:
            raise _refused("nested too deep; restore the file from version control", event)
        self.depth += 1
        node: yaml.Node | None = super().compose_node(parent, index)
        self.depth -= 1
        return node


def _refused(text: str, event: yaml.Event) -> _RefusedError:
    return _RefusedError(problem=text, problem_mark=event.start_mark)  # type: ignore[arg-type]  # one of two marks


def _node(node: yaml.Node | None, file: str, key: str, line: int) -> Node:
    if isinstance(node, yaml.MappingNode):
        return Node(dict(_pairs(node, file, key)), file, key, line)
    if isinstance(node, yaml.SequenceNode):
        items = [
            _node(item, file, f"{key}[{index}]", item.start_mark.line + 1) for index, item in enumerate(node.value)
        ]
        return Node(items, file, key, line)
    return Node(_scalar(node) if isinstance(node, yaml.ScalarNode) else None, file, key, line)


def _scalar(node: yaml.ScalarNode) -> str | int | float | bool | None:
    """Return decimal numbers, null, true and false; everything else is text, such as the other numbers of YAML 1.1."""
    text = str(node.value)
    if node.style is not None:  # quoted
        return text
    if text in _WORDS:
        return _WORDS[text]
    if _WHOLE.fullmatch(text):
        return int(text)
    return float(text) if _DECIMAL.fullmatch(text) else text


def _pairs(node: yaml.MappingNode, file: str, key: str) -> Iterator[tuple[str, Node]]:
    seen: set[str] = set()
    for name_node, value_node in node.value:
        line = name_node.start_mark.line + 1
        if not isinstance(name_node, yaml.ScalarNode):
            raise BaselineError(f"{file}:{line}: a key has to be text; restore the file from version control")
        name = str(name_node.value)
        inner = f"{key}.{name}" if key else name
        if name in seen:
            raise BaselineError(f"{file}:{line}: {inner} stands twice; remove one")
        seen.add(name)
        yield name, _node(value_node, file, inner, line)
