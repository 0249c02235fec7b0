"""Run git in a folder; no answer from git is never an error."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Final

_GIT: Final = ("git", "-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false")
"""Git with the hooks and the file monitor of the repository switched off, so that it starts no foreign program."""
_TIMEOUT: Final = 10  # seconds


def git(folder: Path, *arguments: str, stdin: bytes = b"") -> bytes | None:
    """Return the output of git in a folder; None if git fails, is absent or does not answer, or without a folder."""
    # inside a git hook, variables GIT_… point to the repository of the hook
    environment = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    try:
        done = subprocess.run(
            [*_GIT, *arguments],
            input=stdin,
            cwd=folder,
            env=environment,
            capture_output=True,
            timeout=_TIMEOUT,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None
