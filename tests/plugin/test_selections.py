"""The verdict of an item depends neither on the selection nor on the order nor on workers."""

from __future__ import annotations

import json
from random import Random

import numpy as np
import pytest

MARKED = """
import pytest

@pytest.mark.reliability(conditions=["clean", "blur", "low_light", "fog:1"], baseline="b")
def test_m(): pass

@pytest.mark.reliability(conditions=["clean", "blur"], baseline="b", metrics=["accuracy"])
def test_accuracy(): pass
"""
SAMPLES, MARGINS = 3000, {"clean": 2.5, "blur": 2.2, "low_light": 2.0, "fog:1": 2.1}
VERDICTS = {
    "test_gate.py::test_m[clean]": "unchanged",
    "test_gate.py::test_m[blur]": "operating_point_moved",
    "test_gate.py::test_m[low_light]": "regressed",
    "test_gate.py::test_m[fog:1]": "unchanged",
    "test_gate.py::test_m[mean]": "regressed",
    "test_gate.py::test_accuracy[clean]": "unchanged",
    "test_gate.py::test_accuracy[blur]": "passed",
}


class Gates:
    """Two marked tests of one baseline: blur is sharper than stored, and low_light has a tenth of its answers wrong."""

    def __init__(self, pytester: pytest.Pytester) -> None:
        self.pytester, self.path = pytester, pytester.path
        (self.path / "test_gate.py").write_text(MARKED, encoding="utf-8")
        pytester.makeini("[pytest]\n")
        self.predict(blur=1.0, broken=0)
        self.run("-p", "no:xdist", "-p", "no:randomly", "--failaware-update-new").assert_outcomes(passed=6)
        self.predict(blur=1.5, broken=300)

    def predict(self, *, blur: float, broken: int) -> None:
        """Write the predictions of all conditions."""
        random = np.random.default_rng(0)
        label, columns = random.integers(0, 10, SAMPLES), []
        for key, margin in MARGINS.items():
            logits = random.normal(0, 1, (SAMPLES, 10))
            logits[np.arange(SAMPLES), label] += margin + 2 * random.normal(0, 1, SAMPLES)
            if key == "low_light":
                logits[:broken] = np.roll(logits[:broken], 1, axis=1)
            columns.append((2 * (blur if key == "blur" else 1) * logits).astype(np.float32))
        np.savez(
            self.path / "p.npz",
            sample_id=np.tile(np.arange(SAMPLES), len(MARGINS)),
            label=np.tile(label, len(MARGINS)),
            condition=np.repeat(list(MARGINS), SAMPLES),
            logits=np.concatenate(columns),
        )

    def run(self, *options: str) -> pytest.RunResult:
        """Run the gates on the predictions."""
        off = ("-p", "no:rerunfailures", "--failaware-predictions=p.npz", "--failaware-report=r.json")
        return self.pytester.runpytest_inprocess(*off, *options, no_reraise_ctrlc=True)

    def judgements(self, *options: str) -> dict[str, dict[str, object]]:
        """Return the verdict, the levels and the comparisons of each item of a run."""
        self.run(*options)
        results = json.loads((self.path / "r.json").read_text(encoding="utf-8"))["results"]
        return {
            result["nodeid"]: {name: result[name] for name in ("verdict", "levels", "comparisons", "cells", "change")}
            for result in results
        }


def test_the_verdict_does_not_depend_on_the_way_to_run(pytester: pytest.Pytester) -> None:
    """With -k, --lf, a random order or two workers, each item has the verdict, levels and numbers of the whole run."""
    pytest.importorskip("xdist")
    random, gates, alone, ordered = Random(3), Gates(pytester), ("-p", "no:xdist"), ("-p", "no:randomly")
    whole = gates.judgements(*alone, *ordered)

    assert VERDICTS == {nodeid: result["verdict"] for nodeid, result in whole.items()}
    of_m = [name for name in VERDICTS if "test_m" in name]  # its mean failed, so --lf runs all its conditions
    items = [name for name in VERDICTS if "mean" not in name]
    for options, selected in (
        ((*alone, *ordered, "--lf"), of_m),
        ((*alone, *ordered, "-k", "blur or fog"), [name for name in VERDICTS if "blur" in name or "fog" in name]),
        ((*alone, *ordered, *random.sample(items, len(items))), VERDICTS),
        ((*ordered, "-n", "2"), VERDICTS),
        ((*ordered, "-n", "2", "-k", "test_m"), of_m),
    ):
        assert {nodeid: whole[nodeid] for nodeid in selected} == gates.judgements(*options), options
