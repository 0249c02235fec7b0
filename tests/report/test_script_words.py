"""Messages to a script name arguments of `evaluate` and `compare` instead of pytest's options."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pytest_failaware import compare, evaluate
from pytest_failaware.core.errors import FailAwareError
from pytest_failaware.judge.evaluation import Evaluations
from pytest_failaware.report.script_words import in_script


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("check --failaware-preprocess", "check preprocess"),
        ('write --failaware-preprocess="resize=32, mean=0.5"', 'write preprocess="resize=32, mean=0.5"'),
        ("give --failaware-preprocess=mean=0.5,std=0.5; or", 'give preprocess="mean=0.5,std=0.5"; or'),
        ("a smaller --failaware-batch-size helps", "a smaller batch_size helps"),
        ('add --failaware-reason="why"', 'add --failaware-reason="why"'),
        ("of --failaware-model-name", "of --failaware-model-name"),
    ],
)
def test_options_become_arguments(text: str, expected: str) -> None:
    """Options that `evaluate` has become arguments with quoted values; others stay."""
    assert expected == in_script(text)


@pytest.fixture(scope="module")
def outcome() -> Evaluations:
    labels = np.arange(90) % 3
    logits = 4 * np.eye(3)[labels] + np.random.default_rng(0).normal(size=(90, 3))
    return evaluate(records={"sample_id": np.arange(90), "label": labels, "logits": logits})


def test_two_outcomes_are_no_outcome_and_baseline(outcome: Evaluations) -> None:
    """Wrong types in place of a path or an outcome are refused in one line."""
    with pytest.raises(
        FailAwareError, match="compare: baseline: is another result of evaluate; give the path of a base"
    ):
        compare(outcome, outcome)  # type: ignore[arg-type]
    with pytest.raises(FailAwareError, match="compare: baseline: is a value of type int, not a path; give the path"):
        compare(outcome, 3)  # type: ignore[arg-type]
    with pytest.raises(FailAwareError, match="compare: evaluations: has the type str; give the result of evaluate"):
        compare("baselines/x.yaml", outcome)  # type: ignore[arg-type]


def test_an_unknown_baseline(outcome: Evaluations, tmp_path: Path) -> None:
    """The remedy for an unknown baseline works in a script."""
    with pytest.raises(FailAwareError, match=r"no such baseline; give the path of its \.yaml file, or record it first"):
        compare(outcome, tmp_path / "none.yaml")


@pytest.mark.parametrize(
    ("records", "said"),
    [
        ("", "evaluate: records: is empty; give a path"),
        (" ", "evaluate: records: is empty; give a path"),
        (".", r"records=\.: is a folder; give an npz, csv or parquet file"),
        (
            "npz:log.npz",
            "npz:log.npz: no such file; leave out npz:, since the format is recognised by content; give log.npz",
        ),
        ("csv:log.csv", "leave out csv:, since the format is recognised by content; give log.csv"),
    ],
)
def test_paths_that_are_no_file(records: str, said: str) -> None:
    """The refusal of a path that is not a file says what to pass."""
    with pytest.raises(FailAwareError, match=said):
        evaluate(records=records)
