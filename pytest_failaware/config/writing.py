"""Decide what a run may write to the baselines, and refuse combinations of options that make no sense."""

from __future__ import annotations

from collections.abc import Mapping

from pytest_failaware.config.option_texts import OptionText
from pytest_failaware.core.errors import ConfigError
from pytest_failaware.core.request import UpdateMode, Writing


def check_reason(where: str, reason: str) -> None:
    """Refuse a reason without a letter or a digit, such as the placeholder of a printed command.

    Raises:
        ConfigError: the message names where the reason stands.
    """
    if reason and not any(map(str.isalnum, reason)):
        raise ConfigError(f"{where}: {reason!r} gives no reason; write why the values change")


def check_writing(writing: Writing, options: Mapping[str, OptionText], *, needs_reason: bool) -> None:
    """Refuse an option of an update that has no effect without another option.

    Raises:
        ConfigError: the message names the option and what to add.
    """
    updates = writing.update is not UpdateMode.NOTHING
    if writing.dry_run and not writing.asked:
        raise ConfigError(
            "--failaware-dry-run: nothing to show; add --failaware-update-baselines, --failaware-update-new or "
            "--failaware-prune"
        )
    if "reason" in options and not (writing.reason and updates):
        raise ConfigError(
            f"{options['reason'].where}: a reason is kept with the entries that an update changes; write why, and add "
            "--failaware-update-baselines or --failaware-update-new"
        )
    if "reason" in options:
        check_reason(options["reason"].where, writing.reason)
    if writing.reset_golden and not (writing.reason and writing.update is UpdateMode.ALL):
        raise ConfigError(
            f"{options['reset-golden'].where}: forgets what drift was measured against; add "
            '--failaware-update-baselines and --failaware-reason="why that is right"'
        )
    if needs_reason and updates and not writing.reason:
        raise ConfigError(
            f'{options["require-reason"].where}: updates need a reason here; add --failaware-reason="why they change"'
        )


def update_mode(*, everything: bool, missing: bool) -> UpdateMode:
    """Return which entries a run may write.

    Raises:
        ConfigError: both kinds of updates are requested.
    """
    if everything and missing:
        raise ConfigError(
            "--failaware-update-baselines and --failaware-update-new exclude each other: the first stores every value, "
            "the second those that are missing; keep one"
        )
    return UpdateMode.ALL if everything else UpdateMode.MISSING if missing else UpdateMode.NOTHING
