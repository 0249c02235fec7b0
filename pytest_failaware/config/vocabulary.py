"""The names that a gate can have: the built-in conditions and metrics, and those that hooks add for one run."""

from __future__ import annotations

import keyword
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal, InvalidOperation
from typing import Final, ParamSpec, TypeVar

from pytest_failaware.core.condition import MEAN
from pytest_failaware.core.conditions.catalogue import (
    DEFINITIONS,
    NAME,
    AnyName,
    Definition,
    Degradation,
    Degrade,
)
from pytest_failaware.core.conditions.spelling import NO_CONDITION
from pytest_failaware.core.errors import ConfigError
from pytest_failaware.core.metric import AnyMetric, RateMetric, ScoreMetric, UserMetric
from pytest_failaware.core.text import describe_error
from pytest_failaware.judge.metrics.rates import AT_COVERAGE, CHANGE_RATES, METRICS, NON_FINITE
from pytest_failaware.judge.metrics.scores import RANKING_METRICS, SCORE_METRICS

Named = TypeVar("Named", Degradation, UserMetric)
Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")

_KINDS: Final[tuple[type[UserMetric], ...]] = (ScoreMetric, RateMetric)


_METRICS: Final[Mapping[str, AnyMetric]] = {
    **METRICS,
    **{metric.name: metric for metric in (AT_COVERAGE, NON_FINITE)},
    **SCORE_METRICS,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Vocabulary:
    """Definitions and metrics by name, and the kernels of conditions that hooks add."""

    definitions: Mapping[str, Definition] = field(default_factory=lambda: DEFINITIONS)
    metrics: Mapping[str, AnyMetric] = field(default_factory=lambda: _METRICS)
    kernels: Mapping[str, Degrade] = field(default_factory=dict)

    @property
    def of_predictions(self) -> Vocabulary:
        """The same vocabulary, in which any other name is a condition too, for predictions."""
        return replace(self, definitions=AnyName(self.definitions))


BUILT_IN: Final = Vocabulary()


def extended(degradations: Iterable[object], metrics: Iterable[object]) -> Vocabulary:
    """Return the built-in names together with those that the hooks return.

    Raises:
        ConfigError: a hook returned something else than a Degradation, a RateMetric or a ScoreMetric; a name is taken
            or cannot be written; or a tolerance is not a number.
    """
    own = _checked(degradations, (Degradation,), "pytest_failaware_conditions", DEFINITIONS)
    taken = {*_METRICS, *RANKING_METRICS, *CHANGE_RATES}
    numbers = _checked(metrics, _KINDS, "pytest_failaware_metrics", taken)
    if MEAN in own:
        raise ConfigError(f"pytest_failaware_conditions: {NO_CONDITION}")
    for degradation in own.values():
        for name in degradation.parameters:
            _check_name(name, f"pytest_failaware_conditions: {degradation.name}")
    for metric in numbers.values():
        _check_tolerance(metric)
    return Vocabulary(
        definitions={**DEFINITIONS, **{name: degradation.definition for name, degradation in own.items()}},
        metrics={**_METRICS, **{name: _naming(metric) for name, metric in numbers.items()}},
        kernels={name: degradation.function for name, degradation in own.items()},
    )


def _checked(
    answers: Iterable[object], kinds: tuple[type[Named], ...], hook: str, taken: Collection[str]
) -> dict[str, Named]:
    by_name: dict[str, Named] = {}
    for answer in answers:
        if not isinstance(answer, kinds):
            wanted = " or ".join(f"pytest_failaware.{kind.__name__}" for kind in kinds)
            raise ConfigError(f"{hook}: returned {answer!r}; return a list of {wanted}")
        named: Named = answer
        _check_name(named.name, hook)
        if named.name in taken or named.name in by_name:
            raise ConfigError(f"{hook}: {named.name!r} exists already; choose another name")
        by_name[named.name] = named
    return by_name


def _check_name(name: object, where: str) -> None:
    if not isinstance(name, str) or not NAME.fullmatch(name) or keyword.iskeyword(name) or name == "samples":
        raise ConfigError(f"{where}: {name!r} cannot be a name; use small letters, digits and '_'")


def _check_tolerance(metric: UserMetric) -> None:
    """Refuse a tolerance below 0, which fails an unchanged model, and an infinite one, which passes every model."""
    try:
        tolerance = Decimal(str(metric.tolerance))
    except InvalidOperation:
        tolerance = Decimal("NaN")
    if not tolerance.is_finite() or tolerance < 0:
        raise ConfigError(
            f"pytest_failaware_metrics: {metric.name}: the tolerance must be a number of at least 0, as in 0.01, got "
            f"{metric.tolerance!r}"
        )


def _naming(metric: UserMetric) -> UserMetric:
    """Return the metric with functions whose errors name the metric."""

    def naming(function: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
        def call(*arguments: Arguments.args, **keywords: Arguments.kwargs) -> Result:
            try:
                return function(*arguments, **keywords)
            except Exception as error:  # the user's code runs here
                text = describe_error(error)
                raise ConfigError(f"metric {metric.name}: its function raised {text}; repair it") from error

        return call

    return metric.calling(naming)
