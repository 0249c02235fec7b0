"""Collect marked tests: one item per condition, each with its gate."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_failaware.config.conflicts import check_logits, refuse_ineffective
from pytest_failaware.config.gate import build_gate
from pytest_failaware.config.nearer import NearerInis
from pytest_failaware.core.attachment import Collected
from pytest_failaware.core.errors import ConfigError
from pytest_failaware.core.gate import Gate
from pytest_failaware.core.plain import to_plain
from pytest_failaware.core.text import without_home
from pytest_failaware.plugin.gated_items import FIXTURE, brings_model, find_torn, gated_of, is_marked
from pytest_failaware.plugin.partial_run import left_out_by_marks
from pytest_failaware.plugin.session import GatedCondition, Session
from pytest_failaware.plugin.startup import session_of
from pytest_failaware.plugin.stash import CONTROLLER, FAULT, NEARER, SESSION


def parametrise(metafunc: pytest.Metafunc) -> None:
    """Turn a marked function into one item per condition."""
    node = metafunc.definition
    _refuse_other_ini(node)
    session = _opened(node.config)
    if session is None:
        return
    gate = _gate(node, session)
    if FIXTURE not in metafunc.fixturenames:
        metafunc.fixturenames.append(FIXTURE)
    markers = tuple(node.iter_markers("reliability"))
    gated = [GatedCondition(condition=condition, gate=gate, markers=markers) for condition in gate.conditions]
    metafunc.parametrize(FIXTURE, gated, indirect=True, ids=[item.condition.key for item in gated])


def _opened(config: pytest.Config) -> Session | None:
    """Return the session, or None if an option or a key has a wrong value; that ends the run after the collection."""
    if FAULT in config.stash:
        return None
    try:
        return session_of(config)
    except pytest.UsageError as error:
        config.stash[FAULT] = str(error)
        return None


def _refuse_other_ini(node: pytest.Item) -> None:
    """Refuse a test if a nearer configuration file has keys of ours and pytest does not use that file."""
    try:
        _look_for_other_inis(node)
    except ConfigError as error:
        raise pytest.Collector.CollectError(f"{node.nodeid}: {without_home(str(error))}") from None


def _look_for_other_inis(node: pytest.Item) -> None:
    config = node.config
    if NEARER not in config.stash:
        start = config.invocation_params.dir
        config.stash[NEARER] = NearerInis(in_use=config.inipath, root=config.rootpath, start=start)
    nearer = config.stash[NEARER]
    if not config.getoption("inifilename", None):  # -c chooses one of several
        nearer.refuse_second()
    if node.path.parent != Path(__file__).parents[1]:  # our own gates belong to any ini
        nearer.refuse(node.path.parent)


def _gate(node: pytest.Item, session: Session) -> Gate:
    """Return the gate of a test: the ini, over it the markers from the farthest to the closest, then the overrides."""
    gate, run = session.config.gate, session.config
    try:
        for marker in reversed(list(node.iter_markers("reliability"))):
            if marker.args:
                raise ConfigError(f"reliability takes keyword arguments only, got {marker.args[0]!r}")
            gate = build_gate(marker.kwargs, prefix="reliability: ", base=gate, vocabulary=session.vocabulary)
        gate = build_gate(run.overrides, prefix="--failaware-override=", base=gate, vocabulary=session.vocabulary)
        check_logits(run, gate)
        if run.strict:
            refuse_ineffective(gate)
        if run.against is None and (gate.baseline or not brings_model(node)):
            session.entry_rules.add(node.nodeid, gate)
    except ConfigError as error:
        raise pytest.Collector.CollectError(f"{node.nodeid}: {error}") from None
    return gate


def take_in(item: pytest.Item) -> None:
    """Remember a marked item, and request its measurement even if its body asks for no fixture."""
    session = _opened(item.config)
    if session is None or not is_marked(item):
        return
    session.collected.append(item)
    names = getattr(item, "fixturenames", [])
    if gated_of(item) is not None and FIXTURE not in names:
        names.append(FIXTURE)


def finish(session: pytest.Session) -> None:
    """Report to the controller which marked items will run, and which were deselected."""
    runs, ours = {id(item) for item in session.items}, session.config.stash[SESSION]  # pytest's session, and ours
    deselected = [item for item in ours.collected if id(item) not in runs]
    find_torn(session.items, ours)
    ours.measures_clean = any(map(_gates_clean, session.items))
    collected = Collected(
        selected=tuple(item.nodeid for item in ours.collected if id(item) in runs),
        deselected=tuple(item.nodeid for item in deselected),
        unmarked=tuple(item.nodeid for item in left_out_by_marks(session.config, deselected)),
    )
    if CONTROLLER in session.config.stash:
        session.config.stash[CONTROLLER].state.ledger.add_collection(collected)
    elif ours.collected:
        session.config.workeroutput["failaware"] = to_plain(collected)  # type: ignore[attr-defined]  # xdist's own attribute


def _gates_clean(item: pytest.Item) -> bool:
    gated = gated_of(item)
    return gated is not None and gated.condition.key == "clean"
