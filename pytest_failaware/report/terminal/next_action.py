"""The next action after a run: the command that stores its values, in the form that works on that machine."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from pytest_failaware.core.result import CHANGED, WORSE, ItemResult, Verdict
from pytest_failaware.core.summary import RunReport
from pytest_failaware.report.alarms import FIRST, UNLESS
from pytest_failaware.report.terminal.display import Line
from pytest_failaware.report.words import needed_options, why_reset

_IN_CI: Final = "This is a CI server, where baselines are not written:"
_DOWNLOAD: Final = "download the report and its records from the job, and run in a checkout of this commit:"
_EXAMPLE: Final = 'python -m pytest_failaware accept report.json --reason="…"'
"""The command for a run that wrote no report."""
_ONE_MORE: Final = "These values replace all seeds of the recipe; --failaware-add-seed stores them as one more seed."


def next_action(results: Sequence[ItemResult], report: RunReport) -> Iterator[Line]:
    """Yield the command that accepts, records or keeps values, if a baseline lacks them, with the reason for it."""
    if any(result.has_new_alarm and not result.verdict.is_written for result in results):
        has_reason = "--failaware-reason" in report.command
        yield Line(f"{FIRST}, then run again." if has_reason else f"{FIRST}, then run again. {UNLESS}.")
        return
    if any(result.lacks_files for result in results):
        yield Line("Restore the absent sample files first, then run again.")
    stored = [result for result in results if not result.is_against and not result.lacks_files]
    verdicts = {result.verdict for result in stored}
    of_recipe = any(result.is_against_recipe for result in stored)
    if "--failaware-add-seed" in report.command:
        if not verdicts.isdisjoint((*WORSE, Verdict.DRIFTED)) and "--failaware-reason" not in report.command:
            yield Line("If the training of this seed was sound, store it with a reason:")
            yield _verbatim(f'{report.command} --failaware-reason="…"')
    elif not verdicts.isdisjoint(CHANGED):
        meant = "If the classes were changed on purpose" if _only_classes(stored) else "If this change is intended"
        yield Line(f"{meant}, accept the new values and commit the baseline:")
        yield from _accept(report) if report.in_ci else _update(stored, report.command)
        yield from _why_so(stored, "--" if report.in_ci else "--failaware-")
        if of_recipe:
            yield Line(_ONE_MORE)
    elif Verdict.MISSING in verdicts:
        yield Line("Record the expected values and commit the baseline:")
        yield from _accept(report) if report.in_ci else [_verbatim(f"{report.command} --failaware-update-new")]
    elif Verdict.IMPROVED in verdicts and not any(verdict.fails for verdict in verdicts) and not of_recipe:
        yield from _keep(stored, report)


def _accept(report: RunReport) -> Iterator[Line]:
    """Yield the command that stores the values of a CI run on a machine that may write baselines."""
    first = "" if report.accept else "add --failaware-report=report.json to the command of the job, "
    yield Line(f"{_IN_CI} {first}{_DOWNLOAD}")
    yield _verbatim(report.accept or _EXAMPLE)


def _update(results: Sequence[ItemResult], command: str) -> Iterator[Line]:
    """Yield the command of this run as an update, with the missing options."""
    options = [f"--failaware-{option}" for option in needed_options(results)]
    yield _verbatim(" ".join([command, *(option for option in options if option.partition("=")[0] not in command)]))


def _keep(results: Sequence[ItemResult], report: RunReport) -> Iterator[Line]:
    """Yield how to make later runs compare with an improvement."""
    yield Line("Later runs are compared with the old, worse values. To keep the gain, store the new ones"
               + (" where updates are allowed." if report.in_ci else ":"))  # fmt: skip
    if not report.in_ci:
        yield from _update(results, report.command)


def _verbatim(command: str) -> Line:
    return Line(f"  {command}", is_verbatim=True)


def _only_classes(results: Sequence[ItemResult]) -> bool:
    """Return whether every failed item has other classes."""
    return all(result.has_other_classes for result in results if result.verdict.fails)


def _why_so(results: Sequence[ItemResult], prefix: str) -> Iterator[Line]:
    """Yield why the accepting command has more options than the update."""
    if any(result.stored for result in results):
        yield Line(f"{prefix}reason is in it because stored and new values are not the same measurement: look at both.")
    elif any(result.is_worse for result in results):
        yield Line(f"{prefix}reason is in it because the new values are worse: say why that is meant.")
    yield from (Line(f"{sentence}.") for sentence in why_reset(results, prefix))
