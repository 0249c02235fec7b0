"""The gate of conftest.py's model on conftest.py's data."""

import pytest


@pytest.mark.reliability(conditions=["clean", "gaussian_noise"])
def test_scans() -> None:
    """No gating metric falls below baselines/scans.yaml by more than its tolerance."""
