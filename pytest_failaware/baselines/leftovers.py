"""Sample files that an update leaves behind: those named as in schema 1, and those that no YAML names any more."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from pytest_failaware.baselines.samples import (
    former_files,
    golden_path,
    named_files,
    own_path,
    read_content,
    sha256_of,
    shared_path,
)
from pytest_failaware.core.baseline import Baseline
from pytest_failaware.core.errors import BaselineError
from pytest_failaware.core.files import final_name

_HASHED: Final = re.compile(r".+-[0-9a-f]{12}\.npz")


def shared_hash(directory: Path, baseline: Baseline) -> str:
    """Return the hash of a baseline's list of samples; "" if neither the YAML nor a file can say it."""
    if baseline.samples_sha256:
        return baseline.samples_sha256
    content = read_content(shared_path(directory, baseline))
    return "" if content is None else sha256_of(content)


def carried_over(directory: Path, old: Baseline | None, new: Baseline) -> dict[Path, bytes]:
    """Return the sample files that schema 1 names without their hashes, as they are, under the names they have now.

    Raises:
        BaselineError: a file is not the one that the YAML names.
    """
    if old is None or old.samples_sha256 or not new.samples_sha256:
        return {}
    stored = {sha256: path for path, sha256 in former_files(directory, old) if sha256 and path.is_file()}
    contents = {}
    for path, sha256 in _hashes(directory, new):
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
    """Remove what no update needs any more, under the lock: sample files without a name, and temporary files.

    A linked folder may serve other baselines, whose files are not known here; nothing is removed from it.

    Args:
        directory: the folder of the baselines.
        name: of the baseline.
        home: the folder of the YAML file itself, which a link may lead to.
        old: what was stored.
        baseline: what is stored now.
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
    """Whether the name is one that only an update gives."""
    return bool(_HASHED.fullmatch(path.name)) or final_name(path.name).endswith(".npz")


def _hashes(directory: Path, baseline: Baseline) -> Iterator[tuple[Path, str]]:
    """Where the columns of each entry lie, golden ones too, with their hashes."""
    for entry in baseline.entries.values():
        yield own_path(directory, baseline, entry), entry.records_sha256
        if entry.golden is not None:
            yield golden_path(directory, baseline, entry), entry.golden.records_sha256


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if path.is_file()] if folder.is_dir() else []
