"""What a run says while it still measures, and what it refuses before it measures anything."""

from __future__ import annotations

import os
from xml.etree import ElementTree

import numpy as np
import pytest
from project import INI, MARKED, NORMED, Project

TURNED = """
import toy

class Turned(toy.Images):
    def __init__(self):
        super().__init__()
        right = [k for k in range(300) if k % 5 < 3]
        self.order, self.labels = tuple(right), (self.labels + 1) % 3

def images(): return Turned()
"""
COUNTED = """
import toy

class Counted(toy.Bands):
    def forward(self, images):
        with open("asked.txt", "a") as file:
            file.write(".")
        return super().forward(images)

def network():
    open("loaded.txt", "w").close()
    return Counted()
"""
STRICT = "--failaware-strict"


@pytest.fixture
def counted(project: Project) -> Project:
    """A project whose network writes down that it was loaded, and that it was asked."""
    (project.path / "own.py").write_text(COUNTED)
    (project.path / "tox.ini").write_text(INI.replace("toy:network", "own:network"))
    return project


def was_loaded(project: Project) -> bool:
    """Whether the model was built."""
    return (project.path / "loaded.txt").exists()


def was_asked(project: Project) -> bool:
    """Whether the model got any image."""
    return (project.path / "asked.txt").exists()


def without(project: Project, line: str) -> None:
    """Take a line out of the ini."""
    ini = project.path / "tox.ini"
    ini.write_text(ini.read_text().replace(line, ""))


def early_lines(result: pytest.RunResult) -> list[str]:
    """The lines that came before the summary."""
    lines = result.outlines
    end = next(number for number, line in enumerate(lines) if "= reliability (failaware) =" in line)
    return [line for line in lines[:end] if line.startswith("failaware: ") and "data toy" not in line]


# ---- findings, as soon as they are known ---------------------------------------------------------------------------


@pytest.mark.parametrize("quiet", [(), ("-q",), ("-v",), ("-s",)])
def test_a_doubt_on_the_preprocessing(project: Project, quiet: tuple[str, ...]) -> None:
    """It is said once, before the first result, at any verbosity; a right one says nothing."""
    (project.path / "own.py").write_text(NORMED)
    project.record()
    args = ("--failaware-arch=own:network", *quiet)
    wrong = early_lines(project.run(*args, "--failaware-baseline=other"))

    assert ["failaware: the clean inputs are not what the model was trained on"] == [
        line.partition(":")[0] + ":" + line.partition(":")[2].partition(":")[0] for line in wrong if "trained" in line
    ]
    assert [] == early_lines(project.run(*quiet))


def test_an_alarm_of_clean(project: Project) -> None:
    """It is said as soon as clean is measured, in a run with a baseline as well."""
    (project.path / "turned.py").write_text(TURNED)
    project.run("--failaware-dataset=turned:images", "--failaware-update-new", "-k", "low_light")
    result = project.run("--failaware-dataset=turned:images")
    lines = [line for line in early_lines(result) if "clean: " in line]

    assert 1 == len(lines)
    assert "in another order than the model's outputs" in lines[0]


def test_an_alarm_of_a_worker(project: Project) -> None:
    """It comes with the worker's next report, once for all workers."""
    pytest.importorskip("xdist")
    (project.path / "turned.py").write_text(TURNED)
    result = project.run("-n", "2", "--failaware-dataset=turned:images")

    assert 1 == len([line for line in early_lines(result) if "another order" in line])


def test_without_pytests_terminal(project: Project) -> None:
    """The standard error has it."""
    (project.path / "turned.py").write_text(TURNED)
    result = project.run("-p", "no:terminal", "--failaware-dataset=turned:images")

    assert "failaware: clean: the classes are almost surely in another order" in result.stderr.str()


def test_no_baseline_yet(project: Project) -> None:
    """A plain run measures all the same and says it first; an update has nothing to say."""
    said = "failaware: there is no baseline 'toy' yet, so this run measures and compares nothing with it"

    assert [said] == early_lines(project.run())
    assert [] == early_lines(project.record())


