"""Gate the digits network; pytest.ini beside this file says what is measured."""

import pytest


@pytest.mark.reliability
def test_digits() -> None:
    """No gating metric falls below baselines/digits.yaml by more than its tolerance."""
