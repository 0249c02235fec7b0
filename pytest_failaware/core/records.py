"""The columns that a measurement keeps for every sample."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from pytest_failaware.core.errors import RuleColumnError
from pytest_failaware.core.samples import LABEL, MOST_OUTPUTS, SAMPLE_ID, Samples

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


PREDICTION: Final = "prediction"
LOGITS: Final = "logits"

SCORES: Final = ("confidence", "entropy", "label_log_probability", "sum_squares", "second_probability", "max_logit")
"""The float32 columns of `Records`, in file order."""


RANKING_SCORES: Final = ("confidence", "margin", "max_logit", "gini", "entropy", "energy", "gen")
"""The scores that a ranking metric can rank by, besides the confidence at a temperature; the first is the default."""


TEMPERATURE: Final = "temperature="
"""The text before the temperature in the name of a metric."""


CONFIDENCE_AT: Final = "confidence at temperature "
ENTROPY_AT: Final = "entropy at temperature "
TRUSTED_UP_TO: Final = "trusted up to temperature: "
OF_RULES: Final = (CONFIDENCE_AT, ENTROPY_AT, TRUSTED_UP_TO)
"""The names of the columns of rules, before the temperature or the thresholds."""


RECORD_DTYPES: Final[Mapping[str, str]] = {
    SAMPLE_ID: "uint64",
    LABEL: "uint16",
    PREDICTION: "uint16",
    **dict.fromkeys(SCORES, "float32"),
}
"""The columns of `Records` with one number per sample, and their types."""


NO_CLASS: Final = MOST_OUTPUTS + 1
"""The prediction if the model has no answer. No label has this number, so it is wrong; the confidence is 0."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Records:
    """The outcome of one condition for each sample: columns of length N, in the order of `samples` (ascending ids).

    Every score is computed from the log-softmax of the logits in float64 and stored as float32. Flags are always
    computed from the stored values, so writing and reading cannot change a flag. If the model has no answer (NaN, +inf,
    or no finite logit), the prediction is `NO_CLASS`, the confidence is 0, and the other scores are those of equal
    logits. A class may be masked by -inf, which is stored as the lowest float32. The logits are kept only if the run
    was asked to keep them.

    `rule_columns` are the columns of rules by name, float32 (N,): the two scores at the temperature of a rule, and the
    largest temperature at which the thresholds of a rule trust a sample (0: at none, infinite: at every one).
    """

    samples: Samples
    prediction: NDArray[np.uint16]
    confidence: NDArray[np.float32]  # maximum softmax probability, (0, 1]; 0 without an answer
    entropy: NDArray[np.float32]  # nats, [0, ln K]
    label_log_probability: NDArray[np.float32]  # nats, <= 0
    sum_squares: NDArray[np.float32]  # sum of squared probabilities, [1/K, 1]
    second_probability: NDArray[np.float32]  # second largest probability, [0, 1/2]
    max_logit: NDArray[np.float32]
    logits: NDArray[np.float32] | None = None  # (N, K); 0 without an answer
    rule_columns: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.samples)

    def __repr__(self) -> str:
        return f"<Records of {len(self):,} samples>"

    @property
    def sample_id(self) -> NDArray[np.uint64]:
        """The ids of the samples, (N,), ascending."""
        return self.samples.ids

    @property
    def label(self) -> NDArray[np.uint16]:
        """The class of each sample, (N,)."""
        return self.samples.labels

    @property
    def correct(self) -> NDArray[np.bool_]:
        """Whether the prediction is the label, (N,) bool."""
        correct: NDArray[np.bool_] = self.prediction == self.label
        return correct

    @property
    def outcome(self) -> dict[str, NDArray[Any]]:  # Any: of two types
        """The columns that come from the model, by name, in file order: predictions, scores, and logits if any."""
        columns = {name: getattr(self, name) for name in (PREDICTION, *SCORES, LOGITS)}
        return {name: column for name, column in columns.items() if column is not None} | {**self.rule_columns}

    def scores_at(self, temperature: float) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return the confidence and the entropy of softmax(z / T), (N,) each, from columns or from kept logits.

        Raises:
            RuleColumnError: the records hold neither these scores nor the logits.
        """
        if temperature == 1:
            return self.confidence, self.entropy
        names = f"{CONFIDENCE_AT}{temperature!r}", f"{ENTROPY_AT}{temperature!r}"
        if set(names) <= self.rule_columns.keys():
            confidence, entropy = (self.rule_columns[name] for name in names)
            return confidence, entropy
        if self.logits is None:
            raise RuleColumnError(
                f"the records have no {names[0]}, nor the logits to compute it; measure the samples again"
            )
        return _scores_of_logits(self.logits, self.confidence > 0, temperature)

    @property
    def columns(self) -> dict[str, NDArray[Any]]:  # Any: of several types
        """All columns except the groups, by name, in file order."""
        return {SAMPLE_ID: self.sample_id, LABEL: self.label, **self.outcome}

    def take(self, rows: NDArray[np.intp] | slice) -> Records:
        """Return the records in these rows; the rows must ascend, so that the ids ascend."""
        taken = {name: column[rows] for name, column in self.outcome.items()}
        return Records.of_outcome(self.samples.take(rows), taken)

    @staticmethod
    def from_columns(columns: Mapping[str, NDArray[Any]]) -> Records:  # Any: of several types
        """Return the records in these columns; other columns are ignored."""
        return Records.of_outcome(Samples.from_columns(columns), columns)

    @staticmethod
    def of_outcome(samples: Samples, columns: Mapping[str, NDArray[Any]]) -> Records:  # Any: of several types
        """Return the records of these samples with the columns that come from the model; other columns are ignored."""
        return Records(
            samples=samples,
            **{name: columns[name] for name in (PREDICTION, *SCORES)},
            logits=columns.get(LOGITS),
            rule_columns={name: column for name, column in columns.items() if name.startswith(OF_RULES)},
        )


def _scores_of_logits(
    logits: NDArray[np.float32], answered: NDArray[np.bool_], temperature: float
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the confidence and the entropy of softmax(z / T), (N,) each; the confidence is 0 without an answer."""
    import numpy as np

    from pytest_failaware.core.scores import log_softmax, scores_of

    scores = scores_of(log_softmax(logits.astype(np.float64) / temperature))
    return np.where(answered, scores.confidence, np.float32(0)), scores.entropy
