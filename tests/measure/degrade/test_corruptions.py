"""The published corruptions against the programs they were published with."""

from __future__ import annotations

import importlib
import itertools
from types import ModuleType

import numpy as np
import pytest
import scipy.ndimage
import torch
from originals import load_originals
from PIL import Image
from skimage.filters import gaussian

from pytest_failaware.core.conditions.catalogue import DEFINITIONS
from pytest_failaware.core.conditions.published import SEVERITIES
from pytest_failaware.core.conditions.spelling import at_size, parse_condition
from pytest_failaware.measure.degrade.elastic import _inverse_maps, _mapped, _sampled
from pytest_failaware.measure.degrade.filters import smooth, streak
from pytest_failaware.measure.degrade.kernels import KERNELS
from pytest_failaware.measure.degrade.lens import _copied_from, _disk
from pytest_failaware.measure.degrade.plasma import plasma
from pytest_failaware.measure.degrade.randomness import SampleRandom
from pytest_failaware.measure.degrade.spatter import _distance, _edges, _equalised

EXACT = ("pixelate", "jpeg_compression")
CLOSE = ("defocus_blur", "brightness", "contrast", "saturate")
DRAWN = ("gaussian_noise", "shot_noise", "impulse_noise", "speckle_noise", "snow", "frost", "fog", "spatter")


def opencv() -> ModuleType:
    """OpenCV, which a bare machine without libGL cannot import: the test is skipped there."""
    try:
        return importlib.import_module("cv2")
    except ImportError as error:
        pytest.skip(f"OpenCV cannot be imported: {error}")


@pytest.fixture(scope="module", name="originals")
def _originals() -> ModuleType:
    opencv()
    return load_originals()


