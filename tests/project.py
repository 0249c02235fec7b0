"""A project in which the plugin runs: the toy classifier, its data and a marked test."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import toy
import yaml
from stored import columns_file, samples_file

INI = """
[pytest]
pythonpath = .
failaware_arch = toy:network
failaware_dataset = toy:images
failaware_preprocess = none
failaware_baseline = toy
failaware_conditions = clean low_light
failaware_drift_budget = 1
"""
MARKED = """
import pytest

@pytest.mark.reliability
def test_toy(): pass
"""
NORMED = """
import toy, torch

class Normed(toy.Bands):
    def __init__(self):
        super().__init__()
        self.norm = torch.nn.BatchNorm2d(1)
        self.register_load_state_dict_pre_hook(self.fill)

    def fill(self, module, state, prefix, *others):
        state.update({f"norm.{name}": value for name, value in self.norm.state_dict().items()})
        state["norm.running_mean"][:], state["norm.running_var"][:] = -0.777, 0.308  # of 2 x - 1

    def forward(self, images): return super().forward(self.norm(images))

def network(): return Normed()
"""
"""A model whose batch norm has the statistics of the toy images with mean=0.5, std=0.5."""

CELLS = {"trusted_right": 120, "trusted_wrong": 60, "flagged_right": 60, "flagged_wrong": 60}


Command = Callable[..., tuple[int, str]]
"""Words of a command line -> exit code and printed text."""


class Project:
    """A folder with an ini, a checkpoint good.pth, a worse one, and test_toy.py, run by pytest in this process."""

    def __init__(self, pytester: pytest.Pytester) -> None:
        self.pytester = pytester
        self.path = pytester.path
        self.baseline = self.path / "baselines" / "toy.yaml"
        self.always: tuple[str, ...] = ()  # arguments of every run
        self.without = ["randomly", "rerunfailures"]  # plugins; the second leaves a thread running after each run
        pytester.makeini(INI)
        (self.path / "toy.py").write_text(Path(toy.__file__).read_text(encoding="utf-8"), encoding="utf-8")
        torch.save(toy.weights(), self.path / "good.pth")
        torch.save(toy.weights(dead=(2,)), self.path / "worse.pth")
        self.test(MARKED)

    def test(self, source: str) -> None:
        """Write the project's test file."""
        (self.path / "test_toy.py").write_text(source, encoding="utf-8")

    def run(self, *args: str, model: str | None = "good.pth") -> pytest.RunResult:
        """Run pytest on the project in this process."""
        chosen = () if model is None else (f"--failaware-model={model}",)
        off = [word for plugin in self.without for word in ("-p", f"no:{plugin}")]
        return self.pytester.runpytest_inprocess(*off, *self.always, *chosen, *args, no_reraise_ctrlc=True)

    def record(self, *args: str, model: str = "good.pth") -> pytest.RunResult:
        """Store a model's values, with a reason if they can be worse than the stored ones."""
        needs_reason = model != "good.pth" and self.baseline.exists() and not any("reason" in word for word in args)
        reason = ("--failaware-reason=tested",) if needs_reason else ()
        return self.run("--failaware-update-baselines", *reason, *args, model=model)

    def ini(self, *lines: str) -> None:
        """Add lines to the ini file."""
        with (self.path / "tox.ini").open("a", encoding="utf-8") as file:
            file.write("".join(f"\n{line}" for line in lines))

    def stored(self) -> dict[str, object]:
        """Return the entries of the baseline, as YAML reads them."""
        conditions: dict[str, object] = yaml.safe_load(self.baseline.read_text(encoding="utf-8"))["conditions"]
        return conditions

    def sample_file(self, key: str = "samples") -> Path:
        """Return the file of a condition's columns, or by default of the list of samples."""
        folder = self.path / "baselines"
        return samples_file(folder, "toy") if key == "samples" else columns_file(folder, key, "toy")

    @staticmethod
    def line_with(result: pytest.RunResult, *words: str) -> str:
        """Return the first line of the output that has all these words, or "" if there is none."""
        return next((line for line in result.outlines if all(word in line for word in words)), "")

    def files(self) -> dict[str, tuple[bytes, int]]:
        """Return every stored file with its bytes and its time of change."""
        root = self.path / "baselines"
        return {
            str(path.relative_to(root)): (path.read_bytes(), path.stat().st_mtime_ns)
            for path in sorted(root.rglob("*"))
            if path.is_file()
        }
