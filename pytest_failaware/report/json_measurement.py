"""Measurements in the JSON report: their part of the document, and their columns in the archive beside it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, Final

from pytest_failaware.core.condition import Condition
from pytest_failaware.core.conditions.stored import stored_condition, stored_parameters
from pytest_failaware.core.errors import ConfigError
from pytest_failaware.core.measurement import DataFacts, Former, Measurement, ModelFacts, Provenance
from pytest_failaware.core.records import Records

Document = dict[str, Any]
"""A JSON document or a part of it. Any: nested to any depth."""

_FORMER: Final = "former_id"
"""The column of the ids that the samples had before classes were renamed."""


def columns_content(measurement: Measurement) -> bytes:
    """Return the columns of a measurement as a compressed npz."""
    from pytest_failaware.core.npz import pack

    records, former = measurement.records, measurement.former
    columns = {**records.columns, **records.samples.columns}
    if former is not None:
        columns[_FORMER] = former.sample_id
    return pack(columns, compressed=True)


def measurement_document(measurement: Measurement, content: bytes, member: str) -> Document:
    """Return the facts of a measurement.

    Args:
        measurement: the measurement of an item.
        content: the columns as bytes in the archive.
        member: the name of the columns in the archive.
    """
    condition, provenance, former = measurement.condition, measurement.provenance, measurement.former
    return {
        "condition": _condition_document(condition),
        "seed": measurement.seed,
        "records": {"member": member, "sha256": f"sha256:{hashlib.sha256(content).hexdigest()}"},
        "data": {**fields_of(provenance.data), "classes": list(provenance.data.classes)},
        "preprocessing": provenance.preprocessing,
        "model": fields_of(provenance.model),
        "environment": dict(provenance.environment),
        "former": None if former is None else {"classes": list(former.classes), "fingerprint": former.fingerprint},
    }


def read_measurement(document: Mapping[str, Any], content: bytes) -> Measurement:
    """Return the measurement from the facts of `measurement_document` and the columns of `columns_content`.

    Raises:
        ColumnsError: the columns cannot be read. The caller has to check their content.
        ConfigError: the condition is none, or its name is not that of its key.
    """
    from pytest_failaware.core.npz import unpack

    columns = unpack(content)
    data, former = document["data"], document.get("former")
    return Measurement(
        condition=_read_condition(document["condition"]),
        seed=document["seed"],
        records=Records.from_columns(columns),
        provenance=Provenance(
            data=DataFacts(**{**data, "classes": tuple(data["classes"])}),
            preprocessing=document["preprocessing"],
            model=ModelFacts(**document["model"]),
            environment=document["environment"],
        ),
        former=None
        if former is None
        else Former(classes=tuple(former["classes"]), fingerprint=former["fingerprint"], sample_id=columns[_FORMER]),
    )


def _condition_document(condition: Condition) -> Document:
    return {
        "name": condition.name,
        "parameters": stored_parameters(condition),
        "key": condition.key,
        "implementation": condition.implementation,
        "is_random": condition.is_random,
    }


def _read_condition(document: Mapping[str, Any]) -> Condition:  # Any: a part of a JSON document
    key, numbers, implementation = document["key"], document["parameters"], document["implementation"]
    condition = stored_condition(key, numbers, implementation=implementation, is_random=document["is_random"])
    if condition.name != document["name"]:
        raise ConfigError(f"the condition {key!r} has the name {document['name']!r}; restore the report")
    return condition


def fields_of(value: Any) -> Document:  # Any: one of the flat slotted dataclasses of core
    """Return the fields of a flat dataclass by name."""
    return {name: getattr(value, name) for name in value.__slots__}
