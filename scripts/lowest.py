"""Run the tests on the oldest versions that the package claims to support.

    python scripts/lowest.py [pytest arguments]

A new virtual environment, removed at the end, gets exactly the versions that pyproject.toml names by `>=` for the
package and its extras (with torch, a download of 3 GB); packages only for developers are the newest that fit.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import tomllib
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FLOOR = re.compile(r"([\w.-]+)>=([\w.]+)")
FOR_DEVELOPERS = {"test", "docs"}


def floors() -> list[str]:
    """Return the oldest supported version of each requirement, as constraints for pip."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = {name: needs for name, needs in project["optional-dependencies"].items() if name not in FOR_DEVELOPERS}
    return [FLOOR.sub(r"\1==\2", need) for needs in (project["dependencies"], *extras.values()) for need in needs]


def main(arguments: list[str]) -> int:
    """Install, print the versions, run the tests, and return pytest's exit code."""
    with tempfile.TemporaryDirectory(prefix="failaware-lowest-") as folder:
        constraints = Path(folder) / "floors.txt"
        constraints.write_text("\n".join(floors()) + "\n", encoding="utf-8")
        print(constraints.read_text(encoding="utf-8"), flush=True)
        venv.create(Path(folder) / "venv", with_pip=True)
        python = str(Path(folder) / "venv" / "bin" / "python")
        subprocess.run([python, "-m", "pip", "install", "-q", "-c", constraints, "-e", f"{ROOT}[test]"], check=True)
        return subprocess.run([python, "-m", "pytest", *arguments], cwd=ROOT, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
