"""The table of score metrics: direction, range, unit and undefined case of each.

This file must not import numpy at run time, because every run of pytest reads gates.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Final

from pytest_failaware.core.estimates import NO_IMAGE
from pytest_failaware.core.metric import ScoreMetric
from pytest_failaware.core.records import RANKING_SCORES, TEMPERATURE

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from pytest_failaware.core.metric import OnRows
    from pytest_failaware.core.records import Records

    Prepare = Callable[[Records], OnRows]

_NO_ERROR: Final = "every answer is right, or every one is wrong"
_SMALL: Final = Decimal("0.002")


def _calibration(function: str, temperature: float | None = None) -> Prepare:
    def prepare(records: Records) -> OnRows:
        from pytest_failaware.judge.metrics import calibration
        from pytest_failaware.judge.metrics.logits import tempered

        scored = replace(records, logits=None) if temperature is None else tempered(records, temperature)
        compute: Callable[[Records], float | None] = getattr(calibration, function)
        return lambda rows: compute(scored.take(rows))

    return prepare


def _ranking(function: str, score: str = RANKING_SCORES[0], level: Fraction | None = None) -> Prepare:
    def prepare(records: Records) -> OnRows:
        from pytest_failaware.judge.metrics import ranking

        ranked_by, right = ranking.score_of(records, score), records.correct
        if ranked_by is None:
            return lambda rows: None
        extra = () if level is None else (level,)
        compute: Callable[..., float | None] = getattr(ranking, function)
        return lambda rows: compute(ranked_by[rows], right[rows], *extra)

    return prepare


def _whole(prepare: Prepare) -> Callable[[Records, NDArray[np.bool_]], float | None]:
    """Return a function that computes the metric on all records."""
    return lambda records, flagged: prepare(records)(slice(None))


@dataclass(frozen=True, slots=True, kw_only=True)
class RankingMetric:
    """A family of metrics of a ranking; `level` names the number that the brackets need, "" for no number."""

    plain: ScoreMetric
    level: str = ""
    example: str = ""  # of the level

    def spelled(self, level: Decimal | None, score: str) -> ScoreMetric:
        """Return the metric of one score at one level, under its canonical spelling."""
        arguments = [
            *([] if level is None else [f"{level.normalize():f}"]),
            *([score] if score != RANKING_SCORES[0] else []),
        ]
        name = self.plain.name
        reason = self.plain.undefined
        if score == "energy":
            reason += ", or the logits are not known"
        prepare = _ranking(name, score, None if level is None else Fraction(level))
        return replace(
            self.plain,
            name=f"{name}({','.join(arguments)})" if arguments else name,
            compute=_whole(prepare),
            prepare=prepare,
            undefined=reason,
            needs_logits=score == "gen" or score.startswith(TEMPERATURE),
        )


def _plain(
    name: str,
    preparing: Callable[[str], Prepare],
    undefined: str = NO_IMAGE,
    *,
    higher_is_better: bool = False,
    tolerance: Decimal = Decimal("0.01"),
    highest: float = 1.0,
    is_rate: bool = False,
) -> ScoreMetric:
    prepare = preparing(name)
    return ScoreMetric(
        name=name,
        compute=_whole(prepare),
        prepare=prepare,
        higher_is_better=higher_is_better,
        tolerance=tolerance,
        highest=highest,
        is_rate=is_rate,
        undefined=undefined,
    )


CALIBRATION_METRICS: Final[Mapping[str, ScoreMetric]] = {
    metric.name: metric
    for metric in (
        _plain("ece", _calibration),
        _plain("adaptive_ece", _calibration),
        _plain("brier", _calibration, highest=2.0),
        _plain("nll", _calibration, tolerance=Decimal("0.02"), highest=math.inf),
    )
}
"""The calibration metrics that a temperature changes."""


def at_temperature(plain: ScoreMetric, spelling: str) -> ScoreMetric:
    """Return a calibration metric of the probabilities at a temperature, spelled as in `temperature=1.5`."""
    prepare = _calibration(plain.name, float(spelling.removeprefix(TEMPERATURE)))
    return replace(plain, name=f"{plain.name}({spelling})", compute=_whole(prepare), prepare=prepare, needs_logits=True)


RANKING_METRICS: Final[Mapping[str, RankingMetric]] = {
    family.plain.name: family
    for family in (
        RankingMetric(plain=_plain("auroc_f", _ranking, _NO_ERROR, higher_is_better=True)),
        RankingMetric(plain=_plain("augrc", _ranking, tolerance=_SMALL, highest=0.5)),
        RankingMetric(plain=_plain("aurc", _ranking, tolerance=_SMALL)),
        RankingMetric(plain=_plain("eaurc", _ranking, tolerance=_SMALL)),
        RankingMetric(plain=_plain("aupr_error", _ranking, "no answer is wrong", higher_is_better=True)),
        RankingMetric(plain=_plain("fpr_at_95tpr", _ranking, _NO_ERROR, is_rate=True)),
        RankingMetric(plain=_plain("risk_at_coverage", _ranking, is_rate=True), level="coverage", example="0.9"),
        RankingMetric(
            plain=_plain("coverage_at_risk", _ranking, higher_is_better=True, is_rate=True),
            level="risk",
            example="0.05",
        ),
    )
}
"""The families of ranking metrics by the name before the brackets."""

SCORE_METRICS: Final[Mapping[str, ScoreMetric]] = {
    metric.name: metric
    for metric in (
        *(family.plain for family in RANKING_METRICS.values() if not family.level),
        *CALIBRATION_METRICS.values(),
        _plain("worst_class_accuracy", _calibration, higher_is_better=True, is_rate=True),
    )
}
"""The metrics whose name needs no brackets."""
