"""What to do about each marked test that is worse: the act, rules to paste, and what to look at first."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from pytest_failaware.core.remedy import Advice, Remedy
from pytest_failaware.core.result import WORSE, ItemResult
from pytest_failaware.report.questions import ACTS
from pytest_failaware.report.words import name_in

CHOICE: Final = "in the ini, or as the rule of the marker:"
_FORMER: Final = "the stored rule, green on these images; so the new rule is what moved the point"


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What to do about one marked test: `rules` are lines to paste, each with what it does."""

    act: str
    rules: tuple[tuple[str, str], ...]
    sentences: tuple[str, ...]


def tasks(results: Sequence[ItemResult], advice: Sequence[Advice]) -> Iterator[Task]:
    """Yield the task of each marked test with a worse condition, for all its conditions.

    If one condition is regressed, another rule is not enough for the others. A wrong set-up comes before any task.
    """
    by_test: dict[tuple[str, str], list[ItemResult]] = defaultdict(list)
    for result in results:
        if result.verdict in ACTS and not result.has_new_alarm:
            by_test[result.test].append(result)
    advised = {item.test: item for item in advice}
    return (_task(worse, advised.get(test)) for test, worse in by_test.items())


def task_lines(task: Task) -> Iterator[str]:
    """Yield a task as lines; a rule has a line of its own, ready to paste."""
    yield task.act
    if task.rules:
        yield f"  {CHOICE}"
    for rule, effect in task.rules:
        yield from (f"  {rule}", f"    {effect}")
    yield from (f"  {sentence}" for sentence in task.sentences)


def _task(worse: Sequence[ItemResult], advice: Advice | None) -> Task:
    act = advice.act if advice else ACTS[min((result.verdict for result in worse), key=WORSE.index)]
    parts = [
        f"{verdict.words}: {', '.join(sorted(result.stats.condition for result in worse if result.verdict is verdict))}"
        for verdict in WORSE
        if any(result.verdict is verdict for result in worse)
    ]
    name = name_in("".join(worse[0].test).removesuffix("[]"))
    return Task(
        act=f"{name}: {act.value} ({'; '.join(parts)})",
        rules=tuple(_rules(advice)) if advice else (),
        sentences=advice.sentences if advice else (),
    )


def _rules(advice: Advice) -> Iterator[tuple[str, str]]:
    if advice.former is not None:
        yield f"failaware_rule = {advice.former}", _FORMER
    yield from (
        (f"failaware_rule = {remedy.rule}", f"{_proof(remedy)}; {_price(remedy)}") for remedy in advice.remedies
    )


def _proof(remedy: Remedy) -> str:
    if remedy.is_proven:
        return "enough, proven on held-out halves"
    return f"green on these images, not proven with {remedy.images:,}; about {_about(remedy.images_needed):,} would do"


def _price(remedy: Remedy) -> str:
    changes = ", ".join(f"{key} {points:+.1f}" for key, points in remedy.price.items())
    return f"trusted and right: {changes} points"


def _about(count: int) -> int:
    """Return the count with two significant digits, rounded up: 8,412 -> 8,500."""
    step = int("1" + "0" * max(0, len(str(count)) - 2))
    return -(-count // step) * step
