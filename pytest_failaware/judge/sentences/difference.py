"""Sentences on what differs between the two sides of a comparison."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

NOT_KNOWN: Final = "the stored outcome of its samples is not known"
PREPROCESSING_NOT_COMPARED: Final = (
    "preprocessing was not compared: one side was predicted elsewhere, and its preprocessing is assumed to be the same"
)
_CLASSES: Final = 3  # named in one sentence


def differs(what: str, stored: object, now: object) -> str:
    """Say that a value of the measurement differs from the baseline's."""
    return f"{what}: baseline {stored!r}, now {now!r}"


def other_count(stored: int, now: int, shared: int) -> str:
    """Say that the number of samples differs; `shared` of them can be compared, 0 if too few."""
    return f"samples: baseline {stored:,}, now {now:,}{_shared_remedy(shared)}"


def other_samples(stored: str, now: str, shared: int) -> str:
    """Say that the number of samples is the same but their fingerprints differ."""
    fingerprints = f"baseline {stored[:15]}…, now {now[:15]}…"
    return f"samples: the same number, but other samples ({fingerprints}){_shared_remedy(shared)}"


def _shared_remedy(shared: int) -> str:
    return f"; failaware_dataset_change = shared in the ini compares the {shared:,} that both have" if shared else ""


def other_skipped(stored: int, now: int) -> str:
    """Say that the number of skipped bad images differs."""
    return f"bad images left out: baseline {stored:,}, now {now:,}"


def too_few_shared(shared: int, stored: int, measured: int) -> str:
    """Say that too few samples are shared by both sides."""
    return (
        f"samples: {shared:,} of the baseline's {stored:,} are among the {measured:,} of this run; at least half "
        "must be"
    )


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
        gone: names that only the baseline has.
        added: names that only this run has.
        moved: each output whose class changed: its number, the class before, the class now.
        alike: names that look the same but differ.
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
            "change, or in invisible characters"
        )
    if renamed:
        lines = _listed([f"{old} => {new}" for old, new in renamed])
        parts.append(
            f"if these are new names of the same classes, add a line to failaware_rename in the ini for each: {lines}"
        )
    return "; ".join(parts)


def unchanged_model(samples: int) -> str:
    """Say that the model and its answers did not change, so that only the names of the classes changed."""
    return (
        f"the model is that of the baseline, and its predictions did not change on the {samples:,} samples that both "
        "sides have under the same name; only the names of its outputs changed"
    )


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:_CLASSES]) + (f" and {len(names) - _CLASSES:,} more" if len(names) > _CLASSES else "")


def changed(name: str, before: str, now: str) -> str:
    """Say that a fact of the model or of its environment changed."""
    return f"{name} {before} -> {now}"


def side(sha256: str, *, is_elsewhere: bool) -> str:
    """Name a model, or predictions that were made elsewhere, by its hash."""
    return f"predictions {sha256[:8]}, made elsewhere" if is_elsewhere else f"model {sha256[:8]}"
