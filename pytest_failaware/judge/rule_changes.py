"""The changed rules of a run, each said once and not for every condition."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from pytest_failaware.core.result import ItemResult


def rule_changes(results: Sequence[ItemResult]) -> Iterator[str]:
    """Yield a sentence for each rule that differs from the stored rule, with its tests unless it concerns every item.

    If only some conditions of a test have the change, the conditions are named, too.
    """
    changed: dict[str, list[ItemResult]] = defaultdict(list)
    for result in results:
        if result.rule_change:
            changed[result.rule_change].append(result)
    for sentence, items in changed.items():
        yield sentence if len(items) == len(results) else f"{sentence} ({', '.join(_where(items, results))})"


def _where(items: Sequence[ItemResult], results: Sequence[ItemResult]) -> Iterator[str]:
    """Yield the id of each test, or the ids of its items if not all of them are meant."""
    for test in dict.fromkeys(item.test for item in items):
        of_test = [item.nodeid for item in items if item.test == test]
        is_whole = len(of_test) == sum(result.test == test for result in results)
        yield from ["".join(test).removesuffix("[]")] if is_whole else of_test
