"""What a corruption does to an image depends on seed, condition and sample alone."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
import torch

from pytest_failaware.core.conditions.catalogue import DEFINITIONS
from pytest_failaware.core.conditions.spelling import at_size, parse_condition
from pytest_failaware.measure.degrade.kernels import KERNELS
from pytest_failaware.measure.degrade.randomness import SampleRandom

GRADED = [name for name, definition in DEFINITIONS.items() if definition.has_severities]
RANDOM = [name for name in GRADED if DEFINITIONS[name].is_random]
IDS = torch.tensor([3, -(2**62), 17, 4, 5, 2**40, 0])


def ramps(count: int, side: int) -> torch.Tensor:
    """Images made of integers alone, the same on every machine, (N, 3, side, side) uint8."""
    n, c, y, x = torch.meshgrid(*(torch.arange(size) for size in (count, 3, side, side)), indexing="ij")
    return ((x * (5 + n) + y * (9 - 2 * c) + 60 * c + (x // 5 * y // 7) * 31) % 256).to(torch.uint8)


def degrade(text: str, images: torch.Tensor, ids: torch.Tensor, *, seed: int = 0, device: str = "cpu") -> torch.Tensor:
    """A condition on images with these sample ids."""
    condition = at_size(parse_condition(text, "test"), *images.shape[2:])
    random = SampleRandom.keyed(seed, condition.name, ids, device)
    return KERNELS[condition.name](images.to(device), dict(condition.parameters), random).cpu()


@pytest.mark.parametrize("side", [32, 67])
@pytest.mark.parametrize("severity", [1, 3, 5])
@pytest.mark.parametrize("name", GRADED)
def test_batch_order_and_subset_change_nothing(name: str, severity: int, side: int) -> None:
    """Byte for byte the same images one by one, in pieces, reversed, and some of them alone."""
    images, text = ramps(len(IDS), side), f"{name}:{severity}"
    whole = degrade(text, images, IDS)

    for size in (1, 3):
        pieces = [degrade(text, images[i : i + size], IDS[i : i + size]) for i in range(0, len(IDS), size)]
        assert torch.equal(whole, torch.cat(pieces))
    order = torch.tensor([6, 2, 0])
    assert torch.equal(whole[order], degrade(text, images[order], IDS[order]))


@pytest.mark.parametrize("name", RANDOM)
def test_seed_and_sample_change_what_is_drawn(name: str) -> None:
    """One image under two ids, and under two seeds, comes out differently."""
    image = ramps(1, 64)
    first = degrade(f"{name}:3", image, IDS[:1])

    assert not torch.equal(first, degrade(f"{name}:3", image, IDS[1:2]))
    assert not torch.equal(first, degrade(f"{name}:3", image, IDS[:1], seed=1))


@pytest.mark.parametrize("name", [name for name in GRADED if name not in RANDOM])
def test_what_draws_nothing_ignores_seed_and_sample(name: str) -> None:
    """A corruption that is not declared random gives the same image under any id and seed."""
    image = ramps(1, 64)

    assert torch.equal(degrade(f"{name}:3", image, IDS[:1]), degrade(f"{name}:3", image, IDS[1:2], seed=1))


@pytest.mark.parametrize("name", ["gaussian_noise", "speckle_noise", "shot_noise"])
def test_severities_share_their_random_numbers(name: str) -> None:
    """The noise of two severities is the same up to its size: the correlation of what they change is near one."""
    grey = torch.full((1, 3, 64, 64), 120, dtype=torch.uint8)
    weak, strong = (degrade(f"{name}:{severity}", grey, IDS[:1]).double() - 120 for severity in (2, 3))

    assert 0.98 < np.corrcoef(weak.ravel(), strong.ravel())[0, 1]


def test_impulses_of_a_weaker_severity_are_among_those_of_a_stronger() -> None:
    """Every value that severity 2 replaces, severity 3 replaces by the same."""
    grey = torch.full((1, 3, 64, 64), 120, dtype=torch.uint8)
    weak, strong = (degrade(f"impulse_noise:{severity}", grey, IDS[:1]) for severity in (2, 3))

    assert torch.equal(weak[weak != 120], strong[weak != 120])
    assert (strong != 120).sum() > (weak != 120).sum()


KNOWN = {
    "gaussian_noise": "e84bbdb4dbe170d0",
    "shot_noise": "3b5c5bc4af743e16",
    "impulse_noise": "bf0e4ea6e67384be",
    "speckle_noise": "df6f97c48b4682e4",
    "glass_blur": "e83da895348269e8",
    "motion_blur": "11dda689e762a778",
}


@pytest.mark.parametrize("name", KNOWN)
def test_known_answers(name: str) -> None:
    """Tables and integers alone: the bytes are the same on every machine, device and version."""
    found = degrade(f"{name}:3", ramps(3, 32), IDS[:3])

    assert KNOWN[name] == hashlib.sha256(found.numpy().tobytes()).hexdigest()[:16]


NEARLY = {
    "elastic_transform": [94, 179, 121, 105, 63, 193, 132, 139, 182, 163],
    "snow": [102, 235, 145, 234, 255, 101, 57, 88, 194, 121],
    "frost": [120, 240, 146, 209, 255, 79, 47, 98, 192, 105],
    "fog": [90, 146, 115, 148, 177, 66, 58, 83, 128, 94],
    "spatter": [60, 175, 175, 185, 248, 29, 4, 41, 132, 68],
}


@pytest.mark.parametrize("name", NEARLY)
def test_known_answers_in_floats(name: str) -> None:
    """Where a resampling or a division is rounded, ten values along the diagonal are known up to one grey level."""
    found = degrade(f"{name}:3", ramps(1, 64), IDS[:1])[0, 1].diagonal()[::7].int().tolist()

    assert NEARLY[name] == pytest.approx(found, abs=1)


@pytest.mark.gpu
@pytest.mark.parametrize("severity", [1, 3, 5])
@pytest.mark.parametrize("name", GRADED)
def test_cuda_agrees_within_one_grey_level(name: str, severity: int) -> None:
    """On all but one in ten thousand values; the known answers byte for byte."""
    images, text = ramps(len(IDS), 224), f"{name}:{severity}"
    here, there = (degrade(text, images, IDS, device=device).int() for device in ("cpu", "cuda"))

    assert ((here - there).abs() > 1).double().mean() <= 1e-4
    assert name not in KNOWN or torch.equal(here, there)
