"""The same answers at another scale, under another rule, or without use: moved, and regressed only if wrong."""

from __future__ import annotations

import numpy as np
import pytest
from real_checkpoints import CONDITIONS, Side, judged

from pytest_failaware.core.remedy import RemedyKind

MOVED = "operating_point_moved"
EVERYWHERE = dict.fromkeys(CONDITIONS, MOVED)


@pytest.mark.parametrize(("factor", "temperature"), [(1.5, 1.52), (1 / 1.5, 0.714)])
def test_another_scale_has_a_proven_temperature(later: Side, factor: float, temperature: float) -> None:
    """Scaled logits move every condition, and one temperature is proven, is green when pasted, and undoes the scale.

    The notes give .73 for the second scale. This is one step of 2 % nearer to 1: with the variance that Tango's test
    has at a tolerance of .05, the z of low_light there is 3.31 instead of 3.68, and 3.46 is needed.
    """
    scaled = later.times(factor)
    test = judged(later, scaled)

    assert EVERYWHERE == test.verdicts
    assert test.advice is not None
    (proven,) = [remedy for remedy in test.advice.remedies if remedy.is_proven]
    assert (RemedyKind.TEMPERATURE, temperature) == (proven.kind, proven.rule.temperature)
    assert {} == judged(later, scaled, proven.rule).verdicts


@pytest.mark.parametrize("factor", [0.1, 0.33, 0.5, 2, 3, 10])
def test_no_scale_is_regressed(later: Side, factor: float) -> None:
    """Logits times anything from .1 to 10 are moved, never regressed."""
    assert EVERYWHERE == judged(later, later.times(factor)).verdicts


@pytest.mark.parametrize(
    ("rule", "red"),
    [
        ("confidence < 0.3 or entropy > 3.0", {key: ["confident_accuracy"] for key in CONDITIONS}),
        ("confidence < 0.55 or entropy > 1.1", {key: ["confident_accuracy"] for key in CONDITIONS}),
        ("confidence < 0.6", {key: ["confident_accuracy"] for key in CONDITIONS}),
        ("confidence < 0.65 or entropy > 0.9", {}),
        ("confidence < 0.7 or entropy > 0.8", {"low_light": ["confident_correct_rate"]}),
    ],
)
def test_another_rule_is_judged_by_the_promise(later: Side, rule: str, red: dict[str, list[str]]) -> None:
    """The same answers under another rule are never regressed; a looser rule and one that flags too much are moved."""
    test = judged(later, later, rule)

    assert red == test.red
    assert dict.fromkeys(red, MOVED) == test.verdicts


def test_a_loosened_rule_lowers_the_promise_by_nine_points(later: Side) -> None:
    """Under the rule 0.3 / 3.0, 82.1 % instead of 90.7 % of the trusted answers to clean images are right."""
    promise = judged(later, later, "confidence < 0.3 or entropy > 3.0").comparison("clean", "confident_accuracy")

    assert ("90.7", "82.1") == tuple(f"{100 * value.value:.1f}" for value in (promise.reference, promise.current))


def test_a_rule_that_flags_everything_is_red(later: Side) -> None:
    """A rule that trusts nothing is moved in every condition."""
    test = judged(later, later, "confidence < 0.6 or entropy > 1.0 at temperature 100")

    assert [0] * 4 == [result.stats.rates["confident_accuracy"].denominator for result in test.results.values()]
    assert EVERYWHERE == test.verdicts


def test_a_rule_that_trusts_everything_is_red(later: Side) -> None:
    """A rule that flags nothing is moved in every condition."""
    assert EVERYWHERE == judged(later, later, "entropy > 3.0").verdicts


def test_one_class_for_everything_is_regressed(later: Side) -> None:
    """A model that answers cat for every image is regressed in every condition, and no rule is named."""
    cat = np.tile(np.eye(10, dtype=np.float32)[3] * 20, (4 * 5000, 1))
    test = judged(later, later.answering(cat))

    assert dict.fromkeys(CONDITIONS, "regressed") == test.verdicts
    assert test.advice is not None
    assert () == test.advice.remedies
