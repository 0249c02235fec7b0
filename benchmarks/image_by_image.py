"""The speed of the plugin compared with a loop over single images: same images, model, process and counts.

The loop is like a notebook's: for each condition and image, open the file, degrade it with Pillow or NumPy,
make a tensor, run the model on it, take the softmax and flag. Both sides decode the images within the measured time.

    python benchmarks/image_by_image.py
    python benchmarks/image_by_image.py --model=resnet18.pth --arch=resnet18 --dataset=folder:data --preprocess=none
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections import Counter
from dataclasses import astuple
from pathlib import Path
from statistics import median

import numpy as np
import torch
from PIL import Image, ImageEnhance, ImageFilter
from torchvision.transforms.functional import pil_to_tensor

from pytest_failaware import Evaluation, FailAwareError
from pytest_failaware.config.option_texts import Surroundings
from pytest_failaware.config.resolve import resolve
from pytest_failaware.core.conditions.catalogue import DEFAULT_CONDITIONS
from pytest_failaware.core.preprocessing import Preprocessing
from pytest_failaware.core.request import RunConfig
from pytest_failaware.measure.images.data import ImageSet, Sample
from pytest_failaware.measure.inputs.preprocess import build_pipeline
from pytest_failaware.measure.models.loading import LoadedModel, choose_device
from pytest_failaware.measure.opening import open_bench, open_images, open_model

DIGITS = Path(__file__).resolve().parents[1] / "examples" / "digits"
OPTIONS = ("model", "arch", "dataset", "preprocess", "device")  # as the plugin's
DEFAULTS = (str(DIGITS / "digits.pth"), "digits:network", "digits:test_set", "resize=32", "cpu")
OPENING = "open and decode"
EXACT = ("clean", "blur", "low_light")  # the two sides draw their noise differently
CELLS = "trusted right, trusted wrong, flagged right, flagged wrong"
Run = tuple[dict[str, float], dict[str, tuple[int, ...]]]  # seconds by step; counts of the CELLS by condition


class Pictures(ImageSet):
    """`count` images spread evenly over a data set, or all of it; each read opens and decodes again."""

    def __init__(self, source: ImageSet, count: int | None) -> None:
        self.source, self.classes, self.reads_in_parallel = source, source.classes, source.reads_in_parallel
        self.rows = np.linspace(0, len(source), min(count or len(source), len(source)), endpoint=False).astype(int)

    def __len__(self) -> int:
        return len(self.rows)

    def name(self, index: int) -> str:  # noqa: D102 - as in ImageSet
        return self.source.name(self.rows[index])

    def read(self, index: int) -> Sample:  # noqa: D102 - as in ImageSet
        return self.source.read(self.rows[index])


def main() -> int:
    """Measure both sides, print the table, and return 1 if their counts differ."""
    options = parse_options()
    sys.path.insert(0, str(DIGITS))
    typed = {name: getattr(options, name) for name in OPTIONS}
    try:
        config = resolve(
            command_line=typed,
            ini={},
            around=Surroundings(environ={}, invocation_dir=Path.cwd(), ini_dir=Path.cwd()),
        )
        model, source = open_model(config, choose_device(config.device)), open_images(config)
        rounds = [Pictures(source, 20)] + [Pictures(source, options.images)] * options.repeats
        pairs = [(run_loop(config, model, pictures), run_plugin(config, model, pictures)) for pictures in rounds]
    except FailAwareError as error:
        sys.exit(str(error))
    print(f"{len(rounds[-1])} images, {model.facts.architecture} on {model.device.type}, ", end="")
    print(f"{os.cpu_count()} cores, {torch.get_num_threads()} threads, torch {torch.__version__}")
    print_table(pairs[1:])  # the first pair warmed both sides up
    (_, loop), (_, plugin) = pairs[-1]
    differing = [condition for condition in EXACT if loop[condition] != plugin[condition]]
    for condition in differing:
        print(f"error: {condition}: {CELLS}: loop {loop[condition]}, plugin {plugin[condition]}", file=sys.stderr)
    return 1 if differing else 0


def parse_options() -> argparse.Namespace:
    """Return what to measure; the defaults are the digits example."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    for name, default in zip(OPTIONS, DEFAULTS, strict=True):
        parser.add_argument(f"--{name}", default=default, help=f"as --failaware-{name}; default: {default}")
    parser.add_argument("--images", type=int, metavar="N", help="take N, spread evenly over the data set; default: all")
    parser.add_argument("--repeats", type=int, default=3, metavar="N", help="of both sides, interleaved; default: 3")
    return parser.parse_args()


