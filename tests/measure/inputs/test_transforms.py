"""Transforms of torchvision and timm are split if that gives the same inputs; else the refusal names the step."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn
from torchvision import models
from torchvision.transforms import InterpolationMode, v2
from torchvision.transforms import transforms as v1
from torchvision.transforms._presets import ImageClassification

from pytest_failaware.config.option_texts import OptionText
from pytest_failaware.config.sources import read_preprocess
from pytest_failaware.core.errors import ConfigError, DataError
from pytest_failaware.core.preprocessing import Preprocessing
from pytest_failaware.core.request import PlaceKind, Source, SourceKind
from pytest_failaware.measure.inputs.preprocess import build_pipeline
from pytest_failaware.measure.inputs.transforms import of_timm, of_transform

PIXELS = np.random.default_rng(0).integers(0, 256, (45, 60, 3), dtype=np.uint8)
IMAGE = Image.fromarray(PIXELS)
NUMBERS = ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
PLACE = "--failaware-preprocess=own:transform"

OLD = v1.Compose([v1.Resize(40), v1.CenterCrop(32), v1.ToTensor(), v1.Normalize(*NUMBERS)])
NEW = v2.Compose(
    [
        v2.Resize(40, interpolation=InterpolationMode.BICUBIC),
        v2.CenterCrop(32),
        v2.ToImage(),
        v2.ToDtype(torch.float32, scale=True),
        v2.Normalize(*NUMBERS),
    ]
)


def inputs(spec: Preprocessing) -> torch.Tensor:
    """What the two halves make of the image, (C, H, W)."""
    pipeline = build_pipeline(spec)
    return pipeline.normalise(torch.from_numpy(np.array(pipeline.geometry(IMAGE))).permute(2, 0, 1)[None])[0]


@pytest.mark.parametrize(
    "transform",
    [
        OLD,
        NEW,
        v1.Compose([v1.Resize((24, 24), InterpolationMode.NEAREST), v1.Compose([v1.ToTensor()])]),
        v2.Compose([v2.Resize([24, 24]), v2.PILToTensor(), v2.ConvertImageDtype(torch.float32)]),
        v1.Compose([v1.PILToTensor(), v1.ConvertImageDtype(torch.float32), v1.Normalize([0.5], [0.25])]),
        v1.ToTensor(),
        models.ResNet18_Weights.IMAGENET1K_V1.transforms(),
    ],
    ids=["v1", "v2", "square", "v2 square", "no geometry", "one step", "preset"],
)
def test_a_transform_of_torchvision(transform: Any) -> None:
    """Geometry and then normalisation give the same inputs: bit for bit if it divides by 255, as ToTensor does."""
    expected, found = torch.Tensor(transform(IMAGE)), inputs(of_transform(transform, PLACE))
    exact = "ToDtype" not in repr(transform) and "v2" not in type(transform).__module__

    assert torch.equal(expected, found) if exact else torch.allclose(expected, found, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(
    ("steps", "words"),
    [
        ([v1.RandomHorizontalFlip(), v1.ToTensor()], "the step RandomHorizontalFlip cannot be taken apart"),
        ([v1.Grayscale(3), v1.ToTensor()], "the step Grayscale cannot"),
        ([v1.ToTensor(), v1.Lambda(lambda x: x * 2 - 1)], "the step Lambda cannot"),
        ([lambda image: image], "the step function cannot"),
        ([v2.ToImage(), v2.Resize(32), v2.ToDtype(torch.float32, scale=True)], "the step Resize stands behind ToImage"),
        ([v1.CenterCrop(40), v1.Resize(32), v1.ToTensor()], "the step Resize stands behind CenterCrop"),
        ([v1.Resize(40), v1.Resize(32), v1.ToTensor()], "the step Resize stands behind Resize"),
        ([v1.ToTensor(), v1.Normalize(*NUMBERS), v1.Normalize(*NUMBERS)], "Normalize stands behind Normalize"),
        ([v1.Resize((40, 32)), v1.ToTensor()], "the step Resize has size=(40, 32), no square"),
        ([v1.Resize(32, max_size=64), v1.ToTensor()], "the step Resize has max_size=64"),
        ([v1.Resize(32, InterpolationMode.BOX), v1.ToTensor()], "the step Resize has interpolation=box"),
        ([v1.Resize(0), v1.ToTensor()], "the step Resize has size=0, below 1 pixel"),
        ([v1.CenterCrop(-1), v1.ToTensor()], "the step CenterCrop has size=-1, below 1 pixel"),
        ([v1.ToTensor(), v1.Normalize([0.5], [0.0])], "the step Normalize has mean=(0.5,) and std=(0.0,), which"),
        ([v1.ToTensor(), v1.Normalize([float("nan")], [1.0])], "the step Normalize has mean=(nan,) and std=(1.0,)"),
        ([v1.CenterCrop((9, 8)), v1.ToTensor()], "the step CenterCrop has size=(9, 8), no square"),
        ([v2.ToImage(), v2.ToDtype(torch.float32)], "the step ToDtype has dtype=torch.float32 and scale=False"),
        ([v2.ToImage(), v2.ToDtype(torch.float16, scale=True)], "the step ToDtype has dtype=torch.float16"),
        ([v1.Resize(32)], "no step makes float32 in [0, 1]"),
        ([v2.ToDtype(torch.float32, scale=True)], "no step makes float32 in [0, 1]"),
        ([v2.ToImage()], "no step makes float32 in [0, 1]"),
    ],
)
def test_a_step_that_cannot_be_taken_apart(steps: list[object], words: str) -> None:
    """The error names it and what to give instead."""
    with pytest.raises(DataError) as caught:
        of_transform(v1.Compose(steps), PLACE)

    assert [] == [word for word in (PLACE, words, ".geometry and .normalise") if word not in str(caught.value)]
    assert str(caught.value).isprintable()


def test_the_text_of_a_transform_is_its_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    """So it is comparable with the same numbers typed, and no code of the user's that a cache must not trust."""
    monkeypatch.setattr(sys.modules[__name__], "OLD", OLD)
    pipeline = build_pipeline(Source(kind=SourceKind.FACTORY, target=f"{__name__}:OLD"))
    expected = Preprocessing(resize_short=40, crop=32, mean=tuple(NUMBERS[0]), std=tuple(NUMBERS[1]))

    assert (str(expected), "") == (pipeline.text, pipeline.code)


