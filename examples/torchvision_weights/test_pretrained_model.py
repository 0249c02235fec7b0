"""Gate a model with published weights and their preprocessing."""

import pytest


@pytest.mark.reliability(conditions=["clean", "low_light"])
def test_pretrained_model() -> None:
    """No gating metric falls below baselines/resnet18.yaml by more than its tolerance."""
