"""Evaluate a model without pytest."""

from __future__ import annotations

import dataclasses
import inspect
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pytest_failaware.baselines.opening import directory_of, open_baseline
from pytest_failaware.baselines.reference import read_reference
from pytest_failaware.config.gate import build_gate
from pytest_failaware.config.option_texts import Surroundings
from pytest_failaware.config.resolve import resolve
from pytest_failaware.config.vocabulary import BUILT_IN
from pytest_failaware.core.baseline import Baseline
from pytest_failaware.core.conditions.catalogue import DEFAULT_CONDITIONS
from pytest_failaware.core.errors import ConfigError, FailAwareWarning
from pytest_failaware.core.gate import Gate
from pytest_failaware.core.measurement import DataFacts, Measurement
from pytest_failaware.core.progress import Follow
from pytest_failaware.core.request import ModelOutputs, RunConfig
from pytest_failaware.core.result import ItemResult
from pytest_failaware.core.rule import FailureRule
from pytest_failaware.core.text import printable, shown
from pytest_failaware.judge.doubts import doubts_of
from pytest_failaware.judge.evaluation import Evaluation, Evaluations
from pytest_failaware.judge.published import below_published
from pytest_failaware.judge.verdict import Terms, judge
from pytest_failaware.measure.published import published_weights
from pytest_failaware.measure.requirements import check_torch
from pytest_failaware.report.judgements import Judgements
from pytest_failaware.report.script_words import in_script
from pytest_failaware.report.terminal.screen import follow_here

if TYPE_CHECKING:
    import torch

    from pytest_failaware.measure.live import Bench


_FOLDER: Final = Path("baselines")
_REMEDY: Final = (
    "give the path of its .yaml file, or record it first by a run of pytest with --failaware-update-baselines"
)
_FIXED: Final = ("conditions", "seed")


def compare(evaluations: Evaluations, baseline: str | Path, **gate: object) -> Judgements:
    """Judge each condition against a stored baseline, as a marked test does.

    Args:
        evaluations: the result of `evaluate`.
        baseline: the path of the baseline's file, as in `"baselines/resnet18.yaml"`, or its name in `baselines`.
        **gate: arguments of the marker, as in `tolerance=0.01` or `metrics=["accuracy"]`. Without any, the default gate
            is judged under the rule of `evaluate`; its alpha is shared over the conditions that were evaluated.

    Raises:
        FailAwareError: the baseline is absent or damaged, or an argument cannot be used.
    """
    if not isinstance(evaluations, Evaluations):
        raise ConfigError(
            f"compare: evaluations: has the type {type(evaluations).__name__}; give the result of evaluate"
        )
    if not isinstance(baseline, (str, Path)):
        raise ConfigError(
            f"compare: baseline: is {_article(baseline)}; give the path of a baseline, as in 'baselines/resnet18.yaml'"
        )
    if fixed := [name for name in gate if name in _FIXED]:
        raise ConfigError(f"compare: {fixed[0]}: was set by evaluate; remove it here")
    judged_by = build_gate(gate, prefix="compare: ", base=evaluations.gate)
    folder, stored = directory_of(str(baseline), _FOLDER), open_baseline(str(baseline), _FOLDER, remedy=_REMEDY)
    results = tuple(_judged(evaluation, judged_by, folder, stored) for evaluation in evaluations.values())
    return Judgements(results=results)


def _article(baseline: object) -> str:
    return (
        "another result of evaluate"
        if isinstance(baseline, Evaluations)
        else f"a value of type {type(baseline).__name__}, not a path"
    )


def _judged(evaluation: Evaluation, gate: Gate, folder: Path, baseline: Baseline) -> ItemResult:
    """Return the result of a condition, with the names of the samples that it shows."""
    key = evaluation.condition.key
    reference = read_reference(folder, baseline.name, key, baseline=baseline)
    result = judge(evaluation.measurement, reference, gate, Terms(nodeid=key))
    if result.change is None:
        return result
    names = evaluation.names([flip.sample_id for flip in result.change.worst])
    worst = (dataclasses.replace(flip, name=shown(names.get(flip.sample_id, ""))) for flip in result.change.worst)
    return dataclasses.replace(result, change=dataclasses.replace(result.change, worst=tuple(worst)))


