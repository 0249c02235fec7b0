"""`--failaware-check`: a look at a few images of each marked test, before anything is measured."""

from __future__ import annotations

from xml.etree import ElementTree

import numpy as np
import pytest
from project import INI, MARKED, NORMED, Project

CHECK = "--failaware-check"

DATA = """
import numpy as np
import toy

class Read(toy.Images):
    \"\"\"The images with the label of their band, all right; it writes down which were read.\"\"\"

    turn = 0

    def __init__(self):
        super().__init__()
        right = [k for k in range(300) if k % 5 < 3]
        self.order = tuple(right * 5)  # 900 images, of which one and the same comes five times
        self.labels = (self.labels + self.turn) % 3

    def __getitem__(self, index):
        with open("read.txt", "a") as file:
            file.write(f"{index}\\n")
        return super().__getitem__(index)

class Turned(Read):
    turn = 1

class Unknown(Read):
    def __init__(self):
        super().__init__()
        self.labels = np.random.default_rng(0).integers(0, 3, 300)

def unknown():
    return Unknown()

def turned():
    return Turned()

def read():
    return Read()
"""


@pytest.fixture
def right(project: Project) -> Project:
    """A project whose model is always right."""
    (project.path / "data.py").write_text(DATA)
    (project.path / "tox.ini").write_text(INI.replace("toy:images", "data:read"))
    return project


def look(project: Project, *args: str, **options: str | None) -> pytest.RunResult:
    """Run the check."""
    return project.run(CHECK, *args, **options)


def test_a_right_setting(right: Project) -> None:
    """A check of a right setting exits with 0 and prints the right answers, a full run's time and the next step."""
    result = look(right)

    assert pytest.ExitCode.OK == result.ret
    result.stdout.fnmatch_lines(
        [
            "test_toy.py ll *",
            "data data:read: 900 images, 3 classes; preprocess none",
            "test_toy: 64 of 64 samples looked at are right under clean (100.00%)",
            "a full run takes about 0:0? (minutes:seconds) on this machine: 2 conditions of 900 images",
            "no baseline 'toy' yet; --failaware-update-new in place of --failaware-check records what is missing",
            "*= 2 looked at in *",
        ]
    )
    assert not (right.path / "baselines").exists()


def test_only_what_is_looked_at_is_read(right: Project) -> None:
    """A check reads 64 images that are spread over the data set, the first and the last among them."""
    look(right)
    read = {int(line) for line in (right.path / "read.txt").read_text().split()}

    assert 64 == len(read)
    assert (0, 899) == (min(read), max(read))


def test_the_body_does_not_run(right: Project) -> None:
    """A check does not run the body of a test, which would assert on the numbers of a few images."""
    right.test(MARKED.replace("test_toy(): pass", "test_toy(reliability): assert 0, reliability.stats"))

    assert pytest.ExitCode.OK == look(right).ret


def test_verbose(right: Project) -> None:
    """A check with -v shows each item as LOOKED AT."""
    look(right, "-v").stdout.fnmatch_lines(["test_toy.py::test_toy[[]clean] LOOKED AT *"])


def test_junit(right: Project) -> None:
    """The JUnit file of a check has every item as skipped with a reason, since nothing passed."""
    look(right, "--junitxml=junit.xml")
    suite = ElementTree.parse(right.path / "junit.xml").getroot()[0]
    reasons = {case[0].get("message") for case in suite.iter("testcase")}

    assert ("2", "2", "0") == (suite.get("tests"), suite.get("skipped"), suite.get("failures"))
    assert {"looked at 64 samples, and measured nothing"} == reasons


def test_workers(right: Project) -> None:
    """A check with two workers prints each sentence once."""
    pytest.importorskip("xdist")
    result = look(right, "-n", "2", "--failaware-dataset=data:turned")

    assert pytest.ExitCode.TESTS_FAILED == result.ret
    result.stdout.fnmatch_lines(["*2 looked at in *"])
    assert 1 == result.stdout.str().count("in another order than the model")
    assert 1 == result.stdout.str().count("samples looked at are right")


