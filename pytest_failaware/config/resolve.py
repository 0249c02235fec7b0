"""Option values -> one frozen RunConfig: each option is read as its row in config/options.py says.

The command line wins over the environment, which wins over the ini. Paths on the command line start at the directory
pytest was called from, paths in the ini at the ini file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, Final, TypeVar

from pytest_failaware.config.conflicts import check_logits, refuse_contradictions
from pytest_failaware.config.gate import build_gate
from pytest_failaware.config.given import Given, Surroundings, default_options, given_options
from pytest_failaware.config.options import INI_KEYS, OPTIONS, PREFIX
from pytest_failaware.config.readers import read_options
from pytest_failaware.config.vocabulary import BUILT_IN, Vocabulary
from pytest_failaware.config.writing import check_writing, update_mode
from pytest_failaware.core.conditions.catalogue import FOUNDING
from pytest_failaware.core.gate import Gate
from pytest_failaware.core.request import Loading, Origin, Outputs, RunConfig, Writing

_OVERRIDE: Final = "--failaware-override="
Part = TypeVar("Part", Loading, Outputs, Writing, RunConfig)
Values = dict[str, Any]  # Any: a field has the type that its reader returns


def resolve(
    *,
    command_line: Mapping[str, object],
    ini: Mapping[str, object],
    around: Surroundings,
    vocabulary: Vocabulary = BUILT_IN,
) -> RunConfig:
    """The configuration of a run.

    Args:
        command_line: option name (`model`, `batch-size`) -> what was typed.
        ini: key without the prefix (`model`, `batch_size`, `conditions`) -> its value; absent or None is not set.
        around: the environment variables and the directories where paths start.
        vocabulary: the conditions and metrics that can be named.

    Raises:
        ConfigError: naming the option or key, the value and the remedy.
    """
    given = given_options(command_line, ini, around)
    if "predictions" in given:
        vocabulary = vocabulary.of_predictions
    options = default_options(around) | given
    values: Values = read_options(options)
    build_gate(values.get("overrides", {}), prefix=_OVERRIDE, vocabulary=vocabulary)
    parts: Values = {
        "loading": _part(Loading, values),
        "writing": _writing(values, given, around),
        "outputs": _outputs(values, around),
        "gate": _gate(values, ini, vocabulary),
        "origins": _origins(options),
    }
    config = _part(RunConfig, values | parts)
    refuse_contradictions(config, given, around)
    check_logits(config, config.gate)
    return config


def _part(kind: type[Part], values: Values) -> Part:
    """A part with the values that it has fields for; an option without a value leaves the default of its field."""
    return kind(**{field.name: values[field.name] for field in fields(kind) if field.name in values})


def _writing(values: Values, given: Mapping[str, Given], around: Surroundings) -> Writing:
    mode = update_mode(everything=values.get("update_baselines", False), missing=values.get("update_new", False))
    is_refused = bool(around.ci_server) and not values["update_in_ci"]
    writing = _part(Writing, values | {"update": mode, "is_refused": is_refused})
    check_writing(writing, given, needs_reason=values["require_reason"])
    return writing


def _outputs(values: Values, around: Surroundings) -> Outputs:
    """A run that only checks the set-up writes no report."""
    if values.get("check", False):
        return _part(Outputs, values | {"files": (), "github": False})
    return _part(Outputs, values | {"github": values["github"] and around.is_github_job})


def _gate(values: Values, ini: Mapping[str, object], vocabulary: Vocabulary) -> Gate:
    """The gate of a bare marker."""
    arguments = {"conditions": FOUNDING} | {key: ini[key] for key in INI_KEYS if ini.get(key) is not None}
    if "baseline" in values:
        arguments["baseline"] = values["baseline"]
    return build_gate(arguments, prefix=PREFIX, vocabulary=vocabulary)


def _origins(options: Mapping[str, Given]) -> dict[str, Origin]:
    """The origin of each value, in the order of the options."""
    return {option.name: _origin(options[option.name]) for option in OPTIONS if option.name in options}


def _origin(given: Given) -> Origin:
    return Origin(text=given.text, place=given.place, kind=given.kind)
