"""The command `mce`: print the corruption errors of a baseline, alone or relative to those of a reference model."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from typing import Final, NamedTuple

from pytest_failaware.baselines.file import baseline_names
from pytest_failaware.baselines.opening import open_baseline
from pytest_failaware.cli.folder import add_baseline_dir
from pytest_failaware.core.baseline import Baseline
from pytest_failaware.core.errors import BaselineError
from pytest_failaware.core.estimates import percent
from pytest_failaware.judge.corruption import alexnet
from pytest_failaware.judge.corruption.errors import ErrorRates, normalise, summarise
from pytest_failaware.judge.corruption.summary import baseline_rates, baseline_sides, is_alexnets, reference_differences
from pytest_failaware.report.corruption import corruption_table, total_sentences

PUBLISHED: Final = "alexnet"
"""The name of the only reference that is not a baseline."""


class _Reference(NamedTuple):
    """The error rates of a reference, with a note if its name is ambiguous."""

    name: str
    rates: ErrorRates
    note: str


def add_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("name", metavar="NAME", help="a baseline's name, or the path of its .yaml file")
    parser.add_argument(
        "--reference",
        metavar="OTHER",
        help=f"the model whose errors are the unit: a baseline, or {PUBLISHED} for its published errors; default: none",
    )
    add_baseline_dir(parser)


def run(options: Namespace) -> Iterator[str]:
    """Yield the error rates of each corruption, and the means over them."""
    baseline = open_baseline(options.name, options.baseline_dir)
    rates, reference = baseline_rates(baseline), _reference(options, baseline)
    summary = summarise(baseline.name, rates)
    if summary is None:
        raise BaselineError(
            f"{baseline.name}: no corruption was recorded at all five severities, so it has no corruption error; gate "
            "conditions such as 'fog:1..5' or 'imagenet-c' and record them"
        )
    clean = f"; error on clean images {percent(rates['clean'])}" if "clean" in rates else ""
    yield f"{baseline.name}: {baseline.data.samples:,} images, {len(baseline.data.classes)} classes{clean}"
    ratios = None if reference is None else normalise(rates, reference.name, reference.rates)
    yield from corruption_table(summary, ratios)
    yield from total_sentences(summary, ratios)
    if reference is not None and reference.note:
        yield f"note: {reference.note}"


def _reference(options: Namespace, baseline: Baseline) -> _Reference | None:
    """Return the reference that --reference names, None without that option."""
    if options.reference is None:
        return None
    return _published(options, baseline) if options.reference == PUBLISHED else _stored(options, baseline)


def _published(options: Namespace, baseline: Baseline) -> _Reference:
    """Return AlexNet's errors, which are meaningful only for ImageNet's classes and image sizes."""
    sides, classes = baseline_sides(baseline), len(baseline.data.classes)
    if not all(is_alexnets(classes, side) for side in sides):
        pixels = ", ".join(map(str, sorted(sides)))
        raise BaselineError(
            f"--reference {PUBLISHED}: was published for {alexnet.CLASSES} classes and images of {alexnet.SIDE_PX} "
            f"pixels, {baseline.name} has {classes} classes and conditions for {pixels} pixels; give another "
            "baseline as the reference"
        )
    note = ""
    if PUBLISHED in baseline_names(options.baseline_dir):
        path = options.baseline_dir / f"{PUBLISHED}.yaml"
        note = f"{PUBLISHED} means the published errors; for the stored baseline give --reference {path}"
    return _Reference(name=alexnet.ALEXNET, rates=alexnet.ERRORS, note=note)


def _stored(options: Namespace, baseline: Baseline) -> _Reference:
    """Return the error rates of another baseline of the same data set and conditions."""
    other = open_baseline(options.reference, options.baseline_dir, also=(PUBLISHED,))
    if differences := list(reference_differences(baseline, other)):
        raise BaselineError(
            f"--reference {options.reference}: cannot be compared with {options.name} ({'; '.join(differences)}); "
            "record both with the same data set and conditions"
        )
    differs = baseline.preprocessing != other.preprocessing
    note = f"preprocessing differs: {other.preprocessing} -> {baseline.preprocessing}" if differs else ""
    return _Reference(name=f"baseline {other.name!r}", rates=baseline_rates(other), note=note)
