"""Updates that are killed, fail, are interrupted or meet others; scripts/interrupted_updates.py tries each call."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

if os.name == "nt":
    pytest.skip("processes are forked", allow_module_level=True)

import interrupted_updates
from interrupted_updates import Row, calls_of, ended_by, failing, interrupt, kill, tried

ENDS: dict[str, Callable[[int], Callable[[Path], None]]] = {
    "killed": lambda number: ended_by({number: kill}),
    "EIO": lambda number: ended_by({number: failing(errno.EIO)}, instead=True),
    "ENOSPC": lambda number: ended_by({number: failing(errno.ENOSPC)}, instead=True),
    "Ctrl-C twice": lambda number: ended_by({number: interrupt, number + 1: interrupt}),
}


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("prepare", ["nothing", "whole", "former"])
def test_a_baseline_is_the_old_or_the_new_one(tmp_path: Path, prepare: str, end: str) -> None:
    """An update that ends anywhere leaves the old or the new baseline; the next one removes leftovers."""
    start, row = tmp_path / "baselines", Row(way=end)
    getattr(interrupted_updates, f"prepare_{prepare}")(start)
    total = calls_of(start)
    for number in (2, total // 3, 2 * total // 3, total - 2):  # the commit is between the third and the last
        tried(start, ENDS[end](number), row, f"call {number} of {total}")

    assert [] == row.faults
    assert 4 == row.tries == row.old + row.new


def test_processes_with_their_own_temporary_folders_lose_no_update() -> None:
    """The lock does not depend on the temporary folder, so no update is lost."""
    row = interrupted_updates.writers_at_once(writers=3, updates=3)

    assert (9, []) == (row.new, row.faults)


def test_a_reader_never_sees_a_half() -> None:
    """A reader with an older baseline reads a complete one while another process removes its files."""
    row = interrupted_updates.reader_beside_a_writer(1)

    assert [] == row.faults
    assert row.tries == row.new > 0
