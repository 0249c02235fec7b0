"""The pytest side: options, marker, hooks and fixtures; every line translates between pytest and the rooms.

Imported in every pytest run of its environment, so nothing heavy is imported here: neither torch nor numpy.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn

import pytest

from pytest_failaware import hookspec
from pytest_failaware.config.conflicts import check_logits, refuse_toothless
from pytest_failaware.config.gate import INI_KEYS, INI_LISTS, build_gate
from pytest_failaware.config.misspelt import refuse_misspelt
from pytest_failaware.config.nearer import NearerInis
from pytest_failaware.config.options import OPTIONS
from pytest_failaware.core.attachment import Attachment
from pytest_failaware.core.conditions.spelling import parse_condition
from pytest_failaware.core.errors import ConfigError, FailAwareError
from pytest_failaware.core.gate import Gate
from pytest_failaware.core.result import ItemResult
from pytest_failaware.core.text import printable, without_home
from pytest_failaware.plugin.attaching import ATTACHMENT, attach
from pytest_failaware.plugin.bends import bends_of
from pytest_failaware.plugin.check.hooks import LOOK, CheckHooks
from pytest_failaware.plugin.check.item import Check
from pytest_failaware.plugin.console import verbosity_of
from pytest_failaware.plugin.controller import GIVE_ONE, Controller
from pytest_failaware.plugin.foresight import foresee
from pytest_failaware.plugin.gate_header import gate_lines
from pytest_failaware.plugin.gated_items import (
    FIXTURE,
    find_torn,
    gated_of,
    is_marked,
    refuse_unready,
    takes_gates,
)
from pytest_failaware.plugin.judging import Judging
from pytest_failaware.plugin.last_word import LastWord
from pytest_failaware.plugin.partial_run import left_out_by_marks
from pytest_failaware.plugin.session import GatedCondition, Measured, Session
from pytest_failaware.plugin.startup import is_in_use, open_session, remove_earlier
from pytest_failaware.plugin.user_code import contained
from pytest_failaware.report import junit
from pytest_failaware.report.failure import failure_lines

if TYPE_CHECKING:
    import torch

    from pytest_failaware.judge.evaluation import Evaluation
    from pytest_failaware.measure.engine.loader import DegradedLoader
    from pytest_failaware.measure.live import Bench

CONTROLLER: Final = "failaware-controller"
SESSION: Final = pytest.StashKey[Session]()
JUDGING: Final = pytest.StashKey[Judging]()
NEARER: Final = pytest.StashKey[NearerInis]()
IN_USE: Final = pytest.StashKey[bool]()  # whether an option or a key of ours was given
CHECK: Final = pytest.StashKey[Check]()
MEASURED: Final = pytest.StashKey[Measured]()
ATTACHED: Final = pytest.StashKey[Attachment]()  # what the next report of the item will carry
_BODY_FAILED: Final = "the body of the test failed, so nothing of it is stored"
_HEADER: Final = {"model": "model", "predictions": "predictions", "data": "dataset", "preprocess": "preprocess"}


# ---- options and configuration -------------------------------------------------------------------------------------


def pytest_addoption(parser: pytest.Parser) -> None:
    """Every option with its ini key, and the ini keys of a gate."""
    group = parser.getgroup("failaware", "reliability of classifiers (pytest-failaware)")
    for option in OPTIONS:
        if option.typed and option.flag:
            group.addoption(option.typed, action="store_true", help=option.help)
        elif option.typed:
            action = "append" if option.repeated else "store"
            group.addoption(option.typed, action=action, metavar=option.metavar, help=option.help)
        if option.ini and option.flag:
            parser.addini(option.ini, option.help, type="bool", default=None)
        elif option.ini and option.repeated:
            parser.addini(option.ini, option.help, type="linelist", default=None)
        elif option.ini:
            parser.addini(option.ini, option.help, default=None)
    for key in INI_KEYS:
        text = f"{key} of markers that give none"
        if key in INI_LISTS:
            parser.addini(f"failaware_{key}", text, type="args", default=None)
        else:
            parser.addini(f"failaware_{key}", text, default=None)


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    """What other plugins and conftest files can add."""
    pluginmanager.add_hookspecs(hookspec)


def pytest_configure(config: pytest.Config) -> None:
    """Validate what was typed; a mistake ends the run here, before anything is collected."""
    config.addinivalue_line(
        "markers",
        "reliability(conditions, rule, metrics, tolerance, minimum, maximum, policy, alpha, seed, "
        "baseline): gate a model",
    )
    reports = not hasattr(config, "workerinput")  # the controller of xdist, or the only process there is
    if reports:
        remove_earlier(config)
    try:
        session = open_session(config)
    except FailAwareError as error:
        raise pytest.UsageError(without_home(str(error))) from None
    config.stash[SESSION], config.stash[JUDGING] = session, Judging(session)
    config.stash[IN_USE] = is_in_use(config, session.config)
    start = config.invocation_params.dir
    config.stash[NEARER] = NearerInis(in_use=config.inipath, root=config.rootpath, start=start)
    controller = Controller(config, session.config, session.early) if reports else None
    if controller is not None:
        _register(config, controller, CONTROLLER)
        _register(config, LastWord(controller), f"{CONTROLLER}-last-word")
    if session.config.check:
        config.stash[CHECK] = Check(config.stash[JUDGING])
        _register(config, CheckHooks(controller), "failaware-check")


def _register(config: pytest.Config, part: object, name: str) -> None:
    """Register a part of this plugin, which nobody can block alone."""
    if config.pluginmanager.register(part, name) is None:
        raise pytest.UsageError(f"-p no:{name}: nothing would be reported or stored without it; leave it out")


def pytest_unconfigure(config: pytest.Config) -> None:
    """Remove the run's temporary files."""
    if SESSION in config.stash:
        config.stash[SESSION].close()


