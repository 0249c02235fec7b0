"""The fenced blocks of a page."""

from __future__ import annotations

import re
import textwrap
from typing import NamedTuple


class Block(NamedTuple):
    """A fenced block: its language and its lines."""

    language: str
    text: str

    @property
    def file(self) -> str:
        """Return the file name in the first line, as in `# conftest.py`, or "" if there is none."""
        named = re.match(r"# ([\w./]+\.(?:py|ini))\n", self.text)
        return named[1] if named else {"csv": "predictions.csv"}.get(self.language, "")


def blocks(text: str, *languages: str) -> list[Block]:
    """Return the fenced blocks of these languages, in order."""
    fenced = re.findall(r"^ *```(\w+)\n(.*?)^ *```$", text, re.DOTALL | re.MULTILINE)
    return [Block(language, textwrap.dedent(body)) for language, body in fenced if language in languages]
