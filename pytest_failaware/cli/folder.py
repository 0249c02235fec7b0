"""The argument that names the folder of the baselines."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path


def add_baseline_dir(parser: ArgumentParser) -> None:
    """Add the folder of the baselines; a command without this argument needs none."""
    parser.add_argument(
        "--baseline-dir", metavar="DIR", type=Path, help="default: as in the ini, else baselines beside it"
    )
