"""Check whether the inputs match the training, by the labels and by the statistics of batch norms.

A correct setup costs one look at a few images. Only if that look is suspicious, the usual alternatives are tried.
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
"""Above this share of right answers no alternative is tried, unless the batch norms differ."""

BETTER: Final = 10
"""The factor by which an alternative must reduce the divergence."""

ABSURD: Final = 10.0
"""A larger divergence at the first batch norm is reported even if no alternative fits; a third of the light gives 3."""

NEARLY: Final = 0.8
"""Alternatives with at least this share of the most right answers count as equally good by their right answers."""

DOUBT: Final = 0.05
"""At most at this p value, right answers that become wrong count against an alternative."""

_BATCH_PIXELS: Final = 2**18  # 64 images of 64 x 64 px, 5 of 224 x 224


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """The result on a few clean images: how many are right, and the finding on the preprocessing, if any."""

    images: int
    right: int
    seen: InputLook
    finding: str | None = None

    @property
    def is_alarm(self) -> bool:
        """Whether the preprocessing is almost surely wrong: there is a finding, and less than a third is right."""
        return self.finding is not None and self.right < POOR * self.images


def inspect_scale(
    model: LoadedModel, store: ImageStore, pipeline: Pipeline, precision: Precision, *, batch_size: int = IMAGES
) -> Inspection:
    """Look at a few clean images as they are preprocessed, and at alternatives if that look is suspicious.

    The modes of the model, the random state of torch and its settings are restored afterwards.
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
    """Inspects the preprocessing of one model on one data set."""

    def __init__(self, model: LoadedModel, store: ImageStore, pipeline: Pipeline, batch_size: int) -> None:
        self.model = model
        self.store = store
        self.pipeline = pipeline
        self.batch_size = batch_size
        self.rows, *self.others = sampled_rows(store)
        self.images = self._images(self.rows)

    def inspection(self) -> Inspection:
        """Look once, and try alternatives if that look is suspicious."""
        given = self._look(GIVEN, self.images)
        right = int(given.right(self._labels).sum())
        finding = self._finding(given, right) if self._is_odd(given, right) else None
        return Inspection(images=len(self.rows), right=right, seen=given, finding=finding)

    @property
    def _labels(self) -> NDArray[np.uint16]:
        labels: NDArray[np.uint16] = self.store.labels[self.rows]
        return labels

    def _is_odd(self, given: InputLook, right: int) -> bool:
        has_answers = given.answers is not None  # else measuring reports the error
        return given.suspect is not None or (has_answers and right <= SURE * len(self.rows))

    def _finding(self, given: InputLook, right: int) -> str | None:
        """Try cheap alternatives first; they end the search only if most answers are then right."""
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
        """Return the alternative that the labels prove to be far better, with its flips on further images."""
        best = self._best(looks)
        confirmed = self._confirmed(best, given, looks[best])
        return None if confirmed is None else (best, confirmed)

    def _best(self, looks: Mapping[Alternative, InputLook]) -> Alternative:
        """Return the alternative that fits the batch norms best, then changes least, among those with most right."""
        right = self._counts(looks)
        near = [way for way in looks if right[way] >= NEARLY * max(right.values())]
        return min(near, key=lambda way: (looks[way].typical, way.changes, -right[way]))

    def _confirmed(self, best: Alternative, given: InputLook, other: InputLook) -> Flips | None:
        """Return the flips of the alternative on further images if they prove it to be far better.

        The images are looked at in parts, and no longer than needed. If there are no further images, the first images
        must prove it.
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
        """Return the alternative that fits the batch norms far better, unless the labels contradict.

        The first batch norm judges a mean and std, and the median of all batch norms judges a size.
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
        """Yield the inputs in batches that are smaller for large images, and never larger than the user's batches."""
        height, width = (way.size or side for side in images.shape[2:])
        size = max(1, min(self.batch_size, _BATCH_PIXELS // (height * width)))
        for start in range(0, len(images), size):
            yield way.inputs(images[start : start + size].to(self.model.device), self.pipeline)
