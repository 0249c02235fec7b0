"""`python -m pytest_failaware`: list conditions, show and compare baselines, plan gates, accept a CI run's values."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Final

from pytest_failaware.config.baseline_folder import baseline_folder
from pytest_failaware.core.errors import FailAwareError
from pytest_failaware.core.text import printable

COMMANDS: Final[Mapping[str, str]] = {
    "conditions": "list the conditions that a gate can name",
    "preview": "write a contact sheet of an image under the conditions",
    "show": "print a baseline as a table",
    "diff": "print what differs between two baselines; exit code 1 if anything does",
    "mce": "print corruption errors and their means, with a reference mCE",
    "plan": "print the smallest drop that each gate can see, without running a model",
    "selftest": "plant noise and drops in the stored outcomes, and count how often the gates fail",
    "thresholds": "choose the thresholds that trust the most answers at a guaranteed risk",
    "temperature": "fit the temperature that calibrates stored logits, and judge it",
    "remedy": "name the rules that mend the moved operating points of a run, from its report",
    "accept": "write the baselines from a CI run's report and records",
    "prune": "delete entries of a baseline",
    "seeds": "list the seeds of a recipe, drop one, or replace one",
}
"""The commands and their help.

Each command is the file of its name in this folder, with `add_arguments` and `run`. Only the typed command is imported.
"""

_NO_BASELINES: Final = Path()  # stands for the folder if a command reads no baseline


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command, and return 0 if all is well, 1 if the command found a fault, 4 if it could not run."""
    try:
        words = sys.argv[1:] if arguments is None else arguments
        options = parser_of(words).parse_args(words)
        if getattr(options, "baseline_dir", _NO_BASELINES) is None:
            options.baseline_dir = baseline_folder(Path.cwd())
        for line in options.run(options):
            print(printable(line))  # noqa: T201 - a command line prints
    except BrokenPipeError:  # the reader of the output has closed it, as `head` does
        sys.stdout = None  # or else the interpreter would flush it again at its end
        return 0
    except (FailAwareError, OSError) as error:
        print(printable(f"error: {error}"), file=sys.stderr)  # noqa: T201 - see above
        return 4
    return 1 if options.failed else 0


def parser_of(words: Sequence[str]) -> argparse.ArgumentParser:
    """Return the parser of a command line, with the arguments of the typed command."""
    parser = argparse.ArgumentParser(prog="python -m pytest_failaware", description=__doc__)
    installed = f"pytest-failaware {version('pytest-failaware')}"
    parser.add_argument("--version", action="version", version=installed, help="print the version and stop")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    typed = next((word for word in words if not word.startswith("-")), "")
    for name, text in COMMANDS.items():
        command = commands.add_parser(name, help=text, description=text)
        if name == typed:
            home = import_module(f"pytest_failaware.cli.{name}")
            home.add_arguments(command)
            command.set_defaults(run=home.run, failed=False)
    return parser
