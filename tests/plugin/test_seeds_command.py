"""The command `seeds`, and seeds that come from the reports of other machines."""

from __future__ import annotations

import pytest
from project import Command, Project
from recipes import write_models

from pytest_failaware.baselines.file import read_baseline

ADD, REASON = "--failaware-add-seed", "--reason=a sound training"


@pytest.fixture
def recipe(project: Project) -> Project:
    """Return the project with a baseline of three seeds."""
    write_models(project.path)
    for model in ("good.pth", "seed2.pth", "seed3.pth"):
        assert pytest.ExitCode.OK == project.run(ADD, model=model).ret
    return project


def models(project: Project) -> list[tuple[str, ...]]:
    """Return the hashes of the models of each entry, shortened."""
    baseline = read_baseline(project.path / "baselines", "toy")
    assert baseline is not None
    return [tuple(model[:8] for model in entry.model_hashes) for entry in baseline.entries.values()]


def report(project: Project, model: str, name: str = "r.json") -> str:
    """Run a model without an update, and return the name of the report."""
    project.run(f"--failaware-report={name}", model=model)
    return name


def test_seeds_are_listed(recipe: Project, command: Command) -> None:
    """The command lists the rates and the model of each seed under each condition; `show` names the command."""
    (first, second, third), _ = models(recipe)
    code, text = command("seeds", "toy")
    lines = [line.split() for line in text.splitlines()]

    assert (0, True) == (code, text.startswith("toy: 3 seeds; seed 3 is the nearest to their mean, with which"))
    assert [["clean", "1", first], ["clean", "2", second], ["clean", "3", third]] == [
        [*line[:2], line[-1]] for line in lines[2:5]
    ]
    assert ["60.00%", "59.67%", "59.33%"] == [line[2] for line in lines[2:5]]


def test_show_says_how_much_seeds_differ(recipe: Project, command: Command) -> None:
    """`show` names the seeds, how many times as much as chance they differ, and the smallest drop that they show."""
    code, text = command("show", "toy")
    assert (0, True) == (code, "recipe: 3 seeds; the first is shown, and python -m pytest_failaware seeds toy" in text)
    assert "over chance: their variance over that of chance" in text
    recipe.sample_file("clean").unlink()
    code, text = command("show", "toy")

    assert (0, True) == (code, "how much the seeds differ is not known: sample files are absent" in text)


def test_selftest_says_what_it_compares(recipe: Project, command: Command) -> None:
    """`selftest` plants losses in the first seed, so it points to the command that knows all seeds."""
    text = command("selftest", "toy", "--draws", "2")[1]

    assert "this is the comparison with one model; a candidate is judged against 3 seeds" in text
    assert "python -m pytest_failaware plan toy" in text


def test_a_seed_is_dropped(recipe: Project, command: Command) -> None:
    """A dropped seed leaves the others; a dry run drops nothing; with too few left, the sentence says so."""
    (first, _, third), _ = models(recipe)
    before = recipe.files()
    code, text = command("seeds", "toy", "--drop", "2", "--dry-run")
    assert (0, before) == (code, recipe.files())
    assert "-  seeds: 3" in text
    code, text = command("seeds", "toy", "--drop", "2", "--reason=another learning rate")

    assert (0, [(first, third)] * 2) == (code, models(recipe))
    assert "toy.yaml: seed 2 of 3 dropped, 2 of at least 3 seeds, so a candidate is judged against the first" in text
    assert "reason: another learning rate" in recipe.baseline.read_text()
    assert pytest.ExitCode.OK == recipe.run(model="seed3.pth").ret


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("--drop", "4"), "there is no seed 4; it holds seeds 1 to 3"),
        (("--drop", "0"), "there is no seed 0; it holds seeds 1 to 3"),
        (("--replace", "two", "r.json"), "--replace: 'two' is no number of a seed"),
        (("--replace", "2", "absent.json"), "absent.json: cannot be read"),
        (("--dry-run",), "nothing to change; add --drop N or --replace N report.json"),
        (("--drop", "1", "--reason=..."), "gives no reason"),
    ],
)
def test_a_change_that_cannot_be(recipe: Project, command: Command, words: tuple[str, ...], why: str) -> None:
    """A seed that does not exist, or a change without a number, is refused, and nothing is written."""
    before = recipe.files()
    code, text = command("seeds", "toy", *words)

    assert (4, before) == (code, recipe.files())
    assert why in text