def scenes(count: int, side: int) -> np.ndarray:
    """Smooth coloured shapes with black, white, grey and saturated parts, (N, side, side, 3) uint8."""
    random = np.random.default_rng(side)
    fields = scipy.ndimage.gaussian_filter(random.normal(size=(count, side, side, 3)), (0, side / 14, side / 14, 0))
    images = (128 + 130 * fields / fields.std()).clip(0, 255).astype(np.uint8)
    images[:, : side // 8, : side // 8] = images[:, : side // 8, : side // 8, :1]  # a grey corner
    return images


def degraded(text: str, images: np.ndarray) -> np.ndarray:
    """A condition on (N, H, W, C) uint8 images with ids 0, 1, ..."""
    condition = at_size(parse_condition(text, "test"), *images.shape[1:3])
    random = SampleRandom.keyed(0, condition.name, torch.arange(len(images)))
    planes = torch.from_numpy(images).permute(0, 3, 1, 2)
    return KERNELS[condition.name](planes, dict(condition.parameters), random).permute(0, 2, 3, 1).numpy()


def original(package: ModuleType, name: str, severity: int, images: np.ndarray) -> np.ndarray:
    """imagecorruptions on each image, from one seed."""
    np.random.seed(severity)
    corrupt = getattr(package, name)
    return np.stack([np.uint8(corrupt(Image.fromarray(image), severity)) for image in images])


def assert_close(expected: np.ndarray, found: np.ndarray, levels: int = 2) -> None:
    """Within some grey levels on 99 % of the values."""
    assert 0.99 <= (np.abs(expected.astype(int) - found) <= levels).mean()


@pytest.mark.parametrize("severity", SEVERITIES)
@pytest.mark.parametrize("name", [*EXACT, *CLOSE])
def test_deterministic_corruptions_are_the_originals(name: str, severity: int, originals: ModuleType) -> None:
    """Pillow's byte for byte, the others within one grey level nearly everywhere, at 224 pixels."""
    images = scenes(2, 224)
    expected, found = original(originals, name, severity, images), degraded(f"{name}:{severity}", images)

    if name in EXACT:
        assert np.array_equal(expected, found)
    else:
        assert_close(expected, found, levels=1)


@pytest.mark.parametrize("side", [32, 64, 224])
@pytest.mark.parametrize("severity", SEVERITIES)
def test_gaussian_blur_is_scikit_images(severity: int, side: int) -> None:
    """The filter of skimage, cut at four sigma, edges repeated."""
    images = scenes(2, side)
    sigma = dict(at_size(parse_condition(f"gaussian_blur:{severity}", "test"), side, side).parameters)["sigma"]
    expected = [np.uint8(gaussian(image / 255, sigma=sigma, channel_axis=-1).clip(0, 1) * 255) for image in images]

    assert_close(np.stack(expected), degraded(f"gaussian_blur:{severity}", images), levels=1)


@pytest.mark.parametrize("side", [32, 64, 224])
@pytest.mark.parametrize("severity", SEVERITIES)
def test_zoom_blur_is_scipys_zoom(severity: int, side: int) -> None:
    """The mean of the image and of the middles of scipy's zooms by the factors of numpy's arange."""
    ends = (1.11, 1.16, 1.21, 1.26, 1.31) if side == 224 else (1.06, 1.11, 1.16, 1.21, 1.26)
    steps = (0.01, 0.01, 0.02, 0.02, 0.03) if side == 224 else (0.01,) * 5
    factors = np.arange(1, ends[severity - 1], steps[severity - 1])
    images = scenes(1, side)
    x = images[0] / 255
    total = x.copy()
    for factor in factors:
        cut = int(np.ceil(side / factor))
        top = (side - cut) // 2
        grown = scipy.ndimage.zoom(x[top : top + cut, top : top + cut], (factor, factor, 1), order=1)
        trim = (len(grown) - side) // 2
        total += grown[trim : trim + side, trim : trim + side]
    expected = np.uint8((total / (len(factors) + 1)).clip(0, 1) * 255)

    assert_close(expected[None], degraded(f"zoom_blur:{severity}", images), levels=1)


@pytest.mark.parametrize("radius", [0.3, 0.5, 1.0, 1.5, 2.5, 3.0, 8.0, 10.0])
@pytest.mark.parametrize("alias", [0.01, 0.1, 0.5, 0.6])
def test_the_disk_is_the_original(radius: float, alias: float, originals: ModuleType) -> None:
    """OpenCV's softened disk; its weights are rounded to 2^-16."""
    expected = originals.disk(radius=radius if radius <= 8 else int(radius), alias_blur=alias)
    found = _disk(radius, alias)
    rim = (len(expected) - len(found)) // 2

    assert np.pad(found, rim) == pytest.approx(expected, abs=2e-5)
    assert expected.sum() == pytest.approx(found.sum(), abs=1e-5)


@pytest.mark.parametrize("angle", [-135.0, -100.3, -45.0, -12.5, 0.0, 30.0, 45.0])
@pytest.mark.parametrize(("radius", "sigma"), [(10, 3.0), (20, 15.0), (6, 1.0), (40, 30.0)])
def test_streaks_are_the_original(radius: int, sigma: float, angle: float, originals: ModuleType) -> None:
    """Weights and shifts equal those of imagecorruptions, even if the streak leaves the image."""
    images = scenes(2, 48)
    expected = np.stack([originals._motion_blur(image, radius, sigma, angle) for image in images])
    planes = torch.from_numpy(images).permute(0, 3, 1, 2).float()
    found = streak(planes, radius, sigma, np.full(2, angle)).permute(0, 2, 3, 1).numpy()

    assert found == pytest.approx(expected, abs=0.1)


def test_motion_blur_draws_its_angles_from_the_published_range() -> None:
    """Each image has its own streak, and the first angles are known answers."""
    angles = SampleRandom.keyed(0, "motion_blur", torch.arange(1000)).uniform_on_host(1)[:, 0] * 90 - 45

    assert [-15.06, -42.14, 25.65] == pytest.approx(angles[:3], abs=0.1)
    assert -45 < angles.min() < -44
    assert 44 < angles.max() < 45


@pytest.mark.parametrize(("delta", "side"), [(1, 12), (2, 17), (4, 24), (3, 6)])
def test_glass_copies_as_the_published_loop_does(delta: int, side: int) -> None:
    """Every pixel shows what the loop of assignments through views leaves there."""
    count = side - 2 * delta
    offsets = np.random.default_rng(side).integers(-delta, delta, (3, 2, max(count, 0), max(count, 0)))
    places = np.arange(side * side).reshape(side, side, 1)
    expected = []
    for dy, dx in offsets:
        x = places.copy()
        for h in range(side - delta, delta, -1):
            for w in range(side - delta, delta, -1):
                there = h + dy[h - delta - 1, w - delta - 1], w + dx[h - delta - 1, w - delta - 1]
                x[h, w], x[there] = x[there], x[h, w]
        expected.append(x.ravel())

    if count > 0:
        assert np.array_equal(np.stack(expected), _copied_from(torch.from_numpy(offsets), side, side, delta).numpy())


def test_glass_blur_leaves_a_flat_image_alone() -> None:
    """Shuffling equal pixels changes nothing."""
    flat = np.full((1, 32, 32, 3), 77, dtype=np.uint8)

    assert np.array_equal(flat, degraded("glass_blur:5", flat))


@pytest.mark.parametrize("decay", [1.4, 2.0, 3.0])
def test_clouds_are_the_originals_in_distribution(decay: float, originals: ModuleType) -> None:
    """Mean, variance and the spectrum in five bands agree with the published diamond-square algorithm."""
    np.random.seed(0)
    expected = np.stack([originals.plasma_fractal(64, decay) for _ in range(300)])
    found = plasma(SampleRandom.keyed(0, "fog", torch.arange(300)), 64, decay).double().numpy()

    assert 0 == found.min()
    assert 1 == found.max()
    assert expected.mean() == pytest.approx(found.mean(), abs=0.02)
    assert expected.std() == pytest.approx(found.std(), rel=0.05)
    assert bands(expected) == pytest.approx(bands(found), rel=0.2)


def bands(images: np.ndarray) -> np.ndarray:
    """The mean power in five octaves of spatial frequency, of (N, S, S) images."""
    side = images.shape[1]
    power = np.abs(np.fft.fft2(images - images.mean(axis=(1, 2), keepdims=True))) ** 2
    frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(side), np.fft.fftfreq(side))) * side
    edges = side / 2 / 2 ** np.arange(5, -1, -1)
    return np.array(
        [power[:, (low < frequency) & (frequency <= high)].mean() for low, high in itertools.pairwise(edges)]
    )


