"""Prepare what a judged item sends to the process that reports, stores and draws."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Final

from pytest_failaware.core.attachment import JudgedItem
from pytest_failaware.core.gate import Gate, Policy
from pytest_failaware.core.measurement import Measurement
from pytest_failaware.core.pictures import Pictures
from pytest_failaware.core.pooled import Share
from pytest_failaware.core.request import RunConfig, UpdateMode, Writing
from pytest_failaware.core.result import ItemResult, Verdict
from pytest_failaware.plugin.facts import facts
from pytest_failaware.plugin.session import Measured

if TYPE_CHECKING:
    from pytest_failaware.plugin.judging import Judging

_ANYTHING: Final = Writing(update=UpdateMode.ALL, reset_golden=True, reason="any")
"""An update that stores every value that can be stored at all."""


def judged_item(judging: Judging, measured: Measured, gate: Gate, result: ItemResult) -> JudgedItem:
    """Return what an item sends; its measurement and its pictures only if a file will hold them."""
    from pytest_failaware.judge.acceptance import accepted

    config, measurement = judging.config, measured.measurement
    update = config.writing.update
    write = update.stores_measured or (update is UpdateMode.MISSING and result.verdict is Verdict.RECORDED)
    bent = config.limit or config.overrides or config.against  # such a run can never be accepted later
    keep = write or (not bent and config.outputs.json is not None)
    may_be_mended = result.change is not None and not result.is_against
    return JudgedItem(
        result=result,
        facts=facts(judging.session, measured, gate, judging.references.of(measured, gate).baseline),
        model=measurement.provenance.model.sha256,
        opened=tuple(judging.session.opened),
        rule=gate.rule,
        declared=tuple(condition.key for condition in gate.conditions),
        alpha=gate.chosen_alpha if gate.policy.proves_a_drop else None,
        is_named=gate.baseline is not None,
        is_to_write=write,
        is_acceptable=not accepted(result, _ANYTHING).verdict.fails,
        declaration=gate.declaration,
        is_for_files=keep,
        measurement=_stripped(config, measurement) if keep or may_be_mended else None,
        pictures=_pictures(judging, measured, gate, result) if config.outputs.has_html else None,
        share=_share(judging, measured, gate) if gate.pooled and result.change is not None else None,
    )


def _share(judging: Judging, measured: Measured, gate: Gate) -> Share | None:
    """Return what a compared condition adds to the pooled verdict; against a recipe, all its seeds."""
    from pytest_failaware.judge.pairing import pair
    from pytest_failaware.judge.pooled import share_of
    from pytest_failaware.judge.recipe.centre import centred, equal_seed
    from pytest_failaware.judge.recipe.spreads import recipe_of
    from pytest_failaware.judge.sides import sides_of

    records, stored = measured.measurement.records, judging.references.of(measured, gate)
    reference = centred(stored, equal_seed(stored, records, gate), gate)
    if reference.records is None or reference.rule is None:
        return None
    both = pair(reference.records, records)
    is_judged_by_all = bool(stored.recipe) and gate.policy is Policy.BEYOND_TOLERANCE
    recipe = recipe_of(stored.recipe, both.now, reference.rule) if is_judged_by_all else None
    return share_of(sides_of(both, reference.rule, gate.rule, recipe), measured.measurement.condition.key)


def _stripped(config: RunConfig, measurement: Measurement) -> Measurement:
    """Return the measurement without its logits, unless the ini asks to store them; predictions always have them."""
    if config.store_logits:
        return measurement
    return dataclasses.replace(measurement, records=dataclasses.replace(measurement.records, logits=None))


def _pictures(judging: Judging, measured: Measured, gate: Gate, result: ItemResult) -> Pictures:
    """Return what the HTML report draws for an item; a reference that is not comparable is not drawn."""
    from pytest_failaware.judge.curves import pictures_of

    measurement, reference = measured.measurement, judging.references.of(measured, gate)
    drawn = pictures_of(measurement, gate, None if result.stored else reference)
    flips = () if result.change is None else result.change.worst[: judging.config.outputs.html_images]
    if not flips:
        return drawn
    seen = measured.subject.thumbnails(measurement.condition, gate.seed, [flip.sample_id for flip in flips])
    return dataclasses.replace(drawn, thumbnails=tuple(seen))
