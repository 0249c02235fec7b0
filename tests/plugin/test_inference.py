"""Checkpoints without a named architecture, which is inferred from the weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from project import Project
from torchvision import models

INI = """
[pytest]
pythonpath = .
failaware_dataset = npz:images.npz
failaware_preprocess = none
failaware_conditions = clean
"""


def save(name: str, path: Path, seed: int = 0) -> None:
    """Save the weights of a classifier of three classes."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        torch.save(models.get_model(name, num_classes=3).state_dict(), path)


@pytest.fixture
def unnamed(project: Project) -> Project:
    """Return a project that names no architecture and no baseline."""
    (project.path / "tox.ini").write_text(INI)
    images = np.random.default_rng(0).integers(0, 256, size=(12, 32, 32, 3), dtype=np.uint8)
    np.savez(project.path / "images.npz", images=images, labels=np.arange(12) % 3, classes=np.array(["a", "b", "c"]))
    save("squeezenet1_1", project.path / "good.pth")
    return project


def test_the_architecture_is_inferred_and_announced(unnamed: Project) -> None:
    """The summary says which architecture was inferred, and the baseline is named after it."""
    note = "inferred the architecture squeezenet1_1 with 3 classes from the weights' names and shapes; *"
    result = unnamed.run("--failaware-update-new", "--failaware-reason=untrained")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["model good.pth (squeezenet1_1 ????????) on cpu", note])
    assert (unnamed.path / "baselines" / "squeezenet1_1.yaml").is_file()
    named = unnamed.run("--failaware-arch=squeezenet1_1")
    named.assert_outcomes(passed=1)
    named.stdout.fnmatch_lines(["1 checked: 1 unchanged; *"])
    named.stdout.no_fnmatch_line("inferred *")


def test_a_second_model_may_have_another_architecture(unnamed: Project) -> None:
    """The architecture of each model is inferred separately, and both are printed."""
    save("squeezenet1_0", unnamed.path / "other.pth")
    result = unnamed.run("--failaware-against=other.pth")
    result.stdout.fnmatch_lines(
        [
            "inferred the architecture squeezenet1_1 with 3 classes *",
            "other.pth: inferred the architecture squeezenet1_0 with 3 classes *",
        ]
    )


def test_unknown_weights_fail_with_the_remedy(unnamed: Project) -> None:
    """Weights of no known architecture fail in one line with the remedy and exit code 4."""
    torch.save({"stem.weight": torch.ones(4, 3)}, unnamed.path / "good.pth")
    result = unnamed.run()
    assert pytest.ExitCode.USAGE_ERROR == result.ret
    result.stdout.fnmatch_lines(
        ["*no known architecture has these tensors (first: stem.weight (4, 3)); give theirs, *"]
    )
