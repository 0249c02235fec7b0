"""Which losses a gate can see: the commands `plan` and `selftest`, and the note of a run that records."""

from __future__ import annotations

import json

import pytest
from project import MARKED, Command, Project
from recipes import add_seed, store_recipe

ACCURACY = "--gate=metrics=accuracy"


def test_plan(project: Project, command: Command) -> None:
    """`plan` prints the smallest drop that each default gate sees, for the stored or for another number of images."""
    project.record()
    code, text = command("plan", "toy")
    lines = [line.split() for line in text.splitlines()]

    assert 0 == code
    heading = "beyond_tolerance, 2 conditions x 4 gates and the class guard, each gate at p < 0.001"
    assert heading == text.splitlines()[0]
    assert ["clean", "accuracy", "300"] == lines[3][:3]
    assert ["clean", "confident_accuracy_at_coverage", "180"] == lines[4][:3]
    assert ["clean", "confident_accuracy", "180"] == lines[5][:3]
    assert "too few samples: 6 of 8 gates see only drops of more than four times their tolerance" in text
    more = [line.split() for line in command("plan", "toy", "--samples", "30000")[1].splitlines()]
    assert ["clean", "accuracy", "30,000"] == more[3][:3]
    assert float(more[3][3]) < float(lines[3][3]) < float(lines[3][5])


def test_plan_says_what_the_mean_sees(command: Command) -> None:
    """With three or more conditions `plan` adds the loss that the mean over them detects."""
    whole = command("plan", "--samples", "5000")[1]

    assert "the mean of the 4 conditions finds a loss of accuracy that they share from 0.77 pt on if few" in whole
    assert "the mean of" not in command("plan", "--samples", "5000", "--gate", "conditions=clean,blur")[1]


def test_drift_takes_a_fifth_of_alpha_from_the_gates(project: Project, command: Command) -> None:
    """Once a baseline has a golden reference, `plan` and the report print the smaller level of the gates."""
    project.record()
    project.record(model="worse.pth")
    heading = command("plan", "toy")[1].splitlines()[0]
    project.run("--failaware-report=report.json", model="worse.pth")
    levels = json.loads((project.path / "report.json").read_text())["results"][0]["levels"]

    assert heading.endswith("each gate at p < 0.0008, drift at p < 0.00025")
    assert {"gate": 0.0008, "drift": 0.00025, "pooled": 0.001} == pytest.approx(levels)


def test_plan_of_another_gate(project: Project, command: Command) -> None:
    """`plan --gate` takes other metrics and policies, and a misspelt key or a bad value is an error."""
    project.record()

    assert (
        "any_drop, 2 conditions x 1 gates and the class guard, each gate at p < 0.0025"
        in command("plan", "toy", ACCURACY, "--gate", "policy=any_drop")[1]
    )
    for policy, demand in (
        ("equivalence", "few predictions and flags can have changed"),
        ("non_inferiority", "a loss beyond the tolerance is excluded"),
    ):
        text = command("plan", "toy", f"--gate=policy={policy}")[1]
        assert f"{policy} looks for no drop: it passes only if {demand}, so there is no smallest drop" in text
    code, text = command("plan", "toy", "--gate", "maximum={'silent_failure_rate': 0.05}")
    assert (4, True) == (code, "write METRIC=NUMBER, as in accuracy=0.9" in text)
    assert 0 == command("plan", "toy", "--gate", "maximum=silent_failure_rate=0.05")[0]
    code, text = command("plan", "toy", "--gate=polcy=any_drop")
    assert (4, True) == (code, text.startswith("error: --gate=polcy: unknown argument; did you mean 'policy'?"))
    assert (4, "error: --gate=alpha: write KEY=VALUE, each key once, as in tolerance=0.02\n") == command(
        "plan", "toy", "--gate=alpha"
    )


def test_selftest_sees_the_gates_fail(project: Project, command: Command) -> None:
    """`selftest` sees no failure if nothing is lost, and a failure in every draw if a tenth is lost."""
    project.record()
    code, text = command("selftest", "toy", "--draws=20", ACCURACY)
    rows = {(line[0], line[1]): line[2:] for line in map(str.split, text.splitlines()[3:-1])}

    assert 0 == code
    assert ["0.0%", "100.0%"] == [rows["clean", "0.2%"][0], rows["clean", "0.2%"][-1]]
    assert ["0.0%", "100.0%"] == [rows["any", "of"][2], rows["any", "of"][-1]]
    assert "every gate was seen red, and none is red too often" == text.splitlines()[-1]
    assert (code, text) == command("selftest", "toy", "--draws=20", ACCURACY)


