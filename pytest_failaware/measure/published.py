"""The accuracy that torchvision publishes for the weights that a run names."""

from __future__ import annotations

import re
from typing import Final, TypeGuard

from pytest_failaware.core.measurement import Measurement
from pytest_failaware.core.request import RunConfig, Source, SourceKind

_WORDNET_ID: Final = re.compile(r"n\d{8}")  # the names of ImageNet's folders


def published_weights(config: RunConfig, measurement: Measurement) -> tuple[str, float] | None:
    """Return the weights that the preprocessing names and their published accuracy on ImageNet, a share.

    Return None for conditions other than clean, for images other than ImageNet's, and if no accuracy is published.
    """
    weights, data = config.preprocess, config.dataset
    if measurement.condition.key != "clean" or not _is_of_torchvision(weights):
        return None
    names = measurement.provenance.data.classes
    is_imagenet = _is_of_torchvision(data) and data.target == "ImageNet"
    if not is_imagenet and not (len(names) == 1000 and all(map(_WORDNET_ID.fullmatch, names))):
        return None
    from pytest_failaware.measure.inputs.preprocess import published_accuracy

    accuracy = published_accuracy(weights.target)
    return None if accuracy is None else (weights.target, accuracy)


def _is_of_torchvision(source: object) -> TypeGuard[Source]:
    return isinstance(source, Source) and source.kind is SourceKind.TORCHVISION
