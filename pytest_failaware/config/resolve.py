"""Option values -> one frozen RunConfig: every default, and the validation of what users type.

The command line wins over the environment, which wins over the ini. Paths on the command line start at the directory
pytest was called from, paths in the ini at the ini file.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Final

from pytest_failaware.config.baseline_folder import DEFAULT as BASELINES
from pytest_failaware.config.conflicts import check_logits, refuse_contradictions
from pytest_failaware.config.gate import build_gate, read_pairs
from pytest_failaware.config.options import (
    INI_KEYS,
    OPTIONS,
    PREFIX,
    Given,
    Surroundings,
    given_lines,
    given_options,
    is_on,
)
from pytest_failaware.config.sources import positive, read_bad_samples, read_preprocess, read_source
from pytest_failaware.config.vocabulary import BUILT_IN, Vocabulary
from pytest_failaware.core.conditions.catalogue import FOUNDING
from pytest_failaware.core.errors import ConfigError
from pytest_failaware.core.gate import Gate
from pytest_failaware.core.request import (
    DRIFT_BUDGET,
    DatasetChange,
    Loading,
    ModelOutputs,
    Origin,
    Outputs,
    Precision,
    RunConfig,
    UpdateMode,
    Writing,
)
from pytest_failaware.report.json_report import records_path
from pytest_failaware.report.outputs import WRITERS

_OVERRIDE: Final = "--failaware-override="
_DEFAULTS: Final = {
    "device": "auto",
    "precision": Precision.IEEE.value,
    "baseline-dir": BASELINES,
    "drift-budget": str(DRIFT_BUDGET),
    "outputs": ModelOutputs.LOGITS.value,
    "dataset-change": "fail",
}


def resolve(
    *,
    command_line: Mapping[str, object],
    ini: Mapping[str, object],
    around: Surroundings,
    vocabulary: Vocabulary = BUILT_IN,
) -> RunConfig:
    """The configuration of a run.

    Args:
        command_line: option name (`model`, `batch-size`) -> what was typed.
        ini: key without the prefix (`model`, `batch_size`, `conditions`) -> its value; absent or None is not set.
        around: the environment variables and the directories where paths start.
        vocabulary: the conditions and metrics that can be named.

    Raises:
        ConfigError: naming the option or key, the value and the remedy.
    """
    given = given_options(command_line, ini, around)
    if "predictions" in given:
        vocabulary = vocabulary.of_predictions
    default_dir = Given(text=BASELINES, where="", place="default", base=around.ini_dir)
    writing, baseline_dir = _writing(given, around), given.get("baseline-dir", default_dir).path()
    reports = given_lines("report", command_line, ini, around)
    config = RunConfig(
        model=read_source("model", given["model"]) if "model" in given else None,
        predictions=read_source("predictions", given["predictions"]) if "predictions" in given else None,
        against=read_source("against", given["against"]) if "against" in given else None,
        arch=read_source("arch", given["arch"]) if "arch" in given else None,
        loading=_loading(given),
        dataset=read_source("dataset", given["dataset"]) if "dataset" in given else None,
        data_root=given["data-root"].path() if "data-root" in given else None,
        bad_samples=read_bad_samples(given["bad-samples"]) if "bad-samples" in given else 0,
        preprocess=read_preprocess(given["preprocess"]) if "preprocess" in given else None,
        precomputed=given["precomputed"].path() if "precomputed" in given else None,
        device=_device(given["device"]) if "device" in given else "auto",
        batch_size=_positive("batch-size", given),
        precision=_precision(given),
        model_outputs=_model_outputs(given),
        baseline_dir=baseline_dir,
        dataset_change=_dataset_change(given),
        drift_budget=_drift_budget(given),
        rename=_rename(given_lines("rename", command_line, ini, around)),
        check=is_on("check", given),
        limit=_positive("limit", given),
        group=given["group"].text if "group" in given else None,
        store_logits=is_on("store-logits", given),
        strict=is_on("strict", given),
        writing=writing,
        outputs=_outputs(given, reports, around, baseline_dir),
        caching=not is_on("no-cache", given),
        gate=_gate(given, ini, vocabulary),
        overrides=_overrides(command_line.get("override"), vocabulary),
        origins=_origins(given, reports),
    )
    refuse_contradictions(config, given, reports, around)
    check_logits(config, config.gate)
    return config


def _gate(given: Mapping[str, Given], ini: Mapping[str, object], vocabulary: Vocabulary) -> Gate:
    """The gate of a bare marker."""
    values = {"conditions": FOUNDING} | {key: ini[key] for key in INI_KEYS if ini.get(key) is not None}
    if "baseline" in given:
        values["baseline"] = given["baseline"].text
    return build_gate(values, prefix=PREFIX, vocabulary=vocabulary)


def _writing(given: Mapping[str, Given], around: Surroundings) -> Writing:
    everything, missing = is_on("update-baselines", given), is_on("update-new", given)
    if everything and missing:
        raise ConfigError(
            "--failaware-update-baselines and --failaware-update-new exclude each other: the first stores every value, "
            "the second those that are missing; keep one"
        )
    writing = Writing(
        update=UpdateMode.ALL if everything else UpdateMode.MISSING if missing else UpdateMode.NOTHING,
        prune=is_on("prune", given),
        dry_run=is_on("dry-run", given),
        reset_golden=is_on("reset-golden", given),
        reason=" ".join(given["reason"].text.split()) if "reason" in given else "",
        is_refused=bool(around.ci_server) and not is_on("update-in-ci", given),
    )
    if writing.dry_run and not writing.asked:
        raise ConfigError(
            "--failaware-dry-run: nothing to show; add --failaware-update-baselines, --failaware-update-new or "
            "--failaware-prune"
        )
    if "reason" in given and (not writing.reason or writing.update is UpdateMode.NOTHING):
        raise ConfigError(
            f"{given['reason'].where}: a reason is kept with the entries that an update changes; write why, and add "
            "--failaware-update-baselines or --failaware-update-new"
        )
    if writing.reset_golden and (not writing.reason or writing.update is not UpdateMode.ALL):
        raise ConfigError(
            f"{given['reset-golden'].where}: forgets what drift was measured against; add --failaware-update-baselines "
            'and --failaware-reason="why that is right"'
        )
    if is_on("require-reason", given) and not writing.reason and writing.update is not UpdateMode.NOTHING:
        raise ConfigError(
            f'{given["require-reason"].where}: updates need a reason here; add --failaware-reason="why they change"'
        )
    return writing


def _outputs(given: Mapping[str, Given], reports: Sequence[Given], around: Surroundings, baseline_dir: Path) -> Outputs:
    """A look writes nothing."""
    images, looks = _html_images(given), is_on("check", given)
    return Outputs(
        files=() if looks else _report_files(reports, baseline_dir),
        html_images=images,
        github=around.is_github_job and not looks and ("github" not in given or given["github"].switch()),
    )


def _report_files(reports: Sequence[Given], baseline_dir: Path) -> tuple[Path, ...]:
    """The files of the reports, none of which another one or a baseline needs."""
    files = [_writable(given) for given in reports]
    taken: dict[Path, str] = {}
    for given, path in zip(reports, files, strict=True):
        for written in (path, records_path(path)) if path.suffix.lower() == ".json" else (path,):
            if written in taken or written.is_relative_to(baseline_dir):
                holder = taken.get(written, f"the baselines in {baseline_dir}")
                raise ConfigError(f"{given.where}: {written} is for {holder}; name another file")
            taken[written] = given.where
    return tuple(files)


def _html_images(given: Mapping[str, Given]) -> int:
    one = given.get("html-images")
    if one is None:
        return Outputs().html_images
    if not re.fullmatch(r"\d|1\d|20", one.text, re.ASCII):
        raise ConfigError(f"{one.where}: must be a whole number from 0 to 20, got {one.text!r}")
    return int(one.text)


def _overrides(typed: object, vocabulary: Vocabulary) -> dict[str, str]:
    """KEY=VALUE pairs, checked as a marker's arguments are."""
    found = read_pairs(typed if isinstance(typed, Iterable) else (), _OVERRIDE)
    build_gate(found, prefix=_OVERRIDE, vocabulary=vocabulary)
    return found


