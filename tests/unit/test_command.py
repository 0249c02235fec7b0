"""The command to copy: our own words and no others."""

from __future__ import annotations

import pytest

from pytest_failaware.command import shown_command


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("tests/unit -k fog -m reliability -n 2", "tests/unit -k fog -m reliability -n 2"),
        ("-kfog -n2 --numprocesses=2 -c ci.ini --rootdir=.", "-kfog -n2 --numprocesses=2 -c ci.ini --rootdir=."),
        ("--db-password=secret --token secret -p no:randomly -o log_cli=1 -v", ""),
        ("--failaware-model=m.pth --failaware-strict --failaware-limit 300 --failaware-json r.json",
         "--failaware-model=m.pth --failaware-json r.json"),
        ("--failaware-override tolerance=1 --failaware-against=old.pth --failaware-update-baselines", ""),
        ("--failaware-no-cache tests/unit --token tests", "--failaware-no-cache tests/unit"),
        ("-o failaware_store_logits=true", "-o failaware_store_logits=true"),
    ],
)  # fmt: skip
def test_only_our_words_are_shown(typed: str, shown: str) -> None:
    """Other plugins' options may hold passwords; the value of one is no path of a test."""
    assert f"pytest {shown}".strip() == shown_command(typed.split(), ["tests/unit"])
