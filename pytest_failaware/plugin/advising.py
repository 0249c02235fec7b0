"""The advice for the marked tests of a run, in the process that reports, before baselines are written."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from pytest_failaware.config.gate import gate_of
from pytest_failaware.core.attachment import JudgedItem
from pytest_failaware.core.errors import FailAwareError
from pytest_failaware.core.remedy import Advice
from pytest_failaware.core.result import Verdict
from pytest_failaware.plugin.references import References
from pytest_failaware.plugin.run_state import RunState

_ADVISED = (Verdict.REGRESSED, Verdict.OPERATING_POINT_MOVED)


def advice_of(state: RunState) -> tuple[Advice, ...]:
    """Return the advice for each marked test of which an item is regressed or moved."""
    by_test: dict[tuple[str, str], list[JudgedItem]] = defaultdict(list)
    for item in state.ledger.items.values():
        by_test[item.result.test].append(item)
    failed = [items for items in by_test.values() if any(item.result.verdict in _ADVISED for item in items)]
    return tuple(advice for items in failed if (advice := _advise(state, items)) is not None)


def _advise(state: RunState, items: Sequence[JudgedItem]) -> Advice | None:
    from pytest_failaware.judge.remedy.advice import advise
    from pytest_failaware.judge.remedy.tested import Tested
    from pytest_failaware.judge.verdict import Terms

    references = References(state.run)
    terms = Terms(dataset_change=state.run.dataset_change, drift_budget=state.run.drift_budget)
    tested = []
    try:
        for item in items:
            if item.measurement is not None and not item.result.is_against:
                gate = gate_of(item.declaration, state.vocabulary)
                reference = references.of_baseline(item.measurement, gate)
                tested.append(Tested(measurement=item.measurement, reference=reference, gate=gate, terms=terms))
        return advise([item.result for item in items], tested)
    except FailAwareError as error:
        return Advice(test=items[0].result.test, sentences=(f"no rule is sought: {error}",))
