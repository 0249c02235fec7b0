"""What a run prints while it still measures, and what it refuses before it measures anything."""

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
    """Return a project whose network writes one file when it is built and one when it gets images."""
    (project.path / "own.py").write_text(COUNTED)
    (project.path / "tox.ini").write_text(INI.replace("toy:network", "own:network"))
    return project


def was_loaded(project: Project) -> bool:
    """Return whether the model was built."""
    return (project.path / "loaded.txt").exists()


def was_asked(project: Project) -> bool:
    """Return whether the model got any image."""
    return (project.path / "asked.txt").exists()


def without(project: Project, line: str) -> None:
    """Remove a line from the ini file."""
    ini = project.path / "tox.ini"
    ini.write_text(ini.read_text().replace(line, ""))


def early_lines(result: pytest.RunResult) -> list[str]:
    """Return the lines that came before the summary."""
    lines = result.outlines
    end = next(number for number, line in enumerate(lines) if "= reliability (failaware) =" in line)
    return [line for line in lines[:end] if line.startswith("failaware: ") and "data toy" not in line]


# ---- findings, as soon as they are known ---------------------------------------------------------------------------


@pytest.mark.parametrize("quiet", [(), ("-q",), ("-v",), ("-s",)])
def test_a_doubt_on_the_preprocessing(project: Project, quiet: tuple[str, ...]) -> None:
    """A doubt on the preprocessing is printed once before the summary, at any verbosity, and never for a right one."""
    (project.path / "own.py").write_text(NORMED)
    project.record()
    args = ("--failaware-arch=own:network", *quiet)
    wrong = early_lines(project.run(*args, "--failaware-baseline=other"))

    assert ["failaware: the clean inputs are not what the model was trained on"] == [
        line.partition(":")[0] + ":" + line.partition(":")[2].partition(":")[0] for line in wrong if "trained" in line
    ]
    assert [] == early_lines(project.run(*quiet))


def test_an_alarm_of_clean(project: Project) -> None:
    """An alarm on clean images is printed once before the summary, also in a run with a baseline."""
    (project.path / "turned.py").write_text(TURNED)
    project.run("--failaware-dataset=turned:images", "--failaware-update-new", "-k", "low_light")
    result = project.run("--failaware-dataset=turned:images")
    lines = [line for line in early_lines(result) if "clean: " in line]

    assert 1 == len(lines)
    assert "in another order than the model's outputs" in lines[0]


def test_an_alarm_of_a_worker(project: Project) -> None:
    """An alarm of xdist workers is printed once before the summary."""
    pytest.importorskip("xdist")
    (project.path / "turned.py").write_text(TURNED)
    result = project.run("-n", "2", "--failaware-dataset=turned:images")

    assert 1 == len([line for line in early_lines(result) if "another order" in line])


def test_without_pytests_terminal(project: Project) -> None:
    """Without pytest's terminal reporter an alarm is printed to the standard error."""
    (project.path / "turned.py").write_text(TURNED)
    result = project.run("-p", "no:terminal", "--failaware-dataset=turned:images")

    assert "failaware: clean: the classes are almost surely in another order" in result.stderr.str()


def test_no_baseline_yet(project: Project) -> None:
    """A run without a baseline says early that it compares nothing, and an update does not say so."""
    said = "failaware: there is no baseline 'toy' yet, so this run measures and compares nothing with it"

    assert [said] == early_lines(project.run())
    assert [] == early_lines(project.record())


def test_no_entry_yet(project: Project) -> None:
    """A run with a baseline names early the entries that the baseline does not have."""
    project.record("-k", "clean")

    said = "failaware: baseline 'toy' has no entry 'low_light', so this run measures and compares nothing with it"
    assert [said] == early_lines(project.run())


# ---- before anything is measured -----------------------------------------------------------------------------------


def test_a_strict_run_without_an_entry(counted: Project) -> None:
    """A strict run without an entry fails before it measures, except with a JSON report, which `accept` can store."""
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
    """A strict run compares the stored entry and fails on the missing one."""
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
    """A run without a preprocessing or a data set is refused before the model is loaded."""
    without(counted, line)
    result = counted.run()

    result.assert_outcomes(errors=2)
    assert pytest.ExitCode.USAGE_ERROR == result.ret
    assert counted.line_with(result, words)
    assert not was_loaded(counted)


def test_a_skipped_test_needs_nothing(counted: Project) -> None:
    """A skipped test needs no data set, since it is not measured."""
    without(counted, "failaware_dataset = toy:images")
    counted.test(MARKED.replace("@pytest", "@pytest.mark.skip(reason='later')\n@pytest", 1))

    counted.run().assert_outcomes(skipped=2)


