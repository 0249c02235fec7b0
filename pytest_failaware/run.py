"""Measure a model without pytest: the same path that the fixtures take, for notebooks, scripts and our own tests."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_failaware.conditions import FOUNDING, Degrade
from pytest_failaware.config import resolve
from pytest_failaware.errors import ConfigError, FailAwareWarning
from pytest_failaware.evaluation import Evaluation, Evaluations
from pytest_failaware.judge.alarm import CLEAN, clean_alarm
from pytest_failaware.judge.compare import flags_nearly_all, not_finite
from pytest_failaware.judge.rule import FailureRule
from pytest_failaware.marker import build_gate
from pytest_failaware.measure.bench import Bench, build_bench
from pytest_failaware.measure.data import ImageSet, adopt_dataset
from pytest_failaware.measure.models import LoadedModel, adopt_model, choose_device, load_model, restored
from pytest_failaware.measure.sources import open_dataset
from pytest_failaware.measure.store import silent
from pytest_failaware.notes import below_published
from pytest_failaware.options import Surroundings
from pytest_failaware.progress import Follow
from pytest_failaware.requirements import needed_dataset, needed_preprocess
from pytest_failaware.schema import DataFacts, Gate, Measurement, ModelOutputs, RunConfig, Tell
from pytest_failaware.screen import follow_here
from pytest_failaware.script_words import in_script
from pytest_failaware.text import printable
from pytest_failaware.vocabulary import BUILT_IN

if TYPE_CHECKING:
    import torch


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
    """Measure a classifier under each condition; the result is a mapping from a condition's spelling to its outcome.

    What makes the numbers doubtful, such as a wrong preprocessing, is a `FailAwareWarning` as soon as it is known. On a
    terminal and in a notebook a line shows the progress.

    Text means what it means on pytest's command line; relative paths start at the working directory. A module that is
    given has its device, modes and gradients back afterwards.

    Args:
        model: a module, or text as `--failaware-model` takes it.
        dataset: a map-style data set of (image, label), or text as `--failaware-dataset` takes it.
        preprocess: as `--failaware-preprocess`, `"resize=224"` or `"none"`.
        records: predictions made elsewhere, instead of model, dataset and preprocess: a path, a data frame or arrays.
        arch: the architecture of the weights.
        checkpoint_key: where in a checkpoint the weights are.
        trust_model: the hash of a model's file that may run code.
        allow_download: whether weights may be fetched from the network.
        conditions: a list, as in `["clean", "fog:3"]`. Default: clean, gaussian_noise, blur and low_light; those of
            `records` if these are given.
        rule: which predictions are flagged.
        data_root: where torchvision's data sets lie.
        bad_samples: `"fail"`, or `"skip:N"` to leave out up to N images that cannot be used.
        precomputed: the folder of images for conditions like `precomputed/fog:3`.
        device: `"auto"`, `"cpu"`, `"cuda"` or `"cuda:N"`.
        batch_size: images in a batch; None chooses it.
        precision: `"ieee"`, `"tf32"` or `"bfloat16"`.
        outputs: what the model returns: `"logits"`, or `"probabilities"`, whose logarithms are then the logits.
        store_logits: whether the records of a model hold every logit, as those of predictions always do.
        seed: of what is drawn at random.

    Raises:
        FailAwareError: anything that cannot be used, in one line.
    """
    if isinstance(conditions, str):
        raise ConfigError(f"evaluate: conditions: {conditions!r} is text; give a list, as in [{conditions!r}]")
    if records is not None:
        if isinstance(records, str) and not records.strip():
            raise ConfigError("evaluate: records: is empty; give a path, a data frame or arrays, or leave it out")
        if model is not None or dataset is not None:
            raise ConfigError("evaluate: records were predicted elsewhere; leave out model and dataset, or records")
        if outputs != ModelOutputs.LOGITS.value:
            raise ConfigError("evaluate: records name their scores logits or probabilities; leave out outputs")
        return _evaluate_predictions(records, conditions, rule)
    if model is None or dataset is None or preprocess is None:
        raise ConfigError("evaluate: give model, dataset and preprocess, or records of predictions made elsewhere")
    conditions = FOUNDING if conditions is None else conditions
    given = {"model": model, "dataset": dataset, "preprocess": preprocess, "arch": arch, "device": device}
    given |= {
        "precision": precision,
        "bad-samples": bad_samples,
        "checkpoint-key": checkpoint_key,
        "trust-model": trust_model,
        "allow-download": "1" if allow_download else None,
        "precomputed": precomputed and str(precomputed),
        "data-root": data_root and str(data_root),
        "batch-size": batch_size and str(batch_size),
    }
    kept = {"outputs": outputs, "store_logits": store_logits}
    config = resolve(
        command_line={name: value for name, value in given.items() if isinstance(value, str)},
        ini={"conditions": list(conditions), "rule": rule, "seed": seed} | kept,
        around=Surroundings(environ={}, invocation_dir=Path.cwd(), ini_dir=Path.cwd()),
    )
    follow = follow_here()
    with restored(model):
        chosen = choose_device(config.device)
        loaded = open_model(config, chosen) if isinstance(model, str) else adopt_model(model, chosen)
        with follow("decoding") as tell:
            bench = open_bench(config, loaded, open_images(config) if isinstance(dataset, str) else dataset, tell=tell)
        try:
            return _evaluate_bench(bench, config, follow)
        finally:
            bench.close()


def _evaluate_bench(bench: Bench, config: RunConfig, follow: Follow) -> Evaluations:
    """Measure each condition, and warn of what is doubtful as soon as it is known."""
    gate, found, doubts = config.gate, dict[str, Evaluation](), [*bench.class_notes, *bench.doubts]
    names = bench.store.names(bench.store.sample_id.tolist())
    _warn(doubts)
    for number, condition in enumerate(gate.conditions, start=1):
        with follow(f"{condition.key} ({number} of {len(gate.conditions)})") as tell:
            measurement = bench.measure(condition, gate.seed, tell)
        found[condition.key] = _evaluation(measurement, gate, names)
        doubts_here = [*_doubts(found[condition.key], is_misfit=bench.is_misfit), *below_published(config, measurement)]
        doubts_here += [doubt for doubt in bench.runner.doubts if doubt not in doubts]
        _warn(doubts_here)
        doubts += doubts_here
    notes = (*bench.model.notes, *bench.notes, *_of_rule(gate, bench.store.facts), *doubts)
    return Evaluations(evaluations=found, gate=gate, notes=tuple(dict.fromkeys(map(in_script, notes))))


def _evaluate_predictions(
    records: Any,  # Any: as evaluate takes it
    conditions: Sequence[str] | None,
    rule: str | FailureRule,
) -> Evaluations:
    from pytest_failaware.predictions import adopt_predictions, read_predictions

    is_path = isinstance(records, (str, Path))
    predictions = read_predictions(Path(records), option="records") if is_path else adopt_predictions(records)
    wanted = list(predictions.records) if conditions is None else list(conditions)
    gate = build_gate({"conditions": wanted, "rule": rule}, prefix="evaluate: ", vocabulary=BUILT_IN.of_predictions)
    found, doubts = dict[str, Evaluation](), list(predictions.doubts)
    for condition in gate.conditions:
        measurement = predictions.measurement(condition, gate.seed)
        names = predictions.names(measurement.records.sample_id.tolist())
        found[condition.key] = _evaluation(measurement, gate, names)
        doubts += _doubts(found[condition.key])
    _warn(doubts)
    notes = (*predictions.notes, *_of_rule(gate, predictions.data), *doubts)
    return Evaluations(evaluations=found, gate=gate, notes=tuple(dict.fromkeys(notes)))


def _evaluation(measurement: Measurement, gate: Gate, names: Mapping[int, str]) -> Evaluation:
    return Evaluation(measurement=measurement, rule=gate.rule, table=gate.table, names=lambda sample_ids: names)


def _of_rule(gate: Gate, data: DataFacts) -> Iterator[str]:
    """A sentence if a part of the rule can flag nothing."""
    if dead := gate.rule.dead_part(len(data.classes)):
        yield dead


def _doubts(evaluation: Evaluation, *, is_misfit: bool = False) -> Iterator[str]:
    """Sentences on logits that are not finite, on a set-up that is wrong, and on a rule that flags everything."""
    key, stats = evaluation.condition.key, evaluation.stats
    yield from (f"{key}: {note}" for note in not_finite(stats))
    if alarm := clean_alarm(evaluation.measurement, is_misfit=is_misfit):
        yield alarm
    elif key == CLEAN:
        yield from (f"{key}: {note}" for note in flags_nearly_all(stats))


def _warn(doubts: Iterable[str]) -> None:
    """Warn at the line that called `evaluate`."""
    for doubt in doubts:
        warnings.warn(printable(in_script(doubt)), FailAwareWarning, stacklevel=4)


def open_model(config: RunConfig, device: torch.device) -> LoadedModel:
    """The configured model, loaded and frozen on the device."""
    if config.model is None:
        raise ConfigError("no model given; pass --failaware-model=FILE (or FAILAWARE_MODEL, or the ini)")
    return load_model(config.model, config.arch, device, config.loading)


def open_images(config: RunConfig) -> ImageSet:
    """The configured data set, not yet decoded."""
    return open_dataset(needed_dataset(config), config.data_root, config.group)


def adopt_images(config: RunConfig, dataset: Any) -> ImageSet:  # Any: an ImageSet or what a user gives
    """The images of a data set, which has groups if a column of groups is named."""
    images = dataset if isinstance(dataset, ImageSet) else adopt_dataset(dataset, "failaware_dataset")
    if config.group is not None and images.groups is None:
        raise ConfigError(
            f"--failaware-group={config.group}: names a column of a data set csv:FILE; this one tells no groups, give "
            "it an attribute .groups (npz: an array groups) or leave the option out"
        )
    return images


def open_bench(
    config: RunConfig,
    model: LoadedModel,
    dataset: Any,  # Any: an ImageSet or what a user gives
    own_kernels: Mapping[str, Degrade] | None = None,
    tell: Tell = silent,
) -> Bench:
    """The bench of a model and a data set under the configured preprocessing."""
    preprocess, images = needed_preprocess(config), adopt_images(config, dataset)
    return build_bench(
        model,
        images,
        preprocess,
        batch_size=config.batch_size,
        precision=config.precision,
        flags=config.gate.rule.flags,
        limit=config.limit,
        bad_samples=config.bad_samples,
        own_kernels=own_kernels,
        precomputed=config.precomputed,
        keep_logits=config.store_logits,
        declared=config.model_outputs,
        rename=config.rename,
        tell=tell,
    )
