"""The pytest side: options, marker, hooks and fixtures; every line translates between pytest and the rooms.

Imported in every pytest run of its environment, so nothing heavy is imported here: neither torch nor numpy.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any, Final, NoReturn

import pytest

from pytest_failaware.conditions import parse_condition
from pytest_failaware.config import OPTIONS, resolve
from pytest_failaware.controller import Controller
from pytest_failaware.errors import ConfigError, FailAwareError
from pytest_failaware.marker import INI_KEYS, INI_LISTS, build_gate
from pytest_failaware.report.document import measurement_to_plain, result_to_plain
from pytest_failaware.report.terminal import failure_lines
from pytest_failaware.schema import Gate, Measurement
from pytest_failaware.session import GatedCondition, Session

if TYPE_CHECKING:
    import torch

    from pytest_failaware.measure.bench import Bench
    from pytest_failaware.measure.loader import DegradedLoader
    from pytest_failaware.run import Evaluation

FIXTURE: Final = "reliability"
SESSION: Final = pytest.StashKey[Session]()
MEASUREMENT: Final = pytest.StashKey[Measurement]()
ENTRY: Final = pytest.StashKey[dict[str, Any]]()  # Any: plain data, attached to the item's report


# ---- options and configuration -------------------------------------------------------------------------------------


def pytest_addoption(parser: pytest.Parser) -> None:
    """Every option with its ini key, and the ini keys of a gate."""
    group = parser.getgroup("failaware", "reliability of classifiers (pytest-failaware)")
    for option in OPTIONS:
        name = f"--failaware-{option.name}"
        if option.flag:
            group.addoption(name, action="store_true", help=option.help)
        else:
            group.addoption(name, metavar=option.metavar, help=option.help)
        if option.ini:
            parser.addini(option.ini, option.help, default=None)
    for key in INI_KEYS:
        text = f"{key} of markers that give none"
        if key in INI_LISTS:
            parser.addini(f"failaware_{key}", text, type="args", default=None)
        else:
            parser.addini(f"failaware_{key}", text, default=None)


def pytest_configure(config: pytest.Config) -> None:
    """Validate what was typed; a mistake ends the run here, before anything is collected."""
    config.addinivalue_line(
        "markers", "reliability(conditions, rule, metrics, tolerance, minimum, maximum, seed, baseline): gate a model"
    )
    try:
        session = Session(
            resolve(
                command_line={option.name: config.getoption(f"--failaware-{option.name}") for option in OPTIONS},
                ini={key.removeprefix("failaware_"): config.getini(key) for key in _ini_keys()},
                environ=os.environ,
                invocation_dir=config.invocation_params.dir,
                ini_dir=config.inipath.parent if config.inipath else config.rootpath,
            )
        )
    except ConfigError as error:
        raise pytest.UsageError(str(error)) from None
    config.stash[SESSION] = session
    if not hasattr(config, "workerinput"):  # the controller of xdist, or the only process there is
        config.pluginmanager.register(Controller(config, session.config), "failaware-controller")


def _ini_keys() -> list[str]:
    return [option.ini for option in OPTIONS if option.ini] + [f"failaware_{key}" for key in INI_KEYS]


def pytest_unconfigure(config: pytest.Config) -> None:
    """Remove the run's temporary files."""
    if SESSION in config.stash:
        config.stash[SESSION].close()


def pytest_report_header(config: pytest.Config) -> str | None:
    """What was typed, where a model is given."""
    typed = config.stash[SESSION].config
    if typed.model is None:
        return None
    return f"failaware: model {typed.model}, data {typed.dataset}, preprocess {typed.preprocess}"


# ---- collection: one item per condition ----------------------------------------------------------------------------


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Turn a marked function into one item per condition."""
    if metafunc.definition.get_closest_marker("reliability") is None:
        return
    gate = _gate(metafunc.definition, metafunc.config.stash[SESSION].config.gate)
    if FIXTURE not in metafunc.fixturenames:
        metafunc.fixturenames.append(FIXTURE)
    gated = [GatedCondition(condition=condition, gate=gate) for condition in gate.conditions]
    metafunc.parametrize(FIXTURE, gated, indirect=True, ids=[one.condition.key for one in gated])


def _gate(node: pytest.Item, base: Gate) -> Gate:
    """The gate of a node: its markers from the farthest to the closest, over the ini's values."""
    for marker in reversed(list(node.iter_markers("reliability"))):
        try:
            if marker.args:
                raise ConfigError(f"reliability takes keyword arguments only, got {marker.args[0]!r}")
            base = build_gate(marker.kwargs, prefix="reliability: ", base=base)
        except ConfigError as error:
            raise pytest.Collector.CollectError(f"{node.nodeid}: {error}") from None
    return base


