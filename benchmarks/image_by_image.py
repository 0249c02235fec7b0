"""How much faster the plugin is than a loop over single images: same images, same model, same process, same counts.

The loop is a notebook's: for each condition and image, open the file, degrade it with Pillow or numpy, make a tensor,
run the model on a batch of one, take the softmax and flag. Both sides decode the images within the measured time.

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
from pytest_failaware.conditions import FOUNDING
from pytest_failaware.config import resolve
from pytest_failaware.measure.data import ImageSet, Sample
from pytest_failaware.measure.models import LoadedModel, choose_device
from pytest_failaware.measure.preprocess import build_pipeline
from pytest_failaware.run import open_bench, open_images, open_model
from pytest_failaware.schema import RunConfig

DIGITS = Path(__file__).resolve().parents[1] / "examples" / "digits"
OPTIONS = ("model", "arch", "dataset", "preprocess", "device")  # as the plugin's
DEFAULTS = (str(DIGITS / "digits.pth"), "digits:network", "digits:test_set", "resize=32", "cpu")
OPENING = "open and decode"
EXACT = ("clean", "blur", "low_light")  # the two sides draw their noise differently
Run = tuple[dict[str, float], dict[str, tuple[int, ...]]]  # seconds by step; by condition the counts of the four cells


class Pictures(ImageSet):
    """`count` images spread evenly over a data set, or all of it; each read opens and decodes anew."""

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
    """Measure both sides, print the table, and answer 1 if they count differently."""
    options = parse_options()
    sys.path.insert(0, str(DIGITS))
    typed = {name: getattr(options, name) for name in OPTIONS}
    try:
        config = resolve(command_line=typed, ini={}, environ={}, invocation_dir=Path.cwd(), ini_dir=Path.cwd())
        model, source = open_model(config, choose_device(config.device)), open_images(config)
        rounds = [Pictures(source, 20)] + [Pictures(source, options.images)] * options.repeats
        pairs = [(run_loop(config, model, pictures), run_plugin(config, model, pictures)) for pictures in rounds]
    except FailAwareError as error:
        sys.exit(str(error))
    print(
        f"{len(rounds[-1])} images, {model.facts.architecture}, {model.device.type}, {os.cpu_count()} cores, ", end=""
    )
    print(f"{torch.get_num_threads()} threads, torch {torch.__version__}")
    print_table([(loop[0], plugin[0]) for loop, plugin in pairs[1:]])  # the first pair warmed both sides up
    return report_differences(*pairs[-1])


def parse_options() -> argparse.Namespace:
    """What to measure; the defaults are the digits example."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    for name, default in zip(OPTIONS, DEFAULTS, strict=True):
        parser.add_argument(f"--{name}", default=default, help=f"as --failaware-{name}; default: {default}")
    parser.add_argument("--images", type=int, metavar="N", help="take N, spread evenly over the data set; default: all")
    parser.add_argument("--repeats", type=int, default=3, metavar="N", help="of both sides, interleaved; default: 3")
    return parser.parse_args()


def run_loop(config: RunConfig, model: LoadedModel, pictures: Pictures) -> Run:
    """One image at a time, as in a notebook."""
    if config.preprocess is None:
        raise FailAwareError("--preprocess is empty; give it as --failaware-preprocess")
    pipeline, random = build_pipeline(config.preprocess), np.random.default_rng(0)
    seconds, cells = {}, {}
    for condition in FOUNDING:
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
    """The founding degradations, by Pillow and numpy."""
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
    """What `evaluate` does, with the time of each step."""
    start = time.perf_counter()
    bench = open_bench(config, model, pictures)
    seconds, cells = {OPENING: time.perf_counter() - start}, {}
    for condition in config.gate.conditions:
        start = time.perf_counter()
        records = bench.measure(condition, config.gate.seed).records
        outcome = Evaluation(condition=condition, records=records, rule=config.gate.rule)
        cells[condition.key] = astuple(outcome.stats.cells)
        seconds[condition.key] = time.perf_counter() - start
    bench.store.close()
    return seconds, cells


def print_table(pairs: list[tuple[dict[str, float], dict[str, float]]]) -> None:
    """Median seconds of each step, and the median ratio of the totals."""
    print(f"\n{'seconds':<16}{'loop':>10}{'plugin':>10}\n{OPENING:<16}{'each time':>10}", end="")
    print(f"{median(plugin[OPENING] for _, plugin in pairs):>10.3f}")
    for step in FOUNDING:
        print(f"{step:<16}{median(p[0][step] for p in pairs):>10.3f}{median(p[1][step] for p in pairs):>10.3f}")
    totals = [(sum(loop.values()), sum(plugin.values())) for loop, plugin in pairs]
    print(f"{'total':<16}{median(t[0] for t in totals):>10.3f}{median(t[1] for t in totals):>10.3f}")
    ratios = [loop / plugin for loop, plugin in totals]
    print(f"\nratio: {median(ratios):.1f}, median of {len(ratios)} from {min(ratios):.1f} to {max(ratios):.1f}")


def report_differences(loop: Run, plugin: Run) -> int:
    """0 if both sides count the same, else 1, with an error for each condition that differs."""
    differing = [condition for condition in EXACT if loop[1][condition] != plugin[1][condition]]
    for condition in differing:
        print(f"error: {condition}: loop {loop[1][condition]}, plugin {plugin[1][condition]}", file=sys.stderr)
    return int(bool(differing))


if __name__ == "__main__":
    sys.exit(main())
