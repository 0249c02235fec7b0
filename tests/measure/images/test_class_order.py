"""Class names that tools put in different orders get one note; the order itself is torchvision's, on every system."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn
from torchvision.datasets import ImageFolder

from pytest_failaware import FailAwareWarning, evaluate
from pytest_failaware.judge.evaluation import Evaluations
from pytest_failaware.measure.images.class_order import order_note
from pytest_failaware.measure.images.folder import FolderImages

MODEL = nn.Identity()
NUMBERS = sorted(map(str, range(12)))


@pytest.mark.parametrize(
    ("classes", "words"),
    [
        (
            NUMBERS,
            "as text (…, 1, 10, 11, 2, …), as by torchvision's ImageFolder; by number and without case the order is ",
        ),
        (
            NUMBERS,
            "the order is …, 1, 2, 3, 4, …, as timm has them. Output 2 of the model is taken for '10', not for '2'",
        ),
        (["class_1", "class_10", "class_2"], "Output 1 of the model is taken for 'class_10', not for 'class_2'"),
        (["Banana", "Zebra", "apple"], "as text (Banana, Zebra, apple)"),
        (["Banana", "Zebra", "apple"], "is taken for 'Banana', not for 'apple'"),
        (["B", "a"], "taken for 'B', not for 'a'"),
        (["-1", "-10", "-2"], "taken for '-10', not for '-2'"),
        (["1.5", "1.25"][::-1], "taken for '1.25', not for '1.5'"),
        (["10 m", "9 m"], "taken for '10 m', not for '9 m'"),
        (["x10y", "x9y"], "taken for 'x10y', not for 'x9y'"),
        (["Ä", "Ö", "ä"], "taken for 'Ö', not for 'ä'"),
        (["cat", "dog"], ""),
        (["01", "02", "10"], ""),
        (list(map(str, range(10))), ""),
        (list(map(str, range(12))), ""),  # the data set says its order itself
        (["dog", "cat"], ""),
        (["n01440764", "n01443537"], ""),
    ],
)
def test_orders(classes: Sequence[str], words: str) -> None:
    """Where text order and natural order differ, the note shows both at the first output that differs."""
    note = order_note(classes, MODEL)

    assert (words in note and "csv:FILE" in note) if note else not words


def test_the_note_knows_models_of_timm() -> None:
    """Its own training has the other order."""
    model = pytest.importorskip("timm").create_model("test_vit", pretrained=False, num_classes=12)

    assert "the order of timm's own training, and this model is one of timm" in str(order_note(NUMBERS, model))


class Tens(nn.Module):
    """Output k is class k of twelve, by grey levels."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Logits that are sure."""
        return nn.functional.one_hot((images.mean((1, 2, 3)) * 255 / 20 + 0.01).long(), 12) * 20.0


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Class folders 0 to 11 with two images each, and a manifest of them."""
    rows = ["file,label"]
    for number in range(12):
        (tmp_path / str(number)).mkdir()
        for grey in range(2):
            Image.fromarray(np.full((8, 8, 3), 20 * number + grey, np.uint8)).save(
                tmp_path / str(number) / f"{grey}.png"
            )
            rows.append(f"{number}/{grey}.png,{number}")
    (tmp_path / "list.csv").write_text("\n".join(rows), encoding="utf-8")
    return tmp_path


def test_evaluate_warns_of_folders_that_are_numbers(folder: Path) -> None:
    """A wrong number always gives a warning, for folders and for torchvision's data set; the manifest is right."""
    for dataset in (f"folder:{folder}", ImageFolder(folder)):
        found, texts = measured(Tens(), dataset)
        assert ["Output 2 of the model is taken for '10', not for '2'"] == [
            text.partition(". ")[2].partition(";")[0] for text in texts if "ordered as text" in text
        ]
        assert 1 == len([note for note in found.notes if "ordered as text" in note])
    found, texts = measured(Tens(), f"csv:{folder}/list.csv")

    assert 1.0 == found["clean"].stats.rates["accuracy"].value
    assert [] == texts
    assert not [note for note in found.notes if "ordered as text" in note]


def measured(model: nn.Module, dataset: object) -> tuple[Evaluations, list[str]]:
    """Return the result of evaluate, and the texts of its warnings."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", FailAwareWarning)
        found = evaluate(model=model, dataset=dataset, preprocess="none", conditions=["clean"])
    return found, [str(one.message) for one in caught if one.category is FailAwareWarning]


def test_evaluate_warns_of_a_manifest_of_texts(folder: Path) -> None:
    """One label that is no number makes all of them names, which are ordered as text."""
    text = (folder / "list.csv").read_text(encoding="utf-8")
    (folder / "list.csv").write_text(text.replace("/1.png,11", "/1.png,x"), encoding="utf-8")

    _, texts = measured(Wide(), f"csv:{folder}/list.csv")

    assert any("Output 2 of the model is taken for '10'" in text for text in texts)


class Wide(Tens):
    """A model with one more output."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Logits that are sure."""
        return nn.functional.pad(super().forward(images), (0, 1))


def test_folders_are_ordered_as_torchvision_orders_them(tmp_path: Path) -> None:
    """By code points, capitals first, also on Windows, whose paths compare without case."""
    for name in ("Zebra", "apple", "Banana", "10", "9", "é", "_x"):
        (tmp_path / name).mkdir()
        Image.new("RGB", (4, 4)).save(tmp_path / name / "0.png")

    assert ImageFolder(tmp_path).classes == list(FolderImages(tmp_path).classes)
