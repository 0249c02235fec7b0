"""Test of a fall of the area under the ROC curve, with both sides on the same samples."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from pytest_failaware.judge.significance.units import Floats


def auroc_change_z(
    before: tuple[Floats, NDArray[np.bool_]],
    now: tuple[Floats, NDArray[np.bool_]],
    margin: float = 0.0,
) -> float:
    """Return the statistic of "the AUROC fell by at most margin"; it is large if the AUROC fell more.

    A side is (score, positive). Sample i has the influence (V_i - A) / n1 on the AUROC if positive, (V_i - A) / n0
    if negative. V_i is its placement: the share of the other class that it beats, ties half. The labels may differ
    between the sides, as right and wrong answers do, which DeLong's covariance does not allow. The paired variance is
    the sum over samples of (psi'_i - psi_i)².

    Raises:
        ValueError: A side has no positive or no negative sample.
    """
    area, psi = _auroc_influence(*before)
    new_area, new_psi = _auroc_influence(*now)
    spread = math.sqrt(float(np.square(new_psi - psi).sum()))
    return (area - new_area - margin) / spread if spread > 1e-15 else 0.0


def _auroc_influence(score: Floats, positive: NDArray[np.bool_]) -> tuple[float, Floats]:
    ones, zeros = np.sort(score[positive]), np.sort(score[~positive])
    if not len(ones) or not len(zeros):
        raise ValueError("an AUROC needs both a positive and a negative sample")
    placement = np.empty(len(score))
    placement[positive] = _beaten(zeros, score[positive])
    placement[~positive] = 1 - _beaten(ones, score[~positive])
    area = float(placement[positive].mean())
    return area, (placement - area) / np.where(positive, len(ones), len(zeros))


def _beaten(others: Floats, scores: Floats) -> Floats:
    """Return the share of the sorted `others` below each score; a tie counts half."""
    share: Floats = (
        (np.searchsorted(others, scores, "left") + np.searchsorted(others, scores, "right")) / 2 / len(others)
    )
    return share
