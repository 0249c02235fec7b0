"""The command `show`: print a baseline as a table."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Mapping, Sequence

from pytest_failaware.baselines.opening import directory_of, open_baseline, stored_records
from pytest_failaware.baselines.sample_files import missing_files
from pytest_failaware.baselines.sentences import too_few_seeds
from pytest_failaware.cli.folder import add_baseline_dir
from pytest_failaware.cli.gates import gate_over, sights_by_seeds
from pytest_failaware.config.lists import names_of
from pytest_failaware.core.baseline import FEWEST_SEEDS, Baseline, BaselineEntry, Change
from pytest_failaware.core.estimates import percent
from pytest_failaware.core.layout import aligned
from pytest_failaware.core.measurement import in_groups
from pytest_failaware.core.metric import OneSided
from pytest_failaware.core.rule import FailureRule
from pytest_failaware.judge.metrics.names import one_sided_metric
from pytest_failaware.judge.metrics.rates import FOUNDING_RATES, cell_rates
from pytest_failaware.report.power import seed_table
from pytest_failaware.report.words import heading, spelled


def add_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("name", metavar="NAME", help="a baseline's name, or the path of its .yaml file")
    parser.add_argument(
        "--metrics", metavar="METRIC", nargs="+", default=[], help="more columns, from the stored samples, as in augrc"
    )
    add_baseline_dir(parser)


def run(options: Namespace) -> Iterator[str]:
    """Yield a baseline as a table with one row per condition, then the history of its entries."""
    baseline = open_baseline(options.name, options.baseline_dir)
    data = baseline.data
    size = f"{data.samples:,} images{in_groups(data)}, {len(data.classes)} classes"
    chosen = [name for name in dict.fromkeys(names_of(options.metrics)) if name not in FOUNDING_RATES]
    named = [one_sided_metric(name, "--metrics") for name in chosen]
    yield f"{baseline.name}: {size}; preprocess {baseline.preprocessing}"
    yield from _rules(baseline)
    if baseline.seed_count > 1:
        seeds = too_few_seeds(baseline.seed_count) or f"{baseline.seed_count} seeds"
        yield f"recipe: {seeds}; the first is shown, and python -m pytest_failaware seeds {baseline.name} lists all"
    rows = []
    for key, entry in baseline.entries.items():
        rates = cell_rates(entry.cells)
        shown = [percent(rates[name]) for name in FOUNDING_RATES]
        rows.append((key, *shown, *_others(options, baseline, entry, named), entry.model.sha256[:8]))
    headings = [*map(heading, FOUNDING_RATES), *(heading(metric.name) for metric in named)]
    yield from aligned([("condition", *headings, "model"), *rows], left=(0,))
    yield from _spread(options, baseline)
    for key, entry in baseline.entries.items():
        yield from (f"{key}: {_change(change)}" for change in entry.history)


def _spread(options: Namespace, baseline: Baseline) -> Iterator[str]:
    """Yield how much the seeds of a recipe differ, and the smallest drops that the default gates see."""
    if baseline.seed_count < FEWEST_SEEDS:
        return
    if missing_files(directory_of(options.name, options.baseline_dir), baseline):
        yield "how much the seeds differ is not known: sample files are absent; restore them from version control"
        return
    yield from seed_table(list(sights_by_seeds(options, baseline, gate_over(baseline, []))))


def _rules(baseline: Baseline) -> Iterator[str]:
    """Yield each rule of the entries and of their golden references, with its conditions unless all have it."""
    entries = baseline.entries
    golden = {key: entry.golden.rule for key, entry in entries.items() if entry.golden}
    yield from _by_rule("rule", {key: entry.rule for key, entry in entries.items()}, len(entries))
    other = {key: rule for key, rule in golden.items() if rule != entries[key].rule}
    yield from _by_rule("rule of the golden reference", other, len(entries))


def _by_rule(what: str, rules: Mapping[str, FailureRule], entries: int) -> Iterator[str]:
    for rule in dict.fromkeys(rules.values()):
        keys = [key for key, other in rules.items() if other == rule]
        yield f"{what}: {rule}" + (f" ({', '.join(keys)})" if len(keys) < entries else "")


def _change(change: Change) -> str:
    """Return an accepted change in one line."""
    reset = ", golden reset" if change.golden_reset else ""
    return f"{change.reason} (model {change.model_sha256[:8]}{reset})"


def _others(options: Namespace, baseline: Baseline, entry: BaselineEntry, named: Sequence[OneSided]) -> Iterator[str]:
    """Yield the metrics of --metrics, from the counts or from the stored outcome of every sample."""
    rates = cell_rates(entry.cells)
    if any(metric.name not in rates for metric in named):
        records = stored_records(options, baseline, entry.condition.key)
    for metric in named:
        if metric.name in rates:
            yield spelled(rates[metric.name])
        elif records is None:
            yield "no sample file"
        else:
            value = metric.measure(records, entry.rule.flags_of(records))
            yield "no logits" if value.lacks_logits else spelled(value)
