"""The names of metrics with brackets, and which metric a name means.

`augrc` ranks by the confidence, `augrc(margin)` by another stored score; `risk_at_coverage(0.9)` needs its coverage,
and takes a score behind it: `risk_at_coverage(0.9,margin)`. `gen` and `temperature=1.5` are scores of all logits, and
`ece(temperature=1.5)` is of the probabilities at that temperature.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Final

from pytest_failaware.core.errors import ConfigError, choices
from pytest_failaware.core.metric import OneSided, ScoreMetric
from pytest_failaware.core.records import RANKING_SCORES, TEMPERATURE
from pytest_failaware.judge.metrics.rates import METRICS
from pytest_failaware.judge.metrics.scores import (
    CALIBRATION_METRICS,
    RANKING_METRICS,
    SCORE_METRICS,
    RankingMetric,
    at_temperature,
)

_SPELLED: Final = re.compile(r"(?P<name>[a-z0-9_]+)\((?P<arguments>[^()]*)\)")
_LEVEL: Final = re.compile(r"[01]?\.\d{1,6}|[01]", re.ASCII)
_DEGREES: Final = re.compile(r"\d{1,4}(\.\d{1,6})?|\.\d{1,6}", re.ASCII)

_SCORES: Final = (*RANKING_SCORES, f"{TEMPERATURE}1.5")
EXAMPLES: Final = (
    *(f"{name}({family.example})" for name, family in RANKING_METRICS.items() if family.level),
    *(f"augrc({score})" for score in _SCORES[1:]),
    *(f"{name}({TEMPERATURE}1.5)" for name in CALIBRATION_METRICS),
)
"""Names with brackets, for messages."""


def spelled_metric(text: str, where: str) -> ScoreMetric | None:
    """Return the metric of a name with brackets; None for another kind of name.

    Raises:
        ConfigError: the name before the brackets is known, but the content of the brackets is invalid.
    """
    match = _SPELLED.fullmatch(text.replace(" ", ""))
    name, arguments = (match["name"], match["arguments"].split(",")) if match else (text, [])
    if match and name in CALIBRATION_METRICS:
        return at_temperature(CALIBRATION_METRICS[name], _temperature(",".join(arguments), where, name))
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


def one_sided_metric(name: str, where: str) -> OneSided:
    """Return a built-in metric that needs no second side, by any of its spellings.

    Raises:
        ConfigError: there is no metric of this name.
    """
    metric = METRICS.get(name) or SCORE_METRICS.get(name) or spelled_metric(name, where)
    if metric is None:
        raise ConfigError(f"{where}: unknown metric {name!r}; {choices(name, (*METRICS, *SCORE_METRICS, *EXAMPLES))}")
    return metric


def _level(text: str, family: RankingMetric, where: str) -> Decimal:
    if not _LEVEL.fullmatch(text) or Decimal(text) > 1:
        name = family.plain.name
        raise ConfigError(
            f"{where}: {name}: give the {family.level} in [0, 1], as in {name}({family.example}), got {text!r}"
        )
    return Decimal(text)


def _temperature(text: str, where: str, name: str) -> str:
    """Return the canonical spelling of a temperature, as in `temperature=1.5`."""
    degrees = text.removeprefix(TEMPERATURE)
    if degrees == text or not _DEGREES.fullmatch(degrees) or not Decimal(degrees):
        raise ConfigError(
            f"{where}: {name}: give the temperature above 0, six decimals at most, as in {name}({TEMPERATURE}1.5), got "
            f"{text!r}"
        )
    return f"{TEMPERATURE}{Decimal(degrees).normalize():f}"
