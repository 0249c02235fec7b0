"""Find what makes a strict run fail although no test failed."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from pytest_failaware.core.summary import RunReport

_NAMED: Final = 20  # tests
_OTHER_GROUPS: Final = "the samples are in other groups than"
_UPDATE: Final = "--failaware-update-baselines"


def strict_complaints(
    report: RunReport, *, excused: Collection[str], uncollected: str, files_skipped: bool, ends_green: bool
) -> list[str]:
    """Return the sentences that fail a strict run.

    Args:
        report: the report of the run.
        excused: tests whose gate failed and that pytest let pass.
        uncollected: a module that was not collected, "" if all were.
        files_skipped: whether --lf kept files from being collected.
        ends_green: whether pytest would end with exit code 0.
    """
    fails = any(result.verdict.fails for result in report.results)
    regrouped = {result.nodeid: result.is_against for result in report.results if result.has_other_groups}
    of_baseline = [nodeid for nodeid, is_against in regrouped.items() if not is_against]
    of_second = [nodeid for nodeid, is_against in regrouped.items() if is_against]
    sentences = {
        "no reliability result at all, so nothing was compared": not report.results,
        f"not compared: {_named(report.unchecked)}": report.results and report.unchecked,
        f"collected and not run: {_named(report.left_out)}": report.left_out,
        "--lf kept files from being collected, so their gates are not known; leave it out": files_skipped,
        f"{uncollected} was not collected, so its gates are not known": uncollected,
        f"{report.incomplete}, so the run is not whole": report.incomplete,
        f"failed, though pytest let it pass (xfail?): {_named(excused)}": excused,
        "a gate failed, and something set the exit code to 0": fails and ends_green and not excused,
        f"used by no test: {_named(report.obsolete)}; --failaware-prune deletes them": report.obsolete,
        f"{_OTHER_GROUPS} the baseline's: {_named(of_baseline)}; record them with {_UPDATE}": of_baseline,
        f"{_OTHER_GROUPS} the reference's: {_named(of_second)}; give both the same groups": of_second,
    }
    return [f"strict: {sentence}" for sentence, holds in sentences.items() if holds]


def _named(names: Collection[str]) -> str:
    """Return all names, or if there are many the first names and the number of the others."""
    shown = ", ".join(list(names)[:_NAMED])
    return shown if len(names) <= _NAMED else f"{shown} and {len(names) - _NAMED} more"
