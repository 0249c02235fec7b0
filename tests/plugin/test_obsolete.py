"""Stored entries and baselines that no test used."""

from __future__ import annotations

from pathlib import Path

import pytest
from five import RULE, measurement_of

from pytest_failaware.baselines.update import update_baseline
from pytest_failaware.core.errors import BaselineError
from pytest_failaware.plugin.obsolete import find_unused, remove_baseline


def record(folder: Path, *names: str) -> None:
    for name in names:
        update_baseline(folder, name, [(measurement_of("RRWrw"), RULE)])


def test_entries_and_whole_baselines_are_told_apart(tmp_path: Path) -> None:
    """A baseline that a test used can have unused entries; one that no test used is unused as a whole."""
    record(tmp_path, "used", "half", "whole")
    unused = find_unused(tmp_path, {"used": {"clean"}, "half": {"fog:3"}, "absent": {"clean"}})

    assert ({"half": ["clean"]}, {"whole": ["clean"]}, 2, 3) == (
        unused.entries,
        unused.whole,
        unused.count,
        unused.stored,
    )


def test_a_damaged_baseline_concerns_those_that_use_it(tmp_path: Path) -> None:
    """A damaged baseline is an error only for a run that uses it."""
    (tmp_path / "other.yaml").write_text("<<<<<<< HEAD\n")

    assert 0 == find_unused(tmp_path, {}).stored
    with pytest.raises(BaselineError, match="merge conflict"):
        find_unused(tmp_path, {"other": {"clean"}})


def test_a_whole_baseline_is_removed(tmp_path: Path) -> None:
    """Removing a baseline deletes its file and its samples and nothing else."""
    record(tmp_path, "kept", "gone")
    sentence = remove_baseline(tmp_path, "gone")

    assert ["kept", "kept.yaml"] == sorted(path.name for path in tmp_path.iterdir())
    expected = f"{tmp_path / 'gone.yaml'}: deleted with its samples, because no test uses it; review and commit it"
    assert expected == sentence
