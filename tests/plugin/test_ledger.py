"""The ledger of a run: the last attempt counts, and only what passed in all its phases is stored."""

from __future__ import annotations

from dataclasses import dataclass

from five import RULE, baseline_of, measurement_of

from pytest_failaware.config.gate import build_gate
from pytest_failaware.core.attachment import Attachment, Collected, JudgedItem
from pytest_failaware.core.fact import Fact
from pytest_failaware.core.pictures import Pictures
from pytest_failaware.core.plain import from_plain, to_plain
from pytest_failaware.core.reference import Reference
from pytest_failaware.judge.curves import pictures_of
from pytest_failaware.judge.verdict import Terms, judge
from pytest_failaware.plugin.ledger import Ledger

NODE = "t.py::test_x[clean]"


@dataclass
class Phase:
    """The part of pytest's report that the ledger reads; other plugins may change its outcome later."""

    when: str
    outcome: str
    nodeid: str = NODE


def attachment_of(letters: str, nodeid: str = NODE, pictures: Pictures | None = None) -> Attachment:
    """Return what an item that measured these letters sends in an updating run."""
    now = measurement_of(letters)
    result = judge(
        now,
        Reference(name="small", key=now.condition.key, baseline=baseline_of(now), records=now.records),
        build_gate({}),
        Terms(nodeid=nodeid),
    )
    item = JudgedItem(
        result=result,
        facts=(Fact(text="model m"),),
        model="sha256:m",
        opened=(),
        rule=RULE,
        declared=(),
        alpha=None,
        is_named=False,
        is_to_write=True,
        is_acceptable=True,
        declaration=build_gate({}).declaration,
        is_for_files=True,
        measurement=now,
        pictures=pictures,
        share=None,
    )
    return Attachment(judged=item)


def phases(ledger: Ledger, call: str, attachment: Attachment, teardown: str = "passed") -> None:
    """Add the three reports of one attempt."""
    ledger.add(Phase("setup", "passed"))
    ledger.add(Phase("call", call), attachment)
    ledger.add(Phase("teardown", teardown))


def test_the_last_attempt_counts() -> None:
    """A rerun replaces the result, the pending value and the error of the attempt before."""
    ledger = Ledger()
    ledger.add(Phase("setup", "rerun"), Attachment(error="the disk was away"))
    phases(ledger, "rerun", attachment_of("RRWrw"))
    phases(ledger, "passed", attachment_of("RRRrw"))
    ledger.settle()

    assert 3 == ledger.results[NODE].stats.cells.trusted_right
    assert ([NODE], {}) == (list(ledger.pending), ledger.errors)


def test_results_and_what_is_written_stand_in_the_order_of_the_collection() -> None:
    """Results and pending values are in the order of the collection, and items that it does not name come last."""
    ledger = Ledger()
    for nodeid in ("t.py::of_a_lost_worker", NODE, "t.py::first"):
        ledger.add(Phase("call", "passed", nodeid), attachment_of("RRWrw", nodeid))
        ledger.add(Phase("teardown", "passed", nodeid))
    ledger.add_collection(Collected(selected=("t.py::first", NODE)))
    ledger.settle()

    expected = ["t.py::first", NODE, "t.py::of_a_lost_worker"]
    assert expected == [result.nodeid for result in ledger.in_order]
    assert expected == [item.result.nodeid for item in ledger.to_write]


def test_a_skipped_item_says_that_it_lacks_a_model() -> None:
    """An item that was skipped for lack of a model is listed until an attempt with a model starts."""
    ledger = Ledger()
    ledger.add(Phase("setup", "skipped"), Attachment(lacks_model=True))
    ledger.add(Phase("setup", "skipped", "t.py::other"), Attachment())
    assert [NODE] == list(ledger.skipped)
    ledger.add(Phase("setup", "passed"))
    assert [] == list(ledger.skipped)


def test_a_collection_travels_as_plain_data() -> None:
    """A collection can be sent from an xdist worker as plain data and read back."""
    collected = Collected(selected=(NODE,), deselected=("t.py::a", "t.py::b"), unmarked=("t.py::b",))

    assert collected == from_plain(Collected, to_plain(collected))


def test_what_is_drawn_goes_with_its_attempt() -> None:
    """The pictures of a failed item are kept until a rerun of it ends without a result."""
    ledger = Ledger()
    drawn = pictures_of(measurement_of("RRWrw"), build_gate({}), None)
    phases(ledger, "failed", attachment_of("RRWrw", pictures=drawn))
    assert {NODE: drawn} == ledger.drawn

    ledger.add(Phase("setup", "failed"), Attachment(error="the disk was away"))
    assert {} == ledger.drawn


def test_a_failed_teardown_takes_the_value_back() -> None:
    """A failed teardown keeps the result, drops the pending value and adds a notice."""
    ledger = Ledger()
    phases(ledger, "passed", attachment_of("RRWrw"), teardown="failed")
    ledger.settle()

    assert ([NODE], {}, {}) == (list(ledger.results), ledger.pending, ledger.measured)
    assert [f"not written: {NODE} failed in its teardown"] == ledger.notices


def test_a_mistake_is_remembered() -> None:
    """The error of an item without a result is kept, since it decides the exit code of the run."""
    ledger = Ledger()
    ledger.add(Phase("setup", "failed"), Attachment(error="no such file"))

    assert {NODE: "no such file"} == ledger.errors
    assert not ledger.results


def test_a_failing_subtest_takes_the_value_back() -> None:
    """A failing subtest drops the item's pending value, even if the item's own report passes."""
    ledger = Ledger()
    ledger.add(Phase("setup", "passed"))
    ledger.add(Phase("call", "failed"))
    phases(ledger, "passed", attachment_of("RRWrw"))
    ledger.settle()

    assert ([NODE], {}, {}) == (list(ledger.failed), ledger.pending, ledger.measured)
    assert [f"not written: {NODE} failed in a subtest"] == ledger.notices


def test_an_outcome_that_changes_later_counts() -> None:
    """An outcome that another plugin changes after the ledger has the report decides what is stored."""
    ledger = Ledger()
    call = Phase("call", "passed")
    ledger.add(call, attachment_of("RRWrw"))
    ledger.add(Phase("teardown", "passed"))
    call.outcome = "failed"
    ledger.settle()

    assert ([NODE], {}) == (list(ledger.failed), ledger.pending)
    assert [f"not written: {NODE} failed after its gate had passed"] == ledger.notices
