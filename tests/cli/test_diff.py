"""`diff` between baselines: files, and files of a git revision."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from five import RULE, measurement_of

from pytest_failaware.baselines.update import update_baseline
from pytest_failaware.cli.main import main


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Commit a baseline and replace it with a worse one."""
    if shutil.which("git") is None:
        pytest.skip("git is not installed")
    update_baseline(tmp_path / "baselines", "small", [(measurement_of("RRRRR"), RULE)])
    author = ["-c", "user.name=x", "-c", "user.email=x@example.org"]
    for words in (["init", "-q"], ["add", "."], [*author, "commit", "-qm", "first"]):
        subprocess.run(["git", *words], cwd=tmp_path, check=True)
    update_baseline(tmp_path / "baselines", "small", [(measurement_of("RRRRW"), RULE)])
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_git_revision(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`diff` compares a baseline with the one in a commit, without a copy of the old file."""
    assert 1 == main(["diff", "HEAD:baselines/small.yaml", "small"])
    row = capsys.readouterr().out.splitlines()[1]
    assert ["clean", "accuracy", "100.00%", "80.00%", "-20.00", "pt"] == row.split()


def test_a_baseline_that_is_not_committed_yet(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A baseline that is not committed yet is one line that says to commit it first."""
    (repository / "baselines" / "new.yaml").write_bytes((repository / "baselines" / "small.yaml").read_bytes())

    assert 4 == main(["diff", "HEAD:baselines/new.yaml", "small"])
    assert capsys.readouterr().err == (
        "error: HEAD:baselines/new.yaml: HEAD has no such file: not committed yet; commit baselines/new.yaml first\n"
    )


@pytest.mark.parametrize("name", ["HEAD:baselines/other.yaml", "nobody:baselines/small.yaml", "--output=x:small.yaml"])
def test_a_revision_that_git_does_not_have(repository: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    """A revision that git does not have is one line, and its name is never used as an option of git."""
    assert 4 == main(["diff", "--", name, "small"])
    assert capsys.readouterr().err == (
        f"error: {name}: git has no such file; give it as git show does, as in HEAD:baselines/cifar.yaml\n"
    )
    assert not (repository / "x").exists()
