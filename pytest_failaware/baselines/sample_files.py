"""The sample files beside a baseline: which files it names, which are missing, and which an update leaves behind.

They are samples-HASH.npz (ids, labels, groups) and CONDITION-HASH.npz. HASH has the first digits of the hash in the
YAML, so a file never changes and only the YAML decides which files count. Baselines of schema 1 have names without a
hash.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Final

from pytest_failaware.core.baseline import Baseline, BaselineEntry
from pytest_failaware.core.errors import BaselineError
from pytest_failaware.core.files import final_name
from pytest_failaware.core.lfs import LFS_REMEDY, is_lfs_pointer

_DIGITS: Final = 12  # of the hash, in a file's name
_HASHED: Final = re.compile(r".+-[0-9a-f]{12}\.npz")
_NAMED: Final = 3  # files in one sentence
_REMEDY: Final = (
    "restore the files from version control (git checkout, git lfs pull or dvc pull), and check that no .gitignore "
    "leaves them out"
)


def missing_files(directory: Path, baseline: Baseline, keys: Collection[str] | None = None) -> tuple[Path, ...]:
    """Return the sample files that a baseline names but that are missing; a Git LFS pointer counts as missing.

    Args:
        directory: the folder of the baselines.
        baseline: the baseline that names the files.
        keys: the keys of the entries to check, which all need the list of samples, too; None for every entry.
    """
    return tuple(path for path in sorted(named_files(directory, baseline, keys)) if _is_missing(path))


def named_files(directory: Path, baseline: Baseline, keys: Collection[str] | None = None) -> set[Path]:
    """Return the sample files that a baseline names, for all entries or for the entries `keys`."""
    files = {shared_path(directory, baseline)}
    for key in baseline.entries if keys is None else keys:
        files |= {path for path, _ in hashed_files(directory, baseline, baseline.entries[key])}
    return files


def _is_missing(path: Path) -> bool:
    """Return whether a file is absent or a Git LFS pointer, by opening it: an update may remove it at any moment."""
    try:
        with path.open("rb") as file:
            return is_lfs_pointer(file.read(64))
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return True


def former_files(directory: Path, baseline: Baseline) -> Iterator[tuple[Path, str]]:
    """Yield the paths of sample files in schema 1, each with the hash in the YAML; "" if it has none."""
    folder = directory / baseline.name
    yield folder / "samples.npz", ""
    for entry in baseline.entries.values():
        yield folder / f"{entry.condition.slug}.npz", entry.records_sha256
        golden = entry.golden.records_sha256 if entry.golden else ""
        yield folder / f"{entry.condition.slug}.golden.npz", golden


def shared_path(directory: Path, baseline: Baseline) -> Path:
    """Return the path of a baseline's ids and labels."""
    return directory / baseline.name / f"samples{_suffix(baseline, baseline.samples_sha256)}.npz"


def own_path(directory: Path, baseline: Baseline, entry: BaselineEntry) -> Path:
    """Return the path of a condition's columns."""
    return directory / baseline.name / f"{entry.condition.slug}{_suffix(baseline, entry.records_sha256)}.npz"


def golden_path(directory: Path, baseline: Baseline, entry: BaselineEntry) -> Path:
    """Return the path of a condition's golden columns, which can be the stored columns themselves."""
    if entry.golden is None:
        return own_path(directory, baseline, entry)
    suffix = _suffix(baseline, entry.golden.records_sha256) or ".golden"
    return directory / baseline.name / f"{entry.condition.slug}{suffix}.npz"


def seed_path(directory: Path, baseline: Baseline, entry: BaselineEntry, records_sha256: str) -> Path:
    """Return the path of the columns of a further seed, stored or golden; schema 1 has none."""
    return directory / baseline.name / f"{entry.condition.slug}{_suffix(baseline, records_sha256)}.npz"


def golden_files(directory: Path, baseline: Baseline, entry: BaselineEntry) -> set[Path]:
    """Return the paths of the columns from which drift of a condition is measured, one of each seed."""
    seeds = entry.golden.seeds if entry.golden else [seed.records_sha256 for seed in entry.seeds]
    return {
        golden_path(directory, baseline, entry),
        *(seed_path(directory, baseline, entry, sha256) for sha256 in seeds),
    }


