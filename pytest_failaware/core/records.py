"""The columns that a measurement keeps of every sample."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


SCORES: Final = ("confidence", "entropy", "label_log_probability", "sum_squares", "second_probability", "max_logit")
"""The float32 columns of `Records`, in file order."""


RANKING_SCORES: Final = ("confidence", "margin", "max_logit", "gini", "entropy", "energy", "gen")
"""What a ranking metric can rank by, beside the confidence at a temperature; the first where its name says nothing."""


TEMPERATURE: Final = "temperature="
"""What stands before the temperature in a name."""


RECORD_DTYPES: Final[Mapping[str, str]] = {
    "sample_id": "uint64",
    "label": "uint16",
    "prediction": "uint16",
    **dict.fromkeys(SCORES, "float32"),
}
"""Every column of `Records` that holds one number a sample, with its type."""


NO_CLASS: Final = 65535
"""The prediction where the model has no answer: no label's, so that it is wrong. The confidence is 0 there alone."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Records:
    """One condition's outcome per sample: N-long columns, ascending by `sample_id`.

    Every score comes from the log-softmax of the logits in float64, stored as float32; flags are always computed from
    the stored values, so writing and reading cannot change one. Where the model has no answer (NaN,
    +inf, or no finite logit) the prediction is `NO_CLASS`, the confidence 0, and the other scores are those of equal
    logits. A class may be masked by -inf, which is stored as the lowest float32. All logits of a sample are there only
    where they were asked to be kept.
    """

    sample_id: NDArray[np.uint64]
    label: NDArray[np.uint16]
    prediction: NDArray[np.uint16]
    confidence: NDArray[np.float32]  # maximum softmax probability, (0, 1]; 0 without an answer
    entropy: NDArray[np.float32]  # nats, [0, ln K]
    label_log_probability: NDArray[np.float32]  # nats, <= 0
    sum_squares: NDArray[np.float32]  # sum of squared probabilities, [1/K, 1]
    second_probability: NDArray[np.float32]  # second largest probability, [0, 1/2]
    max_logit: NDArray[np.float32]
    logits: NDArray[np.float32] | None = None  # (N, K); 0 without an answer, as the confidence tells

    def __len__(self) -> int:
        return len(self.sample_id)

    def __repr__(self) -> str:
        return f"<Records of {len(self):,} samples>"

    def take(self, rows: NDArray[np.intp] | slice) -> Records:
        """These rows, ascending by number so that ids stay ascending."""
        return Records(**{name: column[rows] for name, column in self.columns.items()})

    @property
    def columns(self) -> dict[str, Any]:  # Any: arrays, whose names numpy.savez would take for its options
        """The columns there are by name, in file order."""
        found = {name: getattr(self, name) for name in Records.__slots__}
        return {name: column for name, column in found.items() if column is not None}

    @property
    def correct(self) -> NDArray[np.bool_]:
        """Where the prediction is the label, (N,) bool."""
        correct: NDArray[np.bool_] = self.prediction == self.label
        return correct
