"""The speed of the plugin compared with the bare forward pass: four conditions, with decoding and statistics.

The bare loop runs the eager model on normalised, contiguous float32 tensors that are in memory already, in inference
mode, at the batch size that is best for it, and reads no answer. With --loop, a loop like that of a notebook runs
over single images, too. All are measured in turn in one process, as images per second, summed over the conditions.

    python benchmarks/engine.py --pixels=224 --images=200
    python benchmarks/engine.py --model=resnet18.pth --arch=resnet18 --dataset=folder:data --preprocess=none --loop=500
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import numpy as np
import torch
import torchvision
from image_by_image import Pictures, run_loop, run_plugin
from PIL import Image

from pytest_failaware import FailAwareError
from pytest_failaware.config.option_texts import Surroundings
from pytest_failaware.config.resolve import resolve
from pytest_failaware.core.preprocessing import Preprocessing
from pytest_failaware.core.request import RunConfig
from pytest_failaware.measure.engine.settings import computing
from pytest_failaware.measure.inputs.preprocess import build_pipeline
from pytest_failaware.measure.models.loading import LoadedModel, choose_device
from pytest_failaware.measure.opening import open_images, open_model

SIZES = (4, 8, 16, 32, 64, 128, 256, 512, 1024)  # batch sizes that the bare loop may choose from
TRIAL = 1024  # images at most, to choose by
CLASSES = 10
TORCH = f"torch {torch.__version__}"


def resnet18() -> torch.nn.Module:
    """Return torchvision's resnet18 with random weights, which take as long as trained ones."""
    torch.manual_seed(0)
    return torchvision.models.resnet18(num_classes=CLASSES)


def main() -> None:
    """Choose the batch size of the bare loop, measure all sides in turn, and print the table."""
    options = parse_options()
    try:
        with data_set(options) as dataset:
            measure(options, configuration(options, dataset))
    except FailAwareError as error:
        sys.exit(str(error))


def parse_options() -> argparse.Namespace:
    """Return what to measure; the defaults need no file."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--model", default="engine:resnet18", help="as --failaware-model; default: a random resnet18")
    parser.add_argument("--arch", help="as --failaware-arch")
    parser.add_argument("--dataset", help="as --failaware-dataset; default: smooth random JPEG images")
    parser.add_argument("--preprocess", default="none", help="as --failaware-preprocess; default: none")
    parser.add_argument("--device", default="cpu", help="as --failaware-device; default: cpu")
    parser.add_argument("--precision", default="ieee", help="as --failaware-precision, of both sides; default: ieee")
    parser.add_argument(
        "--batch-size", help="of the plugin, as --failaware-batch-size; default: the plugin's own choice"
    )
    parser.add_argument("--pixels", type=int, default=32, help="edge of the random images; default: 32")
    parser.add_argument("--images", type=int, default=1000, metavar="N", help="at most; default: 1000")
    parser.add_argument("--loop", type=int, default=0, metavar="N", help="also loop over N single images; default: 0")
    parser.add_argument("--repeats", type=int, default=5, metavar="N", help="of all sides, in turn; default: 5")
    return parser.parse_args()


@contextmanager
def data_set(options: argparse.Namespace) -> Iterator[str]:
    """Yield the text of --dataset, or of random images that are deleted afterwards."""
    if options.dataset:
        yield options.dataset
        return
    with tempfile.TemporaryDirectory() as folder:
        write_images(Path(folder), options.images, options.pixels)
        yield f"folder:{folder}"


def write_images(folder: Path, count: int, pixels: int) -> None:
    """Write smooth random JPEG images, spread over the classes."""
    random = np.random.default_rng(0)
    for index in range(count):
        coarse = random.integers(0, 256, (8, 8, 3), dtype=np.uint8)
        path = folder / str(index % CLASSES) / f"{index}.jpg"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(coarse).resize((pixels, pixels), Image.Resampling.BICUBIC).save(path, quality=90)


def configuration(options: argparse.Namespace, dataset: str) -> RunConfig:
    """Return the plugin's settings for these options."""
    names = ("model", "arch", "preprocess", "device", "precision", "batch_size")
    typed = {name.replace("_", "-"): getattr(options, name) for name in names}
    around = Surroundings(environ={}, invocation_dir=Path.cwd(), ini_dir=Path.cwd())
    return resolve(command_line={**typed, "dataset": dataset}, ini={}, around=around)


