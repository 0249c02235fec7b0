"""The command `temperature`: fit the T that calibrates stored logits on one half, and judge it on the other half."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from typing import Final

import numpy as np

from pytest_failaware.baselines.opening import WITH_LOGITS, open_baseline, open_records
from pytest_failaware.cli.folder import add_baseline_dir
from pytest_failaware.core.errors import BaselineError
from pytest_failaware.core.layout import aligned
from pytest_failaware.core.metric import NO_LOGITS
from pytest_failaware.core.records import TEMPERATURE, Records
from pytest_failaware.judge.metrics.logits import TEMPERATURES, fit_temperature
from pytest_failaware.judge.metrics.names import one_sided_metric
from pytest_failaware.judge.metrics.scores import SCORE_METRICS
from pytest_failaware.judge.significance.jackknife import deal
from pytest_failaware.report.words import spelled

_SHOWN: Final = {"nll": "NLL", "ece": "ECE", "augrc": "AUGRC"}


def add_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("name", metavar="NAME", help="a baseline's name, or the path of its .yaml file")
    parser.add_argument("--condition", metavar="NAME", default="clean", help="the condition to use; default: clean")
    add_baseline_dir(parser)


def run(options: Namespace) -> Iterator[str]:
    """Yield T and its effect on the other half of the samples; the exit code is 1 if there is no such T."""
    baseline = open_baseline(options.name, options.baseline_dir)
    records = open_records(options, baseline, options.condition)
    if records.logits is None:
        raise BaselineError(f"{options.name}: {NO_LOGITS} for {options.condition}; {WITH_LOGITS}")
    fitted_on, judged_on = _halves(records)
    if not len(judged_on):
        raise BaselineError(
            f"{options.name}: one image, or one group of them, for {options.condition}; a fit and its judgement "
            "need two"
        )
    yield (
        f"{baseline.name}, {options.condition}: {len(records):,} images; T is fitted on {len(fitted_on):,} of them, "
        f"and judged on the other {len(judged_on):,}"
    )
    fitted = fit_temperature(fitted_on)
    if fitted is None:
        options.failed = True
        low, high = TEMPERATURES
        yield (
            f"no temperature from {low:g} to {high:g} has the least NLL: every answer is right, the logits carry no "
            "information or are in other units, or a label has probability 0"
        )
        return
    at = f"{TEMPERATURE}{fitted:.4g}"  # four digits: what is printed is what was judged
    yield f"T = {fitted:.4g}: {_meaning(float(f'{fitted:.4g}'))}"
    yield from aligned([("", *_SHOWN.values()), _row("before", judged_on), _row("after", judged_on, f"({at})")], (0,))
    yield f'to gate it: metrics=["ece({at})"], with failaware_store_logits = true in the ini'


def _meaning(temperature: float) -> str:
    if temperature == 1:
        return "the model is as confident as it should be"
    return "the model is too confident" if temperature > 1 else "the model is not confident enough"


def _halves(records: Records) -> tuple[Records, Records]:
    """Return two halves by a hash of the ids, so that the order of the data has no effect; no group is in both."""
    part = deal(records.samples, parts=2)
    first, second = (records.take(np.flatnonzero(part == half)) for half in (0, 1))
    return first, second


def _row(label: str, records: Records, at: str = "") -> tuple[str, ...]:
    metrics = [SCORE_METRICS[name] if not at else one_sided_metric(name + at, "temperature") for name in _SHOWN]
    unflagged = np.zeros(len(records), dtype=np.bool_)  # these metrics use no rule
    return label, *(spelled(metric.measure(records, unflagged)) for metric in metrics)
