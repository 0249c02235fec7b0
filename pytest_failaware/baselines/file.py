"""Baseline files: canonical text for review, and strict reading."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from pytest_failaware.baselines.strict_yaml import Node, parse
from pytest_failaware.core.baseline import SCHEMA, Baseline, BaselineEntry, Change, Golden
from pytest_failaware.core.condition import Condition
from pytest_failaware.core.conditions.stored import stored_condition, stored_parameters
from pytest_failaware.core.errors import BaselineError, ConfigError
from pytest_failaware.core.estimates import Cells
from pytest_failaware.core.lfs import LFS_REMEDY, is_lfs_pointer
from pytest_failaware.core.measurement import DataFacts, ModelFacts
from pytest_failaware.core.rule import FailureRule
from pytest_failaware.judge.metrics.rates import FOUNDING_RATES, cell_rates

SCHEMAS: Final = (1, 2, SCHEMA)
"""The readable schema versions; the first has no hash in the names of sample files."""

HEADER: Final = "# Written by pytest --failaware-update-baselines; review it like code.\n"
_NAME: Final = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,79}")
_DEVICE: Final = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?", re.IGNORECASE)  # on Windows, in any folder
_HASH: Final = re.compile(r"sha256:[0-9a-f]{64}")
_BREAKS: Final = re.compile("[\x85\u2028\u2029]")  # line breaks for YAML 1.1, which folds them when it reads
_LARGEST: Final = 5_000_000  # bytes


def baseline_path(directory: Path, name: str) -> Path:
    """Return the path of a baseline's file.

    Raises:
        BaselineError: the name cannot be the name of a file.
    """
    if not _NAME.fullmatch(name) or name.endswith(".yaml"):
        raise BaselineError(
            f"baseline name {name!r}: give the name alone, up to 80 letters, digits, '.', '_' and '-', without a "
            "leading dot or the ending .yaml"
        )
    if _DEVICE.fullmatch(name) or name.endswith("."):
        raise BaselineError(f"baseline name {name!r}: Windows allows no file or folder of this name; choose another")
    return directory / f"{name}.yaml"


def baseline_names(directory: Path) -> tuple[str, ...]:
    """Return the names of the stored baselines."""
    return tuple(sorted(path.stem for path in directory.glob("*.yaml")))


def read_baseline(directory: Path, name: str) -> Baseline | None:
    """Return the stored baseline; None if there is no such file.

    Raises:
        BaselineError: the file is invalid; the error names the file, the line and the fault.
    """
    path = baseline_path(directory, name)
    if not path.exists():
        return None
    return parse_baseline(read_text(path), str(path), name)


def read_text(path: Path) -> str:
    """Return the text of a baseline's file.

    Raises:
        BaselineError: the file cannot be read, is too large for a baseline, or is a Git LFS pointer.
    """
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST + 1)
        text = content.decode("utf-8").replace("\r\n", "\n")
    except (OSError, UnicodeDecodeError) as error:
        raise BaselineError(f"{path}: cannot be read ({error}); restore the file from version control") from error
    if len(content) > _LARGEST:
        raise BaselineError(f"{path}: larger than any baseline ({_LARGEST:,} bytes); restore it from version control")
    if is_lfs_pointer(content):
        raise BaselineError(f"{path}: is a Git LFS pointer; {LFS_REMEDY}")
    return text


def baseline_text(baseline: Baseline) -> str:
    """Return the canonical text of a baseline: stable order, no dates, one number a line."""
    version = SCHEMA if baseline.samples_sha256 else 1
    document = {
        "schema": version,
        "data": {
            "fingerprint": baseline.data.fingerprint,
            "samples": baseline.data.samples,
            **({"samples_sha256": baseline.samples_sha256} if baseline.samples_sha256 else {}),
            **({"skipped": baseline.data.skipped} if baseline.data.skipped else {}),
            **({"groups": baseline.data.groups} if baseline.data.groups else {}),
            "classes": list(baseline.data.classes),
        },
        "preprocessing": baseline.preprocessing,
        **({"known_label_errors": list(baseline.known_label_errors)} if baseline.known_label_errors else {}),
        "conditions": {key: _plain(entry, version) for key, entry in sorted(baseline.entries.items())},
    }
    return HEADER + yaml.dump(document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=10_000)


class _Dumper(yaml.SafeDumper):
    """A dumper that writes text so that reading returns the same text."""


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style='"' if _BREAKS.search(text) else None)


_Dumper.add_representer(str, _represent_text)


# ---- Baseline -> plain ---------------------------------------------------------------------------------------------


def _plain(entry: BaselineEntry, version: int) -> dict[str, Any]:  # Any: what YAML can hold
    parameters = stored_parameters(entry.condition)
    return {
        **({"parameters": parameters} if parameters else {}),
        "implementation": entry.condition.implementation,
        **({"seed": entry.seed} if entry.seed is not None else {}),
        "rule": str(entry.rule),
        "samples": entry.cells.samples,
        "cells": {name: getattr(entry.cells, name) for name in Cells.__slots__},
        "rates": _rates(entry.cells),
        "records": entry.records_sha256,
        "model": {"sha256": entry.model.sha256, "architecture": entry.model.architecture},
        "environment": dict(sorted(entry.environment.items())),
        **({"golden": _plain_golden(entry.golden, version)} if entry.golden else {}),
        **({"history": [_plain_change(change) for change in entry.history]} if entry.history else {}),
    }


def _plain_golden(golden: Golden, version: int) -> dict[str, str]:
    """Return the golden reference; schema 1 has no place for its rule, which is that of the entry there."""
    rule = {} if version == 1 else {"rule": str(golden.rule)}
    return {"model": golden.model_sha256, "records": golden.records_sha256, **rule}


def _plain_change(change: Change) -> dict[str, str | bool]:
    reset = {"golden_reset": True} if change.golden_reset else {}
    return {"reason": change.reason, "model": change.model_sha256, **reset}


def _rates(cells: Cells) -> dict[str, float | None]:
    """Return the rates for people who read the file; only the counts are read back."""
    rates = cell_rates(cells)
    values = {name: rates[name].value for name in FOUNDING_RATES}
    return {name: None if value is None else round(value, 6) for name, value in values.items()}


# ---- plain -> Baseline ---------------------------------------------------------------------------------------------


def parse_baseline(text: str, file: str, name: str) -> Baseline:
    """Return the baseline in a text; errors name it `file`.

    Raises:
        BaselineError: the text is invalid; the error names the file, the line and the fault.
    """
    document = parse(text, file)
    version = document.mapping(required=("schema",))["schema"]
    if version.count() not in SCHEMAS:
        remedy = "install the version of pytest-failaware that wrote the file"
        raise version.error(f"is {version.value}, this version reads {SCHEMAS[0]} to {SCHEMAS[-1]}", remedy)
    required = ("schema", "data", "preprocessing", "conditions")
    top = document.mapping(required=required, optional=("known_label_errors",))
    errors = top["known_label_errors"].items() if "known_label_errors" in top else []
    fields = _data_fields(top["data"], named=version.value > 1)
    data = _data(fields)
    entries = {key: _read_entry(key, entry, data) for key, entry in top["conditions"].mapping().items()}
    return Baseline(
        name=name,
        data=data,
        preprocessing=top["preprocessing"].text(),
        entries=entries,
        samples_sha256=_hash(fields["samples_sha256"]) if "samples_sha256" in fields else "",
        schema=version.count(),
        known_label_errors=tuple(error.count() for error in errors),
        lines=document.lines(),
    )


def _data_fields(data: Node, *, named: bool) -> dict[str, Node]:
    """Return the fields of the data; since schema 2 they have the hash that names the file of samples."""
    required = ("fingerprint", "samples", "classes", *(("samples_sha256",) if named else ()))
    return data.mapping(required=required, optional=("skipped", "groups"))


def _data(fields: Mapping[str, Node]) -> DataFacts:
    return DataFacts(
        fingerprint=fields["fingerprint"].text(),
        samples=fields["samples"].count(),
        classes=tuple(item.text() for item in fields["classes"].items()),
        skipped=fields["skipped"].count() if "skipped" in fields else 0,
        groups=fields["groups"].count() if "groups" in fields else 0,
    )


def _read_entry(key: str, entry: Node, data: DataFacts) -> BaselineEntry:
    required = ("implementation", "rule", "samples", "cells", "rates", "records", "model", "environment")
    fields = entry.mapping(required=required, optional=("parameters", "seed", "golden", "history"))
    cells = {
        name: count.count() for name, count in fields["cells"].mapping(required=Cells.__slots__, optional=()).items()
    }
    model = fields["model"].mapping(required=("sha256", "architecture"), optional=())
    rule = _rule(fields["rule"])
    counts = Cells(**cells)
    if not sum(cells.values()) == fields["samples"].count() == data.samples:
        raise fields["cells"].error(f"add up to {sum(cells.values())}, the data set has {data.samples} samples")
    _check_rates(fields["rates"], counts)
    return BaselineEntry(
        condition=_condition(key, entry, fields),
        seed=fields["seed"].count() if "seed" in fields else None,
        rule=rule,
        cells=counts,
        records_sha256=_hash(fields["records"]),
        model=ModelFacts(sha256=model["sha256"].text(), architecture=model["architecture"].text()),
        environment={name: value.text() for name, value in fields["environment"].mapping().items()},
        golden=_golden(fields["golden"], rule) if "golden" in fields else None,
        history=tuple(_change(change) for change in fields["history"].items()) if "history" in fields else (),
    )


def _golden(golden: Node, entry_rule: FailureRule) -> Golden:
    """Return the golden reference; one that was stored without a rule has the rule of its entry."""
    fields = golden.mapping(required=("model", "records"), optional=("rule",))
    return Golden(
        model_sha256=fields["model"].text(),
        records_sha256=_hash(fields["records"]),
        rule=_rule(fields["rule"]) if "rule" in fields else entry_rule,
    )


def _hash(entry: Node) -> str:
    """Return a valid hash, because a part of it becomes the name of a file."""
    text = entry.text()
    if not _HASH.fullmatch(text):
        raise entry.error(f"must be sha256: and 64 digits of a hash, got {text[:80]!r}")
    return text


def _check_rates(rates: Node, cells: Cells) -> None:
    """Refuse rates that the cells do not give, because people who read the file must be able to trust them."""
    expected = _rates(cells)
    for name, rate in rates.mapping(required=tuple(expected), optional=()).items():
        if rate.value != expected[name]:
            raise rate.error(f"is {rate.value}, and the cells above make it {expected[name]} (edited by hand?)")


def _change(change: Node) -> Change:
    fields = change.mapping(required=("reason", "model"), optional=("golden_reset",))
    reset = fields.get("golden_reset")
    if reset is not None and reset.value is not True:
        raise reset.error(f"is {reset.value!r}; it is true or absent")
    return Change(reason=fields["reason"].text(), model_sha256=fields["model"].text(), golden_reset=reset is not None)


def _rule(rule: Node) -> FailureRule:
    try:
        return FailureRule.parse(rule.text())
    except ConfigError as error:
        raise rule.error(f"is not a rule ({error})") from error


def _condition(key: str, entry: Node, fields: Mapping[str, Node]) -> Condition:
    stored = fields["parameters"].mapping() if "parameters" in fields else {}
    numbers = {name: value.number() for name, value in stored.items()}
    implementation = fields["implementation"].count()
    try:
        return stored_condition(key, numbers, implementation=implementation, is_random="seed" in fields)
    except ConfigError as error:
        raise entry.error(str(error)) from error