def _rename(lines: Iterable[Given]) -> dict[str, str]:
    """New names of classes by the old ones, each name once."""
    found: dict[str, str] = {}
    for line in lines:
        old, new = (name.strip() for name in line.text.partition("=>")[::2])
        if not old or not new or old in found or new in found.values() or old == new:
            raise ConfigError(f"{line.where}: write OLD => NEW, one a line, each name once, as in cat => kitten")
        found[old] = new
    return found


def _origins(given: Mapping[str, Given], reports: Sequence[Given]) -> dict[str, Origin]:
    """Where the value of each option comes from that has one, in the order of the table."""
    known = {name: Origin(text=one.text, place=one.place) for name, one in given.items()}
    defaults = {name: Origin(text=text, place="default") for name, text in _DEFAULTS.items()}
    if reports:
        known["report"] = Origin(text=", ".join(given.text for given in reports), place=reports[0].place)
    found = defaults | known
    return {option.name: found[option.name] for option in OPTIONS if option.name in found}


def _loading(given: Mapping[str, Given]) -> Loading:
    key, trusted = given.get("checkpoint-key"), given.get("trust-model")
    hashes = [] if trusted is None else [part.strip().lower() for part in trusted.text.split(",")]
    for one in hashes:
        if trusted is not None and not re.fullmatch(r"sha256:[0-9a-f]{64}", one):
            raise ConfigError(
                f"{trusted.where}: must be sha256: and the 64 hexadecimal digits of the file's hash, got {one!r}; "
                "the refusal of the file names them"
            )
    return Loading(
        checkpoint_key=key.text if key else "",
        trusted=tuple(one.removeprefix("sha256:") for one in hashes),
        downloads=is_on("allow-download", given),
    )


