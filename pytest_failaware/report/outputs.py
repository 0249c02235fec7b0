"""The reports of a run, each in the format of its suffix, and the summary on the page of a GitHub job."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeAlias

from pytest_failaware.core.attachment import JudgedItem
from pytest_failaware.core.files import replace_in_order, write_atomically
from pytest_failaware.core.pictures import Pictures
from pytest_failaware.core.request import Outputs
from pytest_failaware.core.summary import RunReport
from pytest_failaware.report.json_report import records_archive, records_contents, report_document
from pytest_failaware.report.markdown import markdown_text
from pytest_failaware.report.places import records_path
from pytest_failaware.report.table import csv_text

Shorten: TypeAlias = Callable[[str], str]
"""A function that removes folders of this machine from a text."""


@dataclass(kw_only=True)
class Written:
    """Sentences on the files that were written and on the files that could not be written."""

    done: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)

    def attempt(self, path: Path, write: Callable[[], object], also: str = "") -> None:
        """Write one file; a full disk or a read-only folder must not prevent the other reports.

        Args:
            path: the file.
            write: a function that writes the file.
            also: a second file that is written, for the sentence.
        """
        try:
            write()
        except OSError as error:
            self.failed.append(f"not written: {path} ({error.strerror or error}); free the place or name another file")
        else:
            self.done.append(f"wrote {path}{also}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportContents:
    """The contents of the reports of a run.

    By test id, `measured` has the items whose records are written beside the JSON, and `drawn` has the pictures of an
    HTML report. `names` says whether a report may name images; `shorten` removes the folders of this machine.
    """

    report: RunReport
    measured: Mapping[str, JudgedItem]
    drawn: Mapping[str, Pictures]
    names: bool
    shorten: Shorten


def write_outputs(outputs: Outputs, contents: ReportContents, environ: Mapping[str, str]) -> Written:
    """Write each report, even if others cannot be written.

    A run without a marked test writes no file; the files of an earlier run are already removed.

    Args:
        outputs: the files to write.
        contents: the contents of the reports.
        environ: the environment, in which GitHub names the file of its job summary.
    """
    written, report = Written(), contents.report
    if not (report.results or report.errors or report.unchecked or report.complaints):
        return written
    for path in outputs.files:
        suffix = path.suffix.lower()
        records = f" and {records_path(path).name} beside it" if suffix == ".json" and contents.measured else ""
        written.attempt(path, partial(WRITERS[suffix], path, contents), also=records)
    if outputs.github:
        _add_job_summary(written, contents, environ.get("GITHUB_STEP_SUMMARY", ""))
    return written


def _write_html(path: Path, contents: ReportContents) -> None:
    from pytest_failaware.report.html.html import html_text  # imported when needed, so that loading stays cheap

    text = html_text(contents.report, contents.drawn, names=contents.names)
    write_atomically(path, contents.shorten(text).encode())


def _write_json(path: Path, contents: ReportContents) -> None:
    columns = records_contents(contents.measured)
    document = report_document(contents.report, contents.measured, columns, records_path(path).name)
    text = json.dumps(_shorter(document, contents.shorten), indent=1, allow_nan=False)
    records = {records_path(path): records_archive(columns)} if columns else {}
    replace_in_order({**records, path: f"{text}\n".encode()})  # the JSON names the hash of each record


def _write_markdown(path: Path, contents: ReportContents) -> None:
    write_atomically(path, contents.shorten(markdown_text(contents.report)).encode())


def _write_csv(path: Path, contents: ReportContents) -> None:
    write_atomically(path, contents.shorten(csv_text(contents.report.conditions)).encode())


def _write_svg(path: Path, contents: ReportContents) -> None:
    from pytest_failaware.report.table_picture import svg_text  # as above

    write_atomically(path, contents.shorten(svg_text(contents.report.conditions)).encode())


WRITERS: Final[Mapping[str, Callable[[Path, ReportContents], None]]] = {
    ".html": _write_html,
    ".json": _write_json,
    ".md": _write_markdown,
    ".csv": _write_csv,
    ".svg": _write_svg,
}
"""The functions that write a report, by the suffix of its file."""


def _shorter(plain: Any, shorten: Shorten) -> Any:  # Any: plain data of any depth
    if isinstance(plain, str):
        return shorten(plain)
    if isinstance(plain, dict):
        return {shorten(key): _shorter(value, shorten) for key, value in plain.items()}
    return [_shorter(item, shorten) for item in plain] if isinstance(plain, (list, tuple)) else plain


def _add_job_summary(written: Written, contents: ReportContents, name: str) -> None:
    """Append to the file that GitHub shows on the job's page; other commands of the step may have written to it."""
    if not name:
        written.done.append("no job summary: GITHUB_STEP_SUMMARY is not set")
        return

    def append() -> None:
        with Path(name).open("a", encoding="utf-8") as file:
            file.write(contents.shorten(markdown_text(contents.report)))

    written.attempt(Path(name), append)
