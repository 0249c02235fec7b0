"""The two sides of a comparison, each under its own rule: a baseline stands for a pair of a model and a rule."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_failaware.judge.outcomes import Outcomes, outcomes_of
from pytest_failaware.judge.pairing import Pair
from pytest_failaware.judge.recipe.seeds import Recipe

if TYPE_CHECKING:
    from pytest_failaware.core.rule import FailureRule


@dataclass(frozen=True, slots=True, kw_only=True)
class Sides:
    """The outcomes of the shared samples: (N,) columns in the same order on all sides.

    `now_as_before` is the candidate under the stored rule, which says what the model alone changed. It is the same
    object as `now` if the rules are equal.
    """

    before: Outcomes  # the stored records under the stored rule
    now: Outcomes  # the candidate under the configured rule
    now_as_before: Outcomes
    recipe: Recipe | None = None  # the seeds that the candidate is judged against, of which `before` is one

    @property
    def makes_promise(self) -> bool:
        """Whether the baseline trusts enough samples to promise something about its trusted answers."""
        return self.before.makes_promise if self.recipe is None else self.recipe.makes_promise


def sides_of(both: Pair, stored_rule: FailureRule, rule: FailureRule, recipe: Recipe | None = None) -> Sides:
    """Return both sides of a comparison; only the groups of this run count.

    Args:
        both: the records of the shared samples.
        stored_rule: the rule that is stored beside the records before.
        rule: the configured rule, which judges the candidate.
        recipe: the seeds on the same samples if the candidate is judged against all of them.
    """
    now = outcomes_of(both.now, rule)
    as_before = now if rule == stored_rule else outcomes_of(both.now, stored_rule)
    return Sides(before=outcomes_of(both.before, stored_rule), now=now, now_as_before=as_before, recipe=recipe)


def under_one_rule(before: Outcomes, now: Outcomes) -> Sides:
    """Return the sides of a comparison whose outcomes are under the same rule."""
    return Sides(before=before, now=now, now_as_before=now)