def _positive(name: str, given: Mapping[str, Given]) -> int | None:
    return positive(given[name].text, given[name].where) if name in given else None


def _device(given: Given) -> str:
    if not re.fullmatch(r"auto|cpu|cuda(:\d+)?", given.text):
        raise ConfigError(f"{given.where}: must be auto, cpu, cuda or cuda:N, got {given.text!r}")
    return given.text


def _precision(given: Mapping[str, Given]) -> Precision:
    one = given.get("precision")
    if one is None:
        return Precision.IEEE
    known = [precision.value for precision in Precision]
    if one.text not in known:
        raise ConfigError(f"{one.where}: must be {', '.join(known[:-1])} or {known[-1]}, got {one.text!r}")
    return Precision(one.text)


def _model_outputs(given: Mapping[str, Given]) -> ModelOutputs:
    one = given.get("outputs")
    if one is None:
        return ModelOutputs.LOGITS
    try:
        return ModelOutputs(one.text)
    except ValueError:
        known = " or ".join(outputs.value for outputs in ModelOutputs)
        divided = " (percentages have to be divided by 100)" if one.text == "percentages" else ""
        raise ConfigError(f"{one.where}: must be {known}{divided}, got {one.text!r}") from None


def _drift_budget(given: Mapping[str, Given]) -> Decimal:
    one = given.get("drift-budget")
    text = _DEFAULTS["drift-budget"] if one is None else one.text
    try:
        budget = Decimal(text)
    except InvalidOperation:
        budget = Decimal("NaN")
    if one is not None and (budget.is_nan() or not 0 <= budget <= 1):
        raise ConfigError(f"{one.where}: must be a rate between 0 and 1, as in 0.02, got {text!r}")
    return budget


def _dataset_change(given: Mapping[str, Given]) -> DatasetChange:
    one = given.get("dataset-change")
    if one is None:
        return DatasetChange.FAIL
    try:
        return DatasetChange(one.text)
    except ValueError:
        known = " or ".join(change.value for change in DatasetChange)
        raise ConfigError(f"{one.where}: must be {known}, got {one.text!r}") from None


def _writable(given: Given) -> Path:
    path = given.path()
    if path.suffix.lower() not in WRITERS:
        raise ConfigError(
            f"{given.where}: the suffix says the format of a report; name a file that ends in "
            f"{', '.join(tuple(WRITERS)[:-1])} or {tuple(WRITERS)[-1]}"
        )
    if not path.parent.is_dir():
        raise ConfigError(f"{given.where}: the folder {path.parent} does not exist; create it first")
    if path.is_dir():
        raise ConfigError(f"{given.where}: is a folder; give the name of a file")
    if path.exists() and not path.is_file():  # it would be replaced by a file, for everybody
        raise ConfigError(f"{given.where}: is a device or a pipe; give the name of a file")
    return path
