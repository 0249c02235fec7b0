"""What a measurement needs, known before anything is opened."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_failaware.config.gate import build_gate
from pytest_failaware.config.option_texts import Surroundings
from pytest_failaware.config.resolve import resolve
from pytest_failaware.core.conditions.spelling import parse_condition
from pytest_failaware.core.errors import ConfigError
from pytest_failaware.core.gate import Gate
from pytest_failaware.core.request import RunConfig
from pytest_failaware.measure.requirements import check_requirements, known_name, torn_entries

WHOLE = {"model": "m.pth", "dataset": "folder:d", "preprocess": "none", "baseline": "b"}
PREDICTED = {"predictions": "p.npz"}


def run_of(typed: dict[str, str]) -> RunConfig:
    """The configuration of what was typed."""
    around = Surroundings(environ={}, invocation_dir=Path("/from"), ini_dir=Path("/ini"))
    return resolve(command_line=typed, ini={}, around=around)


def gate(**arguments: object) -> Gate:
    """A gate with these arguments."""
    return build_gate({"conditions": ["clean"], **arguments})


@pytest.mark.parametrize(
    ("typed", "condition", "overridden", "words"),
    [
        (WHOLE, "clean", (), ""),
        (WHOLE | {"preprocess": ""}, "clean", (), "no preprocessing given"),
        ({"model": "m.pth", "dataset": "folder:d"}, "clean", (), "no preprocessing given"),
        ({"model": "m.pth", "preprocess": "none"}, "clean", (), "no data set given"),
        ({"model": "m.pth", "preprocess": "none"}, "clean", ("dataset",), ""),
        ({"dataset": "folder:d"}, "clean", (), ""),  # it skips
        ({"dataset": "folder:d"}, "clean", ("model",), "no preprocessing given"),
        ({"preprocess": "none"}, "clean", ("model",), "no data set given"),
        ({"preprocess": "none"}, "clean", ("model", "dataset"), ""),
        (WHOLE, "precomputed/fog:3", (), "precomputed/fog:3 needs --failaware-precomputed=DIR"),
        (WHOLE | {"precomputed": "c"}, "precomputed/fog:3", (), ""),
        (PREDICTED, "clean", (), "no name for the baseline: predictions come without"),
        (PREDICTED | {"baseline": "b"}, "clean", (), ""),
        (PREDICTED | {"against": "q.npz"}, "clean", (), ""),
        (PREDICTED | {"baseline": "b"}, "precomputed/fog:3", (), ""),
    ],
)
def test_what_is_not_given(typed: dict[str, str], condition: str, overridden: tuple[str, ...], words: str) -> None:
    """The first option that is needed and absent is named; nothing is needed by a test that skips."""
    run = run_of({name: text for name, text in typed.items() if text})
    found = ""
    try:
        check_requirements(run, run.gate, parse_condition(condition, "test"), overridden=overridden)
    except ConfigError as error:
        found = str(error)

    assert bool(words) == bool(found)
    assert words in found


def test_the_name_of_the_baseline() -> None:
    """The gate's goes before the architecture's; without both there is none."""
    assert ("own", "resnet18") == (known_name("resnet18", gate(baseline="own")), known_name("resnet18", gate()))
    with pytest.raises(ConfigError, match="no name for the baseline: the model comes without"):
        known_name("", gate())


RULES = ("confidence < 0.6", "confidence < 0.7")


@pytest.mark.parametrize(
    ("one", "other", "condition", "torn"),
    [
        ({"rule": RULES[0]}, {"rule": RULES[1]}, "clean", False),  # refused at the collection
        ({"seed": 1}, {"seed": 2}, "clean", False),
        ({"seed": 1}, {"seed": 2}, "gaussian_noise", True),
        ({"seed": 1}, {"seed": 2}, "fog:3", True),
        ({"seed": 1, "baseline": "x"}, {"seed": 2, "baseline": "y"}, "fog:3", False),
        ({"seed": 1, "baseline": "x"}, {"seed": 2, "baseline": "x"}, "fog:3", True),
        ({"seed": 1, "baseline": "x"}, {"seed": 2}, "fog:3", False),  # maybe another name
        ({"tolerance": 0.1}, {"tolerance": 0.2}, "clean", False),  # judged, and not stored
        ({"metrics": ["accuracy"]}, {"metrics": ["augrc"]}, "clean", False),
    ],
)
def test_two_tests_with_one_entry(one: dict[str, object], other: dict[str, object], condition: str, torn: bool) -> None:
    """They cannot store it with two rules, or with two seeds if something is drawn."""
    drawn = parse_condition(condition, "test")
    found = torn_entries([("t.py::a", gate(**one), drawn), ("t.py::b", gate(**other), drawn)])

    assert ({"t.py::a", "t.py::b"} if torn else set()) == set(found)
    assert all(name in text for name, text in zip(("t.py::b", "t.py::a"), found.values(), strict=False))