def run_loop(config: RunConfig, model: LoadedModel, pictures: Pictures) -> Run:
    """Measure one image at a time, as in a notebook."""
    pipeline, random = build_pipeline(config.preprocess or Preprocessing()), np.random.default_rng(0)
    seconds, cells = {}, {}
    for condition in DEFAULT_CONDITIONS:
        start, counts = time.perf_counter(), Counter[tuple[bool, bool]]()
        with torch.inference_mode():
            for index in range(len(pictures)):
                sample = pictures.read(index)
                pixels = pil_to_tensor(degrade(pipeline.geometry(sample.image), condition, random))
                logits = model.module(pipeline.normalise(pixels.unsqueeze(0)).to(model.device))
                probabilities = logits[0].softmax(0)
                confidence, prediction = probabilities.max(0)
                is_flagged = confidence.item() < 0.6 or torch.special.entr(probabilities).sum().item() > 1.0
                counts[is_flagged, prediction.item() == sample.label] += 1
        seconds[condition] = time.perf_counter() - start
        cells[condition] = tuple(counts[flagged, right] for flagged in (False, True) for right in (True, False))
    return seconds, cells


def degrade(image: Image.Image, condition: str, random: np.random.Generator) -> Image.Image:
    """Degrade an image under a default condition with Pillow and NumPy."""
    if condition == "blur":
        return image.filter(ImageFilter.GaussianBlur(2))
    if condition == "low_light":
        return ImageEnhance.Brightness(image).enhance(0.4)
    if condition == "gaussian_noise":
        values = np.asarray(image) / 255
        noisy = np.clip(values + random.normal(0, 0.3, values.shape), 0, 1)
        return Image.fromarray((noisy * 255).astype(np.uint8))
    return image


def run_plugin(config: RunConfig, model: LoadedModel, pictures: Pictures) -> Run:
    """Measure as `evaluate` does, with the time of each step."""
    start = time.perf_counter()
    bench = open_bench(config, model, pictures)
    seconds, cells = {OPENING: time.perf_counter() - start}, {}
    for condition in config.gate.conditions:
        start = time.perf_counter()
        outcome = Evaluation(measurement=bench.measure(condition, config.gate.seed), rule=config.gate.rule)
        cells[condition.key] = astuple(outcome.stats.cells)
        seconds[condition.key] = time.perf_counter() - start
    bench.close()
    return seconds, cells


def print_table(pairs: list[tuple[Run, Run]]) -> None:
    """Print the median seconds of each step and of all steps, and the median ratio of the totals."""
    print(f"\n{'median seconds':<16}{'loop':>10}{'plugin':>10}")
    for step in (OPENING, *DEFAULT_CONDITIONS):
        times = [median(run[0].get(step, 0.0) for run in side) for side in zip(*pairs, strict=True)]
        print(f"{step:<16}" + "".join(f"{seconds:>10.3f}" if seconds else f"{'each time':>10}" for seconds in times))
    totals = [(sum(loop[0].values()), sum(plugin[0].values())) for loop, plugin in pairs]
    print(f"{'total':<16}" + "".join(f"{median(side):>10.3f}" for side in zip(*totals, strict=True)))
    ratios = [loop / plugin for loop, plugin in totals]
    print(f"\nratio: {median(ratios):.1f}, median of {len(ratios)} from {min(ratios):.1f} to {max(ratios):.1f}")


if __name__ == "__main__":
    sys.exit(main())
