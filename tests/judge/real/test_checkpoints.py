"""Two checkpoints of one run: the better one only moved its operating point, and the worse one needs training."""

from __future__ import annotations

import pytest
from real_checkpoints import CONDITIONS, Side, judged

from pytest_failaware.core.remedy import Act, Remedy, RemedyKind

MOVED = "operating_point_moved"


def by_kind(remedies: tuple[Remedy, ...]) -> dict[RemedyKind, Remedy]:
    return {remedy.kind: remedy for remedy in remedies}


def test_the_later_checkpoint_moved_in_low_light_alone(earlier: Side, later: Side) -> None:
    """Against the earlier checkpoint, only low_light fails, as a moved point, by confident_accuracy alone."""
    test = judged(earlier, later)

    assert {"low_light": MOVED} == test.verdicts
    assert {"low_light": ["confident_accuracy"]} == test.red


def test_a_rule_and_a_temperature_are_proven(earlier: Side, later: Side) -> None:
    """One rule and one temperature are proven for all conditions; with either pasted, all items pass.

    The z depends on which samples are in which half: of 100 random halves, the middle 90 % of the rule's are 2.2 to
    3.1, and 97 % prove it.
    """
    advice = judged(earlier, later).advice

    assert advice is not None
    remedies = by_kind(advice.remedies)
    assert {RemedyKind.RULE, RemedyKind.TEMPERATURE} == set(remedies)
    rule, temperature = remedies[RemedyKind.RULE], remedies[RemedyKind.TEMPERATURE]
    assert (0.776, 0.773) == pytest.approx((rule.rule.confidence, rule.rule.entropy), abs=0.002)
    assert 1.2 == temperature.rule.temperature
    assert (3.1, 3.0) == pytest.approx((rule.z, temperature.z), abs=0.4)
    assert rule.is_proven
    assert temperature.is_proven
    for remedy in (rule, temperature):
        assert {} == judged(earlier, later, remedy.rule).verdicts


def test_the_earlier_checkpoint_is_regressed(earlier: Side, later: Side) -> None:
    """Against the later checkpoint, clean and blur are regressed; the act is to retrain, and no rule is named."""
    test = judged(later, earlier)

    assert {"clean": "regressed", "blur": "regressed"} == test.verdicts
    assert test.advice is not None
    assert () == test.advice.remedies
    assert Act.RETRAIN is test.advice.act
    assert test.advice.former is None
    assert test.advice.sentences[0].startswith("clean: lost most: deer 396 -> 351 of 500 right")


def test_bfloat16_passes(later: Side, halved: Side) -> None:
    """The same checkpoint in bfloat16 passes every gate, also if a drop must be excluded."""
    assert {} == judged(later, halved).verdicts
    assert {} == judged(later, halved, policy="non_inferiority").verdicts


@pytest.mark.parametrize("policy", ["beyond_tolerance", "any_drop", "non_inferiority"])
def test_the_same_model_passes(later: Side, policy: str) -> None:
    """A model against its own baseline passes under every policy."""
    assert dict.fromkeys(CONDITIONS, "unchanged") == {
        key: result.verdict.value for key, result in judged(later, later, policy=policy).results.items()
    }
