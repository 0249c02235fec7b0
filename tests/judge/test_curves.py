"""What the HTML report draws, from records whose every count can be read off their letters."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from five import FIVE, RULE, baseline_of, measurement_of, records_of, with_columns

from pytest_failaware.config.gate import build_gate
from pytest_failaware.core.pictures import ClassCounts, Curves, Histogram
from pytest_failaware.core.records import Records
from pytest_failaware.core.reference import Reference
from pytest_failaware.judge.curves import curves_of, pictures_of
from pytest_failaware.judge.metrics.rates import count_cells
from pytest_failaware.judge.outcomes import outcomes_of


def curves(records: Records) -> Curves:
    return curves_of(outcomes_of(records, RULE), 3)


def stored(letters: str) -> Reference:
    measured = measurement_of(letters)
    return Reference(name="small", key="clean", baseline=baseline_of(measured), records=measured.records)


def test_risk_and_coverage_by_hand() -> None:
    """Two trusted answers are right, the third is wrong; the flagged right one is nearer to its threshold."""
    records = dataclasses.replace(records_of(FIVE), confidence=np.array([0.9, 0.8, 0.7, 0.5, 0.8], dtype=np.float32))
    found = curves(records)

    assert ((0.2, 0.0), (0.4, 0.0), (0.6, 0.3333), (0.8, 0.25), (1.0, 0.4)) == found.risk_coverage
    assert (0.6, 1 / 3) == found.operating_point


def test_a_curve_has_few_points_and_ends_with_all_samples() -> None:
    """A curve has few points for any number of samples, also for one."""
    many, one = curves(records_of("RW" * 5000)).risk_coverage, curves(records_of("w"))

    assert 40 == len(many)
    assert (1.0, 0.5) == many[-1]
    assert (((1.0, 1.0),), None) == (one.risk_coverage, one.operating_point)


def test_reliability_by_hand() -> None:
    """Five answers of confidence 0.8, three of them right, and one of 0.5 that is wrong; empty bins are left out."""
    confidence = np.array([0.8, 0.8, 0.8, 0.8, 0.8, 0.5], dtype=np.float32)
    records = dataclasses.replace(records_of("RRRWWw"), confidence=confidence)

    assert ((0.5, 0.0, 1), (0.8, 0.6, 5)) == curves(records).reliability


def test_the_diagram_shows_what_the_calibration_error_adds_up() -> None:
    """Of 1,000 confidences: the gaps of its points, weighted by their samples, are the ECE up to four digits."""
    generator = np.random.default_rng(7)
    confidence = generator.uniform(0.2, 1, 1000).astype(np.float32)
    letters = "".join("R" if right else "W" for right in generator.uniform(size=1000) < confidence**2)
    found = curves(dataclasses.replace(records_of(letters), confidence=confidence))

    assert 12 <= len(found.reliability) <= 15
    assert 1000 == sum(n for *_, n in found.reliability)
    added = sum(n / 1000 * abs(claimed - right) for claimed, right, n in found.reliability)
    assert pytest.approx(added, abs=1e-4) == found.ece


def test_histograms_by_hand() -> None:
    """Twenty bins; a confidence of 1 and an entropy of ln K belong to the last ones."""
    confidence, entropy = np.array([[1.0, 0.52, 0.02], [0.0, 0.6, np.log(3)]], dtype=np.float32)
    found = curves(dataclasses.replace(records_of("RWW"), confidence=confidence, entropy=entropy))

    def bins(**counts: int) -> tuple[int, ...]:
        return tuple(counts.get(f"b{number}", 0) for number in range(20))

    assert Histogram(high=1.0, right=bins(b19=1), wrong=bins(b0=1, b10=1)) == found.confidence
    assert (bins(b0=1), bins(b10=1, b19=1)) == (found.entropy.right, found.entropy.wrong)
    assert pytest.approx(np.log(3)) == found.entropy.high


def test_classes_on_both_sides_the_worst_first() -> None:
    """Class 0 loses two right answers, class 2 one as a silent failure, class 1 none; one has no sample."""
    now = measurement_of("wRWwRR", classes=("cat", "dog", "eel", "fox"))
    found = pictures_of(now, build_gate({}), stored("RRRRRR"))
    cat, eel, dog = found.classes

    assert (["cat", "eel", "dog"], 4) == ([one.name for one in found.classes], found.class_count)
    assert (ClassCounts(right=2, flagged=0, silent=0), ClassCounts(right=1, flagged=0, silent=1)) == (
        eel.before,
        eel.now,
    )
    assert (2, ClassCounts(right=0, flagged=2, silent=0)) == (cat.samples, cat.now)
    assert dog.before == dog.now


def test_a_thousand_classes_are_capped() -> None:
    """Twelve classes are listed, all are counted."""
    letters = "R" * 3000
    measured = measurement_of(letters, classes=tuple(map(str, range(1000))))
    labels = (np.arange(3000) % 1000).astype(np.uint16)
    records = with_columns(measured.records, label=labels)
    found = pictures_of(dataclasses.replace(measured, records=records), build_gate({}), None)

    assert (12, 1000) == (len(found.classes), found.class_count)


def test_what_is_known_of_the_other_side() -> None:
    """Counts and curves of a reference's samples, nothing where nothing is comparable."""
    now = measurement_of(FIVE)
    paired, alone = (pictures_of(now, build_gate({}), known) for known in (stored("RRRrr"), None))

    assert paired.before is not None
    assert count_cells(records_of("RRRrr"), RULE) == paired.before.stats.cells
    assert (True, None) == (paired.before.curves is not None, alone.before)
    assert None is alone.classes[0].before


def test_both_sides_are_of_the_same_images() -> None:
    """If the sides share only some images, both are drawn on these."""
    found = pictures_of(measurement_of("RRRR", first_id=13), build_gate({}), stored("WWWWW"))

    assert found.before is not None
    assert (2, 2) == (found.before.stats.cells.samples, found.now.stats.cells.samples)
