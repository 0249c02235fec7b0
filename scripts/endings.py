"""Try every way to end a run with a regression, plain and strict; no run may pass without a message.

    python scripts/endings.py                    # run all ways; exit code 1 if a run does not end as it must
    python scripts/endings.py --write            # the same, and write the table into docs/acceptance.md
    python scripts/endings.py lf xfail           # only ways whose name contains one of the words

torch is imported once; each run is a fork of this process in a new copy of a small project, so this needs POSIX.
"""

from __future__ import annotations

import argparse
import gc
import importlib
import os
import pkgutil
import re
import shutil
import signal
import sys
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, NamedTuple

ROOT: Final = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "scripts"), str(ROOT / "tests")]

from ways import GATE, OTHER, WAYS, Way  # noqa: E402 - see the line above

from pytest_failaware.config.option_texts import CI_SERVERS  # noqa: E402 - as above

PAGE: Final = ROOT / "docs" / "acceptance.md"
START: Final = "<!-- endings: written by scripts/endings.py --write -->"
END: Final = "<!-- end of endings -->"
INI: Final = """[pytest]
pythonpath = .
failaware_arch = toy:network
failaware_dataset = toy:images
failaware_preprocess = none
failaware_baseline = toy
failaware_conditions = clean low_light
failaware_drift_budget = 1
"""
LONGEST: Final = 600  # seconds a run may take


class Ending(NamedTuple):
    """The exit code and the output of a run."""

    code: int
    output: str