def test_classes_in_a_circle(right: Project) -> None:
    """A check fails with exit code 1 if the classes are permuted, and does not advise to record."""
    result = look(right, "--failaware-dataset=data:turned")

    assert pytest.ExitCode.TESTS_FAILED == result.ret
    moves = "0 'top' -> 1 'middle', 1 'middle' -> 2 'bottom', 2 'bottom' -> 0 'top'"
    assert right.line_with(result, "in another order than the model", moves)
    assert right.line_with(result, "no baseline 'toy' yet").endswith("yet")


def test_a_finding_at_quiet(right: Project) -> None:
    """A check with -q still prints what is wrong."""
    result = look(right, "-q", "--failaware-dataset=data:turned")

    assert right.line_with(result, "in another order than the model")


def test_a_wrong_preprocessing(right: Project) -> None:
    """A check fails on a wrong preprocessing with the words of a run, and passes with the right one."""
    (right.path / "own.py").write_text(NORMED)
    result = look(right, "--failaware-arch=own:network")

    assert pytest.ExitCode.TESTS_FAILED == result.ret
    assert right.line_with(result, "the clean inputs are not what the model was trained on", "mean=0.5")
    assert right.line_with(result, "no baseline 'toy' yet").endswith("yet")
    assert (
        pytest.ExitCode.OK == look(right, "--failaware-arch=own:network", "--failaware-preprocess=mean=0.5,std=0.5").ret
    )


def test_few_images_do_not_prove_that_nothing_is_known(right: Project) -> None:
    """A third right of a few images is only a note, since a weak but useful model can show the same."""
    result = look(right, "--failaware-dataset=data:unknown")

    assert pytest.ExitCode.OK == result.ret
    line = right.line_with(result, "note: clean: almost surely set up wrongly", "of 320 clean samples are right")
    assert "more samples decide" in line
    assert right.line_with(result, "no baseline 'toy' yet").endswith("yet")


def test_an_accepted_alarm_does_not_fail_the_check(right: Project) -> None:
    """An alarm that was accepted with a reason is a note of the check and does not fail it."""
    right.record("--failaware-dataset=data:turned", "--failaware-reason=meant")
    result = look(right, "--failaware-dataset=data:turned")

    assert pytest.ExitCode.OK == result.ret
    assert "the stored values have it too" in right.line_with(result, "note: clean: the classes are almost surely")


def test_accepted_inputs_do_not_fail_the_check(right: Project) -> None:
    """Unusual inputs are a note of the check if clean of this model and preprocessing is stored."""
    (right.path / "own.py").write_text(NORMED)
    right.record("--failaware-arch=own:network", "--failaware-reason=meant")
    result = look(right, "--failaware-arch=own:network")

    assert pytest.ExitCode.OK == result.ret
    assert right.line_with(result, "note: the clean inputs are not what the model was trained on")


# ---- the baseline --------------------------------------------------------------------------------------------------


def test_a_baseline_that_fits(right: Project) -> None:
    """A check names the entries of a baseline that fits and says what it could not look at."""
    right.record()
    result = look(right)

    assert pytest.ExitCode.OK == result.ret
    result.stdout.fnmatch_lines(
        [
            "baseline 'toy' has clean, low_light",
            "not looked at: whether all 900 images are those of the baseline",
        ]
    )


