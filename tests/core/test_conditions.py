"""Conditions as people type them: each meaning has one key, and each mistake gets a helpful message."""

from __future__ import annotations

import pytest

from pytest_failaware.core.conditions.catalogue import DEFAULT_CONDITIONS, DEFINITIONS
from pytest_failaware.core.conditions.spelling import at_size, parse_condition, parse_conditions
from pytest_failaware.core.errors import ConfigError


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
    """The key leaves defaults out, the parameters hold them, and the key reads back as the same condition."""
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
    """A slug has no bracket, no blank and no other character that is special in a shell or a file system."""
    assert slug == parse_condition(text, "conditions").slug


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("claen", ["unknown condition 'claen'", "did you mean 'clean'"]),
        ("gausian_noise(sigma=0.1)", ["did you mean 'gaussian_noise'"]),
        ("xyzzy", ["unknown condition 'xyzzy'", "choose from clean, gaussian_noise, shot_noise", "imagenet-c-extra"]),
        ("", ["cannot read", "''"]),
        ("gaussian noise", ["cannot read", "'fog:3' or 'blur(radius=1)'"]),
        ("blur(radius=1", ["cannot read"]),
        ("blur:3", ["no severities", "blur(radius=2)"]),
        ("blur:", ["no severities"]),
        ("fog", ["fog needs its strength", "'fog:3' or 'fog(thickness=…, decay=…)'"]),
        ("fog(thickness=1)", ["fog needs its strength"]),
        ("fog:0", ["'fog:0'", "1 to 5", "'fog:1..5'"]),
        ("fog:6", ["'fog:6'", "1 to 5"]),
        ("fog:03", ["'fog:03'", "1 to 5"]),
        ("fog:" + 5000 * "9", ["1 to 5"]),
        ("shot_noise(photons=0)", ["photons must be 0.1..10000"]),
        ("fog:4..2", ["'fog:4..2'", "1 to 5"]),
        ("fog:", ["'fog:'", "1 to 5"]),
        ("fog:three", ["'fog:three'", "1 to 5"]),
        ("fog:3(decay=2)", ["exclude each other"]),
        ("fgo:3", ["unknown condition 'fgo'", "did you mean 'fog'"]),
        ("imagenet-d", ["did you mean 'imagenet-c'"]),
        ("imagenet-c(a=1)", ["exclude each other"]),
        ("motion_blur(radius=2.5,sigma=1)", ["radius must be a whole number in 1..64 pixels", "'2.5'"]),
        ("mypkg.rain:fall(5)", ["mypkg.rain:fall cannot take '5'", "name=number"]),
        ("mypkg.rain:fall(a=much)", ["mypkg.rain:fall: a must be", "'much'"]),
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
    """The message is one line that names the place, the typed text, and what to type instead."""
    with pytest.raises(ConfigError) as caught:
        parse_condition(text, "failaware_conditions")

    assert [] == [word for word in ["failaware_conditions: ", *words] if word not in str(caught.value)]
    assert 1 == len(str(caught.value).splitlines())


def test_conditions_keep_their_order() -> None:
    """Conditions stay in the order in which they were typed."""
    conditions = parse_conditions(["low_light", "clean", "blur(radius=1)"], "conditions")

    assert ["low_light", "clean", "blur(radius=1)"] == [condition.key for condition in conditions]


@pytest.mark.parametrize("texts", [["clean", "clean"], ["blur", "clean", "blur(radius=2.0)"]])
def test_a_condition_that_is_given_twice_is_refused(texts: list[str]) -> None:
    """The same condition twice is refused in any spelling, because two test items would have the same name."""
    with pytest.raises(ConfigError, match="given twice"):
        parse_conditions(texts, "conditions")


def test_no_condition_is_a_mistake() -> None:
    """An empty list of conditions is refused, because a gate that measures nothing would always pass."""
    with pytest.raises(ConfigError, match=r"^conditions: no condition given; choose from clean"):
        parse_conditions([], "conditions")


def test_the_four_default_conditions_keep_their_meaning() -> None:
    """The defaults are clean, noise of sigma 0.3, blur of radius 2 and brightness 0.4; only noise is random."""
    parameters = {item.key: dict(item.parameters) for item in parse_conditions(DEFAULT_CONDITIONS, "conditions")}

    assert {
        "clean": {},
        "gaussian_noise": {"sigma": 0.3},
        "blur": {"radius": 2.0},
        "low_light": {"factor": 0.4},
    } == parameters
    assert ["gaussian_noise"] == [name for name in DEFAULT_CONDITIONS if DEFINITIONS[name].is_random]


@pytest.mark.parametrize(
    ("texts", "keys"),
    [
        (["fog:3"], ["fog:3"]),
        (["fog:2..4", "clean"], ["fog:2", "fog:3", "fog:4", "clean"]),
        (["imagenet-c-extra:5"], ["speckle_noise:5", "gaussian_blur:5", "spatter:5", "saturate:5"]),
        (["mypkg.rain:fall( speed = 2 )"], ["mypkg.rain:fall(speed=2)"]),
    ],
)
def test_ranges_and_suites_spread_out(texts: list[str], keys: list[str]) -> None:
    """A range becomes its severities and a suite its corruptions, in order; each key reads back as itself."""
    conditions = parse_conditions(texts, "conditions")

    assert keys == [condition.key for condition in conditions]
    assert conditions == parse_conditions(keys, "conditions")


def test_the_suites_are_the_published_ones() -> None:
    """The suites have 15 and 4 corruptions at five severities, and each corruption has strengths for three sizes."""
    common, extra = (parse_conditions([name], "conditions") for name in ("imagenet-c", "imagenet-c-extra"))

    assert (75, 20) == (len(common), len(extra))
    assert 95 == len({condition.key for condition in (*common, *extra)})
    for condition in (*common, *extra):
        names = [parameter.name for parameter in DEFINITIONS[condition.name].parameters]
        for side in (224, 64, 32):
            strength = dict(at_size(condition, side, side).parameters)
            assert ["published_for_px", *names] == list(strength)
            assert side == strength["published_for_px"]
            for parameter in DEFINITIONS[condition.name].parameters:
                assert parameter.low <= strength[parameter.name] <= parameter.high


@pytest.mark.parametrize(
    ("size", "strength"),
    [
        ((32, 32), {"published_for_px": 32, "thickness": 0.75, "decay": 2.5}),
        ((28, 48), {"published_for_px": 32, "thickness": 0.75, "decay": 2.5}),
        ((49, 20), {"published_for_px": 64, "thickness": 1.0, "decay": 2.5}),
        ((112, 112), {"published_for_px": 64, "thickness": 1.0, "decay": 2.5}),
        ((113, 113), {"published_for_px": 224, "thickness": 2.5, "decay": 1.7}),
    ],
)
def test_the_size_of_the_images_chooses_the_table(size: tuple[int, int], strength: dict[str, float]) -> None:
    """The longer side chooses: CIFAR's table up to 48 pixels, Tiny-ImageNet's up to 112, else ImageNet's."""
    condition = parse_condition("fog:3", "conditions")

    assert strength == dict(at_size(condition, *size).parameters)
    assert () == condition.parameters
    assert condition.key == at_size(condition, *size).key


def test_a_suite_is_refused_as_a_single_condition() -> None:
    """If a single condition is needed, a suite is refused with the number of its conditions."""
    with pytest.raises(ConfigError, match="'imagenet-c' is 75 conditions; give one, as in 'gaussian_noise:1'"):
        parse_condition("imagenet-c", "failaware_loaders")
