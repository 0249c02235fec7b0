"""Strict reading of the text of a baseline file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from pytest_failaware.baselines.recipe_reading import check_recipe, read_cells, read_hash, read_seeds
from pytest_failaware.baselines.strict_yaml import Node, parse
from pytest_failaware.baselines.text import stored_rates
from pytest_failaware.core.baseline import RECIPE_SCHEMA, SCHEMA, Baseline, BaselineEntry, Change, Golden
from pytest_failaware.core.condition import Condition
from pytest_failaware.core.conditions.stored import stored_condition
from pytest_failaware.core.errors import ConfigError
from pytest_failaware.core.estimates import Cells
from pytest_failaware.core.measurement import DataFacts, ModelFacts
from pytest_failaware.core.rule import FailureRule

SCHEMAS: Final = (1, 2, SCHEMA, RECIPE_SCHEMA)
"""The readable schema versions; the first has no hash in the names of sample files."""


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
    of_recipe = ("recipe",) if version.value == RECIPE_SCHEMA else ()
    top = document.mapping(required=required, optional=("known_label_errors", *of_recipe))
    errors = top["known_label_errors"].items() if "known_label_errors" in top else []
    fields = _data_fields(top["data"], named=version.value > 1)
    data = _data(fields)
    entries = {key: _read_entry(key, entry, data) for key, entry in top["conditions"].mapping().items()}
    check_recipe(top.get("recipe"), top["conditions"], entries)
    return Baseline(
        name=name,
        data=data,
        preprocessing=top["preprocessing"].text(),
        entries=entries,
        samples_sha256=read_hash(fields["samples_sha256"]) if "samples_sha256" in fields else "",
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
    fields = entry.mapping(required=required, optional=("parameters", "seed", "seeds", "golden", "history"))
    model = fields["model"].mapping(required=("sha256", "architecture"), optional=())
    rule = _rule(fields["rule"])
    counts = read_cells(fields["cells"], data.samples)
    if fields["samples"].count() != data.samples:
        raise fields["samples"].error(f"is {fields['samples'].value}, and the cells below add up to {data.samples}")
    _check_rates(fields["rates"], counts)
    return BaselineEntry(
        condition=_condition(key, entry, fields),
        seed=fields["seed"].count() if "seed" in fields else None,
        rule=rule,
        cells=counts,
        records_sha256=read_hash(fields["records"]),
        model=ModelFacts(sha256=model["sha256"].text(), architecture=model["architecture"].text()),
        environment={name: value.text() for name, value in fields["environment"].mapping().items()},
        golden=_golden(fields["golden"], rule) if "golden" in fields else None,
        history=tuple(_change(change) for change in fields["history"].items()) if "history" in fields else (),
        seeds=read_seeds(fields["seeds"], data.samples) if "seeds" in fields else (),
    )


def _golden(golden: Node, entry_rule: FailureRule) -> Golden:
    """Return the golden reference; one that was stored without a rule has the rule of its entry."""
    fields = golden.mapping(required=("model", "records"), optional=("rule", "seeds"))
    return Golden(
        model_sha256=fields["model"].text(),
        records_sha256=read_hash(fields["records"]),
        rule=_rule(fields["rule"]) if "rule" in fields else entry_rule,
        seeds=tuple(map(read_hash, fields["seeds"].items())) if "seeds" in fields else (),
    )


def _check_rates(rates: Node, cells: Cells) -> None:
    """Refuse rates that the cells do not give, because people who read the file must be able to trust them."""
    expected = stored_rates(cells)
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
