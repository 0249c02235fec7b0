"""The lines of the summary on a check (--failaware-check)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from pytest_failaware.core.fact import Fact
from pytest_failaware.core.look import Look
from pytest_failaware.report.words import duration, name_in

Looks = Mapping[str, Look]
"""The look at each item, by test id."""

_NAMED: Final = 12  # conditions in one sentence


def look_facts(looks: Looks) -> Iterator[Fact]:
    """Yield model and data, how many samples are right, which entries exist, and how long a full run will take."""
    yield from dict.fromkeys(fact for look in looks.values() for fact in look.facts)
    yield from (Fact(text=text) for text in _sentences(looks))


def _sentences(looks: Looks) -> Iterator[str]:
    yield from _right(looks)
    for name, some in _by_baseline(looks).items():
        if stored := [look.condition for look in some if look.has_entry]:
            yield f"baseline {name!r} has {_named(stored)}"
    yield from _time(looks)


def look_findings(looks: Looks) -> Iterator[str]:
    """Yield a line for each error."""
    yield from dict.fromkeys(finding for look in looks.values() for finding in look.findings)
    where: dict[tuple[str, str], list[str]] = defaultdict(list)
    for look in looks.values():
        for difference in look.differences:
            where[look.baseline, difference].append(look.condition)
    for (name, difference), conditions in where.items():
        yield f"not comparable with baseline {name!r} ({_named(conditions)}): {difference}"


def look_notices(looks: Looks) -> Iterator[str]:
    """Yield what may be wrong, which entries are missing, and what a check cannot know.

    Doubtful values should not be recorded.
    """
    yield from dict.fromkeys(f"note: {note}" for look in looks.values() for note in look.notes)
    is_doubtful = any(look.findings or look.notes for look in looks.values())
    remedy = "" if is_doubtful else "; --failaware-update-new in place of --failaware-check records what is missing"
    for name, some in _by_baseline(looks).items():
        new = [look.condition for look in some if not look.has_entry]
        if not all(look.has_baseline for look in some):
            yield f"no baseline {name!r} yet{remedy}"
        elif new:
            yield f"no entry yet in baseline {name!r} for {_named(new)}{remedy}"
    if unlooked := dict.fromkeys(what for look in looks.values() for what in look.unlooked):
        yield f"not looked at: {'; '.join(unlooked)}"


def _right(looks: Looks) -> Iterator[str]:
    """Yield how many of the samples are right, with their tests."""
    tests: dict[str, dict[str, None]] = defaultdict(dict)
    for nodeid, look in looks.items():
        share = f"{look.right / look.images:.2%}"
        sentence = f"{look.right} of {look.images:,} samples looked at are right under {look.under} ({share})"
        tests[sentence][name_in(nodeid).partition("[")[0]] = None
    for sentence, names in tests.items():
        yield f"{', '.join(names)}: {sentence}"


def _time(looks: Looks) -> Iterator[str]:
    """Yield how long a full measurement takes in one process that opens each data set once."""
    measured = [look for look in looks.values() if look.seconds]
    if not measured:
        return
    opened = {(look.facts, look.decoding): look.decoding for look in measured}
    seconds = sum(look.seconds for look in measured) + sum(opened.values())
    conditions = f"{len(measured)} condition{'' if len(measured) == 1 else 's'}"
    images = " and ".join(dict.fromkeys(f"{look.known:,}" for look in measured))
    took = duration(max(1.0, seconds))
    yield f"a full run takes about {took} (minutes:seconds) on this machine: {conditions} of {images} images"


def _by_baseline(looks: Looks) -> Mapping[str, Sequence[Look]]:
    by_baseline: dict[str, list[Look]] = defaultdict(list)
    for look in looks.values():
        by_baseline[look.baseline].append(look)
    return by_baseline


def _named(conditions: Sequence[str]) -> str:
    names = list(dict.fromkeys(conditions))
    return ", ".join(names) if len(names) <= _NAMED else f"{len(names)} conditions"
