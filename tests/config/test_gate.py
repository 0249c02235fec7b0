"""Gates from markers: an argument replaces a value, other values stay, and mistakes are refused."""

from __future__ import annotations

from decimal import Decimal

import pytest

from pytest_failaware.config.gate import build_gate
from pytest_failaware.core.errors import ConfigError
from pytest_failaware.core.rule import FailureRule
from pytest_failaware.judge.metrics.rates import DEFAULT_GATES


def test_a_marker_replaces_only_its_arguments() -> None:
    """A marker keeps the values of the base gate that it does not name; tolerances merge metric by metric."""
    base = build_gate({"conditions": ["clean"], "seed": 3, "tolerance": 0.02})
    gate = build_gate({"rule": "confidence < 0.8", "tolerance": {"accuracy": 0.001}}, base=base)

    assert (base.conditions, 3, DEFAULT_GATES) == (gate.conditions, gate.seed, gate.metrics)
    assert FailureRule(confidence=0.8, entropy=None) == gate.rule
    assert (Decimal("0.001"), Decimal("0.02")) == (gate.tolerance["accuracy"], gate.tolerance["confident_accuracy"])


def test_a_plain_tolerance_leaves_out_the_metric_that_is_set_by_name() -> None:
    """confident_correct_rate has a larger default, which a plain number keeps; a name sets it, here and below."""
    plain = build_gate({"tolerance": 0.02})
    named = build_gate({"tolerance": {"confident_correct_rate": 0.1}})
    both = build_gate({"tolerance": 0.01}, base=named)

    assert {"confident_correct_rate"} == {name for name in plain.tolerance if plain.allowed(name) != Decimal("0.02")}
    assert Decimal("0.05") == plain.allowed("confident_correct_rate")
    assert Decimal("0.1") == both.allowed("confident_correct_rate") == named.allowed("confident_correct_rate")
    assert Decimal("0.01") == both.allowed("accuracy") == both.allowed("augrc(margin)")


def test_numbers_are_kept_as_typed() -> None:
    """A float literal is read as its decimal text, not as the nearest binary number."""
    gate = build_gate({"conditions": "clean", "minimum": {"accuracy": 0.1}, "maximum": {"silent_failure_rate": "0.05"}})

    assert Decimal("0.1") == gate.minimum["accuracy"]
    assert Decimal("0.05") == gate.maximum["silent_failure_rate"]


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"minimun": {}}, ["unknown argument", "did you mean 'minimum'"]),
        ({"alpha": 0.5}, ["alpha: must be above 0 and below 0.5"]),
        ({"alpha": "much"}, ["alpha: must be a rate"]),
        ({"policy": "any_drops"}, ["unknown policy 'any_drops'", "did you mean 'any_drop'"]),
        ({"minimum": {"changed_flag_rate": 0.1}}, ["unknown metric 'changed_flag_rate'"]),
        ({"maximum": {"confident_accuracy_at_coverage": 0.1}}, ["unknown metric"]),
        ({"conditions": []}, ["no condition"]),
        ({"conditions": [3]}, ["list of names"]),
        ({"conditions": ["fgo:3"]}, ["unknown condition 'fgo'", "did you mean 'fog'"]),
        ({"conditions": ["blur:3"]}, ["no severities", "blur(radius=2)"]),
        ({"conditions": ["clean", "clean"]}, ["given twice"]),
        ({"rule": 0.6}, ["FailureRule"]),
        ({"rule": "confidence > 0.6"}, ["cannot read"]),
        ({"metrics": ["acuracy"]}, ["did you mean 'accuracy'"]),
        ({"metrics": []}, ["nothing could fail"]),
        ({"tolerance": -0.1}, ["between 0 and 1"]),
        ({"tolerance": float("nan")}, ["between 0 and 1"]),
        ({"tolerance": True}, ["between 0 and 1"]),
        ({"minimum": 0.9}, ["must name its metric"]),
        ({"minimum": {"accuracy": 90}}, ["minimum: accuracy", "between 0 and 1"]),
        ({"maximum": {"silent": 0.1}}, ["unknown metric 'silent'"]),
        ({"minimum": "0.9"}, ["must name its metric, as in confident_accuracy=0.9, got '0.9'"]),
        ({"maximum": "{'silent_failure_rate': 0.05}"}, ["text holds no dict", "write METRIC=NUMBER"]),
        ({"tolerance": ["{accuracy", "=", "0.01}"]}, ["got '{accuracy = 0.01}'", "write METRIC=NUMBER"]),
        ({"metrics": "auroc"}, ["unknown metric 'auroc'; did you mean 'auroc_f'?"]),
        ({"conditions": "clean spatter(a=1"}, ["'spatter(a=1'"]),
        ({"conditions": ["clean", ""]}, ["cannot read the condition ''"]),
        ({"seed": -1}, ["whole number"]),
        ({"seed": True}, ["whole number"]),
        ({"baseline": ""}, ["name of a baseline"]),
    ],
)
def test_mistakes_in_a_marker(values: dict[str, object], words: list[str]) -> None:
    """A mistake in a marker is refused with the argument and what to write instead."""
    with pytest.raises(ConfigError) as caught:
        build_gate(values, prefix="reliability: ")

    assert [] == [word for word in ["reliability: ", *words] if word not in str(caught.value)]


@pytest.mark.parametrize(
    "value",
    [
        "clean, gaussian_noise(sigma=0.1), fog:1",
        "clean gaussian_noise(sigma=0.1) fog:1",
        "clean,gaussian_noise( sigma=0.1, ),fog:1",
        ["clean,", "gaussian_noise(sigma=0.1),", "fog:1"],  # as pytest hands over the first text of an ini
        ["clean", ",", "gaussian_noise(", "sigma=0.1", ")", ",fog:1"],
        ["clean, gaussian_noise(sigma=0.1)", "fog:1"],
    ],
)
def test_commas_and_blanks_between_names(value: object) -> None:
    """Commas, blanks or both separate names, but not within brackets."""
    gate = build_gate({"conditions": value})

    assert ["clean", "gaussian_noise(sigma=0.1)", "fog:1"] == [condition.key for condition in gate.conditions]


def test_several_parameters_stay_together() -> None:
    """The parameters of a user's function or of a metric stay together, although commas separate them."""
    gate = build_gate(
        {
            "conditions": ["mypkg:spatter(a=1,", "b=2),", "clean"],
            "metrics": "accuracy, risk_at_coverage(0.9, margin)",
            "tolerance": "accuracy=0.02, augrc=0.01",
        }
    )

    assert ["mypkg:spatter(a=1,b=2)", "clean"] == [condition.key for condition in gate.conditions]
    assert ("accuracy", "risk_at_coverage(0.9,margin)") == gate.metrics
    assert (Decimal("0.02"), Decimal("0.01")) == (gate.tolerance["accuracy"], gate.tolerance["augrc"])
    assert ("risk_at_coverage(0.9)",) == build_gate({"metrics": ["risk_at_coverage (0.9)"]}).metrics
