"""What is said while a run still measures."""

from __future__ import annotations

from pytest_failaware.plugin.early import EarlyWord


def test_each_sentence_is_said_once() -> None:
    """At once where there is a terminal."""
    said: list[str] = []
    early = EarlyWord(said.append)
    for sentence in ("one", "two", "one"):
        early.say(sentence)

    assert ["one", "two"] == said
    assert [] == early.take()


def test_a_worker_keeps_it_for_its_next_report() -> None:
    """And for one report alone."""
    early = EarlyWord()
    early.say("one")
    early.say("one")

    assert (["one"], []) == (early.take(), early.take())
