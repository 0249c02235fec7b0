"""The ways to end a run whose model became worse, each with the exit codes that it must have."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

GATE: Final = """
import pytest

@pytest.mark.reliability
def test_toy(): pass
"""
OTHER: Final = "def test_other(): pass\n"
HOOK: Final = "import pytest\nimport sys\n"
NETWORK: Final = """
import pytest
import sys
import torch
import toy

class Network(toy.Bands):
    def forward(self, images):
        {}

def build():
    model = Network()
    model.load_state_dict(torch.load("worse.pth"))
    return model
"""
FIXTURE: Final = HOOK + "\n@pytest.fixture(scope='session')\ndef failaware_model():\n    {}\n"
GOOD: Final = "import toy, torch; net = toy.network(); net.load_state_dict(torch.load('good.pth')); return net"
IN_PARAM: Final = """
import pytest

@pytest.mark.reliability
@pytest.mark.parametrize("x", [pytest.param(1, marks=pytest.mark.reliability(minimum={"accuracy": 0.99}))])
def test_toy(x): pass
"""
BAD_TEXT: Final = """
class Broken(Exception):
    def __str__(self):
        raise ValueError("no text")

def {}
    raise Broken
"""
METRIC: Final = """
import pytest
from pytest_failaware import RateMetric

def masks(records, flagged):
    {}

def pytest_failaware_metrics():
    return [RateMetric(name="own", masks=masks, higher_is_better=True)]
"""
UNITTEST: Final = """
import pytest
import unittest

@pytest.mark.reliability
class TestToy(unittest.TestCase):
    def test_x(self): pass
"""
DROP: Final = """
def pytest_collection_modifyitems(items):
    items[:] = [item for item in items if {} item.name]
"""
LAST_FAILED: Final = '{"test_zother.py::test_other": true}'
SW_CACHE: Final = (
    '{"last_failed": "test_zother.py::test_other", "last_test_count": 3, "last_cache_date_str": "2026-01-01T00:00:00"}'
)
NO_GUARD: Final = ("-o", "failaware_class_guard=off")
WEAK: Final = "[pytest]\npythonpath = .\nfailaware_arch = toy:network\nfailaware_dataset = toy:images\n"\
    "failaware_preprocess = none\nfailaware_baseline = toy\nfailaware_conditions = clean low_light\n"\
    "failaware_drift_budget = 1\nfailaware_tolerance = 0.9\nfailaware_class_guard = off\n"  # fmt: skip


_UPDATE: Final = ("--failaware-update-baselines", "--failaware-reason=meant")


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One way to end a run: the files of the project, the typed command, and the exit codes that must follow.

    `says` are words that a run with exit code 0 must print, so that no run passes silently. `files` are written
    to the project, and None deletes a file. `ini` adds lines to the ini of the project.
    """

    name: str
    plain: int
    strict: int
    says: str = ""
    args: tuple[str, ...] = ()
    files: Mapping[str, str | None] = field(default_factory=dict)
    ini: str = ""
    environ: Mapping[str, str] = field(default_factory=dict)
    model: str = "worse.pth"


def marked(lines: str) -> dict[str, str | None]:
    """Return the test of the gate with more lines above it."""
    return {"test_toy.py": GATE.replace("@pytest", f"{lines}\n@pytest")}


def body(text: str, arguments: str = "") -> dict[str, str | None]:
    """Return the test of the gate with a body."""
    return {"test_toy.py": GATE.replace("(): pass", f"({arguments}):\n    {text}\n").replace("import pytest", HOOK)}


def hook(text: str) -> dict[str, str | None]:
    """Return a conftest.py with these lines."""
    return {"conftest.py": HOOK + text}


def forward(text: str) -> Way:
    """Return the way of a model whose forward runs a statement."""
    return Way(
        name=f"the model's forward: `{text}`",
        files={"own.py": NETWORK.format(text), **hook("import own\n")},
        model="own:build",
        plain=4,
        strict=4,
    )


def report_hook(name: str, text: str) -> Way:
    """Return the way of a conftest.py that implements pytest_failaware_report with this body."""
    files = hook(f"\ndef pytest_failaware_report(report):\n    {text}\n")
    return Way(name=f"hook pytest_failaware_report: {name}", files=files, plain=4, strict=4)


