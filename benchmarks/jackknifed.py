"""The jackknife of score metrics under truths whose change is known, for many draws at once."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from functools import cache
from typing import Final

import numpy as np
from columns import Floats, Mask, areas, harm, jackknife_p
from numpy.typing import NDArray
from states import outcomes
from truths import Drawn, Generator, Layout, drawn

from pytest_failaware.core.samples import Samples
from pytest_failaware.judge.evidence import paired
from pytest_failaware.judge.metrics.names import one_sided_metric
from pytest_failaware.judge.metrics.scores import SCORE_METRICS
from pytest_failaware.judge.outcomes import Outcomes
from pytest_failaware.judge.sides import under_one_rule
from pytest_failaware.judge.significance.jackknife import deal

AREAS: Final = ("auroc_f", "augrc", "aurc")


def scored(
    name: str, layout: Layout | None, is_within: bool, falls: float, n: int, random: Generator, draws: int
) -> Floats:
    """Return the p of a score metric whose true drop equals the margin.

    Args:
        name: the metric.
        layout: how the samples belong together.
        is_within: whether the test is that of non_inferiority, for a successor that differs by these falls alone and
            loses exactly the tolerance of the metric.
        falls: the share of right answers that fall, if not.
        n: the number of samples.
        random: the source of random numbers.
        draws: the number of pairs of models.
    """
    redrawn = 0.0 if is_within else 0.1
    falls = _falls_to_tolerance(name) if is_within else falls
    pair = drawn(random, draws, n, falls=falls, layout=layout, redrawn=redrawn)
    groups = None if layout is None else layout.group_of(n).astype(np.uint32)
    part = deal(Samples(ids=np.arange(n, dtype=np.uint64), labels=np.zeros(n, dtype=np.uint16), groups=groups))
    drops = drops_of(name, pair, part)
    margin = float(SCORE_METRICS[name].tolerance) if is_within else _true_drop(name, falls) if falls else 0.0
    beyond, within = jackknife_p(drops, margin, harm(pair.new_trust, pair.new_right)[name] if is_within else 0.0)
    return within if is_within else beyond


def drops_of(name: str, pair: Drawn, part: NDArray[np.intp]) -> Floats:
    """Return the change for the worse without each part, and of all samples in the last row, (parts + 1, draws)."""
    if name == "nll":
        before, now = (_nll(*side, part) for side in ((pair.trust, pair.right), (pair.new_trust, pair.new_right)))
        return now - before
    before, now = areas(pair.trust, pair.right, part)[name], areas(pair.new_trust, pair.new_right, part)[name]
    return before - now if name == "auroc_f" else now - before


def _nll(trust: Floats, right: Mask, part: NDArray[np.intp]) -> Floats:
    """Return the mean loss without each part, and of all samples in the last row, (parts + 1, draws)."""
    confidence = 0.1 + 0.89 * trust
    loss = -np.log(np.where(right, confidence, 1 - confidence))
    rows = [loss[:, part != number].mean(axis=1) for number in range(int(part.max()) + 1)]
    return np.array([*rows, loss.mean(axis=1)])


@cache
def _true_drop(name: str, falls: float) -> float:
    """Return the true drop of an area, from a million samples."""
    pair = drawn(np.random.default_rng(11), 500, 2000, falls=falls, redrawn=0.0)
    one = np.zeros(2000, dtype=np.intp)
    one[0] = 1
    return float(drops_of(name, pair, one)[-1].mean())


@cache
def _falls_to_tolerance(name: str) -> float:
    """Return the share of right answers that fall if an area loses its tolerance; the drop is nearly linear."""
    falls, tolerance = 0.01, float(SCORE_METRICS[name].tolerance)
    for _ in range(3):
        falls *= tolerance / _true_drop(name, falls)
    return falls


def by_package(name: str, n: int, random: Generator, draws: int) -> Floats:
    """Return the p of a metric that the columns do not have, for two models that are equal in truth."""
    metric = one_sided_metric(name, "benchmark")

    def p() -> float:
        pair = drawn(random, 1, n)
        before, now = _outcomes(pair.trust[0], pair.right[0]), _outcomes(pair.new_trust[0], pair.new_right[0])
        evidence = paired(metric, under_one_rule(before, now), Decimal(0), 0.01)[2]
        return 1.0 if evidence is None else evidence.p_beyond

    return np.array([p() for _ in range(draws)])


def _outcomes(trust: Floats, right: Mask) -> Outcomes:
    """Return predictions of ten classes, right or wrong, whose confidence is between 0.1 and 1."""
    blank, confidence = outcomes((~right).astype(np.int64)), 0.1 + 0.9 * trust
    label = (np.arange(len(right)) % 10).astype(np.uint16)
    columns = {
        "samples": replace(blank.records.samples, labels=label),
        "prediction": np.where(right, label, (label + 1) % 10).astype(np.uint16),
        "confidence": confidence.astype(np.float32),
        "label_log_probability": np.log(np.where(right, confidence, 1 - 0.9 * confidence)).astype(np.float32),
    }
    return replace(blank, records=replace(blank.records, **columns))
