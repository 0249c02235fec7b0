"""The hooks. Each calls a module that is imported only if the run has a marked test or an option of ours.

pytest imports this file in every run of its environment, so this file imports nothing heavy.
"""

from __future__ import annotations

import os
from collections.abc import Generator
from typing import TYPE_CHECKING, Any

import pytest

from pytest_failaware import hookspec
from pytest_failaware.config.options import INI_KEYS, INI_LISTS, OPTIONS
from pytest_failaware.plugin.stash import ATTACHED, CONTROLLER, CONTROLLER_NAME, EARLY, FAULT, IN_USE, SESSION, register
from pytest_failaware.plugin.waiting import Waiting

if TYPE_CHECKING:
    from pathlib import Path

# ---- options and configuration -------------------------------------------------------------------------------------


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add every option with its ini key, and the ini keys of a gate."""
    group = parser.getgroup("failaware", "reliability of classifiers (pytest-failaware)")
    for option in OPTIONS:
        if option.typed and option.flag:
            group.addoption(option.typed, action="store_true", help=option.help)
        elif option.typed:
            action = "append" if option.repeated else "store"
            group.addoption(option.typed, action=action, metavar=option.metavar, help=option.help)
        if option.ini and option.flag:
            parser.addini(option.ini, option.help, type="bool", default=None)
        elif option.ini:
            parser.addini(option.ini, option.help, default=None)
    for key in INI_KEYS:
        text = f"default for the argument {key} of the marker reliability"
        if key in INI_LISTS:
            parser.addini(f"failaware_{key}", text, type="args", default=None)
        else:
            parser.addini(f"failaware_{key}", text, default=None)


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests(parser: pytest.Parser, args: list[str]) -> Generator[None, None, None]:
    """Refuse an unknown option that looks like ours, after every plugin and conftest file has added its options."""
    yield
    if any(word.startswith("--failaware") for word in args):
        from pytest_failaware.plugin.in_use import refuse_unknown_options

        known, unknown = parser.parse_known_and_unknown_args(args)
        refuse_unknown_options([*unknown, *map(str, known.file_or_dir)])  # a word with a blank is taken for a path


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    """Add the hooks that other plugins and conftest files can implement."""
    pluginmanager.add_hookspecs(hookspec)


def pytest_configure(config: pytest.Config) -> None:
    """Refuse unknown keys; open the session at once if the command line or a strict run asks for it."""
    config.addinivalue_line(
        "markers",
        "reliability(conditions, rule, metrics, tolerance, minimum, maximum, policy, alpha, seed, "
        "baseline): gate a model",
    )
    config.stash[IN_USE] = False
    config.stash[EARLY] = tuple(plugin for _, plugin in config.pluginmanager.list_name_plugin())
    is_typed = _is_typed(config)
    if is_typed or _is_in_a_file(config):
        from pytest_failaware.plugin.in_use import begin

        begin(config, is_typed=is_typed)
    if CONTROLLER not in config.stash and not _is_worker(config):
        register(config, Waiting(config), CONTROLLER_NAME)


def _is_typed(config: pytest.Config) -> bool:
    """Return whether an option of ours was typed, or its environment variable is set."""
    typed = (config.getoption(option.typed) for option in OPTIONS if option.typed)
    return any(value not in (None, False) for value in typed) or any(
        os.environ.get(option.environment) for option in OPTIONS if option.environment
    )


def _is_in_a_file(config: pytest.Config) -> bool:
    """Return whether an ini or an -o has our name."""
    texts = [*(config.getoption("override_ini", None) or ()), *map(_text_of, _inis(config))]
    return any("failaware" in text.lower() for text in texts)


def _inis(config: pytest.Config) -> list[Path]:
    """Return the ini in use, and before pytest 9 also the files that pytest ignores."""
    names = ("pytest.toml", ".pytest.toml", "pyproject.toml") if pytest.version_tuple < (9,) else ()
    files = [config.rootpath / name for name in names]
    return [path for path in (config.inipath, *files) if path is not None and path.is_file()]


def _text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace")


def _is_worker(config: pytest.Config) -> bool:
    """Return whether this process is a worker of xdist, which reports to the controller."""
    return hasattr(config, "workerinput")


@pytest.hookimpl(optionalhook=True, tryfirst=True)
def pytest_testnodedown(node: Any) -> None:  # Any: xdist's controller of one worker
    """End the run if a worker could not use its options or keys."""
    output = getattr(node, "workeroutput", None) or {}
    if "failaware-fault" in output:
        raise pytest.UsageError(output["failaware-fault"])


def pytest_unconfigure(config: pytest.Config) -> None:
    """Remove the run's temporary files."""
    if SESSION in config.stash:
        config.stash[SESSION].close()


def pytest_report_header(config: pytest.Config) -> list[str]:
    """Show what is under test if it is known before the collection."""
    if config.stash[IN_USE] and (SESSION in config.stash or config.pluginmanager.hasplugin("dsession")):
        from pytest_failaware.plugin.header import header_lines

        return header_lines(config)
    return []


def pytest_report_collectionfinish(config: pytest.Config) -> list[str]:
    """Show what is under test below the count of tests if the first marked test opened the session."""
    if SESSION not in config.stash:
        return []
    from pytest_failaware.plugin.header import late_header_lines

    return late_header_lines(config)


# ---- collection ----------------------------------------------------------------------------------------------------


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Turn a marked function into one item per condition."""
    node = metafunc.definition
    if node.config.stash[IN_USE]:
        from pytest_failaware.plugin.in_use import refuse_misspelt_markers

        refuse_misspelt_markers(node)
    if node.get_closest_marker("reliability") is not None:
        from pytest_failaware.plugin.collection import parametrise

        parametrise(metafunc)


def pytest_itemcollected(item: pytest.Item) -> None:
    """Remember a marked item, and open the session for an item that asks for a fixture of ours."""
    names = getattr(item, "fixturenames", ())
    is_ours = item.get_closest_marker("reliability") is not None
    if is_ours or any(name.startswith("failaware_") or name == "reliability" for name in names):
        from pytest_failaware.plugin.collection import take_in

        take_in(item)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """End the run if an option or a key has a wrong value; a worker of xdist runs no test and reports why."""
    if FAULT not in config.stash:
        return
    if not _is_worker(config):
        raise pytest.UsageError(config.stash[FAULT])
    config.workeroutput["failaware-fault"] = config.stash[FAULT]  # type: ignore[attr-defined]  # xdist's own attribute
    items.clear()


def pytest_collection_finish(session: pytest.Session) -> None:
    """Report which marked items will run, and which were deselected."""
    if SESSION in session.config.stash:
        from pytest_failaware.plugin.collection import finish

        finish(session)


# ---- one item ------------------------------------------------------------------------------------------------------


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, None, None]:
    """Let the fixtures measure; an error of ours fails the item in one line."""
    if SESSION not in item.config.stash and item.get_closest_marker("reliability") is None:
        return (yield)
    from pytest_failaware.plugin.items import set_up

    return (yield from set_up(item))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, None, None]:
    """Judge after the body; a regression is an ordinary failure of an item whose body passed."""
    if SESSION not in item.config.stash:
        return (yield)
    from pytest_failaware.plugin.items import call

    return (yield from call(item))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Attach what the item measured to its report, which carries it from an xdist worker too."""
    report = yield
    if SESSION in item.config.stash or ATTACHED in item.stash:
        from pytest_failaware.plugin.items import send

        send(item, call, report)
    return report
