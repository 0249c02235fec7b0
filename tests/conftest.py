"""What every test shares. The imports come first: a pytest run inside a test forgets the modules that it imported."""

import gc
import importlib
import os
import pkgutil
import sys
from collections.abc import Iterator

if "PYTEST_XDIST_WORKER" in os.environ:  # each worker has one core; threads that wait for each other's turn cost most
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # read once, when torch is imported

import distributions
import execnet  # noqa: F401 - see above
import forked_workers
import hypothesis  # noqa: F401 - see above; its plugin imports it at the end of every run
import numpy  # noqa: F401 - see above
import pandas  # noqa: F401 - see above
import pytest
import scipy.stats  # noqa: F401 - see above
import torch
import torchvision  # noqa: F401 - see above
import toy
import yaml  # noqa: F401 - see above
from project import Command, Project

import pytest_failaware
from pytest_failaware.cli.main import main
from pytest_failaware.config.option_texts import CI_SERVERS
from pytest_failaware.measure.cache.own_files import OwnFiles

for module in pkgutil.walk_packages(pytest_failaware.__path__, "pytest_failaware."):
    if not module.name.endswith(("__main__", ".gates")):  # the one is a program, the other a file of tests
        importlib.import_module(module.name)
distributions.read_once()
gc.set_threshold(10_000, 20, 20)  # the runs inside tests make many objects; with 700 each collects dozens of times


@pytest.fixture
def toy_model() -> toy.Bands:
    """The toy classifier with its weights."""
    model = toy.network()
    model.load_state_dict(toy.weights())
    return model


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A fresh toy project, whose own code are the modules that its runs load, as in a new process."""
    modules, of_suite = OwnFiles.modules, {id(module): module for module in sys.modules.values()}

    def of_project(files: OwnFiles) -> list[object]:
        files._foreign.update(of_suite)
        return modules(files)

    monkeypatch.setattr(OwnFiles, "modules", of_project)
    return Project(pytester)


@pytest.fixture
def with_copies() -> bool:
    """Whether a network may be folded into faster copies, which takes longest; a test sets it by parametrize."""
    return False


@pytest.fixture
def _copies(monkeypatch: pytest.MonkeyPatch, with_copies: bool) -> None:
    """Run a network as it is, unless the test asks for copies; test_fold.py and test_runner.py have the copies."""
    if not with_copies:
        monkeypatch.setattr("pytest_failaware.measure.engine.runner.private_copies", lambda module, images: iter(()))


@pytest.fixture
def command(project: Project, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Command:
    """Runs a command in the project's folder: its exit code, and what it printed."""
    monkeypatch.chdir(project.path)

    def run(*words: str) -> tuple[int, str]:
        capsys.readouterr()
        code = main(words)
        printed = capsys.readouterr()
        return code, printed.out + printed.err

    return run


@pytest.fixture(scope="session")
def fork_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[forked_workers.Server]:
    """Starts workers for runs with xdist inside tests."""
    server = forked_workers.Server(tmp_path_factory.mktemp("forks"))
    yield server
    server.stop()


@pytest.fixture(autouse=True)
def _forked_workers(monkeypatch: pytest.MonkeyPatch, fork_server: forked_workers.Server) -> None:
    """Workers of runs inside tests are forks; test_xdist.py has true ones."""
    if forked_workers.AVAILABLE:
        monkeypatch.setattr("execnet.gateway_io.popen_args", fork_server.command)


@pytest.fixture(autouse=True)
def _switches_of_torch() -> Iterator[None]:
    """Restore the switches that training in an example or a benchmark sets for the whole process."""
    deterministic, threads = torch.are_deterministic_algorithms_enabled(), torch.get_num_threads()
    yield
    torch.use_deterministic_algorithms(deterministic)
    torch.set_num_threads(threads)


@pytest.fixture(autouse=True, scope="session")
def _no_outer_variables() -> Iterator[None]:
    """Remove the variables of CI servers, which change what the plugin does, before the fixtures of a module run."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("FAILAWARE_MODEL", "FAILAWARE_STRICT", "PYTEST_ADDOPTS", "GITHUB_STEP_SUMMARY", *CI_SERVERS):
            patch.delenv(name, raising=False)
        yield


LONGEST = ("test_readme.py", "test_xdist.py", "test_more_examples.py", "test_kept_runs.py", "test_scale.py")
"""Files of the longest tests, which start first, so that no worker waits for another at the end."""


def pytest_collection_finish() -> None:
    """Leave the modules and the collected tests out of each later garbage collection."""
    gc.freeze()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest tests come first. Tests marked gpu are skipped, not failed, if there is no CUDA device."""
    items.sort(key=lambda item: LONGEST.index(item.path.name) if item.path.name in LONGEST else len(LONGEST))
    if torch.cuda.is_available():
        return
    for item in items:
        if item.get_closest_marker("gpu"):
            # Meant: these compare CUDA with the CPU, whose side other tests check without it.
            item.add_marker(pytest.mark.skip(reason="no CUDA device"))
