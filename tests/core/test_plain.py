"""Every value that is sent between processes comes back from plain data unchanged."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import numpy as np
import pytest
from five import RULE, measurement_of
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from judged import result
from numpy.typing import NDArray

from pytest_failaware.core.attachment import Attachment, JudgedItem
from pytest_failaware.core.estimates import Estimate, Score, Value
from pytest_failaware.core.look import Look
from pytest_failaware.core.measurement import Measurement
from pytest_failaware.core.plain import PlainError, from_plain, to_plain
from pytest_failaware.core.records import Records
from pytest_failaware.core.result import ItemResult, Verdict

TRAVELLERS = (Attachment, Look)
"""The types that a report sends; everything that they hold is sent with them."""


def through_json(value: object, kind: type[Any]) -> Any:  # Any: a travelling type, and its value
    """Return the value after it was written as JSON without NaN and read again."""
    return from_plain(kind, json.loads(json.dumps(to_plain(value), allow_nan=False)))


def hints_of(kind: type) -> dict[str, Any]:  # Any: type hints
    """Return the types of the fields of a dataclass."""
    hints = get_type_hints(kind, localns={"np": np, "NDArray": NDArray})
    return {field.name: hints[field.name] for field in dataclasses.fields(kind)}


def dataclasses_in(hint: Any) -> set[type]:  # Any: a type hint
    """Return every dataclass that a value of a type may hold at any depth."""
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        inner = (dataclasses_in(field) for field in hints_of(hint).values())
        return {hint}.union(*inner)
    return set().union(*map(dataclasses_in, get_args(hint)))


def arrays(hint: Any) -> st.SearchStrategy[Any]:  # Any: NDArray of a type, and its arrays
    """Return arrays of the type with one or two dimensions."""
    (scalar,) = get_args(get_args(hint)[1])
    return st.sampled_from([(0,), (3,), (2, 2)]).map(lambda shape: np.full(shape, 7, dtype=scalar))


def values(hint: Any) -> st.SearchStrategy[Any]:  # Any: a type hint, and values of the type
    """Return any values of a type, including values that no run produces."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return st.one_of(*map(values, arguments))
    if origin is tuple and arguments[1:] == (Ellipsis,):
        return st.lists(values(arguments[0]), max_size=2).map(tuple)
    if origin is tuple:
        return st.tuples(*map(values, arguments))
    if origin is Mapping:
        return st.dictionaries(st.text(max_size=3), values(arguments[1]), max_size=2)
    if origin is np.ndarray:
        return arrays(hint)
    if hint.__name__ == "FailureRule":
        return st.just(RULE)
    if dataclasses.is_dataclass(hint):
        return st.builds(hint, **{name: values(field) for name, field in hints_of(hint).items()})
    return SIMPLE[hint] if hint in SIMPLE else st.sampled_from(hint)


SIMPLE: Mapping[type, st.SearchStrategy[Any]] = {  # Any: values of each type
    NoneType: st.none(),
    bool: st.booleans(),
    int: st.integers(-(2**63), 2**64 - 1),
    float: st.floats(allow_nan=False, allow_infinity=False),
    str: st.text(max_size=4),
    Decimal: st.decimals(allow_nan=False, allow_infinity=False),
    Fraction: st.fractions(),
    Path: st.just(Path("a/b.txt")),
}


def same(value: object, other: object) -> bool:
    """Return whether two values are equal; arrays are compared bit by bit."""
    if isinstance(value, np.ndarray) and isinstance(other, np.ndarray):
        return (value.dtype, value.shape, value.tobytes()) == (other.dtype, other.shape, other.tobytes())
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        names = [field.name for field in dataclasses.fields(value)]
        return type(value) is type(other) and all(same(getattr(value, name), getattr(other, name)) for name in names)
    if isinstance(value, tuple) and isinstance(other, tuple):
        return len(value) == len(other) and all(map(same, value, other))
    if isinstance(value, Mapping) and isinstance(other, Mapping):
        return list(value) == list(other) and all(same(value[key], other[key]) for key in value)
    return type(value) is type(other) and value == other


