"""Sentences on what is doubtful about a measurement or a run."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Final

_OUTPUTS: Final = 10  # renamed, in one sentence


def flags_nearly_all(flagged: int, samples: int, name: str) -> str:
    """Say that the gates on trusted answers have nothing to count."""
    return (
        f"the rule flags {flagged:,} of {samples:,} clean samples, so hardly any answer is trusted; python -m "
        f"pytest_failaware thresholds {name} --risk 0.05 chooses a rule from what is recorded"
    )


def not_finite(broken: int, samples: int, rate: str) -> str:
    """Say that a model is broken for some images; `rate` names the metric that counts them."""
    return (
        f"{broken:,} of {samples:,} samples get logits that are not finite (NaN or infinite); they count as wrong and "
        f"flagged ({rate}, which a maximum can bound)"
    )


def below_published(accuracy: float, published: float, weights: str) -> str:
    """Say that the accuracy of a model is far from the published accuracy of its weights."""
    return (
        f"clean accuracy is {accuracy:.2%}, but torchvision publishes {published:.2%} for {weights}: check the "
        "weights, the preprocessing and the order of the classes"
    )


def false_alarms(tests: int, share: Decimal) -> str:
    """Say how often a run of many marked tests is red by chance."""
    return (
        f"{tests} marked tests: up to {float(100 * share):.3g} % of runs without a loss are red by chance; "
        "failaware_alpha is the chance of one test"
    )


def right_share(right: int, samples: int) -> str:
    """Say how many clean samples are right, as part of another sentence."""
    return f"{right / samples:.2%} of {samples:,} clean samples are right"


def wrong_inputs(share: str) -> str:
    """Say that the normalisation layers see other inputs than in training."""
    return (
        f"almost surely set up wrongly: only {share}, and the inputs are not what the model was trained on; give the "
        "preprocessing of the training in --failaware-preprocess"
    )


def at_chance(share: str) -> str:
    """Say that a model knows nothing about the classes."""
    return (
        f"almost surely set up wrongly: {share}, which is not shown to be better than always predicting the largest "
        "class; check the preprocessing, the order of the classes and the weights"
    )


def wrong_order(share: str, renamed: float, moves: Sequence[tuple[int, int]], classes: Sequence[str]) -> str:
    """Say that the outputs are in another order.

    `moves` has each moved output with its class, `renamed` the accuracy with the moved outputs.
    """
    fits = max(output for output, _ in moves) < len(classes)
    remedy = (
        "give the classes of the data the order of the model's outputs"
        if fits
        else "the model has more outputs than the data has classes; give each sample the number of its output as label"
    )
    named = [f"{_class(output, classes)} -> {_class(meant, classes)}" for output, meant in moves]
    more = f" and {len(named) - _OUTPUTS:,} more" if len(named) > _OUTPUTS else ""
    return (
        f"the classes are almost surely in another order than the model's outputs: {share}, and {renamed:.2%} if the "
        f"outputs are renamed: {', '.join(named[:_OUTPUTS])}{more} (fitted on one half of the samples, counted on the "
        f"other); {remedy}"
    )


def _class(number: int, classes: Sequence[str]) -> str:
    """Return the number of a class, with its name if it has another one."""
    name = classes[number] if number < len(classes) else ""
    return f"{number} {name!r}" if name and name != str(number) else str(number)
