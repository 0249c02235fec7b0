"""The time that loading the plugin adds to a run without marked tests: pytest with and without it, in turn.

Both collect one trivial test in an empty folder, with all other plugins off. Each run is a new process; its
processor time is measured beside the time on the clock, since other work on the machine disturbs it less.

    python benchmarks/plugin_load.py --repeats=20
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Final, NamedTuple

import pytest

PLAIN: Final = (sys.executable, "-m", "pytest", "--co", "-q", "-p", "no:cacheprovider")
WITH_PLUGIN: Final = (*PLAIN, "-p", "pytest_failaware.plugin")
COUNT: Final = (
    "import sys, pytest; pytest.main(sys.argv[1:]);"
    "print(sum(name.partition('.')[0] == 'pytest_failaware' for name in sys.modules))"
)


class Seconds(NamedTuple):
    """The time of one run: on the clock, and of the processor."""

    clock: float
    processor: float


def main() -> None:
    """Measure both sides in turn and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--repeats", type=int, default=20, metavar="N", help="of both sides, in turn; default: 20")
    repeats = parser.parse_args().repeats
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "test_trivial.py").write_text("def test_trivial(): pass\n", encoding="utf-8")
        pairs = [(run(PLAIN, folder), run(WITH_PLUGIN, folder)) for _ in range(repeats + 1)][1:]  # without warm-up
        modules = count_modules(folder)
    print(
        f"{platform.system()}, {os.cpu_count()} cores, Python {platform.python_version()}, pytest {pytest.__version__}"
    )
    print("\n".join(table(pairs)))
    print(f"{modules} modules of pytest_failaware are imported")


def alone(folder: Path) -> dict[str, str]:
    """Return the environment of a run: no other plugin is loaded, and compiled files are kept between runs."""
    known = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**known, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONPYCACHEPREFIX": str(folder / "compiled")}


def run(command: tuple[str, ...], folder: Path) -> Seconds:
    """Run a command as a new process and wait for it."""
    began = time.perf_counter()
    process = subprocess.Popen(command, cwd=folder, env=alone(folder), stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = Seconds(time.perf_counter() - began, usage.ru_utime + usage.ru_stime)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{' '.join(command)} ended with exit code {process.returncode}")
    return seconds


def count_modules(folder: Path) -> int:
    """Return how many of our modules a run with the plugin imports."""
    command = (sys.executable, "-c", COUNT, *WITH_PLUGIN[3:])
    done = subprocess.run(command, cwd=folder, env=alone(folder), capture_output=True, text=True, check=True)
    return int(done.stdout.split()[-1])


def table(pairs: list[tuple[Seconds, Seconds]]) -> Iterator[str]:
    """Yield the medians of both sides in milliseconds, the median of the paired differences, and the ratio."""
    yield f"| ms (median of {len(pairs)} pairs) | pytest | with the plugin | difference | ratio |"
    yield "|---|---|---|---|---|"
    for kind, label in enumerate(("on the clock", "of the processor")):
        plain, loaded = ([1000 * pair[side][kind] for pair in pairs] for side in (0, 1))
        difference = median(after - before for before, after in zip(plain, loaded, strict=True))
        ratio = median(loaded) / median(plain)
        yield f"| {label} | {median(plain):.0f} | {median(loaded):.0f} | {difference:.1f} | {ratio:.2f} |"


if __name__ == "__main__":
    main()
