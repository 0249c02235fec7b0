"""Convert conditions to the numbers that baselines and JSON reports store, and back."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from pytest_failaware.core.condition import Condition, ConditionKind
from pytest_failaware.core.conditions.spelling import kind_of_name
from pytest_failaware.core.errors import ConfigError

_CONTENT: Final = "content"
"""The stored number that holds the content of precomputed images."""

_DIGITS: Final = 12
"""The number of digits of the hash in a content; a float can represent so many digits exactly."""

_KEY: Final = re.compile(
    r"(?P<name>(?P<precomputed>precomputed/)?[A-Za-z0-9_]+|(?P<function>[A-Za-z_][\w.]*:[A-Za-z_]\w*))"
    r"(?::(?P<severity>\d{1,9})|\([^()]*\))?",
    re.ASCII,
)


def content_of(fingerprint: str) -> str:
    """Return the content of precomputed images from the fingerprint of the set of images."""
    return fingerprint[:_DIGITS]


def stored_parameters(condition: Condition) -> dict[str, float]:
    """Return the numbers to store for a condition, by name."""
    content = {_CONTENT: float(int(condition.content, 16))} if condition.content else {}
    return {**dict(condition.parameters), **content}


def stored_condition(key: str, numbers: Mapping[str, float], *, implementation: int, is_random: bool) -> Condition:
    """Return the condition that `stored_parameters` converted to these numbers.

    Raises:
        ConfigError: the key is not the spelling of a condition, or the number of a content is not a hash.
    """
    spelled = _KEY.fullmatch(key)
    if spelled is None:
        raise ConfigError("is not the spelling of a condition, as in 'blur' or 'gaussian_noise(sigma=0.1)'")
    name = spelled["name"]
    kind = ConditionKind.FUNCTION if spelled["function"] else kind_of_name(name)
    is_precomputed = bool(spelled["precomputed"])
    content = _content(numbers[_CONTENT]) if is_precomputed and _CONTENT in numbers else ""
    return Condition(
        name=name,
        kind=ConditionKind.PRECOMPUTED if is_precomputed else kind,
        parameters=tuple((name, value) for name, value in numbers.items() if not (content and name == _CONTENT)),
        key=key,
        severity=int(spelled["severity"]) if spelled["severity"] else None,
        content=content,
        implementation=implementation,
        is_random=is_random,
    )


def _content(number: float) -> str:
    if not (0 <= number < 16**_DIGITS and number == int(number)):
        raise ConfigError(f"has the content {number}, which is not a hash")
    return f"{int(number):0{_DIGITS}x}"
