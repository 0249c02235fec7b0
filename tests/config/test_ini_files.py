"""The file that configures pytest in a folder, its keys, and the folder of baselines that it names."""

from __future__ import annotations

from pathlib import Path

import pytest
from _pytest.config.findpaths import locate_config

from pytest_failaware.cli.main import main
from pytest_failaware.config.baseline_folder import baseline_folder
from pytest_failaware.config.ini_files import find_ini
from pytest_failaware.config.option_texts import CI_SERVERS
from pytest_failaware.core.errors import ConfigError

FILES = {
    "pytest.toml": "",
    ".pytest.toml": "[pytest]\naddopts = []\n",
    "pytest.ini": "[other]\n",
    ".pytest.ini": "",
    "pyproject.toml": "[tool.pytest]\nxfail_strict = true\n",
    "tox.ini": "[pytest]\n",
    "setup.cfg": "[tool:pytest]\n",
}
SILENT = {
    "pyproject.toml": "[tool.pytest]\n[project]\nname = 'x'\n",
    "tox.ini": "[tox]\n",
    "setup.cfg": "[metadata]\n",
}


@pytest.mark.skipif(pytest.version_tuple[0] < 9, reason="earlier versions know neither typed tables nor pytest.toml")
@pytest.mark.parametrize("first", FILES)
def test_the_file_that_pytest_chooses(tmp_path: Path, first: str) -> None:
    """The plugin finds the same ini as pytest, although files without a section of pytest are nearer."""
    (tmp_path / "below").mkdir()
    names = list(FILES)
    for name in names[names.index(first) :]:
        (tmp_path / name).write_text(FILES[name])
    for name, text in SILENT.items():
        (tmp_path / "below" / name).write_text(text)

    assert tmp_path / first == locate_config(tmp_path / "below", [tmp_path / "below"])[1]
    assert tmp_path / first == find_ini(tmp_path / "below")


@pytest.mark.parametrize(
    ("name", "text", "folder"),
    [
        ("pytest.ini", "[pytest]\nfailaware_baseline_dir = stored/here\n", "stored/here"),
        ("pytest.toml", "[pytest]\nfailaware_baseline_dir = 'stored'\n", "stored"),
        ("pyproject.toml", "[tool.pytest]\nfailaware_baseline_dir = 'stored'\n", "stored"),
        ("pyproject.toml", "[tool.pytest.ini_options]\nfailaware_baseline_dir = 'stored'\n", "stored"),
        ("setup.cfg", "[tool:pytest]\nfailaware_baseline_dir: stored\n", "stored"),
        ("tox.ini", "[pytest]\nfailaware_baseline_dir = ../shared\n", "../shared"),
        ("tox.ini", "[pytest]\nfailaware_baseline_dir = /far/away\n", "/far/away"),
        ("pytest.ini", "[pytest]\n", "baselines"),
        ("other.ini", "[pytest]\nfailaware_baseline_dir = stored\n", "baselines"),
    ],
)
def test_the_folder_of_the_baselines(tmp_path: Path, name: str, text: str, folder: str) -> None:
    """The folder of the baselines is the one that the ini names, or else `baselines` beside the ini.

    A relative folder starts at the ini.
    """
    (tmp_path / name).write_text(text)
    (tmp_path / "below").mkdir()

    assert Path(folder) == baseline_folder(tmp_path)
    if name != "other.ini":
        below = Path(folder) if folder.startswith("/") else Path("..", folder)
        assert below == baseline_folder(tmp_path / "below")


def test_a_file_that_pytest_could_not_read(tmp_path: Path) -> None:
    """An ini that cannot be read is refused, because its folder of baselines must not be guessed."""
    (tmp_path / "pyproject.toml").write_text("[tool.pytest\n")
    with pytest.raises(ConfigError, match=r"pyproject\.toml: cannot be read .*; repair it"):
        baseline_folder(tmp_path)


@pytest.mark.parametrize(
    "command",
    [
        ["show", "x"], ["diff", "x", "y"], ["mce", "x"], ["plan", "x"], ["selftest", "x"], ["temperature", "x"],
        ["thresholds", "x", "--risk=0.05"], ["prune", "x", "blur"], ["seeds", "x"],
    ],
    ids=lambda words: words[0],
)  # fmt: skip
def test_commands_look_where_the_ini_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], command: list[str]
) -> None:
    """Each command looks for its baseline in the folder of the ini, or in that of --baseline-dir."""
    (tmp_path / "pytest.ini").write_text("[pytest]\nfailaware_baseline_dir = stored\n")
    monkeypatch.chdir(tmp_path)

    assert 4 == main(command)
    assert capsys.readouterr().err.startswith("error: stored/x.yaml: no such baseline")
    assert 4 == main([*command, "--baseline-dir=other"])
    assert capsys.readouterr().err.startswith("error: other/x.yaml: no such baseline")


def test_accept_asks_for_the_reason_that_the_ini_wants(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`accept` needs a reason if the ini requires one; a missing report is refused in one line."""
    for name in CI_SERVERS:
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "pyproject.toml").write_text("[tool.pytest]\nfailaware_require_reason = true\n")
    monkeypatch.chdir(tmp_path)

    assert 4 == main(["accept", "report.json"])
    assert capsys.readouterr().err == (
        "error: pyproject.toml: failaware_require_reason = true: updates need a reason here; add "
        '--reason="why they change"\n'
    )
    assert 4 == main(["accept", "report.json", "--reason=…"])
    assert capsys.readouterr().err == "error: --reason: '…' gives no reason; write why the values change\n"
    assert 4 == main(["accept", "report.json", "--reason=smaller"])
    assert capsys.readouterr().err == (
        "error: report.json: cannot be read (No such file or directory); give a JSON report\n"
    )


def test_plan_without_a_baseline(capsys: pytest.CaptureFixture[str]) -> None:
    """`plan` shows how many images are needed before a baseline exists."""
    assert 0 == main(["plan", "--samples", "2000", "--gate=metrics=accuracy"])
    lines = capsys.readouterr().out.splitlines()
    assert "beyond_tolerance, 4 conditions x 1 gates and the class guard, each gate at p < 0.001" == lines[0]
    assert ["each", "accuracy", "2,000", "1.72", "pt", "3.76", "pt"] == lines[3].split()
    assert 4 == main(["plan"])
    assert "plan: give the NAME of a baseline, or --samples N" in capsys.readouterr().err
