"""Kill, interrupt, fail and overlap updates of baselines; print a table, with exit code 1 if a baseline is damaged.

    python scripts/interrupted_updates.py           # all of it, some minutes; POSIX only
    python scripts/interrupted_updates.py --quick   # every fifth call, and ten random times

A baseline is sound if it is completely the old one or completely the new one: the YAML can be read, and each file that
it names exists and has the named hash. After the next update no other file may be left.
"""

from __future__ import annotations

import argparse
import dataclasses
import errno
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from five import RULE, measurement_of

from pytest_failaware.baselines.file import read_baseline
from pytest_failaware.baselines.reference import read_reference
from pytest_failaware.baselines.sample_files import missing_files, named_files
from pytest_failaware.baselines.samples import read_golden, read_golden_seeds, read_records, read_seeds
from pytest_failaware.baselines.seed_plan import SeedChange
from pytest_failaware.baselines.text import baseline_text
from pytest_failaware.baselines.update import change_seeds, update_baseline
from pytest_failaware.core.baseline import Baseline
from pytest_failaware.core.errors import FailAwareError

NAME: Final = "small"
KEYS: Final = ("clean", "blur", "low_light")
WRITERS: Final = 8
UPDATES: Final = 12  # of each writer
CALLS: Final = ("open", "mkdir", "write", "fsync", "chmod", "rename", "replace", "unlink")

Act = Callable[[], None]


@dataclass(kw_only=True)
class Row:
    """The results of one way to end updates."""

    way: str
    tries: int = 0
    old: int = 0
    new: int = 0
    faults: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return f"{self.way:58} {self.tries:5} {self.old:5} {self.new:5} {len(self.faults):7}"


# ---- what is done --------------------------------------------------------------------------------------------------


def update(folder: Path, letters: str, *keys: str, reason: str = "") -> None:
    """Update a baseline with these letters as the outcomes of the conditions."""
    measured = [(measurement_of(letters, key), RULE) for key in keys]
    refused = update_baseline(folder, NAME, measured, reason=reason).refused
    assert not refused, refused


def prepare_nothing(folder: Path) -> None:
    """Start without a baseline."""
    folder.mkdir()


def prepare_whole(folder: Path) -> None:
    """Write a baseline of three conditions that was updated once, so that each has a golden reference."""
    update(folder, "RRRrw", *KEYS)
    update(folder, "RRRRw", *KEYS)


def prepare_recipe(folder: Path) -> None:
    """Write a baseline of three conditions with four seeds, which was updated once before."""
    update(folder, "WRRrw", *KEYS)
    update(folder, "RRRrw", *KEYS)
    for number, letters in enumerate(("RRRRw", "RRRrr", "RRrrw"), start=2):
        change_seed(folder, letters, f"m{number}")


def change_seed(folder: Path, letters: str = "", model: str = "", number: int | None = None) -> None:
    """Add or replace a seed with these letters as its outcomes, or drop one if there are no letters."""
    measured = [(measurement_of(letters, key, model=model), RULE) for key in KEYS] if letters else []
    refused = change_seeds(folder, NAME, SeedChange(measured=measured, number=number)).refused
    assert not refused, refused


def add_seed(folder: Path) -> None:
    """Add a seed."""
    change_seed(folder, "RRWWw", "new")


def replace_seed(folder: Path) -> None:
    """Replace the second seed."""
    change_seed(folder, "RRWWw", "new", 2)


def drop_seed(folder: Path) -> None:
    """Drop the first seed, so that the second takes its place."""
    change_seed(folder, number=1)


def replace_all(folder: Path) -> None:
    """Replace all values by those of one model."""
    update(folder, "RWWWw", *KEYS, reason="replaced")


def prepare_former(folder: Path) -> None:
    """Write the same baseline in schema 1, whose sample files have no hash in their names."""
    prepare_whole(folder)
    now = stored(folder)
    assert now is not None
    then = dataclasses.replace(now, samples_sha256="")
    for path in named_files(folder, now):
        stem, _, digest = path.stem.rpartition("-")
        golden = [one for one in now.entries.values() if one.golden and digest in one.golden.records_sha256]
        path.rename(path.with_name(f"{stem}.golden.npz" if golden else f"{stem}.npz"))
    (folder / f"{NAME}.yaml").write_text(baseline_text(then))
    assert not missing_files(folder, then)


