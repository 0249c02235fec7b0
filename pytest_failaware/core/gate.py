"""The definition of a gate: its rule, metrics, tolerances and policy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from decimal import Decimal
from enum import Enum
from typing import TYPE_CHECKING, Final

from pytest_failaware.core.condition import Condition
from pytest_failaware.core.levels import FEWEST_POOLED, Levels, levels_of
from pytest_failaware.core.rule import FailureRule

if TYPE_CHECKING:
    from pytest_failaware.core.metric import AnyMetric

POOLED: Final = ("accuracy", "confident_accuracy_at_coverage")
"""The metrics of the pooled verdict: they say whether the model is worse. A promise is kept in each condition alone."""


class Policy(Enum):
    """What a gate must show to pass; the value is the name in a marker."""

    BEYOND_TOLERANCE = "beyond_tolerance"  # fails if a drop beyond the tolerance is proven
    ANY_DROP = "any_drop"  # fails if a drop is proven and the observed drop exceeds the tolerance
    NON_INFERIORITY = "non_inferiority"  # passes only if a drop beyond the tolerance is excluded
    EQUIVALENCE = "equivalence"  # passes only if few predictions and flags can have changed

    @property
    def proves_a_drop(self) -> bool:
        """Whether a gate fails only if a drop is proven; the other policies fail unless a drop is excluded."""
        return self in (Policy.BEYOND_TOLERANCE, Policy.ANY_DROP)

    @property
    def alpha(self) -> Decimal:
        """The default level: for a whole marked test if the policy proves a drop, else for each gate."""
        return Decimal("0.01") if self.proves_a_drop else Decimal("0.05")


@dataclass(frozen=True, slots=True, kw_only=True)
class Declaration:
    """The definition of a gate as data, without the metrics that its names mean. Bounds are exact decimals as typed.

    `metrics` are the names of the gating metrics. `tolerance` has an entry for each metric name without brackets, and
    for each name with brackets that was given its own tolerance. `recipe_tolerance` has the same names, with the
    tolerances that hold against a recipe.
    """

    conditions: tuple[Condition, ...]
    rule: FailureRule
    metrics: tuple[str, ...]
    tolerance: Mapping[str, Decimal]
    recipe_tolerance: Mapping[str, Decimal]
    minimum: Mapping[str, Decimal]
    maximum: Mapping[str, Decimal]
    policy: Policy
    alpha: Decimal | None
    seed: int
    baseline: str | None
    class_guard: Decimal | None = Decimal("0.10")
    has_golden: bool = False

    @property
    def pooled(self) -> tuple[str, ...]:
        """The metrics that the pooled verdict judges; empty if the marked test has no pooled verdict."""
        is_made = self.policy.proves_a_drop and len(self.conditions) >= FEWEST_POOLED
        return tuple(name for name in POOLED if is_made and name in self.metrics)


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate(Declaration):
    """The definition of a gate; `table` holds every metric that can be named."""

    table: Mapping[str, AnyMetric]

    @staticmethod
    def of(declaration: Declaration, table: Mapping[str, AnyMetric]) -> Gate:
        """Return the gate of a declaration."""
        return Gate(table=table, **{field.name: getattr(declaration, field.name) for field in fields(Declaration)})

    @property
    def declaration(self) -> Declaration:
        """The definition alone, which can travel between processes and into files."""
        return Declaration(**{field.name: getattr(self, field.name) for field in fields(Declaration)})

    def allowed(self, name: str) -> Decimal:
        """Return the tolerance of a metric; `augrc(margin)` has that of `augrc` unless it was given its own."""
        return self.tolerance[name if name in self.tolerance else name.partition("(")[0]]

    @property
    def against_recipe(self) -> Gate:
        """The gate with the tolerances that hold against a recipe, whose seeds' spread is an allowance of its own."""
        return replace(self, tolerance=self.recipe_tolerance)

    @property
    def of_logits(self) -> tuple[str, ...]:
        """The names among `named` of the metrics that need every logit of a sample."""
        known = (self.table[name] for name in sorted(self.named) if name in self.table)  # rates of change are not in it
        return tuple(metric.name for metric in known if metric.needs_logits)

    @property
    def named(self) -> frozenset[str]:
        """The names of all metrics that the gate judges, against a reference or by a literal bound."""
        return frozenset({*self.metrics, *self.minimum, *self.maximum})

    @property
    def chosen_alpha(self) -> Decimal:
        """The alpha of the gate; the default of its policy if it has none."""
        return self.policy.alpha if self.alpha is None else self.alpha

    @property
    def has_class_guard(self) -> bool:
        """Whether the gate guards single classes; policies that must exclude a drop need no guard."""
        return self.class_guard is not None and self.policy.proves_a_drop

    @property
    def levels_text(self) -> str:
        """The levels of the gates and of drift, such as `each gate at p < 0.0003, drift at p < 0.000125`."""
        drift = f", drift at p < {self.levels.drift:.3g}" if self.has_golden else ""
        return f"each gate at p < {self.levels.gate:.3g}{drift}"

    @property
    def levels(self) -> Levels:
        """The levels of the comparisons.

        beyond_tolerance and any_drop share alpha. The other two policies apply alpha to each gate, and share the
        default alpha of beyond_tolerance for drift.
        """
        alpha = self.chosen_alpha if self.policy.proves_a_drop or self.alpha else Policy.BEYOND_TOLERANCE.alpha
        shared = levels_of(
            alpha,
            conditions=len(self.conditions),
            metrics=len(self.metrics),
            has_guard=self.has_class_guard,
            has_golden=self.has_golden,
        )
        return shared if self.policy.proves_a_drop else replace(shared, gate=float(self.chosen_alpha))
