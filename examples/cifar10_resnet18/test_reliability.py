"""Gate a ResNet-18 on CIFAR-10, on clean images and under three degradations."""

import pytest


@pytest.mark.reliability(
    conditions=["clean", "gaussian_noise", "blur", "low_light"],
    rule="confidence < 0.6 or entropy > 1.0",
)
def test_resnet18() -> None:
    """No gating metric falls below baselines/resnet18.yaml by more than its tolerance."""
