"""Every sentence that judging says: functions that take names, numbers and enums and return text."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Final

NOT_KNOWN: Final = "the stored outcome of its samples is not known"
PREPROCESSING_NOT_COMPARED: Final = (
    "preprocessing was not compared: one side was predicted elsewhere, and is taken to have the other's"
)
IDENTICAL: Final = "identical records"
AGAINST_GOLDEN: Final = "against the golden reference"
NO_STORED_GROUPS: Final = (
    "the reference stores no groups, so plan, selftest and thresholds take its samples for independent; "
    "--failaware-update-baselines stores those of this run"
)
OTHER_GROUPS: Final = "the samples are grouped otherwise than the reference's; the groups of this run count"

_CLASSES: Final = 3  # named in one sentence
_OUTPUTS: Final = 10  # renamed, in one sentence


# ---- what cannot be compared ---------------------------------------------------------------------------------------


def differs(what: str, stored: object, now: object) -> str:
    """Say a value of the measurement that is not the baseline's."""
    return f"{what}: baseline {stored!r}, now {now!r}"


def other_count(stored: int, now: int, shared: int) -> str:
    """Say that there are more or fewer samples; `shared` of them can be compared, 0 if too few."""
    return f"samples: baseline {stored:,}, now {now:,}{_shared_remedy(shared)}"


def other_samples(stored: str, now: str, shared: int) -> str:
    """Say that there are as many samples and not the same, by their fingerprints."""
    return f"samples: as many, but others (baseline {stored[:15]}…, now {now[:15]}…){_shared_remedy(shared)}"


def _shared_remedy(shared: int) -> str:
    return f"; failaware_dataset_change = shared in the ini compares the {shared:,} that both have" if shared else ""


def other_skipped(stored: int, now: int) -> str:
    """Say that another number of bad images was left out."""
    return f"bad images left out: baseline {stored:,}, now {now:,}"


def too_few_shared(shared: int, stored: int, measured: int) -> str:
    """Say that too few samples are on both sides."""
    return (
        f"samples: {shared:,} of the baseline's {stored:,} are among the {measured:,} of this run; at least half have "
        "to be"
    )


# ---- classes -------------------------------------------------------------------------------------------------------


def other_classes(
    *,
    gone: Sequence[str],
    added: Sequence[str],
    moved: Sequence[tuple[int, str, str]],
    alike: Sequence[tuple[str, str]],
    renamed: Sequence[tuple[str, str]],
) -> str:
    """Say how two lists of class names differ.

    Args:
        gone: names of the baseline alone.
        added: names of this run alone.
        moved: each output that another class belongs to: its number, the class before, the class now.
        alike: names that look the same and are not.
        renamed: names that may belong to the same classes, before and now.
    """
    similar = {name for pair in alike for name in pair}

    def shown(name: str) -> str:
        return ascii(name) if name in similar else repr(name)

    parts = [f"{word} {_listed(list(map(shown, names)))}" for word, names in (("gone", gone), ("new", added)) if names]
    if not parts:
        parts.append("the same names in another order")
    if moved:
        parts.append(_listed([f"output {k} was {shown(old)} and is {shown(new)} now" for k, old, new in moved]))
    if alike:
        pairs = _listed([f"{old!a} and {new!a}" for old, new in alike])
        parts.append(
            f"{pairs} look the same: they differ in the Unicode form (NFC or NFD), which macOS and some archives "
            "change, or in marks that are not seen"
        )
    if renamed:
        lines = _listed([f"{old} => {new}" for old, new in renamed])
        parts.append(
            f"if these are new names of the same classes, add a line to failaware_rename in the ini for each: {lines}"
        )
    return "; ".join(parts)


def unchanged_model(samples: int) -> str:
    """Say that the model is the baseline's and answers as before, so that only the names of the classes changed."""
    return (
        f"the model is that of the baseline, and its predictions did not change on the {samples:,} samples that both "
        "sides have under the same name; what its outputs are called did"
    )


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:_CLASSES]) + (f" and {len(names) - _CLASSES:,} more" if len(names) > _CLASSES else "")


