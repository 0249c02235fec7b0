"""Items and fixtures: one item per condition, skips, selections, and what a test can use."""

from __future__ import annotations

import pytest
from project import MARKED, Project


def test_one_item_per_condition(project: Project) -> None:
    """Each condition is one item, whose id is the condition as it was written; collecting needs no model."""
    project.test(MARKED.replace("reliability", "reliability(conditions=['clean', 'blur(radius=1)'])"))
    result = project.run("--collect-only", "-q", model=None)

    result.stdout.fnmatch_lines(["test_toy.py::test_toy[[]clean]", "test_toy.py::test_toy[[]blur(radius=1)]"])


def test_without_a_model_items_skip_with_the_reason(project: Project) -> None:
    """Items without a model are skipped, and the reason names the option to pass."""
    result = project.run("-rs", model=None)

    result.assert_outcomes(skipped=2)
    result.stdout.fnmatch_lines(["*no model given: pass --failaware-model=FILE*"])


def test_the_environment_names_the_model(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """The variable FAILAWARE_MODEL replaces the option --failaware-model."""
    monkeypatch.setenv("FAILAWARE_MODEL", "good.pth")
    project.run("--failaware-update-baselines", model=None).assert_outcomes(passed=2)


def test_the_header_shows_what_was_typed(project: Project) -> None:
    """The header has a line with the model and the data if a model is set, and no line otherwise."""
    project.run("--collect-only").stdout.fnmatch_lines(["failaware: model *good.pth, data toy:images, preprocess none"])
    project.run("--collect-only", model=None).stdout.no_fnmatch_line("failaware:*")


def test_fixtures_reach_the_measured_condition(project: Project) -> None:
    """The body of a marked test can use records, statistics, a data frame and the batches of the model."""
    project.test(
        """
import pytest, torch

@pytest.mark.reliability(conditions=["clean", "low_light"])
def test_toy(reliability, failaware_model, failaware_loader, failaware_loaders, failaware_device):
    assert 180 == reliability.stats.rates["accuracy"].numerator
    assert 300 == len(reliability.records) == len(reliability.to_frame())
    assert 120 == reliability.to_frame()["flagged"].sum()
    assert not failaware_model.training
    assert not any(p.requires_grad for p in failaware_model.parameters())
    inputs, labels = next(iter(failaware_loader))
    assert (300, 1, 8, 8) == tuple(inputs.shape) and torch.float32 == inputs.dtype
    right = sum((failaware_model(images).argmax(1) == truth).sum() for images, truth in failaware_loader)
    assert 180 == right
    dark, _ = next(iter(failaware_loaders("low_light(factor=0)")))
    assert 0 == dark.max()
    assert inputs.device.type == failaware_device.type
"""
    )
    project.record().assert_outcomes(passed=2)


def test_own_model_and_data_by_fixtures(project: Project) -> None:
    """Fixtures of a conftest file replace the options, and the gate compares with the same baseline."""
    project.record()
    (project.path / "conftest.py").write_text(
        """
import pytest, toy

@pytest.fixture(scope="session")
def failaware_model():
    model = toy.network()
    model.load_state_dict(toy.weights())
    return model

@pytest.fixture(scope="session")
def failaware_dataset():
    return toy.Images(order=tuple(reversed(range(300))))
"""
    )
    result = project.run(model=None)

    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(
        [
            "model of the fixture failaware_model (????????) on *",
            "data of the fixture failaware_dataset: 300 images, 3 classes; preprocess none",
            "2 checked: 2 unchanged",
        ]
    )


def test_gates_without_a_test_file(project: Project) -> None:
    """`--pyargs pytest_failaware.gates` gates the conditions of the ini file without a test file."""
    args = ("--pyargs", "pytest_failaware.gates")
    project.record(*args).assert_outcomes(passed=2)

    result = project.run("-v", *args)
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(["*::test_reliability[[]low_light] PASSED*"])


def test_misplaced_markers_and_fixtures_fail(project: Project) -> None:
    """A marked unittest method and a fixture of ours without the marker are errors, since they measure nothing."""
    project.test(
        """
import pytest, unittest

class TestCase(unittest.TestCase):
    @pytest.mark.reliability
    def test_method(self): pass

def test_unmarked(reliability): pass

def test_loader(failaware_loader): pass
"""
    )
    result = project.run()

    result.assert_outcomes(errors=3)
    result.stdout.fnmatch_lines(
        ["*reliability gates plain test functions*", "*needs the marker: @pytest.mark.reliability"]
    )


def test_class_markers_and_function_markers_merge(project: Project) -> None:
    """The markers of a class and of a function are merged, and for each argument the closest marker wins."""
    project.test(
        """
import pytest

@pytest.mark.reliability(conditions=["clean"], rule="confidence < 0.5", seed=3)
class TestToy:
    @pytest.mark.reliability(seed=4)
    def test_method(self, reliability):
        assert "confidence < 0.5" == str(reliability.rule)
"""
    )
    project.record().assert_outcomes(passed=1)


def test_unmarked_tests_see_nothing_of_the_plugin(project: Project) -> None:
    """A run of unmarked tests has no header and no section of the plugin."""
    project.test("def test_other(): pass")
    result = project.run(model=None)

    result.assert_outcomes(passed=1)
    result.stdout.no_fnmatch_line("failaware:*")
    result.stdout.no_fnmatch_line("*reliability*")
