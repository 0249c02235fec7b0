"""The text of a failed gate on a terminal, in a log, in the list of failed tests and in a JUnit file."""

from __future__ import annotations

import re

import pytest
from project import Project
from screen import screen

RED = "\x1b[31m"
SENTENCE = "    accuracy: 60.00% -> 40.00%, -20.00 pt (allowed 0.50 pt): REGRESSED"
ON_A_TERMINAL = """
import pytest

class Yes(int):  # a value in some versions of pytest, a method in others
    def __call__(self):
        return True

@pytest.hookimpl(trylast=True)
def pytest_configure(config):
    config.pluginmanager.get_plugin("terminalreporter").isatty = Yes(1)
"""
BODY_FAILS = """
import pytest

@pytest.mark.reliability
def test_toy(reliability):
    assert reliability.stats.cells.samples < 9
"""


@pytest.fixture
def recorded(project: Project) -> Project:
    """Return a project with a baseline of the good model."""
    project.record()
    return project


def test_forty_columns(recorded: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """On 40 columns every line fits except the command, and no number is broken."""
    (recorded.path / "conftest.py").write_text(ON_A_TERMINAL)
    monkeypatch.setenv("COLUMNS", "40")
    lines = screen(str(recorded.run(model="worse.pth").stdout)).split("\n")
    ours = lines[next(place for place, line in enumerate(lines) if "FAILURES" in line) :]

    assert {"  pytest", "FAILED"} >= {line[:8].rstrip() for line in ours if len(line) > 40}
    assert any(line.startswith("  pytest ") and line.endswith(' --failaware-reason="…"') for line in ours)
    assert "    accuracy: 60.00% -> 40.00%, -20.00" in ours
    assert "    allowed 0.50 pt, verdict REGRESSED" in ours


def test_a_log_has_full_lines_and_no_colours(recorded: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """A log has full lines without colours, even if the environment sets the width of a terminal."""
    monkeypatch.setenv("COLUMNS", "40")
    result = recorded.run(model="worse.pth")

    result.stdout.fnmatch_lines([SENTENCE, "test_toy[[]clean]      accuracy *60.00%  40.00%  -20.00 pt  0.50 pt  REG*"])
    assert "\x1b" not in str(result.stdout)


def test_colours_follow_the_verdict(recorded: Project) -> None:
    """The sentence of a failure and its rows in both tables are red."""
    text = str(recorded.run("--color=yes", model="worse.pth").stdout)

    assert f"{RED}{SENTENCE}" in text
    assert 2 <= len(re.findall(rf"{re.escape(RED)}test_toy\[clean\].*REGRESSED", text))


def test_the_list_of_failed_tests_says_what_fell(recorded: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """The list of failed tests says which metric fell, and --tb=line prints that with the test's place only."""
    monkeypatch.setenv("COLUMNS", "120")
    said = "REGRESSED: accuracy -20.00 pt, *"
    recorded.run("--failaware-override=conditions=clean", "--tb=no", model="worse.pth").stdout.fnmatch_lines(
        [f"FAILED test_toy.py::test_toy[[]clean] - {said}"]
    )
    brief = recorded.run("--tb=line", model="worse.pth")
    brief.stdout.fnmatch_lines([f"*test_toy.py:4: {said}"])
    brief.stdout.no_fnmatch_line(f"{SENTENCE}*")


@pytest.mark.parametrize("workers", [(), ("-p", "xdist", "-n", "1")])
def test_a_junit_file_has_the_whole_text(recorded: Project, workers: tuple[str, ...]) -> None:
    """The JUnit file has the whole text in full lines, and the metric that fell in the message."""
    recorded.run("--junitxml=r.xml", *workers, model="worse.pth")
    text = (recorded.path / "r.xml").read_text()

    assert 'failure message="REGRESSED: accuracy -20.00 pt, ' in text
    assert SENTENCE.replace(">", "&gt;") in text


def test_another_plugin_gets_the_whole_text(recorded: Project) -> None:
    """Another plugin gets the whole text of a failure, even if --tb=line shortens it on the terminal."""
    (recorded.path / "conftest.py").write_text(
        "from pathlib import Path\n"
        "def pytest_runtest_logreport(report):\n"
        "    if report.failed: Path('seen.txt').write_text(report.longreprtext)\n"
    )
    recorded.run("--tb=line", model="worse.pth")

    assert SENTENCE in (recorded.path / "seen.txt").read_text().splitlines()


def test_other_failures_are_left_alone(recorded: Project) -> None:
    """A failing body is shown as pytest shows it."""
    recorded.test(BODY_FAILS)

    recorded.run().stdout.fnmatch_lines(["E *assert 300 < 9"])


@pytest.mark.parametrize(
    ("quiet", "totals"),
    [((), 1), (("-q",), 1), (("-qq",), 0)],
)
def test_quiet(recorded: Project, quiet: tuple[str, ...], totals: int) -> None:
    """-q prints the failures and the total, and -qq only the failures, as pytest does."""
    lines = recorded.run(*quiet, model="worse.pth").outlines

    assert totals == lines.count("2 checked: 2 regressed")
    assert SENTENCE in lines
    assert bool(quiet) != any("--failaware-update-baselines" in line for line in lines)
    assert (totals == 1) == any("reliability (failaware)" in line for line in lines)
