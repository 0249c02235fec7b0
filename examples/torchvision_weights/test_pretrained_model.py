"""The gate of a model with published weights, preprocessed as those weights ask."""

import pytest


@pytest.mark.reliability(conditions=["clean", "low_light"])
def test_pretrained_model() -> None:
    """No gating metric falls below baselines/resnet18.yaml by more than its tolerance."""
