"""The types that travel between packages: properties that other packages rely on."""

from __future__ import annotations

import dataclasses
import importlib
import subprocess
import sys
from fractions import Fraction

import numpy as np
import pytest
from five import records_of

from pytest_failaware.core.condition import Condition, ConditionKind
from pytest_failaware.core.estimates import Cells, Estimate
from pytest_failaware.core.preprocessing import Preprocessing
from pytest_failaware.core.records import SCORES, Records
from pytest_failaware.core.request import Source, SourceKind
from pytest_failaware.core.result import Verdict

TYPES = (
    "condition", "gate", "request", "records", "estimates", "measurement", "baseline", "result", "summary", "pictures",
    "fact", "look", "attachment",
)  # fmt: skip


def test_every_type_is_frozen_and_slotted() -> None:
    """Every type is frozen, slotted and keyword-only, so that values cannot change on their way."""
    modules = [importlib.import_module(f"pytest_failaware.core.{name}") for name in TYPES]
    types = [kind for module in modules for kind in vars(module).values() if dataclasses.is_dataclass(kind)]

    assert len(types) > 15
    unfrozen = [kind for kind in types if not kind.__dataclass_params__.frozen or "__slots__" not in vars(kind)]
    assert [] == [kind.__name__ for kind in unfrozen]
    assert [] == [kind.__name__ for kind in types if not all(field.kw_only for field in dataclasses.fields(kind))]


def test_importing_the_types_imports_no_numpy() -> None:
    """Importing the types does not import numpy, because pytest loads them in every run."""
    code = f"import sys; from pytest_failaware.core import {', '.join(TYPES)}; print('numpy' in sys.modules)"

    assert "False\n" == subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout


def test_records_are_ids_labels_predictions_and_scores() -> None:
    """Records have the columns of the stored files in the same order."""
    assert ("sample_id", "label", "prediction", *SCORES) == tuple(records_of().columns)
    assert ("samples", "prediction", *SCORES, "logits", "rule_columns") == Records.__slots__


def test_all_logits_go_where_the_other_columns_go() -> None:
    """Stored logits are one more column, which is taken by rows like the others; without them it is missing."""
    logits = np.arange(15, dtype=np.float32).reshape(5, 3)
    without, kept = records_of(), dataclasses.replace(records_of(), logits=logits)

    assert [*without.columns, "logits"] == list(kept.columns)
    taken = kept.take(np.array([1, 3])).logits
    assert taken is not None
    assert logits[[1, 3]].tolist() == taken.tolist()
    assert without.take(np.array([1, 3])).logits is None


def test_records_know_their_length_and_what_is_right() -> None:
    """The length of records is the number of samples; `correct` is true if the prediction is the label."""
    records = records_of("RWrw")

    assert 4 == len(records)
    assert [True, False, True, False] == records.correct.tolist()
    assert np.bool_ == records.correct.dtype


def test_cells_add_up() -> None:
    """The four cells add up to the number of samples."""
    assert 10 == Cells(trusted_right=1, trusted_wrong=2, flagged_right=3, flagged_wrong=4).samples


def test_an_estimate_is_exact_and_readable() -> None:
    """An estimate has an exact fraction to compare and a float to read."""
    estimate = Estimate(numerator=1, denominator=3)

    assert (Fraction(1, 3), 1 / 3) == (estimate.fraction, estimate.value)


def test_an_estimate_without_a_denominator_has_no_value() -> None:
    """Without a denominator the value is None with a reason, never NaN; a numerator of 0 is a value."""
    undefined = Estimate(numerator=0, denominator=0, reason="nothing is flagged")

    assert (None, None, "nothing is flagged") == (undefined.fraction, undefined.value, undefined.reason)
    assert (Fraction(0), 0.0) == (
        Estimate(numerator=0, denominator=3).fraction,
        Estimate(numerator=0, denominator=3).value,
    )


@pytest.mark.parametrize(
    ("key", "slug"),
    [
        ("clean", "clean"),
        ("fog:3", "fog-3"),
        ("gaussian_noise(sigma=0.1)", "gaussian_noise-sigma-0.1"),
        ("../../Etc/Passwd", "etc-passwd"),
    ],
)
def test_a_slug_stays_in_its_folder(key: str, slug: str) -> None:
    """A slug has no separator and no leading dot, whatever the key is."""
    assert slug == Condition(name="any", kind=ConditionKind.OTHER, key=key).slug


@pytest.mark.parametrize(
    ("kind", "target", "text"),
    [
        (SourceKind.FILE, "/w/model.pth", "/w/model.pth"),
        (SourceKind.FACTORY, "toy:network", "toy:network"),
        (SourceKind.FOLDER, "/w/test", "folder:/w/test"),
        (SourceKind.TORCHVISION, "resnet18", "torchvision:resnet18"),
    ],
)
def test_a_source_reads_as_it_is_typed(kind: SourceKind, target: str, text: str) -> None:
    """Files and factories are written without a scheme, all other sources with their scheme."""
    assert text == str(Source(kind=kind, target=target))


@pytest.mark.parametrize(
    ("preprocessing", "text"),
    [
        (Preprocessing(), "none"),
        (Preprocessing(resize=32), "resize=32, interpolation=bilinear"),
        (Preprocessing(crop=28), "crop=28"),
        (Preprocessing(mean=(0.5,), std=(0.25,)), "mean=0.5, std=0.25"),
        (
            Preprocessing(resize_short=256, crop=224, interpolation="bicubic", mean=(0.1, 0.2), std=(1.0, 2.0)),
            "resize_short=256, crop=224, interpolation=bicubic, mean=0.1/0.2, std=1.0/2.0",
        ),
    ],
)
def test_a_preprocessing_reads_as_it_is_typed(preprocessing: Preprocessing, text: str) -> None:
    """Only the steps that are done are written; the interpolation is written if the images are resized."""
    assert text == str(preprocessing)


def test_verdicts_are_ordered_by_what_needs_attention() -> None:
    """The eight failing verdicts come first in the order, and `unchanged` comes last."""
    ranked = sorted(Verdict, key=lambda verdict: verdict.severity)
    failing = ["incomparable", "missing", "below_minimum", "above_maximum", "drifted", "regressed"]
    failing += ["operating_point_moved", "not_shown"]

    assert failing == [verdict.value for verdict in ranked[:8]]
    assert failing == [verdict.value for verdict in Verdict if verdict.fails]
    assert Verdict.UNCHANGED is ranked[-1]
