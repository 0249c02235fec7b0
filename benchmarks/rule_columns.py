"""The cost of the columns of a rule, compared with the forward pass of a model and with the other scores.

The columns are those of one rule at a temperature: its two scores, and the largest temperature of trust. One thread,
the best of several repetitions, in microseconds an image.

    python benchmarks/rule_columns.py --pixels=224
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np
import torch
import torchvision

from pytest_failaware.core.rule import FailureRule
from pytest_failaware.core.rule_columns import rule_columns
from pytest_failaware.core.scores import columns_of

CLASSES = (2, 10, 100, 1000)
BATCH = 256
RULES = {"rule": [FailureRule()], "rule at 1.52": [FailureRule(temperature=1.52)]}


def main() -> None:
    """Time the forward pass and the columns, and print a row for each number of classes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pixels", type=int, default=224, help="the side of an image")
    parser.add_argument("--images", type=int, default=16, help="images in a batch of the forward pass")
    options = parser.parse_args()
    torch.set_num_threads(1)
    print("classes  forward  scores", *(f"{name:>12}  share" for name in RULES))
    for classes in CLASSES:
        forward = forward_pass(classes, options.pixels, options.images)
        logits = drawn(classes)
        labels = np.zeros(BATCH, dtype=np.uint16)
        scores = best(lambda: columns_of(logits, labels)) / BATCH  # noqa: B023 - called at once
        row = f"{classes:7}  {forward * 1e6:7.0f}  {scores * 1e6:6.1f}"
        for rules in RULES.values():
            seconds = best(lambda: rule_columns(logits, rules)) / BATCH  # noqa: B023 - called at once
            row += f"  {seconds * 1e6:11.1f}  {seconds / forward:.2%}"
        print(row)


def forward_pass(classes: int, pixels: int, images: int) -> float:
    """Return the seconds an image of torchvision's resnet18 with random weights."""
    model = torchvision.models.resnet18(num_classes=classes).eval()
    batch = torch.zeros(images, 3, pixels, pixels)
    with torch.inference_mode():
        return best(lambda: model(batch)) / images


def drawn(classes: int) -> np.ndarray:
    """Return logits from unsure to sure, float32 (BATCH, classes)."""
    random = np.random.default_rng(0)
    spread = random.uniform(0.5, 5, (BATCH, 1))
    return (random.normal(0, 1, (BATCH, classes)) * spread).astype(np.float32)


def best(function: Callable[[], object], repetitions: int = 7) -> float:
    """Return the seconds of the fastest call."""
    times = []
    for _ in range(repetitions):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return min(times)


if __name__ == "__main__":
    main()
