"""numpy's error state, which a library may have set for the process, changes no number and stops nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import toy
from torch import nn

from pytest_failaware import FailureRule, evaluate
from pytest_failaware.judge.evaluation import Evaluations

LOGITS = np.array([[800.0, 0.0, -800.0], [1e39, 0.0, -1e39], [0.1, -np.inf, 3.0], [1e-320, 0.0, 2.0]] * 3)
IDS, LABELS = np.arange(12), np.array([0, 1, 2] * 4)

pytestmark = pytest.mark.filterwarnings("ignore::pytest_failaware.FailAwareWarning")


def table() -> pd.DataFrame:
    """The predictions as a table."""
    columns = {f"logit_{name}": LOGITS[:, number] for number, name in enumerate("abc")}
    return pd.DataFrame({"sample_id": IDS, "label": ["abc"[label] for label in LABELS], **columns})


def given(way: str, folder: Path) -> dict[str, Any]:  # Any: as evaluate takes it
    """What is evaluated in this way."""
    if way == "model":
        model = toy.network()
        model.load_state_dict(toy.weights())
        sharp = nn.Sequential(model, Times(1e30))
        return {"model": sharp, "dataset": toy.images(), "preprocess": "none", "device": "cpu"}
    path = folder / "predictions"
    if way == "npz":
        np.savez(path, sample_id=IDS, label=LABELS, logits=LOGITS)
        path = path.with_suffix(".npz")
    elif way == "csv":
        table().to_csv(path, index=False)
    elif way == "parquet":
        table().to_parquet(path)
    arrays = {"sample_id": IDS, "label": LABELS, "logits": LOGITS}
    return {"records": {"arrays": arrays, "frame": table()}.get(way, path)}


class Times(nn.Module):
    """Multiplies logits."""

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, logits: object) -> object:
        """The products."""
        return logits * self.factor


def columns(found: Evaluations) -> dict[str, bytes]:
    """Every column of the records, and the flags."""
    records = {f"{key} {name}": value for key, one in found.items() for name, value in one.records.columns.items()}
    flags = {f"{key} flagged": one.flagged for key, one in found.items()}
    return {name: value.tobytes() for name, value in {**records, **flags}.items()}


@pytest.mark.parametrize("way", ["model", "arrays", "frame", "npz", "csv", "parquet"])
def test_what_numpy_raises_for_does_not_matter(tmp_path: Path, way: str) -> None:
    """The records and flags are those of a plain process, also of logits that overflow and underflow."""
    expected = columns(evaluate(**given(way, tmp_path)))
    with np.errstate(all="raise"):
        found = evaluate(**given(way, tmp_path))
        assert "raise" == np.geterr()["over"]
        assert str(found)

    assert expected == columns(found)


@pytest.mark.parametrize("method", ["flag_logits", "flag_probabilities"])
def test_a_rule_in_production(method: str) -> None:
    """The flags do not depend on it."""
    rows = LOGITS if method == "flag_logits" else np.eye(3)
    expected = getattr(FailureRule(), method)(rows)
    with np.errstate(all="raise"):
        assert expected.tolist() == getattr(FailureRule(), method)(rows).tolist()
