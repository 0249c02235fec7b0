"""A run for other programs: the JSON document of schema.json, and the archive of its records.

`schema` rises if a field changes its meaning or is removed; fields may be added.
"""

from __future__ import annotations

import io
import zipfile
from collections import Counter
from collections.abc import Mapping
from typing import Final

from pytest_failaware.core.attachment import JudgedItem
from pytest_failaware.core.estimates import Estimate, Score, Value
from pytest_failaware.core.plain import to_plain
from pytest_failaware.core.remedy import Advice
from pytest_failaware.core.result import BoundCheck, Evidence, ItemResult, Judged, SampleChange, Verdict
from pytest_failaware.core.summary import CorruptionError, CorruptionSummary, RunReport
from pytest_failaware.report.advice import tasks
from pytest_failaware.report.json_measurement import Document, columns_content, fields_of, measurement_document

SCHEMA: Final = 3


def report_document(
    report: RunReport, measured: Mapping[str, JudgedItem], contents: Mapping[str, bytes], archive: str
) -> Document:
    """Return the whole run as plain data without NaN.

    Args:
        report: the run.
        measured: the items that measured something and whose body and teardown passed, by test id.
        contents: the columns of their measurements, by test id, in the order of the archive.
        archive: the name of the file with their records.
    """
    measurements = _measurements(measured, contents)
    counts = Counter(result.verdict for result in report.results)
    return {
        "schema": SCHEMA,
        "date": report.date,
        "commit": report.commit,
        "versions": dict(report.versions),
        "passed": report.passed,
        "incomplete": report.incomplete,
        "counts": {verdict.value: counts[verdict] for verdict in Verdict if counts[verdict]},
        "records": archive if contents else None,
        "facts": [fact.line for fact in report.facts],
        "results": [_result(result, measurements.get(result.nodeid)) for result in report.results],
        "errors": dict(report.errors),
        "complaints": list(report.complaints),
        "notices": list(report.notices),
        "unchecked": list(report.unchecked),
        "left_out": list(report.left_out),
        "failed": list(report.failed),
        "unwritten": list(report.unwritten),
        "obsolete": list(report.obsolete),
        "unused": report.unused,
        "stored": report.stored,
        "bends": list(report.bends),
        "command": report.command,
        "accept": report.accept,
        "corruption": [_corruption(summary) for summary in report.corruption],
        "advice": [_advice(advice) for advice in report.advice],
        "tasks": [to_plain(task) for task in tasks(report.results, report.advice)],
    }


def records_contents(measured: Mapping[str, JudgedItem]) -> dict[str, bytes]:
    """Return the columns of all items that measured something, by test id."""
    return {nodeid: columns_content(item.measurement) for nodeid, item in measured.items() if item.measurement}


