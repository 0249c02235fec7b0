"""The founding degradations against Pillow and numpy, and their invariances."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image, ImageEnhance, ImageFilter

from pytest_failaware.measure.degrade.kernels import KERNELS
from pytest_failaware.measure.degrade.randomness import SampleRandom


def run(name: str, images: np.ndarray, seed: int = 0, ids: np.ndarray | None = None, **strength: float) -> np.ndarray:
    """A kernel on (N, H, W, C) uint8 images."""
    ids = np.arange(len(images)) if ids is None else ids
    random = SampleRandom.keyed(seed, name, torch.from_numpy(ids))
    degraded = KERNELS[name](torch.from_numpy(images).permute(0, 3, 1, 2), strength, random)
    return degraded.permute(0, 2, 3, 1).numpy()


def pictures(n: int, height: int, width: int, channels: int = 3) -> np.ndarray:
    """Random images, some of them flat black and white."""
    images = np.random.default_rng(height * width).integers(0, 256, (n, height, width, channels), dtype=np.uint8)
    images[0], images[1] = 0, 255
    return images


@pytest.mark.parametrize("size", [(32, 32), (5, 7), (1, 3), (64, 20)])
@pytest.mark.parametrize("radius", [0.0, 0.1, 0.5, 1.0, 1.7, 2.0, 3.3, 9.0])
def test_blur_is_pillows(size: tuple[int, int], radius: float) -> None:
    """Every byte equals Pillow's GaussianBlur, even if the blur is wider than the image."""
    images = pictures(4, *size)
    expected = [np.asarray(Image.fromarray(image).filter(ImageFilter.GaussianBlur(radius))) for image in images]

    assert np.array_equal(np.stack(expected), run("blur", images, radius=radius))


def test_blur_of_grey_images_is_pillows() -> None:
    """One channel is blurred as in Pillow's mode L."""
    images = pictures(3, 8, 8, channels=1)
    expected = [np.asarray(Image.fromarray(image[..., 0]).filter(ImageFilter.GaussianBlur(2))) for image in images]

    assert np.array_equal(np.stack(expected), run("blur", images, radius=2.0)[..., 0])


def test_low_light_is_pillows() -> None:
    """All 256 values under 101 factors equal Pillow's Brightness."""
    ramp = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1).repeat(3, axis=3)

    for factor in np.linspace(0, 1, 101):
        expected = np.asarray(ImageEnhance.Brightness(Image.fromarray(ramp[0])).enhance(float(factor)))
        assert np.array_equal(expected, run("low_light", ramp, factor=float(factor))[0])


def test_noise_has_the_founding_distribution() -> None:
    """Mean and variance of a mid-grey image agree with clipping and truncating a normal draw, by numpy."""
    images = np.full((64, 32, 32, 3), 120, dtype=np.uint8)
    draws = np.random.default_rng(1).normal(0, 0.3, images.shape)
    expected = ((images / 255 + draws).clip(0, 1) * 255).astype(np.uint8)
    noisy = run("gaussian_noise", images, sigma=0.3)

    standard_error = expected.std() / np.sqrt(images.size)
    assert expected.mean() == pytest.approx(noisy.mean(), abs=5 * standard_error)
    assert expected.std() == pytest.approx(noisy.std(), rel=0.01)
    assert (expected == 255).mean() == pytest.approx((noisy == 255).mean(), abs=0.005)
    assert (expected == 0).mean() == pytest.approx((noisy == 0).mean(), abs=0.005)


def test_noise_by_hand() -> None:
    """Five values: the draw's quantile times sigma, added in [0, 1], clipped, scaled and truncated."""
    from pytest_failaware.measure.degrade.randomness import normal_quantiles

    image = np.array([0, 60, 120, 200, 255], dtype=np.uint8).reshape(1, 1, 5, 1)
    draws = SampleRandom.keyed(0, "gaussian_noise", torch.tensor([9])).uint16(5)[0].numpy()
    noise = 0.1 * normal_quantiles()[draws]
    expected = [
        int(min(max(value / 255 + z, 0), 1) * 255 + 1e-9) for value, z in zip(image.ravel(), noise, strict=True)
    ]

    assert expected == run("gaussian_noise", image, ids=np.array([9]), sigma=0.1).ravel().tolist()


def test_noise_is_a_function_of_seed_and_sample() -> None:
    """Batch, order and subset change nothing; seed and sample id do; a sigma shares the draws of another."""
    images, ids = pictures(6, 8, 8), np.array([5, 1, 8, 100, -3, 7])
    whole = run("gaussian_noise", images, ids=ids, sigma=0.3)
    order = np.array([4, 2, 0])

    assert np.array_equal(whole[order], run("gaussian_noise", images[order], ids=ids[order], sigma=0.3))
    assert not np.array_equal(whole, run("gaussian_noise", images, seed=1, ids=ids, sigma=0.3))
    grey = np.full((1, 64, 64, 3), 128, dtype=np.uint8)
    weak, strong = (run("gaussian_noise", grey, sigma=sigma).astype(float) - 128 for sigma in (0.05, 0.1))
    assert 0.999 < np.corrcoef(weak.ravel(), strong.ravel())[0, 1]


@pytest.mark.parametrize(
    ("name", "strength"),
    [("clean", {}), ("gaussian_noise", {"sigma": 0.3}), ("blur", {"radius": 2.0}), ("low_light", {"factor": 0.4})],
)
def test_kernels_leave_their_input_alone(name: str, strength: dict[str, float]) -> None:
    """Shape and dtype stay, and the images handed in are not changed."""
    images = pictures(3, 9, 6)
    before = images.copy()
    degraded = run(name, images, **strength)

    assert np.array_equal(before, images)
    assert (np.uint8, images.shape) == (degraded.dtype, degraded.shape)


@pytest.mark.gpu
@pytest.mark.parametrize(
    ("name", "strength"),
    [("gaussian_noise", {"sigma": 0.3}), ("blur", {"radius": 2.0}), ("low_light", {"factor": 0.4})],
)
def test_cuda_gives_the_same_bytes(name: str, strength: dict[str, float]) -> None:
    """Every founding kernel is integer or exactly rounded arithmetic, so CUDA yields what the CPU yields."""
    images, ids = torch.from_numpy(pictures(16, 32, 32)).permute(0, 3, 1, 2), torch.arange(16)
    results = [
        KERNELS[name](images.to(device), strength, SampleRandom.keyed(0, name, ids, device)).cpu()
        for device in ("cpu", "cuda")
    ]

    assert torch.equal(*results)
