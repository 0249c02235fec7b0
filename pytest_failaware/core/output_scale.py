"""What a model's outputs look like: logits, or probabilities and percentages that were taken for logits."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SUM_TOLERANCE: Final = 0.01
"""How far the sum of a row of probabilities may be from 1: a softmax in bfloat16 is off by up to 0.004, three decimals
of a dozen classes by as much as 0.006."""

CERTAIN_ROWS: Final = 8
"""From so many rows on, agreement is no chance. Two logits of standard deviation 1 lie in [0, 1] and sum to 1 within
the tolerance in one row of 400. Two logits that always lie near 0.5 (standard deviation 0.1) do so in one row of 18,
and in eight rows of eight in one case of 10**10."""

_FEW_ROWS_TOLERANCE: Final = 1e-5
"""The tolerance for fewer rows: the sum of a float32 softmax is off by less than 1e-6, and the same two logits near 0.5
come as close in one row of 18,000."""


class OutputScale(Enum):
    """What outputs are instead of logits; the value completes "the logits are …"."""

    PROBABILITIES = "probabilities, every row sums to 1 (softmax would be applied twice)"
    PERCENTAGES = "percentages, every row sums to 100"
    UNIT_RANGE = "between 0 and 1, as after a sigmoid"


UNIT_RANGE_REMEDY: Final = "softmax is applied to them; if they are no logits, give what goes into the sigmoid"
"""What to say of outputs in the unit range, behind what they are."""


def scale_of(outputs: NDArray[np.floating[Any]]) -> OutputScale | None:
    """Return what outputs of shape (N, K) are if they cannot be usual logits, else None.

    Rows with a number that is not finite are left out. From `CERTAIN_ROWS` rows on the answer is certain. For fewer
    rows, the sums must agree to float32's rounding, and the answer is still only likely: one row of logits can sum to 1
    by chance. UNIT_RANGE means outputs in [0, 1] that do not sum to 1, and are not all 0. They can be logits, and
    deserve a note.
    """
    import numpy as np

    rows = outputs[np.isfinite(outputs).all(axis=1)].astype(np.float64)
    if not len(rows) or rows.min() < 0:
        return None
    with np.errstate(over="ignore"):
        sums, is_certain = rows.sum(axis=1), len(rows) >= CERTAIN_ROWS
    tolerance = SUM_TOLERANCE if is_certain else _FEW_ROWS_TOLERANCE
    if (np.abs(sums - 100) <= 100 * tolerance).all():
        return OutputScale.PERCENTAGES
    if (np.abs(sums - 1) <= tolerance).all():
        return OutputScale.PROBABILITIES
    return OutputScale.UNIT_RANGE if is_certain and 0 < rows.max() <= 1 else None


def constancy_doubt(outputs: NDArray[np.floating[Any]]) -> str:
    """Return what to add to a finding on outputs (N, K) that are the same for every image, "" if they differ."""
    if len(outputs) < CERTAIN_ROWS or (outputs != outputs[0]).any():
        return ""
    return "; they are the same for every image, so the model is likely broken"


def not_probabilities(outputs: NDArray[np.floating[Any]]) -> NDArray[np.bool_]:
    """Return which rows of outputs (N, K) cannot be probabilities, (N,): one is below 0, or their sum is not 1.

    A row with NaN is none of them unless one of its numbers is below 0: it is no answer.
    """
    import numpy as np

    with np.errstate(over="ignore", invalid="ignore"):
        is_off: NDArray[np.bool_] = np.abs(outputs.sum(axis=1, dtype=np.float64) - 1) > SUM_TOLERANCE
        return is_off | (outputs < 0).any(axis=1)


def logarithms(probabilities: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """Return the logits whose softmax the probabilities (N, K) are; that of 0 is -inf."""
    import numpy as np

    with np.errstate(divide="ignore", invalid="ignore"):
        logits: NDArray[np.float64] = np.log(probabilities, dtype=np.float64)
        return logits
