"""Groups outlive the run: stored with a baseline, they are known to the commands that work without the model."""

from __future__ import annotations

import numpy as np
import pytest
import yaml
from project import MARKED, Command, Project

GROUPED = "--failaware-dataset=toy:patients"
ALONE = """
import toy

class Alone(toy.Images):
    groups = range(300)

images = Alone
"""
HEADER = "sample_id,label,probability_a,probability_b"
LESS = (
    "the drops that gates find hold for independent samples, but the 300 come in 20 groups: if the samples of a group "
    "change together, gates find less, at worst as with 20 samples"
)


def test_a_run_that_records_says_that_its_gates_see_less(project: Project) -> None:
    """Beside the table of what they find; where nothing is told of that, neither is this."""
    recorded = project.record(GROUPED)
    recorded.stdout.fnmatch_lines(["data toy:patients: 300 images in 20 groups, 3 classes; *", f"note: {LESS}"])
    assert 20 == yaml.safe_load(project.baseline.read_text(encoding="utf-8"))["data"]["groups"]

    project.run(GROUPED).stdout.no_fnmatch_line("note: what gates find*")
    project.baseline.unlink()
    project.test(MARKED.replace("reliability", "reliability(policy='non_inferiority')"))
    project.record(GROUPED).stdout.no_fnmatch_line("note: what gates find*")


@pytest.mark.parametrize("words", [("plan", "toy"), ("selftest", "toy", "--draws=2", "--gate=metrics=accuracy")])
def test_plan_and_selftest_say_so_too(project: Project, command: Command, words: tuple[str, ...]) -> None:
    """Where groups are stored."""
    project.record()
    assert LESS not in command(*words)[1]
    project.record(GROUPED)

    assert LESS in command(*words)[1].splitlines()


def test_selftest_judges_over_the_groups(project: Project, command: Command) -> None:
    """A tenth lost is seen where 300 images are independent, and never where they are of two patients."""
    (project.path / "two.py").write_text(ALONE.replace("range(300)", "[k // 150 for k in range(300)]"))
    words = ("selftest", "toy", "--draws=3", "--gate=metrics=accuracy")
    project.record()
    assert (0, True) == (command(*words)[0], "every gate was seen red" in command(*words)[1])
    project.record("--failaware-dataset=two:images")

    assert (1, True) == (command(*words)[0], "never red, even with 10 pt lost: clean" in command(*words)[1])


def test_plan_without_the_sample_file(project: Project, command: Command) -> None:
    """The YAML tells how many groups there are, but not how large they are."""
    project.record(GROUPED)
    project.sample_file().unlink()

    assert LESS.partition(", at worst")[0] in command("plan", "toy")[1].splitlines()


def test_show_and_diff(project: Project, command: Command) -> None:
    """How many groups, and how many before."""
    project.record()
    (project.path / "baselines" / "toy.yaml").rename(project.path / "baselines" / "old.yaml")
    project.record(GROUPED)

    assert "toy: 300 images in 20 groups, 3 classes; preprocess none" == command("show", "toy")[1].splitlines()[0]
    assert (1, "groups of the images: 0 -> 20\n") == command("diff", "old", "toy")


def test_thresholds_are_chosen_on_one_image_of_each_group(project: Project, command: Command) -> None:
    """Of 20 patients 20 images, which need not say what all 300 say; these stand below, without a guarantee."""
    project.record(GROUPED)
    code, text = command("thresholds", "toy", "--risk=0.6", "--by=confidence")
    lines = text.splitlines()

    assert 0 == code
    assert "toy, clean: 300 images, 60.00% right" == lines[0]
    assert (
        "chosen on 20 of them, one of each group: the images of a group are not independent, and more of them would "
        "prove too much"
    ) == lines[1]
    trusted, wrong = next(line.split()[:2] for line in lines if "<- chosen" in line)
    assert "100.0%" == trusted
    assert int(wrong) < 9  # of 20 as many are the most for 60 %
    assert (
        "with 95 % confidence at most 60 % of the trusted answers are wrong, on images like these (clean), one of each "
        "group, the groups drawn independently"
    ) in lines
    assert "the same rule on all images, observed, without a guarantee" in lines
    assert ["clean", "100.0%", "120", "40.00%"] in [line.split() for line in lines]


def test_too_few_groups(project: Project, command: Command) -> None:
    """300 images may be enough where 20 groups cannot be; it says what has to be gathered."""
    project.record(GROUPED)
    code, text = command("thresholds", "toy", "--risk=0.05")
    assert 1 == code
    assert "too few groups for a risk of 5 %: 59 must be trusted, all of them right" in text

    code, text = command("thresholds", "toy", "--risk=0.3")
    assert 1 == code
    assert "(a new target taken from here needs new groups)" in text


