"""The hooks, each implemented as in its docstring."""

from __future__ import annotations

import pytest
from project import MARKED, Project


def conftest(project: Project, text: str) -> None:
    (project.path / "conftest.py").write_text(text)


def test_a_model_from_a_registry(project: Project) -> None:
    """The hook gets the typed text and builds the model; if it returns nothing, the file is loaded as usual."""
    conftest(
        project,
        """
import toy, torch

def pytest_failaware_load_model(spec, device):
    assert isinstance(device, torch.device)
    if spec.startswith("registry:"):
        model = toy.network()
        model.load_state_dict(torch.load(spec.removeprefix("registry:prod/") + ".pth"))
        return model
""",
    )
    project.record().assert_outcomes(passed=2)
    result = project.run(model="registry:prod/good")

    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(["model registry:prod/good (????????) on cpu", "2 checked: 2 unchanged"])
    project.run(model="registry:prod/worse").assert_outcomes(failed=2)


def test_a_model_hook_of_another_folder(project: Project) -> None:
    """A model hook in the conftest file of one folder is not called for the tests of another folder."""
    folder = project.path / "a"
    folder.mkdir()
    (folder / "conftest.py").write_text("def pytest_failaware_load_model(spec, device): raise SystemExit(7)\n")
    (folder / "test_a.py").write_text("def test_trivial(): pass\n")

    project.record().assert_outcomes(passed=3)


DUST = """
from pytest_failaware import Degradation

def dust(images, strength, random):
    n, _, height, width = images.shape
    draws = random.uint16(height * width).reshape(n, 1, height, width)
    return images.masked_fill(draws < strength["amount"] * 65536, 0)

def pytest_failaware_conditions():
    return [Degradation(name="dust", function=dust, parameters={"amount": 0.1}, is_random=True)]
"""


def test_a_degradation_of_ones_own(project: Project) -> None:
    """A user's degradation has a name, parameters and an entry like a built-in one, and any batch size."""
    conftest(project, DUST)
    project.test(MARKED.replace("reliability", "reliability(conditions=['dust', 'dust(amount=1)', 'clean'])"))
    project.record("--failaware-batch-size=4").assert_outcomes(passed=3)
    stored = project.stored()

    assert {"clean", "dust", "dust(amount=1)"} == set(stored)
    assert ({"amount": 1.0}, 0) == (stored["dust(amount=1)"]["parameters"], stored["dust"]["seed"])  # type: ignore[index]
    assert stored["clean"]["cells"] != stored["dust(amount=1)"]["cells"]  # type: ignore[index]
    project.run("--failaware-batch-size=15").stdout.fnmatch_lines(
        ["4 checked: 4 unchanged; 1 at chance, with nothing to lose"]
    )

    conftest(project, DUST.replace("is_random=True", "is_random=True, implementation=2"))
    changed = project.run("-k", "dust")
    changed.assert_outcomes(failed=2, deselected=1)
    changed.stdout.fnmatch_lines(["*: implementation: baseline 1, now 2"])


@pytest.mark.parametrize(
    ("function", "words"),
    [
        ("images.float()", "*condition dust: its function must return images of the same shape*float32*uint8*"),
        ("images[:, :, 1:]", "*condition dust: its function must return images of the same shape*(300, 1, 7, 8)*"),
        ("None", "*condition dust: its function must return images of the same shape*NoneType*"),
        ("1 / 0", "*condition dust: its function raised ZeroDivisionError*; repair it"),
    ],
)
def test_a_degradation_that_breaks_its_word(project: Project, function: str, words: str) -> None:
    """A degradation that raises or returns other shapes fails in one line that names its condition."""
    conftest(project, DUST.replace('images.masked_fill(draws < strength["amount"] * 65536, 0)', function))
    project.test(MARKED.replace("reliability", "reliability(conditions=['dust'])"))
    result = project.record()

    result.assert_outcomes(errors=1)
    assert pytest.ExitCode.USAGE_ERROR == result.ret
    result.stdout.fnmatch_lines([words])
    assert not project.baseline.exists()


def test_a_degradation_in_place_spoils_nothing(project: Project) -> None:
    """A degradation that writes into its images does not change the images of the next condition."""
    conftest(project, DUST.replace("images.masked_fill(", "images.mul_(0).masked_fill("))
    project.test(MARKED.replace("reliability", "reliability(conditions=['dust', 'clean'])"))
    project.record().assert_outcomes(passed=2)

    assert 120 == project.stored()["clean"]["cells"]["trusted_right"]  # type: ignore[index]


RECALL = """
from pytest_failaware import RateMetric

TOP = 0

def top_recall(records, flagged):
    return records.correct, records.label == TOP

def pytest_failaware_metrics():
    return [RateMetric(name="top_recall", masks=top_recall, higher_is_better=True)]
"""


def test_a_metric_of_ones_own(project: Project) -> None:
    """A user's metric is judged against the stored records, without a new baseline, and by a literal bound."""
    project.record()
    conftest(project, RECALL)
    marker = "conditions=['clean'], metrics=['top_recall'], minimum={'top_recall': 0.6}"
    project.test(MARKED.replace("reliability", f"reliability({marker})"))
    result = project.run("-v")

    result.assert_outcomes(passed=1)
    # Of each five images labelled top, three are of the class and two of the one before it.
    assert project.line_with(result, "top_recall", "60.00%", "+0.00 pt")


@pytest.mark.parametrize(
    ("hook", "words"),
    [
        ("conditions(): return ['dust']", "*pytest_failaware_conditions: returned 'dust'*pytest_failaware.Degradation"),
        ("metrics(): return [7]", "*pytest_failaware_metrics: returned 7*pytest_failaware.RateMetric"),
        ("conditions(): return [D(name='blur', function=print)]", "*: 'blur' exists already; choose another name"),
        ("conditions(): return [D(name='Dust', function=print)]", "*: 'Dust' cannot be a name; use small letters*"),
        ("conditions(): return [D(name='dust', function=print, parameters={'a b': 1})]", "*dust: 'a b' cannot be*"),
    ],
)
def test_hooks_that_return_something_else(project: Project, hook: str, words: str) -> None:
    """A hook that returns objects of a wrong kind is a usage error."""
    conftest(project, f"from pytest_failaware import Degradation as D\n\ndef pytest_failaware_{hook}\n")
    result = project.run()

    assert pytest.ExitCode.USAGE_ERROR == result.ret
    result.stderr.fnmatch_lines([words])


def test_the_report_reaches_other_plugins(project: Project) -> None:
    """The report hook gets the results, its lines join the summary, and an exception in it fails the run."""
    project.record()
    text = """
def pytest_failaware_report(report):
    worst = min(r.stats.rates["confident_accuracy"].value or 0 for r in report.results)
    return [f"sent to the dashboard: {worst:.2%} of {len(report.results)}"]
"""
    conftest(project, text)
    project.run().stdout.fnmatch_lines(["sent to the dashboard: 66.67% of 2"])
    conftest(project, text.replace("worst =", "worst = 1 / 0 or"))
    broken = project.run()

    assert pytest.ExitCode.USAGE_ERROR == broken.ret
    broken.stdout.fnmatch_lines(["the hook pytest_failaware_report raised ZeroDivisionError*; repair it"])
