"""Open the session from pytest's configuration, when the first marked test or fixture needs it."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import ModuleType

import pluggy
import pytest

from pytest_failaware.config.options import OPTIONS
from pytest_failaware.config.resolve import resolve
from pytest_failaware.config.vocabulary import Vocabulary, extended
from pytest_failaware.core.errors import ConfigError, FailAwareError
from pytest_failaware.core.request import SubjectKind, UpdateMode
from pytest_failaware.core.text import describe_error, without_home
from pytest_failaware.measure.cache.measurer import Measurer
from pytest_failaware.plugin.bends import defines_gate
from pytest_failaware.plugin.check.hooks import CheckHooks
from pytest_failaware.plugin.check.item import Check
from pytest_failaware.plugin.controller import Controller
from pytest_failaware.plugin.earlier_reports import runs_tests, surroundings
from pytest_failaware.plugin.early import EarlyWord
from pytest_failaware.plugin.ini_values import check_ini, ini_overrides, ini_values
from pytest_failaware.plugin.judging import Judging
from pytest_failaware.plugin.last_word import LastWord
from pytest_failaware.plugin.other_options import other_options
from pytest_failaware.plugin.progress import display, write_early
from pytest_failaware.plugin.session import Session
from pytest_failaware.plugin.stash import CHECK, CONTROLLER, CONTROLLER_NAME, EARLY, JUDGING, SESSION, register
from pytest_failaware.plugin.user_code import UserCodeError, contained


def session_of(config: pytest.Config) -> Session:
    """Return the session of this process; the first call opens it.

    Raises:
        pytest.UsageError: see `start`.
    """
    if SESSION not in config.stash:
        start(config)
    return config.stash[SESSION]


def start(config: pytest.Config) -> None:
    """Open the session, and register the controller in the process that reports.

    Raises:
        pytest.UsageError: an option, an ini key or what a hook adds cannot be used.
    """
    reports = not hasattr(config, "workerinput")  # the controller of xdist, or the only process there is
    try:
        session = open_session(config)
    except FailAwareError as error:
        raise pytest.UsageError(without_home(str(error))) from None
    config.stash[SESSION], config.stash[JUDGING] = session, Judging(session)
    controller = _controller(config, session) if reports else None
    if session.config.check:
        config.stash[CHECK] = Check(config.stash[JUDGING])
        register(config, CheckHooks(controller), "failaware-check")


def _controller(config: pytest.Config, session: Session) -> Controller:
    """Register the controller in place of `Waiting`, and return it."""
    controller = Controller(config, session.config, session.early)
    controller.state.vocabulary = session.vocabulary
    waiting = config.pluginmanager.get_plugin(CONTROLLER_NAME)
    if waiting is not None:
        state = controller.state
        state.uncollected, state.ledger.lost_worker = waiting.uncollected, waiting.lost_worker
        config.pluginmanager.unregister(waiting)
    config.stash[CONTROLLER] = controller
    register(config, controller, CONTROLLER_NAME)
    register(config, LastWord(controller), f"{CONTROLLER_NAME}-last-word")
    return controller


def open_session(config: pytest.Config) -> Session:
    """Return a new session, with neither model nor images opened yet.

    Raises:
        ConfigError: an option, an ini key or what a hook adds cannot be used.
    """
    check_ini(config, pytest.__version__)
    vocabulary = _vocabulary(config)
    run = resolve(
        command_line={option.name: config.getoption(option.typed) for option in OPTIONS if option.typed},
        ini=_ini_of(config),
        around=surroundings(config),
        vocabulary=vocabulary,
    )
    if not runs_tests(config):
        run = replace(run, outputs=replace(run.outputs, files=(), github=False))
    bent = [text for text in ini_overrides(config) if defines_gate(text)]
    if run.strict and bent:
        raise ConfigError(
            f"-o {bent[0]}: defines the gate, and a strict run takes that from reviewed files; remove one of them"
        )
    xdist = getattr(config, "workerinput", {})
    worker = xdist.get("workerid", "").removeprefix("gw")
    return Session(
        run,
        vocabulary if run.subject is SubjectKind.MODEL else vocabulary.of_predictions,
        load_model=lambda spec, device: _early(config, "load_model")(spec=spec, device=device),
        loads_models=lambda: _has_hook_for_models(config),
        measurer=Measurer(
            _cache_folder(config) if not run.no_cache else None,
            follow=lambda what: display(config)(what),
            processes=xdist.get("workercount", 1),
            updates=run.writing.update is not UpdateMode.NOTHING,
            loaded=lambda: _plugin_modules(config),
            options=other_options(config),
        ),
        early=EarlyWord(None if xdist else partial(write_early, config)),
        worker=int(worker) if worker.isdecimal() else None,
    )


def _has_hook_for_models(config: pytest.Config) -> bool:
    """Return whether a hook may give the model or the images: ours for models, or one of user code around fixtures."""
    from pytest_failaware.measure.cache.origins import is_own_module

    around = [impl.function for impl in config.hook.pytest_fixture_setup.get_hookimpls()]
    paths = [function.__code__.co_filename for function in around if hasattr(function, "__code__")]
    return bool(_early(config, "load_model").get_hookimpls()) or any(map(is_own_module, paths))


def _plugin_modules(config: pytest.Config) -> tuple[ModuleType, ...]:
    return tuple(plugin for plugin in config.pluginmanager.get_plugins() if isinstance(plugin, ModuleType))


def _ini_of(config: pytest.Config) -> dict[str, object]:
    """Return the values of the ini; a run that only collects, as editors start it, does not touch its reports."""
    values = ini_values(config)
    return values if runs_tests(config) else values | {"report": None}


def _early(config: pytest.Config, name: str) -> pluggy.HookCaller:
    """Return a hook of ours without what was registered after the start of the run.

    A conftest.py in a sub-folder may be loaded during the collection. It would also change the tests of other
    folders, and only if it is collected.
    """
    plugins = (plugin for _, plugin in config.pluginmanager.list_name_plugin())
    late = [plugin for plugin in plugins if not any(plugin is early for early in config.stash[EARLY])]
    return config.pluginmanager.subset_hook_caller(f"pytest_failaware_{name}", late)


def _vocabulary(config: pytest.Config) -> Vocabulary:
    """Return the built-in names with those that hooks add."""
    try:
        with contained("the hook pytest_failaware_conditions or pytest_failaware_metrics"):
            answers = [_early(config, name)() for name in ("conditions", "metrics")]
            return extended(*(list(itertools.chain.from_iterable(lists)) for lists in answers))
    except (ConfigError, UserCodeError):
        raise
    except Exception as error:  # the user's code runs here
        raise ConfigError(
            f"the hook pytest_failaware_conditions or pytest_failaware_metrics cannot be used: {describe_error(error)}"
            "; have it return a list of Degradation, or of RateMetric and ScoreMetric"
        ) from error


def _cache_folder(config: pytest.Config) -> Callable[[], Path] | None:
    """Return a function that makes our folder in pytest's cache directory, or None under -p no:cacheprovider."""
    cache = getattr(config, "cache", None)
    return None if cache is None else lambda: cache.mkdir("failaware")
