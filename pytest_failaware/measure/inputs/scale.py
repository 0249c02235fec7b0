"""Whether the inputs are those of the training: the labels are asked, and what batch norms remember.

One look at a few images is all that a model in order costs. Only if that look is odd, the usual alternatives are tried.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from pytest_failaware.core.estimates import POOR
from pytest_failaware.core.request import Precision
from pytest_failaware.measure.engine.settings import computing
from pytest_failaware.measure.images.store import ImageStore
from pytest_failaware.measure.inputs.alternatives import GIVEN, Alternative, as_large, larger, much_smaller
from pytest_failaware.measure.inputs.flips import Flips, flips
from pytest_failaware.measure.inputs.look import SUSPICIOUS, InputLook, look
from pytest_failaware.measure.inputs.preprocess import Pipeline
from pytest_failaware.measure.inputs.sample import IMAGES, sampled_rows
from pytest_failaware.measure.inputs.scale_text import describe_finding
from pytest_failaware.measure.models.loading import LoadedModel, restored

SURE: Final = 0.6
"""The share of right answers above which nothing else is tried, as long as the batch norms agree."""

BETTER: Final = 10
"""How many times less the divergence must be under the alternative."""

ABSURD: Final = 10.0
"""The divergence at the first batch norm that is reported even if nothing tried fits: a third of the light gives 3."""

NEARLY: Final = 0.8
"""The share of the most right answers from which on their number is no reason to prefer one alternative to another."""

DOUBT: Final = 0.05
"""The p value at which right answers that become wrong speak against an alternative."""

_BATCH_PIXELS: Final = 2**18  # 64 images of 64 x 64 px, 5 of 224 x 224


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """What a few clean images say: how many are right, and what is wrong with the preprocessing, if anything."""

    images: int
    right: int
    seen: InputLook
    finding: str | None = None

    @property
    def is_alarm(self) -> bool:
        """Whether the preprocessing is almost surely wrong: a finding, and less than a third is right."""
        return self.finding is not None and self.right < POOR * self.images


def inspect_scale(
    model: LoadedModel, store: ImageStore, pipeline: Pipeline, precision: Precision, *, batch_size: int = IMAGES
) -> Inspection:
    """InputLook at a few clean images as they are prepared, and otherwise prepared if something is odd.

    The model's modes, torch's random state and its settings are afterwards as they were.
    """
    devices = [model.device] if model.device.type == "cuda" else []
    with (
        restored(model.module),
        torch.inference_mode(),
        computing(precision, model.device),
        torch.random.fork_rng(devices),
    ):
        model.module.eval()  # a test may have put the shared model into another mode
        return _Inspector(model, store, pipeline, batch_size).inspection()


class _Inspector:
    """One model on one data set."""

    def __init__(self, model: LoadedModel, store: ImageStore, pipeline: Pipeline, batch_size: int) -> None:
        self.model = model
        self.store = store
        self.pipeline = pipeline
        self.batch_size = batch_size
        self.rows, *self.others = sampled_rows(store)
        self.images = self._images(self.rows)

    def inspection(self) -> Inspection:
        """InputLook once, and try alternatives if that look is odd."""
        given = self._look(GIVEN, self.images)
        right = int(given.right(self._labels).sum())
        finding = self._finding(given, right) if self._is_odd(given, right) else None
        return Inspection(images=len(self.rows), right=right, seen=given, finding=finding)

    @property
    def _labels(self) -> NDArray[np.uint16]:
        labels: NDArray[np.uint16] = self.store.labels[self.rows]
        return labels

    def _is_odd(self, given: InputLook, right: int) -> bool:
        has_answers = given.answers is not None  # else measuring says why
        return given.suspect is not None or (has_answers and right <= SURE * len(self.rows))

    def _finding(self, given: InputLook, right: int) -> str | None:
        """Try what costs little first; it ends the search only if most answers are right then."""
        looks: dict[Alternative, InputLook] = {}
        for ways, share in (
            (much_smaller(self.images, self.pipeline), SURE),
            (as_large(self.images, self.pipeline), 0),
            (larger(self.images, is_lost=right < POOR * len(self.rows)), 0),
        ):
            looks |= {way: self._look(way, self.images) for way in ways}
            if max(self._counts(looks).values(), default=-1) >= share * len(self.rows):
                best, confirmed = self._proven(given, looks) or (self._closest(given, looks), None)
                if best is not None:
                    return describe_finding(given, self._labels, best, self.pipeline.numbers, confirmed)
        if given.first > ABSURD and right <= SURE * len(self.rows):
            return describe_finding(given, self._labels, None, self.pipeline.numbers, None)
        return None

    def _counts(self, looks: Mapping[Alternative, InputLook]) -> dict[Alternative, int]:
        """Return how many answers are right in each look."""
        return {way: int(seen.right(self._labels).sum()) for way, seen in looks.items()}

    def _proven(self, given: InputLook, looks: Mapping[Alternative, InputLook]) -> tuple[Alternative, Flips] | None:
        """Return what the labels prove to be far better, with what it changes for further images."""
        best = self._best(looks)
        confirmed = self._confirmed(best, given, looks[best])
        return None if confirmed is None else (best, confirmed)

    def _best(self, looks: Mapping[Alternative, InputLook]) -> Alternative:
        """Return what fits the batch norms best, then what changes least, of all that get nearly the most right."""
        right = self._counts(looks)
        near = [way for way in looks if right[way] >= NEARLY * max(right.values())]
        return min(near, key=lambda way: (looks[way].typical, way.changes, -right[way]))

    def _confirmed(self, best: Alternative, given: InputLook, other: InputLook) -> Flips | None:
        """Return what the alternative changes for further images if it is proven to be far better.

        They are looked at in parts, and no longer than needed. Without enough of them the same images have to do.
        """
        seen = flips(given.right(self._labels), other.right(self._labels))
        if seen.gained <= seen.lost:
            return None
        if not self.others:
            return seen if seen.is_proven else None
        before = after = np.zeros(0, dtype=np.bool_)
        for rows in self.others:
            images, labels = self._images(rows), self.store.labels[rows]
            before = np.append(before, self._look(GIVEN, images).right(labels))
            after = np.append(after, self._look(best, images).right(labels))
            seen = flips(before, after)
            if seen.is_proven:
                return seen
            if seen.gained <= seen.lost:
                return None
        return None

    def _closest(self, given: InputLook, looks: Mapping[Alternative, InputLook]) -> Alternative | None:
        """Return what fits the batch norms far better, unless the labels contradict.

        The first batch norm judges a mean and std, and all of them judge a size.
        """
        numbers = {way: seen.first for way, seen in looks.items() if way.size is None and not way.is_swapped}
        sizes = {way: seen.typical for way, seen in looks.items() if way.size is not None}
        for now, divergences in ((given.first, numbers), (given.typical, sizes)):
            best = min(divergences, key=divergences.__getitem__, default=None)
            if best is not None and now > SUSPICIOUS and divergences[best] * BETTER < now:
                seen = flips(given.right(self._labels), looks[best].right(self._labels))
                if seen.loss_by_chance > DOUBT:
                    return best
        return None

    def _images(self, rows: NDArray[np.intp]) -> torch.Tensor:
        return torch.from_numpy(self.store.images[rows]).permute(0, 3, 1, 2).contiguous()

    def _look(self, way: Alternative, images: torch.Tensor) -> InputLook:
        return look(self.model.module, self._batches(way, images))

    def _batches(self, way: Alternative, images: torch.Tensor) -> Iterator[torch.Tensor]:
        """The inputs in batches that are small where images are large, and never larger than the user's."""
        height, width = (way.size or side for side in images.shape[2:])
        size = max(1, min(self.batch_size, _BATCH_PIXELS // (height * width)))
        for start in range(0, len(images), size):
            yield way.inputs(images[start : start + size].to(self.model.device), self.pipeline)
