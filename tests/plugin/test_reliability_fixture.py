"""The fixture `reliability` in the body of a marked test."""

from __future__ import annotations

from project import Project

BODY = """
import pytest

@pytest.mark.reliability(conditions=["clean"])
def test_toy(reliability):
    {body}
"""


def test_a_failing_assertion_is_short(project: Project) -> None:
    """A failing assertion prints no array, even with -vv and --showlocals."""
    project.test(BODY.format(body="assert reliability.stats.cells.trusted_wrong == 0"))
    result = project.run("-vv", "--showlocals")

    result.stdout.fnmatch_lines(
        [
            "reliability = <Evaluation of clean: 300 samples, 180 right, 120 flagged>",
            "E *where Cells(*) = <ConditionStats of clean: 300 samples, 180 right, 120 flagged>.cells",
        ]
    )
    result.stdout.no_fnmatch_line("*array(*")


def test_a_frame_names_the_samples(project: Project) -> None:
    """The data frame of the fixture has the sample names of the data set."""
    project.test(BODY.format(body="assert 'item 4' in set(reliability.to_frame().sample_name)"))

    assert 0 == project.record().ret