def pytest_report_header(config: pytest.Config) -> list[str]:
    """What was typed, where a model is given; at -v every value with its origin; a bent gate in colour."""
    run = config.stash[SESSION].config
    bends = bends_of(config, run) if config.stash[IN_USE] else ()
    bent = [printable(without_home(f"failaware: {bend}")) for bend in bends]
    lines = [config.get_terminal_writer().markup(line, yellow=True, bold=True) for line in bent]
    if run.model is None and run.predictions is None:
        return lines
    typed = {name: option for name, option in _HEADER.items() if run.predictions is None or option != "dataset"}
    known = [f"{name} {run.origins[option].text}" for name, option in typed.items() if option in run.origins]
    origins = [f"  {name} = {one.text} ({one.place})" for name, one in run.origins.items()]
    values = [*origins, *gate_lines(config, run.gate)] if verbosity_of(config) > 0 else []
    header = [f"failaware: {', '.join(known)}", *values]
    return [*(printable(without_home(line)) for line in header), *lines]


# ---- collection: one item per condition ----------------------------------------------------------------------------


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Turn a marked function into one item per condition."""
    _refuse_ungated(metafunc.definition)
    if metafunc.definition.get_closest_marker("reliability") is None:
        return
    gate = _gate(metafunc.definition, metafunc.config.stash[SESSION])
    if FIXTURE not in metafunc.fixturenames:
        metafunc.fixturenames.append(FIXTURE)
    markers = tuple(metafunc.definition.iter_markers("reliability"))
    gated = [GatedCondition(condition=condition, gate=gate, markers=markers) for condition in gate.conditions]
    metafunc.parametrize(FIXTURE, gated, indirect=True, ids=[one.condition.key for one in gated])


def _refuse_ungated(node: pytest.Item) -> None:
    """Refuse a test that looks gated and is not: its marker is misspelt, or its own ini is not the one in use."""
    try:
        if node.config.stash[IN_USE]:
            refuse_misspelt((marker.name for marker in node.iter_markers()), node.config.getini("markers"))
        if is_marked(node):
            _refuse_other_ini(node)
    except ConfigError as error:
        raise pytest.Collector.CollectError(f"{node.nodeid}: {without_home(str(error))}") from None


def _refuse_other_ini(node: pytest.Item) -> None:
    """Refuse a test for which keys of ours stand in a file that pytest does not use."""
    nearer = node.config.stash[NEARER]
    if not node.config.getoption("inifilename", None):  # -c chooses one of several
        nearer.refuse_second()
    if node.path.parent != Path(__file__).parents[1]:  # our own gates belong to any ini
        nearer.refuse(node.path.parent)


def _gate(node: pytest.Item, session: Session) -> Gate:
    """The gate of a node: the ini's values, over them its markers from the farthest to the closest, then overrides."""
    gate, run = session.config.gate, session.config
    try:
        for marker in reversed(list(node.iter_markers("reliability"))):
            if marker.args:
                raise ConfigError(f"reliability takes keyword arguments only, got {marker.args[0]!r}")
            gate = build_gate(marker.kwargs, prefix="reliability: ", base=gate, vocabulary=session.vocabulary)
        gate = build_gate(run.overrides, prefix="--failaware-override=", base=gate, vocabulary=session.vocabulary)
        check_logits(run, gate)
        if run.strict:
            refuse_toothless(gate)
    except ConfigError as error:
        raise pytest.Collector.CollectError(f"{node.nodeid}: {error}") from None
    return gate


