"""Split lists of names at commas and blanks, but never within brackets."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

_WORD: Final = re.compile(r"(?:[^\s,(]|\([^()]*\)?)+")
_FILE: Final = re.compile(r"""\"([^\"]+)\"|'([^']+)'|([^\s,\"'][^\s,]*)""")
_PART: Final = re.compile(r"(?:[^,(]|\([^()]*\)?)+")


def names_in(text: str) -> tuple[str, ...]:
    """Split a text at commas and blanks.

    >>> names_in("clean, gaussian_noise(sigma=0.1), spatter(a=1, b=2) blur")
    ('clean', 'gaussian_noise(sigma=0.1)', 'spatter(a=1, b=2)', 'blur')
    """
    return tuple(_WORD.findall(text))


def files_in(line: str) -> tuple[str, ...]:
    """Split a line at commas and blanks, but never within quotes.

    >>> files_in("a.json, 'my report.html' b.md")
    ('a.json', 'my report.html', 'b.md')
    """
    return tuple(match.group(match.lastindex or 0) for match in _FILE.finditer(line))


def names_of(texts: Iterable[str]) -> tuple[str, ...]:
    """Split each text of a list at commas, after joining texts that an ini or a shell split within brackets.

    >>> names_of(["clean,", "spatter(a=1,", "b=2),", "blur"])
    ('clean', 'spatter(a=1, b=2)', 'blur')
    """
    return tuple(name for text in _whole(texts) for name in _parts(text))


def _whole(pieces: Iterable[str]) -> Iterator[str]:
    """Yield the pieces, joined while a bracket is open."""
    whole = ""
    for piece in pieces:
        whole = f"{whole} {piece}" if whole else piece
        if whole.count("(") <= whole.count(")"):
            yield whole
            whole = ""
    if whole:
        yield whole


def _parts(text: str) -> list[str]:
    """Return the parts between commas; an empty text is kept, so that its reader refuses it."""
    parts = [part.strip() for part in _PART.findall(text)]
    return [part for part in parts if part] if text.strip() else [text]
