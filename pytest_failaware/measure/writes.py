"""A model is measured only while its weights and buffers are those that were loaded, whoever writes to them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import torch

from pytest_failaware.errors import ModelError
from pytest_failaware.measure.answers import logits_of
from pytest_failaware.measure.models import LoadedModel
from pytest_failaware.measure.state import model_sha256, weights_version

_WROTE: Final = (
    "the model's weights or buffers change while it answers, so every answer depends on the images before it: likely "
    "batch norms in train mode, a program exported in train mode, or a counter or decay in forward; call eval() before "
    "the export, and write nothing in forward"
)
_WRITTEN: Final = (
    "the model's weights changed after it was loaded: a test or a fixture wrote to the shared model, or ran it in "
    "train mode; give it copy.deepcopy(failaware_model)"
)


def check_unwritten(model: LoadedModel, *, by_hash: bool = False) -> None:
    """Refuse a model whose weights were written to since it was loaded: as far as torch counts, or by their hash.

    Raises:
        ModelError: they were.
    """
    if weights_version(model.module) != model.version or (by_hash and model_sha256(model.module) != model.state):
        raise ModelError(_WRITTEN)


def check_unchanged(model: LoadedModel, inputs: Callable[[], torch.Tensor]) -> None:
    """Refuse, after a pass, a model whose weights are not those that were loaded, and say who wrote to them.

    Writes that torch counts were made by the pass, since there were none before it. Of others it is known once the
    model is asked again.

    Args:
        model: unwritten before the pass, as far as torch counts.
        inputs: makes a few inputs; called only where something was written.

    Raises:
        ModelError: something was written.
    """
    check_counted(model)
    now = model_sha256(model.module)
    if now == model.state:
        return
    logits_of(model.module, inputs())
    raise ModelError(_WRITTEN if model_sha256(model.module) == now else _WROTE)


def check_counted(model: LoadedModel) -> None:
    """Refuse a model that wrote to itself since `check_unwritten`, as far as torch counts.

    Raises:
        ModelError: it did.
    """
    if weights_version(model.module) != model.version:
        raise ModelError(_WROTE)