def pytest_itemcollected(item: pytest.Item) -> None:
    """Have a marked function's measurement set up even where its body asks for no fixture."""
    names = getattr(item, "fixturenames", [])
    if _gated(item) is not None and FIXTURE not in names:
        names.append(FIXTURE)


def _gated(item: pytest.Item) -> GatedCondition | None:
    callspec = getattr(item, "callspec", None)
    return None if callspec is None else callspec.params.get(FIXTURE)


# ---- one item: measured in setup, then the body, then judged -------------------------------------------------------


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, None, None]:
    """Measure through the fixtures; what cannot be used fails the item in one line."""
    item.stash[ENTRY] = {}
    if item.get_closest_marker("reliability") is not None and _gated(item) is None:
        pytest.fail(
            f"{item.nodeid}: reliability gates plain test functions and methods; nothing is checked here", False
        )
    try:
        return (yield)
    except FailAwareError as error:
        _fail_as_unusable(item, error)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, None, None]:
    """Judge after the body has passed; a regression is an ordinary failure of the item."""
    yield
    gated = _gated(item)
    if gated is None:
        return
    session, measurement = item.config.stash[SESSION], item.stash[MEASUREMENT]
    try:
        result = session.judge(measurement, gated.gate, item.nodeid)
        facts = session.facts(measurement, gated.gate)
    except FailAwareError as error:
        _fail_as_unusable(item, error)
    entry = {"result": result_to_plain(result), "facts": list(facts), "rule": str(gated.gate.rule)}
    if session.config.update_baselines:
        entry["measurement"] = measurement_to_plain(measurement)
    item.stash[ENTRY] = entry
    if result.verdict.fails:
        pytest.fail("\n".join(failure_lines(result)), pytrace=False)


def _fail_as_unusable(item: pytest.Item, error: FailAwareError) -> NoReturn:
    """Fail an item that something unusable stops; the run will end with the exit code of a usage error."""
    item.stash[ENTRY] = {"error": str(error)}
    raise pytest.fail.Exception(str(error), pytrace=False) from None


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Send the item's entry along with its report, from an xdist worker too."""
    report = yield
    if item.stash.get(ENTRY, None):
        report.failaware = item.stash[ENTRY]  # type: ignore[attr-defined]  # reports carry extra attributes along
        item.stash[ENTRY] = {}
    return report


# ---- fixtures ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def failaware_device(pytestconfig: pytest.Config) -> torch.device:
    """The device of --failaware-device."""
    return pytestconfig.stash[SESSION].device


@pytest.fixture(scope="session")
def failaware_model(pytestconfig: pytest.Config) -> torch.nn.Module:
    """The model of --failaware-model: on its device, in eval mode, gradients off. Override it to gate your own."""
    session = pytestconfig.stash[SESSION]
    if session.config.model is None:
        pytest.skip("no model given: pass --failaware-model=FILE or override the fixture failaware_model")
    return session.model.module


@pytest.fixture(scope="session")
def failaware_dataset(pytestconfig: pytest.Config) -> object:
    """The labelled images of --failaware-dataset. Override it with a map-style data set of (image, label)."""
    return pytestconfig.stash[SESSION].images


@pytest.fixture
def reliability(request: pytest.FixtureRequest) -> Evaluation:
    """This item's condition, measured: `.records`, `.stats`, `.to_frame()`."""
    gated = getattr(request, "param", None)
    if gated is None:
        pytest.fail("the fixture reliability needs the marker: @pytest.mark.reliability", pytrace=False)
    measurement = _bench(request).measure(gated.condition, gated.gate.seed)
    request.node.stash[MEASUREMENT] = measurement
    return request.config.stash[SESSION].evaluation(measurement, gated.gate)


@pytest.fixture
def failaware_loaders(request: pytest.FixtureRequest) -> Callable[[str], DegradedLoader]:
    """A function from a condition's spelling to its loader of `(inputs, labels)` batches."""
    bench, gate = _bench(request), request.config.stash[SESSION].config.gate

    def loader(condition: str) -> DegradedLoader:
        return bench.loader(parse_condition(condition, "failaware_loaders"), gate.seed)

    return loader


@pytest.fixture
def failaware_loader(request: pytest.FixtureRequest) -> DegradedLoader:
    """The loader of a marked test's current condition."""
    gated = _gated(request.node)
    if gated is None:
        pytest.fail("the fixture failaware_loader needs the marker: @pytest.mark.reliability", pytrace=False)
    return _bench(request).loader(gated.condition, gated.gate.seed)


def _bench(request: pytest.FixtureRequest) -> Bench:
    """The model and the images of this test's fixtures; the model first, so that a run without one skips at once."""
    model = request.getfixturevalue("failaware_model")
    return request.config.stash[SESSION].bench(model, request.getfixturevalue("failaware_dataset"))
