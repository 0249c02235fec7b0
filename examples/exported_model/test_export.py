"""Gate an export: it must give the same answers as its original for nearly every image."""

import pytest


@pytest.mark.reliability(
    conditions=["clean", "gaussian_noise"],
    policy="equivalence",
    maximum={"changed_prediction_rate": 0.01, "changed_flag_rate": 0.01},
)
def test_export() -> None:
    """At most one answer in a hundred, and at most one flag in a hundred, is shown to have changed."""
