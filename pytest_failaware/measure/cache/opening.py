"""Collect the facts about an opened model and its images that a later run needs."""

from __future__ import annotations

import numpy as np

from pytest_failaware.core.condition import Condition
from pytest_failaware.core.measurement import Provenance
from pytest_failaware.measure.cache.key import Identity
from pytest_failaware.measure.cache.opened import Opened


def opened_of(identity: Identity, condition: Condition, seed: int) -> Opened | None:
    """Return the facts to keep, None if every run must open the model and the images.

    That is the case for a program, for a model without the name of an architecture, on a GPU, with renamed classes,
    and if there are doubts or notes that only measuring can give.

    Raises:
        ForeignCodeError: the records depend on user code.
        ModelError: the model changed since it was loaded.
    """
    bench = identity.bench
    model, store = bench.model, bench.store
    if model.program or not model.facts.architecture or model.device.type != "cpu" or store.former is not None:
        return None
    if bench.doubts or bench.runner.notes or bench.inspection.is_alarm:
        return None
    order = np.argsort(store.sample_id)
    names = store.names(store.sample_id.tolist())
    height, width = store.images.shape[1:3]
    return Opened(
        parts=identity.fixed_parts(condition, seed),
        provenance=Provenance(
            data=store.facts,
            preprocessing=bench.pipeline.text,
            model=model.facts,
            environment=bench.environment,
        ),
        size=(height, width),
        model_notes=model.notes,
        notes=bench.notes,
        right=bench.inspection.right,
        looked_at=bench.inspection.images,
        names=tuple(names[sample_id] for sample_id in store.sample_id[order].tolist()),
        samples=store.samples,
    )
