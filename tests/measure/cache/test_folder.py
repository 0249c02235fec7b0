"""The cache returns exactly what was kept for the same parts, and gives a reason if it has nothing."""

from __future__ import annotations

import dataclasses
import errno
import io
import multiprocessing
import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from five import records_of

from pytest_failaware.core.records import RECORD_DTYPES, Records
from pytest_failaware.measure.cache import folder as cache_module
from pytest_failaware.measure.cache.folder import LIMIT, RecordCache
from pytest_failaware.measure.cache.sealed import seal

PARTS = {"weights": "a" * 64, "seed": "0", "torch": "2.10"}


def opened(folder: Path, limit_bytes: int = LIMIT) -> tuple[RecordCache, list[str]]:
    """A cache, and the list that gathers what it tells."""
    told: list[str] = []
    return RecordCache(folder, notify=told.append, limit_bytes=limit_bytes), told


def found(cache: RecordCache, parts: dict[str, str] = PARTS, records: Records | None = None) -> Records | str:
    wanted = records_of() if records is None else records
    return cache.find("clean", parts, wanted.samples)


def only_file(folder: Path) -> Path:
    (path,) = folder.iterdir()
    return path


def test_what_was_kept_comes_back_byte_for_byte(tmp_path: Path) -> None:
    """Every column comes back with its type, read-only and for the requested samples, in any order of the parts."""
    cache, told = opened(tmp_path)
    cache.keep("clean", PARTS, records_of())
    wanted = records_of()
    again = cache.find("clean", dict(reversed(PARTS.items())), wanted.samples)

    assert isinstance(again, Records)
    assert wanted.samples is again.samples
    for name in [name for name in RECORD_DTYPES if name not in ("sample_id", "label")]:
        column, kept = getattr(again, name), getattr(wanted, name)
        assert (kept.dtype, kept.tobytes(), False) == (column.dtype, column.tobytes(), column.flags.writeable)
    assert [] == told


def test_logits_come_back_too(tmp_path: Path) -> None:
    """Bound by the hash as the other columns are, and of as many samples."""
    cache, told = opened(tmp_path)
    logits = np.arange(15, dtype=np.float32).reshape(5, 3)
    cache.keep("clean", PARTS, dataclasses.replace(records_of(), logits=logits))
    again = found(cache)

    assert isinstance(again, Records)
    assert again.logits is not None
    assert (logits.tolist(), False) == (again.logits.tolist(), again.logits.flags.writeable)
    with np.load(only_file(tmp_path)) as file:
        members = dict(file)
    for other in ({"logits": logits + 1}, {"logits": logits.reshape(3, 5)}):
        np.savez(only_file(tmp_path), **{**members, **other})
        assert "its file in the cache was damaged" == found(cache)
    for wrong in (logits[:4], logits[:, 0], logits.astype(np.float64)):
        cache.keep("clean", PARTS, dataclasses.replace(records_of(), logits=wrong))
        assert "its file in the cache was damaged" == found(cache)
    assert 5 == sum("not what the cache wrote" in sentence for sentence in told)


def test_a_miss_names_what_differs(tmp_path: Path) -> None:
    """From the most similar file of the condition; short values are shown, hashes are not."""
    cache, _ = opened(tmp_path)
    assert "not in the cache yet" == found(cache)
    cache.keep("clean", PARTS, records_of())
    cache.keep("clean", {**PARTS, "weights": "b" * 64, "seed": "7"}, records_of())
    assert "not in the cache yet" == found(cache, {**PARTS, "torch": "2.11"})  # this run's own files explain nothing
    cache, _ = opened(tmp_path)

    assert "weights changed" == found(cache, {**PARTS, "weights": "c" * 64})
    assert "torch was 2.10, is 2.11" == found(cache, {**PARTS, "torch": "2.11"})
    assert "weights changed; seed was 7, is 9" == found(cache, {**PARTS, "weights": "c" * 64, "seed": "9"})
    assert "gpu was absent, is T4" == found(cache, {**PARTS, "gpu": "T4"})
    assert "golden changed" == found(cache, {**PARTS, "golden": "d" * 64})  # one side short, the other a hash
    wanted = records_of()
    assert "not in the cache yet" == cache.find("blur", PARTS, wanted.samples)


