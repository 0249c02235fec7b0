"""Preprocessing equals torchvision's transforms, split at the point of the degradations."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision import models
from torchvision.transforms import v2

from pytest_failaware.core.errors import ConfigError, DataError
from pytest_failaware.core.preprocessing import Preprocessing
from pytest_failaware.core.request import Source, SourceKind
from pytest_failaware.measure.inputs.preprocess import build_pipeline

PIXELS = np.random.default_rng(0).integers(0, 256, (45, 60, 3), dtype=np.uint8)
IMAGE = Image.fromarray(PIXELS)
BATCH = torch.from_numpy(PIXELS).permute(2, 0, 1)[None]
IMAGENET = Preprocessing(
    resize_short=256, crop=224, interpolation="bilinear", mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225)
)


def weights(name: str) -> Source:
    return Source(kind=SourceKind.TORCHVISION, target=name)


def batch_of(image: Image.Image) -> torch.Tensor:
    return torch.from_numpy(np.array(image)).permute(2, 0, 1)[None]


@pytest.mark.parametrize("interpolation", ["nearest", "bilinear", "bicubic", "lanczos"])
@pytest.mark.parametrize(
    ("spec", "steps"),
    [
        ({}, []),
        ({"resize": 20}, [((20, 20), None)]),
        ({"resize_short": 30}, [(30, None)]),
        ({"crop": 24}, [(None, 24)]),
        ({"resize": 40, "crop": 33}, [((40, 40), 33)]),
        ({"resize_short": 50, "crop": 32}, [(50, 32)]),
    ],
)
def test_geometry_is_torchvisions_on_pillow_images(
    spec: dict[str, int], steps: list[tuple[object, object]], interpolation: str
) -> None:
    """Resize and central crop give torchvision's pixels bit for bit."""
    expected = IMAGE
    for size, crop in steps:
        mode = v2.InterpolationMode(interpolation)
        expected = v2.Resize(size, mode)(expected) if size else expected
        expected = v2.CenterCrop(crop)(expected) if crop else expected
    found = build_pipeline(Preprocessing(**spec, interpolation=interpolation)).geometry(IMAGE)

    assert np.array_equal(np.asarray(expected), np.asarray(found))


@pytest.mark.parametrize("resize", [20, 90])
def test_a_square_resize_is_pillows_own(resize: int) -> None:
    """Without torchvision in between: Pillow's resize, which is antialiased."""
    found = build_pipeline(Preprocessing(resize=resize)).geometry(IMAGE)

    assert np.array_equal(np.asarray(IMAGE.resize((resize, resize), Image.Resampling.BILINEAR)), np.asarray(found))


def test_grey_images_stay_grey() -> None:
    """Geometry changes no mode."""
    assert "L" == build_pipeline(Preprocessing(resize=8, crop=6)).geometry(IMAGE.convert("L")).mode


@pytest.mark.parametrize("spec", [Preprocessing(crop=46), Preprocessing(resize_short=20, crop=21)])
def test_a_crop_larger_than_the_image(spec: Preprocessing) -> None:
    """It would be padded with black without a word, so it is refused with both sizes."""
    with pytest.raises(DataError) as caught:
        build_pipeline(spec).geometry(IMAGE)
    size = "60 x 45 px" if spec.resize_short is None else "26 x 20 px"

    assert [] == [word for word in (f"crop={spec.crop}", size, "resize_short=") if word not in str(caught.value)]


def test_without_numbers_pixels_are_divided_by_255() -> None:
    """Float32 in [0, 1], exactly x / 255 for each of the 256 values."""
    values = torch.arange(256, dtype=torch.uint8).view(1, 1, 16, 16)
    found = build_pipeline(Preprocessing()).normalise(values)

    assert torch.float32 == found.dtype
    assert np.array_equal(np.arange(256, dtype=np.float32) / np.float32(255), found.numpy().ravel())


