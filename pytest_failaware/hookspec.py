"""The hooks that a conftest.py or another plugin can implement; each docstring has a recipe.

Implement them in the `conftest.py` beside the ini file, or in a plugin: they are called before the first marked test is
collected. If your project must also run without pytest-failaware, mark the implementations with
`@pytest.hookimpl(optionalhook=True)`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    import torch

    from pytest_failaware.core.conditions.catalogue import Degradation
    from pytest_failaware.core.metric import RateMetric, ScoreMetric
    from pytest_failaware.core.summary import RunReport


@pytest.hookspec(firstresult=True)
def pytest_failaware_load_model(spec: str, device: torch.device) -> torch.nn.Module | None:
    """Build the model from a text of `--failaware-model` that only your code understands.

    Args:
        spec: the text that the user typed.
        device: the device on which the model will run; the plugin moves the model there, sets it to eval mode and
            freezes it.

    Returns:
        The model, or None if the text is not for this hook. A model of this hook has no name, so its baseline needs
        one: --failaware-baseline, or `failaware_baseline` in the ini.

    Recipe: `--failaware-model=registry:prod/7`:

        def pytest_failaware_load_model(spec, device):
            if spec.startswith("registry:"):
                return my_registry.fetch(spec.removeprefix("registry:"))
    """


@pytest.hookspec
def pytest_failaware_conditions() -> Iterable[Degradation]:  # type: ignore[empty-body]  # a specification
    """Add your degradations to the conditions that a gate can name.

    A function takes uint8 images (N, C, H, W), the parameters and one random stream per image (`random.uint16(n)` is
    (N, n) int32 in 0..65535), and returns images of the same shape, dtype and device. Take random numbers only from
    `random`: others would make the results depend on the batch.

    Recipe: `conditions=["dust", "dust(amount=0.2)"]`:

        from pytest_failaware import Degradation

        def dust(images, strength, random):
            n, _, height, width = images.shape
            draws = random.uint16(height * width).reshape(n, 1, height, width)
            return images.masked_fill(draws < strength["amount"] * 65536, 0)

        def pytest_failaware_conditions():
            return [Degradation(name="dust", function=dust, parameters={"amount": 0.1}, is_random=True)]
    """


@pytest.hookspec
def pytest_failaware_metrics() -> Iterable[RateMetric | ScoreMetric]:  # type: ignore[empty-body]  # a specification
    """Add your metrics to those that a gate can name.

    A RateMetric is a ratio of two sample counts; a ScoreMetric is any number.

    Recipe: `metrics=["accuracy", "cat_recall"]`, `minimum={"cat_recall": 0.9}`:

        from pytest_failaware import RateMetric

        CAT = 3

        def cat_recall(records, flagged):
            return records.correct, records.label == CAT

        def pytest_failaware_metrics():
            return [RateMetric(name="cat_recall", masks=cat_recall, higher_is_better=True)]

    The function of a ScoreMetric returns None if the number is undefined. It must not depend on the order of the
    samples. The uncertainty of its change is estimated with a jackknife over the samples:

        from pytest_failaware import ScoreMetric

        def overconfidence(records, flagged):
            trusted = ~flagged
            gap = records.confidence[trusted].mean() - records.correct[trusted].mean() if trusted.any() else None
            return gap

        def pytest_failaware_metrics():
            return [ScoreMetric(name="overconfidence", compute=overconfidence, higher_is_better=False, lowest=-1)]

    A ScoreMetric with `needs_logits=True` can read `records.logits`, (N, K) float32; a gate on it needs the ini key
    `failaware_store_logits`. If the model has no answer for a sample (NaN, +inf, or -inf for every class), the logits
    and the confidence of the sample are 0. A class masked by -inf has the lowest float32 as its logit.
    """


@pytest.hookspec
def pytest_failaware_report(report: RunReport) -> Sequence[str] | None:
    """Read the report of the run after its baselines are written, and return lines for the summary.

    The hook is called in the one process that reports, and only if a marked test ran. An exception fails the run.

    Recipe: send a number to a dashboard:

        def pytest_failaware_report(report):
            worst = min(r.stats.rates["confident_accuracy"].value or 0 for r in report.results)
            requests.post(URL, json={"worst_confident_accuracy": worst})
            return [f"sent to the dashboard: {worst:.2%}"]
    """
