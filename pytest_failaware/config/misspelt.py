"""Refuse names that are close to ours: a misspelt marker would gate nothing, and an option may not exist."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Final

from pytest_failaware.config.options import BY_NAME, INI_KEYS, OPTIONS, PREFIX, TYPED_PREFIX
from pytest_failaware.core.errors import ConfigError

MARKER: Final = "reliability"
_NEAR: Final = 2  # letters


def refuse_misspelt(names: Iterable[str], registered: Iterable[str]) -> None:
    """Refuse a marker that differs from ours by at most two letters, unless it is registered.

    Args:
        names: the names of the markers of a test.
        registered: the lines of pytest's ini key `markers`, with those that a conftest or a plugin adds.

    Raises:
        ConfigError: the message names the marker.
    """
    known = {line.partition(":")[0].partition("(")[0].strip() for line in registered}
    for name in names:
        if name not in known and name != MARKER and is_near(name):
            raise ConfigError(
                f"marker {name!r} gates nothing; write {MARKER!r}, or register {name!r} under markers in the ini"
            )


def is_near(name: str) -> bool:
    """Return whether a name equals our marker after at most two letters are added, removed or replaced."""
    if abs(len(name) - len(MARKER)) > _NEAR:
        return False
    row = list(range(len(MARKER) + 1))
    for number, letter in enumerate(name, start=1):
        before, row = row, [number]
        for place, wanted in enumerate(MARKER, start=1):
            row.append(min(before[place] + 1, row[-1] + 1, before[place - 1] + (letter != wanted)))
    return row[-1] <= _NEAR


def refuse_unknown(words: Iterable[str]) -> None:
    """Refuse a word of the command line that begins like our options and is not an option.

    Args:
        words: the words that neither pytest nor a plugin knows.

    Raises:
        ConfigError: the message names the word and what to write instead.
    """
    for word in words:
        if word.startswith(TYPED_PREFIX.removesuffix("-")):
            raise ConfigError(f"{word}: unknown option; {_remedy(word)}")


def _remedy(word: str) -> str:
    """Return what to write instead of an unknown option."""
    text, _, value = word.partition("=")
    name = text.removeprefix(TYPED_PREFIX.removesuffix("-")).lstrip("-_").replace("_", "-").lower()
    if name in INI_KEYS:
        return (
            f"the marker or {PREFIX}{name} in the ini defines the gate; for an experiment write "
            f"--failaware-override={name}={value or 'VALUE'}"
        )
    if name in BY_NAME and BY_NAME[name].ini_only:
        option = BY_NAME[name]
        return f"write {option.ini} = {value or option.metavar or 'true'} in the ini"
    if suffix := _suffix(name):
        return f"write --failaware-report={value if value.endswith(suffix) else f'FILE{suffix}'}"
    names = [option.name for option in OPTIONS if option.typed]
    close = difflib.get_close_matches(name, names, n=1)
    if not close:
        return "run pytest --help for a list of the options"
    option = BY_NAME[close[0]]
    return f"did you mean {option.typed if option.flag else f'{option.typed}={value or option.metavar}'}?"


def report_remedy(key: str) -> str:
    """Return what to write instead of an ini key such as failaware_json, "" if the key means no report."""
    suffix = _suffix(key.removeprefix(PREFIX))
    return f"write {PREFIX}report = FILE{suffix}" if suffix else ""


def _suffix(name: str) -> str:
    """Return the suffix of the report that an option such as --failaware-json means, "" if it means no report."""
    from pytest_failaware.report.outputs import WRITERS  # imported here to keep loading cheap

    return f".{name}" if f".{name}" in WRITERS else ""
