"""Text of other people's making, from files, code and folders, made safe to show."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path


def printable(text: str) -> str:
    """A line without control characters, which no CI server can take for one of its commands.

    GitHub reads `::command::` at the start of a line and `##[command]` anywhere, Azure `##vso[command]`.
    """
    line = without_controls(text).replace("##", "#\N{ZERO WIDTH SPACE}#")
    start = len(line) - len(line.lstrip())
    return f"{line[:start]}\N{ZERO WIDTH SPACE}{line[start:]}" if line.startswith("::", start) else line


def without_controls(text: str, instead: str = "\N{REPLACEMENT CHARACTER}") -> str:
    """Return the text with another letter in place of each control character and mark that turns its direction."""
    return "".join(letter if letter.isprintable() else instead for letter in text)


def shown(text: object, longest: int = 1000) -> str:
    """Return text of any origin on one line without control characters, cut if it is too long."""
    whole = str(text)
    line = without_controls(whole[: longest + 1])
    return line if len(line) <= longest else f"{line[: longest - 1]}…"


def spelled(name: str) -> str:
    """Return a file name as text that every file and process can hold.

    Python keeps the bytes of a name that are no UTF-8 as lone surrogates, which cannot be written. They become
    `\\udcff`; every other name stays as it is.
    """
    return name if name.isascii() else name.encode("utf-8", "backslashreplace").decode("utf-8")


def describe_error(error: BaseException) -> str:
    """The type and the text of an exception on one printable line."""
    text = described(error, str)
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def described(thing: object, how: Callable[[object], str] = repr) -> str:
    """The text of a thing that other code made on one printable line; such code may fail at making it."""
    try:
        return one_line(how(thing))
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # whatever a __str__ or __repr__ raises, SystemExit too
        return f"({type(thing).__name__} whose text raises {type(error).__name__})"


def without_home(text: str) -> str:
    """The text with the home folder as `~`: no reader of a report needs to know who made it."""
    try:
        home = str(Path.home())
    except RuntimeError:  # there is none
        return text
    if home == Path(home).anchor:
        return text
    return re.sub(rf"(?<![\w.~-]){re.escape(home)}(?![\w.-])", "~", text)


def without_folder(text: str, folder: Path, start: Path) -> str:
    """The text with paths in a folder as they are from where somebody works; what looks like one in base64 stays.

    >>> without_folder("baselines in /srv/a/baselines, /srv/ab", Path("/srv/a"), Path("/srv/a"))
    'baselines in baselines, /srv/ab'
    >>> without_folder("in /srv/baselines", Path("/srv/baselines"), Path("/srv/a/tests"))
    'in ../../baselines'
    """
    if folder == folder.parent:  # each path is below it
        return text
    found = rf"(?<![\w.~+/-]){re.escape(str(folder))}"
    shown = os.path.relpath(folder, start)
    below = re.sub(rf"{found}{re.escape(os.sep)}", lambda _: "" if shown == "." else f"{shown}{os.sep}", text)
    return re.sub(rf"{found}(?![\w.+/-])", lambda _: shown, below)


def one_line(text: str) -> str:
    """Text from a file or from other code on one printable line, cut at 400 characters."""
    line = "".join(filter(str.isprintable, " ".join(text.split())))
    return line if len(line) <= 400 else line[:399] + "…"


def from_here(path: Path, folder: Path | None = None) -> Path:
    """Return a path as it is from a folder, the working directory if none is given, if it lies below it."""
    here = Path.cwd() if folder is None else folder
    return path.relative_to(here) if path.is_relative_to(here) else path
