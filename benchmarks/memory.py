"""The memory that many large images need: at most that of the store and of a few batches.

Synthetic images, made when they are read, are opened and measured under four conditions by a one-layer network;
a thread samples the anonymous memory of the process (Linux: RssAnon), which cannot be written back to a file.
The images themselves are in a file in the temporary folder, which needs the space.

    python benchmarks/memory.py --images=50000 --conditions=1
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from pytest_failaware.core.conditions.catalogue import DEFAULT_CONDITIONS
from pytest_failaware.core.conditions.spelling import parse_condition
from pytest_failaware.core.preprocessing import Preprocessing
from pytest_failaware.measure.images.data import ImageSet, Sample
from pytest_failaware.measure.live import build_bench
from pytest_failaware.measure.models.loading import adopt_model

CLASSES = tuple("abcdefghij")
STATUS = Path("/proc/self/status")


class Synthetic(ImageSet):
    """Images of one colour each, which are not kept in memory."""

    def __init__(self, count: int, pixels: int) -> None:
        self.count, self.pixels, self.classes = count, pixels, CLASSES

    def __len__(self) -> int:
        return self.count

    def name(self, index: int) -> str:  # noqa: D102 - as in ImageSet
        return f"image {index}"

    def read(self, index: int) -> Sample:  # noqa: D102 - as in ImageSet
        colour = tuple(np.random.default_rng(index).integers(0, 256, 3).tolist())
        image = Image.new("RGB", (self.pixels, self.pixels), colour)
        return Sample(key=str(index).encode(), image=image, label=index % len(CLASSES))


class Peak:
    """The largest anonymous memory seen, in bytes."""

    bytes = 0


def main() -> None:
    """Measure, and print one line for each step."""
    options = parse_options()
    if not STATUS.exists():
        sys.exit(f"{STATUS}: does not exist; this benchmark reads the memory of a process from Linux")
    layers = (torch.nn.Conv2d(3, 16, 7, stride=8), torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten())
    model = adopt_model(torch.nn.Sequential(*layers, torch.nn.Linear(16, len(CLASSES))), torch.device("cpu"))
    print(f"{options.images} images of {options.pixels} px in {tempfile.gettempdir()}, torch {torch.__version__}")
    before = anonymous()
    with sampled() as peak:
        start = time.perf_counter()
        bench = build_bench(model, Synthetic(options.images, options.pixels), Preprocessing())
        report("open and decode", peak, before, start)
        for name in DEFAULT_CONDITIONS[: options.conditions]:
            start = time.perf_counter()
            bench.measure(parse_condition(name, ""), seed=0)
            report(name, peak, before, start)
        bench.close()


def parse_options() -> argparse.Namespace:
    """Return how much to measure."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--images", type=int, default=50_000, metavar="N", help="default: 50000")
    parser.add_argument("--pixels", type=int, default=224, help="edge of an image; default: 224")
    parser.add_argument("--conditions", type=int, default=4, metavar="N", help="the first N of the four; default: 4")
    return parser.parse_args()


def report(step: str, peak: Peak, before: int, start: float) -> None:
    """Print the peak so far, less the memory of the process before there were images."""
    seconds = time.perf_counter() - start
    print(f"{step:<16} peak {(peak.bytes - before) / 2**30:5.2f} GiB beyond the model, {seconds:6.0f} s", flush=True)


@contextmanager
def sampled(seconds: float = 0.02) -> Iterator[Peak]:
    """Yield the peak while the block runs, sampled in a thread."""
    peak, done = Peak(), threading.Event()

    def sample() -> None:
        while not done.wait(seconds):
            peak.bytes = max(peak.bytes, anonymous())

    thread = threading.Thread(target=sample, daemon=True)
    thread.start()
    try:
        yield peak
    finally:
        done.set()
        thread.join()


def anonymous() -> int:
    """Return the anonymous memory of this process now, in bytes."""
    line = next(line for line in STATUS.read_text().splitlines() if line.startswith("RssAnon:"))
    return int(line.split()[1]) * 1024


if __name__ == "__main__":
    main()