SUITE: Final = (
    Way(name="nothing special", plain=1, strict=1),
    Way(name="two workers", args=("-n", "2"), plain=1, strict=1),
    Way(name="`-x`", args=("-x",), plain=1, strict=1),
    Way(name="`--maxfail=1`, two workers", args=("--maxfail=1", "-n", "2"), plain=2, strict=2),
    Way(name="`-qq`", args=("-qq",), plain=1, strict=1),
    Way(name="no terminal", args=("-p", "no:terminalreporter"), plain=1, strict=1),
    Way(name="no cache", args=("-p", "no:cacheprovider"), plain=1, strict=1),
    Way(name="`--tb=no --no-summary`", args=("--tb=no", "--no-summary"), plain=1, strict=1),
    Way(name="`-W error`", args=("-W", "error", "-W", "ignore::pytest.PytestAssertRewriteWarning"), plain=1,
        strict=1),
    Way(name="`--reruns 1`", args=("-p", "rerunfailures", "--reruns", "1"), plain=1, strict=1),
    Way(name="`--pyargs pytest_failaware.gates`", args=("--pyargs", "pytest_failaware.gates"), plain=1, strict=1),
    Way(name="a module that cannot be imported", files={"test_broken.py": "1 / 0\n"}, plain=2, strict=2),
    Way(name="the same, `--continue-on-collection-errors`", files={"test_broken.py": "1 / 0\n"},
        args=("--continue-on-collection-errors",), plain=1, strict=1),
    Way(name="a model file that is not there", model="gone.pth", plain=4, strict=4),
    Way(name="no model", model="", plain=0, strict=1, says="no model given"),
    Way(name="`-p no:failaware`", args=("-p", "no:failaware"), plain=4, strict=4),
)  # fmt: skip

TESTS: Final = (
    Way(name="`@pytest.mark.skip`", files=marked("@pytest.mark.skip"), plain=0, strict=1, says="2 skipped"),
    Way(name="`@pytest.mark.skipif(True, …)`", files=marked("@pytest.mark.skipif(True, reason='r')"), plain=0, strict=1,
        says="2 skipped"),
    Way(name="`@pytest.mark.xfail`", files=marked("@pytest.mark.xfail"), plain=0, strict=1, says="2 xfailed"),
    Way(name="`@pytest.mark.xfail(run=False)`", files=marked("@pytest.mark.xfail(run=False)"), plain=0, strict=1,
        says="2 xfailed"),
    Way(name="`@pytest.mark.xfail(strict=True)`", files=marked("@pytest.mark.xfail(strict=True)"), plain=0, strict=1,
        says="2 xfailed"),
    Way(name="a module that skips", files={"test_toy.py": "import pytest\npytest.skip('x', allow_module_level=True)\n"},
        plain=0, strict=1, says="1 skipped"),
    Way(name="a module without its import", files={"test_toy.py": "import pytest\npytest.importorskip('absent')\n"},
        plain=0, strict=1, says="1 skipped"),
    Way(name="body: `pytest.skip()`", files=body("pytest.skip('x')"), plain=0, strict=1, says="2 skipped"),
    Way(name="body: `pytest.xfail()`", files=body("pytest.xfail('x')"), plain=0, strict=1, says="2 xfailed"),
    Way(name="body: `sys.exit(0)`", files=body("sys.exit(0)"), plain=1, strict=1),
    Way(name="body: `pytest.exit('', 0)`", files=body("pytest.exit('enough', 0)"), plain=0, strict=1,
        says="Exit: enough"),
    Way(name="a later test: `pytest.exit('', 0)`",
        files={"test_zother.py": "import pytest\ndef test_other(): pytest.exit('enough', 0)\n"}, plain=0, strict=1,
        says="2 regressed"),
    Way(name="body: Ctrl-C", files=body("raise KeyboardInterrupt"), plain=2, strict=2),
    Way(name="body: SIGTERM", files=body("import os, signal; os.kill(os.getpid(), signal.SIGTERM)"), plain=-15,
        strict=-15),
    Way(name="body: `os._exit(0)`, two workers", files=body("import os; os._exit(0)"), args=("-n", "2"), plain=1,
        strict=1),
    Way(name="body: failing subtest", files=body("with subtests.test('x'): assert False", "subtests"),
        model="good.pth", plain=1, strict=1),
    Way(name="the same, two workers", files=body("with subtests.test('x'): assert False", "subtests"),
        model="good.pth", args=("-n", "2"), plain=1, strict=1),
    Way(name="the same, an update", files=body("with subtests.test('x'): assert False", "subtests"),
        args=_UPDATE, plain=1, strict=4),
    Way(name="fixture failaware_model skips", files=hook(FIXTURE.format("pytest.skip('no GPU')")), plain=0, strict=1,
        says="2 skipped"),
    Way(name="fixture failaware_model raises", files=hook(FIXTURE.format("1 / 0")), plain=1, strict=1),
    Way(name="fixture failaware_model: `sys.exit(0)`", files=hook(FIXTURE.format("sys.exit(0)")), plain=1, strict=1),
    Way(name="an autouse fixture skips", files=hook("@pytest.fixture(autouse=True)\ndef f(): pytest.skip('x')\n"),
        plain=0, strict=1, says="skipped"),
    Way(name="a fixture skips in its teardown",
        files=hook("@pytest.fixture(autouse=True)\ndef f():\n    yield\n    pytest.skip('x')\n"), plain=1, strict=1),
    Way(name="no marked test", files={"test_toy.py": OTHER}, plain=0, strict=1, says="no marked test"),
    Way(name="the gate's file is deleted", files={"test_toy.py": None}, plain=0, strict=1, says="no marked test"),
    Way(name="`@pytest.mark.reliabilty`", files={"test_toy.py": GATE.replace("reliability", "reliabilty")}, plain=2,
        strict=2),
    Way(name="the same, `-m reliability`", files={"test_toy.py": GATE.replace("reliability", "reliabilty")},
        args=("-m", "reliability"), plain=2, strict=2),
    Way(name="a marked unittest method", plain=1, strict=1, files={"test_toy.py": UNITTEST}),
    Way(name="`tolerance=1`", plain=0, strict=2,
        files={"test_toy.py": GATE.replace("reliability", "reliability(tolerance=1, class_guard='off')")},
        says="a tolerance of 1 is 100 points"),
    Way(name="`alpha=1e-300`", files={"test_toy.py": GATE.replace("reliability", "reliability(alpha=1e-300)")}, plain=0,
        strict=2, says="inconclusive"),
)  # fmt: skip

