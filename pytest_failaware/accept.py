"""A CI run's report -> the baselines: for teams where only CI has the machine that can measure."""

from __future__ import annotations

import base64
import json
import zipfile
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pytest_failaware.errors import FailAwareError
from pytest_failaware.fingerprint import data_fingerprint
from pytest_failaware.judge.entries import Measured
from pytest_failaware.judge.groups import are_told
from pytest_failaware.judge.rule import FailureRule
from pytest_failaware.judge.samples import sha256_of
from pytest_failaware.judge.update import UpdateOutcome, update_baseline
from pytest_failaware.report.document import Plain, measurement_from_plain
from pytest_failaware.report.machine import SCHEMA, records_path
from pytest_failaware.text import describe_error

_REMEDY: Final = "download the report and its records again, both from one run with --failaware-json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """What of a report can be stored, by baseline, and sentences on the results that are left out."""

    measured: dict[str, list[Measured]]
    left_out: tuple[str, ...]


def read_report(report: Path, *, reason: str = "", reset_golden: bool = False) -> Accepted:
    """What a run measured that may become the expected values.

    Args:
        report: the file of --failaware-json; its records lie beside it.
        reason: what could not be compared is accepted only with one.
        reset_golden: what drifted from the golden reference is accepted, too.

    Raises:
        FailAwareError: the report is none, is damaged, or is of a run that was cut short.
        OSError: a file cannot be read.
    """
    document = _read(report)
    measured: dict[str, list[Measured]] = defaultdict(list)
    left_out = []
    try:
        incomplete = document["incomplete"]
        for result in document["results"]:
            found = result["measurement"]
            if found and result["stored"] and not reason:
                raise FailAwareError(
                    f"{report}: {result['nodeid']} could not be compared with what was stored; look at both values "
                    'in the report of the run, and where the change is meant add --reason="why"'
                )
            if found and found["acceptable"] and (reset_golden or not result["drifts"]):
                measured[str(result["baseline"])].append(_measured(found, report))
            else:
                left_out.append(f"{result['nodeid']}: {_why_not(result)}")
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise FailAwareError(f"{report}: is damaged ({describe_error(error)}); {_REMEDY}") from error
    if incomplete:
        raise FailAwareError(f"{report}: {incomplete}, so its results are not accepted; use a run that ended")
    if not measured:
        raise FailAwareError(f"{report}: holds no result that can be accepted; {'; '.join(left_out) or _REMEDY}")
    return Accepted(measured=dict(measured), left_out=tuple(left_out))


def accept(
    accepted: Accepted, directory: Path, *, reason: str = "", reset_golden: bool = False, dry_run: bool = False
) -> Iterator[tuple[str, UpdateOutcome]]:
    """Store it, one baseline after another: each one's name and what happened to it.

    Args:
        accepted: what to store.
        directory: the folder of the baselines.
        reason: kept in the history of the entries that change.
        reset_golden: the stored values become the golden reference themselves.
        dry_run: only find out what would happen.

    Raises:
        FailAwareError: a stored baseline cannot be read, or the report's values could not be.
        OSError: a file cannot be written.
    """
    for name, measured in accepted.measured.items():
        yield (
            name,
            update_baseline(directory, name, measured, reason=reason, reset_golden=reset_golden, dry_run=dry_run),
        )


def _read(path: Path) -> Plain:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, ValueError, RecursionError) as error:
        raise FailAwareError(f"{path}: is no JSON ({error}); {_REMEDY}") from error
    if not isinstance(document, dict) or document.get("schema") != SCHEMA:
        found = document.get("schema") if isinstance(document, dict) else None
        raise FailAwareError(
            f"{path}: schema is {found!r}, this version reads {SCHEMA}; give a file of --failaware-json, and use the "
            "version of pytest-failaware that wrote it"
        )
    return document


def _measured(plain: Plain, report: Path) -> Measured:
    """What one item measured; its records are those that the report names, and those of the data it names."""
    archive, member = records_path(report), plain["records"]["member"]
    try:
        with zipfile.ZipFile(archive) as records:
            content = records.read(member)
    except (FileNotFoundError, KeyError, zipfile.BadZipFile) as error:
        raise FailAwareError(f"{archive}: has no records {member!r} ({error}); {_REMEDY}") from error
    if sha256_of(content) != plain["records"]["sha256"]:
        raise FailAwareError(f"{archive}: {member} is not what {report.name} names (sha256 differs); {_REMEDY}")
    measurement = measurement_from_plain({**plain, "records": base64.b64encode(content).decode("ascii")})
    records_of, data = measurement.records, measurement.provenance.data
    fingerprint = data_fingerprint(records_of.sample_id, records_of.label, data.classes)
    if data.fingerprint != fingerprint or not are_told(measurement.groups, data):
        raise FailAwareError(f"{archive}: {member} does not belong to the data in {report.name}; {_REMEDY}")
    return measurement, FailureRule.parse(plain["rule"])


def _why_not(result: dict[str, Any]) -> str:  # Any: one result of the document
    if result["measurement"] is None:
        return "its body or teardown failed, or the run was limited or overridden"
    if not result["measurement"]["acceptable"]:
        return "outside a minimum or maximum"
    return "drifted from the golden reference; where that is intended, add --reset-golden and --reason"