def test_no_seed_is_dropped_on_a_ci_server(recipe: Project, command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """A CI server lists seeds and changes none."""
    monkeypatch.setenv("CI", "true")

    assert 0 == command("seeds", "toy")[0]
    code, text = command("seeds", "toy", "--drop", "2")
    assert (4, True) == (code, "this is a CI server (CI is set)" in text)


def test_a_report_replaces_a_seed(recipe: Project, command: Command) -> None:
    """The model of a report takes the place of a seed; a model that fails its gates needs a reason."""
    (first, second, _), _ = models(recipe)
    code, text = command("seeds", "toy", "--replace", "3", report(recipe, "seed4.pth"))
    assert (0, (first, second)) == (code, models(recipe)[0][:2])
    assert "toy.yaml: seed 3 of 3 replaced; review and commit it" in text
    before = recipe.files()
    red = report(recipe, "worse.pth")
    code, text = command("seeds", "toy", "--replace", "3", red)

    assert (4, before) == (code, recipe.files())
    assert "fails its gates; find out why, or, if the training of this seed was sound, add --reason" in text
    assert 0 == command("seeds", "toy", "--replace", "3", red, REASON)[0]


def test_a_drifted_seed_needs_no_reset(recipe: Project, command: Command) -> None:
    """The golden reference stays beside a seed, so a report that drifted asks for a reason alone."""
    recipe.run("--failaware-report=drifted.json", "-o", "failaware_drift_budget=0.01", model="worse.pth")
    code, text = command("accept", "drifted.json", "--add-seed")

    assert (4, True, False) == (code, "add --reason" in text, "--reset-golden" in text)
    assert 0 == command("accept", "drifted.json", "--add-seed", REASON)[0]


def test_reports_of_several_trainings(project: Project, command: Command) -> None:
    """Reports that were judged against the same first seed are accepted one after the other."""
    write_models(project.path)
    project.record()
    names = [report(project, f"seed{number}.pth", f"r{number}.json") for number in (2, 3, 4)]

    assert [0, 0, 0] == [command("accept", name, "--add-seed")[0] for name in names]
    assert [4, 4] == [len(hashes) for hashes in models(project)]
    before = project.files()
    code, text = command("accept", names[0], "--add-seed")
    assert (0, before) == (code, project.files())
    assert "this run repeats seed 2; nothing written" in text


def test_a_report_that_nothing_judged(project: Project, command: Command) -> None:
    """The first report records the first seed; another that had no baseline either needs a reason."""
    write_models(project.path)
    first, second = report(project, "good.pth", "r1.json"), report(project, "seed2.pth", "r2.json")
    code, text = command("accept", first, "--add-seed")
    assert (0, True) == (code, "a retrain with another seed will differ" in text)
    code, text = command("accept", second, "--add-seed")

    assert (4, True) == (code, "the run of this report had no baseline, so nothing judged this seed" in text)
    assert 0 == command("accept", second, "--add-seed", REASON)[0]
    assert [2, 2] == [len(hashes) for hashes in models(project)]


def test_a_report_that_was_judged_against_a_dropped_seed(recipe: Project, command: Command) -> None:
    """A report whose run was judged against a seed that is not stored any more is refused."""
    name = report(recipe, "seed4.pth")
    command("seeds", "toy", "--drop", "2")
    code, text = command("accept", name, "--add-seed")

    assert (4, True) == (code, "conditions.clean has changed since the run of this report" in text)


def test_a_report_of_an_update(recipe: Project, command: Command) -> None:
    """Without --add-seed, a report replaces all seeds only with a reason; a reset of golden is no seed."""
    name = report(recipe, "seed4.pth")
    code, text = command("accept", name)
    assert (4, True) == (code, "would replace the 3 seeds of a recipe by one" in text)
    assert 4 == command("accept", name, "--add-seed", "--reset-golden", REASON)[0]
    code, text = command("accept", name, REASON)

    assert (0, [1, 1]) == (code, [len(hashes) for hashes in models(recipe)])
    assert "seeds of the recipe that this run replaces: 3" in text
