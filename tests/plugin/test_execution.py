"""How a run is executed: the precision, which the baseline stores, and batches that are made smaller."""

from __future__ import annotations

import pytest
from project import MARKED, Project

TIGHT = """
import torch
import toy

class Tight(toy.Bands):
    def forward(self, images):
        if len(images) > 100:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return super().forward(images)

def build(num_classes):
    return Tight(num_classes)
"""


def test_the_precision_is_recorded_and_named_among_what_changed(project: Project) -> None:
    """The baseline stores the precision, and a failure names a precision that changed."""
    project.record("--failaware-precision=bfloat16")
    assert "dtype: bfloat16" in project.baseline.read_text(encoding="utf-8")
    result = project.run(model="worse.pth")

    assert project.line_with(result, "dtype bfloat16 -> float32")


def test_precision_from_the_ini(project: Project) -> None:
    """The ini key failaware_precision sets the precision, and the command line wins over it."""
    project.ini("failaware_precision = bfloat16")
    project.record()
    assert "dtype: bfloat16" in project.baseline.read_text(encoding="utf-8")
    project.record("--failaware-precision=ieee", model="worse.pth")
    assert "dtype: float32" in project.baseline.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--failaware-precision=half"], "--failaware-precision=half: must be ieee, tf32 or bfloat16, got 'half'"),
        (["--failaware-precision=tf32", "--failaware-device=cpu"], "--failaware-precision=tf32: only CUDA has TF32"),
    ],
)
def test_a_precision_that_cannot_be(project: Project, words: list[str], complaint: str) -> None:
    """A precision that cannot be used is a usage error that says what is possible."""
    result = project.run(*words)

    assert pytest.ExitCode.USAGE_ERROR == result.ret
    assert any(complaint in line for line in result.errlines)


def test_a_batch_that_does_not_fit_is_told(project: Project) -> None:
    """A run that has too little memory for a batch goes on with smaller ones, passes, and has a note on it."""
    project.record()
    (project.path / "tight.py").write_text(TIGHT, encoding="utf-8")
    project.test(MARKED)
    result = project.run("--failaware-arch=tight:build", "--failaware-batch-size=300")

    result.assert_outcomes(passed=2)
    assert project.line_with(result, "note: memory ran out with batches of 300 images; went on with 75")


def test_memory_that_holds_not_even_two_images(project: Project) -> None:
    """An item without memory for two images fails in one line that says what to do, with exit code 4."""
    (project.path / "tight.py").write_text(TIGHT.replace("> 100", "> 1"), encoding="utf-8")
    result = project.run("--failaware-arch=tight:build")

    assert pytest.ExitCode.USAGE_ERROR == result.ret
    assert project.line_with(result, "out of memory", "two images", "--failaware-batch-size does not help")
