"""Sample files that a baseline names and that are absent: what is said of them."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from pytest_failaware.baselines.samples import missing_files
from pytest_failaware.core.baseline import Baseline
from pytest_failaware.core.lfs import LFS_REMEDY

_NAMED: Final = 3  # files in one sentence
_REMEDY: Final = (
    "restore the files from version control (git checkout, git lfs pull or dvc pull), and check that no .gitignore "
    "leaves them out"
)


def absence(directory: Path, baseline: Baseline, key: str) -> str:
    """Return why the stored outcome of an entry is not known: which files are absent; "" if all are there.

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