def test_an_entry_that_is_missing(right: Project) -> None:
    """A check names a missing entry and still exits with 0."""
    right.record("-k", "clean")
    result = look(right)

    assert pytest.ExitCode.OK == result.ret
    assert right.line_with(result, "no entry yet in baseline 'toy' for low_light; --failaware-update-new")


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("preprocessing: none", "preprocessing: resize=8", "preprocessing: baseline 'resize=8', now 'none'"),
        ("implementation: 1", "implementation: 7", "implementation: baseline 7, now 1"),
        ("factor: 0.4", "factor: 0.5", "parameters: baseline {'factor': 0.5}, now {'factor': 0.4}"),
    ],
)
def test_what_would_be_incomparable(right: Project, old: str, new: str, words: str) -> None:
    """A check fails if the baseline cannot be compared, with the words that a run would print."""
    right.record()
    right.baseline.write_text(right.baseline.read_text().replace(old, new))
    result = look(right)

    assert pytest.ExitCode.TESTS_FAILED == result.ret
    assert right.line_with(result, "not comparable with baseline 'toy'", words)


def test_other_classes(right: Project) -> None:
    """A check fails if the class names differ, even for a class that none of its images has."""
    right.record()
    (right.path / "other.py").write_text(DATA.replace("turn = 0", "classes = ('top', 'centre', 'bottom')"))
    (right.path / "other.py").write_text((right.path / "other.py").read_text().replace("self.turn", "0"))
    result = look(right, "--failaware-dataset=other:read")

    assert pytest.ExitCode.TESTS_FAILED == result.ret
    assert right.line_with(result, "not comparable with baseline 'toy' (clean, low_light): classes: ", "centre")


def test_another_number_of_images(right: Project) -> None:
    """A check fails if the number of images differs, which it knows without reading them."""
    right.record()
    result = look(right, "--failaware-dataset=toy:images")

    assert pytest.ExitCode.TESTS_FAILED == result.ret
    assert right.line_with(result, "not comparable with baseline 'toy'", "samples: baseline 900, now 300")


def test_other_images(right: Project) -> None:
    """A check fails if its images are not among those of the baseline, although their number is the same."""
    right.record()
    other = DATA.replace("    turn = 0", "    turn = 0\n    other = 1").replace(
        "self.labels = (", "self.images = self.images ^ np.uint8(1)\n        self.labels = ("
    )
    (right.path / "other.py").write_text(other)
    result = look(right, "--failaware-dataset=other:read")

    assert right.line_with(result, "not comparable", "samples: 64 of the 64 that were looked at are not the baseline's")


def test_a_damaged_baseline(right: Project) -> None:
    """A check of a damaged baseline ends with exit code 4, as a run does."""
    right.record()
    right.baseline.write_text(right.baseline.read_text().replace("schema: 3", "schema: 99"))
    result = look(right)

    assert pytest.ExitCode.USAGE_ERROR == result.ret


# ---- other subjects ------------------------------------------------------------------------------------------------


@pytest.fixture
def predicted(project: Project) -> Project:
    """A project with predictions of twelve samples under clean, whose labels are shifted by one class in turned.npz."""
    labels = np.arange(120) % 3
    logits = np.eye(3)[labels] * 5
    for name, given in (("right.npz", labels), ("turned.npz", (labels + 1) % 3)):
        columns = {"sample_id": np.arange(120), "label": given, "condition": np.repeat("clean", 120)}
        np.savez(project.path / name, logits=logits, **columns)
    project.test(MARKED.replace("reliability", "reliability(conditions=['clean'])"))
    return project


@pytest.mark.parametrize(("file", "code"), [("right.npz", 0), ("turned.npz", 1)])
def test_predictions(predicted: Project, file: str, code: int) -> None:
    """A check of predictions looks at all samples and does not estimate the time of a run."""
    result = look(predicted, f"--failaware-predictions={file}", model=None)

    assert code == result.ret
    assert predicted.line_with(result, f"test_toy: {120 * (1 - code)} of 120 samples looked at are right under clean")
    assert code == bool(predicted.line_with(result, "in another order than the model"))
    assert not predicted.line_with(result, "a full run takes")


def test_a_model_of_a_fixture(right: Project) -> None:
    """A check looks at a model that comes from a fixture."""
    (right.path / "conftest.py").write_text(
        "import pytest, toy\n\n@pytest.fixture(scope='session')\ndef failaware_model():\n"
        "    model = toy.network()\n    model.load_state_dict(toy.weights())\n    return model\n"
    )

    assert right.line_with(look(right, model=None), "64 of 64 samples looked at are right")