def test_no_entry_yet(project: Project) -> None:
    """Only what is missing is named."""
    project.record("-k", "clean")

    said = "failaware: baseline 'toy' has no entry 'low_light', so this run measures and compares nothing with it"
    assert [said] == early_lines(project.run())


# ---- before anything is measured -----------------------------------------------------------------------------------


def test_a_strict_run_without_an_entry(counted: Project) -> None:
    """It ends before an image is asked, with how to record; with a JSON report it measures what accept can store."""
    result = counted.run(STRICT)

    result.assert_outcomes(errors=2)
    assert pytest.ExitCode.USAGE_ERROR == result.ret
    assert counted.line_with(
        result, "no entry 'clean' in baseline 'toy'", "--failaware-update-new", "accept report.json"
    )
    assert not was_asked(counted)

    counted.run(STRICT, "--failaware-report=report.json").stdout.fnmatch_lines(["2 checked: 2 missing"])
    assert was_asked(counted)


def test_a_strict_run_with_one_entry_of_two(counted: Project) -> None:
    """What is stored is compared."""
    counted.record("-k", "clean")
    result = counted.run(STRICT)

    result.assert_outcomes(passed=1, errors=1)
    assert counted.line_with(result, "no entry 'low_light' in baseline 'toy'")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("failaware_preprocess = none", "no preprocessing given"),
        ("failaware_dataset = toy:images", "no data set given"),
    ],
)
def test_an_option_that_is_not_given(counted: Project, line: str, words: str) -> None:
    """The model is not even loaded."""
    without(counted, line)
    result = counted.run()

    result.assert_outcomes(errors=2)
    assert pytest.ExitCode.USAGE_ERROR == result.ret
    assert counted.line_with(result, words)
    assert not was_loaded(counted)


def test_a_skipped_test_needs_nothing(counted: Project) -> None:
    """What is skipped is not measured, so that nothing has to be given for it."""
    without(counted, "failaware_dataset = toy:images")
    counted.test(MARKED.replace("@pytest", "@pytest.mark.skip(reason='later')\n@pytest", 1))

    counted.run().assert_outcomes(skipped=2)


def test_a_data_set_of_a_fixture(counted: Project) -> None:
    """Then no option has to name one."""
    without(counted, "failaware_dataset = toy:images")
    (counted.path / "conftest.py").write_text(
        "import pytest, toy\n\n@pytest.fixture(scope='session')\ndef failaware_dataset():\n    return toy.images()\n"
    )

    counted.run().stdout.fnmatch_lines(["2 checked: 2 missing"])


def test_a_precomputed_condition_without_a_folder(counted: Project) -> None:
    """It fails at once, and the others are measured."""
    counted.test(MARKED.replace("reliability", "reliability(conditions=['precomputed/fog:3', 'clean'])"))
    result = counted.run("-k", "fog")

    result.assert_outcomes(errors=1, deselected=1)
    assert counted.line_with(result, "precomputed/fog:3 needs --failaware-precomputed=DIR")
    assert not was_loaded(counted)


def test_an_unknown_group(counted: Project) -> None:
    """A data set without groups is refused before the model is loaded."""
    result = counted.run("--failaware-group=patient")

    result.assert_outcomes(errors=2)
    assert counted.line_with(result, "--failaware-group=patient")
    assert not was_loaded(counted)


def test_predictions_without_a_name(project: Project) -> None:
    """They have no architecture to take a name from, which is known before they are read."""
    (project.path / "tox.ini").write_text(INI.replace("failaware_baseline = toy\n", ""))
    np.savez(project.path / "broken.npz", nothing=np.zeros(1))
    result = project.run("--failaware-predictions=broken.npz", model=None)

    result.assert_outcomes(errors=2)
    assert project.line_with(result, "no name for the baseline: predictions come without", "--failaware-baseline=NAME")


