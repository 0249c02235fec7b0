"""A run for other programs: the JSON document of schema.json, and the archive of records that goes with it.

`schema` rises when a field changes its meaning or goes; fields may be added.
"""

from __future__ import annotations

import base64
import hashlib
import io
import zipfile
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from pytest_failaware.core.estimates import Estimate, Score, Value
from pytest_failaware.core.plain import Plain, fields_of, result_to_plain
from pytest_failaware.core.result import BoundCheck, ItemResult, Judged, Verdict
from pytest_failaware.core.summary import CorruptionError, CorruptionSummary, RunReport

SCHEMA: Final = 2


def report_document(report: RunReport, measured: Mapping[str, Mapping[str, Any]], archive: str) -> Plain:
    """The whole run as plain data without a NaN.

    Args:
        report: the run.
        measured: what items attached that measured something and whose body and teardown passed, by test id.
        archive: the name of the file that holds their records.
    """
    members = {nodeid: f"{number}.npz" for number, nodeid in enumerate(measured)}
    counts = Counter(result.verdict for result in report.results)
    return {
        "schema": SCHEMA,
        "date": report.date,
        "commit": report.commit,
        "versions": dict(report.versions),
        "passed": report.passed,
        "incomplete": report.incomplete,
        "counts": {verdict.value: counts[verdict] for verdict in Verdict if counts[verdict]},
        "records": archive if measured else None,
        "facts": list(report.facts),
        "results": [_result(result, measured.get(result.nodeid), members) for result in report.results],
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
    }


def records_path(path: Path) -> Path:
    """Where the records of the report `path` lie: `report.json` -> `report.records.zip`."""
    return path.with_name(f"{path.stem}.records.zip")


def records_archive(measured: Mapping[str, Mapping[str, Any]]) -> bytes:
    """The records of all items, one npz file each, numbered in the order of the items."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for number, entry in enumerate(measured.values()):
            archive.writestr(zipfile.ZipInfo(f"{number}.npz"), base64.b64decode(entry["measurement"]["records"]))
    return buffer.getvalue()


def _result(result: ItemResult, entry: Mapping[str, Any] | None, members: Mapping[str, str]) -> Plain:
    return {
        **result_to_plain(result),
        "rates": {name: _estimate(rate) for name, rate in result.stats.rates.items()},
        "scores": {name: _value(score) for name, score in result.stats.scores.items()},
        "stored": {name: _estimate(rate) for name, rate in result.stored.items()},
        "comparisons": [_comparison(comparison) for comparison in result.comparisons],
        "measurement": None if entry is None else _measurement(result, entry, members),
    }


def _measurement(result: ItemResult, entry: Mapping[str, Any], members: Mapping[str, str]) -> Plain:
    """What `python -m pytest_failaware accept` needs."""
    content = base64.b64decode(entry["measurement"]["records"])
    return {
        **entry["measurement"],
        "rule": entry["rule"],
        "acceptable": entry["acceptable"],
        "records": {"member": members[result.nodeid], "sha256": f"sha256:{hashlib.sha256(content).hexdigest()}"},
    }


def _value(value: Value) -> Plain:
    if isinstance(value, Score):
        return {"value": value.value, "is_rate": value.is_rate, "reason": value.reason}
    return _estimate(value)


def _estimate(estimate: Estimate) -> Plain:
    return {
        "value": estimate.value,
        "numerator": estimate.numerator,
        "denominator": estimate.denominator,
        "reason": estimate.reason,
    }


def _comparison(comparison: Judged) -> Plain:
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
        "evidence": None if comparison.evidence is None else fields_of(comparison.evidence),
    }


def _corruption(summary: CorruptionSummary) -> Plain:
    return {
        "model": summary.model,
        "mean": _ratio(summary.mean),
        "corruptions": [_corruption_error(error) for error in summary.errors],
        "extra": [_corruption_error(error) for error in summary.extra],
        "incomplete": {name: list(missing) for name, missing in summary.incomplete.items()},
    }


def _corruption_error(error: CorruptionError) -> Plain:
    return {"name": error.name, "rates": [_estimate(rate) for rate in error.rates], "mean": _ratio(error.mean)}


def _ratio(estimate: Estimate) -> Plain:
    """Without its two integers, which a mean over many corruptions makes longer than other programs can hold."""
    return {"value": estimate.value, "reason": estimate.reason}
