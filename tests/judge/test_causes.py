"""What else changed beside the numbers."""

from __future__ import annotations

import dataclasses

import pytest
from five import RULE, baseline_of, measurement_of

from pytest_failaware.core.measurement import Measurement
from pytest_failaware.core.rule import FailureRule
from pytest_failaware.judge.comparability import likely_causes


def made(model: str, environment: dict[str, str], architecture: str = "") -> Measurement:
    """A pass of a model, or predictions made elsewhere, which have no environment."""
    whole = measurement_of(model=model)
    facts = dataclasses.replace(whole.provenance.model, sha256=model, architecture=architecture)
    provenance = dataclasses.replace(whole.provenance, model=facts, environment=environment)
    return dataclasses.replace(whole, provenance=provenance)


CPU = {"torch": "2.1", "device": "cpu"}


@pytest.mark.parametrize(
    ("before", "now", "causes"),
    [
        (made("11111111aa", {}), made("22222222bb", {}),
            ["predictions 11111111, made elsewhere -> predictions 22222222, made elsewhere"]),
        (made("11111111aa", {}), made("11111111aa", {}), []),
        (made("11111111aa", CPU, "resnet18"), made("22222222bb", {}),
            ["model 11111111 -> predictions 22222222, made elsewhere"]),
        (made("11111111aa", {}), made("22222222bb", CPU, "resnet18"),
            ["predictions 11111111, made elsewhere -> model 22222222"]),
        (made("11111111aa", CPU, ""), made("11111111aa", CPU, "resnet18"), ["architecture none -> resnet18"]),
        (made("11111111aa", CPU, "resnet18"), made("11111111aa", CPU, ""), ["architecture resnet18 -> none"]),
        (made("11111111aa", CPU), made("22222222bb", CPU | {"torch": "2.2"}),
            ["model 11111111 -> 22222222", "torch 2.1 -> 2.2"]),
    ],
)  # fmt: skip
def test_likely_causes(before: Measurement, now: Measurement, causes: list[str]) -> None:
    """Each cause names both sides, and neither is empty."""
    assert causes == list(likely_causes(baseline_of(before).entries["clean"], now, RULE))


def test_a_changed_rule_is_the_first_cause() -> None:
    """Somebody changed the rule on purpose, so it comes before the model."""
    entry = baseline_of(made("11111111aa", CPU)).entries["clean"]

    assert [
        "rule confidence < 0.6 or entropy > 1.0 -> confidence < 0.3",
        "model 11111111 -> 22222222",
    ] == list(likely_causes(entry, made("22222222bb", CPU), FailureRule(confidence=0.3, entropy=None)))
