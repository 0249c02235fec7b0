"""What a measurement shows to be doubtful, in sentences: for the summary of a run, and for `evaluate`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, TypeGuard

from pytest_failaware.core.measurement import Measurement
from pytest_failaware.core.request import RunConfig, Source, SourceKind

_FAR: Final = 0.02  # of accuracy: decoders and interpolations move it by half a point
_WORDNET_ID: Final = re.compile(r"n\d{8}")  # the names of ImageNet's folders


def below_published(config: RunConfig, measurement: Measurement) -> Iterator[str]:
    """A sentence if the clean accuracy on ImageNet is far below what is published for the weights that are named."""
    weights, data = config.preprocess, config.dataset
    if measurement.condition.key != "clean" or not _is_of_torchvision(weights):
        return
    names = measurement.provenance.data.classes
    is_imagenet = _is_of_torchvision(data) and data.target == "ImageNet"
    if not is_imagenet and not (len(names) == 1000 and all(map(_WORDNET_ID.fullmatch, names))):
        return
    from pytest_failaware.judge.significance.rates import wilson
    from pytest_failaware.measure.inputs.preprocess import published_accuracy

    published, right = published_accuracy(weights.target), int(measurement.records.correct.sum())
    count = len(measurement.records)
    if published is not None and wilson(right, count, 0.98).high < published - _FAR:
        yield (
            f"clean accuracy is {right / count:.2%}, and torchvision publishes {published:.2%} of "
            f"{weights.target}: check that the weights, the preprocessing and the order of the classes are its own"
        )


def _is_of_torchvision(source: object) -> TypeGuard[Source]:
    return isinstance(source, Source) and source.kind is SourceKind.TORCHVISION
