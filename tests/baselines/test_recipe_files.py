"""Files of baselines with several seeds of a recipe: what is written, and what is refused when it is read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from five import RULE, measurement_of
from recipes import LETTERS, measured, store_recipe

from pytest_failaware.baselines.entries import entry_of
from pytest_failaware.baselines.file import read_baseline
from pytest_failaware.baselines.reading import parse_baseline
from pytest_failaware.baselines.reference import read_reference
from pytest_failaware.baselines.sample_files import seed_path
from pytest_failaware.baselines.text import baseline_text
from pytest_failaware.baselines.update import update_baseline
from pytest_failaware.core.baseline import Baseline, Golden, Seed
from pytest_failaware.core.errors import BaselineError
from pytest_failaware.core.estimates import Cells

SECOND, THIRD = ("sha256:" + 64 * digit for digit in "23")
KEYS = ("blur", "clean")


def seed(model: str, sha256: str) -> Seed:
    cells = Cells(trusted_right=2, trusted_wrong=1, flagged_right=1, flagged_wrong=1)
    return Seed(cells=cells, records_sha256=sha256, model_sha256=model)


def recipe() -> Baseline:
    """Return a baseline of two conditions with three seeds."""
    first = measurement_of()
    seeds = (seed("m2", SECOND), seed("m3", THIRD))
    return Baseline(
        name="small",
        data=first.provenance.data,
        preprocessing=first.provenance.preprocessing,
        entries={key: replace(entry_of(measurement_of(condition=key), RULE), seeds=seeds) for key in KEYS},
        samples_sha256=SECOND,
    )


TEXT = baseline_text(recipe())
LINE = f"trusted_right: 2, trusted_wrong: 1, flagged_right: 1, flagged_wrong: 1, records: '{SECOND}', model: m2"


def read(text: str) -> Baseline:
    return parse_baseline(text, "small.yaml", "small")


def test_a_seed_is_one_line() -> None:
    """A further seed is one line of counts and hashes, the recipe says how many there are, and all is read back."""
    assert TEXT.count(f"    - {{{LINE}}}\n") == len(KEYS)
    assert "\nrecipe:\n  seeds: 3\n" in TEXT
    assert recipe() == read(TEXT)


def test_a_file_without_seeds_keeps_its_schema() -> None:
    """Only a file with further seeds says schema 4, which older versions refuse."""
    plain = replace(recipe(), entries={key: replace(entry, seeds=()) for key, entry in recipe().entries.items()})

    assert "schema: 3\n" in baseline_text(plain)
    assert not [word for word in ("recipe", "seeds") if word in baseline_text(plain)]
    assert "schema: 4\n" in TEXT


def test_golden_seeds_are_read_back() -> None:
    """A golden reference of several seeds has their hashes, in a file of schema 4."""
    golden = Golden(model_sha256="m", records_sha256=SECOND, rule=RULE, seeds=(THIRD,))
    entries = {key: replace(entry, seeds=(), golden=golden) for key, entry in recipe().entries.items()}
    text = baseline_text(replace(recipe(), entries=entries))

    assert "schema: 4\n" in text
    assert golden == read(text).entries["clean"].golden


@pytest.mark.parametrize(
    ("old", "new", "finding"),
    [
        (
            "  seeds: 3\n",
            "  seeds: 4\n",
            "blur.seeds holds 3 seeds with the first one, and recipe.seeds is 4",
        ),
        ("  seeds: 3\n", "  seeds: 1\n", "recipe.seeds is 1; a recipe has at least 2 seeds"),
        ("  seeds: 3\n", "  seeds: 3\n  prior: 4\n", "recipe.prior is no key of this version"),
        ("recipe:\n  seeds: 3\n", "", "holds 3 seeds with the first one, and recipe.seeds is missing"),
        ("schema: 4", "schema: 3", "recipe is no key of this version"),
        (f"    - {{{LINE}}}\n", "", "conditions.blur.seeds holds 2 seeds with the first one, and recipe.seeds is 3"),
        (LINE, LINE.replace("m2", "m4"), "conditions.clean.seeds[0] is another model than seed 2 of blur"),
        ("model: m3", "model: m2", "conditions.blur.seeds[1] is the model of seed 2, too"),
        (
            LINE,
            LINE.replace("right: 2", "right: 3"),
            "conditions.blur.seeds[0] add up to 6, the data set has 5 samples",
        ),
        (LINE, LINE.replace(SECOND, "sha256:2"), "conditions.blur.seeds[0].records must be sha256: and 64 digits"),
        (LINE, LINE.replace(", model: m2", ""), "conditions.blur.seeds[0] model is missing"),
        (LINE, LINE + ", device: cpu", "conditions.blur.seeds[0].device is no key of this version"),
    ],
)
def test_a_damaged_recipe_is_refused(old: str, new: str, finding: str) -> None:
    """A recipe whose seeds do not fit is refused with the file, the line and the fault."""
    damaged = TEXT.replace(old, new, 1)
    assert damaged != TEXT
    with pytest.raises(BaselineError, match=r"small\.yaml:[0-9]+: ") as caught:
        read(damaged)

    assert finding in str(caught.value)


def test_the_first_seed_is_the_same_model_everywhere() -> None:
    """Entries whose first seeds are different models are refused."""
    entries = dict(recipe().entries)
    other = replace(entries["clean"].model, sha256="m9")
    text = baseline_text(replace(recipe(), entries=entries | {"clean": replace(entries["clean"], model=other)}))
    with pytest.raises(BaselineError, match=r"conditions\.clean\.model is another model than seed 1 of blur"):
        read(text)


# ---- the files of the seeds --------------------------------------------------------------------------------------

POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 1\n"


def seed_file(folder: Path, number: int = 2, key: str = "clean") -> Path:
    """Return the file of a stored seed."""
    baseline = read_baseline(folder, "small")
    assert baseline is not None
    entry = baseline.entries[key]
    return seed_path(folder, baseline, entry, entry.all_seeds[number - 1].records_sha256)


def read_clean(folder: Path) -> str:
    """Return what is absent, or the error of reading the condition clean."""
    try:
        return read_reference(folder, "small", "clean", baseline=read_baseline(folder, "small")).absence
    except BaselineError as error:
        return str(error)


def edit(folder: Path, old: str, new: str) -> None:
    path = folder / "small.yaml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


@pytest.mark.parametrize(
    ("damage", "finding"),
    [
        (lambda folder: seed_file(folder).unlink(), "sample files absent: baselines/small/clean-"),
        (lambda folder: seed_file(folder).write_bytes(POINTER), "sample files that are Git LFS pointers: baselines/"),
        (lambda folder: seed_file(folder).write_bytes(b"PK"), "clean-"),
        (
            lambda folder: seed_file(folder).write_bytes(seed_file(folder, 3).read_bytes()),
            "conditions.clean.seeds[0].records is not the hash of",
        ),
        (
            lambda folder: edit(
                folder,
                "trusted_right: 3, trusted_wrong: 0, flagged_right: 1, flagged_wrong: 1",
                "trusted_right: 2, trusted_wrong: 1, flagged_right: 1, flagged_wrong: 1",
            ),
            "the counts of conditions.clean.seeds[0] are not those of clean-",
        ),
    ],
)
def test_a_damaged_file_of_a_seed(tmp_path: Path, damage: Callable[[Path], object], finding: str) -> None:
    """A seed whose file is absent, a pointer, damaged, that of another seed, or not of its counts is not compared."""
    folder = tmp_path / "baselines"
    store_recipe(folder)
    assert "" == read_clean(folder)
    damage(folder)

    assert finding in read_clean(folder)


def test_an_absent_file_of_a_golden_seed(tmp_path: Path) -> None:
    """If the file of a golden seed is absent, the entry cannot be compared, and an update needs a reset of golden."""
    folder = tmp_path / "baselines"
    store_recipe(folder)
    golden = seed_file(folder)
    update_baseline(folder, "small", measured("m4"), reason="another recipe")
    golden.unlink()

    assert "sample files absent: baselines/small/clean-" in read_clean(folder)
    outcome = update_baseline(folder, "small", measured("m5", LETTERS["m5"]), reason="r")
    assert {"reset-golden": ["clean"]} == outcome.lacking
