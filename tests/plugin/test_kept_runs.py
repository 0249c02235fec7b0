"""A run that finds everything in the cache opens neither the model nor the images, unless something has changed."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from cached_run import make_project
from PIL import Image
from project import Project

from pytest_failaware.measure.cache import run_key
from pytest_failaware.plugin.session import Session

INI = """
[pytest]
failaware_arch = shufflenet_v2_x0_5
failaware_dataset = folder:data
failaware_preprocess = none
failaware_conditions = clean fog:1
failaware_drift_budget = 1
"""
MODULES = """
import sys

def pytest_unconfigure():
    with open("modules.txt", "w") as file:
        file.write("\\n".join(sys.modules))
"""
URI, NAME = r"data:image/[^\"']+", r"class\d/\d{5}.png"
HEAVY = ("torch", "torchvision", "scipy.stats", "pandas")

Opened = list[str]


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> Opened:
    """Act as if torch were not imported, and return a list with one entry for each time that a model is opened."""
    found: Opened = []
    live = Session.live

    def noted(session: Session, module: object, dataset: object) -> object:
        found.append("opened")
        return live(session, module, dataset)

    monkeypatch.setattr(Session, "live", noted)
    monkeypatch.setattr(run_key, "is_torch_loaded", lambda: False)
    return found


@pytest.fixture(scope="module")
def material(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with images and with a model that knows them."""
    folder = tmp_path_factory.mktemp("material")
    make_project(folder, 60, "shufflenet_v2_x0_5")
    (folder / "pytest.ini").unlink()
    return folder


@pytest.fixture
def kept(project: Project, opened: Opened, material: Path, _copies: None) -> Project:
    """Return a project with a baseline, for which an earlier run has cached everything."""
    shutil.copytree(material, project.path, dirs_exist_ok=True)
    (project.path / "tox.ini").write_text(INI)
    (project.path / "conftest.py").write_text(MODULES)
    project.always = ("test_toy.py",)
    project.record("--failaware-reason=random weights", model="model.pth")
    opened.clear()
    return project


def _report(project: Project, name: str) -> dict[str, object]:
    """Return a report without its cache counts and the places of its records."""
    report: dict[str, object] = json.loads((project.path / name).read_text())
    results = report["results"]
    assert isinstance(results, list)
    for result in results:
        del result["reuse"], result["measurement"]["records"]["member"]
    return {**report, "results": sorted(results, key=lambda result: result["nodeid"])}


@pytest.mark.parametrize("with_copies", [True])
def test_a_cached_run_says_what_an_uncached_run_says(kept: Project, opened: Opened) -> None:
    """A cached run opens nothing and reports the facts, notes and numbers of an uncached run."""
    kept.run("--failaware-report=fresh.json", "--failaware-no-cache", model="model.pth")
    opened.clear()
    second = kept.run("--failaware-report=cached.json", model="model.pth")
    assert [] == opened
    second.assert_outcomes(passed=2)
    second.stdout.fnmatch_lines(["reused 2 of 2 measured conditions from the cache*"])
    fresh, cached = (_report(kept, name) for name in ("fresh.json", "cached.json"))
    assert fresh["results"] == cached["results"]
    assert fresh["facts"] == cached["facts"]


def test_a_rule_with_another_temperature_opens_the_model_once(kept: Project, opened: Opened) -> None:
    """The first run under the rule measures its scores, the second opens nothing, and an uncached run says the same."""
    rule = "--failaware-override=rule=confidence < 0.6 or entropy > 1.0 at temperature 0.25"
    cells = []
    for is_opened, extra in ((True, ()), (False, ()), (True, ("--failaware-no-cache",))):
        opened.clear()
        kept.run(rule, *extra, "--failaware-report=r.json", model="model.pth")
        assert is_opened == bool(opened)
        results = json.loads((kept.path / "r.json").read_text())["results"]
        cells.append({result["nodeid"]: result["cells"] for result in results})
    assert cells[:1] * 3 == cells


def test_a_cached_run_imports_no_torch(kept: Project) -> None:
    """Two processes at once fill the cache, and a third process then imports neither torch nor scipy.stats."""
    command = [sys.executable, "-m", "pytest", "-p", "no:randomly", "test_toy.py", "--failaware-model=model.pth"]
    for processes in (2, 1):
        started = [
            subprocess.Popen(command, cwd=kept.path, stdout=subprocess.PIPE, text=True) for _ in range(processes)
        ]
        for process in started:
            text, _ = process.communicate()
            assert 0 == process.returncode, text
            assert "reused 2 of 2" in text
    assert set() == {*HEAVY} & set((kept.path / "modules.txt").read_text().split())


def _pixel(path: Path) -> None:
    """Change one pixel of an image, and set the time of the file back."""
    file = sorted(path.glob("data/*/*.png"))[0]
    status, pixels = file.stat(), np.array(Image.open(file))
    pixels[0, 0, 0] ^= 1
    Image.fromarray(pixels).save(file)
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))


