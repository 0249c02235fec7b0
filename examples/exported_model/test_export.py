"""An export must answer as its original does: not as well on average, but the same for nearly every image."""

import pytest


@pytest.mark.reliability(
    conditions=["clean", "gaussian_noise"],
    policy="equivalence",
    maximum={"changed_prediction_rate": 0.01, "changed_flag_rate": 0.01},
)
def test_export() -> None:
    """It is shown that at most one answer, and one flag, in a hundred has changed."""
