"""What defines a gate, read from the marker or from the ini key of the same name."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Iterable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Final

from pytest_failaware.errors import ConfigError, choices
from pytest_failaware.judge.metrics import CHANGE_RATES, DEFAULT_GATES, CoverageMetric
from pytest_failaware.judge.rule import FailureRule
from pytest_failaware.schema import Condition, Gate, Policy
from pytest_failaware.spelling import parse_conditions
from pytest_failaware.vocabulary import BUILT_IN, Vocabulary


def build_gate(
    values: Mapping[str, object], *, prefix: str = "", base: Gate | None = None, vocabulary: Vocabulary = BUILT_IN
) -> Gate:
    """A gate from named values; what they leave out comes from `base`, else from the defaults.

    Args:
        values: argument name -> value, Python objects from a marker or text from an ini.
        prefix: stands before the argument's name in errors, `failaware_` or `reliability: `.
        base: the gate whose values hold where `values` says nothing.
        vocabulary: the conditions and metrics that can be named.

    Raises:
        ConfigError: an unknown name (with the closest known one), or a value that cannot be used.
    """
    for name in values:
        if name not in _READERS:
            raise ConfigError(f"{prefix}{name}: unknown argument; {choices(name, _READERS)}")
    start = base or _default_gate(vocabulary)
    read = {name: _READERS[name](value, f"{prefix}{name}", vocabulary) for name, value in values.items()}
    if isinstance(tolerance := read.get("tolerance"), dict):
        read["tolerance"] = {**start.tolerance, **tolerance}
    return dataclasses.replace(start, **read)  # type: ignore[arg-type]  # each reader returns its field's type


def read_pairs(texts: Iterable[object], prefix: str) -> dict[str, str]:
    """Texts KEY=VALUE as arguments for `build_gate`.

    Raises:
        ConfigError: a text without "=", or a key twice.
    """
    found: dict[str, str] = {}
    for text in texts:
        key, equals, value = str(text).partition("=")
        if not equals or key in found:
            raise ConfigError(f"{prefix}{text}: write KEY=VALUE, each key once, as in tolerance=0.02")
        found[key] = value
    return found


def _default_gate(vocabulary: Vocabulary) -> Gate:
    return Gate(
        conditions=(),
        rule=FailureRule(),
        table=vocabulary.metrics,
        metrics=DEFAULT_GATES,
        tolerance={name: Decimal(str(metric.tolerance)) for name, metric in vocabulary.metrics.items()},
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


def _metrics(value: object, where: str, vocabulary: Vocabulary) -> tuple[str, ...]:
    names = tuple(_metric(name, where, vocabulary.metrics) for name in _words(value, where))
    if not names:
        known = ", ".join(vocabulary.metrics)
        raise ConfigError(f"{where}: no metric given, so nothing could fail; choose from {known}")
    return tuple(dict.fromkeys(names))


def _tolerance(value: object, where: str, vocabulary: Vocabulary) -> dict[str, Decimal]:
    pairs = _pairs(value, where, vocabulary.metrics)
    if pairs is None:
        return dict.fromkeys(vocabulary.metrics, _rate(value, where))
    return pairs


def _minimum(value: object, where: str, vocabulary: Vocabulary) -> dict[str, Decimal]:
    return _bounds(value, where, _with_one_side(vocabulary))


def _maximum(value: object, where: str, vocabulary: Vocabulary) -> dict[str, Decimal]:
    return _bounds(value, where, (*_with_one_side(vocabulary), *CHANGE_RATES))


def _with_one_side(vocabulary: Vocabulary) -> tuple[str, ...]:
    """The metrics that a literal bound can hold without a baseline."""
    return tuple(name for name, metric in vocabulary.metrics.items() if not isinstance(metric, CoverageMetric))


def _bounds(value: object, where: str, table: Collection[str]) -> dict[str, Decimal]:
    pairs = _pairs(value, where, table)
    if pairs is None:
        raise ConfigError(f"{where}: must name its metric, as in {{'confident_accuracy': 0.9}}, got {value!r}")
    return pairs


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
    "seed": _seed,
    "baseline": _baseline,
}

INI_KEYS: Final = tuple(name for name in _READERS if name != "baseline")
"""The gate's ini keys, without the prefix; the baseline's name is an option too and resolved with the options."""

INI_LISTS: Final = ("conditions", "metrics", "tolerance", "minimum", "maximum")
"""Those whose ini value is a list."""


def _words(value: object, where: str) -> tuple[str, ...]:
    """A list of texts; a lone text is split at blanks."""
    if isinstance(value, str):
        return tuple(value.split())
    words = tuple(value) if isinstance(value, Iterable) else (value,)
    if all(isinstance(word, str) for word in words):
        return words
    raise ConfigError(f"{where}: must be a list of names, got {value!r}")


def _pairs(value: object, where: str, table: Collection[str]) -> dict[str, Decimal] | None:
    """metric -> rate from a mapping or from words like `accuracy=0.9`; None where no metric is named."""
    if isinstance(value, (list, tuple)) and len(value) == 1:
        value = value[0]
    if isinstance(value, Mapping):
        items = [(str(name), rate) for name, rate in value.items()]
    elif isinstance(value, (str, list, tuple)) and "=" in str(value):
        items = [(name, rate) for name, _, rate in (word.partition("=") for word in _words(value, where))]
    else:
        return None
    return {_metric(name, where, table): _rate(rate, f"{where}: {name}") for name, rate in items}


def _metric(name: str, where: str, table: Collection[str]) -> str:
    if name not in table:
        raise ConfigError(f"{where}: unknown metric {name!r}; {choices(name, table)}")
    return name


def _rate(value: object, where: str) -> Decimal:
    """The exact decimal of what was typed, in [0, 1]."""
    if isinstance(value, (list, tuple)) and len(value) == 1:
        value = value[0]
    try:
        rate = Decimal(str(value)) if not isinstance(value, bool) else Decimal("NaN")
    except InvalidOperation:
        rate = Decimal("NaN")
    if rate.is_nan() or not 0 <= rate <= 1:
        raise ConfigError(f"{where}: must be a rate between 0 and 1, as in 0.005, got {value!r}")
    return rate
