"""Reading the JSON report of an earlier run, with the records beside it."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Final

from pytest_failaware.baselines.entries import RuledMeasurement, baseline_of
from pytest_failaware.baselines.reading import parse_baseline
from pytest_failaware.baselines.sample_files import sha256_of
from pytest_failaware.baselines.text import baseline_text
from pytest_failaware.core.budgets import check_unpacked
from pytest_failaware.core.errors import BaselineError, ConfigError, FailAwareError
from pytest_failaware.core.identity import data_fingerprint
from pytest_failaware.core.lfs import LFS_REMEDY, is_lfs_pointer
from pytest_failaware.core.measurement import Measurement
from pytest_failaware.core.npz import ColumnsError, check_records
from pytest_failaware.core.plain import PlainError, from_plain
from pytest_failaware.core.rule import FailureRule
from pytest_failaware.core.text import describe_error
from pytest_failaware.report.advice import Task
from pytest_failaware.report.json_measurement import Document, read_measurement
from pytest_failaware.report.json_report import SCHEMA
from pytest_failaware.report.places import records_path

REMEDY: Final = "download the report and its records again, both from one run with --failaware-report=FILE.json"
DAMAGE: Final = (ConfigError, LookupError, TypeError, ValueError, AttributeError, OverflowError, RecursionError)
"""The errors of reading a document of another shape."""


def read_document(path: Path) -> Document:
    """Return the JSON document of a report.

    Raises:
        FailAwareError: the file cannot be read, or is no report of this schema.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise FailAwareError(f"{path}: cannot be read ({error.strerror}); give a JSON report") from error
    if is_lfs_pointer(content):
        raise FailAwareError(f"{path}: is a Git LFS pointer; {LFS_REMEDY}")
    try:
        document = json.loads(content.decode("utf-8"))
    except (UnicodeDecodeError, ValueError, RecursionError) as error:
        raise FailAwareError(f"{path}: is no JSON ({error}); {REMEDY}") from error
    if not isinstance(document, dict) or document.get("schema") != SCHEMA:
        schema = document.get("schema") if isinstance(document, dict) else None
        raise FailAwareError(
            f"{path}: schema is {schema!r}, this version reads {SCHEMA}; give a JSON report, and use the "
            "version of pytest-failaware that wrote it"
        )
    return document


def measured_results(report: Path) -> list[tuple[Document, Measurement]]:
    """Return the results of a report that have records, each with its measurement.

    Raises:
        FailAwareError: the file is not a report, or is damaged.
        OSError: a file cannot be read.
    """
    document = read_document(report)
    try:
        results = [result for result in document["results"] if result["measurement"]]
        return [(result, measured_of(result["measurement"], report)[0]) for result in results]
    except DAMAGE as error:
        raise FailAwareError(f"{report}: is damaged ({describe_error(error)}); {REMEDY}") from error


def read_tasks(report: Path) -> list[Task]:
    """Return what a run found to do about its marked tests.

    Raises:
        FailAwareError: the file is not a report, or is damaged.
    """
    document = read_document(report)
    try:
        return [from_plain(Task, task) for task in document["tasks"]]
    except (*DAMAGE, PlainError) as error:
        raise FailAwareError(f"{report}: is damaged ({describe_error(error)}); {REMEDY}") from error


def measured_of(plain: Document, report: Path) -> RuledMeasurement:
    """Return the measurement of one item; its records and data must be those that the report names."""
    archive, member = records_path(report), plain["records"]["member"]
    content = _member(archive, member)
    if sha256_of(content) != plain["records"]["sha256"]:
        raise FailAwareError(f"{archive}: {member} is not what {report.name} names (sha256 differs); {REMEDY}")
    try:
        measurement = read_measurement(plain, content)
        _check_columns(measurement)
    except ColumnsError as error:
        raise FailAwareError(f"{archive}: {member}: {error}; {REMEDY}") from error
    rule = FailureRule.parse(plain["rule"], f"{report}: rule")
    _check_entry(measurement, rule, report)
    return measurement, rule


def _member(archive: Path, member: str) -> bytes:
    try:
        with archive.open("rb") as file:
            if is_lfs_pointer(file.read(100)):
                raise FailAwareError(f"{archive}: is a Git LFS pointer; {LFS_REMEDY}")
        with zipfile.ZipFile(archive) as records:
            check_unpacked(records, archive, FailAwareError)
            return records.read(member)
    except FailAwareError:
        raise
    except FileNotFoundError as error:
        raise FailAwareError(f"{archive}: is not beside the report; {REMEDY}") from error
    except Exception as error:  # a damaged archive can raise any error
        raise FailAwareError(f"{archive}: has no records {member!r} ({describe_error(error)}); {REMEDY}") from error


def _check_columns(measurement: Measurement) -> None:
    """Refuse columns that the reader of baselines would refuse."""
    records, data = measurement.records, measurement.provenance.data
    check_records(records, data)
    former = measurement.former
    if former is not None and former.fingerprint != data_fingerprint(former.sample_id, records.label, former.classes):
        raise ColumnsError("the ids under the former class names do not belong to the data in the report")


def _check_entry(measurement: Measurement, rule: FailureRule, report: Path) -> None:
    """Refuse facts that a baseline would not return as they are in the report."""
    name = "entry"
    entry = baseline_of(measurement, rule, name)
    try:
        again = parse_baseline(baseline_text(entry), str(report), name)
    except BaselineError as error:
        finding = str(error).removeprefix(f"{report}:").lstrip(":0123456789 ").partition("; ")[0]
        raise FailAwareError(f"{report}: {finding}, which no baseline can hold; {REMEDY}") from error
    if again != entry:
        raise FailAwareError(f"{report}: a measurement would not be read from a baseline as it is; {REMEDY}")