def _same_size(path: Path) -> None:
    """Change a byte of an image, which keeps its size and its time."""
    file = sorted(path.glob("data/*/*.png"))[0]
    status, content = file.stat(), bytearray(file.read_bytes())
    content[-1] ^= 1  # this byte is in the checksum of the last chunk, which Pillow does not read
    file.write_bytes(content)
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert (status.st_size, status.st_mtime_ns) == (file.stat().st_size, file.stat().st_mtime_ns)


def _another_image(path: Path) -> None:
    pixels = np.random.default_rng(5).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path / "data" / "class1" / "another.png")


def _weights(path: Path) -> None:
    content = (path / "model.pth").read_bytes()
    (path / "model.pth").write_bytes(content + b"\0")


def _other_weights(path: Path) -> None:
    """Write another checkpoint of the same name and time."""
    file = path / "model.pth"
    status, state = file.stat(), torch.load(file)
    state["fc.bias"] += 1
    torch.save(state, file)
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))


def _conftest(text: str) -> Callable[[Path], object]:
    return lambda path: (path / "conftest.py").write_text(text)


CHANGES: dict[str, Callable[[Path], object]] = {
    "a pixel": _pixel,
    "a byte": _same_size,
    "one image more": _another_image,
    "the name of a class": lambda path: (path / "data" / "class1").rename(path / "data" / "class1b"),
    "the file of the model": _weights,
    "another model": _other_weights,
    "another conftest": _conftest("VALUE = 1"),
    "a hook around fixtures": _conftest("def pytest_fixture_setup(fixturedef, request): return None"),
    "a hook": _conftest("def pytest_failaware_load_model(spec, device): return None"),
    "a fixture of the model": _conftest(
        "import pytest\n\n@pytest.fixture\ndef failaware_model(failaware_model): return failaware_model\n"
    ),
    "a fixture of the images": _conftest(
        "import pytest\n\n@pytest.fixture\ndef failaware_dataset(failaware_dataset): return failaware_dataset\n"
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_may_have_changed_is_opened(kept: Project, opened: Opened, change: str) -> None:
    """The model is opened if a file changed, or if code is new that may change the model or the images."""
    CHANGES[change](kept.path)
    kept.run(model="model.pth")
    assert "opened" in opened


@pytest.mark.parametrize(
    "argument",
    ["--failaware-limit=50", "--failaware-batch-size=7", "--failaware-override=seed=1 -k fog",
     "--failaware-preprocess=resize=16", "-o failaware_rule=entropy>0.8",
     "--failaware-against=model.pth", "--failaware-precision=bfloat16", "--failaware-no-cache"],
)  # fmt: skip
def test_another_option_is_opened(kept: Project, opened: Opened, argument: str) -> None:
    """The model is opened if an option changes what is measured."""
    kept.run(*argument.split(), model="model.pth")
    assert "opened" in opened


DATA = """
import numpy as np
import pytest
from PIL import Image

PIXELS = np.random.default_rng(7).integers(0, 256, (40, 32, 32, 3), dtype=np.uint8)
DATA = [(Image.fromarray(pixels), number % 10) for number, pixels in enumerate(PIXELS)]
"""
TEST = """
@pytest.mark.reliability(conditions="clean")
def test_toy(reliability{argument}):
    print("samples", reliability.stats.cells.samples)
"""
FIXTURE = "\n@pytest.fixture{options}\ndef failaware_dataset(): return DATA\n"
BY_PARAMETER = '\n@pytest.mark.parametrize("failaware_dataset", [DATA], ids=["own"]{options})'
GENERATED = """
def pytest_generate_tests(metafunc):
    metafunc.parametrize("failaware_dataset", [DATA], ids=["own"])
"""
OF_CLASS = """
class TestOwn:
    @pytest.fixture
    def failaware_dataset(self): return DATA

    @pytest.mark.reliability(conditions="clean")
    def test_toy(self, reliability):
        print("samples", reliability.stats.cells.samples)
"""
IN_TURN = """
@pytest.fixture
def failaware_dataset(request): return request.param
"""
ASKED = TEST.format(argument=", failaware_dataset")
WAYS: dict[str, str] = {
    "parametrize": BY_PARAMETER.format(options="") + ASKED,
    "indirect": IN_TURN + BY_PARAMETER.format(options=", indirect=True") + ASKED,
    "pytest_generate_tests": GENERATED + ASKED,
    "a fixture of the module": FIXTURE.format(options="") + TEST.format(argument=""),
    "a fixture for all": FIXTURE.format(options="(autouse=True, scope='session')") + TEST.format(argument=""),
    "a fixture of the class": OF_CLASS,
    "usefixtures": FIXTURE.format(options="")
    + "@pytest.mark.usefixtures('failaware_dataset')"
    + TEST.format(argument=""),
}


@pytest.mark.parametrize("way", WAYS)
def test_images_of_the_test_are_measured(kept: Project, opened: Opened, way: str) -> None:
    """A test that gets its own data set in any way is measured on it, even if the options' data is cached."""
    kept.test(DATA + TEST.format(argument=""))
    for _ in range(2):
        opened.clear()
        kept.run("-s", model="model.pth").stdout.fnmatch_lines(["*samples 60*"])
    assert [] == opened
    kept.test(DATA + WAYS[way])
    kept.run("-s", model="model.pth").stdout.fnmatch_lines(["*samples 40*"])
    assert "opened" in opened


def test_a_parameter_beside_an_unchanged_file(kept: Project, opened: Opened) -> None:
    """Two tests of one file, one of them with its own data, do not get each other's numbers."""
    kept.test(DATA + TEST.format(argument="") + BY_PARAMETER.format(options="") + ASKED.replace("toy", "own"))
    for _ in range(2):
        opened.clear()
        kept.run("-s", "-k", "not test_own", model="model.pth").stdout.fnmatch_lines(["*samples 60*"])
    assert [] == opened
    kept.run("-s", "-k", "test_own", model="model.pth").stdout.fnmatch_lines(["*samples 40*"])
    kept.run("-s", model="model.pth").stdout.fnmatch_lines(["*samples 60*", "*samples 40*"])


def test_a_parameter_that_is_a_model(kept: Project, opened: Opened) -> None:
    """A model from parametrize is measured, although the options name another one."""
    source = "import pytest, torch, torchvision\nM = torchvision.models.shufflenet_v2_x0_5(num_classes=10)\n"
    mark = "@pytest.mark.parametrize('failaware_model', [M], ids=['own'])"
    kept.test(source + mark + TEST.format(argument=", failaware_model"))
    kept.run(model="model.pth")
    assert "opened" in opened


SWITCHED = """
import os
import pytest
from PIL import Image

@pytest.fixture(autouse=True)
def inverted(monkeypatch):
    load = Image.Image.convert
    if "INVERTED" in os.environ:
        inverted = lambda self, mode: load(self, mode).point(lambda value: 255 - value)
        monkeypatch.setattr(Image.Image, "convert", inverted)
"""


def test_a_replaced_function_that_reads_images(kept: Project, opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    """The model is opened if user code replaces a function of Pillow, even if the code's file is the same."""
    (kept.path / "conftest.py").write_text(SWITCHED)
    for _ in range(2):
        opened.clear()
        kept.run(model="model.pth")
    assert [] == opened
    monkeypatch.setenv("INVERTED", "1")
    kept.run(model="model.pth")
    assert "opened" in opened


def test_a_helper_of_the_tests_has_changed(kept: Project, opened: Opened) -> None:
    """The model is opened if the content of a user module that the tests import has changed."""
    kept.test("import helper\n" + DATA + TEST.format(argument=""))
    for value in (1, 1, 2):
        opened.clear()
        (kept.path / "helper.py").write_text(f"VALUE = {value}\n")
        kept.run(model="model.pth")
        assert value == 1 or "opened" in opened


def test_a_process_with_torch_opens_the_model(kept: Project, opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    """The model is opened in a process that has torch loaded, since any code may have changed torch."""
    monkeypatch.setattr(run_key, "is_torch_loaded", lambda: True)
    kept.run(model="model.pth")
    assert "opened" in opened


def test_the_fixtures_open_the_model(kept: Project) -> None:
    """A test whose body uses the model and the images gets both in a cached run."""
    kept.test(
        "import pytest\n\n@pytest.mark.reliability\ndef test_toy(reliability, failaware_model, failaware_dataset):\n"
        "    assert not failaware_model.training and 60 == len(failaware_dataset) == reliability.stats.cells.samples\n"
    )
    kept.run(model="model.pth").assert_outcomes(passed=2)


def test_names_and_thumbnails_of_a_cached_run(kept: Project, opened: Opened) -> None:
    """A cached run names and shows the images that a worse model loses as an uncached run does."""
    state = torch.load(kept.path / "model.pth")
    state["fc.weight"][:5] = 0
    torch.save(state, kept.path / "worse.pth")
    kept.run("-k", "clean", "--failaware-report=fresh.html", model="worse.pth")
    opened.clear()
    cached = kept.run("-k", "clean", model="worse.pth")
    assert [] == opened
    kept.run("-k", "clean", "--failaware-report=cached.html", model="worse.pth").assert_outcomes(failed=1)
    assert "reused 1 of 1" in cached.stdout.str()
    pages = [(kept.path / name).read_text(encoding="utf-8") for name in ("fresh.html", "cached.html")]
    images, names = ([set(re.findall(pattern, page)) for page in pages] for pattern in (URI, NAME))
    assert images[0] == images[1] != set()
    assert names[0] == names[1] != set()


def test_a_damaged_file_of_what_was_opened(kept: Project, opened: Opened) -> None:
    """A damaged cache file is reported, the model is opened, and the file is replaced for the next run."""
    (file,) = kept.path.glob(".pytest_cache/d/failaware/opened@*.npz")
    file.write_bytes(file.read_bytes().replace(b"shufflenet", b"shufflenot"))
    first = kept.run(model="model.pth")
    first.stdout.fnmatch_lines(["*opened@*not what the cache wrote (*"])
    first.assert_outcomes(passed=2)
    assert "opened" in opened
    opened.clear()
    kept.run(model="model.pth")
    assert [] == opened