# ---- timm ----------------------------------------------------------------------------------------------------------


def model(**configuration: object) -> nn.Module:
    """A module with what timm attaches to its models."""
    module = nn.Identity()
    module.pretrained_cfg = {"input_size": (3, 32, 32), "crop_pct": 0.9, **configuration}
    return module


@pytest.mark.parametrize("configuration", [{}, {"interpolation": "bilinear", "mean": (0.5,) * 3, "std": (0.5,) * 3}])
def test_what_timm_knows_of_a_model(configuration: dict[str, object]) -> None:
    """The inputs of timm's own transform for inference, bit for bit; `timm` is how one asks for them."""
    data = pytest.importorskip("timm.data", reason="timm is an extra")
    one = model(**configuration)
    transform = data.create_transform(**data.resolve_model_data_config(one), is_training=False)
    spec = read_preprocess(OptionText(text="timm", where="", place="", kind=PlaceKind.INI, base=None))
    pipeline = build_pipeline(spec, one)

    assert SourceKind.TIMM is spec.kind
    assert torch.equal(transform(IMAGE), inputs(of_timm(one)))
    assert str(of_timm(one)) == pipeline.text


@pytest.mark.parametrize(
    ("configuration", "words"),
    [
        ({"crop_mode": "squash"}, "the model's crop_mode is 'squash'"),
        ({"crop_mode": "border"}, "the model's crop_mode is 'border'"),
        ({"input_size": (3, 32, 48)}, "the model's input_size is (3, 32, 48)"),
        ({"interpolation": "random"}, "the model's interpolation is 'random'"),
    ],
)
def test_a_configuration_that_is_no_resize_and_crop(configuration: dict[str, object], words: str) -> None:
    """It is refused with its value."""
    pytest.importorskip("timm.data", reason="timm is an extra")
    with pytest.raises(DataError) as caught:
        of_timm(model(**configuration))

    assert "--failaware-preprocess=timm: " + words in str(caught.value)


def test_a_model_that_is_not_timms() -> None:
    """It knows no preprocessing; the error shows how numbers are given."""
    pytest.importorskip("timm.data", reason="timm is an extra")
    with pytest.raises(DataError, match=r"no model of timm .*resize_short=256"):
        of_timm(nn.Identity())


def test_without_timm(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error says what to install."""
    monkeypatch.setitem(sys.modules, "timm.data", None)
    with pytest.raises(ConfigError, match=r"needs timm; run pip install 'pytest-failaware\[timm\]'"):
        of_timm(model())


def test_a_preset_of_two_sizes_is_refused_in_one_line() -> None:
    """torchvision's preset wraps what it gets in a list, so that a pair lies two lists deep."""
    with pytest.raises(DataError, match="not one number each"):
        of_transform(ImageClassification(crop_size=[32, 20], resize_size=40), PLACE)


def test_a_preset_that_divides_by_zero_is_refused() -> None:
    """As the same numbers in a Normalize are."""
    with pytest.raises(DataError, match=r"the step ImageClassification has mean=.* std=\(0\.0, 1\.0, 1\.0\), which"):
        of_transform(ImageClassification(crop_size=32, std=(0.0, 1.0, 1.0)), PLACE)
    with pytest.raises(DataError, match="the step ImageClassification has size=0, below 1 pixel"):
        of_transform(ImageClassification(crop_size=0), PLACE)
