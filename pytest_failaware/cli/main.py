"""`python -m pytest_failaware`: list conditions, show and compare baselines, plan gates, accept a CI run's values."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Final

from pytest_failaware.cli.conditions import list_conditions, preview_conditions
from pytest_failaware.cli.mce import PUBLISHED, show_corruption
from pytest_failaware.cli.plan import plan_gates, selftest_gates
from pytest_failaware.cli.show import compare_baselines, show_baseline
from pytest_failaware.cli.temperature import choose_temperature
from pytest_failaware.cli.thresholds import choose_thresholds, share
from pytest_failaware.cli.write import accept_report, prune_entries
from pytest_failaware.config.baseline_folder import baseline_folder
from pytest_failaware.config.sources import positive
from pytest_failaware.core.errors import FailAwareError
from pytest_failaware.core.text import printable
from pytest_failaware.judge.thresholds import By

_NO_BASELINES: Final = Path()  # of a command that needs none


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; 0 where all is well, 1 where one of them complains, 4 where nothing can be done."""
    try:
        given = _parser().parse_args(arguments)
        if getattr(given, "baseline_dir", _NO_BASELINES) is None:
            given.baseline_dir = baseline_folder(Path.cwd())
        for line in given.run(given):
            print(printable(line))  # noqa: T201 - a command line prints
    except BrokenPipeError:  # whoever reads the output has seen enough, as `head` has
        sys.stdout = None  # the interpreter would flush it once more at its end
        return 0
    except (FailAwareError, OSError) as error:
        print(printable(f"error: {error}"), file=sys.stderr)  # noqa: T201 - see above
        return 4
    return 1 if given.failed else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m pytest_failaware", description=__doc__)
    installed = f"pytest-failaware {version('pytest-failaware')}"
    parser.add_argument("--version", action="version", version=installed, help="print the version and stop")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def plain(name: str, run: object, text: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=text, description=text)
        added.set_defaults(run=run, failed=False)
        return added

    def command(name: str, run: object, text: str) -> argparse.ArgumentParser:
        added = plain(name, run, text)
        added.add_argument(
            "--baseline-dir", metavar="DIR", type=Path, help="default: as in the ini, else baselines beside it"
        )
        return added

    plain("conditions", list_conditions, "list the conditions that a gate can name")

    preview = plain("preview", preview_conditions, "write a contact sheet of an image under the conditions")
    preview.add_argument("image", metavar="IMAGE", type=Path, help="a JPEG, PNG or other image file")
    preview.add_argument(
        "--conditions",
        metavar="NAME",
        nargs="+",
        help="as in a gate, fog:1..5; default: all of them",
    )
    preview.add_argument(
        "--size", metavar="PX", type=partial(positive, where="--size"), help="default: 224, or the image's own if less"
    )
    preview.add_argument("--seed", metavar="N", type=int, default=0, help="of what is drawn at random; default: 0")
    preview.add_argument("--output", metavar="FILE", type=Path, help="default: the image's name with -preview.png")

    show = command("show", show_baseline, "print a baseline as a table")
    show.add_argument("name", metavar="NAME", help="a baseline's name, or the path of its .yaml file")
    show.add_argument(
        "--metrics", metavar="METRIC", nargs="+", default=[], help="more columns, from the stored samples, as in augrc"
    )

    diff = command("diff", compare_baselines, "print what differs between two baselines; exit code 1 if anything does")
    diff.add_argument(
        "before", metavar="A", help="a baseline's name, the path of its .yaml file, or a git revision: HEAD:PATH.yaml"
    )
    diff.add_argument("after", metavar="B", help="another one")

    mce = command("mce", show_corruption, "print corruption errors and their means, with a reference mCE")
    mce.add_argument("name", metavar="NAME", help="a baseline's name, or the path of its .yaml file")
    mce.add_argument(
        "--reference",
        metavar="OTHER",
        help=f"the model whose errors are the unit: a baseline, or {PUBLISHED} for its published errors; default: none",
    )

    plan = command("plan", plan_gates, "print the smallest drop that each gate can see, without running a model")
    selftest = command(
        "selftest", selftest_gates, "plant noise and drops in the stored outcomes, and see the gates fail"
    )
    for of_gates in (plan, selftest):
        of_gates.add_argument(
            "name",
            metavar="NAME",
            nargs="?" if of_gates is plan else None,
            help="a baseline's name, or the path of its .yaml file"
            + (" (not needed with --samples)" * (of_gates is plan)),
        )
        of_gates.add_argument(
            "--gate", metavar="KEY=VALUE", action="append", default=[], help="a marker argument, as in tolerance=0.01"
        )
    draws = partial(positive, where="--draws")
    selftest.add_argument("--draws", metavar="N", type=draws, default=200, help="per drop; default: 200")
    plan.add_argument(
        "--samples", metavar="N", type=partial(positive, where="--samples"), help="as if the test set had N images"
    )

    thresholds = command(
        "thresholds", choose_thresholds, "choose the thresholds that trust the most answers at a guaranteed risk"
    )
    thresholds.add_argument("name", metavar="NAME", help="a baseline's name, or the path of its .yaml file")
    thresholds.add_argument(
        "--risk",
        metavar="SHARE",
        type=partial(share, where="--risk"),
        required=True,
        help="at most this share of the trusted answers may be wrong, as in 0.05; decide on it before you look",
    )
    thresholds.add_argument(
        "--confidence-level",
        metavar="SHARE",
        type=partial(share, where="--confidence-level"),
        default=0.95,
        help="how sure that must be; default: 0.95",
    )
    thresholds.add_argument("--condition", metavar="NAME", default="clean", help="whose images; default: clean")
    thresholds.add_argument(
        "--by", choices=[by.value for by in By], default=By.BOTH.value, help="the parts of the rule; default: both"
    )
    thresholds.add_argument(
        "--write",
        metavar="FILE",
        type=Path,
        help="set failaware_rule in pytest.ini, pytest.toml, setup.cfg or pyproject.toml",
    )

    temperature = command(
        "temperature", choose_temperature, "fit the temperature that calibrates stored logits, and judge it"
    )
    temperature.add_argument("name", metavar="NAME", help="a baseline's name, or the path of its .yaml file")
    temperature.add_argument("--condition", metavar="NAME", default="clean", help="whose images; default: clean")

    accept = command("accept", accept_report, "write the baselines from a CI run's report and records")
    accept.add_argument("report", metavar="report.json", type=Path, help="what --failaware-report=report.json wrote")
    accept.add_argument("--reason", metavar="TEXT", default="", help="kept in the history of the changed entries")
    accept.add_argument(
        "--reset-golden", action="store_true", help="measure drift from these values on; needs --reason"
    )
    accept.add_argument("--dry-run", action="store_true", help="show the difference, write nothing")

    prune = command("prune", prune_entries, "delete entries of a baseline")
    prune.add_argument("name", metavar="NAME", help="a baseline's name, or the path of its .yaml file")
    prune.add_argument("conditions", metavar="CONDITION", nargs="+", help="as spelled in the baseline")
    prune.add_argument("--dry-run", action="store_true", help="show the difference, write nothing")
    return parser