def records_archive(contents: Mapping[str, bytes]) -> bytes:
    """Return the archive of all records: one npz file per item, numbered in the order of the items."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for number, content in enumerate(contents.values()):
            archive.writestr(zipfile.ZipInfo(_member(number)), content)
    return buffer.getvalue()


def _member(number: int) -> str:
    return f"{number}.npz"


def _measurements(measured: Mapping[str, JudgedItem], contents: Mapping[str, bytes]) -> dict[str, Document]:
    """Return the measurements that `python -m pytest_failaware accept` needs, by test id."""
    parts = {}
    for number, (nodeid, content) in enumerate(contents.items()):
        item = measured[nodeid]
        if item.measurement is not None:
            facts = measurement_document(item.measurement, content, _member(number))
            parts[nodeid] = {
                **facts,
                "rule": str(item.rule),
                "declared": list(item.declared),
                "acceptable": item.is_acceptable,
            }
    return parts


def _advice(advice: Advice) -> Document:
    return {
        "test": list(advice.test),
        "act": advice.act.value,
        "sentences": list(advice.sentences),
        "former_rule": None if advice.former is None else str(advice.former),
        "remedies": [
            {**fields_of(remedy), "kind": remedy.kind.value, "rule": str(remedy.rule), "price": dict(remedy.price)}
            for remedy in advice.remedies
        ],
    }


def _result(result: ItemResult, measurement: Document | None) -> Document:
    stats = result.stats
    return {
        "nodeid": result.nodeid,
        "baseline": result.baseline,
        "rule": str(result.rule),
        "stored_rule": None if result.stored_rule is None else str(result.stored_rule),
        "levels": None if result.levels is None else fields_of(result.levels),
        "condition": stats.condition,
        "cells": fields_of(stats.cells),
        "rates": {name: _estimate(rate) for name, rate in stats.rates.items()},
        "scores": {name: _value(score) for name, score in stats.scores.items()},
        "comparisons": [_comparison(comparison) for comparison in result.comparisons],
        "verdict": result.verdict.value,
        "differences": list(result.differences),
        "notes": list(result.notes),
        "change": None if result.change is None else _change(result.change),
        "causes": list(result.causes),
        "unguarded": None if result.unguarded is None else _estimate(result.unguarded),
        "at_chance": result.at_chance,
        "drifts": result.drifts,
        "ends_golden": result.ends_golden,
        "reference": result.reference,
        "lacks_files": result.lacks_files,
        "has_other_classes": result.has_other_classes,
        "has_other_groups": result.has_other_groups,
        "stored": {name: _estimate(rate) for name, rate in result.stored.items()},
        "is_against": result.is_against,
        "reuse": [fields_of(reuse) for reuse in result.reuse],
        "sights": [fields_of(sight) for sight in result.sights],
        "test": list(result.test),
        "location": list(result.location),
        "subject": result.subject,
        "alarm": result.alarm,
        "is_alarm_stored": result.is_alarm_stored,
        "awaits_clean": result.awaits_clean,
        "measurement": measurement,
    }


def _change(change: SampleChange) -> Document:
    parts = change.decomposition
    return {
        **fields_of(change),
        "worst": [fields_of(flip) for flip in change.worst],
        "worst_class": None if change.worst_class is None else fields_of(change.worst_class),
        "lost_classes": [fields_of(lost) for lost in change.lost_classes],
        "suspects": [fields_of(flip) for flip in change.suspects],
        "decomposition": None if parts is None else fields_of(parts),
    }


def _value(value: Value) -> Document:
    if isinstance(value, Score):
        return {"value": value.value, "is_rate": value.is_rate, "reason": value.reason}
    return _estimate(value)


def _estimate(estimate: Estimate) -> Document:
    return {
        "value": estimate.value,
        "numerator": estimate.numerator,
        "denominator": estimate.denominator,
        "reason": estimate.reason,
    }


def _comparison(comparison: Judged) -> Document:
    if isinstance(comparison, BoundCheck):
        reference, limit = None, comparison.bound
    else:
        reference, limit = _value(comparison.reference), str(comparison.allowed)
    return {
        "metric": comparison.metric,
        "reference": reference,
        "current": _value(comparison.current),
        "allowed": limit,
        "verdict": comparison.verdict.value,
        "note": comparison.note,
        "evidence": None if comparison.evidence is None else _evidence(comparison.evidence),
    }


def _evidence(evidence: Evidence) -> Document:
    """Return the fields of the evidence; `ways` only of a rate at its coverage, `seeds` only against a recipe."""
    fields = fields_of(evidence)
    del fields["seeds"]
    if evidence.seeds is not None:
        fields["seeds"] = fields_of(evidence.seeds)
    ways = [
        {"way": way.way.value, "current": _estimate(way.current), "p_beyond": way.p_beyond}
        for way in fields.pop("ways")
    ]
    return {**fields, "ways": ways} if ways else fields


def _corruption(summary: CorruptionSummary) -> Document:
    return {
        "model": summary.model,
        "mean": _ratio(summary.mean),
        "corruptions": [_corruption_error(error) for error in summary.errors],
        "extra": [_corruption_error(error) for error in summary.extra],
        "incomplete": {name: list(missing) for name, missing in summary.incomplete.items()},
    }


def _corruption_error(error: CorruptionError) -> Document:
    return {"name": error.name, "rates": [_estimate(rate) for rate in error.rates], "mean": _ratio(error.mean)}


def _ratio(estimate: Estimate) -> Document:
    """Return an estimate without its two integers, which are too long for other programs in means of many parts."""
    return {"value": estimate.value, "reason": estimate.reason}
