"""Conditions that are stored as numbers equal the conditions that were typed."""

from __future__ import annotations

import dataclasses
import math

import pytest

from pytest_failaware.core.condition import Condition, ConditionKind
from pytest_failaware.core.conditions.catalogue import DEFINITIONS, AnyName
from pytest_failaware.core.conditions.spelling import at_size, parse_condition
from pytest_failaware.core.conditions.stored import content_of, stored_condition, stored_parameters
from pytest_failaware.core.errors import ConfigError

CONTENT = content_of("00c0ffee1234567890abcdef")


def again(condition: Condition) -> Condition:
    """Return the condition after it was stored and read."""
    numbers = stored_parameters(condition)
    return stored_condition(
        condition.key, numbers, implementation=condition.implementation, is_random=condition.is_random
    )


@pytest.mark.parametrize(
    ("text", "kind", "severity"),
    [
        ("clean", ConditionKind.BUILT_IN, None),
        ("fog:3", ConditionKind.BUILT_IN, 3),
        ("gaussian_noise(sigma=0.1)", ConditionKind.BUILT_IN, None),
        ("night", ConditionKind.OTHER, None),
        ("pkg.mod:dust(amount=3)", ConditionKind.FUNCTION, None),
        ("precomputed/fog:2", ConditionKind.PRECOMPUTED, 2),
    ],
)
def test_a_condition_is_read_as_it_was_typed(text: str, kind: ConditionKind, severity: int | None) -> None:
    """The spelling gives the kind and the severity, and the stored condition equals the typed condition."""
    condition = at_size(parse_condition(text, "test", AnyName(DEFINITIONS)), 8, 8)

    assert (kind, severity) == (condition.kind, condition.severity)
    assert condition == again(condition)


def test_content_is_stored_as_a_number() -> None:
    """The first twelve digits of the fingerprint are stored as an exact float, and leading zeros are restored."""
    condition = dataclasses.replace(parse_condition("precomputed/fog:2", "test"), content=CONTENT)

    assert {"content": float(0xC0FFEE1234)} == stored_parameters(condition)
    assert {"content": "00c0ffee1234"} == again(condition).settings
    assert () == again(condition).parameters


def test_the_content_of_a_function_is_its_own_number() -> None:
    """A parameter of a user's function may have the name `content`, and it stays a number."""
    condition = parse_condition("pkg:dust(content=3)", "test")

    assert {"content": 3.0} == again(condition).settings


@pytest.mark.parametrize("number", [0.5, -1.0, float(16**12), math.inf])
def test_a_content_that_is_no_hash(number: float) -> None:
    """A number that no hash can have is refused, because somebody edited it."""
    with pytest.raises(ConfigError, match="which is not a hash"):
        stored_condition("precomputed/fog:2", {"content": number}, implementation=1, is_random=False)
