"""What was typed, as a command to copy: our options, -k, -m, -n, -c and paths; no word of other plugins' options."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Iterator, Sequence
from typing import Final

from pytest_failaware.options import OPTIONS, PREFIX

_OURS: Final = "--failaware-"
_NOT_REPEATED: Final = tuple(
    f"{_OURS}{name}" for name in ("update-baselines", "update-new", "strict", "limit", "override", "against")
)
_WITH_VALUE: Final = frozenset(option.typed for option in OPTIONS if option.typed and not option.flag)
_SHORT: Final = ("-k", "-m", "-n", "-c")
_LONG: Final = ("--numprocesses", "--config-file", "--rootdir")


def shown_command(words: Sequence[str], paths: Collection[str]) -> str:
    """The command, without what an update would contradict; other plugins' options may hold what is secret.

    Args:
        words: what was typed.
        paths: those words that name tests.
    """
    return shlex.join(["pytest", *_kept(list(words), paths)])


def _kept(words: list[str], paths: Collection[str]) -> Iterator[str]:
    while words:
        word = words.pop(0)
        name = word.partition("=")[0]
        takes_next = word in _SHORT or (word == name and (word in _LONG or word in _WITH_VALUE))
        value = [words.pop(0)] if takes_next and words else []
        if word == "-o" and words:
            value = [words.pop(0)]
            if value[0].startswith(PREFIX):
                yield from (word, *value)
        elif _is_kept(word, name) or (word in paths and not word.startswith("-")):
            yield from (word, *value)


def _is_kept(word: str, name: str) -> bool:
    if word.startswith(_OURS):
        return name not in _NOT_REPEATED
    return name in _LONG or (word[:2] in _SHORT and not word.startswith("--"))
