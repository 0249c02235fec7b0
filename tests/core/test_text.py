"""Text that was written by others is made safe to show."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_failaware.core.text import describe_error, described, printable, without_home
from pytest_failaware.report.markdown import escaped


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
    """Control characters are replaced, commands of CI servers are broken up, and other text stays."""
    assert shown == printable(text)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("66.67% of -20.00 pt", "66.67% of -20.00 pt"),
        ("a|b", "a&#124;b"),
        ("<script>& a < b > c &amp; </x>", "&#60;script>& a < b > c &#38;amp; &#60;/x>"),
        ("*a* _b_ `c` ~d~", "&#42;a&#42; &#95;b&#95; &#96;c&#96; &#126;d&#126;"),
        ("[e](f) #g @h \\", "&#91;e&#93;(f) &#35;g &#64;h &#92;"),
        ("[x]: y [ ] z", "&#91;x]: y &#91; ] z"),
        (":tada: 2 checked: 2 missing", "&#58;tada: 2 checked: 2 missing"),
        ("t.py::test_resnet18[clean]: __x__", "t.py::test_resnet18[clean]: &#95;&#95;x&#95;&#95;"),
        ("in ~/data of a~b", "in ~/data of a&#126;b"),
        ("--option x", "--option x"),
        ("---", "&#45;--"),
        ("https://x.y www.x.y", "https&#58;//x.y www&#46;x.y"),
        ("- item", "&#45; item"),
        ("12. item", "&#49;&#50;&#46; item"),
        ("a\nb\x1b", "a b "),
    ],
)
def test_markdown_shows_it_and_does_nothing(text: str, shown: str) -> None:
    """Escaped text makes no emphasis, code, link, table cell, list, tag or mention in Markdown."""
    assert shown == escaped(text)


class _SilentError(Exception):
    """An error whose text cannot be made."""

    def __str__(self) -> str:
        raise SystemExit(0)

    def __repr__(self) -> str:
        raise ValueError("no text")


def test_an_error_without_a_text_is_described() -> None:
    """An error whose own text raises is described by its type, and the run goes on."""
    assert "_SilentError: (_SilentError whose text raises SystemExit)" == describe_error(_SilentError())
    assert "(_SilentError whose text raises ValueError)" == described(_SilentError())


def test_the_home_folder_is_a_tilde(monkeypatch: pytest.MonkeyPatch) -> None:
    """The home folder becomes a tilde only at the start of a path; a home folder of / is left as it is."""
    monkeypatch.setattr(Path, "home", lambda: Path("/home/ann"))
    text = "--model=/home/ann/m.pth, folder:/home/ann; /home/anna/x, /data/home/ann, /home/ann.old"

    assert "--model=~/m.pth, folder:~; /home/anna/x, /data/home/ann, /home/ann.old" == without_home(text)
    monkeypatch.setattr(Path, "home", lambda: Path("/"))
    assert text == without_home(text)
