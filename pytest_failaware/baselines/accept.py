"""Accepting the values of a CI run's report into the baselines, for teams in which only CI can measure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from pytest_failaware.baselines.doubts import Doubt
from pytest_failaware.baselines.entries import RuledMeasurement
from pytest_failaware.baselines.file import baseline_path, read_baseline
from pytest_failaware.baselines.outcome import UpdateOutcome
from pytest_failaware.baselines.reports import DAMAGE, REMEDY, measured_of, read_document
from pytest_failaware.baselines.sample_files import sha256_of
from pytest_failaware.baselines.samples import own_content
from pytest_failaware.baselines.sentences import BODY_FAILED, OUTSIDE_BOUND, needs_reason, not_written
from pytest_failaware.baselines.update import update_baseline
from pytest_failaware.core.condition import MEAN
from pytest_failaware.core.errors import FailAwareError
from pytest_failaware.core.result import WORSE, Verdict
from pytest_failaware.core.text import describe_error
from pytest_failaware.report.json_measurement import Document


class Compared(NamedTuple):
    """What a run compared with: the hash of the stored records, "" if there were none, and the text of their rule."""

    records_sha256: str
    rule: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """The measurements of a report to store, by baseline, and sentences on the results that are left out.

    `refused` says by name why a baseline is not written. `references` says what the run compared with, by baseline and
    condition. `tests` has by baseline the keys of all conditions of each marked test.
    """

    measured: dict[str, list[RuledMeasurement]]
    left_out: tuple[str, ...]
    refused: Mapping[str, str]
    references: Mapping[tuple[str, str], Compared]
    tests: Mapping[str, set[tuple[str, ...]]]


def read_report(report: Path, *, reason: str = "", reset_golden: bool = False, is_seed: bool = False) -> Accepted:
    """Return the measurements of a run that may become the expected values.

    Args:
        report: the JSON report; its records are beside it.
        reason: why to accept values; incomparable values, worse values and values with an alarm need a reason.
        reset_golden: accept values that drifted from the golden reference, too.
        is_seed: the values will become one more seed of a recipe, which needs a reason if it fails its gates.

    Raises:
        FailAwareError: the file is not a report, is damaged, or is the report of an incomplete run.
        OSError: a file cannot be read.
    """
    document = read_document(report)
    measured: dict[str, list[RuledMeasurement]] = defaultdict(list)
    drifted: dict[str, list[str]] = defaultdict(list)
    tests: dict[str, set[tuple[str, ...]]] = defaultdict(set)
    left_out, references = [], {}
    try:
        incomplete = document["incomplete"]
        for result in document["results"]:
            facts, name, key = result["measurement"], str(result["baseline"]), str(result["condition"])
            drifts = result["drifts"] and not reset_golden and not is_seed
            counts = key == MEAN or (facts and facts["acceptable"])
            if counts and not reason and (doubt := _doubt(result, drifts=drifts, is_seed=is_seed)):
                text = needs_reason(doubt, result.get("alarm", ""), _options(document, reset_golden or is_seed))
                raise FailAwareError(f"{report}: {result['nodeid']}: {text}")
            if key == MEAN:  # nothing of it is stored
                continue
            references[name, key] = Compared(str(result["reference"]), result["stored_rule"])
            if drifts:
                drifted[name].append(key)
            if facts and facts["acceptable"]:
                measured[name].append(measured_of(facts, report))
                tests[name].add(tuple(facts["declared"]))
            else:
                left_out.append(f"{result['nodeid']}: {_why_not(result)}")
    except DAMAGE as error:
        raise FailAwareError(f"{report}: is damaged ({describe_error(error)}); {REMEDY}") from error
    if incomplete:
        raise FailAwareError(f"{report}: {incomplete}, so its results are not accepted; use a run that ended")
    if not measured:  # neither with drift nor without
        raise FailAwareError(f"{report}: holds no result that can be accepted; {'; '.join(left_out) or REMEDY}")
    refused = {
        name: _drift(name, keys, measured.pop(name), reason) for name, keys in drifted.items() if name in measured
    }
    return Accepted(
        measured=dict(measured), left_out=tuple(left_out), refused=refused, references=references, tests=tests
    )


def _drift(name: str, drifted: Sequence[str], measured: Sequence[RuledMeasurement], reason: str) -> str:
    """Say that a baseline is not written because conditions drifted: it would hold the values of two models."""
    others = [measurement.condition.key for measurement, _ in measured if measurement.condition.key not in drifted]
    options = ("reset-golden",) if reason else ("reset-golden", "reason")
    return not_written(name, {Doubt.DRIFTED: drifted}, options, "--", others=others)


def _options(document: Document, reset_golden: bool) -> str:
    """Return the options that a report needs if some of its values need a reason."""
    resets = not reset_golden and any(result["drifts"] for result in document["results"])
    return ("--reset-golden " if resets else "") + '--reason="why"'


def accept(
    accepted: Accepted, directory: Path, *, reason: str = "", reset_golden: bool = False, dry_run: bool = False
) -> Iterator[tuple[str, UpdateOutcome]]:
    """Store the measurements and yield the name and the outcome of each baseline.

    Args:
        accepted: the measurements to store.
        directory: the folder of the baselines.
        reason: the reason that the history of the changed entries keeps.
        reset_golden: make the stored values the golden reference.
        dry_run: write nothing and only return the outcomes.

    Raises:
        FailAwareError: a stored baseline cannot be read, is not in the folder or is not what the run compared with, or
            the report's values could not be read again.
        OSError: a file cannot be written.
    """
    for name, measured in accepted.measured.items():
        _check_references(directory, name, measured, accepted.references)
    for name, measured in accepted.measured.items():
        yield (
            name,
            update_baseline(
                directory,
                name,
                measured,
                tests=accepted.tests[name],
                reason=reason,
                reset_golden=reset_golden,
                dry_run=dry_run,
            ),
        )


def _check_references(
    directory: Path, name: str, measured: Sequence[RuledMeasurement], references: Mapping[tuple[str, str], Compared]
) -> None:
    """Refuse measurements that were judged against other values than those they would replace."""
    path, baseline = baseline_path(directory, name), read_baseline(directory, name)
    for measurement, rule in measured:
        key = measurement.condition.key
        reference, entry = references[name, key], baseline.entries.get(key) if baseline else None
        if reference.records_sha256 and baseline is None:
            raise FailAwareError(
                f"{path}: there is no such baseline, but the run compared with it; give its folder with --baseline-dir"
            )
        stored = Compared(entry.identity, str(entry.rule)) if entry else Compared("", None)
        now = Compared(sha256_of(own_content(measurement.records, rule)), str(rule))
        if stored not in (reference, now):
            raise FailAwareError(
                f"{path}: conditions.{key} has changed since the run of this report; run the gate again, so that "
                "its values are judged against these"
            )


def _doubt(result: dict[str, Any], *, drifts: bool, is_seed: bool) -> Doubt | None:  # Any: one result of the document
    """Return why a result needs a reason, as in a run that updates; None if it needs none.

    If the result drifts, the sentence on the drift asks for the reason.
    """
    if result.get("alarm") and not result.get("is_alarm_stored"):
        return Doubt.ALARM
    if result.get("stored"):
        return Doubt.INCOMPARABLE
    verdicts = {Verdict(comparison["verdict"]) for comparison in result["comparisons"]}
    if is_seed:
        return Doubt.RED_SEED if verdicts & {*WORSE, Verdict.NOT_WRITTEN, Verdict.DRIFTED} else None
    return Doubt.WORSE if not drifts and verdicts & {*WORSE, Verdict.NOT_WRITTEN} else None


def _why_not(result: dict[str, Any]) -> str:  # Any: one result of the document
    return BODY_FAILED if result["measurement"] is None else OUTSIDE_BOUND
