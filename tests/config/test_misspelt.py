"""Markers that nearly spell ours."""

from __future__ import annotations

import pytest

from pytest_failaware.config.misspelt import is_near, refuse_misspelt
from pytest_failaware.core.errors import ConfigError


@pytest.mark.parametrize("name", ["reliabilty", "realiability", "relaibility", "Reliability", "reliabillity"])
def test_two_letters_are_near(name: str) -> None:
    """Left out, doubled, swapped and replaced letters."""
    assert is_near(name)


@pytest.mark.parametrize("name", ["durability", "parametrize", "slow", "reliability_slow"])
def test_other_words_are_far(name: str) -> None:
    """Three letters and more make another word."""
    assert not is_near(name)


def test_a_registered_marker_is_fine() -> None:
    """Whoever registers it means it."""
    refuse_misspelt(["liability", "slow", "reliability"], ["liability(amount): who pays", "reliability: ours"])
    with pytest.raises(ConfigError, match=r"^marker 'liability' gates nothing; write 'reliability', or register"):
        refuse_misspelt(["liability"], ["slow: takes long"])