def test_groups_of_one_image_are_independent(project: Project, command: Command) -> None:
    """All images are drawn on, as without groups."""
    (project.path / "alone.py").write_text(ALONE, encoding="utf-8")
    project.record("--failaware-dataset=alone:images")
    _, text = command("thresholds", "toy", "--risk=0.4", "--by=confidence")

    assert "toy: 300 images in 300 groups" in command("show", "toy")[1]
    assert "chosen on" not in text
    assert "images like these (clean), drawn independently" in text
    assert "what gates find" not in command("plan", "toy")[1]


def test_groups_are_stored_by_an_update(project: Project, command: Command) -> None:
    """A baseline without groups says so in each run that has them, until an update stores them; and the reverse."""
    project.record()
    note = "note: the reference stores no groups, so plan, selftest and thresholds treat its samples as independent; *"
    project.run(GROUPED).stdout.fnmatch_lines(["note: tested over the 20 groups *", note])
    project.record(GROUPED).stdout.fnmatch_lines(
        ["*toy.yaml: unchanged clean, low_light; groups of the samples none -> 20; review and commit it: git add *"]
    )
    again = project.run(GROUPED)
    again.stdout.no_fnmatch_line(note)
    again.stdout.fnmatch_lines(["2 checked: 2 unchanged"])
    project.run().stdout.fnmatch_lines(["note: the reference's samples come in 20 groups and this run has none, *"])
    project.record().stdout.fnmatch_lines(["*; groups of the samples 20 -> none; review and commit it: git add *"])


def test_one_condition_alone_takes_no_groups_away(project: Project) -> None:
    """The others would lose them unasked: refused, and nothing is written; with the groups named it is recorded."""
    project.record(GROUPED)
    before = project.files()
    project.test(MARKED.replace("reliability", "reliability(conditions=['clean', 'low_light', 'blur'])"))
    refused = project.run("--failaware-update-new")
    refused.stdout.fnmatch_lines(
        [
            "baseline 'toy' NOT written: its samples come in 20 groups and this run has none, which clean, low_light "
            "would lose, too; name the groups, as with --failaware-group, or update every condition in one run"
        ]
    )
    assert 0 != refused.ret
    assert before == project.files()

    named = project.run(GROUPED, "--failaware-update-new")
    named.stdout.fnmatch_lines(["*toy.yaml: recorded blur; review and commit it: git add *"])


def test_groups_in_a_report_that_is_accepted(project: Project, command: Command) -> None:
    """They reach the baseline without the data."""
    project.record()
    project.run(GROUPED, "--failaware-report=report.json", model="worse.pth")
    code, text = command("accept", "report.json", "--reason=meant")

    assert 0 == code
    assert "groups of the samples none -> 20" in text
    with np.load(project.sample_file()) as stored:
        assert [15] * 20 == np.bincount(stored["group"]).tolist()


def test_a_report_whose_groups_do_not_fit_is_refused(project: Project, command: Command) -> None:
    """As one whose records are of other data."""
    project.run(GROUPED, "--failaware-report=report.json")
    path = project.path / "report.json"
    path.write_text(path.read_text(encoding="utf-8").replace('"groups": 20', '"groups": 21'), encoding="utf-8")
    code, text = command("accept", "report.json")

    assert 4 == code
    assert "the column group holds 20 groups, the data has 21" in text


def test_a_second_model_has_the_groups_of_the_first(project: Project) -> None:
    """Of predictions one file may tell for both, and those of the first decide."""
    project.run(GROUPED, "--failaware-against=worse.pth").stdout.no_fnmatch_line("note: the reference*")
    rows = [f"{number},a,{number % 7 / 10},{1 - number % 7 / 10}" for number in range(40)]
    (project.path / "plain.csv").write_text("\n".join([HEADER, *rows]), encoding="utf-8")
    told = [f"{row},{number // 4}" for number, row in enumerate(rows)]
    (project.path / "told.csv").write_text("\n".join([f"{HEADER},group", *told]), encoding="utf-8")
    project.test(MARKED.replace("reliability", "reliability(conditions=['clean'])"))
    one, other = (
        project.run(f"--failaware-predictions={first}.csv", f"--failaware-against={second}.csv", model=None)
        for first, second in (("told", "plain"), ("plain", "told"))
    )

    one.stdout.fnmatch_lines(["note: tested over the 10 groups *"])
    one.stdout.no_fnmatch_line("note: the reference*")
    other.stdout.fnmatch_lines(["note: the reference's samples come in 10 groups and this run has none, *"])


def test_a_temperature_parts_no_group(project: Project, command: Command) -> None:
    """Of two patients, one alone in the data and one with all other images, each is a half."""
    (project.path / "two.py").write_text(ALONE.replace("range(300)", "[int(k > 0) for k in range(300)]"))
    project.ini("failaware_store_logits = true")
    project.record("--failaware-dataset=two:images")
    first = command("temperature", "toy")[1].splitlines()[0]

    assert {"299", "1"} == {word for word in first.split() if word.isdecimal()} - {"300"}
