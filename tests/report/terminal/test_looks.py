"""The lines on a check."""

from __future__ import annotations

from dataclasses import replace

from pytest_failaware.core.fact import Fact
from pytest_failaware.core.look import Look
from pytest_failaware.report.terminal.looks import look_facts, look_findings, look_notices

CLEAN = Look(
    facts=(Fact(text="model m"), Fact(text="data d")),
    condition="clean",
    under="clean",
    images=64,
    right=48,
    known=5000,
    baseline="m",
    has_baseline=True,
    has_entry=True,
    seconds=60.0,
    decoding=5.0,
)
BLUR = replace(CLEAN, condition="blur", seconds=65.0)
BOTH = {"t.py::test_m[clean]": CLEAN, "t.py::test_m[blur]": BLUR}


def test_what_is_known_is_said_once() -> None:
    """Facts that two items of a model share are shown once, and decoding counts once."""
    assert [
        "model m",
        "data d",
        "test_m: 48 of 64 samples looked at are right under clean (75.00%)",
        "baseline 'm' has clean, blur",
        "a full run takes about 2:10 (minutes:seconds) on this machine: 2 conditions of 5,000 images",
    ] == [fact.line for fact in look_facts(BOTH)]
    assert [] == [*look_findings(BOTH), *look_notices(BOTH)]


def test_two_data_sets_are_decoded_each() -> None:
    """Two data sets are each decoded, so their times add up."""
    other = replace(CLEAN, facts=(Fact(text="model m"), Fact(text="data e")), known=300, seconds=10.0, decoding=50.0)
    last = list(look_facts({**BOTH, "t.py::test_other[clean]": other}))[-1].line

    assert "about 3:10 (minutes:seconds) on this machine: 3 conditions of 5,000 and 300 images" in last


def test_findings_come_once_with_their_conditions() -> None:
    """A finding on the model is one line; a difference names its conditions."""
    looks = {
        name: replace(look, findings=("clean: wrong",), differences=("seed: baseline 1, now 2",))
        for name, look in BOTH.items()
    }

    assert [
        "clean: wrong",
        "not comparable with baseline 'm' (clean, blur): seed: baseline 1, now 2",
    ] == list(look_findings(looks))


def test_what_is_doubtful_is_not_to_be_recorded() -> None:
    """The next step is named only if nothing is doubtful."""
    new = replace(CLEAN, has_baseline=False, has_entry=False)
    remedy = "--failaware-update-new in place of --failaware-check records what is missing"

    assert [f"no baseline 'm' yet; {remedy}"] == list(look_notices({"t": new}))
    assert ["no baseline 'm' yet"] == list(look_notices({"t": replace(new, findings=("wrong",))}))
    assert [f"no entry yet in baseline 'm' for blur; {remedy}"] == list(
        look_notices({"t": CLEAN, "u": replace(BLUR, has_entry=False)})
    )


def test_what_a_look_cannot_know() -> None:
    """One line names everything that a check cannot know."""
    looks = {"t": replace(CLEAN, unlooked=("this",)), "u": replace(BLUR, unlooked=("this", "that"))}

    assert ["not looked at: this; that"] == list(look_notices(looks))
