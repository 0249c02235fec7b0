"""The advice for marked tests as lines: which rule mends a moved operating point, or what to look at first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pytest_failaware.core.remedy import Advice
from pytest_failaware.report.words import name_in


def advice_lines(advice: Sequence[Advice]) -> Iterator[str]:
    """Yield a heading for each test and its sentences below it."""
    for item in advice:
        yield advice_heading(item)
        yield from (f"  {sentence}" for sentence in item.sentences)


def advice_heading(advice: Advice) -> str:
    """Return the line above the advice for a test."""
    name = name_in("".join(advice.test).removesuffix("[]"))
    return f"what to do about {name}:"