@pytest.mark.parametrize("severity", SEVERITIES)
@pytest.mark.parametrize("name", DRAWN)
def test_drawn_corruptions_are_the_originals_in_distribution(name: str, severity: int, originals: ModuleType) -> None:
    """Mean, spread and spectrum of what they do to an image; of frost, whose textures differ, mean and spread."""
    images = np.repeat(scenes(1, 224), 12, axis=0)
    expected, found = original(originals, name, severity, images), degraded(f"{name}:{severity}", images)
    change, now = (side.astype(float).mean(axis=3) - images.mean(axis=3) for side in (expected, found))
    loose = {"frost": 30, "snow": 6, "spatter": 4, "fog": 15}.get(name, 0.5)

    assert change.mean() == pytest.approx(now.mean(), abs=loose)
    assert expected.std() == pytest.approx(found.std(), rel=0.25 if name == "frost" else 0.1)
    if name != "frost":
        assert bands(change)[2:] == pytest.approx(bands(now)[2:], rel=0.35)


def test_elastic_maps_are_opencvs() -> None:
    """The affine map by three points and the mirrored border agree with cv2's warpAffine."""
    cv2 = opencv()
    images = scenes(3, 64)
    moved = np.random.default_rng(0).uniform(-6, 6, (3, 3, 2))
    points = np.float32([[53, 53], [53, 11], [11, 11]])
    expected = [
        cv2.warpAffine(
            image, cv2.getAffineTransform(points, np.float32(points + by)), (64, 64), borderMode=cv2.BORDER_REFLECT_101
        )
        for image, by in zip(images, moved, strict=True)
    ]
    planes = torch.from_numpy(images).permute(0, 3, 1, 2).float()
    places = _mapped(_inverse_maps(moved, 64, 64), 64, 64, planes.device)
    found = _sampled(planes, places, is_corner_aligned=True).permute(0, 2, 3, 1).numpy()

    assert_close(np.stack(expected), found.round())


def test_elastic_displacement_is_scipys() -> None:
    """Smoothing with a mirrored border and sampling with one agree with gaussian_filter and map_coordinates."""
    noise = np.random.default_rng(0).integers(-1000, 1000, (2, 40, 40)).astype(float)
    field = scipy.ndimage.gaussian_filter(noise, (0, 5, 5), mode="reflect", truncate=3)
    found = smooth(torch.from_numpy(noise), 5.0, truncate=3.0, border="symmetric").numpy()
    y, x = np.mgrid[:40, :40]
    image = scenes(1, 40)[0, :, :, 0].astype(float)
    expected = scipy.ndimage.map_coordinates(image, [y + field[0], x + field[1]], order=1, mode="reflect")
    places = torch.from_numpy(np.stack([x + field[1], y + field[0]], axis=-1))[None].float()
    sampled = _sampled(torch.from_numpy(image)[None, None].float(), places, is_corner_aligned=False)[0, 0].numpy()

    assert field == pytest.approx(found, abs=0.05)
    assert expected == pytest.approx(sampled, abs=0.05)


def test_elastic_moves_as_far_as_it_says() -> None:
    """The first severity of 32 pixels is an affine map alone, of at most 0.08 of the side; 0 and 0 is no change."""
    images = scenes(4, 32)

    assert np.array_equal(images, degraded("elastic_transform(alpha=0,sigma=0,affine=0)", images))
    assert not np.array_equal(images, degraded("elastic_transform:1", images))


