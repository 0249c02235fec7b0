"""The table of ways to end a run: it is what the script defines, and a few of its rows are run here."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from endings import END, PAGE, START, written
from ways import WAYS

SOME = ("nothing special", "a hook drops one condition", "a hook sets the exit code to 0")


def test_the_page_has_the_table_of_the_script() -> None:
    """`python scripts/endings.py --write` writes it."""
    page = PAGE.read_text(encoding="utf-8")
    assert (1, 1) == (page.count(START), page.count(END))
    assert page == written(page)


def test_no_way_is_green_in_silence() -> None:
    """Sixty ways and more; a green one says why, and a strict run is green only if the command line names its files."""
    assert 60 <= len(WAYS) == len({way.name for way in WAYS})
    assert [] == [way.name for way in WAYS if 0 in (way.plain, way.strict) and not way.says]
    assert ["`-c weak.ini`"] == [way.name for way in WAYS if way.strict == 0]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the script forks")  # meant: Windows has none
def test_some_ways_end_as_they_must() -> None:
    """The script runs all of them; this is a process of its own, because this one may have threads."""
    script = PAGE.parents[1] / "scripts" / "endings.py"
    done = subprocess.run([sys.executable, script, *SOME], capture_output=True, text=True, check=False)

    assert (0, f"{len(SOME)} ways, 0 faults") == (done.returncode, done.stdout.splitlines()[-1])
