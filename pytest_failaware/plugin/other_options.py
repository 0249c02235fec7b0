"""Find the words of pytest's command line that the user's code may read: options of conftest.py and other plugins."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import pytest

_OURS: Final = "--failaware"
_ALONE: Final = (  # options of pytest that take no value and change no measurement
    "-x", "-s", "-l", "--lf", "--last-failed", "--ff", "--failed-first", "--nf", "--new-first", "--sw", "--stepwise",
    "--exitfirst", "--no-header", "--no-summary", "--quiet", "--verbose", "--cache-clear", "--co", "--collect-only",
)  # fmt: skip
_WITH_VALUE: Final = (  # options of pytest that take a value and change no measurement
    "-k", "-m", "-n", "-r", "--tb", "--color", "--maxfail", "--durations", "--dist", "--numprocesses", "--maxprocesses",
    "--junitxml", "--junit-xml", "--basetemp", "--verbosity", "--capture", "--show-capture", "--cov", "--cov-report",
)  # fmt: skip
_SHORT: Final = ("-k", "-m", "-n", "-r")  # options that may have their value in the same word


def other_options(config: pytest.Config) -> tuple[str, ...]:
    """Return the words of the command line, PYTEST_ADDOPTS and addopts without our options and pytest's usual ones.

    A worker of xdist has the command line of the whole run.
    """
    typed: Sequence[str] = config.invocation_params.args
    if hasattr(config, "workerinput"):
        typed = config.workerinput.get("mainargv", sys.argv)[1:]
    words = [*config.getini("addopts"), *_split(os.environ.get("PYTEST_ADDOPTS", "")), *map(str, typed)]
    return tuple(_others(words))


def _split(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError:  # an open quote, which pytest refuses
        return [text]


def _others(words: Sequence[str]) -> Iterator[str]:
    """Yield each option that is neither ours nor pytest's, and the next word if it can be its value."""
    takes, yields = False, False  # whether the next word can be a value, and whether that counts
    for word in words:
        if not word.startswith("-"):
            if takes and yields:
                yield word
            takes = False
            continue
        name, equals, _ = word.partition("=")
        is_short = len(word) > 2 and word[1] != "-"
        is_known = name in (*_ALONE, *_WITH_VALUE) or name.startswith(_OURS)
        is_known |= is_short and (word[:2] in _SHORT or set(word[1:]) <= set("qvxsl"))
        is_known |= word in ("-q", "-v")
        takes = not equals and not (is_short and is_known) and name not in (*_ALONE, "-q", "-v")
        yields = not is_known
        if not is_known and word != "--":
            yield word
