"""Sentences on how two sides were compared and judged."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Final

IDENTICAL: Final = "identical records"
TRUSTS_NOTHING: Final = "nothing is trusted now"
THRESHOLDS_ALONE: Final = "by scaled thresholds alone: the temperatures of trust are not known"
AGAINST_GOLDEN: Final = "against the golden reference"
NO_STORED_GROUPS: Final = (
    "the reference stores no groups, so plan, selftest and thresholds treat its samples as independent; "
    "--failaware-update-baselines stores those of this run"
)
OTHER_GROUPS: Final = "the samples are in other groups than those of the reference; the groups of this run count"


def paired_on(shared: int, stored: int, new: int) -> str:
    """Say how many of the stored samples were compared, and how many are new."""
    return f"paired on {shared:,} of {stored:,}" + (f"; {new:,} new" if new else "")


def grouped(groups: int) -> str:
    """Say that the samples of this run come in groups."""
    return f"tested over the {groups:,} groups of the samples, which are not independent"


def groups_missing(stored: int) -> str:
    """Say that only the reference has groups."""
    return (
        f"the reference's samples come in {stored:,} groups and this run has none, so they were compared as if "
        "independent, which proves too much; name the groups, as with --failaware-group"
    )


def finds_less(samples: int, groups: int, at_worst: int | None) -> str:
    """Say that gates find less than with independent samples.

    `at_worst` is the effective number of samples in the worst case, None if not known.
    """
    worst = "" if at_worst is None else f", at worst as with {at_worst:,} samples"
    return (
        f"the drops that gates find hold for independent samples, but the {samples:,} come in {groups:,} groups: if "
        f"the samples of a group change together, gates find less{worst}"
    )


def no_drift(metrics: Sequence[str]) -> str:
    """Say that the golden reference was stored without logits."""
    return (
        f"drift is not judged for {', '.join(metrics)}: the golden reference has no logits; update with "
        "--failaware-reset-golden to make these values the golden reference"
    )


def not_below(p: float, level: float) -> str:
    """Say the p that proves nothing and its level, with enough digits to distinguish them."""
    digits = next((digits for digits in range(2, 7) if f"{p:.{digits}g}" != f"{level:.{digits}g}"), 2)
    return f"p {p:.{digits}g}, needed {level:.{digits}g}"


def not_excluded(upper: float, limit: Decimal) -> str:
    """Say the upper bound of a change rate, with enough digits to distinguish it from its limit."""
    bound = float(limit)
    digits = next((digits for digits in range(2, 7) if f"{upper:.{digits}%}" != f"{bound:.{digits}%}"), 2)
    return f"up to {upper:.{digits}%} is not excluded"


def undefined_on_both(reason: str) -> str:
    """Say that neither side has a value."""
    return f"{reason}, as in the baseline"


def undefined(reason: str, *, is_stored: bool) -> str:
    """Say which side has no value."""
    return f"{reason} {'in the baseline' if is_stored else 'now'}"


def former_gates(name: str) -> str:
    """Say which gates are new for a baseline that was recorded before, and how to keep the former gates."""
    return (
        f"baseline {name!r} was recorded when other gates were the default: now confident_accuracy_at_coverage gates "
        "instead of silent_failure_rate, confident_correct_rate may fall by 0.05, and no class may lose more than 0.10 "
        "of its right answers. To keep the former gates, write failaware_metrics = accuracy confident_accuracy "
        "silent_failure_rate confident_correct_rate, failaware_tolerance = confident_correct_rate=0.005 and "
        "failaware_class_guard = off in the ini. This note is not repeated"
    )


def judged_for(metrics: Sequence[str]) -> str:
    """Say which metrics are not judged, since the baseline trusts hardly anything."""
    return f"judged instead of {' and '.join(metrics)}: the baseline trusts fewer than one sample in a hundred"


def judged_instead(missing: str, metric: str) -> str:
    """Say which gate judges the change instead of a metric without a value."""
    return f"{missing}; judged by {metric}"


def record_with_logits(missing: str) -> str:
    """Say how to store the missing logits in a baseline."""
    return f"{missing}; record it again with failaware_store_logits = true and --failaware-update-baselines"


def ranked_in(conditions: int, declared: int) -> str:
    """Say in how many conditions the baseline trusts enough answers for a ranking."""
    return f"the mean of {conditions} of {declared} conditions: in the others the baseline trusts hardly anything"


def of_class(name: str) -> str:
    """Say which class a comparison is about."""
    return f"class {name!r}"


def formerly(verdict: str, note: str) -> str:
    """Say the verdict on a metric before it was accepted, with its note."""
    return "; ".join(filter(None, [f"was {verdict}", note]))