def test_the_given_pixels_are_not_changed() -> None:
    """Normalising makes a new tensor."""
    before = BATCH.clone()
    build_pipeline(Preprocessing(mean=(0.5,), std=(0.5,))).normalise(BATCH)

    assert torch.equal(before, BATCH)


@pytest.mark.parametrize(("mean", "std"), [((0.5,), (0.25,)), ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))])
def test_normalising_by_one_value_or_one_per_channel(mean: tuple[float, ...], std: tuple[float, ...]) -> None:
    """(x / 255 - mean) / std in float32, bit for bit."""
    columns = [np.array(values, dtype=np.float32).reshape(1, -1, 1, 1) for values in (mean, std)]
    expected = (BATCH.numpy().astype(np.float32) / np.float32(255) - columns[0]) / columns[1]
    found = build_pipeline(Preprocessing(mean=mean, std=std)).normalise(BATCH)

    assert torch.float32 == found.dtype
    assert np.array_equal(expected, found.numpy())


@pytest.mark.parametrize("layout", [torch.channels_last, torch.contiguous_format])
def test_the_memory_format_is_kept(layout: torch.memory_format) -> None:
    """Channels-last pixels give channels-last inputs."""
    batch = BATCH.repeat(2, 1, 1, 1).contiguous(memory_format=layout)

    assert build_pipeline(IMAGENET).normalise(batch).is_contiguous(memory_format=layout)


def test_the_users_default_dtype_changes_nothing() -> None:
    """Means and deviations are float32 for any default type of torch."""
    expected = build_pipeline(IMAGENET).normalise(BATCH)
    torch.set_default_dtype(torch.float64)
    try:
        found = build_pipeline(IMAGENET).normalise(BATCH)
    finally:
        torch.set_default_dtype(torch.float32)

    assert torch.float32 == found.dtype
    assert torch.equal(expected, found)


@pytest.mark.gpu
def test_the_gpu_normalises_as_the_cpu_does() -> None:
    """Bit for bit: each step is one correctly rounded operation."""
    normalise = build_pipeline(IMAGENET).normalise

    assert torch.equal(normalise(BATCH), normalise(BATCH.cuda()).cpu())


@pytest.mark.parametrize("channels", [1, 3])
def test_numbers_for_other_channels(channels: int) -> None:
    """The error says how many values and how many channels there are."""
    spec = Preprocessing(mean=(0.5, 0.5), std=(0.5, 0.5))
    with pytest.raises(DataError, match=rf"--failaware-preprocess: .* 2 values, the images have {channels} channel"):
        build_pipeline(spec).normalise(BATCH[:, :channels])


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        (Preprocessing(), "none"),
        (Preprocessing(resize=32), "resize=32, interpolation=bilinear"),
        (weights("ResNet18_Weights.IMAGENET1K_V1"), str(IMAGENET)),
    ],
)
def test_the_text_is_what_was_done_in_numbers(spec: Preprocessing | Source, expected: str) -> None:
    """A preset of torchvision reads as the numbers it stands for, so that both spellings are comparable."""
    assert expected == build_pipeline(spec).text


@pytest.mark.parametrize(
    "name",
    [
        "ResNet18_Weights.IMAGENET1K_V1",
        "ResNet50_Weights.DEFAULT",
        "EfficientNet_B1_Weights.IMAGENET1K_V1",
        "ViT_B_16_Weights.IMAGENET1K_SWAG_E2E_V1",
    ],
)
def test_the_presets_of_torchvision(name: str) -> None:
    """Geometry, then normalisation, gives the preset's inputs bit for bit."""
    pipeline = build_pipeline(weights(name))
    expected = models.get_weight(name).transforms()(IMAGE)

    assert torch.equal(expected, pipeline.normalise(batch_of(pipeline.geometry(IMAGE)))[0])


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("ResNet18_Weights.IMAGENET1K_V3", "did you mean 'ResNet18_Weights.IMAGENET1K_V1'?"),
        ("resnet18_weights.imagenet1k_v1", "did you mean 'ResNet18_Weights.IMAGENET1K_V1'?"),
        ("ResNet18", "no such weights of a classifier; "),
        ("zzz", "write it as in ResNet18_Weights.IMAGENET1K_V1"),
        ("MC3_18_Weights.KINETICS400_V1", "no such weights of a classifier; "),
        ("FCN_ResNet50_Weights.COCO_WITH_VOC_LABELS_V1", "no such weights of a classifier; "),
    ],
)
def test_weights_that_do_not_exist_or_classify_no_images(name: str, words: str) -> None:
    """The error names what was meant, or how to write it; transforms of videos are not taken for those of images."""
    with pytest.raises(DataError) as caught:
        build_pipeline(weights(name))

    assert str(caught.value).startswith(f"--failaware-preprocess=torchvision:{name}: ")
    assert words in str(caught.value)


