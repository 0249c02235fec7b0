"""The canonical text of a baseline file, for review."""

from __future__ import annotations

import re
from typing import Any, Final

import yaml

from pytest_failaware.core.baseline import RECIPE_SCHEMA, SCHEMA, Baseline, BaselineEntry, Change, Golden, Seed
from pytest_failaware.core.conditions.stored import stored_parameters
from pytest_failaware.core.estimates import Cells
from pytest_failaware.judge.metrics.rates import FOUNDING_RATES, cell_rates

HEADER: Final = "# Written by pytest --failaware-update-baselines; review it like code.\n"
_BREAKS: Final = re.compile("[\x85\u2028\u2029]")  # line breaks for YAML 1.1, which folds them when it reads


def baseline_text(baseline: Baseline) -> str:
    """Return the canonical text of a baseline: stable order, no dates, one number a line.

    A further seed of a recipe is one line. A file without further seeds keeps the number of its schema.
    """
    version = _version(baseline)
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
        **({"recipe": {"seeds": baseline.seed_count}} if baseline.seed_count > 1 else {}),
        "conditions": {key: _plain(entry, version) for key, entry in sorted(baseline.entries.items())},
    }
    return HEADER + yaml.dump(document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=10_000)


def stored_rates(cells: Cells) -> dict[str, float | None]:
    """Return the rates for people who read the file; only the counts are read back."""
    rates = cell_rates(cells)
    values = {name: rates[name].value for name in FOUNDING_RATES}
    return {name: None if value is None else round(value, 6) for name, value in values.items()}


def _version(baseline: Baseline) -> int:
    """Return the schema of a baseline; a file that needs nothing of a newer schema keeps the older number."""
    if not baseline.samples_sha256:
        return 1
    holds_seeds = any(entry.seeds or (entry.golden and entry.golden.seeds) for entry in baseline.entries.values())
    return RECIPE_SCHEMA if holds_seeds else SCHEMA


class _Line(dict[str, Any]):  # Any: what YAML can hold
    """A mapping that is written on one line."""


class _Dumper(yaml.SafeDumper):
    """A dumper that writes text so that reading returns the same text."""


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style='"' if _BREAKS.search(text) else None)


def _represent_line(dumper: yaml.SafeDumper, line: _Line) -> yaml.MappingNode:
    return dumper.represent_mapping("tag:yaml.org,2002:map", line.items(), flow_style=True)


_Dumper.add_representer(str, _represent_text)
_Dumper.add_representer(_Line, _represent_line)


def _plain(entry: BaselineEntry, version: int) -> dict[str, Any]:  # Any: what YAML can hold
    parameters = stored_parameters(entry.condition)
    return {
        **({"parameters": parameters} if parameters else {}),
        "implementation": entry.condition.implementation,
        **({"seed": entry.seed} if entry.seed is not None else {}),
        "rule": str(entry.rule),
        "samples": entry.cells.samples,
        "cells": _counts(entry.cells),
        "rates": stored_rates(entry.cells),
        "records": entry.records_sha256,
        "model": {"sha256": entry.model.sha256, "architecture": entry.model.architecture},
        "environment": dict(sorted(entry.environment.items())),
        **({"seeds": [_plain_seed(seed) for seed in entry.seeds]} if entry.seeds else {}),
        **({"golden": _plain_golden(entry.golden, version)} if entry.golden else {}),
        **({"history": [_plain_change(change) for change in entry.history]} if entry.history else {}),
    }


def _counts(cells: Cells) -> dict[str, int]:
    return {name: getattr(cells, name) for name in Cells.__slots__}


def _plain_seed(seed: Seed) -> _Line:
    return _Line(**_counts(seed.cells), records=seed.records_sha256, model=seed.model_sha256)


def _plain_golden(golden: Golden, version: int) -> dict[str, Any]:  # Any: what YAML can hold
    """Return the golden reference; schema 1 has no place for its rule, which is that of the entry there."""
    return {
        "model": golden.model_sha256,
        "records": golden.records_sha256,
        **({} if version == 1 else {"rule": str(golden.rule)}),
        **({"seeds": list(golden.seeds)} if golden.seeds else {}),
    }


def _plain_change(change: Change) -> dict[str, str | bool]:
    reset = {"golden_reset": True} if change.golden_reset else {}
    return {"reason": change.reason, "model": change.model_sha256, **reset}
