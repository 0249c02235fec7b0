"""The files of a report: the place of its records, and what an earlier run left there."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Final

_STARTS: Final = (
    *(f'{{\n "schema": {number}'.encode() for number in range(1, 10)),
    b"Condition,Accuracy (All),",
    "## ✅ Reliability: ".encode(),
    "## ❌ Reliability: ".encode(),
)
_NEAR_START: Final = (
    b"<title>Reliability ",
    b"<title>Accuracy and flagged samples under each condition</title>",
    b"<title>Accuracy and failure rate under each condition</title>",  # as earlier versions wrote it
)
_HEAD: Final = 1000  # bytes


def records_path(path: Path) -> Path:
    """Return the path of a report's records: `report.records.zip` for `report.json`."""
    return path.with_name(f"{path.stem}.records.zip")


def remove_report(path: Path) -> None:
    """Remove the report of an earlier run at a path that this run will write to; other files stay."""
    try:
        if not _is_ours(path):
            return
        path.unlink()
        if path.suffix.lower() == ".json" and zipfile.is_zipfile(records_path(path)):
            records_path(path).unlink()
    except (OSError, ValueError):  # writing to the same path reports the error
        return


def _is_ours(path: Path) -> bool:
    """Return whether a file begins like one of our reports."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        head = file.read(_HEAD)
    return head.startswith(_STARTS) or any(mark in head for mark in _NEAR_START)