# ---- the user's own object -----------------------------------------------------------------------------------------


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a module with preprocessing objects."""
    name = f"preprocessing_{tmp_path.name}".replace("-", "_")
    (tmp_path / f"{name}.py").write_text(
        "class Mirror:\n"
        "    def geometry(self, image): return image.transpose(0)\n"
        "    def normalise(self, batch): return batch * 2 - 1\n"
        "class Wrong(Mirror):\n"
        "    def geometry(self, image): return __import__('numpy').asarray(image)\n"
        "    def normalise(self, batch): return batch.double()\n"
        "class Deep(Mirror):\n"
        "    def geometry(self, image): return image.convert('F')\n"
        "    def normalise(self, batch): return batch[0]\n"
        "class Broken(Mirror):\n"
        "    def geometry(self, image): raise OSError('no file')\n"
        "    def normalise(self, batch): return batch.view(7)\n"
        "mirror, wrong, deep, broken = Mirror(), Wrong(), Deep(), Broken()\n"
        "def transform(image): return image\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    return name


def factory(target: str) -> Source:
    return Source(kind=SourceKind.FACTORY, target=target)


def test_an_object_of_the_user(own: str) -> None:
    """Its geometry gets the Pillow image, its normalisation float32 in [0, 1]; its name is the text."""
    pipeline = build_pipeline(factory(f"{own}:mirror"))

    assert np.array_equal(PIXELS[:, ::-1], np.asarray(pipeline.geometry(IMAGE)))
    assert torch.equal(BATCH.float() / 255 * 2 - 1, pipeline.normalise(BATCH))
    assert f"{own}:mirror" == pipeline.text


def test_an_object_without_the_two_halves(own: str) -> None:
    """A plain transform cannot be split before the degradations; the error says what is needed."""
    with pytest.raises(DataError, match=r":transform: has no method geometry or normalise; .*\.geometry\(pillow_image"):
        build_pipeline(factory(f"{own}:transform"))


def test_an_object_that_does_not_exist(own: str) -> None:
    """A wrong name is a mistake in the configuration."""
    with pytest.raises(ConfigError, match="did you mean 'mirror'"):
        build_pipeline(factory(f"{own}:miror"))


@pytest.mark.parametrize(
    ("name", "of_geometry", "of_normalise"),
    [
        ("wrong", "geometry must return a Pillow image of mode L or RGB, got a ndarray", "float64 (1, 3, 45, 60)"),
        ("deep", "got mode F", "float32 (3, 45, 60)"),
        ("broken", "geometry raised OSError: no file", "normalise raised RuntimeError"),
    ],
)
def test_an_object_that_does_something_else(own: str, name: str, of_geometry: str, of_normalise: str) -> None:
    """The error names the half, with what it returned or raised."""
    pipeline = build_pipeline(factory(f"{own}:{name}"))
    for half, argument, words in (
        (pipeline.geometry, IMAGE, of_geometry),
        (pipeline.normalise, BATCH, of_normalise),
    ):
        with pytest.raises(DataError) as caught:
            half(argument)
        assert f"--failaware-preprocess={own}:{name}: " in str(caught.value)
        assert words in str(caught.value)
        assert "\n" not in str(caught.value)
