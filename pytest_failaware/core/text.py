"""Make text from files, foreign code and folders safe to show."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path


def printable(text: str) -> str:
    """Return a line without control characters, in a form that no CI server reads as a command.

    GitHub reads `::command::` at the start of a line and `##[command]` anywhere, Azure `##vso[command]`.
    """
    line = without_controls(text).replace("##", "#\N{ZERO WIDTH SPACE}#")
    start = len(line) - len(line.lstrip())
    return f"{line[:start]}\N{ZERO WIDTH SPACE}{line[start:]}" if line.startswith("::", start) else line


def without_controls(text: str, instead: str = "\N{REPLACEMENT CHARACTER}") -> str:
    """Return the text with each character that is not printable replaced, including those that change the direction."""
    return "".join(letter if letter.isprintable() else instead for letter in text)


def shown(text: object, longest: int = 1000) -> str:
    """Return the text of any object on one line without control characters, cut if it is too long."""
    whole = str(text)
    line = without_controls(whole[: longest + 1])
    return line if len(line) <= longest else f"{line[: longest - 1]}…"


def spelled(name: str) -> str:
    """Return a file name as text that can be written to any file and sent to any process.

    If the bytes of a name are not UTF-8, Python represents them as lone surrogates, which cannot be written. They
    become `\\udcff`; every other name is returned unchanged.
    """
    return name if name.isascii() else name.encode("utf-8", "backslashreplace").decode("utf-8")


def describe_error(error: BaseException) -> str:
    """Return the type and the text of an exception on one printable line."""
    text = described(error, str)
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def described(thing: object, how: Callable[[object], str] = repr) -> str:
    """Return the text of an object of foreign code on one printable line, even if its `__repr__` raises."""
    try:
        return one_line(how(thing))
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a __str__ or __repr__ may raise anything, SystemExit too
        return f"({type(thing).__name__} whose text raises {type(error).__name__})"


def without_home(text: str) -> str:
    """Return the text with the home folder as `~`, so that a report does not name the user."""
    try:
        home = str(Path.home())
    except RuntimeError:  # there is no home folder
        return text
    if home == Path(home).anchor:
        return text
    return re.sub(rf"(?<![\w.~-]){re.escape(home)}(?![\w.-])", "~", text)


def without_folder(text: str, folder: Path, start: Path) -> str:
    """Return the text with paths in a folder made relative to `start`; base64 that looks like a path stays.

    >>> without_folder("baselines in /srv/a/baselines, /srv/ab", Path("/srv/a"), Path("/srv/a"))
    'baselines in baselines, /srv/ab'
    >>> without_folder("in /srv/baselines", Path("/srv/baselines"), Path("/srv/a/tests"))
    'in ../../baselines'
    """
    if folder == folder.parent:  # every path is below the root
        return text
    pattern = rf"(?<![\w.~+/-]){re.escape(str(folder))}"
    relative = os.path.relpath(folder, start)
    below = re.sub(rf"{pattern}{re.escape(os.sep)}", lambda _: "" if relative == "." else f"{relative}{os.sep}", text)
    return re.sub(rf"{pattern}(?![\w.+/-])", lambda _: relative, below)


def one_line(text: str) -> str:
    """Return text from a file or from foreign code on one printable line, cut at 400 characters."""
    line = "".join(filter(str.isprintable, " ".join(text.split())))
    return line if len(line) <= 400 else line[:399] + "…"


def from_here(path: Path, folder: Path | None = None) -> Path:
    """Return a path relative to a folder (by default the working directory) if it lies below that folder."""
    here = Path.cwd() if folder is None else folder
    return path.relative_to(here) if path.is_relative_to(here) else path