# ---- how two sides were compared -----------------------------------------------------------------------------------


def paired_on(shared: int, stored: int, new: int) -> str:
    """Say how many of the stored samples were compared, and how many are new."""
    return f"paired on {shared:,} of {stored:,}" + (f"; {new:,} new" if new else "")


def other_rule(now: str, stored: str) -> str:
    """Say under which rule both sides were judged."""
    return f"both sides judged under {now}; the baseline was recorded under {stored}"


def grouped(groups: int) -> str:
    """Say that the samples of this run come in groups."""
    return f"tested over the {groups:,} groups of the samples, which are not independent"


def groups_missing(stored: int) -> str:
    """Say that only the reference has groups."""
    return (
        f"the reference's samples come in {stored:,} groups and this run tells none, so they were compared as if "
        "independent, which proves too much; name the groups, as with --failaware-group"
    )


def finds_less(samples: int, groups: int, at_worst: int | None) -> str:
    """Say that gates find less than is said of independent samples; `at_worst` as with so many, None if not known."""
    worst = "" if at_worst is None else f", at worst as with {at_worst:,} samples"
    return (
        f"what gates find is said for independent samples, and the {samples:,} come in {groups:,} groups: where the "
        f"samples of a group change together they find less{worst}"
    )


def no_drift(metrics: Sequence[str]) -> str:
    """Say that the golden reference was stored before logits were."""
    return (
        f"no drift is judged of {', '.join(metrics)}: the golden reference holds no logits; an update with "
        "--failaware-reset-golden starts from these"
    )


# ---- one metric ----------------------------------------------------------------------------------------------------


def not_below(p: float, level: float) -> str:
    """Say the p that proves nothing, and the level that it has to fall below, with digits that tell them apart."""
    digits = next((digits for digits in range(2, 7) if f"{p:.{digits}g}" != f"{level:.{digits}g}"), 2)
    return f"p {p:.{digits}g}, needed {level:.{digits}g}"


def not_excluded(upper: float, limit: Decimal) -> str:
    """Say the upper bound of a rate of change, with digits that tell it from its limit."""
    bound = float(limit)
    digits = next((digits for digits in range(2, 7) if f"{upper:.{digits}%}" != f"{bound:.{digits}%}"), 2)
    return f"up to {upper:.{digits}%} is not excluded"


def undefined_on_both(reason: str) -> str:
    """Say that neither side has a value."""
    return f"{reason}, as in the baseline"


def undefined(reason: str, *, is_stored: bool) -> str:
    """Say which side has no value."""
    return f"{reason} {'in the baseline' if is_stored else 'now'}"


def judged_instead(missing: str, metric: str) -> str:
    """Say which gate judges a change that one without a value cannot."""
    return f"{missing}; judged by {metric}"


def record_with_logits(missing: str) -> str:
    """Say how a baseline gets the logits that it has not."""
    return f"{missing}; record it anew with failaware_store_logits = true and --failaware-update-baselines"


def formerly(verdict: str, note: str) -> str:
    """Say what an accepted metric was before, with its note."""
    return "; ".join(filter(None, [f"was {verdict}", note]))


# ---- why the operating point or the ranking changed ----------------------------------------------------------------


def worse_ranking(drop: float, *, has_moved: bool) -> str:
    """Say that fewer answers are right among as many trusted; `has_moved` if the operating point moved as well."""
    first = " first" if has_moved else ""
    return f"the ranking got worse ({_points(drop)} less confident accuracy with as many trusted): retrain{first}"


def moved_point(rise: float, *, has_worse_ranking: bool) -> str:
    """Say that the share of flagged samples rose, or fell, with what to do about it."""
    trusted = f"{_points(rise)} {'fewer' if rise > 0 else 'more'} trusted"
    also, then = (", too", "then ") if has_worse_ranking else ("", "")
    return f"the operating point moved{also} ({trusted}): {then}choose the threshold again"


