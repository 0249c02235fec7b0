"""The founding table: one row per condition with the four rates of the notebook that this project began as."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from typing import Final

from pytest_failaware.core.result import ItemResult

COLUMNS: Final = {
    "accuracy": "Accuracy (All)",
    "failure_rate": "Failure Rate",
    "confident_accuracy": "Accuracy (Confident Only)",
    "failure_region_accuracy": "Accuracy (Failure Region)",
}
"""The heading of each metric."""


def csv_text(results: Iterable[ItemResult]) -> str:
    """Return the table as CSV with six decimals; an undefined rate is an empty field."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(["Condition", *COLUMNS.values()])
    for result in results:
        values = (result.stats.rates[name].value for name in COLUMNS)
        writer.writerow([result.stats.condition, *("" if value is None else f"{value:.6f}" for value in values)])
    return buffer.getvalue()
