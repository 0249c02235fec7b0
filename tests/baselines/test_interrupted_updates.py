"""Updates that are killed, fail, are interrupted or meet others; scripts/interrupted_updates.py tries each call."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

if os.name == "nt":
    pytest.skip("processes are forked", allow_module_level=True)

import interrupted_updates
from interrupted_updates import CASES, Row, calls_of, tried, ways_of

ENDS = ("kill -9 after", "EIO in", "ENOSPC in", "Ctrl-C twice after")


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize(
    ("prepare", "act"), CASES, ids=[f"{prepare.__name__}-{act.__name__}" for prepare, act in CASES]
)
def test_a_baseline_is_the_old_or_the_new_one(
    tmp_path: Path, prepare: Callable[[Path], None], act: Callable[[Path], None], end: str
) -> None:
    """An update that ends anywhere leaves the old or the new baseline; the next one removes leftovers."""
    start, row = tmp_path / "baselines", Row(way=end)
    prepare(start)
    total = calls_of(start, act)
    for number in (2, total // 3, 2 * total // 3, total - 2):  # the commit is between the third and the last
        tried(start, ways_of(act)[end](number), row, f"call {number} of {total}", act)

    assert [] == row.faults
    assert 4 == row.tries == row.old + row.new


def test_processes_with_their_own_temporary_folders_lose_no_update() -> None:
    """The lock does not depend on the temporary folder, so no update is lost."""
    row = interrupted_updates.writers_at_once(writers=3, updates=3)

    assert (9, []) == (row.new, row.faults)


def test_seeds_that_are_added_at_once() -> None:
    """Processes that add seeds at the same time lose none, and every condition has the same seeds."""
    row = interrupted_updates.seeds_at_once(writers=3, seeds=2)

    assert (6, []) == (row.new, row.faults)


def test_a_reader_never_sees_a_half() -> None:
    """A reader with an older baseline reads a complete one while another process removes its files."""
    row = interrupted_updates.reader_beside_a_writer(1)

    assert [] == row.faults
    assert row.tries == row.new > 0
