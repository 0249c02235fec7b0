"""A model that ends in softmax is refused unless failaware_outputs declares it."""

from __future__ import annotations

import pytest
from project import CELLS, Project

SOFT = """
import toy

class Soft(toy.Bands):
    def forward(self, images):
        return super().forward(images).softmax(1)

def network(num_classes=3):
    return Soft(num_classes)
"""


@pytest.fixture
def soft(project: Project) -> Project:
    """The project with a network that ends in softmax, for the same weights."""
    (project.path / "soft.py").write_text(SOFT, encoding="utf-8")
    project.always = ("--failaware-arch=soft:network",)
    return project


def test_softmax_outputs_record_nothing(soft: Project) -> None:
    """Each condition of a model that ends in softmax is an error in one line, and no baseline is written."""
    result = soft.record()

    result.assert_outcomes(errors=2)
    said = [line for line in result.outlines if line.startswith("the outputs of the model are probabilities")]
    assert 2 == len(said)
    assert said[0].endswith('set failaware_outputs = probabilities in the ini (evaluate: outputs="probabilities")')
    assert not soft.baseline.exists()


def test_declared_probabilities(soft: Project) -> None:
    """Declared probabilities give the counts of the logits and are not compared with a baseline of logits."""
    soft.ini("failaware_outputs = probabilities")
    soft.record().assert_outcomes(passed=2)
    entry = soft.stored()["clean"]

    assert CELLS == entry["cells"]
    assert "probabilities" == entry["environment"]["outputs"]
    soft.run().stdout.fnmatch_lines(["*2 checked: 2 unchanged*"])

    (soft.path / "tox.ini").write_text(
        (soft.path / "tox.ini").read_text(encoding="utf-8").replace("failaware_outputs = probabilities", ""),
        encoding="utf-8",
    )
    soft.always = ()
    soft.run().stdout.fnmatch_lines(
        ["*outputs of the model: baseline 'probabilities', now 'logits'", "*2 incomparable*"]
    )
