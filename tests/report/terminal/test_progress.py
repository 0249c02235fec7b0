"""Progress in words, in three lengths."""

from __future__ import annotations

import pytest

from pytest_failaware.report.terminal.progress import progress_texts
from pytest_failaware.report.words import duration


def test_count_rate_and_time_left() -> None:
    """12,800 images in 32 s are 400 a second, so the other 37,200 take 93 s."""
    assert (
        "fog:3 12,800/50,000 images, 400 images/s, 1:33 left",
        "12,800/50,000, 1:33 left",
        "25 %",
    ) == progress_texts("fog:3", 12_800, 50_000, 32.0)


def test_nothing_behind_yet() -> None:
    """Before the first image there is no rate and no time left."""
    assert "clean 0/300 images, 0 images/s, starting" == progress_texts("clean", 0, 300, 5.0)[0]


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.4, "0:00"), (59.6, "1:00"), (90, "1:30"), (3599, "59:59"), (7205, "2:00:05")]
)
def test_durations(seconds: float, text: str) -> None:
    """Durations have minutes and seconds, and hours if there are any."""
    assert text == duration(seconds)
