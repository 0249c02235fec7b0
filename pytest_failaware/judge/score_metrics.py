"""The table of score metrics: direction, range, unit and undefined case of each, and how their names are spelled.

`augrc` ranks by the confidence, `augrc(margin)` by another stored score; `risk_at_coverage(0.9)` needs its coverage,
and takes a score behind it: `risk_at_coverage(0.9,margin)`. `gen` and `temperature=1.5` are scores of all logits, and
`ece(temperature=1.5)` is of the probabilities at that temperature. Importing this file imports no numpy: gates are read
in every run of pytest.
"""

from __future__ import annotations

import math
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

    from pytest_failaware.judge.metrics import OnRows
    from pytest_failaware.schema import Records

    Prepare = Callable[[Records], OnRows]

RANKING_SCORES: Final = ("confidence", "margin", "max_logit", "gini", "entropy", "energy", "gen")
"""What a ranking metric can rank by, beside the confidence at a temperature; the first where its name says nothing."""

TEMPERATURE: Final = "temperature="
"""What stands before the temperature in a name."""

_NO_ERROR: Final = "every answer is right, or every one is wrong"
_NO_SAMPLE: Final = "there is no image"
_SMALL: Final = Decimal("0.002")
_SPELLED: Final = re.compile(r"(?P<name>[a-z0-9_]+)\((?P<arguments>[^()]*)\)")
_LEVEL: Final = re.compile(r"[01]?\.\d{1,6}|[01]", re.ASCII)
_DEGREES: Final = re.compile(r"\d{1,4}(\.\d{1,6})?|\.\d{1,6}", re.ASCII)


def _calibration(function: str, temperature: float | None = None) -> Prepare:
    def prepare(records: Records) -> OnRows:
        from pytest_failaware.judge import calibration
        from pytest_failaware.judge.logits import tempered

        scored = replace(records, logits=None) if temperature is None else tempered(records, temperature)
        compute: Callable[[Records], float | None] = getattr(calibration, function)
        return lambda rows: compute(scored.take(rows))

    return prepare


def _ranking(function: str, score: str = RANKING_SCORES[0], level: Fraction | None = None) -> Prepare:
    def prepare(records: Records) -> OnRows:
        from pytest_failaware.judge import ranking

        ranked_by, right = ranking.score_of(records, score), records.correct
        if ranked_by is None:
            return lambda rows: None
        extra = () if level is None else (level,)
        compute: Callable[..., float | None] = getattr(ranking, function)
        return lambda rows: compute(ranked_by[rows], right[rows], *extra)

    return prepare


def _whole(prepare: Prepare) -> Callable[[Records, NDArray[np.bool_]], float | None]:
    """The number on all records."""
    return lambda records, flagged: prepare(records)(slice(None))


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
        prepare = _ranking(name, score, None if level is None else Fraction(level))
        return replace(
            self.plain,
            name=f"{name}({','.join(said)})" if said else name,
            compute=_whole(prepare),
            prepare=prepare,
            undefined=reason,
            needs_logits=score == "gen" or score.startswith(TEMPERATURE),
        )


def _plain(
    name: str,
    preparing: Callable[[str], Prepare],
    undefined: str = _NO_SAMPLE,
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


_CALIBRATION: Final[Mapping[str, ScoreMetric]] = {
    metric.name: metric
    for metric in (
        _plain("ece", _calibration),
        _plain("adaptive_ece", _calibration),
        _plain("brier", _calibration, highest=2.0),
        _plain("nll", _calibration, tolerance=Decimal("0.02"), highest=math.inf),
    )
}
"""Those that a temperature changes."""


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
"""The metrics of a ranking by the name before the brackets."""

SCORE_METRICS: Final[Mapping[str, ScoreMetric]] = {
    metric.name: metric
    for metric in (
        *(family.plain for family in RANKING_METRICS.values() if not family.level),
        *_CALIBRATION.values(),
        _plain("worst_class_accuracy", _calibration, higher_is_better=True, is_rate=True),
    )
}
"""Those that can be named without brackets."""


_SCORES: Final = (*RANKING_SCORES, f"{TEMPERATURE}1.5")
EXAMPLES: Final = (
    *(f"{name}({family.example})" for name, family in RANKING_METRICS.items() if family.level),
    *(f"augrc({score})" for score in _SCORES[1:]),
    *(f"{name}({TEMPERATURE}1.5)" for name in _CALIBRATION),
)
"""Names with brackets, for messages."""


def spelled_metric(text: str, where: str) -> ScoreMetric | None:
    """The metric that a name with brackets means, None for a name of another kind.

    Raises:
        ConfigError: the name before the brackets is known, and what they hold cannot be meant.
    """
    match = _SPELLED.fullmatch(text.replace(" ", ""))
    name, arguments = (match["name"], match["arguments"].split(",")) if match else (text, [])
    if match and name in _CALIBRATION:
        return _at_temperature(_CALIBRATION[name], ",".join(arguments), where)
    family = RANKING_METRICS.get(name)
    if family is None or (match is None and not family.level):
        return None
    level = _level(arguments.pop(0) if arguments else "", family, where) if family.level else None
    score = arguments.pop(0) if arguments else RANKING_SCORES[0]
    if score.startswith(TEMPERATURE) and not arguments:
        score = _temperature(score, where, name)
    elif score not in RANKING_SCORES or arguments:
        raise ConfigError(
            f"{where}: {text}: unknown score {','.join([score, *arguments])!r}; {choices(score, _SCORES)}"
        )
    return family.spelled(level, score)


def _at_temperature(plain: ScoreMetric, text: str, where: str) -> ScoreMetric:
    """A calibration metric of the probabilities at a temperature."""
    said = _temperature(text, where, plain.name)
    prepare = _calibration(plain.name, float(said.removeprefix(TEMPERATURE)))
    return replace(plain, name=f"{plain.name}({said})", compute=_whole(prepare), prepare=prepare, needs_logits=True)


def _temperature(text: str, where: str, name: str) -> str:
    """The only spelling of a temperature, as in `temperature=1.5`."""
    degrees = text.removeprefix(TEMPERATURE)
    if degrees == text or not _DEGREES.fullmatch(degrees) or not Decimal(degrees):
        raise ConfigError(
            f"{where}: {name}: give the temperature above 0, six decimals at most, as in {name}({TEMPERATURE}1.5), got "
            f"{text!r}"
        )
    return f"{TEMPERATURE}{Decimal(degrees).normalize():f}"


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
