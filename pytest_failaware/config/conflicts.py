"""Reject combinations of options that would weaken a gate."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Final

from pytest_failaware.config.option_texts import OptionText, Surroundings
from pytest_failaware.config.options import OPTIONS, PREFIX
from pytest_failaware.core.errors import ConfigError
from pytest_failaware.core.gate import Gate
from pytest_failaware.core.request import PlaceKind, Precision, RunConfig, SubjectKind, UpdateMode
from pytest_failaware.report.places import records_path

_SWITCHES: Final = frozenset(option.name for option in OPTIONS if option.flag)
_LEAST_ALPHA: Final = Decimal("1e-12")  # proven if forty samples are lost and none is gained


def refuse_contradictions(config: RunConfig, options: Mapping[str, OptionText], around: Surroundings) -> None:
    """Refuse options that together would weaken a gate without a review, or store only a part of the numbers.

    Raises:
        ConfigError: the message names the options and which of them to remove.
    """
    if config.precision is Precision.TF32 and config.device == "cpu":
        raise ConfigError(f"{options['precision'].where}: only CUDA has TF32; remove it, or the device cpu")
    if config.check:
        _refuse_beside_check(options)
    if config.outputs.files:
        _refuse_shared_files(config, options["report"].lines)
    if config.subject is SubjectKind.PREDICTIONS:
        _refuse_what_a_model_needs(config, options)
    readers = {"strict": config.strict, "limit": config.limit, "against": config.against, "override": config.overrides}
    for name, active in readers.items():
        if active and config.writing.asked:
            where = options[name].where if name in options else f"--failaware-{name}"
            raise ConfigError(f"{where}: a run with it writes no baseline, not even in a dry run; remove one of them")
    if config.strict:
        _refuse_unreviewed(config, options)
        refuse_ineffective(config.gate)
    if config.writing.asked and config.writing.is_refused and not config.writing.dry_run:
        raise ConfigError(
            f"this is a CI server ({around.ci_server} is set), where baselines are not written: update them where "
            "somebody reviews the change, or set failaware_update_in_ci = true in the ini"
        )


def _refuse_beside_check(options: Mapping[str, OptionText]) -> None:
    """Refuse options that need all samples, since --failaware-check looks at only a few."""
    writing = ("update-baselines", "update-new", "add-seed", "prune", "dry-run", "reason", "reset-golden")
    # a report in the ini is meant for other runs
    is_typed = "report" in options and options["report"].kind is PlaceKind.COMMAND_LINE
    report = ("report",) if is_typed else ()
    for name in ("strict", "limit", "against", *writing, *report):
        if name in options and (name not in _SWITCHES or options[name].switch()):
            raise ConfigError(
                f"{options[name].where}: --failaware-check only looks at a few samples, so there is nothing to judge, "
                f"store or report; {_left_out(name, options[name])}"
            )


def _refuse_shared_files(config: RunConfig, reports: Iterable[OptionText]) -> None:
    """Refuse a report that would overwrite another report or a baseline."""
    taken: dict[Path, str] = {}
    for report, path in zip(reports, config.outputs.files, strict=True):
        for written in (path, records_path(path)) if path.suffix.lower() == ".json" else (path,):
            if written in taken or written.is_relative_to(config.baseline_dir):
                holder = taken.get(written, f"the baselines in {config.baseline_dir}")
                raise ConfigError(f"{report.where}: {written} is for {holder}; name another file")
            taken[written] = report.where


def _left_out(name: str, option: OptionText) -> str:
    """Return how to run without an option, which depends on where the option was given."""
    if option.kind is PlaceKind.COMMAND_LINE:
        return "remove one of them"
    if option.kind is PlaceKind.ENVIRONMENT:
        return f"unset {option.place}"
    return f"add -o {PREFIX}{name}={'false' if name in _SWITCHES else ''}"


def _refuse_unreviewed(config: RunConfig, options: Mapping[str, OptionText]) -> None:
    for name, bends in (("override", config.overrides), ("limit", config.limit)):
        if bends:
            raise ConfigError(
                f"{options['strict'].where}: cannot be combined with --failaware-{name}, which changes the gate; "
                "remove one of them"
            )
    for name, what in (("against", "its reference"), ("group", "the groups of samples")):
        if name in options and options[name].kind is PlaceKind.COMMAND_LINE:
            raise ConfigError(
                f"{options[name].where}: a strict run takes {what} from a reviewed file; set "
                f"failaware_{name} in the ini, or remove one of them"
            )


def refuse_ineffective(gate: Gate) -> None:
    """Refuse a gate that could never fail: the tolerance is as wide as the range of the metric, or alpha is too small.

    Raises:
        ConfigError: the message names the metric, or alpha.
    """
    for name in gate.metrics:
        metric = gate.table.get(name)
        lowest, highest = getattr(metric, "lowest", 0.0), getattr(metric, "highest", 1.0)
        if gate.allowed(name) >= Decimal(str(highest - lowest)):
            raise ConfigError(
                f"tolerance {gate.allowed(name)} of {name}: it could never fail a strict run; write a smaller one, as "
                "in 0.005"
            )
    if gate.alpha is not None and gate.alpha < _LEAST_ALPHA:
        raise ConfigError(
            f"alpha {gate.alpha}: hardly any loss is proven at this level; a strict run needs at least {_LEAST_ALPHA}"
        )


def _refuse_what_a_model_needs(config: RunConfig, options: Mapping[str, OptionText]) -> None:
    where = options["predictions"].where
    if config.model is not None:
        raise ConfigError(
            f"{where} and {options['model'].where} exclude each other: the first was predicted elsewhere, the second "
            "is run here; keep one"
        )
    if config.limit is not None:
        raise ConfigError(f"{options['limit'].where}: predictions are not measured again; remove it or {where}")


def check_logits(config: RunConfig, gate: Gate) -> None:
    """Refuse a gate whose metrics need every logit if logits are missing now, or will be missing in the baseline.

    Raises:
        ConfigError: the message names the metrics and the ini key.
    """
    stores = config.writing.update is not UpdateMode.NOTHING
    are_there = config.subject is SubjectKind.PREDICTIONS and not stores  # a file of predictions has its own logits
    if gate.of_logits and not config.store_logits and not are_there:
        raise ConfigError(
            f"metrics: {', '.join(gate.of_logits)}: needs every logit of a sample, and they are not kept; set "
            "failaware_store_logits = true in the ini, and record the baseline again with --failaware-update-baselines"
        )
