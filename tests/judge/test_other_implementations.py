"""Every metric of one side against another library, or against its definition written out over pairs and orders.

scikit-learn and torchmetrics where they have it; they meet ties, undefined cases and bins in ways of their own, so what
they are given here has none of those but the ties that they treat rightly.
"""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from ranked import records_of_logits
from sklearn.metrics import accuracy_score, confusion_matrix, precision_score, recall_score
from torchmetrics.functional import classification as others

from pytest_failaware.core.records import Records
from pytest_failaware.core.rule import FailureRule
from pytest_failaware.judge.metrics.calibration import BINS, brier, ece, nll, worst_class_accuracy
from pytest_failaware.judge.metrics.ranking import (
    augrc,
    aupr_error,
    aurc,
    auroc_f,
    eaurc,
    fpr_at_95tpr,
)
from pytest_failaware.judge.metrics.rates import METRICS, stats_of

CLASSES = 4
RULE = FailureRule(confidence=0.7, entropy=0.9)

Logits = NDArray[np.float64]


def drawn(seed: int, count: int = 700) -> tuple[Records, Logits]:
    """Predictions of a model that is right more often than not, and the logits that they come from."""
    random = np.random.default_rng(seed)
    label = random.integers(0, CLASSES, count).astype(np.uint16)
    logits = random.normal(0, 1.2, (count, CLASSES)) + 2 * np.eye(CLASSES)[label]
    return records_of_logits(logits, label), logits


@pytest.mark.parametrize("seed", range(3))
def test_rates_against_scikit_learn(seed: int) -> None:
    """The flag is a detector of wrong answers: its recall, precision and false positives; and two accuracies."""
    records, _ = drawn(seed)
    flagged = RULE.flags_of(records)
    wrong, trusted = ~records.correct, ~flagged
    (right_trusted, right_flagged), (silent, _) = confusion_matrix(wrong, flagged, normalize="all")

    assert {
        "accuracy": accuracy_score(records.label, records.prediction),
        "confident_accuracy": accuracy_score(records.label[trusted], records.prediction[trusted]),
        "silent_failure_rate": silent,
        "confident_correct_rate": right_trusted,
        "failure_rate": 1 - accuracy_score(flagged, np.zeros(len(flagged), dtype=np.bool_)),
        "failure_region_accuracy": accuracy_score(records.label[flagged], records.prediction[flagged]),
        "failure_recall": recall_score(wrong, flagged),
        "flag_precision": precision_score(wrong, flagged),
        "false_alarm_rate": right_flagged / (right_trusted + right_flagged),
    } == pytest.approx({name: stats_of("clean", records, RULE).rates[name].value for name in METRICS})


@pytest.mark.parametrize("seed", range(3))
def test_rankings_against_torchmetrics(seed: int) -> None:
    """The areas and the operating point, on confidences with many ties."""
    records, _ = drawn(seed)
    score = records.confidence.round(2).astype(np.float64)
    sure, right = torch.from_numpy(score), torch.from_numpy(records.correct)
    fpr, tpr, _ = others.binary_roc(sure, right.long())

    assert float(others.binary_auroc(sure, right.long())) == pytest.approx(auroc_f(score, records.correct), abs=1e-6)
    assert float(others.binary_average_precision(1 - sure, 1 - right.long())) == pytest.approx(
        aupr_error(score, records.correct), abs=1e-6
    )
    assert float(fpr[tpr >= 0.95][0]) == pytest.approx(fpr_at_95tpr(score, records.correct), abs=1e-6)


@pytest.mark.parametrize("seed", range(3))
def test_calibration_against_torch(seed: int) -> None:
    """Calibration error in 15 bins, cross entropy, squared distance to one-hot labels, the recall of each class."""
    records, logits = drawn(seed)
    rows, label = torch.from_numpy(logits), torch.from_numpy(records.label.astype(np.int64))
    probability, one_hot = rows.softmax(1), torch.nn.functional.one_hot(label, CLASSES)
    by_class = others.multiclass_accuracy(rows, label, CLASSES, average="none")

    assert float(others.multiclass_calibration_error(probability, label, CLASSES, n_bins=BINS)) == pytest.approx(
        ece(records), abs=1e-6
    )
    assert float(torch.nn.functional.cross_entropy(rows, label)) == pytest.approx(nll(records), rel=1e-6)
    squares = torch.nn.functional.mse_loss(probability, one_hot.double(), reduction="sum") / len(label)
    assert float(squares) == pytest.approx(brier(records), rel=1e-6)
    assert float(by_class.min()) == pytest.approx(worst_class_accuracy(records), abs=1e-6)


@pytest.mark.parametrize("seed", range(3))
def test_augrc_over_all_pairs(seed: int) -> None:
    """AUGRC: of a random threshold and a random other sample, how often the sample is accepted and wrong, ties half."""
    records, _ = drawn(seed, 200)
    score = records.confidence.round(1).astype(np.float64)
    accepted = (score[None, :] > score[:, None]) + (score[None, :] == score[:, None]) / 2

    assert (accepted * ~records.correct).mean() == pytest.approx(augrc(score, records.correct))


@pytest.mark.parametrize("seed", range(3))
def test_aurc_over_drawn_orders(seed: int) -> None:
    """AURC: the mean risk of the k surest, over 4,000 orders of equal scores drawn at random, within 4 errors."""
    records, _ = drawn(seed, 150)
    score, random = records.confidence.round(1).astype(np.float64), np.random.default_rng(seed)
    found = []
    for _ in range(4000):
        order = np.lexsort((random.random(len(score)), -score))
        found.append((np.cumsum(~records.correct[order]) / np.arange(1, len(score) + 1)).mean())

    assert np.std(found) > 0.001
    assert np.mean(found) == pytest.approx(aurc(score, records.correct), abs=4 * np.std(found) / np.sqrt(4000))


@pytest.mark.parametrize("right", list(itertools.product([True, False], repeat=5))[::3])
def test_the_excess_over_the_best_of_all_rankings(right: tuple[bool, ...]) -> None:
    """E-AURC: AURC less the smallest that any of the 120 rankings of the same answers has."""
    answers, score = np.array(right), np.array([0.9, 0.8, 0.7, 0.7, 0.5])
    everyone = [aurc(np.array(order, dtype=np.float64), answers) or 0 for order in itertools.permutations(range(5))]

    assert (aurc(score, answers) or 0) - min(everyone) == pytest.approx(eaurc(score, answers))
