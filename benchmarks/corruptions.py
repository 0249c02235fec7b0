"""The time of one degraded image here and in imagecorruptions 1.1.2: same images, same process, in turn.

python benchmarks/corruptions.py
python benchmarks/corruptions.py --side=224 --images=16 --repeats=5
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import geometric_mean, median

import numpy as np
import scipy.ndimage
import torch
from PIL import Image

from pytest_failaware.core.conditions.published import IMAGENET_C, IMAGENET_C_EXTRA, SEVERITIES
from pytest_failaware.core.conditions.spelling import at_size, parse_condition
from pytest_failaware.measure.degrade.kernels import find_kernel
from pytest_failaware.measure.degrade.randomness import SampleRandom

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from originals import load_originals


def main() -> None:
    """Print for each corruption the milliseconds for one image on both sides, as means of five severities."""
    options = parse_options()
    pictures = scenes(options.images, options.side)
    planes = torch.from_numpy(pictures).permute(0, 3, 1, 2).contiguous()
    originals = load_originals()
    print(
        f"{options.images} images of {options.side} px, {os.cpu_count()} cores, {torch.get_num_threads()} threads, ",
        end="",
    )
    print(f"torch {torch.__version__}, medians of {options.repeats}")
    print(f"{'ms an image, mean of 5 severities':<36}{'theirs':>10}{'ours':>10}{'ratio':>10}")
    ratios, cost = [], []
    for name in (*IMAGENET_C, *IMAGENET_C_EXTRA):
        theirs = measured(lambda s, name=name: theirs_on(getattr(originals, name), pictures, s), options)
        ours = measured(lambda s, name=name: ours_on(name, planes, s), options)
        if theirs is not None and ours is not None:
            ratios.append(theirs / ours)
        cost.append(ours or 0.0)
        shown = f"{theirs:>10.2f}{ours:>10.2f}{theirs / ours:>10.1f}" if theirs else f"{'fails':>10}{ours:>10.2f}"
        print(f"{name:<36}{shown}", flush=True)
    print(f"\nratio: {geometric_mean(ratios):.1f}, geometric mean of the {len(ratios)} that run on both sides")
    print(f"mean cost here: {sum(cost) / len(cost):.2f} ms over all {len(cost) * len(SEVERITIES)} conditions")


def parse_options() -> argparse.Namespace:
    """Return what to measure."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--side", type=int, default=224, metavar="PX", help="of the images; default: 224")
    parser.add_argument("--images", type=int, default=16, metavar="N", help="in the batch; default: 16")
    parser.add_argument("--repeats", type=int, default=5, metavar="N", help="of each side; default: 5")
    return parser.parse_args()


def scenes(count: int, side: int) -> np.ndarray:
    """Return images of smooth coloured shapes, (count, side, side, 3) uint8."""
    fields = scipy.ndimage.gaussian_filter(
        np.random.default_rng(0).normal(size=(count, side, side, 3)), (0, side / 14, side / 14, 0)
    )
    return (128 + 130 * fields / fields.std()).clip(0, 255).astype(np.uint8)


def measured(run: Callable[[int], int], options: argparse.Namespace) -> float | None:
    """Return the milliseconds for one image: the mean over severities of the median over repeats, or None if it fails.

    `run` takes a severity and returns the number of images that it degraded.
    """
    found = []
    for severity in SEVERITIES:
        try:
            run(severity)
        except (TypeError, AttributeError) as error:  # a package of 2020 with current libraries
            print(f"  ({error})", file=sys.stderr)
            return None
        times = []
        for _ in range(options.repeats):
            start = time.perf_counter()
            count = run(severity)
            times.append((time.perf_counter() - start) / count)
        found.append(1000 * median(times))
    return sum(found) / len(found)


def theirs_on(corrupt: Callable[..., object], pictures: np.ndarray, severity: int) -> int:
    """Run imagecorruptions on a few of the images, one at a time, as it works."""
    for picture in pictures[:4]:
        np.uint8(corrupt(Image.fromarray(picture), severity))  # type: ignore[call-overload]  # an image as an array
    return 4


def ours_on(name: str, planes: torch.Tensor, severity: int) -> int:
    """Run our kernel on the whole batch, as the loader does."""
    condition = at_size(parse_condition(f"{name}:{severity}", "benchmark"), *planes.shape[2:])
    random = SampleRandom.keyed(0, name, torch.arange(len(planes)))
    find_kernel(condition, {})(planes, dict(condition.parameters), random)
    return len(planes)


if __name__ == "__main__":
    main()
