"""Groups are stored with a baseline, so the commands that work without the model know them."""

from __future__ import annotations

import json

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
    """A run that records grouped images notes that its gates find less, unless it has no table of what they find."""
    recorded = project.record(GROUPED)
    recorded.stdout.fnmatch_lines(["data toy:patients: 300 images in 20 groups, 3 classes; *", f"note: {LESS}"])
    assert 20 == yaml.safe_load(project.baseline.read_text(encoding="utf-8"))["data"]["groups"]

    project.run(GROUPED).stdout.no_fnmatch_line("note: what gates find*")
    project.baseline.unlink()
    project.test(MARKED.replace("reliability", "reliability(policy='non_inferiority')"))
    project.record(GROUPED).stdout.no_fnmatch_line("note: what gates find*")


TWICE = """
import toy

class Twice(toy.Images):
    def __len__(self):
        return 320

    def __getitem__(self, index):
        return super().__getitem__(index % 300)

images = Twice
"""


def test_copies_are_one_group(project: Project) -> None:
    """The header counts the copies, gates test over the contents, and the baseline stores the groups."""
    (project.path / "twice.py").write_text(TWICE)
    given = "--failaware-dataset=twice:images"
    project.record(given).stdout.fnmatch_lines(
        ["data twice:images: 320 images, 20 of them copies, in 300 groups, 3 classes; *"]
    )
    assert 300 == yaml.safe_load(project.baseline.read_text(encoding="utf-8"))["data"]["groups"]

    result = project.run(given, "--failaware-report=report.json")
    result.stdout.fnmatch_lines(["*tested over the 300 groups of the samples, which are not independent*"])
    report = json.loads((project.path / "report.json").read_text(encoding="utf-8"))
    assert {20} == {result["measurement"]["data"]["copies"] for result in report["results"]}


@pytest.mark.parametrize("words", [("plan", "toy"), ("selftest", "toy", "--draws=2", "--gate=metrics=accuracy")])
def test_plan_and_selftest_say_so_too(project: Project, command: Command, words: tuple[str, ...]) -> None:
    """`plan` and `selftest` print the same note, but only if the baseline stores groups."""
    project.record()
    assert LESS not in command(*words)[1]
    project.record(GROUPED)

    assert LESS in command(*words)[1].splitlines()


def test_selftest_judges_over_the_groups(project: Project, command: Command) -> None:
    """`selftest` sees a lost tenth of 300 independent images, and never sees it if they are of two patients."""
    (project.path / "two.py").write_text(ALONE.replace("range(300)", "[k // 150 for k in range(300)]"))
    words = ("selftest", "toy", "--draws=3", "--gate=metrics=accuracy")
    project.record()
    assert (0, True) == (command(*words)[0], "every gate was seen red" in command(*words)[1])
    project.record("--failaware-dataset=two:images")

    assert (1, True) == (command(*words)[0], "never red, even with 10 pt lost: clean" in command(*words)[1])


def test_plan_without_the_sample_file(project: Project, command: Command) -> None:
    """Without the sample file `plan` knows the number of groups from the YAML, but not their sizes."""
    project.record(GROUPED)
    project.sample_file().unlink()

    assert LESS.partition(", at worst")[0] in command("plan", "toy")[1].splitlines()


def test_show_and_diff(project: Project, command: Command) -> None:
    """`show` prints the number of groups, and `diff` prints both numbers."""
    project.record()
    (project.path / "baselines" / "toy.yaml").rename(project.path / "baselines" / "old.yaml")
    project.record(GROUPED)

    assert "toy: 300 images in 20 groups, 3 classes; preprocess none" == command("show", "toy")[1].splitlines()[0]
    assert (1, "groups of the images: 0 -> 20\n") == command("diff", "old", "toy")


def test_thresholds_are_chosen_on_one_image_of_each_group(project: Project, command: Command) -> None:
    """`thresholds` chooses on one image of each group and shows all images below, without a guarantee."""
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
    assert int(wrong) < 9  # 8 wrong of 20 are the most that prove a risk of 60 %
    assert (
        "with 95 % confidence at most 60 % of the trusted answers are wrong, on images like these (clean), one of each "
        "group, the groups drawn independently"
    ) in lines
    assert "the same rule on all images, observed, without a guarantee" in lines
    assert ["clean", "100.0%", "120", "40.00%"] in [line.split() for line in lines]


def test_too_few_groups(project: Project, command: Command) -> None:
    """`thresholds` refuses if 20 groups are too few and says how many are needed."""
    project.record(GROUPED)
    code, text = command("thresholds", "toy", "--risk=0.05")
    assert 1 == code
    assert "too few groups for a risk of 5 %: 59 must be trusted, all of them right" in text

    code, text = command("thresholds", "toy", "--risk=0.3")
    assert 1 == code
    assert "(a new target taken from here needs new groups)" in text


def test_groups_of_one_image_are_independent(project: Project, command: Command) -> None:
    """Groups of one image each are treated as independent images."""
    (project.path / "alone.py").write_text(ALONE, encoding="utf-8")
    project.record("--failaware-dataset=alone:images")
    _, text = command("thresholds", "toy", "--risk=0.4", "--by=confidence")

    assert "toy: 300 images in 300 groups" in command("show", "toy")[1]
    assert "chosen on" not in text
    assert "images like these (clean), drawn independently" in text
    assert "what gates find" not in command("plan", "toy")[1]


def test_groups_are_stored_by_an_update(project: Project, command: Command) -> None:
    """A run notes that it and the baseline differ in having groups, until an update stores the new state."""
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
    """Adding a condition without groups is refused, since the others would lose their groups; with groups it works."""
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
    """`accept` stores the groups of a report without the data set."""
    project.record()
    project.run(GROUPED, "--failaware-report=report.json", model="worse.pth")
    code, text = command("accept", "report.json", "--reason=meant")

    assert 0 == code
    assert "groups of the samples none -> 20" in text
    with np.load(project.sample_file()) as stored:
        assert [15] * 20 == np.bincount(stored["group"]).tolist()


def test_a_report_whose_groups_do_not_fit_is_refused(project: Project, command: Command) -> None:
    """`accept` refuses a report whose number of groups does not fit its records."""
    project.run(GROUPED, "--failaware-report=report.json")
    path = project.path / "report.json"
    path.write_text(path.read_text(encoding="utf-8").replace('"groups": 20', '"groups": 21'), encoding="utf-8")
    code, text = command("accept", "report.json")

    assert 4 == code
    assert "the column group holds 20 groups, the data has 21" in text


def test_a_second_model_has_the_groups_of_the_first(project: Project) -> None:
    """The groups of the first model hold for the second, and a note is printed if only the second has groups."""
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
    """`temperature` keeps the images of a group in one half, even if the halves become very unequal."""
    (project.path / "two.py").write_text(ALONE.replace("range(300)", "[int(k > 0) for k in range(300)]"))
    project.ini("failaware_store_logits = true")
    project.record("--failaware-dataset=two:images")
    first = command("temperature", "toy")[1].splitlines()[0]

    assert {"299", "1"} == {word for word in first.split() if word.isdecimal()} - {"300"}