def measure(options: argparse.Namespace, config: RunConfig) -> None:
    """Measure all sides in turn and print the table."""
    model, source = open_model(config, choose_device(config.device)), open_images(config)
    pictures, few = Pictures(source, options.images), Pictures(source, options.loop or 1)
    inputs = normalised(config, model, pictures)
    sizes = [size for size in SIZES if size <= len(inputs)]
    best = max(sizes, key=lambda size: bare_rate(config, model, inputs[:TRIAL], size))
    print(
        f"{len(pictures)} images of {tuple(inputs.shape[1:])}, {model.facts.architecture} on {model.device.type}, ",
        end="",
    )
    print(f"{config.precision.dtype}, {os.cpu_count()} cores, {torch.get_num_threads()} threads, {TORCH}")
    run_plugin(config, model, Pictures(source, 20))  # warms up
    rates = []
    for _ in range(options.repeats):
        row = {"bare": bare_rate(config, model, inputs, best), "plugin": four_rate(run_plugin, config, model, pictures)}
        rates.append(row | ({"loop": four_rate(run_loop, config, model, few)} if options.loop else {}))
    print_table(rates, best)


def normalised(config: RunConfig, model: LoadedModel, pictures: Pictures) -> torch.Tensor:
    """Return all images as inputs of the model, float32 (N, C, H, W), on its device."""
    pipeline = build_pipeline(config.preprocess or Preprocessing())
    pixels = [np.asarray(pipeline.geometry(pictures.read(index).image)) for index in range(len(pictures))]
    images = torch.from_numpy(np.stack(pixels)).view(len(pixels), *pixels[0].shape[:2], -1)
    return pipeline.normalise(images.permute(0, 3, 1, 2).contiguous()).to(model.device)


def bare_rate(config: RunConfig, model: LoadedModel, inputs: torch.Tensor, size: int) -> float:
    """Return the images per second of only the eager forward pass; the first batch warms it up."""
    with torch.inference_mode(), computing(config.precision, model.device):
        finish(model, model.module(inputs[:size]))
        start = time.perf_counter()
        for first in range(0, len(inputs), size):
            answer = model.module(inputs[first : first + size])
        finish(model, answer)
    return len(inputs) / (time.perf_counter() - start)


def finish(model: LoadedModel, answer: torch.Tensor) -> None:
    """Wait for the device."""
    if model.device.type == "cuda":
        answer.sum().item()


def four_rate(run: object, config: RunConfig, model: LoadedModel, pictures: Pictures) -> float:
    """Return the images per second over the four conditions, with opening and decoding."""
    assert callable(run)
    start = time.perf_counter()
    run(config, model, pictures)
    return 4 * len(pictures) / (time.perf_counter() - start)


def print_table(rates: list[dict[str, float]], best: int) -> None:
    """Print the median images per second of each side, and the plugin's ratio to the others."""
    notes = {"bare": f"batches of {best}", "plugin": "four conditions", "loop": "four conditions, one image at a time"}
    print(f"\n{'images per second':<20}{'median':>10}{'slowest':>10}{'fastest':>10}")
    for side in rates[0]:
        found = [row[side] for row in rates]
        print(f"{side:<20}{median(found):>10.0f}{min(found):>10.0f}{max(found):>10.0f}  {notes[side]}")
    for side in rates[0].keys() - {"plugin"}:
        ratios = [row["plugin"] / row[side] for row in rates]
        print(
            f"plugin / {side}: {median(ratios):.2f}, "
            f"median of {len(ratios)} from {min(ratios):.2f} to {max(ratios):.2f}"
        )


if __name__ == "__main__":
    main()