def test_without_a_model(right: Project) -> None:
    """A check without a model skips the items, as any run does."""
    look(right, model=None).assert_outcomes(skipped=2)


def test_two_tests_of_one_model(right: Project) -> None:
    """A check prints one line for two tests that have the same model."""
    right.test(MARKED + "\n@pytest.mark.reliability(baseline='other', conditions=['clean'])\ndef test_other(): pass\n")
    result = look(right)

    assert right.line_with(result, "test_toy, test_other: 64 of 64 samples")
    assert right.line_with(result, "no baseline 'other' yet")


# ---- what cannot stand together ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "other",
    [
        "--failaware-strict",
        "--failaware-update-baselines",
        "--failaware-update-new",
        "--failaware-prune",
        "--failaware-limit=10",
        "--failaware-against=worse.pth",
        "--failaware-report=r.json",
        "--failaware-report=r.html",
        "--failaware-report=r.md",
        "--failaware-report=r.csv",
        "--failaware-report=r.svg",
    ],
)
def test_refused_together(right: Project, other: str) -> None:
    """A check refuses options that judge, store or report, since it does not measure all samples."""
    result = look(right, other)

    assert pytest.ExitCode.USAGE_ERROR == result.ret
    result.stderr.fnmatch_lines([f"ERROR: {other}: *--failaware-check *remove one of them*"])


@pytest.mark.parametrize(
    ("line", "off"),
    [("failaware_strict = true", "failaware_strict=false"), ("failaware_against = worse.pth", "failaware_against=")],
)
def test_refused_from_the_ini(right: Project, line: str, off: str) -> None:
    """A check refuses such a setting of the ini file and says which -o option turns it off."""
    right.ini(line)

    look(right).stderr.fnmatch_lines([f"ERROR: failaware_*: --failaware-check *; add -o {off}"])
    assert pytest.ExitCode.OK == look(right, "-o", off).ret


def test_refused_from_the_environment(right: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """A check refuses such an environment variable and says to unset it."""
    monkeypatch.setenv("FAILAWARE_STRICT", "1")

    look(right).stderr.fnmatch_lines(["ERROR: FAILAWARE_STRICT=1: --failaware-check *; unset FAILAWARE_STRICT"])


# ---- notes ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("base", "code", "option", "note"),
    [
        ("data.Read", "classes = ('1', '10', '2')", "--failaware-dataset=own:made", "the classes are ordered as text"),
        ("toy.Bands", "forward = lambda self, x: super().forward(x).sigmoid()", "--failaware-arch=own:made", "sigmoid"),
    ],
)
def test_notes_of_a_run(right: Project, base: str, code: str, option: str, note: str) -> None:
    """A check prints the notes of a full run on classes and outputs, and they do not fail it."""
    code = code.replace("super()", "super(Own, self)")
    (right.path / "own.py").write_text(f"import data, toy\n\nclass Own({base}):\n    {code}\n\nmade = Own\n")
    result = look(right, option)

    assert pytest.ExitCode.OK == result.ret
    assert right.line_with(result, "note: ", note)


RARE = """
import data

class Rare(data.Read):
    classes = None

    def __init__(self):
        super().__init__()
        first, *others = [k for k in self.order if self.labels[k]]
        self.order = (first, next(k for k in self.order if not self.labels[k]), *others)

made = Rare
"""
"""Classes without names; a single image has the label 0."""


def test_a_few_labels_say_nothing_of_the_first_class(right: Project) -> None:
    """A check has no note on whether labels count from 0, since only all labels show that."""
    (right.path / "own.py").write_text(RARE)
    result = look(right, "--failaware-dataset=own:made")

    assert pytest.ExitCode.OK == result.ret
    assert not right.line_with(result, "labels count from 0")
