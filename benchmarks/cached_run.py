"""The time of a run that finds everything in the cache, compared with plain pytest and with a run that measures.

    python benchmarks/cached_run.py --images=5000 --rounds=9

A project is made in a temporary folder: a ResNet-18 of torchvision with random weights whose batch norms fit the
images, and coloured noise of 32 px as PNG files, each labelled with the model's answer. The runs take turns, so
that a busy machine slows all of them equally; ratios and differences are medians over the rounds.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
import torchvision
from PIL import Image

CLASSES: Final = 10
SIDE: Final = 32
INI: Final = "[pytest]\nfailaware_dataset = folder:data\nfailaware_preprocess = none\n"
TEST: Final = "import pytest\n\n\n@pytest.mark.reliability\ndef test_model(): ...\n"
PLAIN: Final = "import pytest\n\n\n@pytest.mark.parametrize('number', range(4))\ndef test_plain(number): ...\n"
GATED: Final = ("test_gate.py", "--failaware-model=model.pth", "--failaware-arch=resnet18")
RUNS: Final = {
    "plain pytest": ("-p", "no:failaware", "test_plain.py"),
    "pytest with the plugin, no marked test": ("test_plain.py",),
    "cached": GATED,
    "measured": (*GATED, "--failaware-no-cache"),
}


def main() -> None:
    """Make the project, run all kinds of runs in turn, and print medians."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=5000)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--measured-rounds", type=int, default=1, help="rounds that also measure, which is slow")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder)
        make_project(project, options.images)
        first = seconds(project, *GATED, "--failaware-update-baselines", "--failaware-reason=benchmark")
        print(f"the first run, which measures, keeps and records everything: {first:.2f} s", flush=True)
        seconds(project, *GATED)  # writes the compiled files
        times: dict[str, list[float]] = {name: [] for name in RUNS}
        for number in range(options.rounds):
            for name, arguments in RUNS.items():
                if name != "measured" or number < options.measured_rounds:
                    times[name].append(seconds(project, *arguments))
        report(times)
        print(leaving(project))


def make_project(project: Path, images: int, architecture: str = "resnet18") -> None:
    """Write the images, the checkpoint model.pth, the ini and the tests."""
    random = np.random.default_rng(0)
    colours = random.integers(0, 256, (images, 1, 1, 3))
    pixels = np.clip(colours + random.normal(0, 40, (images, SIDE, SIDE, 3)), 0, 255).astype(np.uint8)
    torch.manual_seed(0)
    model: Any = torchvision.models.get_model(architecture, num_classes=CLASSES)
    answers = fit(model, torch.from_numpy(pixels).permute(0, 3, 1, 2) / 255)
    torch.save(model.state_dict(), project / "model.pth")
    for number, (image, label) in enumerate(zip(pixels, answers, strict=True)):
        place = project / "data" / f"class{label}" / f"{number:05}.png"
        place.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(place)
    (project / "pytest.ini").write_text(INI)
    (project / "test_gate.py").write_text(TEST)
    (project / "test_plain.py").write_text(PLAIN)


def fit(model: Any, inputs: torch.Tensor) -> list[int]:  # Any: torchvision ships no types
    """Fit the batch norms and the last layer to the images; return the answers, among which is every class."""
    norms = [part for part in model.modules() if isinstance(part, torch.nn.BatchNorm2d)]
    with torch.inference_mode():
        for norm in norms:
            norm.momentum = None  # a plain average
        model.train()
        for _ in range(2):  # so that the later norms get the outputs of the fitted earlier ones
            for batch in inputs.split(250):
                model(batch)
        model.eval()
        logits = torch.cat([model(batch) for batch in inputs.split(250)])
        scale = 20 / logits.std(dim=0)
        model.fc.weight *= scale[:, None]
        model.fc.bias.copy_((model.fc.bias - logits.mean(dim=0)) * scale)
        return torch.cat([model(batch) for batch in inputs.split(250)]).argmax(dim=1).tolist()


def seconds(project: Path, *arguments: str) -> float:
    """Return how long one run of pytest takes, from its start to its end."""
    began = time.perf_counter()
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:randomly", *arguments]
    done = subprocess.run(command, cwd=project, env=os.environ, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stdout + done.stderr)
    return time.perf_counter() - began


def report(times: dict[str, list[float]]) -> None:
    """Print a row for each kind of run."""
    plain = times["plain pytest"]
    print("| run | n | median | more than plain pytest | ratio |\n|---|---|---|---|---|")
    for name, values in times.items():
        pairs = list(zip(values, plain, strict=False))
        more = statistics.median(value - base for value, base in pairs)
        ratio = statistics.median(value / base for value, base in pairs)
        print(f"| {name} | {len(values)} | {statistics.median(values):.2f} s | {more:.2f} s | {ratio:.1f} |")


LEAVE: Final = """
import atexit, sys, time
import pytest
code = pytest.main(["-q", "-p", "no:randomly", *sys.argv[1:]])
heavy = {"torch", "torchvision", "scipy.stats", "pandas"}
print("LEFT", time.time(), len(sys.modules), sorted(heavy & set(sys.modules)))
"""


def leaving(project: Path) -> str:
    """Return the time that a process takes to end after pytest has ended, with and without torch."""
    lines = []
    for name in ("cached", "measured"):
        command = [sys.executable, "-c", LEAVE, *RUNS[name]]
        done = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)
        ended = time.time()
        words = done.stdout.rpartition("LEFT ")[2].split(maxsplit=2)
        lines.append(
            f"leaving the process of a {name} run: {ended - float(words[0]):.2f} s, {words[1]} modules, of them "
            f"{words[2].strip()}"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