def import_once() -> None:
    """Import once, before the forks, what every run would import."""
    import pandas  # noqa: F401 - see above
    import scipy.stats  # noqa: F401 - see above
    import torch.fx.experimental.optimization  # noqa: F401 - see above
    import torchvision  # noqa: F401 - see above
    import yaml  # noqa: F401 - see above

    import pytest_failaware

    for module in pkgutil.walk_packages(pytest_failaware.__path__, "pytest_failaware."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    gc.freeze()  # without this each fork would scan all of these modules when it collects garbage


def make_project(folder: Path) -> None:
    """Write a project with a recorded model good.pth and a worse model worse.pth."""
    import torch
    import toy

    (folder / "pytest.ini").write_text(INI)
    (folder / "toy.py").write_text(Path(toy.__file__).read_text(encoding="utf-8"), encoding="utf-8")
    (folder / "test_toy.py").write_text(GATE)
    (folder / "test_zother.py").write_text(OTHER)
    torch.save(toy.weights(), folder / "good.pth")
    torch.save(toy.weights(dead=(2,)), folder / "worse.pth")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # torch deprecates TorchScript, which people still use
        program = torch.jit.trace(toy.network().eval(), torch.rand(2, 1, 8, 8))
    program.save(folder / "program.pt")
    record = Way(name="", plain=0, strict=0, args=("--failaware-update-baselines",), model="good.pth")
    if (ending := run(record, folder, strict=False)).code:
        raise SystemExit(f"the project cannot be recorded: {ending.output}")


def ended(way: Way, template: Path, *, strict: bool) -> Ending:
    """Run one way in a new copy of the project."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve() / "project"
        shutil.copytree(template, folder)
        prepare(way, folder)
        return run(way, folder, strict=strict)


def prepare(way: Way, folder: Path) -> None:
    """Change the files of the project for the way."""
    for name, text in way.files.items():
        path = folder / name
        if text is None and name.endswith("/"):
            shutil.rmtree(path)
        elif text is None:
            path.unlink()
        elif text.startswith("="):
            source = folder / text[1:]
            shutil.copytree(source, path) if source.is_dir() else shutil.copy(source, path)
        else:
            for file in sorted(path.parent.glob(path.name)) if "*" in name else [path]:
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(text)
    if way.ini:
        key = way.ini.partition(" ")[0]
        kept = [line for line in INI.splitlines() if not line.startswith(f"{key} ")]
        (folder / "pytest.ini").write_text("\n".join([*kept, way.ini, ""]))


def run(way: Way, folder: Path, *, strict: bool) -> Ending:
    """Run pytest in a fork of this process."""
    words = [
        "-p",
        "no:randomly",
        "-p",
        "no:hypothesispytest",
        *(() if "rerunfailures" in way.args else ("-p", "no:rerunfailures")),
        *way.args,
    ]
    words += [f"--failaware-model={way.model}"] if way.model else []
    words += ["--failaware-strict"] if strict else []
    output = folder.with_suffix(".out")
    child = os.fork()
    if child == 0:
        _be_pytest(words, folder, output, way)
    _, status = os.waitpid(child, 0)
    return Ending(os.waitstatus_to_exitcode(status), output.read_text(encoding="utf-8", errors="replace"))


def _be_pytest(words: Sequence[str], folder: Path, output: Path, way: Way) -> None:
    """Turn this process into a run of pytest; do not return."""
    code = 99
    try:
        signal.alarm(LONGEST)
        file = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(file, 1)
        os.dup2(file, 2)
        os.chdir(folder)
        for name in (*CI_SERVERS, "PYTEST_ADDOPTS", "FAILAWARE_STRICT", "FAILAWARE_MODEL", "COLUMNS"):
            os.environ.pop(name, None)
        os.environ.update({"COLUMNS": "160", **way.environ})
        sys.modules.pop("toy", None)
        sys.path[:] = [folder for folder in sys.path if folder != str(ROOT / "tests")]
        import pytest
        import torch

        torch.set_num_threads(1)
        code = int(pytest.main(list(words)))
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else int(bool(error.code))
    finally:
        sys.stdout.flush()
        os._exit(code)


def faults(way: Way, plain: Ending, strict: Ending) -> Iterator[str]:
    """Yield what differs from the expected endings of a way."""
    for kind, ending, expected in (("plain", plain, way.plain), ("strict", strict, way.strict)):
        if ending.code != expected:
            yield f"{way.name}: {kind}: exit code {ending.code}, expected {expected}\n{ending.output[-3000:]}"
        elif ending.code == 0 and not (
            way.says and re.search(way.says if "|" in way.says else re.escape(way.says), ending.output)
        ):
            yield f"{way.name}: {kind}: green, and does not say {way.says!r}\n{ending.output[-3000:]}"


def table(ways: Sequence[Way]) -> str:
    """Return the table for the page."""
    rows = ["| way to end a run with a worse model | plain | strict | a green run says |", "| --- | --- | --- | --- |"]
    for way in ways:
        name = way.name.replace("|", "\\|")
        says = f"`{way.says.partition('|')[0]}`" if way.plain == 0 else ""
        rows.append(f"| {name} | {way.plain} | {way.strict} | {says} |")
    return "\n".join(rows)


def written(page: str) -> str:
    """Return the page with the table of all ways."""
    before, _, rest = page.partition(START)
    _, _, after = rest.partition(END)
    return f"{before}{START}\n\n{table(WAYS)}\n\n{END}{after}"


def main(arguments: Sequence[str]) -> int:
    """Run the ways, and return 1 if a run does not end as it must."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("words", nargs="*")
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args(arguments)
    ways = [way for way in WAYS if not options.words or any(word in way.name for word in options.words)]

    import_once()
    all_faults: list[str] = []
    with tempfile.TemporaryDirectory() as name, ThreadPoolExecutor(2) as pool:
        template = Path(name).resolve() / "template"
        template.mkdir()
        make_project(template)
        for way in ways:
            both = [pool.submit(ended, way, template, strict=strict) for strict in (False, True)]
            plain, strict = (future.result() for future in both)
            way_faults = list(faults(way, plain, strict))
            print(f"{plain.code:3} {strict.code:3}  {'ok ' if not way_faults else 'BAD'} {way.name}", flush=True)
            all_faults += way_faults
    print("\n".join(all_faults))
    print(f"{len(ways)} ways, {len(all_faults)} faults")
    if options.write and not all_faults:
        PAGE.write_text(written(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    return int(bool(all_faults))


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
