"""Renamed class folders: what the failure says, and how failaware_rename keeps the baseline."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from project import MARKED, Command, Project

CONDITIONS = MARKED.replace("reliability", "reliability(conditions=['clean', 'gaussian_noise'])")
UPDATE = "--failaware-update-baselines"


NAMED = """
import pathlib
import toy

def images():
    names = (pathlib.Path(__file__).parent / "names.txt").read_text(encoding="utf-8").split()
    made = toy.Images(order=tuple(range(60)))
    made.classes = tuple(sorted(names))
    made.labels = [made.classes.index(names[label]) for label in made.labels]
    return made
"""


@pytest.fixture
def folders(project: Project) -> Project:
    """Record a baseline of sixty toy images whose classes are sorted by name, like classes of folders."""
    (project.path / "named.py").write_text(NAMED, encoding="utf-8")
    (project.path / "names.txt").write_text("bottom middle top", encoding="utf-8")
    tox = (project.path / "tox.ini").read_text(encoding="utf-8")
    (project.path / "tox.ini").write_text(tox.replace("toy:images", "named:images"), encoding="utf-8")
    project.test(CONDITIONS)
    project.record().assert_outcomes(passed=2)
    return project


def rename(project: Project, old: str, new: str) -> None:
    path = project.path / "names.txt"
    path.write_text(path.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")


def yaml_of(path: Path) -> dict[str, object]:
    document: dict[str, object] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return document


# ---- what is said --------------------------------------------------------------------------------------------------


def test_a_name_that_moves_the_outputs(folders: Project) -> None:
    """The failure names each output that means another class now, and says if the model did not change."""
    rename(folders, "bottom", "zebra")
    result = folders.run()

    line = folders.line_with(result, "  classes: gone 'bottom'; new 'zebra'; output 0 was 'bottom' and is 'middle' now")
    assert "output 1 was 'middle' and is 'top' now, output 2 was 'top' and is 'zebra' now" in line
    assert "failaware_rename" not in line
    assert folders.line_with(
        result, "  the model is that of the baseline, and its predictions did not change on the 40 "
    )
    assert "predictions did not change" not in folders.run(model="worse.pth").stdout.str()


def test_a_name_in_the_same_place(folders: Project) -> None:
    """The failure for a class that was only renamed has the ini line that keeps the baseline."""
    rename(folders, "middle", "most")
    result = folders.run()

    assert folders.line_with(
        result, "output 1 was 'middle' and is 'most' now", "failaware_rename in the ini for each: middle => most"
    )


def test_names_that_look_the_same(folders: Project) -> None:
    """The failure shows the code points of two names that differ only in their Unicode form."""
    rename(folders, "middle", "mi\u0308ddle")
    folders.run(UPDATE, "--failaware-reset-golden", "--failaware-reason=composed")
    rename(folders, "mi\u0308ddle", "m\u00efddle")

    words = r"'mi\u0308ddle' and 'm\xefddle' look the same: they differ in the Unicode form (NFC or NFD)"
    assert folders.line_with(folders.run(), "classes: ", words)


# ---- failaware_rename ----------------------------------------------------------------------------------------------


def test_a_rename_keeps_the_baseline(folders: Project) -> None:
    """With failaware_rename the baseline stays comparable, and an update needs no reason and keeps golden."""
    folders.record("--failaware-reason=worse", model="worse.pth")
    golden = {key: entry["golden"]["model"] for key, entry in folders.stored().items()}  # type: ignore[index]
    rename(folders, "middle", "most")
    folders.ini("failaware_rename = middle => most")
    same = folders.run(model="worse.pth")
    same.assert_outcomes(passed=2)
    assert folders.line_with(same, "test_toy[clean]", "unchanged")
    assert "not comparable" not in same.stdout.str()
    limited = folders.run("--failaware-limit=20", model="worse.pth")
    limited.assert_outcomes(passed=2)

    dry = folders.run(UPDATE, "--failaware-dry-run", model="worse.pth")
    assert folders.line_with(dry, "classes renamed middle => most; dry run, nothing written")
    done = folders.run(UPDATE, model="worse.pth")
    assert pytest.ExitCode.OK == done.ret
    assert folders.line_with(
        done, "toy.yaml: ", "unchanged clean", "classes renamed middle => most", "review and commit"
    )
    assert ["bottom", "most", "top"] == yaml_of(folders.baseline)["data"]["classes"]  # type: ignore[index]
    assert golden == {key: entry["golden"]["model"] for key, entry in folders.stored().items()}  # type: ignore[index]

    after = folders.run(model="worse.pth")
    after.assert_outcomes(passed=2)
    assert folders.line_with(after, "baseline 'toy' has the new names; remove middle => most from the ini")
    files = folders.files()
    folders.run(UPDATE, model="worse.pth").stdout.fnmatch_lines(["*unchanged clean, gaussian_noise; nothing written*"])
    assert files == folders.files()


def test_a_part_of_the_entries_can_be_updated(folders: Project) -> None:
    """An update of one entry keeps the values of the others under the new class names."""
    rename(folders, "middle", "most")
    folders.ini("failaware_rename = middle => most")
    before = folders.stored()["gaussian_noise"]
    result = folders.record("-k", "clean", model="worse.pth")

    assert pytest.ExitCode.OK == result.ret
    assert before["cells"] == folders.stored()["gaussian_noise"]["cells"]  # type: ignore[index]
    folders.run("-k", "noise").assert_outcomes(passed=1, deselected=1)


def test_a_rename_that_moves_the_outputs_does_not_help(folders: Project) -> None:
    """A rename that changes the order of the outputs stays incomparable, and the failure says why."""
    rename(folders, "bottom", "zebra")
    folders.ini("failaware_rename = bottom => zebra")
    result = folders.run()

    result.assert_outcomes(failed=2)
    assert folders.line_with(result, "output 0 was 'bottom' and is 'middle' now")
    assert folders.line_with(result, "failaware_rename does not make the baseline comparable: ")
    assert pytest.ExitCode.USAGE_ERROR == folders.run(UPDATE).ret


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ("midle => most", "baseline 'toy' has no class 'midle'; did you mean 'middle'"),
        ("middle => mots", "the data set has no class 'mots'; did you mean 'most'"),
        ("middle", "write OLD => NEW, one a line"),
        ("middle => most\n    top => most", "each name once"),
    ],
)
def test_lines_that_cannot_be_meant(folders: Project, lines: str, words: str) -> None:
    """A wrong line of failaware_rename is one line with exit code 4."""
    rename(folders, "middle", "most")
    folders.ini(f"failaware_rename =\n    {lines}")
    result = folders.run()

    assert pytest.ExitCode.USAGE_ERROR == result.ret
    assert words in result.stdout.str() + result.stderr.str()


def test_accept_renames(folders: Project, command: Command) -> None:
    """`accept` stores a report with renamed classes, and the next run is comparable."""
    rename(folders, "middle", "most")
    folders.ini("failaware_rename = middle => most")
    folders.run("--failaware-report=r.json", model="worse.pth")
    code, text = command("accept", "r.json", "--reason=meant")

    assert (0, True) == (code, "classes renamed middle => most" in text), text
    folders.run(model="worse.pth").assert_outcomes(passed=2)


def test_predictions_under_new_names(project: Project) -> None:
    """failaware_rename works for predictions, whose ids are text and contain the name of the class."""
    header = "sample_id,label,condition,logit_bottom,logit_MIDDLE,logit_top\n"
    rows = "".join(
        f"image{number},{number % 3},clean,{5.0 if number % 3 == 0 else 0.0},{1.0},{5.0 if number % 3 == 2 else 0.0}\n"
        for number in range(60)
    )
    project.test(MARKED.replace("reliability", "reliability(conditions=['clean'])"))
    tox = (project.path / "tox.ini").read_text(encoding="utf-8")
    (project.path / "tox.ini").write_text(tox.replace("failaware_arch = toy:network\n", ""), encoding="utf-8")
    for name, new in (("middle", UPDATE), ("most", "")):
        (project.path / "p.csv").write_text(header.replace("MIDDLE", name) + rows, encoding="utf-8")
        if not new:
            project.ini("failaware_rename = middle => most")
        result = project.run("--failaware-predictions=p.csv", *filter(None, [new]), model=None)
        result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["1 checked: 1 unchanged*"])
