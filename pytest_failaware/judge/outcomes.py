"""The outcome of each sample under a rule, in columns that metrics and tests use."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from pytest_failaware.core.metric import Metric, RateMetric
from pytest_failaware.core.records import Records
from pytest_failaware.judge.significance.units import Units

if TYPE_CHECKING:
    from pytest_failaware.core.rule import FailureRule

Mask = NDArray[np.bool_]

_HUNDRED: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcomes:
    """One side of a comparison, (N,) columns: right answers, trusted answers, and the trust of each answer."""

    records: Records
    right: Mask
    trusted: Mask
    trust: NDArray[np.float64]  # at least 1 for trusted samples; higher is more
    trusted_up_to: NDArray[np.float32] | None = None  # the temperature, as in `FailureRule.trusted_up_to`

    @property
    def makes_promise(self) -> bool:
        """Whether at least one sample in a hundred is trusted: fewer promise nothing about trusted answers."""
        return _HUNDRED * int(self.trusted.sum()) >= max(1, len(self.trusted))

    @property
    def units(self) -> Units:
        """The independent units of the samples."""
        return Units.of(self.records.samples)

    def masks(self, metric: Metric | RateMetric) -> tuple[Mask, Mask]:
        """Return the samples that a metric counts, and the samples of its denominator."""
        return metric.counted(self.records, ~self.trusted)

    def by_trust(self) -> NDArray[np.intp]:
        """Return the rows by descending trust, (N,)."""
        return self.ordered(self.trust)

    def ordered(self, score: NDArray[np.floating]) -> NDArray[np.intp]:
        """Return the rows by descending score, (N,); equal scores are ordered by entropy, then by sample id.

        If logits are large, many confidences are 1 in float32, and the entropy still tells the samples apart.
        """
        return np.lexsort((self.records.sample_id, self.records.entropy, -score))


def outcomes_of(records: Records, rule: FailureRule) -> Outcomes:
    """Return the outcome of each sample under a rule."""
    flagged = rule.flags_of(records)
    return Outcomes(
        records=records,
        right=records.correct,
        trusted=~flagged,
        trust=_trust(records, rule),
        trusted_up_to=rule.trusted_up_to(records),
    )


def _trust(records: Records, rule: FailureRule) -> NDArray[np.float64]:
    """Return each sample's distance to a flag: min(confidence / threshold, threshold / entropy), 1 at the threshold."""
    parts, (confidence, entropy) = [], records.scores_at(rule.temperature)
    if rule.confidence is not None:
        parts.append(confidence / np.float64(rule.confidence))
    if rule.entropy is not None:
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = np.float64(rule.entropy) / entropy.astype(np.float64)
        parts.append(np.where(np.isnan(ratio), 1.0, ratio))  # 0 / 0: at the threshold of 0 nats
    trust: NDArray[np.float64] = np.minimum.reduce(parts)
    return trust
