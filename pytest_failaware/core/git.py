"""What git says of a folder; nothing is an answer, too."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Final

_GIT: Final = ("git", "-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false")
"""The repository's own programs are not started."""
_PATIENCE: Final = 10  # seconds


def git(folder: Path, *arguments: str, stdin: bytes = b"") -> bytes | None:
    """Return what git writes in a folder, None if it fails, is absent or does not answer, or if there is no folder."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}  # a hook sets these
    try:
        done = subprocess.run(
            [*_GIT, *arguments],
            input=stdin,
            cwd=folder,
            env=environment,
            capture_output=True,
            timeout=_PATIENCE,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None