# ---- what is left --------------------------------------------------------------------------------------------------


def stored(folder: Path) -> Baseline | None:
    """Read the baseline with all its files.

    Raises:
        FailAwareError: the baseline is not sound.
    """
    baseline = read_baseline(folder, NAME)
    if baseline is None:
        return None
    for entry in baseline.entries.values():
        if read_records(folder, baseline, entry) is None:
            raise FailAwareError(f"no records of {entry.condition.key}")
        if read_seeds(folder, baseline, entry) is None:
            raise FailAwareError(f"no records of a seed of {entry.condition.key}")
        read_golden(folder, baseline, entry)
        read_golden_seeds(folder, baseline, entry)
    return baseline


def strays(folder: Path) -> list[str]:
    """Return the files that the baseline does not name."""
    baseline = stored(folder)
    named = {folder / f"{NAME}.yaml"} | (named_files(folder, baseline) if baseline else set())
    return [str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file() and path not in named]


def examine(row: Row, folder: Path, old: Baseline | None, new: Baseline | None, place: str) -> None:
    """Record what an ended update left, now and after the next update."""
    row.tries += 1
    try:
        found = stored(folder)
        if found not in (old, new):
            row.faults.append(f"{place}: neither old nor new")
        row.old += found == old
        row.new += found == new
        update(folder, "WWWWW", *KEYS, reason="the next update")
        if left := strays(folder):
            row.faults.append(f"{place}: left {left}")
    except (FailAwareError, OSError, AssertionError) as error:
        row.faults.append(f"{place}: {error}")


# ---- ways to end an update -----------------------------------------------------------------------------------------


class Calls:
    """A counter of the calls that write; it acts after or instead of the calls with given numbers."""

    def __init__(self, acts: dict[int, Act], *, instead: bool = False) -> None:
        self.count, self.acts, self.instead = 0, acts, instead

    def install(self) -> None:
        """Replace every function of `os` with which an update writes; this is never undone, so use a child process."""
        for name in CALLS:
            setattr(os, name, self._counting(getattr(os, name)))
        real = os.fdopen
        os.fdopen = lambda descriptor, mode: _Halves(real(descriptor, mode, 0))  # type: ignore[assignment]  # as much as an update needs

    def _counting(self, real: Callable[..., Any]) -> Callable[..., Any]:  # Any: the function takes any type
        def counting(*args: Any, **named: Any) -> Any:
            self.count += 1
            act = self.acts.get(self.count)
            if act is not None and self.instead:
                act()
            result = real(*args, **named)
            if act is not None and not self.instead:
                act()
            return result

        return counting


