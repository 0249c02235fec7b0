"""The advice for the marked tests of a run, in the process that reports, before baselines are written."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from pytest_failaware.config.gate import gate_of
from pytest_failaware.core.attachment import JudgedItem
from pytest_failaware.core.errors import FailAwareError
from pytest_failaware.core.remedy import Act, Advice
from pytest_failaware.core.result import ItemResult, Verdict
from pytest_failaware.plugin.references import References
from pytest_failaware.plugin.run_state import RunState

_ADVISED = (Verdict.REGRESSED, Verdict.OPERATING_POINT_MOVED)


def advice_of(state: RunState) -> tuple[Advice, ...]:
    """Return the advice for each marked test of which an item is regressed or moved."""
    by_test: dict[tuple[str, str], list[JudgedItem]] = defaultdict(list)
    for item in state.ledger.items.values():
        by_test[item.result.test].append(item)
    means = {mean.test: mean for mean in state.ledger.means.values() if mean.verdict in _ADVISED}
    failed = [
        (items, means.get(test))
        for test, items in by_test.items()
        if test in means or any(item.result.verdict in _ADVISED for item in items)
    ]
    return tuple(advice for items, mean in failed if (advice := _advise(state, items, mean)) is not None)


def _advise(state: RunState, items: Sequence[JudgedItem], mean: ItemResult | None) -> Advice | None:
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
        outputs = state.run.outputs
        has_names = outputs.html_images > 0 or not outputs.has_html  # else the names of files can be private, too
        results = [item.result if has_names else _nameless(item.result) for item in items]
        return advise(results if mean is None else [*results, mean], tested)
    except FailAwareError as error:
        return Advice(test=items[0].result.test, act=Act.RULE, sentences=(f"no rule is sought: {error}",))


def _nameless(result: ItemResult) -> ItemResult:
    """Return the result without the names of the samples whose labels may be wrong."""
    if result.change is None:
        return result
    suspects = tuple(replace(flip, name="") for flip in result.change.suspects)
    return replace(result, change=replace(result.change, suspects=suspects))
