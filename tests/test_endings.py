"""The table of ways to end a run equals the script's, and some of its rows are run here."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from endings import END, PAGE, START, written
from ways import WAYS

SOME = ("nothing special", "a hook drops one condition", "a hook sets the exit code to 0")


def test_the_page_has_the_table_of_the_script() -> None:
    """The page has the table that `python scripts/endings.py --write` writes."""
    page = PAGE.read_text(encoding="utf-8")
    assert (1, 1) == (page.count(START), page.count(END))
    assert page == written(page)


def test_no_way_is_green_in_silence() -> None:
    """Each way that passes has a message, and only one strict way passes, since the command line names its file."""
    assert 60 <= len(WAYS) == len({way.name for way in WAYS})
    assert [] == [way.name for way in WAYS if 0 in (way.plain, way.strict) and not way.says]
    assert ["`-c weak.ini`"] == [way.name for way in WAYS if way.strict == 0]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the script forks")  # this skips Windows
def test_some_ways_end_as_they_must() -> None:
    """Three of the ways end as the script expects, in a new process, since this process may have threads."""
    script = PAGE.parents[1] / "scripts" / "endings.py"
    done = subprocess.run([sys.executable, script, *SOME], capture_output=True, text=True, check=False)

    assert (0, f"{len(SOME)} ways, 0 faults") == (done.returncode, done.stdout.splitlines()[-1])