def test_water_runs_along_opencvs_rims() -> None:
    """Edges, distances and equalised shades agree with cv2's on most pixels; its distance is an approximation."""
    cv2 = opencv()
    random = np.random.default_rng(3)
    wet = scipy.ndimage.gaussian_filter(random.normal(0.65, 0.3, (1, 96, 96)), (0, 3, 3))
    layer = np.uint8(np.where(wet < 0.68, 0, wet) * 255)
    edges = cv2.Canny(layer[0], 50, 150)
    far = np.minimum(cv2.distanceTransform(255 - edges, cv2.DIST_L2, 5), 20)
    planes = torch.from_numpy(layer).float()
    found = _edges(planes)

    assert 0.97 <= (found[0].numpy() == (edges > 0)).mean()
    exact = _distance(torch.from_numpy(edges > 0)[None])[0].numpy().clip(max=20)
    assert far == pytest.approx(exact, abs=0.5)
    assert np.array_equal(cv2.equalizeHist(layer[0]), _equalised(planes)[0].numpy())


@pytest.mark.parametrize("side", [1, 2, 5, 32])
@pytest.mark.parametrize("name", [name for name, definition in DEFINITIONS.items() if definition.has_severities])
def test_no_size_is_too_small(name: str, side: int) -> None:
    """Shape and dtype stay the same for any size, in colour and in grey."""
    for channels in (1, 3):
        images = np.random.default_rng(side).integers(0, 256, (2, side, side + 1, channels), dtype=np.uint8)
        for severity in (1, 3, 5):
            found = degraded(f"{name}:{severity}", images)
            assert (np.uint8, images.shape) == (found.dtype, found.shape)


@pytest.mark.parametrize(
    ("name", "by_hand"),
    [
        ("brightness(shift=0.2)", [[51, 51, 51], [151, 75, 0], [255, 255, 255], [255, 127, 127]]),
        ("contrast(factor=0.5)", [[76, 54, 47], [126, 79, 47], [203, 181, 175], [203, 117, 111]]),
        ("saturate(factor=2,shift=0)", [[0, 0, 0], [100, 50, 0], [255, 255, 255], [255, 0, 0]]),
        ("saturate(factor=0,shift=0)", [[0, 0, 0], [100, 100, 100], [255, 255, 255], [255, 255, 255]]),
        ("saturate(factor=1,shift=1)", [[0, 0, 0], [100, 50, 0], [255, 0, 0], [255, 0, 0]]),
    ],
)
def test_light_by_hand(name: str, by_hand: list[list[int]]) -> None:
    """Four pixels: black, (100, 50, 0), white and (255, 127, 127) as HSV says."""
    image = np.array([[0, 0, 0], [100, 50, 0], [255, 255, 255], [255, 127, 127]], dtype=np.uint8).reshape(1, 1, 4, 3)

    assert by_hand == degraded(name, image)[0, 0].tolist()


@pytest.mark.parametrize("side", [32, 64, 224])
@pytest.mark.parametrize("severity", [1, 2, 3])
def test_water_shines_as_strongly_as_the_original(severity: int, side: int) -> None:
    """OpenCV's steps on the very noise that is drawn here: the light that is added to grey images is the same."""
    cv2 = opencv()
    strength = dict(at_size(parse_condition(f"spatter:{severity}", "test"), side, side).parameters)
    noise = SampleRandom.keyed(0, "spatter", torch.arange(12)).normal(side * side).view(12, side, side).numpy()
    light = []
    for field in noise:
        layer = field * strength["spread"] + strength["mean"]
        smoothed = scipy.ndimage.gaussian_filter(layer, strength["sigma"], mode="nearest")
        wet = np.uint8(np.where(smoothed < strength["threshold"], 0, smoothed) * 255)
        far = cv2.distanceTransform(255 - cv2.Canny(wet, 50, 150), cv2.DIST_L2, 5)
        far = np.uint8(cv2.blur(np.minimum(far, 20), (3, 3)))
        relief = cv2.filter2D(cv2.equalizeHist(far), cv2.CV_8U, np.array([[-2, -1, 0], [-1, 1, 1], [0, 1, 2]]))
        shine = wet * cv2.blur(relief, (3, 3)).astype(np.float32)
        light.append(shine / max(shine.max(), 1e-6) * strength["intensity"] * 238)
    grey = np.full((12, side, side, 3), 10, dtype=np.uint8)
    added = degraded(f"spatter:{severity}", grey)[..., 1].astype(float) - 10

    assert np.clip(np.stack(light), 0, 245).mean() == pytest.approx(added.mean(), rel=0.25, abs=0.2)
