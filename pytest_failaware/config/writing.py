"""What a run may write into the baselines; combinations of options that make no sense are refused."""

from __future__ import annotations

from collections.abc import Mapping

from pytest_failaware.config.given import Given
from pytest_failaware.core.errors import ConfigError
from pytest_failaware.core.request import UpdateMode, Writing


def check_writing(writing: Writing, given: Mapping[str, Given], *, needs_reason: bool) -> None:
    """Refuse options of an update that say nothing without another.

    Raises:
        ConfigError: naming the option and what to add.
    """
    updates = writing.update is not UpdateMode.NOTHING
    if writing.dry_run and not writing.asked:
        raise ConfigError(
            "--failaware-dry-run: nothing to show; add --failaware-update-baselines, --failaware-update-new or "
            "--failaware-prune"
        )
    if "reason" in given and not (writing.reason and updates):
        raise ConfigError(
            f"{given['reason'].where}: a reason is kept with the entries that an update changes; write why, and add "
            "--failaware-update-baselines or --failaware-update-new"
        )
    if writing.reset_golden and not (writing.reason and writing.update is UpdateMode.ALL):
        raise ConfigError(
            f"{given['reset-golden'].where}: forgets what drift was measured against; add --failaware-update-baselines "
            'and --failaware-reason="why that is right"'
        )
    if needs_reason and updates and not writing.reason:
        raise ConfigError(
            f'{given["require-reason"].where}: updates need a reason here; add --failaware-reason="why they change"'
        )


def update_mode(*, everything: bool, missing: bool) -> UpdateMode:
    """Return which entries a run may write.

    Raises:
        ConfigError: both are asked for.
    """
    if everything and missing:
        raise ConfigError(
            "--failaware-update-baselines and --failaware-update-new exclude each other: the first stores every value, "
            "the second those that are missing; keep one"
        )
    return UpdateMode.ALL if everything else UpdateMode.MISSING if missing else UpdateMode.NOTHING
