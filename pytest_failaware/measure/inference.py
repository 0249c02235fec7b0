"""The one loop over batches: loader -> model -> Records."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import numpy as np
import torch
from numpy.typing import NDArray

from pytest_failaware.errors import DataError, ModelError
from pytest_failaware.measure.loader import DegradedLoader
from pytest_failaware.measure.models import LoadedModel, weights_version
from pytest_failaware.measure.store import silent
from pytest_failaware.schema import Records, Tell
from pytest_failaware.scores import log_softmax, scores_of
from pytest_failaware.text import describe_error


def measure_records(model: LoadedModel, loader: DegradedLoader, tell: Tell = silent) -> Records:
    """What the model answers to every image of the loader, ascending by sample id.

    Raises:
        ModelError: the model returns no (B, K) tensor of finite logits, or its weights changed since it was loaded.
        DataError: the labels do not fit the model's K classes.
    """
    check_unchanged(model)
    model.module.eval()  # a test may have put the shared model into another mode
    with torch.inference_mode(), _ieee_precision(model.device):
        batches = iter(loader)
        first = next(batches)
        layout = _layout(model, first[0][:2])
        columns = [
            _columns(model, loader, inputs.to(memory_format=layout), labels)
            for inputs, labels in _told(itertools.chain([first], batches), len(loader.store.labels), tell)
        ]
    joined = {name: np.concatenate([part[name] for part in columns]) for name in columns[0]}
    order = np.argsort(loader.store.sample_id)
    ordered = {name: column[order] for name, column in {"sample_id": loader.store.sample_id, **joined}.items()}
    for column in ordered.values():
        column.setflags(write=False)  # a test's body sees the very columns that are judged and stored
    return Records(**ordered)


def _told(
    batches: Iterable[tuple[torch.Tensor, torch.Tensor]], total: int, tell: Tell
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """The batches, telling after each how many of all images are behind."""
    done = 0
    for inputs, labels in batches:
        yield inputs, labels
        done += len(labels)
        tell(done, total)


def check_unchanged(model: LoadedModel) -> None:
    """Refuse a model whose weights were written to since it was loaded.

    Raises:
        ModelError: they were.
    """
    if weights_version(model.module) != model.version:
        raise ModelError(
            "the model's weights changed after it was loaded: a test wrote to the shared model, or ran it in train "
            "mode; give it copy.deepcopy(failaware_model)"
        )


def _layout(model: LoadedModel, inputs: torch.Tensor) -> torch.memory_format:
    """Channels last where a CPU's model takes it, which saves a fifth of the time, and answers two images alike.

    Models that call `view` on a feature map do not take it; they, and all others, get contiguous inputs.
    """
    if model.device.type != "cpu" or len(inputs) < 2:
        return torch.contiguous_format
    try:
        answer = model.module(inputs.contiguous(memory_format=torch.channels_last))
    except RuntimeError:
        return torch.contiguous_format  # where the model is at fault, the first batch says so
    expected = _logits(model, inputs)
    if not isinstance(answer, torch.Tensor) or answer.shape != expected.shape:
        return torch.contiguous_format
    is_alike = np.allclose(answer.float().numpy(), expected, rtol=1e-4, atol=1e-4)
    return torch.channels_last if is_alike else torch.contiguous_format


def _columns(
    model: LoadedModel, loader: DegradedLoader, inputs: torch.Tensor, labels: torch.Tensor
) -> dict[str, NDArray[np.generic]]:
    """One batch's columns of Records."""
    logits = _logits(model, inputs)
    _check(logits, loader)
    truth = labels.cpu().numpy()
    log_probability = log_softmax(logits)
    scores = scores_of(log_probability)
    of_label = log_probability[np.arange(len(truth)), truth]
    return {
        "label": truth.astype(np.uint16),
        **scores._asdict(),
        "label_log_probability": of_label.clip(min=np.finfo(np.float32).min).astype(np.float32),
        "max_logit": logits.max(axis=1).astype(np.float32),
    }


def _logits(model: LoadedModel, inputs: torch.Tensor) -> NDArray[np.float32]:
    """The logits of a batch, (B, K) on the host. A lone image is doubled: a batch of one takes other kernels."""
    count = len(inputs)
    try:
        answer = model.module(inputs if count > 1 else inputs.repeat(2, 1, 1, 1))
    except Exception as error:  # the user's network runs here
        raise ModelError(
            f"the model cannot take inputs of shape {tuple(inputs.shape)} (batch, channels, height, width): "
            f"{describe_error(error)}; check --failaware-preprocess"
        ) from error
    if not isinstance(answer, torch.Tensor) or answer.ndim != 2 or answer.shape[1] < 2:
        got = f"shape {tuple(answer.shape)}" if isinstance(answer, torch.Tensor) else f"a {type(answer).__name__}"
        raise ModelError(f"the model returns {got}; a classifier returns one tensor of logits (batch, classes >= 2)")
    logits: NDArray[np.float32] = answer[:count].float().cpu().numpy()
    return logits


def _check(logits: NDArray[np.float32], loader: DegradedLoader) -> None:
    """Refuse logits that are not finite and class counts that do not fit the data."""
    facts, classes = loader.store.facts, logits.shape[1]
    if len(facts.classes) > classes or (loader.store.has_class_names and len(facts.classes) != classes):
        names = ", ".join(facts.classes[:3]) + (", …" if len(facts.classes) > 3 else "")
        raise DataError(
            f"the classes do not match: {len(facts.classes)} in --failaware-dataset ({names}), {classes} logits from "
            "the model; give the data of this model's classes (a missing class folder would shift every label)"
        )
    bad = int((~np.isfinite(logits)).any(axis=1).sum())
    if bad:
        raise ModelError(
            f"{bad} of {len(logits)} images in a batch under {loader.condition.key} get logits that are not finite "
            "(NaN or infinite); check the weights and --failaware-preprocess"
        )


@contextmanager
def _ieee_precision(device: torch.device) -> Iterator[None]:
    """On CUDA, convolutions in IEEE float32 by deterministic algorithms; the process's own settings come back."""
    if device.type != "cuda":
        yield
        return
    with torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=False):
        yield