class _Halves:
    """A file that writes in two halves, so that an update can end between the halves."""

    def __init__(self, file: Any) -> None:  # Any: a raw file
        self._file = file

    def __enter__(self) -> _Halves:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def write(self, content: bytes) -> None:
        """Write both halves."""
        for half in (content[: len(content) // 2], content[len(content) // 2 :]):
            os.write(self._file.fileno(), half)

    def flush(self) -> None:
        """Do nothing, because nothing is buffered."""

    def fileno(self) -> int:
        """Return the descriptor."""
        return int(self._file.fileno())


def kill() -> None:
    """End this process as `kill -9` does."""
    os.kill(os.getpid(), signal.SIGKILL)


def interrupt() -> None:
    """Act as Ctrl-C does."""
    raise KeyboardInterrupt


def failing(number: int) -> Act:
    """Return an act that raises an error of the system."""

    def fail() -> None:
        raise OSError(number, os.strerror(number))

    return fail


def in_child(work: Callable[[], None]) -> int:
    """Do some work in a child process, and return the id of that process."""
    child = os.fork()
    if child == 0:
        try:
            work()
        except BaseException:  # this process must end here, and not go on as its parent would
            os._exit(1)
        os._exit(0)
    return child


def calls_of(start: Path, act: Callable[[Path], None] = replace_all) -> int:
    """Return how many calls an update of this folder makes."""
    with tempfile.TemporaryDirectory() as place:
        folder, counted = Path(place) / "baselines", Path(place) / "count"
        shutil.copytree(start, folder)

        def work() -> None:
            calls = Calls({})
            calls.install()
            act(folder)
            counted.write_text(str(calls.count))

        os.waitpid(in_child(work), 0)
        return int(counted.read_text())


def tried(
    start: Path, end: Callable[[Path], None], row: Row, place: str, act: Callable[[Path], None] = replace_all
) -> None:
    """End an update of a copy of the folder, and look at what is left."""
    with tempfile.TemporaryDirectory() as folder:
        ended, whole = Path(folder) / "ended", Path(folder) / "whole"
        shutil.copytree(start, ended)
        shutil.copytree(start, whole)
        old = stored(ended)
        act(whole)
        end(ended)
        examine(row, ended, old, stored(whole), place)


def ended_by(
    acts: dict[int, Act], *, instead: bool = False, act: Callable[[Path], None] = replace_all
) -> Callable[[Path], None]:
    """Run an update in a child process with these acts at these calls."""

    def end(folder: Path) -> None:
        def work() -> None:
            Calls(acts, instead=instead).install()
            act(folder)

        os.waitpid(in_child(work), 0)

    return end


def killed_after(seconds: float) -> Callable[[Path], None]:
    """Run an update in a child process, and kill that process from outside."""

    def end(folder: Path) -> None:
        child = in_child(lambda: replace_all(folder))
        time.sleep(seconds)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)

    return end


# ---- the table -----------------------------------------------------------------------------------------------------


CASES: Final = (
    (prepare_nothing, replace_all),
    (prepare_whole, replace_all),
    (prepare_former, replace_all),
    (prepare_recipe, replace_all),
    (prepare_recipe, add_seed),
    (prepare_recipe, replace_seed),
    (prepare_recipe, drop_seed),
)
"""The kinds of folder, and what is done there."""


def at_each_call(*, step: int = 1) -> Iterator[Row]:
    """End an update at each of its calls in every way, from every kind of folder."""
    for prepare, act in CASES:
        with tempfile.TemporaryDirectory() as place:
            start = Path(place) / "baselines"
            prepare(start)
            total, of = calls_of(start, act), f"{prepare.__name__.removeprefix('prepare_')}, {act.__name__}"
            for way, end in ways_of(act).items():
                row = Row(way=f"{way} each of {total} calls ({of})")
                for number in range(1, total + 1, step):
                    tried(start, end(number), row, f"call {number}", act)
                yield row


def ways_of(act: Callable[[Path], None]) -> dict[str, Callable[[int], Callable[[Path], None]]]:
    """Return the ways to end an act at the call of a number."""
    return {
        "kill -9 after": lambda n: ended_by({n: kill}, act=act),
        "EIO in": lambda n: ended_by({n: failing(errno.EIO)}, instead=True, act=act),
        "ENOSPC in": lambda n: ended_by({n: failing(errno.ENOSPC)}, instead=True, act=act),
        "Ctrl-C after": lambda n: ended_by({n: interrupt}, act=act),
        "Ctrl-C twice after": lambda n: ended_by({n: interrupt, n + 1: interrupt}, act=act),
        "Ctrl-C twice, the second 3 calls later, after": lambda n: ended_by({n: interrupt, n + 3: interrupt}, act=act),
    }


def at_random_times(tries: int, *, seed: int = 0) -> Row:
    """Kill updates with `kill -9` from outside, at times up to twice the length of an update."""
    row, draw = Row(way=f"kill -9 at {tries} random times"), random.Random(seed)
    with tempfile.TemporaryDirectory() as place:
        start = Path(place) / "baselines"
        prepare_whole(start)
        shutil.copytree(start, Path(place) / "timed")
        began = time.monotonic()
        replace_all(Path(place) / "timed")
        took = time.monotonic() - began
        for _ in range(tries):
            seconds = draw.uniform(0, 1.5 * took)
            tried(start, killed_after(seconds), row, f"after {seconds:.3f} s")
    return row


def writers_at_once(writers: int = WRITERS, updates: int = UPDATES) -> Row:
    """Update one baseline from several processes, each with its own folder for temporary files."""
    row = Row(way=f"{writers} processes at once, each with its own TMPDIR")
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "baselines"

        def work(number: int) -> None:
            tempfile.tempdir = str(Path(place) / f"tmp{number}")
            os.environ["TMPDIR"] = tempfile.tempdir
            Path(tempfile.tempdir).mkdir()
            for round_ in range(updates):
                letters = "R" * (1 + round_ % 2) + "W" * (4 - round_ % 2)
                update(folder, letters, f"blur(radius={number + 1})", reason=f"round {round_}")

        children = [in_child(lambda number=number: work(number)) for number in range(writers)]  # type: ignore[misc]  # bound now
        failed = [os.waitpid(child, 0)[1] for child in children]
        baseline = stored(folder)
        row.tries = writers * updates
        row.new = sum(len(entry.history) for entry in baseline.entries.values()) if baseline else 0
        if row.new != row.tries or any(failed):
            row.faults.append(f"{row.tries - row.new} updates lost, {sum(map(bool, failed))} processes failed")
        if left := strays(folder):
            row.faults.append(f"left {left}")
    return row


def seeds_at_once(writers: int = WRITERS, seeds: int = 3) -> Row:
    """Add seeds to one baseline from several processes at the same time."""
    row = Row(way=f"{writers} processes that add {seeds} seeds each")
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "baselines"
        update(folder, "RRRrw", *KEYS)

        def work(number: int) -> None:
            for round_ in range(seeds):
                place = number * seeds + round_
                letters = "".join("RWrw"[place // 4**digit % 4] for digit in range(5))
                change_seed(folder, letters, f"m{number}-{round_}")

        children = [in_child(lambda number=number: work(number)) for number in range(writers)]  # type: ignore[misc]  # bound now
        failed = [os.waitpid(child, 0)[1] for child in children]
        baseline = stored(folder)
        row.tries = writers * seeds
        row.new = baseline.seed_count - 1 if baseline else 0
        if row.new != row.tries or any(failed):
            row.faults.append(f"{row.tries - row.new} seeds lost, {sum(map(bool, failed))} processes failed")
        if left := strays(folder):
            row.faults.append(f"left {left}")
    return row


def reader_beside_a_writer(seconds: float) -> Row:
    """Read a baseline while another process updates it all the time."""
    row = Row(way=f"reads beside a process that writes for {seconds:.0f} s")
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "baselines"
        prepare_whole(folder)

        def work() -> None:
            number = 0
            while True:
                number += 1
                update(folder, "R" * (number % 5) + "W" * (5 - number % 5), *KEYS)

        child = in_child(work)
        end = time.monotonic() + seconds
        known = read_baseline(folder, NAME)  # read once, as a run does
        try:
            while time.monotonic() < end:
                row.tries += 1
                try:
                    if read_reference(folder, NAME, "blur", baseline=known).records is None:
                        row.faults.append("no records")
                    else:
                        row.new += 1
                except FailAwareError as error:
                    row.faults.append(str(error))
        finally:  # another error must not leave the writer running
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
    return row


def main() -> int:
    """Print the table, and return the exit code."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--quick", action="store_true", help="only a part of the calls and times")
    quick = options.parse_args().quick
    print(f"{'way':58} {'tries':>5} {'old':>5} {'new':>5} {'faults':>7}", flush=True)
    faults: list[str] = []

    def rows() -> Iterator[Row]:
        yield writers_at_once()
        yield seeds_at_once()
        yield reader_beside_a_writer(2 if quick else 10)
        yield at_random_times(10 if quick else 200)
        yield from at_each_call(step=5 if quick else 1)

    for row in rows():
        print(row, flush=True)
        faults += [f"{row.way}: {fault}" for fault in row.faults]
    print("\n".join(faults[:20]))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
