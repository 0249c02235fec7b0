"""Read the definition of a gate from the arguments of a marker or from ini keys of the same names."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from decimal import Decimal, InvalidOperation
from typing import Final

from pytest_failaware.config.lists import names_in, names_of
from pytest_failaware.config.options import PREFIX
from pytest_failaware.config.vocabulary import BUILT_IN, Vocabulary
from pytest_failaware.core.condition import Condition
from pytest_failaware.core.conditions.spelling import parse_conditions
from pytest_failaware.core.errors import ConfigError, choices
from pytest_failaware.core.gate import Declaration, Gate, Policy
from pytest_failaware.core.metric import AnyMetric
from pytest_failaware.core.rule import FailureRule
from pytest_failaware.judge.metrics.names import EXAMPLES, spelled_metric
from pytest_failaware.judge.metrics.rates import CHANGE_RATES, DEFAULT_GATES, recipe_tolerance
from pytest_failaware.judge.metrics.scores import RANKING_METRICS

_VAST: Final = 1e12  # no bound exceeds it
_SET_BY_NAME: Final = "confident_correct_rate"
"""The metric that a plain tolerance does not set, since its default tolerance is ten times that of the others."""


def build_gate(
    values: Mapping[str, object], *, prefix: str = "", base: Gate | None = None, vocabulary: Vocabulary = BUILT_IN
) -> Gate:
    """Return a gate with these values; missing values come from `base`, or else from the defaults.

    Args:
        values: the value of each argument: Python objects from a marker, or text from an ini.
        prefix: the text before the name of the argument in errors, `failaware_` or `reliability: `.
        base: the gate that gives the missing values.
        vocabulary: the conditions and metrics that can be named.

    Raises:
        ConfigError: a name is unknown (the message has the closest known name), or a value cannot be used.
    """
    for name in values:
        if name not in _READERS:
            raise ConfigError(f"{prefix}{name}: unknown argument; {choices(name, _READERS)}")
    start = base or _default_gate(vocabulary)
    read = {name: _READERS[name](value, f"{prefix}{name}", vocabulary) for name, value in values.items()}
    if isinstance(tolerance := read.get("tolerance"), dict):
        read["tolerance"] = _with_typed(start.tolerance, tolerance, vocabulary)
        read["recipe_tolerance"] = _with_typed(start.recipe_tolerance, tolerance, vocabulary)
    return _whole(dataclasses.replace(start, **read))  # type: ignore[arg-type]  # each reader returns its field's type


def _with_typed(
    earlier: Mapping[str, Decimal], typed: Mapping[str, Decimal], vocabulary: Vocabulary
) -> dict[str, Decimal]:
    """Return the tolerances with those that were typed; a plain number replaces all earlier ones but one."""
    is_for_all = set(vocabulary.metrics) - {_SET_BY_NAME} <= set(typed)
    return {**({_SET_BY_NAME: earlier[_SET_BY_NAME]} if is_for_all else earlier), **typed}


def gate_of(declaration: Declaration, vocabulary: Vocabulary = BUILT_IN) -> Gate:
    """Return the gate of a declaration.

    Raises:
        ConfigError: it names a metric of a hook that the vocabulary lacks.
    """
    gate = _whole(Gate.of(declaration, vocabulary.metrics))
    if unknown := sorted(gate.named - set(gate.table) - set(CHANGE_RATES)):
        raise ConfigError(f"metrics: {unknown[0]!r} is of a hook, which is not loaded here; run the gate again")
    return gate


def _whole(gate: Gate) -> Gate:
    """Return the gate with the metrics that it names with brackets."""
    return dataclasses.replace(gate, table={**gate.table, **dict(_spelled(gate))})


def _spelled(gate: Gate) -> Iterator[tuple[str, AnyMetric]]:
    """Yield the metrics that the gate names with brackets, such as `augrc(margin)`."""
    for name in sorted(gate.named - set(gate.table)):
        if metric := spelled_metric(name, "metrics"):
            yield name, metric


def read_pairs(texts: Iterable[object], prefix: str) -> dict[str, str]:
    """Return texts KEY=VALUE as arguments for `build_gate`.

    Raises:
        ConfigError: a text has no "=", or a key is given twice.
    """
    pairs: dict[str, str] = {}
    for text in texts:
        key, equals, value = str(text).partition("=")
        if not equals or key in pairs:
            raise ConfigError(f"{prefix}{text}: write KEY=VALUE, each key once, as in tolerance=0.02")
        pairs[key] = value
    return pairs


def _default_gate(vocabulary: Vocabulary) -> Gate:
    return Gate(
        conditions=(),
        rule=FailureRule(),
        table=vocabulary.metrics,
        metrics=DEFAULT_GATES,
        tolerance={name: Decimal(str(metric.tolerance)) for name, metric in _tolerated(vocabulary).items()},
        recipe_tolerance={name: recipe_tolerance(metric) for name, metric in _tolerated(vocabulary).items()},
        minimum={},
        maximum={},
        policy=Policy.BEYOND_TOLERANCE,
        alpha=None,
        seed=0,
        baseline=None,
    )


def _conditions(value: object, where: str, vocabulary: Vocabulary) -> tuple[Condition, ...]:
    return parse_conditions(_words(value, where), where, vocabulary.definitions)


def _rule(value: object, where: str, vocabulary: Vocabulary) -> FailureRule:
    if isinstance(value, FailureRule):
        return value
    if isinstance(value, str):
        return FailureRule.parse(value, where)
    raise ConfigError(f"{where}: must be text as in 'confidence < 0.6' or a FailureRule, got {value!r}")


def _tolerated(vocabulary: Vocabulary) -> Mapping[str, AnyMetric]:
    """Return the metrics whose tolerance can be given by a name without brackets."""
    return {**{name: family.plain for name, family in RANKING_METRICS.items()}, **vocabulary.metrics}


def _metrics(value: object, where: str, vocabulary: Vocabulary) -> tuple[str, ...]:
    names = tuple(_metric(name, where, vocabulary.metrics) for name in _words(value, where))
    if not names:
        known = ", ".join(vocabulary.metrics)
        raise ConfigError(f"{where}: no metric given, so nothing could fail; choose from {known}")
    return tuple(dict.fromkeys(names))


def _tolerance(value: object, where: str, vocabulary: Vocabulary) -> dict[str, Decimal]:
    known = _tolerated(vocabulary)
    pairs = _pairs(value, where, known)
    if pairs is None:
        # the ini gives a list of words
        alone = value[0] if isinstance(value, (list, tuple)) and len(value) == 1 else value
        rate = _rate(alone, where)
        return {name: rate for name in known if name != _SET_BY_NAME}
    margins = {}
    for name, margin in pairs.items():
        lowest, highest = _range(name, known)
        margins[name] = _rate(margin, f"{where}: {name}", 0.0, highest - lowest)
    return margins


def _minimum(value: object, where: str, vocabulary: Vocabulary) -> dict[str, Decimal]:
    return _bounds(value, where, _with_one_side(vocabulary))


def _maximum(value: object, where: str, vocabulary: Vocabulary) -> dict[str, Decimal]:
    return _bounds(value, where, {**_with_one_side(vocabulary), **dict.fromkeys(CHANGE_RATES)})


def _with_one_side(vocabulary: Vocabulary) -> dict[str, AnyMetric | None]:
    """Return the metrics that a literal bound can judge without a baseline."""
    return {name: metric for name, metric in vocabulary.metrics.items() if metric.has_one_side}


def _bounds(value: object, where: str, table: Mapping[str, AnyMetric | None]) -> dict[str, Decimal]:
    pairs = _pairs(value, where, table)
    if pairs is None:
        is_text = isinstance(value, (str, list, tuple)) or where.startswith(PREFIX)
        example = "confident_accuracy=0.9" if is_text else "{'confident_accuracy': 0.9}"
        raise ConfigError(f"{where}: must name its metric, as in {example}, got {value!r}")
    return {name: _rate(bound, f"{where}: {name}", *_range(name, table)) for name, bound in pairs.items()}


def _range(name: str, table: Mapping[str, AnyMetric | None]) -> tuple[float, float]:
    """Return the smallest and the largest value of a metric."""
    metric = table[name] if name in table else spelled_metric(name, "")
    return (0.0, 1.0) if metric is None else (metric.lowest, metric.highest)


def _policy(value: object, where: str, vocabulary: Vocabulary) -> Policy:
    known = [policy.value for policy in Policy]
    if value not in known:
        raise ConfigError(f"{where}: unknown policy {value!r}; {choices(str(value), known)}")
    return Policy(value)


def _alpha(value: object, where: str, vocabulary: Vocabulary) -> Decimal:
    alpha = _rate(value, where)
    if not 0 < alpha < Decimal("0.5"):
        raise ConfigError(f"{where}: must be above 0 and below 0.5, as in 0.01, got {value!r}")
    return alpha


def _class_guard(value: object, where: str, vocabulary: Vocabulary) -> Decimal | None:
    return None if value == "off" else _rate(value, where)


def _seed(value: object, where: str, vocabulary: Vocabulary) -> int:
    if isinstance(value, bool) or not str(value).strip().isdecimal():
        raise ConfigError(f"{where}: must be a whole number of at least 0, got {value!r}")
    return int(str(value))


def _baseline(value: object, where: str, vocabulary: Vocabulary) -> str:
    if not isinstance(value, str) or not value:
        raise ConfigError(f"{where}: must be the name of a baseline, got {value!r}")
    return value


_READERS: Final[Mapping[str, Callable[[object, str, Vocabulary], object]]] = {
    "conditions": _conditions,
    "rule": _rule,
    "metrics": _metrics,
    "tolerance": _tolerance,
    "minimum": _minimum,
    "maximum": _maximum,
    "policy": _policy,
    "alpha": _alpha,
    "class_guard": _class_guard,
    "seed": _seed,
    "baseline": _baseline,
}


def _words(value: object, where: str) -> tuple[str, ...]:
    """Return the names in a list of texts, each split at commas; a single text is also split at blanks."""
    if isinstance(value, str):
        return names_in(value)
    words = tuple(value) if isinstance(value, Iterable) and not isinstance(value, Mapping) else (value,)
    if all(isinstance(word, str) for word in words):
        return names_of(words)
    raise ConfigError(f"{where}: must be a list of names, got {value!r}")


def _pairs(value: object, where: str, table: Collection[str]) -> dict[str, object] | None:
    """Return the number of each metric in a mapping or in words like `accuracy=0.9`; None if no metric is named."""
    if isinstance(value, (list, tuple)) and len(value) == 1:
        value = value[0]
    if isinstance(value, (str, list, tuple)) and "{" in str(value):
        text = value if isinstance(value, str) else " ".join(map(str, value))
        raise ConfigError(f"{where}: text holds no dict, got {text!r}; write METRIC=NUMBER, as in accuracy=0.9")
    if isinstance(value, Mapping):
        items: list[tuple[str, object]] = [(str(name), number) for name, number in value.items()]
    elif isinstance(value, (str, list, tuple)) and "=" in str(value):
        # Split at the last "=", since a name may have one in its brackets, as in ece(temperature=1.5)=0.05.
        items = [(name, number) for name, _, number in (word.rpartition("=") for word in _words(value, where))]
    else:
        return None
    return {_metric(name, where, table): number for name, number in items}


def _metric(name: str, where: str, table: Collection[str]) -> str:
    """Return the canonical spelling of a metric."""
    if name in table:
        return name
    if metric := spelled_metric(name, where):
        return metric.name
    raise ConfigError(f"{where}: unknown metric {name!r}; {choices(name, (*table, *EXAMPLES))}")


def _rate(value: object, where: str, lowest: float = 0.0, highest: float = 1.0) -> Decimal:
    """Return the typed number as an exact decimal in [lowest, highest]."""
    try:
        rate = Decimal(str(value)) if not isinstance(value, bool) else Decimal("NaN")
    except InvalidOperation:
        rate = Decimal("NaN")
    if rate.is_nan() or not max(lowest, -_VAST) <= rate <= min(highest, _VAST):
        is_rate = (lowest, highest) == (0.0, 1.0)
        wanted = "a rate between 0 and 1, as in 0.005" if is_rate else f"a number from {lowest:g} to {highest:g}"
        raise ConfigError(f"{where}: must be {wanted}, got {value!r}")
    return rate
