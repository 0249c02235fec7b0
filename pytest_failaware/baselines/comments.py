"""Comments of people in a baseline: taken from the old text and put at the same values in the new text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

import yaml

from pytest_failaware.baselines.strict_yaml import compose
from pytest_failaware.baselines.text import HEADER

_Path = tuple[str, ...]
"""The path of a value: the keys and positions that lead to it."""

_END: Final[_Path] = ("",)  # after the last value
_BREAK: Final = re.compile("\r\n|[\n\r\x85\u2028\u2029]")  # line breaks in YAML 1.1


def with_comments(text: str, old: str) -> str:
    """Return a baseline's canonical text with the comments of its old text.

    A comment on a separate line belongs to the value below it, any other comment to the value before it. Comments on
    removed values are removed, too.
    """
    if "#" not in old.replace(HEADER, ""):
        return text
    above, beside = _comments(old)
    lines = text.splitlines()
    firsts, lasts = _lines(text)
    for path, comment in beside.items():
        if path in lasts:
            lines[lasts[path][0]] += f"  {comment}"
    for path, comments in sorted(above.items(), key=lambda item: firsts.get(item[0], -1), reverse=True):
        if path in firsts:
            line = lines[firsts[path]]
            indent = line[: len(line) - len(line.lstrip())]
            lines[firsts[path] : firsts[path]] = [indent + comment for comment in comments]
    return "\n".join([*lines, *above.get(_END, ())]) + "\n"


def _comments(text: str) -> tuple[dict[_Path, list[str]], dict[_Path, str]]:
    """Return the comments above values and the comments beside values, by the value's path."""
    firsts, lasts = _lines(text)
    starts = {line: path for path, line in reversed(firsts.items())}  # the outermost value that starts there
    ends = {line: (column, path) for path, (line, column) in lasts.items()}
    inside = {line for path, (end, _) in lasts.items() for line in range(firsts[path] + 1, end + 1)}
    above: dict[_Path, list[str]] = {}
    beside: dict[_Path, str] = {}
    waiting: list[str] = []
    for number, line in enumerate(_BREAK.split(text)):
        if number in starts and waiting:
            above[starts[number]], waiting = waiting, []
        column, path = ends.get(number, (0, _END))
        rest = line[column:].lstrip(" \t:,]}").rstrip()
        if rest.startswith("#") and number in ends:
            beside[path] = rest
        elif rest.startswith("#") and number not in inside and rest != HEADER.strip():
            waiting.append(rest)
    return above | ({_END: waiting} if waiting else {}), beside


def _lines(text: str) -> tuple[dict[_Path, int], dict[_Path, tuple[int, int]]]:
    """Return by path: the first line of a value with its key; and the line and column after its last character.

    For a value that contains others, the second is the end of its key.
    """
    firsts: dict[_Path, int] = {}
    lasts: dict[_Path, tuple[int, int]] = {}
    for path, node in _values(compose(text, "a baseline")):
        firsts.setdefault(path, node.start_mark.line)
        if isinstance(node, yaml.ScalarNode):
            lasts[path] = (node.end_mark.line, node.end_mark.column)
    return firsts, lasts


def _values(node: yaml.Node | None, path: _Path = ()) -> Iterator[tuple[_Path, yaml.Node]]:
    """Yield every key and every value below a node in the order of the text; a key has the path of its value."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            inner = (*path, str(key.value))
            yield inner, key
            yield from _values(value, inner)
    elif isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            inner = (*path, _name(item) or str(index))
            yield inner, item
            yield from _values(item, inner)
    elif node is not None and path:
        yield path, node


def _name(item: yaml.Node) -> str:
    """Return what names an item of a list at another position, too: a class itself, the records of a seed; else ""."""
    if isinstance(item, yaml.ScalarNode):
        return str(item.value)
    pairs = item.value if isinstance(item, yaml.MappingNode) else ()
    return next((str(value.value) for key, value in pairs if key.value == "records"), "")
