"""Recognise outputs that are not logits: probabilities, percentages, or results of a sigmoid."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SUM_TOLERANCE: Final = 0.01
"""How far the sum of a row of probabilities may be from 1. A softmax in bfloat16 is off by up to 0.004; a dozen
probabilities rounded to three decimals are off by up to 0.006."""

CERTAIN_ROWS: Final = 8
"""From this number of rows on, agreement is not a coincidence. Two logits of standard deviation 1 lie in [0, 1] and sum
to 1 within the tolerance in one row of 400. Two logits near 0.5 (standard deviation 0.1) do so in one row of 18, and in
all of eight rows in one case of 10**10."""

_FEW_ROWS_TOLERANCE: Final = 1e-5
"""The tolerance for fewer rows. The sum of a float32 softmax is off by less than 1e-6; two logits near 0.5 come as
close to 1 in one row of 18,000."""


class OutputScale(Enum):
    """A scale of outputs that are not logits; the value completes "the logits are …"."""

    PROBABILITIES = "probabilities, every row sums to 1 (softmax would be applied twice)"
    PERCENTAGES = "percentages, every row sums to 100"
    UNIT_RANGE = "between 0 and 1, as after a sigmoid"


UNIT_RANGE_REMEDY: Final = "softmax is applied to them; if they are not logits, give the input of the sigmoid"
"""The remedy for outputs in the unit range."""


def scale_of(outputs: NDArray[np.floating[Any]]) -> OutputScale | None:
    """Return the scale of outputs (N, K) if they do not look like logits, else None.

    Rows with a number that is not finite are ignored. The answer is certain from `CERTAIN_ROWS` rows on. For fewer
    rows, the sums must agree within float32 rounding, and the answer is only likely, since a row of logits can sum to 1
    by chance. UNIT_RANGE means outputs in [0, 1] that do not sum to 1 and are not all 0; they can be logits, and are
    worth a note.
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
    """Return the text to add to a finding if the outputs (N, K) are the same for every image, else ""."""
    if len(outputs) < CERTAIN_ROWS or (outputs != outputs[0]).any():
        return ""
    return "; they are the same for every image, so the model is likely broken"


def not_probabilities(outputs: NDArray[np.floating[Any]]) -> NDArray[np.bool_]:
    """Return which rows of outputs (N, K) cannot be probabilities, (N,): a number is below 0, or the sum is not 1.

    A row with NaN counts only if one of its numbers is below 0, since such a row is a missing answer.
    """
    import numpy as np

    with np.errstate(over="ignore", invalid="ignore"):
        is_off: NDArray[np.bool_] = np.abs(outputs.sum(axis=1, dtype=np.float64) - 1) > SUM_TOLERANCE
        return is_off | (outputs < 0).any(axis=1)


def logarithms(probabilities: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """Return the logits whose softmax gives the probabilities (N, K); a probability of 0 becomes -inf."""
    import numpy as np

    with np.errstate(divide="ignore", invalid="ignore"):
        logits: NDArray[np.float64] = np.log(probabilities, dtype=np.float64)
        return logits
