"""What defines a gate: its rule, metrics, tolerances and policy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from typing import TYPE_CHECKING

from pytest_failaware.core.condition import Condition

if TYPE_CHECKING:
    from pytest_failaware.core.metric import AnyMetric
    from pytest_failaware.core.rule import FailureRule


class Policy(Enum):
    """What a gate has to show, by its name in a marker."""

    BEYOND_TOLERANCE = "beyond_tolerance"  # fails where a drop beyond the tolerance is proven
    ANY_DROP = "any_drop"  # fails where a drop is proven and the observed one is beyond the tolerance
    NON_INFERIORITY = "non_inferiority"  # passes only where a drop beyond the tolerance is excluded
    EQUIVALENCE = "equivalence"  # passes only where few predictions and flags can have changed

    @property
    def proves_a_drop(self) -> bool:
        """Whether a gate is red only if a drop is proven; the other policies are red unless one is excluded."""
        return self in (Policy.BEYOND_TOLERANCE, Policy.ANY_DROP)

    @property
    def alpha(self) -> Decimal:
        """The default level: of a whole marked test if the policy proves a drop, else of each gate."""
        return Decimal("0.01") if self.proves_a_drop else Decimal("0.05")


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """What defines a gate. Bounds are exact decimals as typed; `table` holds every metric that can be named.

    `metrics` names those that gate. `tolerance` has an entry for each name that needs no arguments in brackets, and for
    those spelled with them that were given their own.
    """

    conditions: tuple[Condition, ...]
    rule: FailureRule
    table: Mapping[str, AnyMetric]
    metrics: tuple[str, ...]
    tolerance: Mapping[str, Decimal]
    minimum: Mapping[str, Decimal]
    maximum: Mapping[str, Decimal]
    policy: Policy
    alpha: Decimal | None
    seed: int
    baseline: str | None

    def allowed(self, name: str) -> Decimal:
        """The tolerance of a metric: that of `augrc(margin)` is the one of `augrc` where it has none of its own."""
        return self.tolerance[name if name in self.tolerance else name.partition("(")[0]]

    @property
    def of_logits(self) -> tuple[str, ...]:
        """The metrics among `named` that need every logit of a sample."""
        known = (self.table[name] for name in sorted(self.named) if name in self.table)  # rates of change are no metric
        return tuple(metric.name for metric in known if metric.needs_logits)

    @property
    def named(self) -> frozenset[str]:
        """Every metric that the gate judges: against its reference, or by a literal bound."""
        return frozenset({*self.metrics, *self.minimum, *self.maximum})

    @property
    def chosen_alpha(self) -> Decimal:
        """The alpha of the gate, else the default of its policy."""
        return self.policy.alpha if self.alpha is None else self.alpha

    @property
    def level(self) -> float:
        """The chance of a false alarm that one comparison may have: the policy's, or the given alpha's, share.

        beyond_tolerance and any_drop share theirs over the declared conditions and gating metrics (Bonferroni), so that
        a verdict depends neither on what else was selected nor on the order; the other two hold it for each gate.
        """
        alpha = float(self.chosen_alpha)
        return alpha / max(1, len(self.conditions) * len(self.metrics)) if self.policy.proves_a_drop else alpha
