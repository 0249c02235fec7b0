"""Files of a baseline that git ignores: a clone lacks them, so nothing can be compared there."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from pytest_failaware.core.git import git


def ignored_sentence(directory: Path, name: str) -> str:
    """Return which files of a baseline git ignores, by which line, and what to add; "" if git ignores none.

    A file that git tracks is never ignored. Without git or without a repository nothing is ignored.

    Args:
        directory: the folder of the baselines.
        name: the name of the baseline.
    """
    yaml, folder = directory / f"{name}.yaml", directory / name
    samples = sorted(folder.glob("*.npz"))
    ignored = _ignored(directory, [path for path in (yaml, folder, *samples) if path.exists()])
    if not ignored:
        return ""
    rules = " and ".join(dict.fromkeys(ignored.values()))
    what = {yaml: f"{directory.name}/{name}.yaml", **dict.fromkeys(samples, f"{directory.name}/{name}/*.npz")}
    named = " and ".join(dict.fromkeys(text for path, text in what.items() if path in ignored))
    is_whole = yaml in ignored or folder in ignored  # git ignores all files of an ignored folder
    remedy = "take that line out" if is_whole else f"add '!**/{directory.name}/**/*.npz' below that line"
    return f"git ignores {named} by {rules}; a clone will not have them, so every gate will fail there; {remedy}"


def _ignored(directory: Path, paths: Sequence[Path]) -> dict[Path, str]:
    """Return the ignored paths among these, each with the place and the text of the line that ignores it."""
    names = "\0".join(os.fspath(path.relative_to(directory)) for path in paths)
    output = git(directory, "check-ignore", "--verbose", "-z", "--stdin", stdin=os.fsencode(names))
    fields = os.fsdecode(output or b"").split("\0")  # source, line, pattern, path, for each
    rows = list(zip(*(fields[start::4] for start in range(4)), strict=False))
    return {
        directory / path: f"{_short(source)}:{line} ({pattern!r})"
        for source, line, pattern, path in rows
        if not pattern.startswith("!")  # a line with "!" stops ignoring the file
    }


def _short(source: str) -> str:
    """Return the path of an ignore file, with ~ for the home folder."""
    home = os.fspath(Path("~").expanduser())
    return f"~{source.removeprefix(home)}" if source.startswith(home + os.sep) else source
