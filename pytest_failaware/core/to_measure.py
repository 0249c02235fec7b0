"""What a measurement is asked for."""

from __future__ import annotations

from typing import NamedTuple

from pytest_failaware.core.condition import Condition
from pytest_failaware.core.rule_columns import Rules


class ToMeasure(NamedTuple):
    """A condition to measure, the seed if it is random, and the rules whose columns the records need."""

    condition: Condition
    seed: int
    rules: Rules = ()
