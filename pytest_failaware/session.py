"""The state of one process's run: the opened model and images, the baselines read, and the judging of an item."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any

from pytest_failaware.errors import ConfigError
from pytest_failaware.schema import Baseline, Condition, Gate, ItemResult, Measurement, RunConfig, Verdict

if TYPE_CHECKING:
    import torch

    from pytest_failaware.measure.bench import Bench
    from pytest_failaware.measure.data import ImageSet
    from pytest_failaware.measure.models import LoadedModel
    from pytest_failaware.run import Evaluation


@dataclass(frozen=True, slots=True, kw_only=True)
class GatedCondition:
    """What one test item gates: a condition under a gate."""

    condition: Condition
    gate: Gate


class Session:
    """Opens each thing once, on first use; torch is imported only when a model or an image is needed."""

    def __init__(self, config: RunConfig) -> None:
        self.config = config
        self._models: dict[int, LoadedModel] = {}
        self._benches: dict[tuple[int, int], tuple[Bench, object]] = {}
        self.read_baseline = cache(self._read_baseline)

    @cached_property
    def device(self) -> torch.device:
        """The device the model runs on."""
        from pytest_failaware.measure.models import choose_device

        return choose_device(self.config.device)

    @cached_property
    def model(self) -> LoadedModel:
        """The configured model."""
        from pytest_failaware.run import open_model

        return self._remember(open_model(self.config, self.device))

    @cached_property
    def images(self) -> ImageSet:
        """The configured data set."""
        from pytest_failaware.run import open_images

        return open_images(self.config)

    def bench(self, module: Any, dataset: Any) -> Bench:  # Any: whatever the user's fixtures return
        """The bench of a model and a data set, built once for each pair."""
        from pytest_failaware.measure.models import adopt_model
        from pytest_failaware.run import open_bench

        key = (id(module), id(dataset))
        if key not in self._benches:
            loaded = self._models.get(id(module)) or self._remember(adopt_model(module, self.device))
            # The data set is kept beside its bench: an id is only unique among living objects.
            self._benches[key] = (open_bench(self.config, loaded, dataset), dataset)
        return self._benches[key][0]

    def evaluation(self, measurement: Measurement, gate: Gate) -> Evaluation:
        """The measurement as the `reliability` fixture hands it to a test."""
        from pytest_failaware.run import Evaluation

        return Evaluation(condition=measurement.condition, records=measurement.records, rule=gate.rule)

    def judge(self, measurement: Measurement, gate: Gate, nodeid: str) -> ItemResult:
        """The verdict on one item; in an updating run, what the update makes of it."""
        from pytest_failaware.judge.acceptance import accepted
        from pytest_failaware.judge.compare import judge
        from pytest_failaware.judge.samples import read_records

        name = baseline_name(measurement, gate)
        baseline = self.read_baseline(name)
        entry = baseline.entries.get(measurement.condition.key) if baseline else None
        reference = read_records(self.config.baseline_dir, baseline, entry) if baseline and entry else None
        result = judge(measurement, gate, nodeid=nodeid, name=name, baseline=baseline, reference=reference)
        if self.config.update_baselines:
            return accepted(result)
        return self._with_suggestion(result) if result.verdict is Verdict.MISSING else result

    def facts(self, measurement: Measurement, gate: Gate) -> tuple[str, ...]:
        """What is known after loading, in lines for the summary."""
        provenance = measurement.provenance
        model, data = provenance.model, provenance.data
        classes = len(data.classes)
        dead = gate.rule.dead_part(classes)
        opened = vars(self)  # what the user's own fixtures replace is never opened
        return (
            f"model {self.config.model if 'model' in opened else 'of the fixture failaware_model'} "
            f"({f'{model.architecture} {model.sha256[:8]}'.strip()}) on {provenance.environment['device']}",
            *(note for loaded in self._models.values() for note in loaded.notes),
            f"data {self.config.dataset if 'images' in opened else 'of the fixture failaware_dataset'}: "
            f"{data.samples:,} images, {classes} classes; preprocess {provenance.preprocessing}",
            f"rule {gate.rule}; baseline {baseline_name(measurement, gate)} in {self.config.baseline_dir}",
            *(() if dead is None else (f"note: {dead}",)),
        )

    def close(self) -> None:
        """Remove the temporary files of memory-mapped images."""
        for bench, _ in self._benches.values():
            bench.store.close()

    def _remember(self, loaded: LoadedModel) -> LoadedModel:
        self._models[id(loaded.module)] = loaded
        return loaded

    def _read_baseline(self, name: str) -> Baseline | None:
        from pytest_failaware.judge.baseline import read_baseline

        return read_baseline(self.config.baseline_dir, name)

    def _with_suggestion(self, result: ItemResult) -> ItemResult:
        """A missing baseline with the names of those that exist."""
        from pytest_failaware.judge.baseline import baseline_names

        names = baseline_names(self.config.baseline_dir)
        where = f"in {self.config.baseline_dir}"
        if result.baseline in names:
            return result
        note = f"baselines {where}: {', '.join(names)}" if names else f"there is no baseline {where} yet"
        return dataclasses.replace(result, notes=(*result.notes, note))


def baseline_name(measurement: Measurement, gate: Gate) -> str:
    """The marker's or the configured name, else the architecture's; never the file's, which is what changes."""
    name = gate.baseline or measurement.provenance.model.architecture
    if not name:
        raise ConfigError(
            "no name for the baseline: the model comes without an architecture's name; give --failaware-baseline=NAME, "
            "failaware_baseline in the ini, or baseline=… in the marker"
        )
    return name
