"""Predictions, the rule and the commands work if torch and torchvision are not installed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from predicted import columns

BLOCKED = """
import contextlib, io, sys

sys.modules["torch"] = sys.modules["torchvision"] = None  # as if they were not installed

import pytest
from pytest_failaware import FailureRule, evaluate, load_rule
from pytest_failaware.cli.main import main

def run(*words):
    return pytest.main(["-q", "-p", "no:randomly", "-p", "no:cacheprovider", *words])

codes = [
    run("--failaware-predictions=p.npz", "--failaware-update-baselines"),
    run("--failaware-predictions=p.npz", "--failaware-report=report.json"),
    main(["show", "three"]),
    main(["plan", "three"]),
    main(["accept", "report.json"]),
]
print("CODES", [int(code) for code in codes])
print("RULES", load_rule("baselines/three.yaml") == FailureRule())
with contextlib.redirect_stderr(io.StringIO()):
    print("EVALUATED", list(evaluate(records="p.npz")))
print("MODEL", int(run("--failaware-model=a.pth", "--failaware-dataset=folder:.", "--failaware-preprocess=none")))
print("LOADED", sorted({"scipy.stats", "pandas"} & set(sys.modules)))
"""
TEST = """
import pytest

@pytest.mark.reliability(baseline="three")
def test_three(): ...
"""


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the output of a process that cannot import torch."""
    folder: Path = tmp_path_factory.mktemp("blocked")
    np.savez(folder / "p.npz", **columns())
    (folder / "pytest.ini").write_text("[pytest]\nfailaware_conditions = clean\n")
    (folder / "test_three.py").write_text(TEST)
    (folder / "blocked.py").write_text(BLOCKED)
    command = [sys.executable, "-W", "ignore", "blocked.py"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


@pytest.mark.parametrize("line", ["CODES [0, 0, 0, 0, 0]", "RULES True", "EVALUATED ['clean']", "MODEL 4", "LOADED []"])
def test_what_works_without_torch(output: str, line: str) -> None:
    """Each part works without torch, except a run of a model, which ends with exit code 4."""
    assert line in output.splitlines(), output


def test_a_model_without_torch(output: str) -> None:
    """A run of a model without torch says in one line what to install."""
    assert "python -m pip install torch torchvision" in output
    assert "Traceback" not in output
