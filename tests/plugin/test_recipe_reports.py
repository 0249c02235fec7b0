"""Runs against a recipe of three seeds: the terminal, JSON, HTML and Markdown."""

from __future__ import annotations

import pytest
from documents import document
from project import Project
from recipes import write_models

ADD = "--failaware-add-seed"


def test_a_worse_model_against_a_recipe(project: Project) -> None:
    """A red names the range of the seeds everywhere; JSON has their spread, and a stored seed is unchanged."""
    write_models(project.path)
    for model in ("good.pth", "seed2.pth", "seed3.pth"):
        assert pytest.ExitCode.OK == project.run(ADD, model=model).ret
    same = project.run("-v", model="seed3.pth")
    reports = [f"--failaware-report=r.{suffix}" for suffix in ("json", "html", "md")]
    run = project.run(*reports, model="worse.pth")
    results = document(project)["results"]
    seeds = [judged["evidence"]["seeds"] for judged in results[0]["comparisons"] if judged["metric"] == "accuracy"]
    page = (project.path / "r.html").read_text(encoding="utf-8")

    assert (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED) == (same.ret, run.ret)
    assert "identical to seed 3 of the 3 of its recipe" in same.stdout.str()
    assert [3] == [spread["count"] for spread in seeds]
    assert seeds[0]["low"] <= seeds[0]["high"]
    assert project.line_with(run, "worse than this recipe usually is: ", ", its 3 seeds ")
    assert "worse than this recipe usually is" in page
    assert "judged against the 3 seeds of its recipe" in page
    assert "accuracy" in (project.path / "r.md").read_text(encoding="utf-8")
