"""Progress on a real terminal, and outputs that must not contain it."""

from __future__ import annotations

import os
import re
import select
import subprocess
import sys

import pytest
from project import Project
from screen import screen

pty = pytest.importorskip("pty", reason="needs pseudo-terminals")

SLOW = """
import time
import toy

class Slow(toy.Bands):
    def forward(self, images):
        time.sleep(0.06)
        return super().forward(images)

def network():
    model = Slow()
    model.load_state_dict(toy.weights())
    return model
"""
PRINTS = """
import pytest

@pytest.mark.reliability
def test_prints(reliability):
    print("my own words")
    assert reliability.stats.condition != "low_light"
"""


def on_a_terminal(project: Project, *arguments: str) -> str:
    """Return everything that pytest writes to a terminal of 80 columns."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "pytest", "-p", "no:randomly", "-p", "no:cacheprovider", *arguments]
    environment = {**os.environ, "COLUMNS": "80", "TERM": "xterm"}
    process = subprocess.Popen(command, cwd=project.path, env=environment, stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    found = b""
    while process.poll() is None or select.select([ours], [], [], 0.1)[0]:
        if select.select([ours], [], [], 0.1)[0]:
            try:
                found += os.read(ours, 65536)
            except OSError:  # Linux reports so that the other end is closed
                break
    process.wait()
    os.close(ours)
    return found.decode()


def test_a_terminal_shows_progress_and_keeps_none(project: Project) -> None:
    """A terminal shows progress while a run measures, and at the end only pytest's lines and the test's output."""
    (project.path / "slow.py").write_text(SLOW)
    project.record()  # so that only the body fails, and no message on missing entries is printed
    project.test(PRINTS)
    raw = on_a_terminal(project, "--failaware-model=slow:network", "--failaware-batch-size=15")
    seen = screen(raw).splitlines()

    assert re.search(r"clean \d+/300 images, \d[\d,]* images/s, \d:\d\d left", raw)
    assert f"test_toy.py .F{' ' * 59}[100%]" in seen
    assert not [line for line in seen if "images/s" in line or "left" in line.split()]
    start = seen.index(next(line for line in seen if "Captured stdout" in line))
    assert "Captured stdout call" in seen[start]
    assert "my own words" == seen[start + 1]
    assert seen[start + 2].startswith("====")
    assert 1 == sum("Captured" in line for line in seen)


def test_logs_and_quiet_runs_hold_no_live_line(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """An output that is not a terminal gets a progress line each half minute, here at once, and none with -q."""
    monkeypatch.setattr("pytest_failaware.report.terminal.live._LOGGED", 0.0)
    shown = project.run("--failaware-batch-size=100", "--failaware-update-baselines")
    lines = [line for line in shown.outlines if line.startswith("failaware: clean ")]

    assert ["100/300", "200/300", "300/300"] == [line.split()[2] for line in lines]
    assert "\b" not in shown.stdout.str()
    assert any(line.startswith("failaware: decoding 300/300 images") for line in shown.outlines)
    shown.assert_outcomes(passed=2)
    quiet = project.run("--failaware-batch-size=100", "-q")
    assert "images/s" not in quiet.stdout.str()
