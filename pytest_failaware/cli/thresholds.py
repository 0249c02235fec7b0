"""The command `thresholds`: choose the rule that trusts the most answers at a guaranteed risk, from stored records."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np

from pytest_failaware.baselines.opening import open_baseline, open_records, stored_records
from pytest_failaware.baselines.reports import measured_results
from pytest_failaware.cli.folder import add_baseline_dir
from pytest_failaware.cli.ini import write_rule
from pytest_failaware.core.baseline import BaselineEntry
from pytest_failaware.core.errors import ConfigError, choices
from pytest_failaware.core.layout import aligned
from pytest_failaware.core.records import Records
from pytest_failaware.core.rule import FailureRule
from pytest_failaware.judge.groups import one_of_each
from pytest_failaware.judge.thresholds import By, Curve, choose, fewest, with_scores_at

_EVERY: Final = 5  # percent of coverage between the rows that are printed


def add_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("name", metavar="NAME", help="a baseline's name, the path of its .yaml file, or a report.json")
    parser.add_argument(
        "--risk",
        metavar="SHARE",
        type=partial(share, where="--risk"),
        required=True,
        help="at most this share of the trusted answers may be wrong, as in 0.05; choose it before you see the results",
    )
    parser.add_argument(
        "--confidence-level",
        metavar="SHARE",
        type=partial(share, where="--confidence-level"),
        default=0.95,
        help="the confidence of the guarantee; default: 0.95",
    )
    parser.add_argument("--condition", metavar="NAME", default="clean", help="the condition to use; default: clean")
    parser.add_argument(
        "--by", choices=[by.value for by in By], default=By.BOTH.value, help="the parts of the rule; default: both"
    )
    parser.add_argument(
        "--write",
        metavar="FILE",
        type=Path,
        help="set failaware_rule in pytest.ini, pytest.toml, setup.cfg or pyproject.toml",
    )
    add_baseline_dir(parser)


def run(options: Namespace) -> Iterator[str]:
    """Yield the risk at each coverage, the chosen rule and its guarantee; exit code 1 if no rule can be chosen."""
    source = _of_report(options) if options.name.endswith(".json") else _of_baseline(options)
    records = source.records[options.condition]
    drawn = _independent(records)
    scored, by, level = with_scores_at(drawn, source.temperature), By(options.by), options.confidence_level
    found = choose(scored, source.classes, by, risk=options.risk, confidence=level)
    curve = replace(found, temperature=source.temperature)
    right = int(records.correct.sum())
    yield f"{source.name}, {options.condition}: {len(records):,} images, {right / len(records):.2%} right"
    if source.temperature != 1:
        yield f"confidence and entropy at temperature {source.temperature!r}, that of the rule"
    if drawn is not records:
        yield (
            f"chosen on {len(drawn):,} of them, one of each group: the images of a group are not independent, and more "
            "of them would prove too much"
        )
    if len(curve.trusted):
        yield from _table(curve, options.confidence_level)
    if curve.chosen is None:
        options.failed = True
        yield _nothing(curve, options, "images" if drawn is records else "groups")
        return
    rule, drawing = curve.rule(curve.chosen), "" if drawn is records else "one of each group, the groups "
    yield (
        f"with {_percent(options.confidence_level)} confidence at most {_percent(options.risk)} of the trusted answers "
        f"are wrong, on images like these ({options.condition}), {drawing}drawn independently"
    )
    yield from _elsewhere(options, source, rule, everywhere=drawn is not records)
    yield f'rule = "{rule}"'
    if options.write:
        yield write_rule(options.write, rule)
        yield from _accepting(source.entry, rule, options.risk) if source.entry else ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Source:
    """The records to choose from, by condition.

    `temperature` is that of the rule under which they were measured. `entry` is that of the chosen condition, None in a
    report.
    """

    name: str
    classes: int
    temperature: float
    records: Mapping[str, Records]
    entry: BaselineEntry | None


def _of_baseline(options: Namespace) -> _Source:
    baseline = open_baseline(options.name, options.baseline_dir)
    chosen = open_records(options, baseline, options.condition)
    others = {key: stored_records(options, baseline, key) for key in baseline.entries if key != options.condition}
    return _Source(
        name=baseline.name,
        classes=len(baseline.data.classes),
        temperature=baseline.entries[options.condition].rule.temperature,
        records={key: records for key in baseline.entries if (records := others.get(key, chosen)) is not None},
        entry=baseline.entries[options.condition],
    )


def _of_report(options: Namespace) -> _Source:
    """Return the records of a run, which are those of the candidate; of several tests the first one counts.

    Raises:
        ConfigError: the report has no records of the condition.
    """
    found = measured_results(Path(options.name))
    first = [(result, measurement) for result, measurement in found if result["test"] == found[0][0]["test"]]
    records = {measurement.condition.key: measurement.records for _, measurement in first}
    if options.condition not in records:
        raise ConfigError(
            f"--condition: {options.name} has no {options.condition!r}; {choices(options.condition, records)}"
        )
    classes, rule = len(first[0][1].provenance.data.classes), FailureRule.parse(first[0][0]["rule"])
    return _Source(name=options.name, classes=classes, temperature=rule.temperature, records=records, entry=None)


def share(text: str, where: str) -> float:
    """Read a number of at least a millionth and below 1."""
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 1e-6 <= number < 1:
        raise ConfigError(f"{where}: must be a number of at least 0.000001 and below 1, as in 0.05; got {text[:40]!r}")
    return number


# ---- the lines -----------------------------------------------------------------------------------------------------


def _table(curve: Curve, confidence: float) -> Iterator[str]:
    """Yield a table of tested rules from high coverage to low: each fifth percent, the first and the chosen rule."""
    levels = np.arange(_EVERY, 101, _EVERY) * curve.images // 100
    shown = set((np.searchsorted(curve.trusted, levels, "right") - 1).tolist()) | {0, curve.chosen}
    yield "risk: the share of wrong answers among the trusted ones; each bound is for its own row only"
    rows = [("trusted", "of them wrong", "risk", f"at most ({_percent(confidence)})", "rule", "")]
    for index in sorted((index for index in shown if index is not None and index >= 0), reverse=True):
        trusted, wrong = int(curve.trusted[index]), int(curve.wrong[index])
        mark = "<- chosen" if index == curve.chosen else ""
        rate, bound = f"{wrong / trusted:.2%}", f"{curve.bound[index]:.2%}"
        rows.append((_coverage(curve, index), str(wrong), rate, bound, str(curve.rule(index)), mark))
    yield from aligned(rows, left=(4, 5))


def _nothing(curve: Curve, options: Namespace, what: str) -> str:
    """Return why there is no rule, with the number that is needed or the best bound; `what` is images or groups."""
    target = _percent(options.risk)
    if not len(curve.trusted):
        needed = fewest(options.risk, options.confidence_level)
        return f"too few {what} for a risk of {target}: {needed:,} must be trusted, all of them right"
    best = int(curve.bound.argmin())
    return (
        f"no threshold guarantees a risk of {target}: the tests begin where {_coverage(curve, 0)} are trusted, with a "
        f"bound of {curve.bound[0]:.2%}; the lowest bound is {curve.bound[best]:.2%}, at {_coverage(curve, best)} (a "
        f"new target taken from here needs new {what})"
    )


def _elsewhere(options: Namespace, source: _Source, rule: FailureRule, *, everywhere: bool) -> Iterator[str]:
    """Yield the observed risk of the rule under the other conditions, or with `everywhere` on all images."""
    rows = []
    for key, records in source.records.items():
        if everywhere or key != options.condition:
            trusted = ~rule.flags_of(records)
            wrong, count = int((trusted & ~records.correct).sum()), int(trusted.sum())
            rows.append(
                (key, f"{count / len(records):.1%}", str(wrong), f"{wrong / count:.2%}" if count else "undefined")
            )
    if rows:
        where = "on all images" if everywhere else "under the other conditions"
        yield f"the same rule {where}, observed, without a guarantee"
        yield from aligned([("condition", "trusted", "of them wrong", "risk"), *rows], left=(0,))


def _accepting(entry: BaselineEntry, rule: FailureRule, risk: float) -> Iterator[str]:
    """Yield that a run judges the new rule as a change, and the command that stores it; nothing for the stored rule."""
    if entry.rule == rule:
        return
    subject = "model" if entry.environment else "predictions"
    yield f"the next run judges it like any change (rule changed: {entry.rule} -> {rule}); to accept it:"
    yield (
        f"  pytest -m reliability --failaware-{subject}=FILE --failaware-update-baselines "
        f'--failaware-reason="at most {_percent(risk)} of the trusted answers wrong"'
    )


def _coverage(curve: Curve, index: int) -> str:
    return f"{curve.trusted[index] / curve.images:.1%}"


def _percent(number: float) -> str:
    return f"{100 * number:g} %"


def _independent(records: Records) -> Records:
    """Return one record of each group, or all records if no two samples share a group."""
    rows = one_of_each(records.samples)
    return records if len(rows) == len(records) else records.take(rows)
