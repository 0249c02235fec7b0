"""The argument that names the folder of the baselines."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path


def add_baseline_dir(parser: ArgumentParser) -> None:
    """Add the argument; a command that reads no baseline does not call this."""
    parser.add_argument(
        "--baseline-dir", metavar="DIR", type=Path, help="default: as in the ini, else baselines beside it"
    )
