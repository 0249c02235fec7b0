"""The only loop over batches: it feeds the batches of a loader to a model and collects Records."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from pytest_failaware.core.errors import DataError, ModelError
from pytest_failaware.core.npz import read_only
from pytest_failaware.core.progress import Progress
from pytest_failaware.core.records import NO_CLASS, Records
from pytest_failaware.core.rule_columns import Rules, rule_columns
from pytest_failaware.core.scores import as_float32, columns_of, is_answered
from pytest_failaware.measure.engine.loader import DegradedLoader
from pytest_failaware.measure.engine.logits import Answers
from pytest_failaware.measure.engine.runner import Runner
from pytest_failaware.measure.engine.settings import computing
from pytest_failaware.measure.engine.writes import check_unchanged, check_unwritten
from pytest_failaware.measure.images.store import silent


def measure_records(
    runner: Runner,
    loader: DegradedLoader,
    rules: Rules = (),
    progress: Progress = silent,
    *,
    keep_logits: bool = False,
) -> Records:
    """Return the records of the model on every image of the loader, ascending by sample id.

    Raises:
        ModelError: the model does not return a (B, K) tensor of logits; logits of clean images are not finite; the
            answers depend on chance, on the batch or on earlier images; or the weights changed after loading.
        DataError: the labels do not fit the K classes of the model.
    """
    model = runner.model
    check_unwritten(model, lambda: loader.inputs(slice(0, 2), clean=True))
    model.module.eval()  # a test may have put the shared model into another mode
    columns, count = [], len(loader.store.labels)
    with torch.inference_mode(), computing(runner.precision, model.device):
        for rows, logits in runner.answers(loader):
            columns.append({**_columns(loader, rows, logits, keep_logits=keep_logits), **rule_columns(logits, rules)})
            progress(rows.stop, count)
        check_unchanged(model, lambda: loader.inputs(slice(0, 2), clean=True))
    order = np.argsort(loader.store.sample_id)
    joined = {name: np.concatenate([part[name] for part in columns]) for name in columns[0]}
    outcome = {name: read_only(column[order]) for name, column in joined.items()}
    return Records.of_outcome(loader.store.samples, outcome)


def _columns(
    loader: DegradedLoader, rows: slice, logits: Answers, *, keep_logits: bool
) -> dict[str, NDArray[np.generic]]:
    """Return the outcome columns of one batch; a row without an answer gets the values of `Records` for that case."""
    _check_classes(logits, loader)
    labels, answered = loader.store.labels[rows], is_answered(logits)
    if answered.all():
        return columns_of(logits, labels) | ({"logits": as_float32(logits)} if keep_logits else {})
    if loader.condition.name == "clean":  # on degraded images they are only counted, by the metric NON_FINITE
        raise ModelError(
            f"{int((~answered).sum())} of {len(logits)} clean images in a batch get logits that are not finite (NaN, "
            "+inf, or -inf for every class); check the weights and --failaware-preprocess"
        )
    usable = np.where(answered[:, None], logits, 0)  # equal logits: all classes are equally probable
    columns = columns_of(usable, labels) | ({"logits": as_float32(usable)} if keep_logits else {})
    unanswered = {"prediction": NO_CLASS, "confidence": 0, "label_log_probability": np.finfo(np.float32).min}
    return columns | {
        name: np.where(answered, columns[name], columns[name].dtype.type(value)) for name, value in unanswered.items()
    }


def _check_classes(logits: Answers, loader: DegradedLoader) -> None:
    """Refuse a model whose number of classes does not fit the data."""
    facts, classes = loader.store.facts, logits.shape[1]
    if len(facts.classes) > classes or (loader.store.has_class_names and len(facts.classes) != classes):
        names = ", ".join(facts.classes[:3]) + (", …" if len(facts.classes) > 3 else "")
        raise DataError(
            f"the classes do not match: {len(facts.classes)} in --failaware-dataset ({names}), {classes} logits from "
            "the model; give the data of this model's classes (a missing class folder would shift every label)"
        )
