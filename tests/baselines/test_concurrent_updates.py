"""Baselines that several people and processes change at once: branches merge, and no update is lost."""

from __future__ import annotations

import multiprocessing
import shutil
import subprocess
from collections.abc import Callable
from multiprocessing.synchronize import Barrier
from pathlib import Path

import pytest
from five import RULE, measurement_of

from pytest_failaware.baselines.file import read_baseline
from pytest_failaware.baselines.samples import read_records
from pytest_failaware.baselines.update import update_baseline
from pytest_failaware.core.errors import FailAwareError
from pytest_failaware.core.files import locked, replace_in_order

KEYS = ("clean", "blur", "low_light", "gaussian_noise")
ROUNDS = 8


def store(directory: Path, key: str, letters: str) -> None:
    outcome = update_baseline(directory, "small", [(measurement_of(letters, key), RULE)])
    assert not outcome.refused


def trusted_right(directory: Path) -> dict[str, int]:
    """Return the count of each entry, and check that its sample file belongs to it."""
    baseline = read_baseline(directory, "small")
    assert baseline is not None
    assert None not in [read_records(directory, baseline, entry) for entry in baseline.entries.values()]
    return {key: entry.cells.trusted_right for key, entry in baseline.entries.items()}


def update_in_rounds(directory: Path, key: str, barrier: Barrier) -> None:
    """Run one of four processes that update one condition each at the same time, in rounds."""
    for number in range(ROUNDS):
        barrier.wait(60)
        store(directory, key, "R" * (number % 5) + "W" * (5 - number % 5))
        barrier.wait(60)
        assert dict.fromkeys(KEYS, number % 5) == trusted_right(directory)


def test_four_processes_lose_no_update(tmp_path: Path) -> None:
    """Four processes update four conditions of a baseline at once; after each of 8 rounds all values are stored."""
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(len(KEYS))
    processes = [context.Process(target=update_in_rounds, args=(tmp_path, key, barrier)) for key in KEYS]
    for process in processes:
        process.start()
    for process in processes:
        process.join(120)

    assert [0] * len(KEYS) == [process.exitcode for process in processes]
    assert {"small.yaml", "small"} == {path.name for path in tmp_path.iterdir()}


@pytest.fixture
def git(tmp_path: Path) -> Callable[..., str]:
    """Run git in a separate repository."""
    if shutil.which("git") is None:
        pytest.skip("git is not installed")

    def run(*args: str) -> str:
        identity = ("-c", "user.name=test", "-c", "user.email=test@example.org", "-c", "commit.gpgsign=false")
        command = ["git", *identity, *args]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True).stdout

    run("init", "-q", "-b", "main")
    return run


def test_branches_that_update_different_conditions_merge(tmp_path: Path, git: Callable[..., str]) -> None:
    """Branches merge without a conflict, and the merged file has both new values with their sample files."""
    for key in KEYS:
        store(tmp_path, key, "RRRrw")
    git("add", ".")
    git("commit", "-qm", "base")
    for branch, key, letters in (("one", "clean", "RRWWw"), ("two", "gaussian_noise", "RWWWw")):
        git("checkout", "-q", "-b", branch, "main")
        store(tmp_path, key, letters)
        git("add", "small.yaml", "small")
        git("commit", "-qm", branch)
    git("merge", "-q", "-m", "both", "one")

    assert {"blur": 3, "clean": 2, "gaussian_noise": 1, "low_light": 3} == trusted_right(tmp_path)


def test_a_lock_that_is_never_released(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that waits too long for the lock gets an error with the folder."""
    monkeypatch.setattr("pytest_failaware.core.files._TIMEOUT", 0.05)
    context = multiprocessing.get_context("spawn")
    held, done = context.Event(), context.Event()
    holder = context.Process(target=hold, args=(tmp_path, held, done))
    holder.start()
    try:
        assert held.wait(60)
        with pytest.raises(FailAwareError, match=r": another process has been writing there for 0 s"):
            store(tmp_path, "clean", "RRRRR")
    finally:
        done.set()
        holder.join(60)

    assert [] == list(tmp_path.iterdir())


def hold(path: Path, held: object, done: object) -> None:
    with locked(path):
        held.set()  # type: ignore[attr-defined]  # events of the spawn context
        done.wait(60)  # type: ignore[attr-defined]  # see above


def test_a_full_disk_leaves_every_file_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the second of two files cannot be staged, neither is replaced and no temporary file stays."""
    first, second = tmp_path / "first", tmp_path / "second"
    first.write_text("old")
    calls: list[int] = []

    def fsync(descriptor: int) -> None:
        calls.append(descriptor)
        if len(calls) == 2:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", fsync)
    with pytest.raises(OSError, match="No space left"):
        replace_in_order({first: b"new", second: b"new"})

    assert "old" == first.read_text()
    assert [first] == list(tmp_path.iterdir())


@pytest.mark.parametrize("error", [KeyboardInterrupt(), OSError(28, "No space left on device")])
def test_a_failure_between_two_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    """After a failure between two files, new files are removed and the old baseline is complete."""
    store(tmp_path, "clean", "RRRrw")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    replace, calls = Path.replace, []

    def failing(self: Path, target: Path) -> Path:
        calls.append(target)
        if len(calls) == 2:
            raise error
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", failing)
    with pytest.raises(type(error)):
        store(tmp_path, "clean", "WWWww")
    calls.clear()
    with pytest.raises(type(error)):
        store(tmp_path, "blur", "WWWww")
    monkeypatch.undo()

    assert before == {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
