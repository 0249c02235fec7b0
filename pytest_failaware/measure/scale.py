"""Whether the inputs are those of the training: asked of the labels, and of what batch norms remember."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from pytest_failaware.measure.alternatives import GIVEN, Alternative, alternatives
from pytest_failaware.measure.misfit import Look, Misfit, look
from pytest_failaware.measure.models import LoadedModel
from pytest_failaware.measure.precision import computing
from pytest_failaware.measure.preprocess import Pipeline, build_pipeline
from pytest_failaware.measure.store import ImageStore
from pytest_failaware.schema import Precision, Preprocessing

IMAGES: Final = 64
"""Images that are looked at, evenly spread over the data set: the first ones of a folder are of one class."""

SURE: Final = 0.6
"""The share of right answers above which nothing else is tried, as long as the batch norms agree."""

SUSPICIOUS: Final = 0.2
"""The divergence, at the first batch norm or typically, from which other preprocessing is tried. Correct inputs have up
to 0.13, after training on darkened ones."""

BETTER: Final = 10
"""How many times less the divergence must be under the preprocessing that was probably meant."""

ABSURD: Final = 10.0
"""The divergence at the first batch norm that is reported even if nothing tried fits: a third of the light gives 3."""

MORE_RIGHT: Final = 1.5
"""How many times as many images must be right under the preprocessing that was probably meant."""

NEARLY: Final = 0.8
"""The share of the most right answers from which on their number is no reason to prefer one way to another."""

OTHERS: Final = 256
"""Further images, at most, on which that is confirmed: the best of many is better by chance where it was chosen."""

CHANCE: Final = 1e-5
"""The largest p value of the confirmation, a sign test over the images that are right under one of the two alone."""

_BATCH: Final = 16  # images at a time: the user's batch size may be small for a reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """What a few clean images say: how many are right, and what is wrong with the preprocessing, if anything."""

    images: int
    right: int
    seen: Look
    finding: str | None = None

    @property
    def is_alarm(self) -> bool:
        """Whether the preprocessing is almost surely wrong: a finding, and less than a third is right."""
        return self.finding is not None and 3 * self.right < self.images


def inspect_scale(model: LoadedModel, store: ImageStore, pipeline: Pipeline, precision: Precision) -> Inspection:
    """Look at a few clean images as they are prepared, and otherwise prepared if something is odd."""
    model.module.eval()  # a test may have put the shared model into another mode
    devices = [model.device] if model.device.type == "cuda" else []
    with torch.inference_mode(), computing(precision, model.device), torch.random.fork_rng(devices):
        return _Inspector(model, store, pipeline).inspection()


class _Inspector:
    """One model on one data set."""

    def __init__(self, model: LoadedModel, store: ImageStore, pipeline: Pipeline) -> None:
        self.model = model
        self.store = store
        self.pipeline = pipeline
        self.rows = spread(np.arange(len(store.labels)), IMAGES)
        self.images = self._images(self.rows)

    def inspection(self) -> Inspection:
        """Look once, and again with other preprocessing if that look is odd."""
        given = self._look(GIVEN, self.images)
        right = int(self._right(given, self.rows).sum())
        finding = self._finding(given, right) if self._is_odd(given, right) else None
        return Inspection(images=len(self.rows), right=right, seen=given, finding=finding)

    def _is_odd(self, given: Look, right: int) -> bool:
        if given.answers is None:  # measuring says why
            return given.first > SUSPICIOUS
        return max(given.first, given.typical) > SUSPICIOUS or right <= SURE * len(self.rows)

    def _finding(self, given: Look, right: int) -> str | None:
        tried = alternatives(self.images, self.pipeline, enlarge=3 * right < len(self.rows))
        looks = {other: self._look(other, self.images) for other in tried}
        best = self._best(looks)
        confirmed = self._confirmed(best, given, looks[best])
        if confirmed is not None and looks[best].first <= ABSURD:
            return _sentence(given, self._remedy(best), confirmed)
        closest = _closest(given, looks)
        if closest is not None:
            return _sentence(given, self._remedy(closest), None)
        if given.first > ABSURD:
            return _sentence(given, "give the mean and std of the training in --failaware-preprocess", None)
        return None

    def _best(self, looks: Mapping[Alternative, Look]) -> Alternative:
        """Return what fits the batch norms best, then what changes least, of all that get nearly the most right."""
        right = {other: int(self._right(seen, self.rows).sum()) for other, seen in looks.items()}
        near = [other for other in looks if right[other] >= NEARLY * max(right.values())]
        return min(near, key=lambda other: (looks[other].typical, other.changes, -right[other]))

    def _confirmed(self, best: Alternative, given: Look, other: Look) -> tuple[int, int, int] | None:
        """Return how many further images there are, how many are right as given, and otherwise, if these are more."""
        if not _are_more(self._right(given, self.rows), self._right(other, self.rows), chance=0.05):
            return None
        rest = np.setdiff1d(np.arange(len(self.store.labels)), self.rows)
        rows = spread(rest, OTHERS) if len(rest) >= IMAGES else self.rows
        images = self._images(rows)
        before, after = (self._right(self._look(way, images), rows) for way in (GIVEN, best))
        return (len(rows), int(before.sum()), int(after.sum())) if _are_more(before, after, chance=CHANCE) else None

    def _images(self, rows: NDArray[np.intp]) -> torch.Tensor:
        return torch.from_numpy(self.store.images[rows]).permute(0, 3, 1, 2).contiguous()

    def _look(self, way: Alternative, images: torch.Tensor) -> Look:
        return look(self.model.module, self._batches(way, images))

    def _batches(self, way: Alternative, images: torch.Tensor) -> Iterator[torch.Tensor]:
        for start in range(0, len(images), _BATCH):
            yield way.inputs(images[start : start + _BATCH].to(self.model.device), self.pipeline)

    def _right(self, seen: Look, rows: NDArray[np.intp]) -> NDArray[np.bool_]:
        if seen.answers is None:
            return np.zeros(len(rows), dtype=np.bool_)
        right: NDArray[np.bool_] = seen.answers == self.store.labels[rows]
        return right

    def _remedy(self, best: Alternative) -> str:
        looks = "" if best.spec is None else _looks(self.pipeline.normalise(self.images), self.images)
        return f"{looks} {best} they fit".lstrip()


def _closest(given: Look, looks: Mapping[Alternative, Look]) -> Alternative | None:
    """Return what fits the batch norms far better: a normalisation the first of them, another size all of them."""
    numbers = {way: seen.first for way, seen in looks.items() if way.size is None and not way.is_swapped}
    sizes = {way: seen.typical for way, seen in looks.items() if way.size is not None}
    for now, divergences in ((given.first, numbers), (given.typical, sizes)):
        best = min(divergences, key=divergences.__getitem__, default=None)
        if best is not None and now > SUSPICIOUS and divergences[best] * BETTER < now:
            return best
    return None


def spread(rows: NDArray[np.intp], count: int) -> NDArray[np.intp]:
    """Return so many of the rows, evenly spread; all of them if there are fewer."""
    chosen: NDArray[np.intp] = rows[np.unique(np.linspace(0, len(rows) - 1, count).astype(np.intp))]
    return chosen


def _are_more(before: NDArray[np.bool_], after: NDArray[np.bool_], *, chance: float) -> bool:
    """Return whether more are right, by `MORE_RIGHT` and by a one-sided sign test at the level `chance`."""
    gained, lost = int((after & ~before).sum()), int((before & ~after).sum())
    flips = gained + lost
    p = sum(math.comb(flips, heads) for heads in range(gained, flips + 1)) / 2**flips
    return bool(after.sum() >= MORE_RIGHT * before.sum()) and p <= chance


def _looks(inputs: torch.Tensor, images: torch.Tensor) -> str:
    """What the inputs of these uint8 images probably are."""
    if torch.equal(inputs, build_pipeline(Preprocessing()).normalise(images)):
        return "they look as if not normalised:"
    if float(inputs.abs().max()) > 50:
        return "they look as if in 0..255:"
    return "they look as if normalised by other numbers, or twice:"


def _sentence(given: Look, remedy: str, confirmed: tuple[int, int, int] | None) -> str:
    text = "the clean inputs are not what the model was trained on: "
    if max(given.first, given.typical) > SUSPICIOUS:
        text += f"{_at_norm(given)}; "
    text += remedy
    if confirmed is not None:
        images, before, after = confirmed
        text += f", {after} of {images} images are right then, instead of {before}"
    return text


def _at_norm(given: Look) -> str:
    """Where the inputs differ: at the first batch norm, or at the one where they differ most."""
    is_first = given.first > SUSPICIOUS
    misfit = given.misfits[0] if is_first else max(given.misfits, key=lambda misfit: misfit.divergence)
    return f"at its {'first ' if is_first else ''}batch norm ({misfit.norm or 'itself'}) {_difference(misfit)}"


def _difference(misfit: Misfit) -> str:
    times = misfit.spread if misfit.spread >= 1 else 1 / misfit.spread if misfit.spread else math.inf
    wider = "wider" if misfit.spread >= 1 else "narrower"
    return (
        f"they spread {times:.2g} times {wider} than in training, and their mean is {misfit.shift:.2g} standard "
        "deviations away"
    )