def pytest_itemcollected(item: pytest.Item) -> None:
    """Have a marked function's measurement set up even where its body asks for no fixture."""
    if is_marked(item):
        item.config.stash[SESSION].collected.append(item)
    names = getattr(item, "fixturenames", [])
    if gated_of(item) is not None and FIXTURE not in names:
        names.append(FIXTURE)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Tell the process that reports which marked items will run, and which were collected and left out, by whomever."""
    runs = {id(item) for item in session.items}
    collected = session.config.stash[SESSION].collected
    deselected = [item for item in collected if id(item) not in runs]
    find_torn(session.items, session.config.stash[SESSION])
    session.config.stash[SESSION].measures_clean = any(map(_gates_clean, session.items))
    collection = {
        "selected": [item.nodeid for item in collected if id(item) in runs],
        "deselected": [item.nodeid for item in deselected],
        "unmarked": [item.nodeid for item in left_out_by_marks(session.config, deselected)],
    }
    controller = session.config.pluginmanager.get_plugin(CONTROLLER)
    if controller is not None:
        controller.ledger.add_collection(**collection)
    elif collected:
        session.config.workeroutput["failaware"] = collection  # type: ignore[attr-defined]  # xdist's own attribute


def _gates_clean(item: pytest.Item) -> bool:
    gated = gated_of(item)
    return gated is not None and gated.condition.key == "clean"


# ---- one item: measured in setup, then the body, then judged -------------------------------------------------------


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, None, None]:
    """Measure through the fixtures; what cannot be used fails the item in one line."""
    item.stash[ATTACHED] = Attachment()
    try:
        _refuse_other_markers(item)
        return (yield)
    except FailAwareError as error:
        _fail_as_unusable(item, error)


def _refuse_other_markers(item: pytest.Item) -> None:
    """Refuse an item with markers from which no gate was built: they came after pytest_generate_tests."""
    gated, markers = gated_of(item), tuple(item.iter_markers("reliability"))
    if markers == (() if gated is None else gated.markers):
        return
    if gated is None and not takes_gates(item):
        pytest.fail(
            f"{item.nodeid}: reliability gates plain test functions and methods; nothing is checked here", False
        )
    raise ConfigError(
        f"{item.nodeid}: its markers reliability are not those of the function, so a hook or pytest.param changed them "
        "after its gate was built; put the arguments into the marker of the function"
    )


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, None, None]:
    """Judge after the body; a regression is an ordinary failure of an item whose body has passed."""
    gated = gated_of(item)
    try:
        yield
    except (Exception, pytest.fail.Exception):
        _judge_after_failure(item, gated)
        raise
    if gated is None:
        return
    try:
        if (measured := item.stash.get(MEASURED, None)) is None:
            raise ConfigError(
                f"{item.nodeid}: another fixture reliability stands in place of the plugin's, so nothing was measured; "
                "rename it"
            )
        result = _judge(item, gated, measured)
    except FailAwareError as error:
        _fail_as_unusable(item, error)
    others = [one for one in item.user_properties if not one[0].startswith(junit.PREFIX)]
    item.user_properties[:] = [*others, *junit.properties(result)]  # of a test that runs again, the last attempt's
    if result.verdict.fails:
        lines = failure_lines(result, verbosity=verbosity_of(item.config))
        pytest.fail("\n".join(printable(without_home(line)) for line in lines), pytrace=False)


def _judge(item: pytest.Item, gated: GatedCondition, measured: Measured, *, body_failed: bool = False) -> ItemResult:
    """The result of an item, which is attached to its report."""
    judging = item.config.stash[JUDGING]
    file, line, _ = item.location
    with contained("judging it: a metric of a hook"):
        result = judging.judge(measured, gated.gate, item.nodeid, location=(file, (line or 0) + 1))
        result = dataclasses.replace(result, notes=(*result.notes, *([_BODY_FAILED] if body_failed else [])))
        judged = judging.attachment(measured, gated.gate, result)
    item.stash[ATTACHED] = Attachment(judged=judged)
    return result


def _judge_after_failure(item: pytest.Item, gated: GatedCondition | None) -> None:
    """Attach what was measured though the body failed, so that the summary has it; nothing of it is stored."""
    measured = item.stash.get(MEASURED, None)
    if gated is None or measured is None:
        return
    try:
        _judge(item, gated, measured, body_failed=True)
    except FailAwareError:
        item.stash[ATTACHED] = Attachment()  # the failure of the body is what the item reports


def _fail_as_unusable(item: pytest.Item, error: FailAwareError) -> NoReturn:
    """Fail an item that something unusable stops; the run will end with the exit code of a usage error."""
    text = printable(without_home(str(error)))
    item.stash[ATTACHED] = Attachment(error=text)
    raise pytest.fail.Exception(text, pytrace=False) from None


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Send what the item attached along with its report, from an xdist worker too."""
    report, session = (yield), item.config.stash[SESSION]
    attachment = dataclasses.replace(
        item.stash.get(ATTACHED, Attachment()),
        notices=tuple(session.measurer.take_notices()),
        early=tuple(session.early.take()),
    )
    if attachment != Attachment():
        attach(report, ATTACHMENT, attachment)
        item.stash[ATTACHED] = Attachment()
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
        pytest.skip(f"no model given: {GIVE_ONE}")
    return session.model.module


