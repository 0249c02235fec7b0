"""The fixtures. Each imports what it needs when a test asks for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from pytest_failaware.plugin.stash import CHECK, JUDGING, LOOK, MEASURED, NO_MODEL, SESSION

if TYPE_CHECKING:
    import torch

    from pytest_failaware.judge.evaluation import Evaluation
    from pytest_failaware.measure.engine.loader import DegradedLoader
    from pytest_failaware.measure.live import Bench
    from pytest_failaware.plugin.session import GatedCondition, Measured, Session


@pytest.fixture(scope="session")
def failaware_device(pytestconfig: pytest.Config) -> torch.device:
    """Return the device of --failaware-device."""
    return _session(pytestconfig).device


@pytest.fixture(scope="session")
def failaware_model(pytestconfig: pytest.Config) -> torch.nn.Module:
    """Return the model of --failaware-model, on its device, in eval mode, without gradients.

    Override this fixture to gate a model that your own code makes.
    """
    session = _session(pytestconfig)
    if session.config.model is None:
        from pytest_failaware.plugin.gated_items import GIVE_ONE

        skip = pytestconfig.stash[NO_MODEL] = pytest.skip.Exception(f"no model given: {GIVE_ONE}")
        raise skip
    return session.model.module


@pytest.fixture(scope="session")
def failaware_dataset(pytestconfig: pytest.Config) -> object:
    """Return the labelled images of --failaware-dataset.

    Override this fixture with a map-style data set of (image, label).
    """
    return _session(pytestconfig).images


@pytest.fixture
def reliability(request: pytest.FixtureRequest) -> Evaluation:
    """Return the measurement of this item's condition, with `.records`, `.stats` and `.to_frame()`."""
    from pytest_failaware.plugin.gated_items import gated_of, refuse_unready

    gated = gated_of(request.node)
    if gated is None:
        pytest.fail("the fixture reliability needs the marker: @pytest.mark.reliability", pytrace=False)
    session = _session(request.config)
    refuse_unready(request.node, gated, session)
    measured = _looked(request, gated) if session.config.check else _measured(request, gated)
    return session.evaluation(measured, gated.gate)


@pytest.fixture
def failaware_loaders(request: pytest.FixtureRequest) -> Callable[[str], DegradedLoader]:
    """Return a function that takes the spelling of a condition and returns its loader of `(inputs, labels)` batches."""
    from pytest_failaware.core.conditions.spelling import parse_condition

    session = _session(request.config)
    bench, gate, known = _bench(request), session.config.gate, session.vocabulary.definitions

    def loader(condition: str) -> DegradedLoader:
        return bench.loader(parse_condition(condition, "failaware_loaders", known), gate.seed)

    return loader


@pytest.fixture
def failaware_loader(request: pytest.FixtureRequest) -> DegradedLoader:
    """Return the loader of this item's condition."""
    from pytest_failaware.plugin.gated_items import gated_of

    gated = gated_of(request.node)
    if gated is None:
        pytest.fail("the fixture failaware_loader needs the marker: @pytest.mark.reliability", pytrace=False)
    return _bench(request).loader(gated.condition, gated.gate.seed)


def _session(config: pytest.Config) -> Session:
    """Return the session of this process, and open it if no marked test did."""
    from pytest_failaware.plugin.startup import session_of

    return session_of(config)


def _measured(request: pytest.FixtureRequest, gated: GatedCondition) -> Measured:
    """Measure a condition, after a check that it can be compared."""
    from pytest_failaware.core.to_measure import ToMeasure
    from pytest_failaware.plugin.foresight import foresee
    from pytest_failaware.plugin.gated_items import overridden

    session, judging = request.config.stash[SESSION], request.config.stash[JUDGING]
    subject = session.subject(gated, lambda: _parts(request), from_options=not overridden(request.node))
    foresee(judging, gated, subject.facts)
    rules = judging.references.rules(subject.facts, gated.condition.key, gated.gate)
    measured = session.measure(subject, ToMeasure(gated.condition, gated.gate.seed, rules))
    request.node.stash[MEASURED] = measured
    return measured


def _looked(request: pytest.FixtureRequest, gated: GatedCondition) -> Measured:
    """Look at a few samples instead of measuring all of them."""
    check = request.config.stash[CHECK]
    look, measured = check.look(gated, lambda: _parts(request))
    request.node.stash[LOOK] = look
    return measured


def _bench(request: pytest.FixtureRequest) -> Bench:
    """Return the bench with the model and the images of this test's fixtures."""
    session = _session(request.config)
    if session.config.check:
        return request.config.stash[CHECK].looker.seen(*_parts(request), session.config.gate.seed).bench
    return session.live(*_parts(request)).bench


def _parts(request: pytest.FixtureRequest) -> tuple[Any, Any]:  # Any: users' fixtures return any type
    """Return the model and the data set of this test's fixtures.

    The data set comes first because it opens faster. A run without a model skips before it opens anything.
    """
    if _session(request.config).config.model is None:
        model = request.getfixturevalue("failaware_model")
        return model, request.getfixturevalue("failaware_dataset")
    dataset = request.getfixturevalue("failaware_dataset")
    return request.getfixturevalue("failaware_model"), dataset
