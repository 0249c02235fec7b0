"""Convert the outputs of a model to logits: unchanged, or logarithms of declared probabilities; refuse other scales."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from pytest_failaware.core.errors import ModelError
from pytest_failaware.core.output_scale import (
    UNIT_RANGE_REMEDY,
    OutputScale,
    constancy_doubt,
    logarithms,
    not_probabilities,
    scale_of,
)
from pytest_failaware.core.request import ModelOutputs

Answers = NDArray[np.float64]
"""The outputs of a model for B images, or the logits computed from them, (B, K)."""

_LOOKED_AT: Final = 64
"""The number of rows of a condition that decide the scale, independent of the batch size; fewer if there are fewer."""

_DECLARE: Final = 'set failaware_outputs = probabilities in the ini (evaluate: outputs="probabilities")'


class OutputReader:
    """Reads the outputs of one model. `note` describes an unusual scale, "" if the scale is usual or not yet known."""

    def __init__(self, declared: ModelOutputs) -> None:
        self.declared = declared
        self.note = ""
        self._first: list[Answers] = []  # of the condition that decides the scale
        self._is_settled = declared is ModelOutputs.PROBABILITIES  # probabilities are checked row by row

    def look(self, outputs: Answers, rows: slice, count: int) -> None:
        """Decide the scale from the first outputs of a condition.

        Args:
            outputs: the outputs of these rows, (B, K).
            rows: the rows of the condition; batches must come in order.
            count: the number of rows of the condition.

        Raises:
            ModelError: the outputs are probabilities or percentages.
        """
        if self._is_settled:
            return
        self._first = [outputs] if rows.start == 0 else [*self._first, outputs]
        if rows.stop < min(count, _LOOKED_AT):
            return
        first, self._first = np.concatenate(self._first)[:_LOOKED_AT], []
        self._refuse(first)
        self._is_settled = bool(np.isfinite(first).all(axis=1).any())  # without a finite row, another condition decides

    def logits(self, outputs: Answers) -> Answers:
        """Return the logits, (B, K); a probability of 0 has the logit -inf.

        Raises:
            ModelError: the outputs are declared as probabilities, but are not.
        """
        if self.declared is ModelOutputs.LOGITS:
            return outputs
        wrong = np.flatnonzero(not_probabilities(outputs))
        if len(wrong):
            row = outputs[wrong[0]]
            problem = f"{row.min():.4g} among them" if row.min() < 0 else f"a sum of {row.sum():.4g}"
            raise ModelError(
                f"failaware_outputs = probabilities, but {len(wrong)} of {len(outputs)} images in a batch get outputs "
                f"that are none, as with {problem}; return softmax outputs, or leave it out if the model returns logits"
            )
        return logarithms(outputs)

    def _refuse(self, first: Answers) -> None:
        scale = scale_of(first)
        if scale is OutputScale.UNIT_RANGE:
            self.note = f"the outputs of the model are {scale.value}; {UNIT_RANGE_REMEDY}"
        elif scale is not None:
            divided = "divide them by 100 and " if scale is OutputScale.PERCENTAGES else ""
            raise ModelError(
                f"the outputs of the model are {scale.value}, for each of the first {len(first)} images; "
                f"return logits, or {divided}{_DECLARE}{constancy_doubt(first)}"
            )
