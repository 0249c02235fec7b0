"""Misspelt markers, ini keys and options get a message with the right spelling."""

from __future__ import annotations

import pytest

from pytest_failaware.config.misspelt import is_near, refuse_misspelt, refuse_unknown, report_remedy
from pytest_failaware.core.errors import ConfigError


@pytest.mark.parametrize("name", ["reliabilty", "realiability", "relaibility", "Reliability", "reliabillity"])
def test_two_letters_are_near(name: str) -> None:
    """A name with one or two missing, doubled, swapped or replaced letters is near."""
    assert is_near(name)


@pytest.mark.parametrize("name", ["durability", "parametrize", "slow", "reliability_slow"])
def test_other_words_are_far(name: str) -> None:
    """A name that differs in three or more letters is not near."""
    assert not is_near(name)


def test_a_registered_marker_is_fine() -> None:
    """A marker with a similar name is refused, unless a plugin or the ini registers it."""
    refuse_misspelt(["liability", "slow", "reliability"], ["liability(amount): who pays", "reliability: ours"])
    with pytest.raises(ConfigError, match=r"^marker 'liability' gates nothing; write 'reliability', or register"):
        refuse_misspelt(["liability"], ["slow: takes long"])


@pytest.mark.parametrize(
    ("key", "remedy"),
    [
        ("failaware_json", "write failaware_report = FILE.json"),
        ("failaware_html", "write failaware_report = FILE.html"),
        ("failaware_precison", ""),
    ],
)
def test_ini_keys_of_one_format(key: str, remedy: str) -> None:
    """An ini key for a single format gets the key of all reports as its remedy."""
    assert remedy == report_remedy(key)


@pytest.mark.parametrize(
    ("word", "remedy"),
    [
        ("--failaware-json=r.json", "write --failaware-report=r.json"),
        ("--failaware-json", "write --failaware-report=FILE.json"),
        ("--failaware-csv=table.txt", "write --failaware-report=FILE.csv"),
        ("--failaware-html-images=2", "write failaware_html_images = 2 in the ini"),
        ("--failaware-github", "write failaware_github = true in the ini"),
        ("--failaware-data-root", "write failaware_data_root = DIR in the ini"),
        ("--failaware-modle=m.pth", "did you mean --failaware-model=m.pth?"),
        ("--failaware_model=m.pth", "did you mean --failaware-model=m.pth?"),
        ("--failaware-reports", "did you mean --failaware-report=FILE?"),
        ("--failaware-update-baseline", "did you mean --failaware-update-baselines?"),
        (
            "--failaware-tolerance=0.02",
            "the marker or failaware_tolerance in the ini defines the gate; for an experiment write "
            "--failaware-override=tolerance=0.02",
        ),
        ("--failaware-zebra", "run pytest --help for a list of the options"),
    ],
)
def test_unknown_options(word: str, remedy: str) -> None:
    """An unknown option of the plugin is refused with what to write instead; other words are left to pytest."""
    with pytest.raises(ConfigError) as caught:
        refuse_unknown(["--other", word])

    assert f"{word}: unknown option; {remedy}" == str(caught.value)
    refuse_unknown(["--other", "--fail"])
