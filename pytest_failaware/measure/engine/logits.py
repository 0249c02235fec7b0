"""A model's outputs -> logits: as they are, or the logarithms of declared probabilities; other scales are refused."""

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
"""What a model returns for B images, or the logits that it means, (B, K)."""

_LOOKED_AT: Final = 64
"""So many rows of a condition settle the scale, whatever the batch size; all of them if there are fewer."""

_DECLARE: Final = 'set failaware_outputs = probabilities in the ini (evaluate: outputs="probabilities")'


class OutputReader:
    """Reads the outputs of one model. `note` says what is odd about their scale, "" if nothing is known."""

    def __init__(self, declared: ModelOutputs) -> None:
        self.declared = declared
        self.note = ""
        self._first: list[Answers] = []  # of the condition that settles the scale
        self._is_settled = declared is ModelOutputs.PROBABILITIES  # those are checked row by row

    def look(self, outputs: Answers, rows: slice, count: int) -> None:
        """Settle the scale by the first outputs of a condition.

        Args:
            outputs: (B, K), of the rows.
            rows: which of the condition's rows they are; the batches of a condition come in order.
            count: how many rows the condition has.

        Raises:
            ModelError: they are probabilities or percentages.
        """
        if self._is_settled:
            return
        self._first = [outputs] if rows.start == 0 else [*self._first, outputs]
        if rows.stop < min(count, _LOOKED_AT):
            return
        first, self._first = np.concatenate(self._first)[:_LOOKED_AT], []
        self._refuse(first)
        self._is_settled = bool(np.isfinite(first).all(axis=1).any())  # else another condition may show more

    def logits(self, outputs: Answers) -> Answers:
        """Return the logits, (B, K); a probability of 0 has the logit -inf.

        Raises:
            ModelError: the outputs are declared as probabilities, and are none.
        """
        if self.declared is ModelOutputs.LOGITS:
            return outputs
        wrong = np.flatnonzero(not_probabilities(outputs))
        if len(wrong):
            row = outputs[wrong[0]]
            found = f"{row.min():.4g} among them" if row.min() < 0 else f"a sum of {row.sum():.4g}"
            raise ModelError(
                f"failaware_outputs = probabilities, but {len(wrong)} of {len(outputs)} images in a batch get outputs "
                f"that are none, as with {found}; return softmax outputs, or leave it out if the model returns logits"
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
