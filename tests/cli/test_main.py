"""The command line as a whole: its list of commands, its version, and what it imports."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import version

import pytest

from pytest_failaware.cli.main import COMMANDS, main, parser_of


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_declares_its_arguments(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The help of each command prints the command's line and ends with exit code 0."""
    with pytest.raises(SystemExit) as ended:
        main([name, "--help"])

    assert 0 == ended.value.code
    assert COMMANDS[name].partition(";")[0] in " ".join(capsys.readouterr().out.split())


def test_the_help_lists_every_command() -> None:
    """The help lists every command with its line, in the order of the table."""
    text = " ".join(parser_of([]).format_help().split())

    assert sorted(text.index(f"{name} {line[:20]}") for name, line in COMMANDS.items()) == [
        text.index(f"{name} {line[:20]}") for name, line in COMMANDS.items()
    ]


def test_an_unknown_command(capsys: pytest.CaptureFixture[str]) -> None:
    """An unknown command is refused with the names of all commands."""
    with pytest.raises(SystemExit) as ended:
        main(["sohw"])

    text = capsys.readouterr().err

    assert 2 == ended.value.code
    assert all(name in text for name in COMMANDS)


def test_the_version_and_the_help_import_nothing_heavy() -> None:
    """`python -m pytest_failaware --version` prints the version and imports no command."""
    code = (
        "import sys, runpy; sys.argv = ['pytest_failaware', '--version']\n"
        "try: runpy.run_module('pytest_failaware', run_name='__main__')\n"
        "except SystemExit: print([name for name in ('numpy', 'torch', 'yaml', 'pytest') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert [f"pytest-failaware {version('pytest-failaware')}", "[]"] == done.stdout.splitlines()
