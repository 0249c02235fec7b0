"""Bad input gives one line with the place, the value and the remedy, the right exit code, and writes nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from project import MARKED, Project


@pytest.mark.parametrize(
    ("option", "words"),
    [
        (
            "--failaware-preprocess=Resize(32)",
            "*cannot read 'Resize(32)'; write it as one of resize=PX,*, none *, timm *",
        ),
        ("--failaware-dataset=data", "--failaware-dataset=data: cannot read 'data'*folder:*"),
        ("--failaware-preprocess=rezise=3", "*--failaware-preprocess=rezise=3: cannot use 'rezise=3'*"),
        ("--failaware-device=gpu", "*--failaware-device=gpu: must be auto, cpu, cuda or cuda:N*"),
        ("--failaware-batch-size=0", "*--failaware-batch-size=0: must be a whole number of at least 1*"),
    ],
)
def test_options_are_checked_before_anything_runs(project: Project, option: str, words: str) -> None:
    """A wrong value on the command line is a usage error before any test runs."""
    result = project.run(option)

    assert pytest.ExitCode.USAGE_ERROR == result.ret
    result.stderr.fnmatch_lines([f"*{words}"])
    assert "Traceback" not in result.stderr.str()


@pytest.mark.parametrize(
    ("marker", "words"),
    [
        ("minimun={}", "reliability: minimun: unknown argument; did you mean 'minimum'*"),
        ("alpha=0.6", "reliability: alpha: must be above 0 and below 0.5*"),
        ("policy='any_drops'", "reliability: policy: unknown policy 'any_drops'; did you mean 'any_drop'*"),
        ("minimum={'changed_flag_rate': 0.1}", "reliability: minimum: unknown metric 'changed_flag_rate'*"),
        ("conditions=['bluur']", "reliability: conditions: unknown condition 'bluur'; did you mean 'blur'*"),
        ("'clean'", "reliability takes keyword arguments only, got 'clean'"),
    ],
)
def test_markers_are_checked_at_collection(project: Project, marker: str, words: str) -> None:
    """A mistake in a marker is a collection error without a traceback, with or without a model."""
    project.test(MARKED.replace("reliability", f"reliability({marker})"))
    result = project.run(model=None)

    assert pytest.ExitCode.INTERRUPTED == result.ret
    result.stdout.fnmatch_lines([f"*test_toy.py::test_toy: {words}"])
    assert "Traceback" not in result.stdout.str()


def small(path: Path) -> None:
    torch.save({"linear.weight": torch.zeros(3, 4), "linear.bias": torch.zeros(3)}, path / "bad.pth")


def pickled(path: Path) -> None:
    torch.save(torch.nn.Linear(64, 3), path / "bad.pth")


def html(path: Path) -> None:
    (path / "bad.pth").write_text("<html>404: Not Found</html>")


def absent(path: Path) -> None:
    """No file at all."""


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (small, ["bad.pth", "toy:network", "(3, 64)", "(3, 4)"]),
        (pickled, ["bad.pth", "torch.nn.modules.linear.Linear", "state_dict()"]),
        (html, ["bad.pth"]),
        (absent, ["bad.pth", "no such file"]),
    ],
)
def test_checkpoints_that_cannot_be_used(project: Project, make: Callable[[Path], None], words: list[str]) -> None:
    """A bad checkpoint is one line per marked item and exit code 4, and the other tests still run."""
    project.record()
    before = project.files()
    make(project.path)
    project.test(MARKED + "\ndef test_other(): pass\n")
    result = project.run("--failaware-update-baselines", model="bad.pth")

    result.assert_outcomes(errors=2, passed=1)
    assert pytest.ExitCode.USAGE_ERROR == result.ret
    assert project.line_with(result, *words)
    assert "Traceback" not in result.stdout.str()
    assert before == project.files()


def empty(path: Path) -> None:
    (path / "data" / "top").mkdir(parents=True)


def corrupt(path: Path) -> None:
    for name in ("top", "middle", "bottom"):
        (path / "data" / name).mkdir(parents=True)
        Image.fromarray(np.zeros((8, 8), dtype=np.uint8)).save(path / "data" / name / "fine.png")
    (path / "data" / "top" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nnothing")


def colour(path: Path) -> None:
    corrupt(path)
    (path / "data" / "top" / "broken.png").unlink()


def missing_class(path: Path) -> None:
    images, labels = np.zeros((2, 8, 8), dtype=np.uint8), np.array([0, 1])
    np.savez(path / "two.npz", images=images, labels=labels, classes=np.array(["top", "middle"]))


def beyond(path: Path) -> None:
    np.savez(path / "beyond.npz", images=np.zeros((2, 8, 8), dtype=np.uint8), labels=np.array([0, 7]))


def floats(path: Path) -> None:
    np.savez(path / "floats.npz", images=np.zeros((2, 8, 8)), labels=np.array([0, 1]))


@pytest.mark.parametrize(
    ("make", "option", "words"),
    [
        (absent, "folder:data", ["data", "no such folder"]),
        (empty, "folder:data", ["top"]),
        (corrupt, "folder:data", ["broken.png"]),
        (colour, "folder:data", ["the model cannot take inputs of shape (3, 3, 8, 8)"]),
        (missing_class, "npz:two.npz", ["2 in --failaware-dataset (top, middle)", "3 logits"]),
        (beyond, "npz:beyond.npz", ["8 in --failaware-dataset (0, 1, 2, …)", "3 logits"]),
        (floats, "npz:floats.npz", ["floats.npz", "uint8", "float64"]),
        (absent, "toy:imagez", ["toy:imagez", "did you mean"]),
    ],
)
def test_data_that_cannot_be_used(
    project: Project, make: Callable[[Path], None], option: str, words: list[str]
) -> None:
    """Unusable data ends with exit code 4 and a line that names the folder, file or array and the fault."""
    make(project.path)
    result = project.run(f"--failaware-dataset={option}", "--failaware-update-baselines", "-k", "clean")

    result.assert_outcomes(errors=1, deselected=1)
    assert pytest.ExitCode.USAGE_ERROR == result.ret
    assert project.line_with(result, *words)
    assert "exception" not in result.stdout.str()
    assert not project.baseline.exists()


def test_no_preprocessing_is_never_a_guess(project: Project) -> None:
    """Without a preprocessing no item is measured, and the message shows how to set one."""
    ini = (project.path / "tox.ini").read_text().replace("failaware_preprocess = none\n", "")
    (project.path / "tox.ini").write_text(ini)
    result = project.run()

    result.assert_outcomes(errors=2)
    assert pytest.ExitCode.USAGE_ERROR == result.ret
    result.stdout.fnmatch_lines(["*no preprocessing given*--failaware-preprocess=*"])


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("schema: 3", "schema: 99", "*toy.yaml*schema*99*"),
        ("schema: 3", "<<<<<<< ours\nschema: 2", "*toy.yaml:2*merge conflict*"),
        ("trusted_right: 120", "trusted_right: six", "*toy.yaml*trusted_right*"),
        ("schema: 3", "schema: 2\nschema: 2", "*toy.yaml:3*schema*"),
    ],
)
def test_a_damaged_baseline(project: Project, old: str, new: str, words: str) -> None:
    """A damaged baseline gives one line with file and place, no test passes, and the file is not changed."""
    project.record()
    project.baseline.write_text(project.baseline.read_text().replace(old, new))
    before = project.files()
    for flags in ((), ("--failaware-update-baselines",)):
        result = project.run(*flags)

        result.assert_outcomes(errors=2)
        assert pytest.ExitCode.USAGE_ERROR == result.ret
        result.stdout.fnmatch_lines([words])
        assert "Traceback" not in result.stdout.str()
        assert before == project.files()


def test_no_name_for_the_baseline(project: Project) -> None:
    """A model from a fixture has no name of an architecture, so the run asks for a name of the baseline."""
    ini = (project.path / "tox.ini").read_text().replace("failaware_baseline = toy\n", "")
    (project.path / "tox.ini").write_text(ini)
    (project.path / "conftest.py").write_text(
        "import pytest, toy\n\n@pytest.fixture(scope='session')\ndef failaware_model():\n    return toy.network()\n"
    )
    result = project.run(model=None)

    result.assert_outcomes(errors=2)
    assert pytest.ExitCode.USAGE_ERROR == result.ret
    result.stdout.fnmatch_lines(["*no name for the baseline*--failaware-baseline=NAME*"])


@pytest.mark.parametrize(
    "words", [("--failaware-jsn=r.json",), ("--failaware-jsn", "r.json"), ("--failaware-jsn=my report.json",)]
)
def test_an_unknown_option_of_ours(project: Project, words: tuple[str, ...]) -> None:
    """An unknown --failaware option is refused in one line, in each way to write its value."""
    result = project.run(*words)

    assert pytest.ExitCode.USAGE_ERROR == result.ret
    assert [f"ERROR: {words[0]}: unknown option; run pytest --help for a list of the options"] == [
        line for line in result.errlines if line
    ]


def test_a_run_without_a_marked_test_says_what_it_did_not_do(project: Project) -> None:
    """A run without a marked test names the reports that it did not write and says that nothing was stored."""
    (project.path / "test_toy.py").write_text("def test_other(): pass\n", encoding="utf-8")

    compared = project.run("--failaware-report=r.html", "--failaware-report=r.json")
    compared.stdout.fnmatch_lines(
        ["no marked test ran, so nothing was compared, and no report written (r.html, r.json)"]
    )
    stored = project.run("--failaware-update-new")
    stored.stdout.fnmatch_lines(["no marked test ran, so nothing was stored"])


def test_an_option_of_a_conftest_file_that_is_named_like_ours(project: Project) -> None:
    """An option that a conftest file adds is accepted, even if its name starts with --failaware."""
    (project.path / "conftest.py").write_text("def pytest_addoption(parser): parser.addoption('--failaware-other')\n")

    assert pytest.ExitCode.USAGE_ERROR != project.run("--failaware-other=1", model=None).ret
