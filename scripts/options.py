"""Write the table of docs/options.md from the table of options: `python scripts/options.py`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from pytest_failaware.config.options import OPTIONS, Option

PAGE: Final = Path(__file__).parent.parent / "docs" / "options.md"
_TABLE: Final = re.compile(r"(?<=<!-- options -->\n)(.*?)(?=<!-- end -->)", re.DOTALL)


def with_tables(text: str) -> str:
    """Return the page with its table of options written from the code."""
    return _TABLE.sub(lambda _: "\n".join(_rows()) + "\n", text)


def _rows() -> Iterator[str]:
    yield "| command line | ini key | what it says |"
    yield "| --- | --- | --- |"
    for option in OPTIONS:
        yield f"| {_typed(option)} | {_code(option.ini)} | {_cell(option)} |"


def _typed(option: Option) -> str:
    value = "" if option.flag or not option.typed else f"={option.metavar}"
    return _code(option.typed + value)


def _code(text: str) -> str:
    return f"`{text}`" if text else ""


def _cell(option: Option) -> str:
    also = f". Also the variable {option.environment}" if option.environment else ""
    return (option.help + also).replace("|", "\\|").replace("<", "&lt;").replace("*", "\\*")


if __name__ == "__main__":
    PAGE.write_text(with_tables(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
