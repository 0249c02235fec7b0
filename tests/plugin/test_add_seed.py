"""Runs that store one more seed of a recipe."""

from __future__ import annotations

import pytest
from project import Project
from recipes import write_models

from pytest_failaware.baselines.file import read_baseline

ADD = "--failaware-add-seed"
REASON = "--failaware-reason=a sound training"


@pytest.fixture
def seeds(project: Project) -> Project:
    """Return the project with three models that differ a little from good.pth, as if trained with other seeds."""
    write_models(project.path)
    return project


@pytest.fixture
def recipe(seeds: Project) -> Project:
    """Return the project with a baseline of two seeds."""
    assert pytest.ExitCode.OK == seeds.run(ADD).ret
    assert pytest.ExitCode.OK == seeds.run(ADD, model="seed2.pth").ret
    return seeds


def count(project: Project) -> int:
    """Return how many seeds the baseline holds."""
    baseline = read_baseline(project.path / "baselines", "toy")
    return baseline.seed_count if baseline else 0


def test_seeds_are_stored_one_after_the_other(seeds: Project) -> None:
    """The first run records, each further run adds a seed, and the summary counts them until there are three."""
    first = seeds.run(ADD)
    assert seeds.line_with(first, "toy.yaml: recorded clean, low_light; review and commit it")
    assert seeds.line_with(first, "a retrain with another seed will differ", ADD)
    second = seeds.run(ADD, model="seed2.pth")
    assert seeds.line_with(second, "toy.yaml: seed 2 added, 2 of at least 3 seeds, so a candidate is judged")
    assert "a retrain with another seed" not in second.stdout.str()
    assert seeds.line_with(seeds.run(), "baseline toy: 2 of at least 3 seeds, so a candidate is judged")
    third = seeds.run(ADD, model="seed3.pth")
    assert seeds.line_with(third, "toy.yaml: seed 3 added; review and commit it")

    assert [pytest.ExitCode.OK] * 3 == [first.ret, second.ret, third.ret]
    assert 3 == count(seeds)
    assert "of at least" not in seeds.run().stdout.str()


def test_a_seed_that_is_stored_already(recipe: Project) -> None:
    """A run that repeats a stored seed passes, names the seed and writes nothing."""
    before = recipe.files()
    result = recipe.run(ADD, model="seed2.pth")

    assert (pytest.ExitCode.OK, before) == (result.ret, recipe.files())
    assert recipe.line_with(result, "toy.yaml: this run repeats seed 2; nothing written")


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (
            ("-k", "clean"),
            "a seed needs every condition, and this run has none to store for low_light;",
        ),
        (("-o", "failaware_rule=confidence < 0.55"), "all seeds need one rule: restore it, or record the recipe again"),
    ],
)
def test_a_run_that_cannot_be_a_seed(recipe: Project, words: tuple[str, ...], why: str) -> None:
    """A run of some conditions or another rule stores no seed."""
    before = recipe.files()
    result = recipe.run(ADD, *words, model="seed3.pth")

    assert (pytest.ExitCode.USAGE_ERROR, before) == (result.ret, recipe.files())
    assert recipe.line_with(result, "baseline 'toy' NOT written: ", why)


def test_a_seed_below_a_minimum(recipe: Project) -> None:
    """A bound of the gate holds for a seed, too, and no reason lets it pass."""
    before = recipe.files()
    result = recipe.run(ADD, REASON, "-o", "failaware_minimum=accuracy=0.9", model="seed3.pth")

    assert (pytest.ExitCode.TESTS_FAILED, before) == (result.ret, recipe.files())


def test_a_body_that_fails_stores_no_seed(recipe: Project) -> None:
    """If the test of one condition fails in its body, no condition gets the seed."""
    recipe.test("""
import pytest

@pytest.mark.reliability
def test_toy(request): assert "clean" not in request.node.name
""")
    before = recipe.files()
    result = recipe.run(ADD, model="seed3.pth")

    assert before == recipe.files()
    assert recipe.line_with(result, "baseline 'toy' NOT written: a seed needs every condition", "for clean;")


def test_a_red_seed_needs_a_reason(recipe: Project) -> None:
    """A seed that fails its gates is stored only with a reason, which the history keeps."""
    before = recipe.files()
    refused = recipe.run(ADD, model="worse.pth")
    assert (pytest.ExitCode.USAGE_ERROR, before) == (refused.ret, recipe.files())
    assert recipe.line_with(refused, "NOT written: this seed fails the gates of clean", 'add --failaware-reason="why"')
    assert recipe.line_with(refused, "If the training of this seed was sound, store it with a reason:")
    assert recipe.line_with(refused, "  pytest ", ADD, "--failaware-reason=")
    result = recipe.run(ADD, REASON, model="worse.pth")

    assert (pytest.ExitCode.OK, 3) == (result.ret, count(recipe))
    assert "reason: a sound training" in recipe.baseline.read_text()


def test_an_update_of_a_recipe_needs_a_reason(recipe: Project) -> None:
    """An update replaces the seeds of a recipe only with a reason, and says how many."""
    before = recipe.files()
    refused = recipe.run("--failaware-update-baselines", model="seed3.pth")
    assert (pytest.ExitCode.USAGE_ERROR, before) == (refused.ret, recipe.files())
    assert recipe.line_with(refused, "this run would replace the 2 seeds of a recipe by one; to keep them, use " + ADD)
    result = recipe.run("--failaware-update-baselines", REASON, model="seed3.pth")

    assert recipe.line_with(result, "seeds of the recipe that this run replaces: 2; review")
    assert (pytest.ExitCode.OK, 1) == (result.ret, count(recipe))


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (
            ("--failaware-update-baselines",),
            "exclude each other: the first stores every value, the second one",
        ),
        (
            ("--failaware-update-new",),
            "exclude each other: the first stores those that are missing, the",
        ),
        (("--failaware-prune",), "exclude each other: a seed is stored for every entry that is there"),
        (("--failaware-strict",), "a run with it writes no baseline"),
        (("--failaware-limit=10",), "a run with it writes no baseline"),
        (("--failaware-against=worse.pth",), "a run with it writes no baseline"),
        (("--failaware-check",), "--failaware-check only looks at a few samples"),
        (("-o", "failaware_require_reason=true"), "updates need a reason here"),
        ((REASON, "--failaware-reset-golden"), "forgets what drift was measured against"),
    ],
)
def test_options_that_do_not_fit_a_further_seed(project: Project, words: tuple[str, ...], why: str) -> None:
    """A run cannot add a seed and do what excludes it; the error names both options."""
    result = project.run(ADD, *words)

    assert pytest.ExitCode.USAGE_ERROR == result.ret
    assert why in result.stderr.str() + result.stdout.str()


def test_no_seed_on_a_ci_server(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """A CI server adds no seed unless the ini allows it."""
    monkeypatch.setenv("CI", "true")
    result = project.run(ADD)

    assert pytest.ExitCode.USAGE_ERROR == result.ret
    assert "this is a CI server (CI is set)" in result.stderr.str()


def test_a_dry_run_shows_the_seed(recipe: Project) -> None:
    """A dry run shows the lines that the seed would add, and writes nothing."""
    before = recipe.files()
    result = recipe.run(ADD, "--failaware-dry-run", model="seed3.pth")

    assert (pytest.ExitCode.OK, before) == (result.ret, recipe.files())
    assert recipe.line_with(result, "+  seeds: 3")
