"""Find the class that a label means: the class with this name, or the class with this number, counted from 0.

This one rule holds for predictions in every format and for data sets. The meaning follows from the labels and the names
of the classes, never from the type that a file stores the labels in.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pytest_failaware.core.cells import look_alikes
from pytest_failaware.core.errors import FailAwareError, choices
from pytest_failaware.core.text import one_line, spelled

_WHOLE: Final = re.compile(r"([+-]?[0-9]{1,19})(\.0*)?")  # with the ".0" that pandas writes in a column of floats
_SHOWN: Final = 20


class LabelError(FailAwareError):
    """A label names no class, or could mean two classes; `label` is that label, and the caller adds the place."""

    def __init__(self, label: str, text: str) -> None:
        super().__init__(text)
        self.label = label


def class_numbers(labels: Collection[str], classes: Sequence[str]) -> dict[str, int]:
    """Return the number of the class that each label means.

    All labels are names, or all are numbers that count from 0. If no class name is a number, the two may be mixed.

    Args:
        labels: the labels as they are written, all different.
        classes: the class names in the order of the model's outputs, all different.

    Raises:
        LabelError: a label means no class, or all labels can be read as names and as numbers with different results.
    """
    names, places = _by_name(labels, classes), _by_place(labels, len(classes))
    if len(names) == len(labels):
        _refuse_two_meanings(names, places, classes)
        return names
    if len(places) == len(labels):
        return places
    either = {**places, **names}
    if len(either) < len(labels):
        raise _unknown(next(label for label in labels if label not in either), classes)
    if any(whole_number(name) is not None for name in classes):
        raise _mixed(names, places, len(classes))
    return either


def missing_zero_note(labels: NDArray[np.uint16]) -> str | None:
    """Return a sentence if the labels of classes without names may count from 1."""
    low, high = labels.min(), labels.max()
    if low == 0:
        return None
    return f"no sample has the label 0, only {low} to {high}, and labels count from 0; subtract 1 if yours count from 1"


def whole_number(text: str) -> int | None:
    """Return the whole number that a text spells, None if it spells none."""
    match = _WHOLE.fullmatch(text)
    return int(match[1]) if match else None


def _by_name(labels: Collection[str], classes: Sequence[str]) -> dict[str, int]:
    """Return the classes of labels that are class names; 1, 01 and 1.0 are one name unless two classes differ so."""
    exact = {name: number for number, name in enumerate(classes)}
    values = [whole_number(name) for name in classes]
    counts = Counter(values)
    same = {value: number for number, value in enumerate(values) if value is not None and counts[value] == 1}
    numbers = {}
    for label in labels:
        value = whole_number(label)
        if label in exact:
            numbers[label] = exact[label]
        elif value is not None and value in same:
            numbers[label] = same[value]
    return numbers


def _by_place(labels: Collection[str], count: int) -> dict[str, int]:
    numbers = {label: whole_number(label) for label in labels}
    return {label: number for label, number in numbers.items() if number is not None and 0 <= number < count}


def _refuse_two_meanings(names: dict[str, int], places: dict[str, int], classes: Sequence[str]) -> None:
    """Refuse labels that are all names and all numbers, unless both readings give the same classes."""
    label = next((label for label, number in names.items() if places.get(label, number) != number), None)
    if label is None or len(places) < len(names):
        return
    last, place = len(classes) - 1, classes[places[label]]
    if sorted(whole_number(name) or 0 for name in classes) == list(range(len(classes))):
        by_name = f"if labels are names, put the classes in the order 0 to {last}"
    else:
        by_name = f"if labels are names, write names that are no numbers ('class_{label}') there and for the classes"
    raise LabelError(
        label,
        f"the label {label!r} can be the class of this name, which is number {names[label]}, or class number "
        f"{places[label]}, whose name is {one_line(repr(place))}; {by_name}; if labels count from 0, give only the "
        "classes names that are no numbers",
    )


def _unknown(label: str, classes: Sequence[str]) -> LabelError:
    shown = one_line(repr(label))
    other = look_alikes([label], classes).get(label)
    if other is not None:
        return LabelError(
            label,
            f"the label {label!a} is no class but looks like {other!a} (another Unicode form, or marks that are not "
            "seen); write one of them in both places",
        )
    some = choices(label, [spelled(name) for name in classes[:_SHOWN]]) + (", …" if len(classes) > _SHOWN else "")
    return LabelError(label, f"the label {shown} is no class; {some}, or 0 to {len(classes) - 1}")


def _mixed(names: dict[str, int], places: dict[str, int], count: int) -> LabelError:
    label = next(label for label in names if label not in places)
    other = next(label for label in places if label not in names)
    return LabelError(
        label,
        f"the label {label!r} is no class if labels count from 0 to {count - 1}, as the label {other!r} must; write "
        "the name of the class in every row, or count in every row",
    )