def evaluate(
    *,
    model: torch.nn.Module | str | None = None,
    dataset: Any = None,  # Any: a map-style data set of (image, label), or text as --failaware-dataset takes it
    preprocess: str | None = None,
    records: Any = None,  # Any: the path of a file as --failaware-predictions takes it, its data frame or arrays
    arch: str | None = None,
    checkpoint_key: str | None = None,
    trust_model: str | None = None,
    allow_download: bool = False,
    conditions: Sequence[str] | None = None,
    rule: str | FailureRule = FailureRule(),  # noqa: B008 - frozen, so sharing the default is safe
    data_root: str | Path | None = None,
    bad_samples: str = "fail",
    precomputed: str | Path | None = None,
    device: str = "auto",
    batch_size: int | None = None,
    precision: str = "ieee",
    outputs: str = "logits",
    store_logits: bool = False,
    seed: int = 0,
) -> Evaluations:
    """Measure a classifier under each condition and return the evaluation of each, by the condition's spelling.

    Doubts about the numbers, such as a wrong preprocessing, are a `FailAwareWarning` as soon as they are known. A line
    shows the progress on a terminal and in a notebook.

    Text arguments mean what they mean on pytest's command line; relative paths start at the working directory. A module
    gets its device, modes and gradients back at the end.

    Args:
        model: a module, or text as in `--failaware-model`.
        dataset: a map-style data set of (image, label), or text as in `--failaware-dataset`.
        preprocess: as in `--failaware-preprocess`, for example `"resize=224"` or `"none"`.
        records: predictions made elsewhere, instead of model, dataset and preprocess: a path, a data frame or arrays.
        arch: the architecture of the weights.
        checkpoint_key: the key of the weights in a checkpoint.
        trust_model: the hash of a model file that may run code.
        allow_download: whether weights may be fetched from the network.
        conditions: a list, as in `["clean", "fog:3"]`. Default: clean, gaussian_noise, blur and low_light; for
            `records`, the conditions in them.
        rule: which predictions are flagged.
        data_root: the folder of torchvision's data sets.
        bad_samples: `"fail"`, or `"skip:N"` to leave out up to N images that cannot be used.
        precomputed: the folder of the images of conditions like `precomputed/fog:3`.
        device: `"auto"`, `"cpu"`, `"cuda"` or `"cuda:N"`.
        batch_size: images in a batch; None chooses a size.
        precision: `"ieee"`, `"tf32"` or `"bfloat16"`.
        outputs: what the model returns: `"logits"`, or `"probabilities"`, whose logarithms are then the logits.
        store_logits: whether the records of a model hold every logit, as those of predictions always do.
        seed: of all random numbers.

    Raises:
        FailAwareError: an argument cannot be used; the message is one line.
    """
    if isinstance(conditions, str):
        raise ConfigError(f"evaluate: conditions: {conditions!r} is text; give a list, as in [{conditions!r}]")
    if records is not None:
        _check_records(records, outputs, is_alone=model is None and dataset is None)
        return _evaluate_predictions(records, conditions, rule)
    if model is None or dataset is None or preprocess is None:
        raise ConfigError("evaluate: give model, dataset and preprocess, or records of predictions made elsewhere")
    conditions = DEFAULT_CONDITIONS if conditions is None else conditions
    typed = {"model": model, "dataset": dataset, "preprocess": preprocess, "arch": arch, "device": device}
    typed |= {
        "precision": precision,
        "bad-samples": bad_samples,
        "checkpoint-key": checkpoint_key,
        "trust-model": trust_model,
        "allow-download": "1" if allow_download else None,
        "precomputed": precomputed and str(precomputed),
        "batch-size": batch_size and str(batch_size),
    }
    ini_values = {"outputs": outputs, "store_logits": store_logits, "data_root": data_root and str(data_root)}
    config = resolve(
        command_line={name: value for name, value in typed.items() if isinstance(value, str)},
        ini={"conditions": list(conditions), "rule": rule, "seed": seed} | ini_values,
        around=Surroundings(environ={}, invocation_dir=Path.cwd(), ini_dir=Path.cwd()),
    )
    return _evaluate_model(model, dataset, config)


