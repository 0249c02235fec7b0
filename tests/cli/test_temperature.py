"""`python -m pytest_failaware temperature`: T, its effect on images that it was not fitted on, and the gate.

The toy model gives bright images the logits (10, 0, 0) and dim ones (0.78, 0, 0); 60 % of all answers are right.
"""

from __future__ import annotations

import re

import numpy as np
import pytest
import toy
from project import Command, Project
from scipy import optimize

from pytest_failaware.core.samples import Samples
from pytest_failaware.judge.significance.jackknife import deal

KEY = "failaware_store_logits = true"


@pytest.fixture
def kept(project: Project) -> Project:
    """Record a project with logits."""
    project.ini(KEY)
    project.record()
    return project


def test_a_temperature_and_its_gate(kept: Project, command: Command) -> None:
    """T has the least NLL on one half, as another minimiser finds, improves the other half, and can be gated."""
    code, text = command("temperature", "toy")
    lines = text.splitlines()

    assert 0 == code
    assert "toy, clean: 300 images; T is fitted on 150 of them, and judged on the other 150" == lines[0]
    found = re.fullmatch(r"T = (\d+\.\d+): the model is too confident", lines[1])
    assert found is not None
    columns = np.load(kept.sample_file("clean"))
    shared = np.load(kept.sample_file())
    half = deal(Samples.from_columns(shared), parts=2) == 0
    assert 150 == half.sum()
    z, label = columns["logits"][half].astype(np.float64), shared["label"][half].astype(np.intp)

    def nll(temperature: float, z: np.ndarray = z, label: np.ndarray = label) -> float:
        scaled = z / temperature
        return float((np.log(np.exp(scaled).sum(axis=1)) - scaled[np.arange(len(z)), label]).mean())

    assert optimize.fminbound(nll, 0.5, 50, xtol=1e-8) == pytest.approx(float(found[1]), rel=1e-3)
    assert ["NLL", "ECE", "AUGRC"] == lines[2].split()
    (_, *before), (_, *after) = (line.split() for line in lines[3:5])
    others = columns["logits"][~half].astype(np.float64), shared["label"][~half].astype(np.intp)
    assert nll(1.0, *others) == pytest.approx(float(before[0]), abs=1e-4)
    assert nll(float(found[1]), *others) == pytest.approx(float(after[0]), abs=1e-4)
    assert (float(after[0]), float(after[1])) < (float(before[0]), float(before[1]))
    gate = f"ece(temperature={found[1]})"
    assert f'to gate it: metrics=["{gate}"], with {KEY} in the ini' == lines[5]

    kept.ini(f"failaware_metrics = {gate}")
    assert kept.line_with(kept.run("-v"), gate, "+0.0000", "passed")


def test_there_is_none(project: Project, command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """If all answers are right there is no best temperature, and the command ends with exit code 1."""
    images, _ = toy.arrays()
    monkeypatch.setattr(toy, "arrays", lambda: (images, np.arange(300) % 15 // 5))
    project.ini(KEY)
    project.record()
    code, text = command("temperature", "toy", "--condition=low_light")

    assert 1 == code
    assert "no temperature from 0.01 to 100 has the least NLL: every answer is right" in text
    assert "to gate it" not in text


def test_mistakes(project: Project, command: Command) -> None:
    """Each mistake is one line with the remedy."""
    project.record()
    assert (
        4,
        "error: toy: no logits are stored for clean; record it again with failaware_store_logits = true in the ini and "
        "--failaware-update-baselines\n",
    ) == command("temperature", "toy")
    assert (4, "error: --condition: toy has no 'claen'; did you mean 'clean'? choose from clean, low_light\n") == (
        command("temperature", "toy", "--condition=claen")
    )
    (project.path / "one.py").write_text("import toy\n\nclass One(toy.Images):\n    groups = [0] * 300\n")
    project.ini(KEY)
    project.record("--failaware-dataset=one:One")
    assert (
        4,
        "error: toy: one image, or one group of them, for clean; a fit and its judgement need two\n",
    ) == command("temperature", "toy")
    project.sample_file("clean").unlink()
    assert (4, "error: toy: no sample file for clean; restore it from version control\n") == (
        command("temperature", "toy")
    )