@pytest.mark.parametrize("kind", sorted(set().union(*map(dataclasses_in, TRAVELLERS)), key=lambda kind: kind.__name__))
@settings(max_examples=12, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(data=st.data())
def test_whatever_travels_comes_back(kind: type, data: st.DataObject) -> None:
    """Each dataclass that a report sends, at any depth, comes back unchanged with any values."""
    value = data.draw(values(kind))

    assert same(value, through_json(value, kind))


def test_the_travellers_hold_a_measurement_and_a_result() -> None:
    """The types of the test above include the measurement and the result."""
    assert {JudgedItem, ItemResult, Measurement, Records, Estimate} <= dataclasses_in(Attachment)


@dataclass(frozen=True, kw_only=True)
class Parcel:
    """One field of each kind that the attachments do not have."""

    value: Value
    bound: Decimal | Estimate
    share: Fraction
    path: Path
    content: bytes
    numbers: NDArray[np.float32]


PARCEL = Parcel(
    value=Score(value=0.1 + 0.2),
    bound=Decimal("0.50"),
    share=Fraction(1, 3),
    path=Path("a/b.txt"),
    content=b"\x00\xff",
    numbers=np.array([[1, 2]], dtype=np.float32),
)


@pytest.mark.parametrize("value", [Score(value=None), Estimate(numerator=1, denominator=3)])
@pytest.mark.parametrize("bound", [Decimal("0.50"), Estimate(numerator=1, denominator=3)])
def test_unions_come_back_as_the_member_that_they_were(value: Value, bound: Decimal | Estimate) -> None:
    """A member of a union is recognised again: a dataclass by its fields, a text because it is a text."""
    parcel = dataclasses.replace(PARCEL, value=value, bound=bound)

    assert same(parcel, through_json(parcel, Parcel))


def edited(**changes: object) -> dict[str, object]:
    """Return the parcel as plain data with changed fields; None removes a field."""
    plain = {**to_plain(PARCEL), **changes}
    return {name: value for name, value in plain.items() if value is not None}


@pytest.mark.parametrize(
    ("plain", "words"),
    [
        (edited(share=None), "Parcel: the field 'share' of Parcel is missing"),
        (edited(colour="red"), "Parcel: Parcel has no field 'colour'"),
        (edited(share="a third"), "Parcel.share: cannot hold 'a third' (ValueError: "),
        (edited(share=3), "Parcel.share: cannot hold 3"),
        (edited(content="~"), "Parcel.content: cannot hold '~' ("),
        (edited(numbers="AAAA"), "Parcel.numbers: cannot hold 'AAAA' ("),
        (edited(numbers=to_plain(np.array([1.0]))), "(ValueError: the numbers are float64)"),
        (edited(value={"value": 1.0}), "Parcel.value: {'value': 1.0} fits 0 of the types Estimate, Score"),
        (edited(value=[]), "Parcel.value: [] fits 0 of the types Estimate, Score"),
        (edited(bound={}), "Parcel.bound: the field 'numerator' of Estimate is missing"),
        ([], "Parcel: cannot hold []"),
    ],
)
def test_other_data_are_refused_by_the_name_of_the_field(plain: object, words: str) -> None:
    """Data with an unknown field, a missing field or a wrong type are refused with the name of the field."""
    with pytest.raises(PlainError) as caught:
        from_plain(Parcel, plain)

    assert words in str(caught.value)


def test_words_that_are_no_verdict_are_refused() -> None:
    """A text that is no verdict is refused at any depth, with the path to its field."""
    plain = to_plain(result("fog", Verdict.REGRESSED))
    plain["comparisons"][0]["verdict"] = "worse"

    with pytest.raises(PlainError, match=r"ItemResult\.comparisons\[0\]\.verdict: cannot hold 'worse'"):
        from_plain(ItemResult, plain)


@pytest.mark.parametrize("value", [object(), {1: 2}, {3}, Parcel, lambda: 0, np.int64(3)])
def test_nothing_else_travels(value: object) -> None:
    """Values of unknown types are refused; they are not pickled instead."""
    with pytest.raises(PlainError, match="cannot travel between processes"):
        to_plain(value)


@pytest.mark.parametrize("with_logits", [False, True])
def test_a_measurement_comes_back_bit_for_bit(*, with_logits: bool) -> None:
    """Every column keeps its dtype and its bytes; the condition and the provenance stay equal."""
    measurement = measurement_of("RRWrw", "gaussian_noise(sigma=0.1)")
    logits = np.random.default_rng(0).random((5, 4), dtype=np.float32) if with_logits else None
    measurement = dataclasses.replace(measurement, records=dataclasses.replace(measurement.records, logits=logits))

    assert same(measurement, through_json(measurement, Measurement))


def test_numbers_of_numpy_become_pythons() -> None:
    """A numpy float64 is sent as a Python float, because execnet refuses subclasses of float."""
    assert float is type(to_plain(np.float64(0.5)))