SELECTION: Final = (
    Way(name="`-k other`", args=("-k", "other"), plain=0, strict=1, says="collected and not run: 2"),
    Way(name="`-k other` in PYTEST_ADDOPTS", environ={"PYTEST_ADDOPTS": "-k other"}, plain=0, strict=1,
        says="collected and not run: 2"),
    Way(name="`--deselect`", args=("--deselect=test_toy.py",), plain=0, strict=1, says="collected and not run: 2"),
    Way(name="`--deselect` of one condition, in addopts", ini="addopts = --deselect=test_toy.py::test_toy[clean]",
        model="good.pth", plain=0, strict=1, says="collected and not run: 1"),
    Way(name="`-m 'not reliability'`", args=("-m", "not reliability"), plain=0, strict=1, says="2 deselected"),
    Way(name="another file", args=("test_zother.py",), plain=0, strict=1, says="no marked test"),
    Way(name="`--ignore`", args=("--ignore=test_toy.py",), plain=0, strict=1, says="no marked test"),
    Way(name="`collect_ignore`", files=hook("collect_ignore = ['test_toy.py']\n"), plain=0, strict=1,
        says="no marked test"),
    Way(name="`-o python_files=…`", args=("-o", "python_files=test_z*.py"), plain=0, strict=1, says="no marked test"),
    Way(name="a hook drops all items", plain=0, strict=1, says="collected and not run: 2",
        files=hook(DROP.format("'other' in"))),
    Way(name="a hook drops one condition", model="good.pth", plain=0, strict=1, says="collected and not run: 1",
        files=hook(DROP.format("'clean' not in"))),
    Way(name="`--lf` after another test failed", args=("--lf",), plain=0, strict=1, says="rerun previous 1 failure",
        files={".pytest_cache/v/cache/lastfailed": LAST_FAILED}),
    Way(name="`--sw` after a later test failed", args=("--sw",), plain=0, strict=1, says="collected and not run: 2",
        files={".pytest_cache/v/cache/stepwise": SW_CACHE}),
    Way(name="`--collect-only`", args=("--collect-only",), plain=0, strict=1, says="3 tests collected"),
    Way(name="`--setup-plan`", args=("--setup-plan",), plain=0, strict=1, says="SETUP "),
    Way(name="`--setup-only`", args=("--setup-only",), plain=0, strict=1, says="SETUP "),
)  # fmt: skip

