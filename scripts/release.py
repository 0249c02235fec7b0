"""Build the release and try it in empty environments, outside of this folder.

    python scripts/release.py                   # all steps; some gigabytes are downloaded
    python scripts/release.py build newest      # only these steps
    python scripts/release.py floors --python python3.11

build    builds the sdist and the wheel, lets twine check them, and looks for every file of the package in the wheel
newest   installs the wheel with the newest versions of what it needs
floors   installs it with the lowest versions that pyproject.toml allows

After an installation, the first command of the README must pass on a copy of the example, and the worse checkpoint must
fail. The files stay in dist/; the environments are removed.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]
DIST: Final = ROOT / "dist"
PROJECT: Final = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXAMPLE: Final = Path("examples/digits")
EXPECTED: Final = {"digits.pth": 0, "digits_worse.pth": 1}
"""A checkpoint of the example -> the exit code of its run."""
STEPS: Final = ("build", "newest", "floors")


def say(text: str) -> None:
    """Print a line without delay."""
    print(text, flush=True)


def run(*command: object, cwd: Path, expected: int = 0) -> str:
    """Run a command without the variables of this folder, and return what it printed."""
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTEST_ADDOPTS")}
    words = [str(word) for word in command]
    done = subprocess.run(words, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != expected:
        sys.exit(f"{' '.join(words)}: exit code {done.returncode}, expected {expected}\n{done.stdout}{done.stderr}")
    return done.stdout


def environment(folder: Path, python: str, *packages: str) -> Path:
    """Make a virtual environment with these packages and nothing else; return its Python."""
    run(python, "-m", "venv", folder, cwd=ROOT)
    interpreter = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
    run(interpreter, "-m", "pip", "install", "--quiet", *packages, cwd=folder)
    return interpreter


def build(python: str, work: Path) -> None:
    """Build both files, check them, and compare the wheel with the package."""
    shutil.rmtree(DIST, ignore_errors=True)
    interpreter = environment(work, python, "build", "twine")
    run(interpreter, "-m", "build", "--outdir", DIST, ROOT, cwd=work)
    files = sorted(DIST.iterdir())
    run(interpreter, "-m", "twine", "check", "--strict", *files, cwd=work)
    say(f"built and checked: {', '.join(f'{path.name} ({path.stat().st_size:,} bytes)' for path in files)}")
    with zipfile.ZipFile(wheel()) as archive:
        missing = set(package_files()) - set(archive.namelist())
    if missing:
        sys.exit(f"not in the wheel: {', '.join(sorted(missing))}")
    say(f"the wheel has all {len(list(package_files()))} files of the package, with its templates, styles and py.typed")


def package_files() -> Iterator[str]:
    """Yield each file of the package."""
    for path in (ROOT / "pytest_failaware").rglob("*"):
        if path.is_file() and "__pycache__" not in path.parts:
            yield path.relative_to(ROOT).as_posix()


def wheel() -> Path:
    """Return the wheel in dist/."""
    files = list(DIST.glob("*.whl"))
    if len(files) != 1:
        sys.exit(f"{DIST}: {len(files)} wheels, expected 1; run the step build")
    return files[0]


def floors() -> list[str]:
    """Return the lowest version of each package that the project and its example need on this system."""
    needed = [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["demo"]]
    pinned = [re.sub(r">=\s*", "==", requirement) for requirement in needed]
    return [requirement for requirement in pinned if os.name == "nt" or "win32" not in requirement]


def try_example(interpreter: Path, folder: Path) -> None:
    """Run the README's first command on a copy of the example, then the worse checkpoint."""
    for part in (EXAMPLE, "baselines"):
        shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__", ".pytest_cache"))
    for checkpoint, code in EXPECTED.items():
        words = (EXAMPLE, f"--failaware-model={EXAMPLE / checkpoint}", "-p", "no:cacheprovider")
        output = run(interpreter, "-m", "pytest", *words, cwd=folder, expected=code)
        say(f"  {checkpoint}: exit code {code}, as expected: {output.strip().splitlines()[-1].strip(' =')}")


def install(python: str, work: Path, packages: Sequence[str]) -> None:
    """Install the wheel, print the versions, and try the example."""
    interpreter = environment(work / "venv", python, f"{wheel()}[demo]", *packages)
    names = {re.split(r"[=<>!;\[ ]", requirement)[0].lower() for requirement in (*floors(), PROJECT["name"])}
    listed = run(interpreter, "-m", "pip", "list", "--format=freeze", cwd=work).splitlines()
    say(f"  {', '.join(line for line in listed if line.split('==')[0].lower() in names)}")
    say(f"  {run(interpreter, '-m', 'pytest_failaware', '--version', cwd=work).strip()}")
    try_example(interpreter, work)


def main(arguments: Sequence[str]) -> None:
    """Run the steps in their order."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("steps", nargs="*", metavar="step", help=f"{', '.join(STEPS)}; all if left out")
    parser.add_argument("--python", default=sys.executable, help="the Python of the environments")
    options = parser.parse_args(arguments)
    for step in [step for step in STEPS if step in (options.steps or STEPS)]:
        say(f"{step}, {PROJECT['name']} {PROJECT['version']}")
        with tempfile.TemporaryDirectory() as name:
            work = Path(name).resolve()
            if step == "build":
                build(options.python, work)
            else:
                install(options.python, work, floors() if step == "floors" else ())


if __name__ == "__main__":
    main(sys.argv[1:])
