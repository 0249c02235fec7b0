"""Remedies for a moved operating point: rules that are enough for all measured conditions of a marked test."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from pytest_failaware.core.rule import FailureRule


class Act(Enum):
    """What a worse result asks for; the value is the act in words."""

    RETRAIN = "retrain, or accept with a reason"
    RULE = "choose another rule"
    NO_RULE = "no single rule or temperature does: retrain, or accept with a reason"
    SAMPLES = "measure more samples, retrain, or accept with a reason"


class RemedyKind(Enum):
    """The part of the configured rule that a remedy changes."""

    RULE = "rule"  # both thresholds are scaled
    TEMPERATURE = "temperature"  # one temperature under the same thresholds
    ENTROPY = "entropy"  # only the entropy threshold is scaled


@dataclass(frozen=True, slots=True, kw_only=True)
class Remedy:
    """A rule with which no gate of the test is red on the judged images.

    `is_proven` says whether held-out halves prove that it is enough on other images. `price` is the change of the share
    of samples that are trusted and right, from the baseline, by condition, in points. `z` is the least of the held-out
    statistics, and `images_needed` the number of images with which the remedy would be proven, about.
    """

    kind: RemedyKind
    rule: FailureRule
    is_proven: bool
    z: float
    price: Mapping[str, float]
    images: int
    images_needed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """What to do about the failed items of one marked test.

    `former` is the stored rule, if the rule was changed and the stored one leaves no gate red.
    """

    test: tuple[str, str]  # the node id before and after the condition
    act: Act
    sentences: tuple[str, ...] = ()
    former: FailureRule | None = None
    remedies: tuple[Remedy, ...] = ()
