"""The files a run leaves beside the baselines: CSV and SVG, JSON with its records, Markdown, HTML, the job summary."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pytest_failaware.files import replace_in_order, write_atomically
from pytest_failaware.ledger import Entry
from pytest_failaware.report.machine import records_archive, records_path, report_document
from pytest_failaware.report.markdown import markdown_text
from pytest_failaware.report.table import csv_text
from pytest_failaware.schema import Outputs, Pictures, RunReport


@dataclass(kw_only=True)
class Written:
    """Sentences on the files that were written, and on those that could not be."""

    done: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)

    def attempt(self, path: Path, write: Callable[[], object]) -> None:
        """Write one file; a full disk or a read-only folder must not keep the others from being written."""
        try:
            write()
        except OSError as error:
            self.failed.append(f"not written: {path} ({error.strerror or error}); free the place or name another file")
        else:
            self.done.append(f"wrote {path}")


def write_outputs(
    outputs: Outputs,
    report: RunReport,
    measured: Mapping[str, Entry],
    drawn: Mapping[str, Pictures],
    environ: Mapping[str, str],
) -> Written:
    """Write what was asked for, each file by itself; a run without a single marked test leaves no file.

    Args:
        outputs: which files.
        report: the run.
        measured: what the items attached whose records go along with the JSON, by test id.
        drawn: what the HTML report draws, by test id.
        environ: where GitHub names the file of its job summary.
    """
    written = Written()
    if not (report.results or report.errors or report.unchecked or report.complaints):
        return written
    if (table := outputs.csv) is not None:
        written.attempt(table, lambda: write_atomically(table, csv_text(report.results).encode()))
    if (picture := outputs.svg) is not None:
        written.attempt(picture, lambda: _write_svg(picture, report))
    if (document := outputs.json) is not None:
        written.attempt(document, lambda: _write_json(document, report, measured))
    if (summary := outputs.markdown) is not None:
        written.attempt(summary, lambda: write_atomically(summary, markdown_text(report).encode()))
    if (page := outputs.html) is not None:
        written.attempt(page, lambda: _write_html(page, report, drawn, outputs))
    if outputs.github:
        _add_job_summary(written, report, environ.get("GITHUB_STEP_SUMMARY", ""))
    return written


def _write_svg(path: Path, report: RunReport) -> None:
    from pytest_failaware.report.table_picture import svg_text  # not before it is needed: loading stays cheap

    write_atomically(path, svg_text(report.results).encode())


def _write_json(path: Path, report: RunReport, measured: Mapping[str, Entry]) -> None:
    document = report_document(report, measured, records_path(path).name)
    text = json.dumps(document, indent=1, allow_nan=False)
    contents = {records_path(path): records_archive(measured)} if measured else {}
    replace_in_order({**contents, path: f"{text}\n".encode()})  # the JSON names the hash of each record


def _write_html(path: Path, report: RunReport, drawn: Mapping[str, Pictures], outputs: Outputs) -> None:
    from pytest_failaware.report.html import html_text  # as above

    names = outputs.html_images > 0  # whoever keeps images out keeps their files' names out
    write_atomically(path, html_text(report, drawn, names=names).encode())


def _add_job_summary(written: Written, report: RunReport, name: str) -> None:
    """Append to the file that GitHub shows on the job's page; other commands of the step may have written to it."""
    if not name:
        written.done.append("no job summary: GITHUB_STEP_SUMMARY is not set, this is no GitHub Actions job")
        return

    def append() -> None:
        with Path(name).open("a", encoding="utf-8") as file:
            file.write(markdown_text(report))

    written.attempt(Path(name), append)
