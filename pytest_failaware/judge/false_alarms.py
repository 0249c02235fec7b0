"""The chance that a run of many marked tests fails without a real loss."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Final

from pytest_failaware.judge.sentences import doubt

_MANY: Final = 5  # marked tests; with fewer, the alpha of a test is close enough to the chance of the run


def false_alarms(alphas: Sequence[Decimal]) -> Iterator[str]:
    """Yield a sentence on how often a run of many marked tests is red by chance.

    >>> list(false_alarms([Decimal("0.01")] * 30))
    ['30 marked tests: up to 30 % of runs without a loss are red by chance; failaware_alpha is the chance of one test']
    """
    if len(alphas) >= _MANY:
        total = min(Decimal(1), sum(alphas, Decimal(0)))
        yield doubt.false_alarms(len(alphas), total)
