"""What the false alarms of many marked tests add up to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Final

from pytest_failaware.judge import sentences

_MANY: Final = 5  # marked tests; the alarms of fewer are those that their alpha says


def false_alarms(alphas: Sequence[Decimal]) -> Iterator[str]:
    """Say how often a run of many marked tests is red by chance.

    >>> list(false_alarms([Decimal("0.01")] * 30))
    ['30 marked tests: up to 30 % of runs without a loss are red by chance; failaware_alpha is the chance of one test']
    """
    if len(alphas) >= _MANY:
        total = min(Decimal(1), sum(alphas, Decimal(0)))
        yield sentences.false_alarms(len(alphas), total)
