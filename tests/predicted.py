"""Predictions of three samples, as columns and as a table."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

LOGITS = np.array([[2.0, 0.0, -1.0], [0.1, 0.2, 0.0], [-3.0, 1.0, 4.0]])
PROBABILITIES = np.exp(LOGITS) / np.exp(LOGITS).sum(axis=1, keepdims=True)
CLASSES = ("cat", "dog", "eel")


def columns(**changed: Any) -> dict[str, Any]:  # Any: whatever a file may hold
    """Return three samples under clean, whose ids are not in order."""
    given = {"sample_id": np.array([7, 5, 9]), "label": np.array([0, 1, 1]), "logits": LOGITS, **changed}
    return {name: value for name, value in given.items() if value is not None}


def frame(**changed: Any) -> pd.DataFrame:  # Any: as above
    """Return the same samples as a table with a column for each class."""
    given: dict[str, Any] = {"sample_id": ["7", "5", "9"], "label": ["cat", "dog", "dog"], "condition": "clean"}
    given |= {f"logit_{name}": LOGITS[:, number] for number, name in enumerate(CLASSES)} | changed
    return pd.DataFrame({name: value for name, value in given.items() if value is not None})
