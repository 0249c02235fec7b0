"""Remove the reports of an earlier run, so that a run that ends too early leaves no old report behind."""

from __future__ import annotations

import os

import pytest

from pytest_failaware.config.option_texts import OptionText, Surroundings, option_text
from pytest_failaware.config.options import BY_NAME
from pytest_failaware.core.errors import ConfigError
from pytest_failaware.core.request import PlaceKind
from pytest_failaware.plugin.ini_values import ini_value
from pytest_failaware.report.places import remove_report

_SHOWING = ("help", "version", "collectonly", "markers", "showfixtures", "show_fixtures_per_test", "cacheshow")
"""The options of pytest, by their names in its configuration, that run no test."""


def surroundings(config: pytest.Config) -> Surroundings:
    """Return the environment and the folders of a run."""
    return Surroundings(
        environ=os.environ,
        invocation_dir=config.invocation_params.dir,
        ini_dir=config.inipath.parent if config.inipath else config.rootpath,
        ini_name=config.inipath.name if config.inipath else "ini",
    )


def runs_tests(config: pytest.Config) -> bool:
    """Return whether the run is more than a collection or a list; else it writes and removes no report."""
    return not any(config.getoption(name, None) for name in _SHOWING)


def remove_earlier(config: pytest.Config) -> None:
    """Remove the reports at the places to which this run will write."""
    if hasattr(config, "workerinput") or not runs_tests(config):  # a worker of xdist writes none
        return
    for report in _reports(config):
        try:
            remove_report(report.path())
        except ConfigError:  # the session refuses the path
            continue


def _reports(config: pytest.Config) -> tuple[OptionText, ...]:
    """Return the reports of the command line, else those of the ini unless --failaware-check ignores them."""
    try:
        ini = {"report": ini_value(config, "report")}
        text = option_text(
            BY_NAME["report"], {"report": config.getoption("--failaware-report")}, ini, surroundings(config)
        )
    except ConfigError:  # the session refuses the value
        return ()
    if text is None or (text.kind is PlaceKind.INI and config.getoption("--failaware-check")):
        return ()
    return text.lines
