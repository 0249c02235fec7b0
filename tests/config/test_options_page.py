"""docs/options.md: its tables are those of the code, and its two examples of an ini mean the same."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest
from options import PAGE, with_tables

from pytest_failaware.config.option_texts import Surroundings
from pytest_failaware.config.options import INI_KEYS
from pytest_failaware.config.resolve import resolve
from pytest_failaware.core.request import RunConfig
from pytest_failaware.plugin.ini_values import check_ini, ini_values

TEXT = PAGE.read_text(encoding="utf-8")


def block(language: str) -> str:
    """Return the only block of this language on the page."""
    (text,) = re.findall(rf"^```{language}\n(.*?)^```$", TEXT, re.DOTALL | re.MULTILINE)
    return str(text)


def test_the_options_are_those_of_the_code() -> None:
    """The tables of options on the page are those that `python scripts/options.py` writes."""
    assert with_tables(TEXT) == TEXT


def test_every_argument_of_the_marker_has_a_row() -> None:
    """Every argument of the marker has a row, in the order of the code."""
    rows = re.findall(r"^\| `(\w+)` \|", TEXT, re.MULTILINE)
    assert [*INI_KEYS, "baseline"] == rows


def configured(pytester: pytest.Pytester, name: str, text: str) -> RunConfig:
    """Return the configuration of a run with this ini."""
    path = pytester.path / name
    path.write_text(text, encoding="utf-8")
    config = pytester.parseconfig()
    check_ini(config, pytest.__version__)
    run = resolve(
        command_line={},
        ini=ini_values(config),
        around=Surroundings(environ={}, invocation_dir=Path("/"), ini_dir=pytester.path),
    )
    path.unlink()
    return dataclasses.replace(run, origins={})


def test_both_spellings_mean_the_same(pytester: pytest.Pytester) -> None:
    """The text of an ini file and the TOML types in each table give the same configuration."""
    typed = block("toml")
    tables = [("pyproject.toml", "[tool.pytest.ini_options]")]
    if pytest.version_tuple[0] >= 9:
        tables += [("pyproject.toml", "[tool.pytest]"), ("pytest.toml", "[pytest]")]

    expected = configured(pytester, "pytest.ini", block("ini"))
    assert ("0.02", 3, 0) == (str(expected.gate.alpha), expected.gate.seed, expected.outputs.html_images)
    for name, table in tables:
        assert expected == configured(pytester, name, typed.replace("[tool.pytest]", table))
