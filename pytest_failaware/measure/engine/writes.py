"""Refuse a model whose weights or buffers changed after loading, whether a test or the model itself wrote to them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import torch

from pytest_failaware.core.errors import ModelError
from pytest_failaware.core.text import one_line
from pytest_failaware.measure.engine.outputs import logits_of
from pytest_failaware.measure.models.loading import LoadedModel
from pytest_failaware.measure.models.state import model_sha256, weights_version

_WROTE: Final = (
    "the model's weights or buffers change while it answers, so every answer depends on the images before it: likely "
    "batch norms in train mode, a program exported in train mode, or a counter or decay in forward; call eval() before "
    "the export, and write nothing in forward"
)
_ITSELF: Final = (
    "the model's weights or buffers change while it answers: its own forward changes {names}, so every answer can "
    "depend on the images before it; register a counter with persistent=False, call eval() before an export, and write "
    "nothing else in forward"
)
_SHOWN: Final = 3  # names of buffers

_WRITTEN: Final = (
    "the model's weights changed after it was loaded: a test or a fixture wrote to the shared model, or ran it in "
    "train mode; give it copy.deepcopy(failaware_model)"
)


Inputs = Callable[[], torch.Tensor]
"""A function that returns a few inputs of the model."""


def check_unwritten(model: LoadedModel, inputs: Inputs | None = None, *, by_hash: bool = False) -> None:
    """Refuse a model whose weights were written since it was loaded, as far as torch counts writes.

    Args:
        model: the loaded model.
        inputs: if given, the error says whether the model itself writes when it answers.
        by_hash: whether to compare the hash of the weights too, since torch does not count every write.

    Raises:
        ModelError: the weights were written.
    """
    if weights_version(model.module) != model.version or (by_hash and model_sha256(model.module) != model.state):
        raise ModelError((inputs and _written_by_itself(model, inputs)) or _WRITTEN)


def _written_by_itself(model: LoadedModel, inputs: Inputs) -> str:
    """Return the message if the model writes to its own weights or buffers when it answers, "" if it does not."""
    module = model.module.eval()
    before = {name: tensor.clone() for name, tensor in module.state_dict().items() if isinstance(tensor, torch.Tensor)}
    state = model_sha256(module)
    with torch.inference_mode():
        logits_of(module, inputs())
    if model_sha256(module) == state:
        return ""
    now = module.state_dict()
    changed = [name for name, tensor in before.items() if name in now and not torch.equal(tensor, now[name])]
    names = ", ".join(map(repr, changed[:_SHOWN])) + (", …" if len(changed) > _SHOWN else "")
    return _ITSELF.format(names=one_line(names)) if changed else _WROTE


def check_unchanged(model: LoadedModel, inputs: Inputs) -> None:
    """Refuse, after a pass over the data, a model whose weights changed, and say what wrote to them.

    Writes that torch counts were made during the pass, since there were none before. For other writes, the model is
    asked again to find out whether the model or a test wrote.

    Args:
        model: the model, without counted writes before the pass.
        inputs: returns a few inputs; called only if something was written.

    Raises:
        ModelError: something was written.
    """
    if weights_version(model.module) != model.version:
        raise ModelError(_written_by_itself(model, inputs) or _WROTE)
    if model_sha256(model.module) == model.state:
        return
    raise ModelError(_written_by_itself(model, inputs) or _WRITTEN)


def check_counted(model: LoadedModel) -> None:
    """Refuse a model that wrote to its weights or buffers since `check_unwritten`, as far as torch counts writes.

    Raises:
        ModelError: the model wrote to them.
    """
    if weights_version(model.module) != model.version:
        raise ModelError(_WROTE)
