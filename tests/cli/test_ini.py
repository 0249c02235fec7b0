"""Writing the rule into a file that configures pytest changes one line or nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_failaware.cli.ini import write_rule
from pytest_failaware.core.errors import ConfigError
from pytest_failaware.core.rule import FailureRule

RULE = FailureRule(confidence=0.8123, entropy=0.91)
LINE = "failaware_rule = confidence < 0.8123 or entropy > 0.91"
QUOTED = 'failaware_rule = "confidence < 0.8123 or entropy > 0.91"'


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("pytest.ini", "[pytest]\n", f"[pytest]\n{LINE}\n"),
        ("pytest.ini", "[pytest]", f"[pytest]\n{LINE}\n"),
        ("pytest.ini", "# é\n[pytest]\r\na = 1\r\n", f"# é\n[pytest]\r\n{LINE}\r\na = 1\r\n"),
        ("tox.ini", "[pytest]\nfailaware_rule: entropy > 1\nb=2", f"[pytest]\n{LINE}\nb=2"),
        ("tox.ini", "[pytest]\nb=2\nfailaware_rule=entropy > 1", f"[pytest]\nb=2\n{LINE}"),
        (
            "tox.ini",
            "[x]\nfailaware_rule=1\n[pytest]\n\n[y]\nc=%d",
            f"[x]\nfailaware_rule=1\n[pytest]\n{LINE}\n\n[y]\nc=%d",
        ),
        ("setup.cfg", "[tool:pytest]\nb =\n  1\n  2\n", f"[tool:pytest]\n{LINE}\nb =\n  1\n  2\n"),
        ("pytest.toml", "[pytest]\na = 1\n", f"[pytest]\n{QUOTED}\na = 1\n"),
        (".pytest.toml", "[pytest]\nfailaware_rule = 'entropy > 1'\n", f"[pytest]\n{QUOTED}\n"),
        ("strict.toml", "[pytest]\n", f"[pytest]\n{QUOTED}\n"),
        (
            "pyproject.toml",
            "[tool.pytest]\na = 1\n[tool.pytest.failaware_minimum]\naccuracy = 0.9\n",
            f"[tool.pytest]\n{QUOTED}\na = 1\n[tool.pytest.failaware_minimum]\naccuracy = 0.9\n",
        ),
        (
            "pyproject.toml",
            '[tool.pytest.ini_options]\nfailaware_rule = "entropy > 1"\na = [\n"b",\n]\n',
            f'[tool.pytest.ini_options]\n{QUOTED}\na = [\n"b",\n]\n',
        ),
    ],
)
def test_written(tmp_path: Path, name: str, before: str, after: str) -> None:
    """The line of the key is replaced or added, other bytes stay, and a second call changes nothing."""
    path = tmp_path / name
    path.write_bytes(before.encode())

    assert f"{path}: failaware_rule written; look at the diff" == write_rule(path, RULE)
    assert after.encode() == path.read_bytes()
    assert f"{path}: has this rule already" == write_rule(path, RULE)


@pytest.mark.parametrize(
    ("name", "text", "why"),
    [
        ("pytest.ini", "", r"no lines say \[pytest\]"),
        ("pytest.ini", "[pytest] # mine\n", r"no lines say \[pytest\]"),
        ("pytest.ini", "[pytest]\na =\n  [pytest]\n", r"2 lines say \[pytest\]"),
        ("pytest.ini", "[pytest]\nfailaware_rule =\n  entropy > 1\n", "is not on one line"),
        ("pytest.ini", "[pytest]\nfailaware_rule = entropy > 1\n  or confidence < 0.1\n", "is not on one line"),
        ("pytest.ini", "[pytest]\nfailaware_rule = entropy > 1  # tried\n", "holds more than a rule"),
        ("pytest.ini", "[pytest]\nfailaware_rule=entropy > 1\nfailaware_rule=entropy > 2\n", "2 lines set"),
        ("pytest.ini", "[pytest]\nnonsense\n", "parsing errors"),
        ("pyproject.toml", "[tool.pytest.ini_options]\n  failaware_rule = 'entropy > 1'\n", "overwrite"),
        ("pyproject.toml", '[tool.pytest.ini_options]\nfailaware_rule = """\nentropy > 1"""\n', "nothing was written"),
        ("pyproject.toml", '[x]\na = """\n[tool.pytest.ini_options]\n"""\n', "no section of this name"),
        ("rule.yaml", "", "is no .ini, .cfg or .toml file"),
    ],
)
def test_refused(tmp_path: Path, name: str, text: str, why: str) -> None:
    """A file in which the place of the key is not clear is refused and not changed."""
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")

    with pytest.raises(ConfigError, match=why):
        write_rule(path, RULE)
    assert text == path.read_text(encoding="utf-8")


def test_an_absent_file(tmp_path: Path) -> None:
    """A file that does not exist is refused and not created, since the project chooses where its options are."""
    with pytest.raises(ConfigError, match=r"pytest\.ini cannot be read"):
        write_rule(tmp_path / "pytest.ini", RULE)
