"""News for a baseline that was recorded before: said by one run, and not where the gates were named."""

from __future__ import annotations

import pytest
from project import Project

NEWS = "note: baseline 'toy' was recorded when other gates were the default"


@pytest.fixture
def former(project: Project) -> Project:
    """A project whose baseline has the former schema, with the same content."""
    project.record()
    project.baseline.write_text(project.baseline.read_text().replace("schema: 3", "schema: 2"))
    return project


def test_the_first_run_says_what_changed_and_the_next_does_not(former: Project) -> None:
    """Both runs pass; the values of the baseline are read as they are."""
    first, second = former.run(), former.run()

    assert [1, 0] == [run.stdout.str().count(NEWS) for run in (first, second)]
    assert "failaware_metrics = accuracy confident_accuracy silent_failure_rate" in Project.line_with(first, NEWS)
    assert [0, 0] == [run.ret for run in (first, second)]
    first.stdout.fnmatch_lines("*unchanged*")


def test_without_a_cache_folder_each_run_says_it(former: Project) -> None:
    """Without pytest's cache nothing remembers the first run."""
    runs = [former.run("-p", "no:cacheprovider") for _ in range(2)]

    assert [1, 1] == [run.stdout.str().count(NEWS) for run in runs]


def test_an_unwritable_cache_does_not_end_the_run(former: Project) -> None:
    """A cache entry that cannot be written is no error, even if warnings are."""
    (former.path / ".pytest_cache" / "v" / "failaware" / "news").mkdir(parents=True)
    run = former.run("-W", "error")

    assert 0 == run.ret
    assert 1 == run.stdout.str().count(NEWS)


def test_a_quiet_run_does_not_use_up_the_news(former: Project) -> None:
    """A run that does not print the note leaves it for the next run."""
    quiet, next_run = former.run("-q"), former.run()

    assert [0, 1] == [run.stdout.str().count(NEWS) for run in (quiet, next_run)]


def test_named_gates_are_no_news(former: Project) -> None:
    """The ini lines of the note keep the former gates, and then there is nothing to say."""
    former.ini(
        "failaware_metrics = accuracy confident_accuracy silent_failure_rate confident_correct_rate",
        "failaware_tolerance = confident_correct_rate=0.005",
        "failaware_class_guard = off",
    )
    run = former.run("-v")

    assert 0 == run.ret
    assert NEWS not in run.stdout.str()
    run.stdout.fnmatch_lines("*silent failure rate*")


def test_a_new_baseline_is_no_news(project: Project) -> None:
    """A baseline of this version was recorded under today's gates."""
    project.record()

    assert NEWS not in project.run().stdout.str()