def _evaluate_model(model: torch.nn.Module | str, dataset: Any, config: RunConfig) -> Evaluations:  # Any: as evaluate
    """Open the model and the images, measure each condition, and restore the module."""
    check_torch()
    from pytest_failaware.measure.models.loading import adopt_model, choose_device, restored
    from pytest_failaware.measure.opening import open_bench, open_images, open_model

    follow = follow_here()
    with restored(model):
        chosen = choose_device(config.device)
        loaded = open_model(config, chosen) if isinstance(model, str) else adopt_model(model, chosen)
        with follow("decoding") as progress:
            images = open_images(config) if isinstance(dataset, str) else dataset
            bench = open_bench(config, loaded, images, progress=progress)
        try:
            return _evaluate_bench(bench, config, follow)
        finally:
            bench.close()


def _check_records(records: object, outputs: str, *, is_alone: bool) -> None:
    """Refuse predictions beside arguments that cannot be combined with them."""
    if isinstance(records, str) and not records.strip():
        raise ConfigError("evaluate: records: is empty; give a path, a data frame or arrays, or leave it out")
    if not is_alone:
        raise ConfigError("evaluate: records cannot be combined with a model or dataset; remove one of them")
    if outputs != ModelOutputs.LOGITS.value:
        raise ConfigError("evaluate: records state whether scores are logits or probabilities; remove outputs")


def _evaluate_bench(bench: Bench, config: RunConfig, follow: Follow) -> Evaluations:
    """Measure each condition, and warn of doubts as soon as they are known."""
    gate, evaluations, doubts = config.gate, dict[str, Evaluation](), [*bench.class_notes, *bench.doubts]
    names = bench.store.names(bench.store.sample_id.tolist())
    _warn(doubts)
    for number, condition in enumerate(gate.conditions, start=1):
        with follow(f"{condition.key} ({number} of {len(gate.conditions)})") as progress:
            measurement = bench.measure(condition, gate.seed, progress)
        evaluations[condition.key] = _evaluation(measurement, gate, names)
        doubts_here = [
            *doubts_of(evaluations[condition.key], is_misfit=bench.is_misfit),
            *below_published(measurement, published_weights(config, measurement)),
        ]
        doubts_here += [doubt for doubt in bench.runner.doubts if doubt not in doubts]
        _warn(doubts_here)
        doubts += doubts_here
    notes = (*bench.model.notes, *bench.notes, *_of_rule(gate, bench.store.facts), *doubts)
    return Evaluations(evaluations=evaluations, gate=gate, notes=tuple(dict.fromkeys(map(in_script, notes))))


def _evaluate_predictions(
    records: Any,  # Any: as evaluate takes it
    conditions: Sequence[str] | None,
    rule: str | FailureRule,
) -> Evaluations:
    from pytest_failaware.measure.predictions.predictions import adopt_predictions, read_predictions

    is_path = isinstance(records, (str, Path))
    predictions = read_predictions(Path(records), option="records") if is_path else adopt_predictions(records)
    wanted = list(predictions.records) if conditions is None else list(conditions)
    gate = build_gate({"conditions": wanted, "rule": rule}, prefix="evaluate: ", vocabulary=BUILT_IN.of_predictions)
    evaluations, doubts = dict[str, Evaluation](), list(predictions.doubts)
    for condition in gate.conditions:
        measurement = predictions.measurement(condition, gate.seed)
        names = predictions.names(measurement.records.sample_id.tolist())
        evaluations[condition.key] = _evaluation(measurement, gate, names)
        doubts += doubts_of(evaluations[condition.key])
    _warn(doubts)
    notes = (*predictions.notes, *_of_rule(gate, predictions.data), *doubts)
    return Evaluations(evaluations=evaluations, gate=gate, notes=tuple(dict.fromkeys(notes)))


def _evaluation(measurement: Measurement, gate: Gate, names: Mapping[int, str]) -> Evaluation:
    return Evaluation(measurement=measurement, rule=gate.rule, table=gate.table, names=lambda sample_ids: names)


def _of_rule(gate: Gate, data: DataFacts) -> Iterator[str]:
    """Yield a sentence if a part of the rule can flag nothing."""
    if dead := gate.rule.dead_part(len(data.classes)):
        yield dead


def _warn(doubts: Iterable[str]) -> None:
    """Warn, with the line that called `evaluate`."""
    for doubt in doubts:
        warnings.warn(printable(in_script(doubt)), FailAwareWarning, stacklevel=1 + _calls_here())


def _calls_here() -> int:
    """Return how many of the latest calls, without this one, are functions of this file."""
    frame, calls = inspect.currentframe(), -1
    while frame is not None and frame.f_code.co_filename == __file__:
        frame, calls = frame.f_back, calls + 1
    return calls
