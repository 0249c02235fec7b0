"""The gate of a release; pytest.ini beside this file says what must hold."""

import pytest


@pytest.mark.reliability
def test_release() -> None:
    """The candidate is shown to be no worse than the shipped model, and within the promised bounds."""
