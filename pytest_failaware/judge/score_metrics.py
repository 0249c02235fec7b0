"""The table of score metrics: direction, range, unit and undefined case of each, and how their names are spelled.

`augrc` ranks by the confidence, `augrc(margin)` by another stored score; `risk_at_coverage(0.9)` needs its coverage,
and takes a score behind it: `risk_at_coverage(0.9,margin)`. Importing this file imports no numpy: gates are read in
every run of pytest.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Final

from pytest_failaware.errors import ConfigError, choices
from pytest_failaware.judge.metrics import METRICS, Metric, ScoreMetric

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from pytest_failaware.schema import Records

RANKING_SCORES: Final = ("confidence", "margin", "max_logit", "gini", "entropy", "energy")
"""What a ranking metric can rank by; the first where its name says nothing."""

_NO_ERROR: Final = "every answer is right, or every one is wrong"
_NO_SAMPLE: Final = "there is no image"
_SMALL: Final = Decimal("0.002")
_SPELLED: Final = re.compile(r"(?P<name>[a-z0-9_]+)\((?P<arguments>[^()]*)\)")
_LEVEL: Final = re.compile(r"[01]?\.\d{1,6}|[01]", re.ASCII)


def _calibration(function: str) -> Callable[[Records, NDArray[np.bool_]], float | None]:
    def compute(records: Records, flagged: NDArray[np.bool_]) -> float | None:
        from pytest_failaware.judge import calibration

        found: float | None = getattr(calibration, function)(records)
        return found

    return compute


def _ranking(
    function: str, score: str = RANKING_SCORES[0], level: Fraction | None = None
) -> Callable[[Records, NDArray[np.bool_]], float | None]:
    def compute(records: Records, flagged: NDArray[np.bool_]) -> float | None:
        from pytest_failaware.judge import ranking

        ranked_by = ranking.score_of(records, score)
        if ranked_by is None:
            return None
        extra = () if level is None else (level,)
        found: float | None = getattr(ranking, function)(ranked_by, records.correct, *extra)
        return found

    return compute


@dataclass(frozen=True, slots=True, kw_only=True)
class RankingMetric:
    """A family of metrics of one ranking; `level` says which number its name needs in brackets, "" for none."""

    plain: ScoreMetric
    level: str = ""
    example: str = ""  # of the level

    def spelled(self, level: Decimal | None, score: str) -> ScoreMetric:
        """The metric of one score at one level, under its only spelling."""
        said = [
            *([] if level is None else [f"{level.normalize():f}"]),
            *([score] if score != RANKING_SCORES[0] else []),
        ]
        name = self.plain.name
        reason = self.plain.undefined
        if score == "energy":
            reason += ", or the logits are not known"
        return replace(
            self.plain,
            name=f"{name}({','.join(said)})" if said else name,
            compute=_ranking(name, score, None if level is None else Fraction(level)),
            undefined=reason,
        )


_PLAIN: Final = (
    ScoreMetric(name="ece", compute=_calibration("ece"), higher_is_better=False, highest=1.0, undefined=_NO_SAMPLE),
    ScoreMetric(
        name="adaptive_ece",
        compute=_calibration("adaptive_ece"),
        higher_is_better=False,
        highest=1.0,
        undefined=_NO_SAMPLE,
    ),
    ScoreMetric(name="brier", compute=_calibration("brier"), higher_is_better=False, highest=2.0, undefined=_NO_SAMPLE),
    ScoreMetric(
        name="nll",
        compute=_calibration("nll"),
        higher_is_better=False,
        tolerance=Decimal("0.02"),
        undefined=_NO_SAMPLE,
    ),
    ScoreMetric(
        name="worst_class_accuracy",
        compute=_calibration("worst_class_accuracy"),
        higher_is_better=True,
        highest=1.0,
        is_rate=True,
        undefined=_NO_SAMPLE,
    ),
)


def _family(
    name: str,
    undefined: str,
    *,
    higher_is_better: bool = False,
    tolerance: Decimal = Decimal("0.01"),
    highest: float = 1.0,
    is_rate: bool = False,
    level: str = "",
    example: str = "",
) -> RankingMetric:
    plain = ScoreMetric(
        name=name,
        compute=_ranking(name),
        higher_is_better=higher_is_better,
        tolerance=tolerance,
        highest=highest,
        is_rate=is_rate,
        undefined=undefined,
    )
    return RankingMetric(plain=plain, level=level, example=example)


RANKING_METRICS: Final[Mapping[str, RankingMetric]] = {
    family.plain.name: family
    for family in (
        _family("auroc_f", _NO_ERROR, higher_is_better=True),
        _family("augrc", _NO_SAMPLE, tolerance=_SMALL, highest=0.5),
        _family("aurc", _NO_SAMPLE, tolerance=_SMALL),
        _family("eaurc", _NO_SAMPLE, tolerance=_SMALL),
        _family("aupr_error", "no answer is wrong", higher_is_better=True),
        _family("fpr_at_95tpr", _NO_ERROR, is_rate=True),
        _family("risk_at_coverage", _NO_SAMPLE, is_rate=True, level="coverage", example="0.9"),
        _family("coverage_at_risk", _NO_SAMPLE, higher_is_better=True, is_rate=True, level="risk", example="0.05"),
    )
}
"""The metrics of a ranking by the name before the brackets."""

SCORE_METRICS: Final[Mapping[str, ScoreMetric]] = {
    metric.name: metric
    for metric in (*(family.plain for family in RANKING_METRICS.values() if not family.level), *_PLAIN)
}
"""Those that can be named without brackets."""


EXAMPLES: Final = tuple(
    f"{name}({family.example})" for name, family in RANKING_METRICS.items() if family.level
) + tuple(f"augrc({score})" for score in RANKING_SCORES[1:])
"""Names with brackets, for messages."""


def spelled_metric(text: str, where: str) -> ScoreMetric | None:
    """The metric that a name with brackets means, None for a name of another kind.

    Raises:
        ConfigError: the name before the brackets is known, and what they hold cannot be meant.
    """
    match = _SPELLED.fullmatch(text.replace(" ", ""))
    name, arguments = (match["name"], match["arguments"].split(",")) if match else (text, [])
    family = RANKING_METRICS.get(name)
    if family is None or (match is None and not family.level):
        return None
    level = _level(arguments.pop(0) if arguments else "", family, where) if family.level else None
    score = arguments.pop(0) if arguments else RANKING_SCORES[0]
    if score not in RANKING_SCORES or arguments:
        raise ConfigError(
            f"{where}: {text}: unknown score {','.join([score, *arguments])!r}; {choices(score, RANKING_SCORES)}"
        )
    return family.spelled(level, score)


def one_sided_metric(name: str, where: str) -> Metric | ScoreMetric:
    """A built-in metric that needs no second side, by any of its spellings.

    Raises:
        ConfigError: there is none of this name.
    """
    found = METRICS.get(name) or SCORE_METRICS.get(name) or spelled_metric(name, where)
    if found is None:
        raise ConfigError(f"{where}: unknown metric {name!r}; {choices(name, (*METRICS, *SCORE_METRICS, *EXAMPLES))}")
    return found


def _level(text: str, family: RankingMetric, where: str) -> Decimal:
    if not _LEVEL.fullmatch(text) or Decimal(text) > 1:
        name = family.plain.name
        raise ConfigError(
            f"{where}: {name}: give the {family.level} in [0, 1], as in {name}({family.example}), got {text!r}"
        )
    return Decimal(text)