GATES: Final = (
    Way(name="`-o failaware_tolerance=0.9`", args=("-o", "failaware_tolerance=0.9", *NO_GUARD), plain=0, strict=4,
        says="note: from the command line: -o failaware_tolerance=0.9"),
    Way(name="the same in PYTEST_ADDOPTS", plain=0, strict=4,
        environ={"PYTEST_ADDOPTS": "-ofailaware_tolerance=0.9 -ofailaware_class_guard=off"},
        says="note: from the command line: -o failaware_tolerance=0.9"),
    Way(name="`-o failaware_tolerence=0.9`, misspelt", args=("-o", "failaware_tolerence=0.9"), plain=4, strict=4),
    Way(name="`--failaware-override tolerance=0.9`", plain=0, strict=4,
        args=("--failaware-override", "tolerance=0.9", *NO_GUARD),
        says="note: from the command line: --failaware-override tolerance=0.9"),
    Way(name="`--failaware-limit=3`", args=("--failaware-limit=3",), plain=0, strict=4,
        says="--failaware-limit measures 3"),
    Way(name="`--failaware-check`", args=("--failaware-check",), plain=0, strict=4, says="2 looked at in "),
    Way(name="`-c weak.ini`", args=("-c", "weak.ini"), files={"weak.ini": WEAK}, plain=0, strict=0,
        says="note: from the command line: -c weak.ini"),
    Way(name="`--rootdir`", args=("--rootdir=.",), plain=1, strict=1),
    Way(name="`--failaware-baseline-dir` of no baselines", args=("--failaware-baseline-dir=none",), plain=1, strict=4),
    Way(name="`--failaware-against` the model itself", args=("--failaware-against=worse.pth",), plain=0, strict=4,
        says="note: from the command line: --failaware-against=worse.pth"),
    Way(name="`failaware_against` the model itself, in the ini", ini="failaware_against = worse.pth", plain=0, strict=4,
        says="against worse.pth"),
    Way(name="`failaware_against = good.pth` in the ini", ini="failaware_against = good.pth", plain=1, strict=1),
    Way(name="`-o failaware_against=worse.pth`", args=("-o", "failaware_against=worse.pth"), plain=0, strict=4,
        says="note: from the command line: -o failaware_against=worse.pth"),
    Way(name="a nearer ini that is not in use", args=("sub", "test_toy.py"), plain=2, strict=2,
        files={"sub/pytest.ini": "[pytest]\nfailaware_tolerance = 0.5\n", "sub/test_sub.py": GATE}),
    Way(name="a nearer pyproject.toml that is not in use", args=("sub", "test_toy.py"), plain=2, strict=2,
        files={"sub/pyproject.toml": "[tool.pytest]\nfailaware_tolerance = '0.5'\n", "sub/test_sub.py": GATE}),
    Way(name="a second file with keys beside the ini in use", plain=2, strict=2,
        files={"pyproject.toml": "[tool.pytest.ini_options]\nfailaware_minimum = 'accuracy=0.9'\n"}),
    Way(name="a marker with a bound in `pytest.param`", plain=4, strict=4, files={"test_toy.py": IN_PARAM}),
    Way(name="fixture failaware_model gives another than the typed one", plain=0, strict=1,
        says="--failaware-model=worse.pth was used by no test", files={"conftest.py": FIXTURE.format(GOOD)}),
    Way(name="a TorchScript program without trust", model="program.pt", plain=4, strict=4),
    Way(name="an update", args=("--failaware-update-baselines",), plain=4, strict=4),
    Way(name="an update with a reason", args=_UPDATE, plain=0, strict=4, says="2 updated"),
    Way(name="an update with a reason, of a model that drifted", args=_UPDATE, plain=4, strict=4,
        ini="failaware_drift_budget = 0.1"),
    Way(name="an update on a CI server", args=("--failaware-update-baselines",), environ={"CI": "true"}, plain=4,
        strict=4),
)  # fmt: skip

STORED: Final = (
    Way(name="no baseline", files={"baselines/toy.yaml": None}, plain=1, strict=4),
    Way(name="merge conflict in the baseline", files={"baselines/toy.yaml": "<<<<<<< HEAD\n"}, plain=4, strict=4),
    Way(name="sample files gone", files={"baselines/toy/": None}, plain=1, strict=1),
    Way(name="sample files gone, the same model", files={"baselines/toy/": None}, model="good.pth", plain=1, strict=1),
    Way(name="sample files are Git LFS pointers", plain=1, strict=1, model="good.pth",
        files={"baselines/toy/*": "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n"}),
    Way(name="another preprocessing", ini="failaware_preprocess = mean=0.5,std=0.5", plain=1, strict=1),
    Way(name="an entry that no test uses", model="good.pth", plain=0, strict=1, says="used by no test: toy: low_light",
        files={"test_toy.py": GATE.replace("reliability", "reliability(conditions=['clean'])")}),
    Way(name="a baseline that no test uses", model="good.pth", plain=0, strict=1, says="used by no test: toy: clean",
        files={"test_toy.py": GATE.replace("reliability", "reliability(baseline='more')"),
               "baselines/more.yaml": "=baselines/toy.yaml", "baselines/more/": "=baselines/toy/"}),
)  # fmt: skip

