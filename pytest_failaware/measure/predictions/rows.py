"""Name a row of predictions in errors: by its index in arrays, by its line in a csv file."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """The rows of a file or table; `text` is that of a csv file, whose lines are counted for an error."""

    place: str
    text: str | None = None

    def number(self, index: np.intp | int) -> int:
        """Return the line in an editor, or the index."""
        return int(index) if self.text is None else _line(self.text, int(index))

    def name(self, index: np.intp | int) -> str:
        """Return the name of a row, with its place."""
        return f"{self.place}: row {self.number(index)}"


def _line(text: str, index: int) -> int:
    """Return the first line of a row of a csv file; blank lines and the header are not rows."""
    reader, start, count = csv.reader(io.StringIO(text, newline=""), skipinitialspace=True), 1, -1
    try:
        for cells in reader:
            if len(cells) > 1 or "".join(cells).strip():
                if count == index:
                    return start
                count += 1
            start = reader.line_num + 1
    except csv.Error:  # a cell that is too long for the csv module
        pass
    return index + 2
