"""Whether the inputs have the scale of the training: a checkpoint's first batch norm remembers what it saw there."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from pytest_failaware.measure.models import LoadedModel
from pytest_failaware.measure.precision import computing
from pytest_failaware.measure.preprocess import Pipeline, build_pipeline
from pytest_failaware.measure.store import ImageStore
from pytest_failaware.schema import Precision, Preprocessing

IMAGES: Final = 64
"""Images that are looked at, evenly spread over the data set: the first ones of a folder are of one class."""

SUSPICIOUS: Final = 0.2
"""The divergence from which a usual normalisation that fits better is told. Seen are up to 0.13 with correct inputs,
after training on darkened ones, and from 0.34 with wrong ones: benchmarks/RESULTS.md."""

ABSURD: Final = 10.0
"""The divergence that is told even where no usual normalisation fits: a third of the light gives 3."""

BETTER: Final = 10
"""How many times less it must be under the normalisation that was probably meant: with the right one instead of a wrong
one it is at least 30 times less in colour, while dark images come at most 3 times closer by a wrong one."""

_DEAD: Final = 1e-3  # of the largest variance; what a channel without values is compared with is rounding

_IMAGENET: Final = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
_USUAL: Final = {
    1: (((0.5,), (0.5,)), ((0.449,), (0.226,)), ((0.1307,), (0.3081,))),  # the last two: ImageNet's in grey, MNIST's
    3: (_IMAGENET, ((0.5,) * 3, (0.5,) * 3)),
}
_BYTES: Final = ((0.0,), (1 / 255,))  # undoes the division by 255


@dataclass(frozen=True, slots=True, kw_only=True)
class Misfit:
    """What a batch norm sees beside what it saw in training, as medians over its channels.

    `shift` is |mean - running mean| in standard deviations of the training, `spread` the ratio of the standard
    deviations, and `divergence` the mean of both Kullback-Leibler divergences between the two normal distributions, in
    nats: 0 where they are equal.
    """

    norm: str
    shift: float
    spread: float
    divergence: float


def scale_notes(model: LoadedModel, store: ImageStore, pipeline: Pipeline, precision: Precision) -> tuple[str, ...]:
    """A sentence where the clean inputs cannot be what the model was trained on; none where there is no batch norm."""
    rows = np.unique(np.linspace(0, len(store.labels) - 1, IMAGES).astype(np.intp))
    images = torch.from_numpy(store.images[rows]).to(model.device).permute(0, 3, 1, 2).contiguous()
    model.module.eval()  # a test may have put the shared model into another mode
    with torch.inference_mode(), computing(precision, model.device):
        given = _misfit(model, images, pipeline)
        if given is None or not given.divergence > SUSPICIOUS:
            return ()
        others = {spec: _misfit(model, images, build_pipeline(spec)) for spec in _usual(images.shape[1])}
        fits = {spec: other.divergence for spec, other in others.items() if other is not None}
        best = min(fits, key=lambda spec: fits[spec])
        looks = _looks(pipeline.normalise(images), images)
    if fits[best] * BETTER < given.divergence:
        return (_sentence(given, f"{looks} {_remedy(best)}"),)
    if given.divergence > ABSURD:
        return (_sentence(given, "give the mean and std of the training in --failaware-preprocess"),)
    return ()


def misfit(module: nn.Module, inputs: torch.Tensor) -> Misfit | None:
    """How the inputs (B, C, H, W) differ at the first batch norm that they reach; None where they reach none.

    The pass ends there. The module is in eval mode and keeps no hook, whatever happens.
    """
    norms = {part: name for name, part in module.named_modules() if _remembers(part)}
    reached: list[tuple[nn.Module, torch.Tensor]] = []

    def stop(norm: nn.Module, arguments: tuple[torch.Tensor, ...]) -> None:
        reached.append((norm, arguments[0]))
        raise _ReachedError

    handles = [norm.register_forward_pre_hook(stop) for norm in norms]
    try:
        if norms:
            module(inputs)
    except Exception:  # the user's network runs here: what it does not take, measuring tells
        pass
    finally:
        for handle in handles:
            handle.remove()
    if not reached:
        return None
    norm, values = reached[0]
    return _compared(norms[norm], norm, values)


class _ReachedError(Exception):
    """Ends a forward pass at the first batch norm."""


def _remembers(part: nn.Module) -> bool:
    return isinstance(part, _BatchNorm) and part.running_mean is not None


def _compared(name: str, norm: nn.Module, values: torch.Tensor) -> Misfit:
    """Median differences over the channels of values (B, C, ...) that have any variance in training."""
    buffers = dict(norm.named_buffers(recurse=False))
    before, expected = buffers["running_mean"].double(), buffers["running_var"].double()
    now = values.transpose(0, 1).flatten(1).double()
    alive = expected > _DEAD * expected.max()
    mean, variance, before, expected = (
        column[alive] for column in (now.mean(1), now.var(1, unbiased=False), before, expected)
    )
    ratio, squared = variance / expected, (mean - before).square()
    divergence = (ratio + 1 / ratio - 2 + squared * (1 / expected + 1 / variance)) / 4
    return Misfit(
        norm=name,
        shift=float((squared / expected).sqrt().median()),
        spread=float(ratio.median().sqrt()),
        divergence=float(divergence.median()),
    )


def _misfit(model: LoadedModel, images: torch.Tensor, pipeline: Pipeline) -> Misfit | None:
    return misfit(model.module, pipeline.normalise(images))


def _usual(channels: int) -> list[Preprocessing]:
    """The normalisations that a model for so many channels may have been trained with."""
    pairs = (*_USUAL.get(channels, ()), _BYTES)
    return [Preprocessing(), *(Preprocessing(mean=mean, std=std) for mean, std in pairs)]


def _looks(inputs: torch.Tensor, images: torch.Tensor) -> str:
    """What the inputs of these uint8 images probably are."""
    if torch.equal(inputs, build_pipeline(Preprocessing()).normalise(images)):
        return "they look as if not normalised:"
    if float(inputs.abs().max()) > 50:
        return "they look as if in 0..255:"
    return "they look as if normalised by other numbers, or twice:"


def _remedy(best: Preprocessing) -> str:
    if not best.mean:
        return "in [0, 1], without mean and std in --failaware-preprocess, they fit"
    if best.mean == _BYTES[0]:
        return f"in 0..255, which mean=0, std={best.std[0]!r} in --failaware-preprocess gives, they fit"
    return f"with {best} in --failaware-preprocess they fit"


def _sentence(found: Misfit, remedy: str) -> str:
    times = found.spread if found.spread >= 1 else 1 / found.spread if found.spread else math.inf
    wider = "wider" if found.spread >= 1 else "narrower"
    return (
        f"the clean inputs are not what the model was trained on: at its first batch norm ({found.norm or 'itself'}) "
        f"they spread {times:.2g} times {wider} than in training, and their mean is {found.shift:.2g} standard "
        f"deviations away; {remedy}"
    )