def test_a_data_set_of_a_fixture(counted: Project) -> None:
    """A data set from a fixture needs no option that names one."""
    without(counted, "failaware_dataset = toy:images")
    (counted.path / "conftest.py").write_text(
        "import pytest, toy\n\n@pytest.fixture(scope='session')\ndef failaware_dataset():\n    return toy.images()\n"
    )

    counted.run().stdout.fnmatch_lines(["2 checked: 2 missing"])


def test_a_precomputed_condition_without_a_folder(counted: Project) -> None:
    """A precomputed condition without a folder fails before the model is loaded."""
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
    """Predictions without a name for the baseline are refused before their file is read."""
    (project.path / "tox.ini").write_text(INI.replace("failaware_baseline = toy\n", ""))
    np.savez(project.path / "broken.npz", nothing=np.zeros(1))
    result = project.run("--failaware-predictions=broken.npz", model=None)

    result.assert_outcomes(errors=2)
    assert project.line_with(result, "no name for the baseline: predictions come without", "--failaware-baseline=NAME")


def test_a_model_without_a_name(project: Project) -> None:
    """A model from a fixture without a name for the baseline is refused before it is measured."""
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
    """A damaged sample file is an error before the model gets an image."""
    counted.record()
    (counted.path / "asked.txt").unlink()
    counted.sample_file("clean").write_bytes(b"nothing")
    result = counted.run("-k", "clean")

    result.assert_outcomes(errors=1, deselected=1)
    assert not was_asked(counted)


def test_a_reference_that_cannot_be_loaded(counted: Project) -> None:
    """A reference model that cannot be loaded is an error before the candidate is measured."""
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


@pytest.mark.parametrize("options", [(), ("--failaware-update-baselines",), ("-k", "test_one")])
def test_two_rules_for_one_entry(counted: Project, options: tuple[str, ...]) -> None:
    """An entry has one rule, so two tests with two rules for it are a collection error, whichever of them run."""
    counted.test(RULES)
    result = counted.run(*options)

    assert pytest.ExitCode.INTERRUPTED == result.ret
    assert counted.line_with(
        result,
        "test_toy.py::test_two: clean of baseline 'toy' has the rule confidence < 0.7 here and confidence < 0.6 in",
        "test_toy.py::test_one, and an entry holds one rule; give each a `baseline=` of its own",
    )
    assert not counted.baseline.exists()


@pytest.mark.parametrize(
    "apart", ["baseline='other', conditions=['clean', 'blur']", "conditions=['blur']"], ids=["names", "conditions"]
)
def test_two_rules_for_two_entries(counted: Project, apart: str) -> None:
    """Tests with a baseline each, or with conditions of their own, have the rules that they want."""
    counted.test(RULES.replace('conditions=["clean", "blur"]', apart))

    assert pytest.ExitCode.OK == counted.record().ret


def test_two_rules_against_a_second_model(counted: Project) -> None:
    """A second model has no stored rule, so each test has its own."""
    counted.test(RULES)

    counted.run("--failaware-against=good.pth").assert_outcomes(passed=4)


def test_two_seeds_for_one_entry(counted: Project) -> None:
    """Two seeds for one entry are refused only if the condition draws random numbers."""
    test = "\n@pytest.mark.reliability(conditions=['{0}'], seed={1})\ndef test_{1}(): pass\n"
    counted.test("import pytest\n" + "".join(test.format(name, seed) for name, seed in (("clean", 1), ("clean", 2))))
    counted.record().assert_outcomes(passed=2)

    noise = "gaussian_noise"
    counted.test("import pytest\n" + "".join(test.format(name, seed) for name, seed in ((noise, 1), (noise, 2))))
    counted.record().assert_outcomes(errors=2)


SEEDS = """
import pytest

@pytest.mark.reliability(conditions=["clean", "gaussian_noise"], seed=1)
def test_one(): pass

@pytest.mark.reliability(conditions=["gaussian_noise", "blur"], seed=2)
def test_two(): pass
"""


def test_two_seeds_under_workers(counted: Project) -> None:
    """Workers of xdist refuse to update one entry with two seeds, too, and store the other entries."""
    pytest.importorskip("xdist")
    counted.test(SEEDS)
    result = counted.run("-n", "2", "--failaware-update-baselines", "--junitxml=junit.xml")

    assert pytest.ExitCode.USAGE_ERROR == result.ret
    suite = ElementTree.parse(counted.path / "junit.xml").getroot()[0]
    assert ("2", "4") == (suite.get("errors"), suite.get("tests"))
    assert os.sep not in "".join(counted.stored())
