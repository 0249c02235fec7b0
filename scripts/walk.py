"""Count how often the walk of an image from the disk to a verdict changes rooms, and print the walk.

    python scripts/walk.py             # the installed package
    PYTHONPATH=OTHER python scripts/walk.py --ground schema,errors,text

The run is small and fails: PNGs in folders, a checkpoint, a stored baseline, two conditions, so two test items. A
profile notes each function of the package that is entered while an item runs. A room is a folder of the package, or a
file at its root. Loops and repeated calls count once: a function (or a file) is in the walk only when it is first
entered. Every room calls the ground floor, so the second way of counting leaves it out.
"""

from __future__ import annotations

import argparse
import itertools
import os
import subprocess
import sys
import tempfile
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from types import FrameType
from typing import Final, NamedTuple

import numpy as np
import pytest
import torch
from PIL import Image

import pytest_failaware

PACKAGE: Final = Path(pytest_failaware.__file__).parent
MODEL: Final = """
import torch

class Net(torch.nn.Module):
    def __init__(self, num_classes=3):
        super().__init__()
        self.linear = torch.nn.Linear(3 * 8 * 8, num_classes)

    def forward(self, images):
        return self.linear(images.flatten(1))

def network(num_classes=3):
    return Net(num_classes)
"""
INI: Final = """[pytest]
pythonpath = .
failaware_arch = net:network
failaware_dataset = folder:data
failaware_preprocess = none
failaware_baseline = net
failaware_conditions = clean low_light
"""
TEST: Final = """import pytest

@pytest.mark.reliability
def test_net(): pass
"""
QUIET: Final = ("-q", "-p", "no:randomly", "-p", "no:cacheprovider")


class Step(NamedTuple):
    """A function that was entered."""

    file: str  # below the package
    function: str

    @property
    def room(self) -> str:
        """Return the folder, or the file at the root, that has the function."""
        return self.file.split("/")[0].removesuffix(".py")


class Profile:
    """A plugin of pytest that keeps the functions of the package which each item enters, in their order."""

    def __init__(self) -> None:
        self.items: list[list[Step]] = []
        self.prefix = f"{PACKAGE}{os.sep}"

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self) -> Iterator[None]:
        """Profile one item."""
        self.items.append([])
        sys.setprofile(self._enter)
        try:
            return (yield)
        finally:
            sys.setprofile(None)

    def _enter(self, frame: FrameType, event: str, _: object) -> None:
        code = frame.f_code
        if event == "call" and code.co_name != "<module>" and code.co_filename.startswith(self.prefix):
            file = code.co_filename.removeprefix(self.prefix).replace(os.sep, "/")
            self.items[-1].append(Step(file, code.co_qualname))


def make_project(folder: Path) -> None:
    """Write the data, a model, a worse one and a test."""
    random = np.random.default_rng(0)
    weights = torch.zeros(3, 3, 8, 8)
    for label, name in enumerate("abc"):
        place = folder / "data" / name
        place.mkdir(parents=True)
        weights[label, :, 2 * label : 2 * label + 2] = 0.5
        for number in range(40):
            image = random.integers(0, 60, (8, 8, 3), dtype=np.uint8)
            band = label if number % 5 else (label + 1) % 3
            image[2 * band : 2 * band + 2] += np.uint8(150 if number % 3 else 30)
            Image.fromarray(image).save(place / f"{number:02}.png")
    _save(weights, folder / "good.pth")
    weights[2] = 0
    _save(weights, folder / "worse.pth")
    for name, text in (("net.py", MODEL), ("pytest.ini", INI), ("test_net.py", TEST)):
        (folder / name).write_text(text, encoding="utf-8")


def _save(weights: torch.Tensor, path: Path) -> None:
    torch.save({"linear.weight": weights.flatten(1).clone(), "linear.bias": torch.zeros(3)}, path)


def profiled_items() -> list[list[Step]]:
    """Record a baseline in another process, then run the worse model under the profile."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve()
        make_project(folder)
        recording = ["--failaware-model=good.pth", "--failaware-update-baselines"]
        command = [sys.executable, "-m", "pytest", *QUIET, *recording]
        subprocess.run(command, cwd=folder, check=True, capture_output=True)
        before = Path.cwd()
        os.chdir(folder)
        try:
            profile = Profile()
            code = pytest.main(
                [*QUIET, "--no-header", "--no-summary", "--failaware-model=worse.pth"], plugins=[profile]
            )
        finally:
            os.chdir(before)
    if code != pytest.ExitCode.TESTS_FAILED:
        raise SystemExit(f"the run ended with exit code {code}, expected 1")
    return profile.items


def rooms(steps: Sequence[Step], *, by_file: bool, ground: Collection[str] = ()) -> list[str]:
    """Return the rooms in the order in which functions or files are first entered; a stay in one room counts once."""
    first = {(step.file if by_file else step): step.room for step in reversed(steps)}
    order = dict.fromkeys(step.file if by_file else step for step in steps)
    return [room for room, _ in itertools.groupby(first[key] for key in order if first[key] not in ground)]


def main(arguments: Sequence[str]) -> None:
    """Print the counts and the walks of the first and of a later item."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ground", default="core", help="rooms of the ground floor, with commas between them")
    ground = parser.parse_args(arguments).ground.split(",")
    first, *_, later = profiled_items()
    print(f"\n{'changes of room':32}{'first item':>12}{'later item':>12}")
    for by_file, left_out in itertools.product((False, True), ((), ground)):
        counts = [len(rooms(steps, by_file=by_file, ground=left_out)) - 1 for steps in (first, later)]
        name = f"by {'file' if by_file else 'function'}, {'without' if left_out else 'with'} the ground"
        print(f"{name:32}{counts[0]:>12}{counts[1]:>12}")
    print(f"{'files':32}{len({step.file for step in first}):>12}{len({step.file for step in later}):>12}")
    for name, steps in (("first", first), ("later", later)):
        print(f"\n{name} item, by file, without the ground:\n{' > '.join(rooms(steps, by_file=True, ground=ground))}")


if __name__ == "__main__":
    main(sys.argv[1:])
