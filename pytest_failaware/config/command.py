"""Write commands that the user can copy: the typed command without options of other plugins, and `accept`."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Iterator, Sequence
from typing import Final

from pytest_failaware.config.options import OPTIONS, PREFIX
from pytest_failaware.core.result import CHANGED, ItemResult, Verdict

_OURS: Final = "--failaware-"
_NOT_REPEATED: Final = tuple(
    f"{_OURS}{name}" for name in ("update-baselines", "update-new", "strict", "limit", "override", "against")
)
_WITH_VALUE: Final = frozenset(option.typed for option in OPTIONS if option.typed and not option.flag)
_SHORT: Final = ("-k", "-m", "-n", "-c")
_LONG: Final = ("--numprocesses", "--config-file", "--rootdir")
_STORABLE: Final = (*CHANGED, Verdict.MISSING)


def accept_command(report: str, results: Sequence[ItemResult], folder: str = "") -> str:
    """Return the command that stores the values of a failed run from its report, "" if there is nothing to store.

    Args:
        report: the path of the JSON report, as the user would type it.
        results: all results of the run.
        folder: the folder of the baselines, if the command cannot find it without help; else "".
    """
    storable = [
        result for result in results if result.verdict in _STORABLE and not result.is_against and not result.lacks_files
    ]
    if not storable or any(result.has_new_alarm for result in results):
        return ""
    options = [f"--baseline-dir={folder}"] if folder else []
    options += ["--reset-golden"] if any(result.needs_reset for result in storable) else []
    words = shlex.join(["python", "-m", "pytest_failaware", "accept", report, *options])
    only_new = all(result.verdict is Verdict.MISSING for result in storable)
    return words if only_new else f'{words} --reason="…"'


def shown_command(words: Sequence[str], paths: Collection[str]) -> str:
    """Return the typed command without options that exclude an update.

    Only our options, -k, -m, -n, -c, --rootdir and paths are kept, since options of other plugins may hold secrets.

    Args:
        words: the words that were typed.
        paths: the words that name tests.
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
