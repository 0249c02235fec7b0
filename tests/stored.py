"""The sample files that a baseline names."""

from __future__ import annotations

from pathlib import Path

from pytest_failaware.baselines.file import read_baseline
from pytest_failaware.baselines.sample_files import golden_path, own_path, shared_path


def samples_file(directory: Path, name: str = "small") -> Path:
    """Return the file with the list of samples of a baseline."""
    baseline = read_baseline(directory, name)
    assert baseline is not None
    return shared_path(directory, baseline)


def columns_file(directory: Path, key: str = "clean", name: str = "small") -> Path:
    """Return the file with the columns of one condition."""
    baseline = read_baseline(directory, name)
    assert baseline is not None
    return own_path(directory, baseline, baseline.entries[key])


def golden_file(directory: Path, key: str = "clean", name: str = "small") -> Path:
    """Return the file with the columns of the golden reference of one condition."""
    baseline = read_baseline(directory, name)
    assert baseline is not None
    return golden_path(directory, baseline, baseline.entries[key])
