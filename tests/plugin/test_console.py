"""Which characters the terminal can print."""

from __future__ import annotations

import io
import sys

import pytest

from pytest_failaware.plugin.console import bars
from pytest_failaware.report.terminal.severities import BLOCKS, DIGITS


@pytest.mark.parametrize(("encoding", "letters"), [("utf-8", BLOCKS), ("ascii", DIGITS), ("latin-1", DIGITS)])
def test_bars(encoding: str, letters: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bars are blocks if the encoding of the terminal has them, else digits."""
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO(), encoding=encoding))

    assert letters == bars()
