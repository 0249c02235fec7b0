"""The advice for one marked test: a rule that mends it, or why it needs another model. It is never a verdict."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from pytest_failaware.core.remedy import Act, Advice, Remedy, RemedyKind
from pytest_failaware.core.result import ItemResult, Verdict
from pytest_failaware.core.rule import FailureRule
from pytest_failaware.judge.remedy.search import remedies
from pytest_failaware.judge.remedy.tested import Tested, leaves_none_red
from pytest_failaware.judge.sentences import remedy as words


def advise(results: Sequence[ItemResult], tested: Sequence[Tested]) -> Advice | None:
    """Return the advice for the measured conditions of one marked test, None if there is nothing to say.

    Args:
        results: the results of its items.
        tested: what the judge of these items got, in the same order; fewer if an item cannot be judged again.
    """
    verdicts, test = {result.verdict for result in results}, results[0].test
    if Verdict.REGRESSED in verdicts:
        return Advice(test=test, act=Act.RETRAIN, sentences=tuple(_retrain(results)))
    if Verdict.OPERATING_POINT_MOVED not in verdicts:
        return None
    if reason := _why_none(results, tested):
        return Advice(test=test, act=Act.RULE, sentences=(reason,))
    former, found = _former_rule(tested), tuple(_search(tested))
    declared = len(tested[0].gate.conditions)
    notes = [words.of_selection(len(results), declared)] if len(results) < declared else []
    notes += [words.BY_NEAREST] if found and any(item.reference.recipe for item in tested) else []
    act = Act.RULE if former or found else Act.NO_RULE
    return Advice(test=test, act=act, sentences=tuple(notes), former=former, remedies=found)


def _former_rule(tested: Sequence[Tested]) -> FailureRule | None:
    """Return the stored rule if the rule was changed and the stored one leaves no gate red."""
    stored = {item.reference.rule for item in tested}
    rule = stored.pop()
    was_changed = rule is not None and not stored and rule != tested[0].gate.rule
    return rule if rule and was_changed and leaves_none_red(tested, RemedyKind.RULE, rule) else None


def _search(tested: Sequence[Tested]) -> list[Remedy]:
    cases = [case for item in tested if (case := item.case()) is not None]
    return remedies(cases, partial(leaves_none_red, tested))


def _why_none(results: Sequence[ItemResult], tested: Sequence[Tested]) -> str:
    """Return why no remedy can be searched, "" if one can."""
    if any(result.is_against for result in results):
        return words.AGAINST
    other = [result for result in results if result.verdict in (Verdict.INCOMPARABLE, Verdict.MISSING)]
    if other:
        return words.not_compared(other[0].stats.condition, other[0].verdict.words)
    return words.NOT_KEPT if len(tested) < len(results) else ""


def _retrain(results: Sequence[ItemResult]) -> Iterator[str]:
    """Yield what to do about a worse model: the classes that lost most, and labels that may be wrong."""
    if any(result.verdict is Verdict.OPERATING_POINT_MOVED for result in results):
        yield words.NO_RULE_YET
    for result in results:
        if result.verdict is Verdict.REGRESSED and result.change is not None:
            condition = result.stats.condition
            if result.change.lost_classes:
                yield words.lost_most(condition, result.change.lost_classes)
            if result.change.suspects:
                yield words.suspects(condition, result.change.suspects)