def test_a_model_without_a_name(project: Project) -> None:
    """A fixture's model has none either, which is known before it is measured."""
    (project.path / "tox.ini").write_text(INI.replace("failaware_baseline = toy\n", ""))
    (project.path / "own.py").write_text(COUNTED)
    (project.path / "conftest.py").write_text(
        "import pytest, own\n\n@pytest.fixture(scope='session')\ndef failaware_model():\n    return own.network()\n"
    )
    result = project.run(model=None)

    result.assert_outcomes(errors=2)
    assert project.line_with(result, "no name for the baseline: the model comes without")
    assert not was_asked(project)


def test_a_damaged_sample_file(counted: Project) -> None:
    """It is read before the images are measured."""
    counted.record()
    (counted.path / "asked.txt").unlink()
    counted.sample_file("clean").write_bytes(b"nothing")
    result = counted.run("-k", "clean")

    result.assert_outcomes(errors=1, deselected=1)
    assert not was_asked(counted)


def test_a_reference_that_cannot_be_loaded(counted: Project) -> None:
    """It is loaded before the candidate is measured."""
    result = counted.run("--failaware-against=absent.pth")

    result.assert_outcomes(errors=2)
    assert counted.line_with(result, "absent.pth")
    assert not was_asked(counted)


RULES = """
import pytest

@pytest.mark.reliability(rule="confidence < 0.6")
def test_one(): pass

@pytest.mark.reliability(rule="confidence < 0.7", conditions=["clean", "blur"])
def test_two(): pass
"""


@pytest.mark.parametrize("update", ["--failaware-update-baselines", "--failaware-update-new"])
def test_two_rules_for_one_entry(counted: Project, update: str) -> None:
    """Both tests fail in one line before anything is measured; what nobody else stores is stored."""
    counted.test(RULES)
    result = counted.run(update)

    result.assert_outcomes(errors=2, passed=2)
    assert pytest.ExitCode.USAGE_ERROR == result.ret
    words = "would be stored with the rule confidence < 0.6 by this test and with the rule confidence < 0.7 by test_toy"
    assert counted.line_with(result, "clean of baseline 'toy'", words)
    assert {"low_light", "blur"} == set(counted.stored())


def test_two_rules_of_which_one_runs(counted: Project) -> None:
    """A selected test alone can update its entry."""
    counted.test(RULES)

    counted.record("-k", "test_one").assert_outcomes(passed=2, deselected=2)


def test_two_rules_are_compared(counted: Project) -> None:
    """A run that stores nothing judges both."""
    counted.test(RULES.replace("0.7", "0.6"))
    counted.record()
    counted.test(RULES)

    counted.run().assert_outcomes(passed=4)


def test_two_seeds_for_one_entry(counted: Project) -> None:
    """They matter only if something is drawn."""
    test = "\n@pytest.mark.reliability(conditions=['{0}'], seed={1})\ndef test_{1}(): pass\n"
    counted.test("import pytest\n" + "".join(test.format(name, seed) for name, seed in (("clean", 1), ("clean", 2))))
    counted.record().assert_outcomes(passed=2)

    noise = "gaussian_noise"
    counted.test("import pytest\n" + "".join(test.format(name, seed) for name, seed in ((noise, 1), (noise, 2))))
    counted.record().assert_outcomes(errors=2)


def test_two_rules_under_workers(counted: Project) -> None:
    """Workers of xdist refuse them as well."""
    pytest.importorskip("xdist")
    counted.test(RULES)
    result = counted.run("-n", "2", "--failaware-update-baselines", "--junitxml=junit.xml")

    assert pytest.ExitCode.USAGE_ERROR == result.ret
    suite = ElementTree.parse(counted.path / "junit.xml").getroot()[0]
    assert ("2", "4") == (suite.get("errors"), suite.get("tests"))
    assert os.sep not in "".join(counted.stored())
