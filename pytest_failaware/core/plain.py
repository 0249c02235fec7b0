"""Results, measurements and pictures as plain data, to travel between processes, and back."""

from __future__ import annotations

import base64
import dataclasses
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from pytest_failaware.core.condition import Condition
from pytest_failaware.core.estimates import Cells, ConditionStats, Estimate, Score, Value
from pytest_failaware.core.measurement import DataFacts, Former, Measurement, ModelFacts, Provenance
from pytest_failaware.core.pictures import ClassChange, ClassCounts, Curves, Histogram, Pictures, Side, Thumbnail
from pytest_failaware.core.records import Records
from pytest_failaware.core.result import (
    BoundCheck,
    ClassLoss,
    Comparison,
    Decomposition,
    Evidence,
    Flip,
    ItemResult,
    Judged,
    Reuse,
    SampleChange,
    Sight,
    Verdict,
)

_FORMER: Final = "former_id"
"""The column of the ids that the samples had before classes were renamed."""


Plain = dict[str, Any]
"""str, int, float, bool, None, lists and dicts of them: what JSON and execnet can carry. Any: nested to any depth."""


def result_to_plain(result: ItemResult) -> Plain:
    """An item's result as plain data."""
    stats = result.stats
    return {
        "nodeid": result.nodeid,
        "baseline": result.baseline,
        "condition": stats.condition,
        "cells": fields_of(stats.cells),
        "rates": {name: fields_of(rate) for name, rate in stats.rates.items()},
        "scores": {name: fields_of(score) for name, score in stats.scores.items()},
        "comparisons": [_comparison_to_plain(comparison) for comparison in result.comparisons],
        "verdict": result.verdict.value,
        "differences": list(result.differences),
        "notes": list(result.notes),
        "change": None if result.change is None else _change_to_plain(result.change),
        "causes": list(result.causes),
        "at_chance": result.at_chance,
        "drifts": result.drifts,
        "ends_golden": result.ends_golden,
        "reference": result.reference,
        "lacks_files": result.lacks_files,
        "has_other_classes": result.has_other_classes,
        "has_other_groups": result.has_other_groups,
        "stored": {name: fields_of(rate) for name, rate in result.stored.items()},
        "is_against": result.is_against,
        "reuse": [fields_of(one) for one in result.reuse],
        "sights": [fields_of(sight) for sight in result.sights],
        "location": list(result.location),
        "subject": result.subject,
        "alarm": result.alarm,
        "is_alarm_stored": result.is_alarm_stored,
        "awaits_clean": result.awaits_clean,
    }


def result_from_plain(plain: Mapping[str, Any]) -> ItemResult:
    """The result that `result_to_plain` took apart."""
    return ItemResult(
        nodeid=plain["nodeid"],
        baseline=plain["baseline"],
        stats=ConditionStats(
            condition=plain["condition"],
            cells=Cells(**plain["cells"]),
            rates={name: Estimate(**rate) for name, rate in plain["rates"].items()},
            scores={name: Score(**score) for name, score in plain["scores"].items()},
        ),
        comparisons=tuple(_comparison_from_plain(comparison) for comparison in plain["comparisons"]),
        verdict=Verdict(plain["verdict"]),
        differences=tuple(plain["differences"]),
        notes=tuple(plain["notes"]),
        change=None if plain["change"] is None else _change_from_plain(plain["change"]),
        causes=tuple(plain["causes"]),
        at_chance=plain["at_chance"],
        drifts=plain["drifts"],
        ends_golden=plain["ends_golden"],
        reference=plain["reference"],
        lacks_files=plain["lacks_files"],
        has_other_classes=plain["has_other_classes"],
        has_other_groups=plain["has_other_groups"],
        stored={name: Estimate(**rate) for name, rate in plain["stored"].items()},
        is_against=plain["is_against"],
        reuse=tuple(Reuse(**one) for one in plain["reuse"]),
        sights=tuple(Sight(**sight) for sight in plain["sights"]),
        location=(plain["location"][0], plain["location"][1]),
        subject=plain["subject"],
        alarm=plain["alarm"],
        is_alarm_stored=plain["is_alarm_stored"],
        awaits_clean=plain["awaits_clean"],
    )


def measurement_to_plain(measurement: Measurement) -> Plain:
    """A measurement as plain data, the columns as base64 of an npz."""
    from pytest_failaware.core.npz import pack

    records, former = measurement.records, measurement.former
    columns = {**records.columns, **records.samples.columns}
    if former is not None:
        columns[_FORMER] = former.sample_id
    provenance = measurement.provenance
    return {
        "condition": {**fields_of(measurement.condition), "parameters": dict(measurement.condition.parameters)},
        "seed": measurement.seed,
        "records": base64.b64encode(pack(columns, compressed=True)).decode("ascii"),
        "data": {**fields_of(provenance.data), "classes": list(provenance.data.classes)},
        "preprocessing": provenance.preprocessing,
        "model": fields_of(provenance.model),
        "environment": dict(provenance.environment),
        "former": None if former is None else {"classes": list(former.classes), "fingerprint": former.fingerprint},
    }


