"""Conditions as people type them: one spelling per meaning, and a mistake that explains itself."""

from __future__ import annotations

import pytest

from pytest_failaware.conditions import DEFINITIONS, FOUNDING, parse_condition, parse_conditions
from pytest_failaware.errors import ConfigError


@pytest.mark.parametrize(
    ("text", "key", "parameters"),
    [
        ("clean", "clean", {}),
        (" clean ", "clean", {}),
        ("clean()", "clean", {}),
        ("gaussian_noise", "gaussian_noise", {"sigma": 0.3}),
        ("gaussian_noise(sigma=0.3)", "gaussian_noise", {"sigma": 0.3}),
        ("gaussian_noise(sigma=0.30)", "gaussian_noise", {"sigma": 0.3}),
        ("gaussian_noise(sigma=0.1)", "gaussian_noise(sigma=0.1)", {"sigma": 0.1}),
        ("gaussian_noise( sigma = 1e-1 )", "gaussian_noise(sigma=0.1)", {"sigma": 0.1}),
        ("gaussian_noise(sigma=0.12345678)", "gaussian_noise(sigma=0.12345678)", {"sigma": 0.12345678}),
        ("blur", "blur", {"radius": 2.0}),
        ("blur(radius=2)", "blur", {"radius": 2.0}),
        ("blur(radius=64)", "blur(radius=64)", {"radius": 64.0}),
        ("low_light(factor=0)", "low_light(factor=0)", {"factor": 0.0}),
        ("low_light(factor=1.0)", "low_light(factor=1)", {"factor": 1.0}),
    ],
)
def test_one_meaning_has_one_key(text: str, key: str, parameters: dict[str, float]) -> None:
    """Defaults are left out of the key and always in the parameters; the key reads back as the same condition."""
    condition = parse_condition(text, "conditions")

    assert (key, parameters) == (condition.key, dict(condition.parameters))
    assert condition == parse_condition(condition.key, "conditions")


@pytest.mark.parametrize(
    ("text", "slug"),
    [
        ("clean", "clean"),
        ("low_light", "low_light"),
        ("gaussian_noise(sigma=0.1)", "gaussian_noise-sigma-0.1"),
        ("blur(radius=1)", "blur-radius-1"),
        ("gaussian_noise(sigma=0.00001)", "gaussian_noise-sigma-1e-05"),
    ],
)
def test_slugs_are_file_names(text: str, slug: str) -> None:
    """No bracket, no blank, no sign that a shell or a file system minds."""
    assert slug == parse_condition(text, "conditions").slug


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("claen", ["unknown condition 'claen'", "did you mean 'clean'"]),
        ("gausian_noise(sigma=0.1)", ["did you mean 'gaussian_noise'"]),
        ("xyzzy", ["unknown condition 'xyzzy'", "choose from clean, gaussian_noise, blur, low_light"]),
        ("", ["cannot read", "''"]),
        ("gaussian noise", ["cannot read", "gaussian_noise(sigma=0.1)"]),
        ("blur(radius=1", ["cannot read"]),
        ("blur:3", ["no severities", "blur(radius=2)"]),
        ("blur:", ["no severities"]),
        ("clean(sigma=1)", ["cannot take 'sigma=1'", "write 'clean' alone"]),
        ("blur(1)", ["cannot take '1'", "blur(radius=2)"]),
        ("blur(raduis=1)", ["cannot take 'raduis=1'", "blur(radius=2)"]),
        ("blur(radius=1, radius=2)", ["cannot take 'radius=2'"]),
        ("blur(radius=big)", ["radius must be 0..64 pixels", "'big'"]),
        ("blur(radius=)", ["radius must be 0..64 pixels", "''"]),
        ("blur(radius=nan)", ["radius must be 0..64 pixels"]),
        ("blur(radius=65)", ["radius must be 0..64 pixels", "'65'"]),
        ("blur(radius=-0.001)", ["radius must be 0..64 pixels"]),
        ("gaussian_noise(sigma=inf)", ["sigma must be 0..2"]),
        ("low_light(factor=1.5)", ["factor must be 0..1 of the brightness", "'1.5'"]),
    ],
)
def test_mistakes_explain_themselves(text: str, words: list[str]) -> None:
    """One line names the place, what was typed, and what to type instead."""
    with pytest.raises(ConfigError) as caught:
        parse_condition(text, "failaware_conditions")

    assert [] == [word for word in ["failaware_conditions: ", *words] if word not in str(caught.value)]
    assert 1 == len(str(caught.value).splitlines())


def test_conditions_keep_their_order() -> None:
    """As typed, not sorted."""
    found = parse_conditions(["low_light", "clean", "blur(radius=1)"], "conditions")

    assert ["low_light", "clean", "blur(radius=1)"] == [condition.key for condition in found]


@pytest.mark.parametrize("texts", [["clean", "clean"], ["blur", "clean", "blur(radius=2.0)"]])
def test_two_spellings_of_one_condition_are_one_too_many(texts: list[str]) -> None:
    """Two test items of one name could not be told apart."""
    with pytest.raises(ConfigError, match="given twice"):
        parse_conditions(texts, "conditions")


def test_no_condition_is_a_mistake() -> None:
    """A gate that measures nothing would always pass."""
    with pytest.raises(ConfigError, match=r"^conditions: no condition given; choose from clean"):
        parse_conditions([], "conditions")


def test_the_founding_four_keep_their_meaning() -> None:
    """clean, noise of sigma 0.3, blur of radius 2, brightness 0.4; only noise draws random numbers."""
    found = {one.key: dict(one.parameters) for one in parse_conditions(FOUNDING, "conditions")}

    assert {
        "clean": {},
        "gaussian_noise": {"sigma": 0.3},
        "blur": {"radius": 2.0},
        "low_light": {"factor": 0.4},
    } == found
    assert ["gaussian_noise"] == [name for name, definition in DEFINITIONS.items() if definition.is_random]
