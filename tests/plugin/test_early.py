"""Messages that are printed while a run still measures."""

from __future__ import annotations

from pytest_failaware.plugin.early import EarlyWord


def test_each_sentence_is_said_once() -> None:
    """With a terminal, each sentence is printed at once and only once."""
    said: list[str] = []
    early = EarlyWord(said.append)
    for sentence in ("one", "two", "one"):
        early.say(sentence)

    assert ["one", "two"] == said
    assert [] == early.take()


def test_a_worker_keeps_it_for_its_next_report() -> None:
    """A worker keeps a sentence for its next report and sends it in that report only."""
    early = EarlyWord()
    early.say("one")
    early.say("one")

    assert (["one"], []) == (early.take(), early.take())