def hashed_files(directory: Path, baseline: Baseline, entry: BaselineEntry) -> Iterator[tuple[Path, str]]:
    """Yield the path of each file of a condition with its hash: its columns, those of its seeds, and golden columns."""
    yield own_path(directory, baseline, entry), entry.records_sha256
    further = [seed.records_sha256 for seed in entry.seeds]
    if entry.golden is not None:
        yield golden_path(directory, baseline, entry), entry.golden.records_sha256
        further += entry.golden.seeds
    for sha256 in further:
        yield seed_path(directory, baseline, entry, sha256), sha256


def _suffix(baseline: Baseline, sha256: str) -> str:
    """Return the part of a file's name that depends on its content; "" in schema 1."""
    return f"-{sha256.removeprefix('sha256:')[:_DIGITS]}" if baseline.samples_sha256 else ""


def sha256_of(content: bytes) -> str:
    """Return the hash that binds a file to its entry."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def read_content(path: Path) -> bytes | None:
    """Return the bytes of a sample file; None if it is absent.

    Raises:
        BaselineError: the file cannot be read.
    """
    try:
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise BaselineError(f"{path}: cannot be read ({error.strerror or error}); make it readable") from error


# ---- absent files -----------------------------------------------------------------------------------------------


def absence(directory: Path, baseline: Baseline, key: str) -> str:
    """Return which files are absent, so that the stored outcome of an entry is not known; "" if none is.

    The sentence names all absent files of the baseline, so that it is the same for all its entries.
    """
    if not missing_files(directory, baseline, [key]):
        return ""
    missing = missing_files(directory, baseline)
    names = [path.relative_to(directory.parent).as_posix() for path in missing]
    named = ", ".join(names[:_NAMED]) + (f" and {len(names) - _NAMED} more" if len(names) > _NAMED else "")
    pointers = [path for path in missing if path.is_file()]
    if len(pointers) == len(missing):
        return f"sample files that are Git LFS pointers: {named}; {LFS_REMEDY}"
    return f"sample files absent{' or Git LFS pointers' if pointers else ''}: {named}; {_REMEDY}"


# ---- what an update leaves behind -------------------------------------------------------------------------------


def shared_hash(directory: Path, baseline: Baseline) -> str:
    """Return the hash of a baseline's list of samples; "" if neither the YAML nor a file has it."""
    if baseline.samples_sha256:
        return baseline.samples_sha256
    content = read_content(shared_path(directory, baseline))
    return "" if content is None else sha256_of(content)


def carried_over(directory: Path, old: Baseline | None, new: Baseline) -> dict[Path, bytes]:
    """Return the sample files of schema 1, whose names have no hashes, under their new names.

    Raises:
        BaselineError: a file is not the file that the YAML names.
    """
    if old is None or old.samples_sha256 or not new.samples_sha256:
        return {}
    stored = {sha256: path for path, sha256 in former_files(directory, old) if sha256 and path.is_file()}
    contents = {}
    for path, sha256 in (pair for entry in new.entries.values() for pair in hashed_files(directory, new, entry)):
        if sha256 in stored:
            contents[path] = stored[sha256].read_bytes()
            if sha256_of(contents[path]) != sha256:
                raise BaselineError(
                    f"{stored[sha256]}: is not the file that the YAML names; restore both from one commit"
                )
    shared = read_content(shared_path(directory, old))
    if shared is not None and sha256_of(shared) == new.samples_sha256:
        contents[shared_path(directory, new)] = shared
    return contents


def remove_leftovers(directory: Path, name: str, home: Path, old: Baseline | None, baseline: Baseline | None) -> None:
    """Remove files that are no longer needed, under the lock: unnamed sample files and temporary files.

    Nothing is removed from a linked folder, because other baselines may use its files.

    Args:
        directory: the folder of the baselines.
        name: the name of the baseline.
        home: the folder of the YAML file itself, which a link can point to.
        old: the baseline before the update.
        baseline: the baseline after the update.
    """
    sides = [side for side in (old, baseline) if side is not None]
    named = named_files(directory, baseline) if baseline is not None else set()
    former = {path for side in sides for path, _ in former_files(directory, side)}
    stray = [path for path in _files(home) if final_name(path.name).endswith(".yaml")]
    if not (directory / name).is_symlink():
        stray += [path for path in _files(directory / name) if path not in named and (path in former or _is_ours(path))]
    for path in stray:
        with contextlib.suppress(OSError):  # the baseline is written; the next update tries again
            path.unlink()


def _is_ours(path: Path) -> bool:
    """Return whether only an update gives such a name."""
    return bool(_HASHED.fullmatch(path.name)) or final_name(path.name).endswith(".npz")


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if path.is_file()] if folder.is_dir() else []
