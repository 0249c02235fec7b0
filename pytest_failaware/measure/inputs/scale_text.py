"""Write the sentence about inputs that do not match the training: the finding, the alternative and the remedy."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from pytest_failaware.core.preprocessing import Preprocessing
from pytest_failaware.measure.inputs.alternatives import Alternative
from pytest_failaware.measure.inputs.flips import Flips
from pytest_failaware.measure.inputs.look import InputLook
from pytest_failaware.measure.inputs.misfit import Misfit


def describe_finding(
    given: InputLook,
    labels: NDArray[np.uint16],
    best: Alternative | None,
    typed: Preprocessing | None,
    confirmed: Flips | None,
) -> str:
    """Return the sentence.

    Args:
        given: the look at the inputs as they are preprocessed.
        labels: the labels of these images, (N,).
        best: the alternative that fits; None if none does.
        typed: the preprocessing as typed, None if it is user code.
        confirmed: the flips of the alternative on further images; None if only batch norms support it.
    """
    seen = "" if given.answers is None else f"{given.right(labels).sum()} of {len(labels)} images are right"
    norm = "" if given.suspect is None else _at_norm(given.suspect, is_first=given.suspect is given.misfits[0])
    parts = [", and ".join(filter(None, (seen, norm)))]
    if best is None:
        parts.append("none of the usual means and stds fits; give those of the training in --failaware-preprocess")
    else:
        parts.append(_tried(best, confirmed))
        parts.append(best.remedy(typed))
    return f"the clean inputs are not what the model was trained on: {'; '.join(parts)}"


def _tried(best: Alternative, confirmed: Flips | None) -> str:
    if confirmed is None:
        return f"{best} they fit"
    return f"{best}, {confirmed.after} of {confirmed.images} images are right instead of {confirmed.before}"


def _at_norm(misfit: Misfit, *, is_first: bool) -> str:
    place = f"at the {'first ' if is_first else ''}batch norm ({misfit.norm or 'the model itself'})"
    ratio = misfit.spread if misfit.spread >= 1 else 1 / misfit.spread if misfit.spread else math.inf
    wider = "wider" if misfit.spread >= 1 else "narrower"
    times, shift = _number(ratio), _number(misfit.shift)
    return (
        f"{place} the values spread {times} times {wider} than in training, and their mean is {shift} standard "
        "deviations away"
    )


def _number(value: float) -> str:
    """Return a number with two significant digits and without an exponent."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.2g}"
