"""Decide what a run may write to the baselines, and refuse combinations of options that make no sense."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from pytest_failaware.config.option_texts import OptionText
from pytest_failaware.core.errors import ConfigError
from pytest_failaware.core.request import UpdateMode, Writing


class Kind(NamedTuple):
    """A kind of update, and what it stores."""

    mode: UpdateMode
    stores: str


UPDATES: Final[Mapping[str, Kind]] = {
    "update-baselines": Kind(UpdateMode.ALL, "every value"),
    "update-new": Kind(UpdateMode.MISSING, "those that are missing"),
    "add-seed": Kind(UpdateMode.SEED, "one more seed beside the stored values"),
}
"""The kinds of updates by the names of their options."""


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
            "--failaware-dry-run: nothing to show; add --failaware-update-baselines, --failaware-update-new, "
            "--failaware-add-seed or --failaware-prune"
        )
    if "reason" in options and not (writing.reason and updates):
        raise ConfigError(
            f"{options['reason'].where}: a reason is kept with the entries that an update changes; write why, and add "
            "--failaware-update-baselines, --failaware-update-new or --failaware-add-seed"
        )
    if writing.prune and writing.update is UpdateMode.SEED:
        raise ConfigError(
            "--failaware-prune and --failaware-add-seed exclude each other: a seed is stored for every entry that is "
            "there; keep one, and prune first"
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


def update_mode(options: Sequence[str]) -> UpdateMode:
    """Return which entries a run may write, by the names of the options that were typed.

    Raises:
        ConfigError: two kinds of updates are requested.
    """
    if len(options) > 1:
        first, second = options[:2]
        raise ConfigError(
            f"--failaware-{first} and --failaware-{second} exclude each other: the first stores "
            f"{UPDATES[first].stores}, the second {UPDATES[second].stores}; keep one"
        )
    return UPDATES[options[0]].mode if options else UpdateMode.NOTHING
