"""Names that nearly spell ours: a marker that gates nothing, an option that does not exist."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Final

from pytest_failaware.config.options import BY_NAME, INI_KEYS, OPTIONS, PREFIX, TYPED_PREFIX
from pytest_failaware.core.errors import ConfigError

MARKER: Final = "reliability"
_NEAR: Final = 2  # letters


def refuse_misspelt(names: Iterable[str], registered: Iterable[str]) -> None:
    """Refuse a marker within two letters of ours that no ini, conftest or plugin registers.

    Args:
        names: the names of a test's markers.
        registered: the lines of pytest's ini key `markers`.

    Raises:
        ConfigError: naming the marker.
    """
    known = {line.partition(":")[0].partition("(")[0].strip() for line in registered}
    for name in names:
        if name not in known and name != MARKER and is_near(name):
            raise ConfigError(
                f"marker {name!r} gates nothing; write {MARKER!r}, or register {name!r} under markers in the ini"
            )


def is_near(name: str) -> bool:
    """Whether at most two letters are added, left out or replaced."""
    if abs(len(name) - len(MARKER)) > _NEAR:
        return False
    row = list(range(len(MARKER) + 1))
    for number, letter in enumerate(name, start=1):
        before, row = row, [number]
        for place, wanted in enumerate(MARKER, start=1):
            row.append(min(before[place] + 1, row[-1] + 1, before[place - 1] + (letter != wanted)))
    return row[-1] <= _NEAR


def refuse_unknown(words: Iterable[str]) -> None:
    """Refuse a word of the command line that begins as our options do and is none.

    Args:
        words: the words that neither pytest nor a plugin knows.

    Raises:
        ConfigError: naming the word and what to write.
    """
    for word in words:
        if word.startswith(TYPED_PREFIX.removesuffix("-")):
            raise ConfigError(f"{word}: unknown option; {_remedy(word)}")


def _remedy(word: str) -> str:
    """What to write in place of an unknown option."""
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
        return "pytest --help lists ours"
    option = BY_NAME[close[0]]
    return f"did you mean {option.typed if option.flag else f'{option.typed}={value or option.metavar}'}?"


def _suffix(name: str) -> str:
    """The suffix of the report that a name means, as in --failaware-json, "" if it means none."""
    from pytest_failaware.report.outputs import WRITERS  # not before it is needed: loading stays cheap

    return f".{name}" if f".{name}" in WRITERS else ""
