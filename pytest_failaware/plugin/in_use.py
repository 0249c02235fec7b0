"""Find out from command line, environment and ini whether a run uses this plugin."""

from __future__ import annotations

import pytest

from pytest_failaware.config.misspelt import refuse_misspelt, refuse_unknown
from pytest_failaware.config.option_texts import TRUE
from pytest_failaware.core.errors import ConfigError
from pytest_failaware.core.text import without_home
from pytest_failaware.plugin.earlier_reports import remove_earlier
from pytest_failaware.plugin.ini_values import check_ini, ini_overrides, ini_value, key_of, keys_in_use
from pytest_failaware.plugin.stash import IN_USE


def begin(config: pytest.Config, *, is_typed: bool) -> None:
    """Remove old reports, refuse unknown keys of ours, and open the session if it cannot wait for a marked test.

    It cannot wait if the command line, a variable or a strict run asks for it.

    Args:
        config: that of the run.
        is_typed: whether an option of ours was typed, or its environment variable is set.

    Raises:
        pytest.UsageError: an unknown key, or a value that cannot be used.
    """
    remove_earlier(config)
    is_asked = is_typed or any(key_of(text) in keys_in_use(config) for text in ini_overrides(config))
    is_asked = is_asked or _is_strict(config)
    config.stash[IN_USE] = is_asked or bool(keys_in_use(config))
    if is_asked:
        from pytest_failaware.plugin.startup import start

        start(config)
        return
    try:
        check_ini(config, pytest.__version__)
    except ConfigError as error:
        raise pytest.UsageError(without_home(str(error))) from None


def refuse_unknown_options(words: list[str]) -> None:
    """Refuse an option that looks like ours.

    Args:
        words: the words of the command line that neither pytest nor a plugin knows.

    Raises:
        pytest.UsageError: a word looks like our option; the message says what to write.
    """
    try:
        refuse_unknown(words)
    except ConfigError as error:
        raise pytest.UsageError(str(error)) from None


def refuse_misspelt_markers(node: pytest.Item) -> None:
    """Refuse a test whose marker is misspelt, because it looks gated and is not."""
    try:
        refuse_misspelt((marker.name for marker in node.iter_markers()), node.config.getini("markers"))
    except ConfigError as error:
        raise pytest.Collector.CollectError(f"{node.nodeid}: {error}") from None


def _is_strict(config: pytest.Config) -> bool:
    """Return whether the ini asks for a strict run, which fails without a marked test.

    For a wrong value the answer is True, so that the session opens and refuses the value.
    """
    try:
        return str(ini_value(config, "strict")).strip().lower() in TRUE
    except ConfigError:
        return True
