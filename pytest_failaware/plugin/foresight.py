"""Check whether a condition can be compared, after the model is loaded and before the first image is measured."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pytest_failaware.core.errors import ConfigError
from pytest_failaware.measure.requirements import known_name

if TYPE_CHECKING:
    from pytest_failaware.core.measurement import ModelFacts
    from pytest_failaware.plugin.judging import Judging
    from pytest_failaware.plugin.session import GatedCondition

_REMEDY: Final = (
    "record it with --failaware-update-new and commit it, or add --failaware-report=report.json, whose values "
    "`python -m pytest_failaware accept report.json` can store"
)


def foresee(judging: Judging, gated: GatedCondition, model: ModelFacts) -> None:
    """Open what a condition will be compared with, and report it if there is nothing.

    Args:
        judging: the judging of this run.
        gated: the condition and its gate.
        model: the candidate, or its file of predictions.

    Raises:
        ConfigError: the baseline has no name, or a strict run has nothing to compare with and nothing to keep.
        FailAwareError: the baseline, a sample file of it or the second model cannot be used.
    """
    config, session, key = judging.config, judging.session, gated.condition.key
    if session.second is not None:
        session.open_second(session.second, gated.condition, model.sha256)
        return
    name = known_name(model.architecture, gated.gate)
    baseline = judging.references.stored(name, key).baseline
    if (baseline is not None and key in baseline.entries) or config.writing.asked:
        return
    if config.strict and config.outputs.json is None:
        raise ConfigError(
            f"no entry {key!r} in baseline {name!r} in {config.baseline_dir}, so that a strict run has nothing to "
            f"compare; {_REMEDY}"
        )
    missing = f"there is no baseline {name!r} yet" if baseline is None else f"baseline {name!r} has no entry {key!r}"
    session.early.say(f"{missing}, so this run measures and compares nothing with it")
