"""Text of other people's making, made safe to show."""

from __future__ import annotations

import pytest

from pytest_failaware.report.markdown import escaped
from pytest_failaware.text import printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain text, 5 % ✓", "plain text, 5 % ✓"),
        ("a\x1b[31mb\r\nc\u202ed\udcff", "a\ufffd[31mb\ufffd\ufffdc\ufffdd\ufffd"),
        ("::error::x", "\u200b::error::x"),
        ("  ::error::x", "  \u200b::error::x"),
        ("test.py::test_x", "test.py::test_x"),
        ("a ##[error]x ##vso[y", "a #\u200b#[error]x #\u200b#vso[y"),
    ],
)
def test_no_line_is_a_command(text: str, shown: str) -> None:
    """Control characters are replaced, and what CI servers look for is broken up; all else stays."""
    assert shown == printable(text)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("66.67% of -20.00 pt", "66.67% of -20.00 pt"),
        ("a|b", "a&#124;b"),
        ("<script>&", "&lt;script&gt;&amp;"),
        ("*a* _b_ `c` ~d~", "&#42;a&#42; &#95;b&#95; &#96;c&#96; &#126;d&#126;"),
        ("[e](f) #g @h \\", "&#91;e&#93;(f) &#35;g &#64;h &#92;"),
        ("https://x.y www.x.y", "https&#58;//x.y www&#46;x.y"),
        ("- item", "&#45; item"),
        ("12. item", "&#49;&#50;&#46; item"),
        ("a\nb\x1b", "a b "),
    ],
)
def test_markdown_shows_it_and_does_nothing(text: str, shown: str) -> None:
    """No emphasis, code, link, table cell, list, tag or mention."""
    assert shown == escaped(text)
