"""A CI run's report -> the baselines: for teams where only CI has the machine that can measure."""

from __future__ import annotations

import base64
import json
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pytest_failaware.errors import FailAwareError
from pytest_failaware.fingerprint import data_fingerprint
from pytest_failaware.judge.rule import FailureRule
from pytest_failaware.judge.samples import sha256_of
from pytest_failaware.judge.update import Measured, UpdateOutcome, update_baseline
from pytest_failaware.report.document import Plain, measurement_from_plain
from pytest_failaware.report.machine import SCHEMA, records_path

_REMEDY: Final = "download the report and its records again, both from one run with --failaware-json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Acceptance:
    """What became of a report: the results left out, as sentences, and the outcome of each baseline by name."""

    left_out: tuple[str, ...]
    outcomes: dict[str, UpdateOutcome]


def accept(report: Path, directory: Path, *, reason: str = "", dry_run: bool = False) -> Acceptance:
    """Store what a run measured as the expected values.

    Args:
        report: the file of --failaware-json; its records lie beside it.
        directory: the folder of the baselines.
        reason: kept in the history of the entries that change.
        dry_run: only find out what would happen.

    Raises:
        FailAwareError: the report is none, is damaged, or is of a run that was cut short; nothing is written.
        OSError: a file cannot be read or written.
    """
    document = _read(report)
    try:
        incomplete = document["incomplete"]
        found = [(result, _measured(result["measurement"], report)) for result in document["results"]
                 if (result["measurement"] or {}).get("acceptable")]  # fmt: skip
        left_out = [f"{result['nodeid']}: {_why_not(result)}" for result in document["results"]
                    if not (result["measurement"] or {}).get("acceptable")]  # fmt: skip
        names = dict.fromkeys(str(result["baseline"]) for result, _ in found)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise FailAwareError(f"{report}: is damaged ({type(error).__name__}: {error}); {_REMEDY}") from error
    if incomplete:
        raise FailAwareError(f"{report}: {incomplete}, so its results are not accepted; use a run that ended")
    if not found:
        raise FailAwareError(f"{report}: holds no result that can be accepted; {'; '.join(left_out) or _REMEDY}")
    outcomes = {
        name: update_baseline(
            directory,
            name,
            [measured for result, measured in found if result["baseline"] == name],
            reason=reason,
            dry_run=dry_run,
        )
        for name in names
    }
    return Acceptance(left_out=tuple(left_out), outcomes=outcomes)


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
    if data.fingerprint != data_fingerprint(records_of.sample_id, records_of.label, data.classes):
        raise FailAwareError(f"{archive}: {member} does not belong to the data in {report.name}; {_REMEDY}")
    return measurement, FailureRule.parse(plain["rule"])


def _why_not(result: dict[str, Any]) -> str:  # Any: one result of the document
    if result["measurement"] is None:
        return "its body or teardown failed, or the run was limited or overridden"
    return "outside a minimum or maximum"
