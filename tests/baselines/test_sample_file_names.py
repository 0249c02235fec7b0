"""Sample files have their hash in the name; those of schema 1 have none, are read, and are renamed by an update."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from five import RULE, measurement_of
from interrupted_updates import prepare_former, prepare_whole, stored, strays
from stored import columns_file, golden_file, samples_file

from pytest_failaware.baselines.file import read_baseline
from pytest_failaware.baselines.outcome import UpdateOutcome, outcome_sentence
from pytest_failaware.baselines.reference import read_reference
from pytest_failaware.baselines.sample_files import missing_files, named_files, sha256_of
from pytest_failaware.baselines.samples import read_golden
from pytest_failaware.baselines.update import update_baseline
from pytest_failaware.core.errors import BaselineError

FORMER = {"small.yaml", "small/samples.npz"} | {
    f"small/{key}{golden}.npz" for key in ("clean", "blur", "low_light") for golden in ("", ".golden")
}


def files(folder: Path) -> dict[str, bytes]:
    """Return every file with its content."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def update(folder: Path, letters: str, *keys: str, **more: object) -> UpdateOutcome:
    """Store these letters for the conditions."""
    measured = [(measurement_of(letters, key), RULE) for key in keys]
    return update_baseline(folder, "small", measured, **more)  # type: ignore[arg-type]  # options of update_baseline


def test_a_name_holds_the_hash_of_the_content(tmp_path: Path) -> None:
    """A file name has the first twelve digits of the hash in the YAML."""
    prepare_whole(tmp_path)
    baseline = stored(tmp_path)
    assert baseline is not None
    for path in named_files(tmp_path, baseline):
        assert sha256_of(path.read_bytes()).startswith(f"sha256:{path.stem.rpartition('-')[2]}")
    assert 8 == len(files(tmp_path))


def test_former_names_are_read_and_stay_while_nothing_changes(tmp_path: Path) -> None:
    """Files with former names are read, and an update without a change does not rename them."""
    prepare_former(tmp_path)
    before = files(tmp_path)
    assert set(before) == FORMER
    assert read_reference(tmp_path, "small", "clean", baseline=read_baseline(tmp_path, "small")).golden is not None
    assert UpdateOutcome(unchanged=("clean",)) == update(tmp_path, "RRRRw", "clean")
    assert before == files(tmp_path)


@pytest.mark.parametrize("drop", [(), ("low_light",)])
def test_an_update_renames_them_all(tmp_path: Path, drop: tuple[str, ...]) -> None:
    """An update renames the files of all entries, also golden ones; no number changes."""
    prepare_former(tmp_path)
    old = read_baseline(tmp_path, "small")
    assert old is not None
    update(tmp_path, "RRWWw", *(() if drop else ("clean",)), drop=drop)
    new = stored(tmp_path)

    assert new is not None
    assert [] == strays(tmp_path)
    assert not FORMER - {"small.yaml"} & set(files(tmp_path))
    assert old.entries["blur"] == new.entries["blur"]
    golden = read_golden(tmp_path, new, new.entries["blur"])
    assert golden is not None
    assert "RRRrw".count("w") + "RRRrw".count("W") == int((~golden.correct).sum())


def test_a_former_file_that_is_not_what_the_yaml_names(tmp_path: Path) -> None:
    """A former file with another hash than in the YAML is refused, and nothing is written."""
    prepare_former(tmp_path)
    for key in ("blur", "low_light"):  # whose content is the same
        (tmp_path / "small" / f"{key}.npz").write_bytes((tmp_path / "small" / f"{key}.golden.npz").read_bytes())
    before = files(tmp_path)
    with pytest.raises(BaselineError, match=r"low_light\.npz: is not the file that the YAML names"):
        update(tmp_path, "RRWWw", "clean")
    assert before == files(tmp_path)