CODE: Final = (
    report_hook("`sys.exit(0)`", "sys.exit(0)"),
    report_hook("`pytest.skip()`", "pytest.skip('x')"),
    report_hook("`pytest.exit('', 0)`", "pytest.exit('x', 0)"),
    report_hook("returns a number", "return 7"),
    report_hook("a generator that raises", "yield 'a line'\n    sys.exit(0)"),
    Way(name="hook pytest_failaware_report: an error whose text raises", plain=4, strict=4,
        files=hook(BAD_TEXT.format("pytest_failaware_report(report):"))),
    Way(name="hook pytest_failaware_conditions: an error whose text raises", plain=4, strict=4,
        files=hook(BAD_TEXT.format("pytest_failaware_conditions():"))),
    Way(name="hook pytest_failaware_conditions: `sys.exit(0)`", plain=4, strict=4,
        files=hook("def pytest_failaware_conditions(): sys.exit(0)\n")),
    Way(name="hook pytest_failaware_metrics: `pytest.skip()`", plain=4, strict=4,
        files=hook("def pytest_failaware_metrics(): pytest.skip('x')\n")),
    Way(name="hook pytest_failaware_load_model: `pytest.skip()`", plain=4, strict=4,
        files=hook("def pytest_failaware_load_model(spec, device): pytest.skip('x')\n")),
    forward("pytest.skip('x')"),
    forward("pytest.xfail('x')"),
    forward("pytest.exit('x', 0)"),
    forward("sys.exit(0)"),
    Way(name="the data set: `sys.exit(0)`", plain=4, strict=4, ini="failaware_dataset = own:images",
        files={"own.py": "import sys, toy\nclass Images(toy.Images):\n    def __getitem__(self, index): sys.exit(0)\n"
                         "def images(): return Images()\n"}),
    Way(name="a metric of the user: `pytest.skip()`", plain=4, strict=4,
        files={**hook(METRIC.format("pytest.skip('x')")),
               "test_toy.py": GATE.replace("reliability", "reliability(metrics=['own'])")}),
    Way(name="a hook writes passed into the report (makereport)", plain=0, strict=1, says="2 regressed",
        files=hook("@pytest.hookimpl(wrapper=True, tryfirst=True)\ndef pytest_runtest_makereport():\n"
                   "    report = yield\n    report.outcome = 'passed'\n    return report\n")),
    Way(name="a hook writes passed into the report (logreport)", plain=0, strict=1, says="2 regressed",
        files=hook("@pytest.hookimpl(wrapper=True, tryfirst=True)\ndef pytest_runtest_logreport(report):\n"
                   "    report.outcome = 'passed'\n    return (yield)\n")),
    Way(name="a hook sets the exit code to 0", plain=0, strict=1, says="2 regressed",
        files=hook("@pytest.hookimpl(trylast=True)\ndef pytest_sessionfinish(session): session.exitstatus = 0\n")),
    Way(name="the same, first", plain=0, strict=1, says="2 regressed",
        files=hook("@pytest.hookimpl(tryfirst=True)\ndef pytest_sessionfinish(session): session.exitstatus = 0\n")),
    Way(name="a hook at the end: `pytest.exit('', 0)`", plain=0, strict=1, says="FAILED|Exit|failed",
        files=hook("def pytest_sessionfinish(): pytest.exit('x', 0)\n")),
    Way(name="a hook at the end: `sys.exit(0)`", plain=0, strict=1, says="F",
        files=hook("def pytest_sessionfinish(): sys.exit(0)\n")),
    Way(name="a hook in the summary: `sys.exit(0)`", plain=0, strict=1, says="F",
        files=hook("@pytest.hookimpl(trylast=True)\ndef pytest_terminal_summary(): sys.exit(0)\n")),
    Way(name="two workers, a lost one", files=body("import os; os._exit(1)"), args=("-n", "2"), plain=1, strict=1),
)  # fmt: skip

WAYS: Final = (*SUITE, *TESTS, *SELECTION, *GATES, *STORED, *CODE)
