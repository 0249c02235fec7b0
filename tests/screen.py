"""The screen of a terminal after a text with backspaces and carriage returns."""

from __future__ import annotations

import re


def screen(text: str) -> str:
    """Return the lines on a screen of unlimited width, without colours and trailing blanks."""
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b\][^\x1b\x07]*(\x1b\\|\x07)", "", text)
    return "\n".join(_line(line) for line in plain.replace("\r\n", "\n").split("\n"))


def _line(text: str) -> str:
    cells, column = {}, 0
    for letter in text:
        if letter == "\b":
            column = max(0, column - 1)
        elif letter == "\r":
            column = 0
        else:
            cells[column] = letter
            column += 1
    return "".join(cells.get(place, " ") for place in range(max(cells, default=-1) + 1)).rstrip()