def test_a_former_file_that_is_absent_stays_absent(tmp_path: Path) -> None:
    """An entry keeps the hash of an absent former file."""
    prepare_former(tmp_path)
    for key in ("clean", "blur", "low_light"):  # whose content is the same
        (tmp_path / "small" / f"{key}.npz").unlink()
    update(tmp_path, "RRWWw", "clean", reason="files were lost", reset_golden=True)
    baseline = read_baseline(tmp_path, "small")
    assert baseline is not None
    lost = {columns_file(tmp_path, key) for key in ("blur", "low_light")}
    assert lost == set(missing_files(tmp_path, baseline))


def test_other_files_in_the_folder_stay(tmp_path: Path) -> None:
    """Only files that an update wrote are removed: hashed names and temporary files."""
    prepare_whole(tmp_path)
    folder = tmp_path / "small"
    for name in ("notes.npz", "README.md", ".gitattributes", "clean-1.npz"):
        (folder / name).touch()
    for path in (folder / "clean-0123456789ab.npz", folder / ".clean.npz.a_b1c2d3", tmp_path / ".small.yaml.abcdefgh"):
        path.touch()
    update(tmp_path, "RRRRw", "clean")  # which finds what is stored

    assert ["small/.gitattributes", "small/README.md", "small/clean-1.npz", "small/notes.npz"] == sorted(
        strays(tmp_path)
    )


def test_golden_is_the_file_that_was_stored_first(tmp_path: Path) -> None:
    """The golden reference is the file that was stored first, not a copy."""
    update(tmp_path, "RRRrw", "clean")
    first = columns_file(tmp_path)
    update(tmp_path, "RRRRw", "clean")
    assert first == golden_file(tmp_path) != columns_file(tmp_path)
    update(tmp_path, "RRRrw", "clean")
    assert {first, samples_file(tmp_path)} == set((tmp_path / "small").iterdir())


def test_conditions_with_one_file_name_share_a_file_or_not(tmp_path: Path) -> None:
    """Conditions with the same file name share a file only if the content is the same."""
    for letters in ("RRRrw", "RRRRw"):
        update(tmp_path, letters, "blur(radius=1)", "blur(radius=1.0)")
        assert stored(tmp_path) is not None


def test_the_last_line_names_all_that_is_to_be_committed(tmp_path: Path) -> None:
    """The `git add` of the last line covers every new and removed file."""
    folder = tmp_path / "base lines"
    outcome = update(folder, "RRRrw", "clean")
    sentence = outcome_sentence("small", folder, outcome)
    command = sentence.partition("review and commit it: ")[2]
    assert f"git add '{folder / 'small.yaml'}' '{folder / 'small'}'" == command

    def run(line: str) -> str:
        return subprocess.run(line, shell=True, cwd=tmp_path, check=True, capture_output=True, text=True).stdout

    run("git init -q . && " + command)
    update(folder, "RRRRw", "clean", reset_golden=True)
    run(command)
    assert "" == run("git ls-files --others --modified --deleted")
    assert "nothing written" in outcome_sentence("small", folder, update(folder, "RRRRw", "clean"))


def test_reading_needs_no_write_access(tmp_path: Path) -> None:
    """Reading and dry runs need no write access and no folder."""
    prepare_whole(tmp_path)
    for folder in (tmp_path / "small", tmp_path):
        folder.chmod(0o555)
    try:
        records = read_reference(tmp_path, "small", "clean", baseline=read_baseline(tmp_path, "small")).records
        assert records is not None
        assert np.uint64 == records.sample_id.dtype
        assert ("clean",) == update(tmp_path, "RRWWw", "clean", dry_run=True).updated
        assert ("clean",) == update(tmp_path / "none", "RRWWw", "clean", dry_run=True).recorded
    finally:
        for folder in (tmp_path, tmp_path / "small"):
            folder.chmod(0o755)
    assert not (tmp_path / "none").exists()


def test_a_file_that_vanishes_while_it_is_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that another update removes during the check counts as missing, without a traceback."""
    prepare_whole(tmp_path)
    baseline = read_baseline(tmp_path, "small")
    assert baseline is not None
    files = missing_files(tmp_path, baseline)
    shutil.rmtree(tmp_path / "small")
    monkeypatch.setattr(Path, "is_file", lambda path: True)  # what the system said a moment ago

    assert () == files
    assert missing_files(tmp_path, baseline)