def test_selftest_finds_gates_that_keep_nothing(project: Project, command: Command) -> None:
    """`selftest` fails on a tolerance that is never exceeded, and on a minimum that equals the stored value."""
    project.record()
    code, text = command("selftest", "toy", "--draws=10", ACCURACY, "--gate=tolerance=0.2")
    assert 1 == code
    assert "never red, even with 10 pt lost: clean, low_light" in text

    code, text = command("selftest", "toy", "--draws=10", ACCURACY, "--gate=minimum=accuracy=0.6")
    assert 1 == code
    assert "more than alpha = 0.01 says: is a minimum or maximum set at the stored value itself?" in text


def test_selftest_of_gates_that_demand_a_proof(project: Project, command: Command) -> None:
    """`selftest` fails if a gate that demands a proof fails an equal model too often, as with few images."""
    project.record()
    code, text = command("selftest", "toy", "--draws=10", ACCURACY, "--gate=policy=non_inferiority")
    assert 1 == code
    assert "non_inferiority: an equal model fails in 100.0% of the draws if few answers flip" in text
    assert "an equal model fails more often than it passes; measure more images" in text.splitlines()[-1]

    wide = ("--gate=policy=non_inferiority", "--gate=tolerance=0.08")
    code, text = command("selftest", "toy", "--draws=10", ACCURACY, *wide)
    assert (0, "every gate was seen red") == (code, text.splitlines()[-1])
    assert "non_inferiority: an equal model fails in " in text
    assert "red too often" not in text


def test_selftest_needs_the_samples(project: Project, command: Command) -> None:
    """`selftest` needs the sample files, since it plants losses in samples."""
    project.record()
    project.sample_file("clean").unlink()

    assert (4, "error: toy: no sample file for clean; restore it from version control\n") == tuple(
        part if isinstance(part, int) else part.splitlines()[-1] + "\n" for part in command("selftest", "toy")
    )


def test_a_run_that_records_says_what_its_gates_see(project: Project) -> None:
    """A run that records new entries prints which drops its gates see; an update and a plain run do not."""
    few = "too few samples: 6 of 8 gates see only drops of more than four times their tolerance*"
    table = [
        "the smallest drop that turns a gate red four times out of five, *",
        "test_toy[[]clean[]] *accuracy * 300 *6.28 pt *10.87 pt",
        "test_toy[[]clean[]] *confident_accuracy * 180 *9.74 pt *15.22 pt",
        few,
    ]
    project.record("-v", "--failaware-dry-run").stdout.fnmatch_lines(table)
    found = [
        "what the gates of this run see: the smallest drop that turns one red *",
        "if few answers change, as in an exported model: 6.28 to 13.36 pt",
        "if many answers change, as in a retrained model: 10.87 to 16.74 pt",
    ]
    project.record().stdout.fnmatch_lines([*found, few])
    again = project.record(model="worse.pth")
    again.stdout.fnmatch_lines(["2 checked: 2 updated"])
    again.stdout.no_fnmatch_line("what the gates of this run see*")
    project.run("-v").stdout.no_fnmatch_line("the smallest drop*")


def test_a_baseline_at_chance(project: Project) -> None:
    """A baseline at chance is noted when it is recorded, and each run counts it separately."""
    project.test(MARKED.replace("reliability", "reliability(conditions=['low_light(factor=0)', 'clean'])"))
    recorded = project.record()
    recorded.stdout.fnmatch_lines(["test_toy[[]low_light(factor=0)[]]: not shown to know more than the largest class*"])

    assert "2 checked: 2 unchanged; 1 at chance, with nothing to lose" in project.run().stdout.str()


def test_the_plan_of_a_recipe(project: Project, command: Command) -> None:
    """With three seeds `plan` prints the drops that the seeds can show, with two those of the first seed alone."""
    folder = project.path / "baselines"
    store_recipe(folder, 2)
    two = command("plan", "small")[1]
    add_seed(folder, "m3")
    code, three = command("plan", "small")
    lines = [line.split() for line in three.splitlines()]

    assert 0 == code
    assert "0.2 % flip" in two
    assert "0.2 % flip" not in three
    assert ["blur", "accuracy", "3"] == lines[3][:3]
    assert "over chance" in three
    assert "any_drop" in command("plan", "small", "--gate=policy=any_drop")[1]


def test_the_plan_of_a_recipe_whose_files_are_absent(project: Project, command: Command) -> None:
    """Without the sample file of a seed nothing says how the seeds differ."""
    store_recipe(project.path / "baselines", 3)
    for file in (project.path / "baselines" / "small").glob("blur-*.npz"):
        file.unlink()
    code, text = command("plan", "small")

    assert 4 == code
    assert "no sample file for a seed of blur; restore it from version control" in text
