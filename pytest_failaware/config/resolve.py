"""Build the RunConfig from the texts of all options; each option is read by the reader in its row of options.py.

The command line overrides the environment, and the environment overrides the ini. Relative paths on the command line
start at the folder in which pytest was called, relative paths in the ini at the folder of the ini.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, Final, TypeVar

from pytest_failaware.config.conflicts import check_logits, refuse_contradictions
from pytest_failaware.config.gate import build_gate
from pytest_failaware.config.option_texts import OptionText, Surroundings, default_options, user_option_texts
from pytest_failaware.config.options import INI_KEYS, OPTIONS, PREFIX
from pytest_failaware.config.readers import read_options
from pytest_failaware.config.vocabulary import BUILT_IN, Vocabulary
from pytest_failaware.config.writing import UPDATES, check_writing, update_mode
from pytest_failaware.core.conditions.catalogue import DEFAULT_CONDITIONS
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
    """Return the configuration of a run.

    Args:
        command_line: the typed value of each option, by name (`model`, `batch-size`).
        ini: the value of each key without its prefix (`model`, `batch_size`, `conditions`); None means not set.
        around: the environment variables and the folders at which relative paths start.
        vocabulary: the conditions and metrics that can be named.

    Raises:
        ConfigError: a value cannot be used; the message names the option or key, the value and the remedy.
    """
    user_options = user_option_texts(command_line, ini, around)
    if "predictions" in user_options:
        vocabulary = vocabulary.of_predictions
    options = default_options(around) | user_options
    values: Values = read_options(options)
    build_gate(values.get("overrides", {}), prefix=_OVERRIDE, vocabulary=vocabulary)
    parts: Values = {
        "loading": _part(Loading, values),
        "writing": _writing(values, user_options, around),
        "outputs": _outputs(values, around),
        "gate": _gate(values, ini, vocabulary),
        "origins": _origins(options),
    }
    config = _part(RunConfig, values | parts)
    refuse_contradictions(config, user_options, around)
    check_logits(config, config.gate)
    return config


def _part(kind: type[Part], values: Values) -> Part:
    """Return a part of the configuration with its values; an option without a value leaves the default of its field."""
    return kind(**{field.name: values[field.name] for field in fields(kind) if field.name in values})


def _writing(values: Values, user_options: Mapping[str, OptionText], around: Surroundings) -> Writing:
    mode = update_mode([name for name in UPDATES if values.get(name.replace("-", "_"), False)])
    is_refused = bool(around.ci_server) and not values["update_in_ci"]
    writing = _part(Writing, values | {"update": mode, "is_refused": is_refused})
    check_writing(writing, user_options, needs_reason=values["require_reason"])
    return writing


def _outputs(values: Values, around: Surroundings) -> Outputs:
    """Return the reports to write; a run with --failaware-check writes none."""
    if values.get("check", False):
        return _part(Outputs, values | {"files": (), "github": False})
    return _part(Outputs, values | {"github": values["github"] and around.is_github_job})


def _gate(values: Values, ini: Mapping[str, object], vocabulary: Vocabulary) -> Gate:
    """Return the gate of a marker without arguments."""
    arguments = {"conditions": DEFAULT_CONDITIONS} | {key: ini[key] for key in INI_KEYS if ini.get(key) is not None}
    if "baseline" in values:
        arguments["baseline"] = values["baseline"]
    return build_gate(arguments, prefix=PREFIX, vocabulary=vocabulary)


def _origins(options: Mapping[str, OptionText]) -> dict[str, Origin]:
    """Return the origin of each value, in the order of the options."""
    return {option.name: _origin(options[option.name]) for option in OPTIONS if option.name in options}


def _origin(option: OptionText) -> Origin:
    return Origin(text=option.text, place=option.place, kind=option.kind)
