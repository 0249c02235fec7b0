"""Every way to end a run with a regression, plain and strict, and its exit code: none may be green in silence.

    python scripts/endings.py                    # run all ways; exit code 1 if one ends otherwise than it must
    python scripts/endings.py --write            # the same, and write the table into docs/acceptance.md
    python scripts/endings.py lf xfail           # only those whose name holds one of the words

torch is imported once; each run is a fork of this process in a fresh copy of a small project, so this needs POSIX.
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
    """What became of a run."""

    code: int
    output: str


def import_once() -> None:
    """Import what every run would import, before the forks."""
    import pandas  # noqa: F401 - see above
    import scipy.stats  # noqa: F401 - see above
    import torch.fx.experimental.optimization  # noqa: F401 - see above
    import torchvision  # noqa: F401 - see above
    import yaml  # noqa: F401 - see above

    import pytest_failaware

    for module in pkgutil.walk_packages(pytest_failaware.__path__, "pytest_failaware."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    gc.freeze()  # else each fork looks at all of these modules when it collects


def make_project(folder: Path) -> None:
    """A project whose model good.pth is recorded, beside a worse one."""
    import torch
    import toy

    (folder / "pytest.ini").write_text(INI)
    (folder / "toy.py").write_text(Path(toy.__file__).read_text(encoding="utf-8"), encoding="utf-8")
    (folder / "test_toy.py").write_text(GATE)
    (folder / "test_zother.py").write_text(OTHER)
    torch.save(toy.weights(), folder / "good.pth")
    torch.save(toy.weights(dead=(2,)), folder / "worse.pth")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # torch advises against the form, which people have
        program = torch.jit.trace(toy.network().eval(), torch.rand(2, 1, 8, 8))
    program.save(folder / "program.pt")
    record = Way(name="", plain=0, strict=0, args=("--failaware-update-baselines",), model="good.pth")
    if (ending := run(record, folder, strict=False)).code:
        raise SystemExit(f"the project cannot be recorded: {ending.output}")


def ended(way: Way, template: Path, *, strict: bool) -> Ending:
    """The end of one way in a fresh copy of the project."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve() / "project"
        shutil.copytree(template, folder)
        prepare(way, folder)
        return run(way, folder, strict=strict)


def prepare(way: Way, folder: Path) -> None:
    """Change the project as the way asks for it."""
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
            for one in sorted(path.parent.glob(path.name)) if "*" in name else [path]:
                one.parent.mkdir(parents=True, exist_ok=True)
                one.write_text(text)
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
    """Become a run of pytest; does not return."""
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
        sys.path[:] = [one for one in sys.path if one != str(ROOT / "tests")]
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
    """What is not as it must be."""
    for kind, ending, expected in (("plain", plain, way.plain), ("strict", strict, way.strict)):
        if ending.code != expected:
            yield f"{way.name}: {kind}: exit code {ending.code}, expected {expected}\n{ending.output[-3000:]}"
        elif ending.code == 0 and not (
            way.says and re.search(way.says if "|" in way.says else re.escape(way.says), ending.output)
        ):
            yield f"{way.name}: {kind}: green, and does not say {way.says!r}\n{ending.output[-3000:]}"


def table(ways: Sequence[Way]) -> str:
    """The rows for the page."""
    rows = ["| way to end a run with a worse model | plain | strict | a green run says |", "| --- | --- | --- | --- |"]
    for way in ways:
        name = way.name.replace("|", "\\|")
        says = f"`{way.says.partition('|')[0]}`" if way.plain == 0 else ""
        rows.append(f"| {name} | {way.plain} | {way.strict} | {says} |")
    return "\n".join(rows)


def written(page: str) -> str:
    """The page with the table of all ways."""
    before, _, rest = page.partition(START)
    _, _, after = rest.partition(END)
    return f"{before}{START}\n\n{table(WAYS)}\n\n{END}{after}"


def main(arguments: Sequence[str]) -> int:
    """Run the ways; 1 where one ends otherwise than it must."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("words", nargs="*")
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args(arguments)
    ways = [way for way in WAYS if not given.words or any(word in way.name for word in given.words)]

    import_once()
    found: list[str] = []
    with tempfile.TemporaryDirectory() as name, ThreadPoolExecutor(2) as pool:
        template = Path(name).resolve() / "template"
        template.mkdir()
        make_project(template)
        for way in ways:
            both = [pool.submit(ended, way, template, strict=strict) for strict in (False, True)]
            plain, strict = (one.result() for one in both)
            trouble = list(faults(way, plain, strict))
            print(f"{plain.code:3} {strict.code:3}  {'ok ' if not trouble else 'BAD'} {way.name}", flush=True)
            found += trouble
    print("\n".join(found))
    print(f"{len(ways)} ways, {len(found)} faults")
    if given.write and not found:
        PAGE.write_text(written(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    return int(bool(found))


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