def _points(change: float) -> str:
    return f"{100 * abs(change):.2f} pt"


# ---- what is doubtful about a measurement --------------------------------------------------------------------------


def flags_nearly_all(flagged: int, samples: int, name: str) -> str:
    """Say that the gates on trusted answers have nothing to count."""
    return (
        f"the rule flags {flagged:,} of {samples:,} clean samples, so hardly any answer is trusted; python -m "
        f"pytest_failaware thresholds {name} --risk 0.05 chooses a rule from what is recorded"
    )


def not_finite(broken: int, samples: int, rate: str) -> str:
    """Say that a model is broken for some images; `rate` names the metric that counts them."""
    return (
        f"{broken:,} of {samples:,} samples get logits that are not finite (NaN or infinite); they count as wrong and "
        f"flagged ({rate}, which a maximum can bound)"
    )


def below_published(accuracy: float, published: float, weights: str) -> str:
    """Say that a model is far from what is published for its weights."""
    return (
        f"clean accuracy is {accuracy:.2%}, and torchvision publishes {published:.2%} of {weights}: check that the "
        "weights, the preprocessing and the order of the classes are its own"
    )


def false_alarms(tests: int, share: Decimal) -> str:
    """Say how often a run of many marked tests is red by chance."""
    return (
        f"{tests} marked tests: up to {float(100 * share):.3g} % of runs without a loss are red by chance; "
        "failaware_alpha is the chance of one test"
    )


def right_share(right: int, samples: int) -> str:
    """Say how many clean samples are right, as a part of another sentence."""
    return f"{right / samples:.2%} of {samples:,} clean samples are right"


def wrong_inputs(share: str) -> str:
    """Say that the normalisation layers see other inputs than in training."""
    return (
        f"almost surely set up wrongly: only {share}, and the inputs are not what the model was trained on; give the "
        "preprocessing of the training in --failaware-preprocess"
    )


def at_chance(share: str) -> str:
    """Say that a model knows nothing of the classes."""
    return (
        f"almost surely set up wrongly: {share}, which is not shown to be better than always predicting the largest "
        "class; check the preprocessing, the order of the classes and the weights"
    )


def wrong_order(share: str, renamed: float, moves: Sequence[tuple[int, int]], classes: Sequence[str]) -> str:
    """Say that outputs stand for other classes: `moves` from an output to its class, and the accuracy if `renamed`."""
    fits = max(output for output, _ in moves) < len(classes)
    remedy = (
        "give the classes of the data the order of the model's outputs"
        if fits
        else "the model has more outputs than the data has classes; give each sample the number of its output as label"
    )
    named = [f"{_class(output, classes)} -> {_class(meant, classes)}" for output, meant in moves]
    more = f" and {len(named) - _OUTPUTS:,} more" if len(named) > _OUTPUTS else ""
    return (
        f"the classes are almost surely in another order than the model's outputs: {share}, and {renamed:.2%} if the "
        f"outputs are renamed: {', '.join(named[:_OUTPUTS])}{more} (fitted on one half of the samples, counted on the "
        f"other); {remedy}"
    )


def _class(number: int, classes: Sequence[str]) -> str:
    """A class by number, with its name if that says more."""
    name = classes[number] if number < len(classes) else ""
    return f"{number} {name!r}" if name and name != str(number) else str(number)


# ---- what else changed ---------------------------------------------------------------------------------------------


def changed(name: str, before: str, now: str) -> str:
    """Say one fact of the model or of its environment that changed."""
    return f"{name} {before} -> {now}"


def side(sha256: str, *, is_elsewhere: bool) -> str:
    """Name a model, or predictions that were made elsewhere, by its hash."""
    return f"predictions {sha256[:8]}, made elsewhere" if is_elsewhere else f"model {sha256[:8]}"