@pytest.fixture(scope="session")
def failaware_dataset(pytestconfig: pytest.Config) -> object:
    """The labelled images of --failaware-dataset. Override it with a map-style data set of (image, label)."""
    return pytestconfig.stash[SESSION].images


@pytest.fixture
def reliability(request: pytest.FixtureRequest) -> Evaluation:
    """This item's condition, measured: `.records`, `.stats`, `.to_frame()`."""
    gated = getattr(request, "param", None)
    if not isinstance(gated, GatedCondition):
        pytest.fail("the fixture reliability needs the marker: @pytest.mark.reliability", pytrace=False)
    session = request.config.stash[SESSION]
    refuse_unready(request.node, gated, session)
    measured = _looked(request, gated) if session.config.check else _measured(request, gated)
    return session.evaluation(measured, gated.gate)


@pytest.fixture
def failaware_loaders(request: pytest.FixtureRequest) -> Callable[[str], DegradedLoader]:
    """A function from a condition's spelling to its loader of `(inputs, labels)` batches."""
    session = request.config.stash[SESSION]
    bench, gate, known = _bench(request), session.config.gate, session.vocabulary.definitions

    def loader(condition: str) -> DegradedLoader:
        return bench.loader(parse_condition(condition, "failaware_loaders", known), gate.seed)

    return loader


@pytest.fixture
def failaware_loader(request: pytest.FixtureRequest) -> DegradedLoader:
    """The loader of a marked test's current condition."""
    gated = gated_of(request.node)
    if gated is None:
        pytest.fail("the fixture failaware_loader needs the marker: @pytest.mark.reliability", pytrace=False)
    return _bench(request).loader(gated.condition, gated.gate.seed)


def _measured(request: pytest.FixtureRequest, gated: GatedCondition) -> Measured:
    """Measure a condition, once its comparison is known to be possible."""
    session, judging = request.config.stash[SESSION], request.config.stash[JUDGING]
    subject = session.subject(lambda: _parts(request))
    foresee(judging, gated, subject.facts)
    measured = session.measure(subject, gated.condition, gated.gate.seed)
    request.node.stash[MEASURED] = measured
    return measured


def _looked(request: pytest.FixtureRequest, gated: GatedCondition) -> Measured:
    """Look at a few samples in place of measuring all."""
    check = request.config.stash[CHECK]
    look, measured = check.look(gated, lambda: _parts(request))
    request.node.stash[LOOK] = look
    return measured


def _bench(request: pytest.FixtureRequest) -> Bench:
    """The model and the images of this test's fixtures."""
    session = request.config.stash[SESSION]
    if session.config.check:
        return request.config.stash[CHECK].looker.seen(*_parts(request), session.config.gate.seed).bench
    return session.live(*_parts(request)).bench


def _parts(request: pytest.FixtureRequest) -> tuple[Any, Any]:  # Any: whatever the fixtures return
    """The model and the data set of this test's fixtures.

    The data set opens faster and comes first; but a run without a model skips before it opens anything.
    """
    if request.config.stash[SESSION].config.model is None:
        model = request.getfixturevalue("failaware_model")
        return model, request.getfixturevalue("failaware_dataset")
    dataset = request.getfixturevalue("failaware_dataset")
    return request.getfixturevalue("failaware_model"), dataset
