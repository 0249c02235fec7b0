"""The words of the command line that the user's code may read."""

from __future__ import annotations

import pytest

from pytest_failaware.plugin.other_options import other_options


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("", ()),
        ("--temp=0.1", ("--temp=0.1",)),
        ("--temp 0.1", ("--temp", "0.1")),
        ("--cfg tests", ("--cfg", "tests")),
        ("-q -vv -x tests", ()),
        ("-k digits -m slow -n0 --tb short", ()),
        ("-kdigits -ra -qvs --tb=short", ()),
        ("-p no:randomly", ("-p", "no:randomly")),
        ("-pno:randomly", ("-pno:randomly",)),
        ("--failaware-update-baselines --failaware-reason text --failaware-report=x", ()),
        ("--failaware-update-baselines --temp=3 test_toy.py", ("--temp=3",)),
        ("-- --temp=3", ("--temp=3",)),
    ],
)
def test_words_of_others(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, words: str, expected: tuple[str, ...]
) -> None:
    """Only options of conftest files and other plugins are returned, with their values, here from PYTEST_ADDOPTS."""
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    config = pytester.parseconfig()
    usual = other_options(config)
    monkeypatch.setenv("PYTEST_ADDOPTS", words)

    assert (*expected, *usual) == other_options(config)
