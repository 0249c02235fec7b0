"""Process-wide settings of NumPy and torch, which a conftest or a library can change; no number depends on them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest
import torch
from project import MARKED, Project

METRICS = "accuracy confident_accuracy augrc augrc(energy) augrc(max_logit) augrc(gen) ece nll brier ece(temperature=2)"


@contextmanager
def default_dtype(dtype: torch.dtype) -> Iterator[None]:
    """Give tensors that are made without a type this type."""
    former = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(former)


@pytest.mark.parametrize("model", ["good.pth", "worse.pth"])
def test_a_gate_under_switches_of_the_process(project: Project, model: str) -> None:
    """A gate with many metrics has the same verdicts under other process-wide settings."""
    project.ini(f"failaware_metrics = {METRICS}", "failaware_store_logits = true")
    project.test(MARKED.replace("reliability", "reliability(conditions=['clean', 'low_light', 'spatter:3'])"))
    project.record()
    expected = project.run("--failaware-no-cache", model=model)
    with np.errstate(all="raise"), default_dtype(torch.float64):
        found = project.run("--failaware-no-cache", model=model)
        assert torch.float64 is torch.get_default_dtype()
        assert {"raise"} == set(np.geterr().values())

    lines = [line for line in expected.outlines if "checked:" in line or ": REGRESSED" in line]
    assert lines == [line for line in found.outlines if "checked:" in line or ": REGRESSED" in line]
    assert [] != lines
    if model == "good.pth":
        found.stdout.fnmatch_lines(["*4 checked: 4 unchanged*"])
