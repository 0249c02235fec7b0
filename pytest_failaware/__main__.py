"""Run the commands of `python -m pytest_failaware`."""

from __future__ import annotations

import sys

from pytest_failaware.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
