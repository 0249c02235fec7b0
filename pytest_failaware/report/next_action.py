"""What to do after a run: the command that stores its values, as it can be given where the run was made."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path

from pytest_failaware.report.display import Line
from pytest_failaware.report.machine import records_path
from pytest_failaware.report.words import needed_options
from pytest_failaware.schema import ItemResult, RunReport, Verdict

_CHANGED = (Verdict.REGRESSED, Verdict.NOT_SHOWN, Verdict.INCOMPARABLE, Verdict.DRIFTED)


def next_action(results: Sequence[ItemResult], report: RunReport) -> Iterator[Line]:
    """Yield the command that accepts, records or keeps values, if a baseline lacks them, with the reason for it."""
    if any(result.lacks_files for result in results):
        yield Line("Restore the absent sample files first, then run again.")
    stored = [result for result in results if not result.is_against and not result.lacks_files]
    verdicts = {result.verdict for result in stored}
    if verdicts & set(_CHANGED):
        meant = "If the classes were changed on purpose" if _only_classes(stored) else "If this change is intended"
        yield from _store(f"{meant}, accept the new values and commit the baseline:", stored, report)
        yield from _why_so(stored, _prefix(report))
    elif Verdict.MISSING in verdicts:
        yield from _record(report)
    elif Verdict.IMPROVED in verdicts and not any(verdict.fails for verdict in verdicts):
        yield from _store(
            "A later run is compared with the old, lower values. To keep the gain, store the new ones:", stored, report
        )


def accept_command(results: Sequence[ItemResult], report: RunReport) -> str:
    """Return the command that stores the values of a CI run on a machine where baselines may be written."""
    options = [f"--{option}" for option in needed_options(results) if option != "update-baselines"]
    reason = [] if any(option.startswith("--reason") for option in options) else ['--reason="…"']
    return " ".join([_accept(report), *options, *reason])


def _store(why: str, results: Sequence[ItemResult], report: RunReport) -> Iterator[Line]:
    """The command that stores new values over old ones."""
    yield Line(why)
    if report.ci_file is not None:
        yield Line(_how_to_accept(report))
        yield Line(f"  {accept_command(results, report)}", is_verbatim=True)
        return
    options = [f"--failaware-{option}" for option in needed_options(results)]
    typed = [option for option in options if option.partition("=")[0] not in report.command]
    yield Line(f"  {' '.join([report.command, *typed])}", is_verbatim=True)


def _record(report: RunReport) -> Iterator[Line]:
    """The command that stores values where there are none."""
    yield Line("Record the expected values and commit the baseline:")
    if report.ci_file is None:
        yield Line(f"  {report.command} --failaware-update-new", is_verbatim=True)
    else:
        yield Line(_how_to_accept(report))
        yield Line(f"  {_accept(report)}", is_verbatim=True)


def _how_to_accept(report: RunReport) -> str:
    """What comes before the command that stores the values of a CI run."""
    name = report.ci_file or "report.json"
    records = records_path(Path(name)).name
    first = "" if report.ci_file else f"add --failaware-json={name} to this command, "
    return (
        f"This is a CI server, where baselines are not written: {first}download {name} and {records} from the job, and "
        "run in a checkout:"
    )


def _accept(report: RunReport) -> str:
    folder = [] if report.baseline_dir in ("", "baselines") else [f"--baseline-dir={report.baseline_dir}"]
    return shlex.join(["python", "-m", "pytest_failaware", "accept", *folder, report.ci_file or "report.json"])


def _prefix(report: RunReport) -> str:
    return "--failaware-" if report.ci_file is None else "--"


def _only_classes(results: Sequence[ItemResult]) -> bool:
    """Whether other classes are what every failed item has."""
    return all(result.has_other_classes for result in results if result.verdict.fails)


def _why_so(results: Sequence[ItemResult], prefix: str) -> Iterator[Line]:
    """Why the command that accepts has more than the update in it."""
    if any(result.stored for result in results):
        yield Line(f"{prefix}reason is in it because stored and new values are not the same measurement: look at both.")
    golden = f"{prefix}reset-golden is in it because"
    if any(result.ends_golden for result in results):
        yield Line(f"{golden} the golden reference, from which drift is measured, cannot stay beside the new values.")
    if any(result.drifts for result in results):
        yield Line(
            f"{golden} the loss since the first accepted values is beyond the drift budget; drift is measured from the "
            "new values then."
        )
