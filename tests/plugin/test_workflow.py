"""The workflows of the recipes: their gates run, and the reports that they upload can be accepted."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml
from pages import blocks
from project import Command, Project

RECIPES = (Path(__file__).parents[2] / "docs" / "howto.md").read_text(encoding="utf-8")
SECTION = RECIPES.partition("## Run it in GitHub Actions\n")[2].partition("\n## Find out")[0]
GITHUB, GITLAB = (yaml.safe_load(block.text) for block in blocks(SECTION, "yaml"))
STEPS: list[dict[str, Any]] = GITHUB["jobs"]["gate"]["steps"]  # Any: what YAML can hold
CPU_WHEELS = "pip install torch torchvision --index-url https://download.pytorch.org/whl/cpu"


def gate_of(lines: list[str]) -> list[str]:
    """Return the words after `pytest` in the only line that calls it."""
    (line,) = (line for line in lines if line.startswith("pytest "))
    return shlex.split(line)[1:]


def test_each_step_runs_or_uses_something() -> None:
    """Each step runs a command or uses an action with a version, in the order install, gate, upload."""
    assert all(("run" in step) != ("uses" in step) for step in STEPS)
    used = [step["uses"] for step in STEPS if "uses" in step]
    assert all(re.fullmatch(r"actions/[\w/-]+@v\d+", action) for action in used)
    lines = [line for step in STEPS for line in step.get("run", "").splitlines()]
    assert [CPU_WHEELS, "pip install wheels/*.whl"] == lines[:2]
    assert [CPU_WHEELS, "pip install wheels/*.whl"] == GITLAB["reliability"]["script"][:2]
    kept = [step for step in STEPS if step.get("if") == "always()"]
    assert ["actions/cache/save@v4", "actions/upload-artifact@v4"] == [step["uses"] for step in kept]
    caches = [step["with"] for step in STEPS if step.get("uses", "").startswith("actions/cache/")]
    assert caches[0]["path"] == caches[1]["path"] == ".pytest_cache/d/failaware"
    assert caches[0]["key"] == caches[1]["key"]
    assert caches[0]["key"].startswith(caches[0]["restore-keys"])


@pytest.mark.parametrize("where", ["github", "gitlab"])
def test_the_first_run_is_accepted_and_the_second_is_green(
    project: Project, command: Command, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    """The first run of a job has no baseline, `accept` stores its upload, and then the same command passes."""
    lines = [line for step in STEPS for line in step.get("run", "").splitlines()]
    words = gate_of(lines if where == "github" else GITLAB["reliability"]["script"])
    kept = STEPS[-1]["with"]["path"] if where == "github" else GITLAB["reliability"]["artifacts"]["paths"][0]
    (project.path / "good.pth").rename(project.path / "candidate.pth")
    monkeypatch.setenv("CI", "true")
    if where == "github":
        monkeypatch.setenv("GITHUB_ACTIONS", "true")
        monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(project.path / "summary.md"))

    first = project.run(*words, model=None)
    first.assert_outcomes(failed=2)
    assert {"report.json", "report.records.zip", "report.html"} == {path.name for path in project.path.glob(kept)}
    typed = re.findall(r"^python -m pytest_failaware (accept .*)$", SECTION, re.MULTILINE)[-1]
    if where == "github":
        assert "python -m pytest_failaware accept report.json" in (project.path / "summary.md").read_text()
    for name in ("CI", "GITHUB_ACTIONS"):  # on a laptop
        monkeypatch.delenv(name, raising=False)
    assert 0 == command(*shlex.split(typed))[0]
    monkeypatch.setenv("CI", "true")
    project.run(*words, model=None).assert_outcomes(passed=2)