def truncated(content: bytes) -> bytes:
    return content[: len(content) // 2]


def with_one_bit_turned(content: bytes) -> bytes:
    place = content.index(records_of().confidence.tobytes())
    return content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]


def empty(content: bytes) -> bytes:
    return b""


def foreign(content: bytes) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, anything=np.arange(3))
    return buffer.getvalue()


def with_objects(content: bytes) -> bytes:
    """The same members, one of them pickled."""
    with np.load(io.BytesIO(content)) as members:
        columns = dict(members)
    buffer = io.BytesIO()
    np.savez(buffer, **{**columns, "label": columns["label"].astype(object)})
    return buffer.getvalue()


def with_another_column(content: bytes) -> bytes:
    """The same members, one of them changed by somebody who left the hash as it was."""
    with np.load(io.BytesIO(content)) as members:
        columns = dict(members)
    buffer = io.BytesIO()
    np.savez(buffer, **{**columns, "prediction": columns["label"]})
    return buffer.getvalue()


@pytest.mark.parametrize("damage", [truncated, with_one_bit_turned, empty, foreign, with_objects, with_another_column])
def test_a_damaged_file_is_a_miss_and_is_replaced(tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    """One notice names the file; what is kept next lies in its place."""
    cache, told = opened(tmp_path)
    cache.keep("clean", PARTS, records_of())
    path = only_file(tmp_path)
    path.write_bytes(damage(path.read_bytes()))

    assert "its file in the cache was damaged" == found(cache)
    (notice,) = told
    assert notice.startswith(f"{path}: not what the cache wrote (")
    cache.keep("clean", PARTS, records_of())
    assert isinstance(found(cache), Records)
    assert path == only_file(tmp_path)


@pytest.mark.parametrize("spelled", ["{}", "[1]", "1", "{", '{"": "1", "seed": 1}', "[" * 100_000])
def test_poisoned_parts_are_damage(tmp_path: Path, spelled: str) -> None:
    """The file is whole and its hash fits; it is reported, replaced, and explains nothing about other files."""
    cache, told = opened(tmp_path)
    cache.keep("clean", PARTS, records_of())
    path, columns = only_file(tmp_path), records_of().columns
    parts = np.frombuffer(spelled.encode(), dtype=np.uint8)
    content = seal({"parts": parts, **columns})
    path.write_bytes(content)
    other, told_other = opened(tmp_path)

    assert "its file in the cache was damaged" == found(cache)
    assert [True] == ["not what the cache wrote" in notice for notice in told]
    assert "not in the cache yet" == found(other, {**PARTS, "seed": "7"})
    assert [] == told_other
    cache.keep("clean", PARTS, records_of())
    assert isinstance(found(cache), Records)


def test_columns_that_no_model_makes_are_damage(tmp_path: Path) -> None:
    """The cache asks the reader that baselines ask."""
    cache, told = opened(tmp_path)
    cache.keep("clean", PARTS, dataclasses.replace(records_of(), entropy=records_of().entropy - 5))

    assert "its file in the cache was damaged" == found(cache)
    assert "the column entropy goes from -4.5" in told[0]


def test_a_file_of_another_measurement_is_refused(tmp_path: Path) -> None:
    """Whole files under a wrong name, and records of other samples or labels, are damage too."""
    cache, told = opened(tmp_path)
    cache.keep("clean", PARTS, records_of())
    path = only_file(tmp_path)
    for other in (records_of(first_id=11), records_of("RRWr")):
        assert "its file in the cache was damaged" == found(cache, records=other)
    cache.keep("clean", {**PARTS, "seed": "1"}, records_of())
    renamed = next(one for one in tmp_path.iterdir() if one != path)
    renamed.replace(path)

    assert "its file in the cache was damaged" == found(cache)
    assert [True, True, True] == ["not what the cache wrote" in notice for notice in told]


@pytest.mark.parametrize("column", ["prediction", "confidence"])
def test_a_column_of_another_type_is_refused(tmp_path: Path, column: str) -> None:
    """A column of another type is refused, even if the file is complete and its hash is right."""
    cache, told = opened(tmp_path)
    wide = getattr(records_of(), column).astype(np.float64)
    cache.keep("clean", PARTS, dataclasses.replace(records_of(), **{column: wide}))

    assert "its file in the cache was damaged" == found(cache)
    (notice,) = told
    assert f"the column {column} is float64 (5,)" in notice


def test_the_longest_unused_go_first(tmp_path: Path) -> None:
    """Beyond the limit the oldest files are removed; a hit makes a file young again, leftovers count too."""
    cache, _ = opened(tmp_path)
    cache.keep("clean", {"seed": "0"}, records_of())
    size = only_file(tmp_path).stat().st_size
    cache, told = opened(tmp_path, limit_bytes=3 * size + size // 2)
    leftover = tmp_path / ".clean@x.npz.tmp"
    leftover.write_bytes(b"x" * size)
    cache.keep("clean", {"seed": "1"}, records_of())
    for age, path in enumerate([leftover, *(cache._path("clean", {"seed": seed}) for seed in "01")]):
        os.utime(path, ns=(age, age))
    assert isinstance(found(cache, {"seed": "0"}), Records)
    for seed in "23":
        cache.keep("clean", {"seed": seed}, records_of())

    kept = [seed for seed in "0123" if cache._path("clean", {"seed": seed}).exists()]
    assert ["0", "2", "3"] == kept
    assert not leftover.exists()
    small, told = opened(tmp_path / "other", limit_bytes=size - 1)
    small.keep("clean", {"seed": "0"}, records_of())
    assert [f"clean is not kept: {size:,} bytes, the cache holds {size - 1:,}"] == told


def test_a_full_disk_is_told_and_harms_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What cannot be written is not kept, and what cannot be read is a miss."""
    cache, told = opened(tmp_path)

    def refuse(path: Path, content: bytes) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(cache_module, "write_atomically", refuse)
        cache.keep("clean", PARTS, records_of())
    assert [] == list(tmp_path.iterdir())
    cache._path("clean", PARTS).mkdir()
    assert "the cache cannot be read" == found(cache)
    assert ["No space left" in told[0], "cannot be read" in told[1]] == [True, True]


def write_often(folder: str) -> list[str]:
    """Keep and read one measurement again and again; what the cache told."""
    cache, told = opened(Path(folder))
    for _ in range(30):
        cache.keep("clean", PARTS, records_of())
        if not isinstance(found(cache), Records):
            told.append("not found")
    return told


def test_processes_that_write_the_same_file(tmp_path: Path) -> None:
    """None of them ever reads half of what another writes, and nothing else is left."""
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
        told = list(pool.map(write_often, [str(tmp_path)] * 2))

    assert [[], []] == told
    assert ".npz" == only_file(tmp_path).suffix


def test_a_witness_is_kept_beside_the_records(tmp_path: Path) -> None:
    """It comes back with them, another one for the same parts replaces it, and no reason for a miss names it."""
    cache, told = opened(tmp_path)
    wanted = records_of()
    for witness in ("first", "second", ""):
        cache.keep("clean", PARTS, wanted, witness)
        found_again = cache.find_witnessed("clean", PARTS, wanted.samples)
        assert not isinstance(found_again, str)
        assert witness == found_again[1]
        assert isinstance(found(cache), Records)
    cache.keep("clean", PARTS, wanted, "third")
    cache, _ = opened(tmp_path)

    assert 1 == len(list(tmp_path.iterdir()))
    assert "weights changed" == found(cache, {**PARTS, "weights": "c" * 64})
    assert [] == told