def measurement_from_plain(plain: Mapping[str, Any]) -> Measurement:
    """The measurement that `measurement_to_plain` took apart.

    Raises:
        ColumnsError: the columns cannot be read; what they hold is for the caller to check.
    """
    from pytest_failaware.core.npz import unpack

    columns = unpack(base64.b64decode(plain["records"]))
    condition, data, former = plain["condition"], plain["data"], plain.get("former")
    return Measurement(
        condition=Condition(**{**condition, "parameters": tuple(condition["parameters"].items())}),
        seed=plain["seed"],
        records=Records.from_columns(columns),
        provenance=Provenance(
            data=DataFacts(**{**data, "classes": tuple(data["classes"])}),
            preprocessing=plain["preprocessing"],
            model=ModelFacts(**plain["model"]),
            environment=plain["environment"],
        ),
        former=None
        if former is None
        else Former(classes=tuple(former["classes"]), fingerprint=former["fingerprint"], sample_id=columns[_FORMER]),
    )


def fields_of(value: Any) -> Plain:  # Any: one of the flat slotted dataclasses of the schema
    """The fields of a flat dataclass by name."""
    return {name: getattr(value, name) for name in value.__slots__}


def _comparison_to_plain(comparison: Judged) -> Plain:
    plain = {
        **fields_of(comparison),
        "current": fields_of(comparison.current),
        "verdict": comparison.verdict.value,
    }
    if isinstance(comparison, BoundCheck):
        return {**plain, "limit": str(comparison.limit)}
    return {
        **plain,
        "reference": fields_of(comparison.reference),
        "allowed": str(comparison.allowed),
        "evidence": None if comparison.evidence is None else fields_of(comparison.evidence),
    }


def _change_to_plain(change: SampleChange) -> Plain:
    parts = change.decomposition
    return {
        **fields_of(change),
        "worst": [fields_of(flip) for flip in change.worst],
        "worst_class": None if change.worst_class is None else fields_of(change.worst_class),
        "diagnosis": list(change.diagnosis),
        "decomposition": None if parts is None else fields_of(parts),
    }


def _change_from_plain(plain: Mapping[str, Any]) -> SampleChange:
    parts, worst_class = plain["decomposition"], plain["worst_class"]
    changed = {
        "worst": tuple(Flip(**flip) for flip in plain["worst"]),
        "worst_class": None if worst_class is None else ClassLoss(**worst_class),
        "diagnosis": tuple(plain["diagnosis"]),
        "decomposition": None if parts is None else Decomposition(**parts),
    }
    return SampleChange(**{**plain, **changed})


def _comparison_from_plain(plain: Mapping[str, Any]) -> Judged:
    shared = {"current": _value_from_plain(plain["current"]), "verdict": Verdict(plain["verdict"])}
    if "limit" in plain:
        return BoundCheck(**{**plain, **shared, "limit": Decimal(plain["limit"])})
    changed = {
        **shared,
        "reference": _value_from_plain(plain["reference"]),
        "allowed": Decimal(plain["allowed"]),
        "evidence": None if plain["evidence"] is None else Evidence(**plain["evidence"]),
    }
    return Comparison(**{**plain, **changed})


def _value_from_plain(plain: Plain) -> Value:
    return Estimate(**plain) if "numerator" in plain else Score(**plain)


def pictures_to_plain(pictures: Pictures) -> Plain:
    """The pictures as plain data."""
    return dataclasses.asdict(pictures)


def pictures_from_plain(plain: Mapping[str, Any]) -> Pictures:
    """The pictures that `pictures_to_plain` took apart; they come back equal through JSON too."""
    return Pictures(
        **{
            **plain,
            "before": None if plain["before"] is None else _side(plain["before"]),
            "now": _side(plain["now"]),
            "classes": tuple(map(_class_change, plain["classes"])),
            "thumbnails": tuple(Thumbnail(**one) for one in plain["thumbnails"]),
        }
    )


def _side(plain: Mapping[str, Any]) -> Side:
    stats = plain["stats"]
    rates = {name: Estimate(**rate) for name, rate in stats["rates"].items()}
    return Side(
        stats=ConditionStats(condition=stats["condition"], cells=Cells(**stats["cells"]), rates=rates),
        curves=None if plain["curves"] is None else _curves(plain["curves"]),
    )


def _curves(plain: Mapping[str, Any]) -> Curves:
    point = plain["operating_point"]
    return Curves(
        risk_coverage=tuple(map(tuple, plain["risk_coverage"])),
        operating_point=None if point is None else (point[0], point[1]),
        reliability=tuple(map(tuple, plain["reliability"])),
        ece=plain["ece"],
        confidence=_histogram(plain["confidence"]),
        entropy=_histogram(plain["entropy"]),
    )


def _histogram(plain: Mapping[str, Any]) -> Histogram:
    return Histogram(high=plain["high"], right=tuple(plain["right"]), wrong=tuple(plain["wrong"]))


def _class_change(plain: Mapping[str, Any]) -> ClassChange:
    before = None if plain["before"] is None else ClassCounts(**plain["before"])
    return ClassChange(**{**plain, "before": before, "now": ClassCounts(**plain["now"])})
