"""Files that git ignores: which line does it, what to add, and when nothing is said."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from pytest_failaware.baselines.ignored import ignored_sentence

FOLDER = "service/baselines"


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Create a repository with the untracked files of one baseline."""
    if shutil.which("git") is None:
        pytest.skip("git is not installed")
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    (tmp_path / FOLDER / "small").mkdir(parents=True)
    for name in ("small.yaml", "small/samples.npz", "small/clean.npz"):
        (tmp_path / FOLDER / name).write_bytes(b"x")
    return tmp_path


def said(repository: Path, *lines: str) -> str:
    """Return the sentence for a .gitignore of these lines."""
    (repository / ".gitignore").write_text("\n".join([*lines, ""]), encoding="utf-8")
    return ignored_sentence(repository / FOLDER, "small")


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        (
            "*.npz",
            "git ignores baselines/small/*.npz by .gitignore:2 ('*.npz'); "
            "a clone will not have them, so every gate will fail there; add '!**/baselines/**/*.npz' below that line",
        ),
        (
            "baselines/",
            "git ignores baselines/small.yaml and baselines/small/*.npz by .gitignore:2 ('baselines/'); "
            "a clone will not have them, so every gate will fail there; take that line out",
        ),
        (
            "small",
            "git ignores baselines/small/*.npz by .gitignore:2 ('small'); "
            "a clone will not have them, so every gate will fail there; take that line out",
        ),
    ],
)
def test_the_line_and_the_remedy(repository: Path, line: str, sentence: str) -> None:
    """The remedy for a pattern of files is a line below it; a pattern of a folder must be removed."""
    assert sentence == said(repository, "# ours", line)


def test_the_remedy_helps(repository: Path) -> None:
    """After the remedy git no longer ignores the files, and there is no sentence."""
    assert "!**/baselines/**/*.npz" in said(repository, "*.npz")
    assert "" == said(repository, "*.npz", "!**/baselines/**/*.npz")


def test_tracked_files_are_not_ignored(repository: Path) -> None:
    """Tracked files get no sentence, because a clone has them."""
    subprocess.run(["git", "add", "-f", "."], cwd=repository, check=True)

    assert "" == said(repository, "*.npz")


def test_no_repository_and_no_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a repository or without git there is no error."""
    (tmp_path / "small.yaml").write_text("x", encoding="utf-8")
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert "" == ignored_sentence(tmp_path, "small")
    monkeypatch.setenv("PATH", "")
    assert "" == ignored_sentence(tmp_path, "small")


def test_the_variables_of_a_hook_do_not_matter(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The variables that git sets in a pre-commit hook do not change the answer."""
    monkeypatch.setenv("GIT_DIR", "/nowhere")
    monkeypatch.setenv("GIT_INDEX_FILE", "/nowhere/index")

    assert "*.npz" in said(repository, "*.npz")


@pytest.mark.skipif(os.name == "nt", reason="the program is a shell script")
def test_programs_of_the_repository_are_not_started(repository: Path) -> None:
    """Programs in the configuration of an unpacked repository are not started."""
    program = repository / "program"
    program.write_text(f"#!/bin/sh\ntouch {repository}/started\n", encoding="utf-8")
    program.chmod(0o755)
    subprocess.run(["git", "config", "core.fsmonitor", str(program)], cwd=repository, check=True)
    (repository / ".git" / "started").unlink(missing_ok=True)

    assert "*.npz" in said(repository, "*.npz")
    assert not (repository / "started").exists()
