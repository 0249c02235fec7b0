"""Models and their successors in columns of the shape (draws, n), whose true change is known.

A sample has a trust t, whose fourth power is uniform, and is right with the probability t. A successor draws a tenth of
the samples again, so that it is equal in truth; then some of its right answers may fall.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from columns import Floats, Mask, Masks, Starts
from numpy.typing import NDArray

Generator = np.random.Generator

CUT: Final = 0.65
TRUSTED: Final = 1 - CUT**4  # the share of samples above the cut
ACCURACY: Final = 0.8  # E t
RIGHT_TRUSTED: Final = 0.8 * (1 - CUT**5)  # trusted and right
RIGHT_SHARE: Final = {"accuracy": ACCURACY, "confident_accuracy": RIGHT_TRUSTED / TRUSTED}
REDRAWN: Final = 0.1


class Layout(NamedTuple):
    """How samples belong together: the sizes of the groups, and the share of samples that are as their group is."""

    name: str
    sizes: tuple[int, ...]  # repeated over the samples
    shared: float

    def group_of(self, n: int) -> NDArray[np.intp]:
        """Return the group of each sample, (n,)."""
        sizes = np.resize(self.sizes, n)
        return np.repeat(np.arange(n), sizes)[:n]


GROUPS: Final = [Layout("groups of 5", (5,), 0.5), Layout("groups of 20", (20,), 0.5)]
COPIES: Final = [
    Layout("each image twice", (2,), 1.0),
    Layout("a fifth of the images in pairs", (2, *8 * (1,)), 1.0),
]


class Drawn(NamedTuple):
    """A model and its successor, (draws, n) columns."""

    trust: Floats
    right: Mask
    new_trust: Floats
    new_right: Mask
    starts: Starts

    def masks(self, name: str) -> tuple[Masks, Masks]:
        """Return what a rate counts on both sides."""
        sides = (self.trust, self.right), (self.new_trust, self.new_right)
        return tuple(_masks(name, trust > CUT, right) for trust, right in sides)  # type: ignore[return-value]  # two


def _masks(name: str, trusted: Mask, right: Mask) -> Masks:
    every = np.ones_like(right)
    return {
        "accuracy": (right, every),
        "confident_accuracy": (right & trusted, trusted),
        "confident_correct_rate": (right & trusted, every),
    }[name]


def drawn(
    random: Generator, draws: int, n: int, *, falls: float = 0.0, layout: Layout | None = None, redrawn: float = REDRAWN
) -> Drawn:
    """Return models and successors; a share of the right answers of a successor falls.

    With a redrawn share of 0 the trusts differ by a thousandth, and nothing else does.
    """
    if layout is None:
        columns, starts = _columns(random, draws, n), None
    else:
        group = layout.group_of(n)
        starts = np.flatnonzero(np.diff(group, prepend=-1))
        alone, together = _columns(random, draws, n), _columns(random, draws, int(group[-1]) + 1)
        common = random.random((draws, n)) < layout.shared
        columns = tuple(
            np.where(common, of_group[:, group], own) for of_group, own in zip(together, alone, strict=True)
        )
    trust, right, other_trust, other_right, again, falling, shift = columns
    is_new = again < redrawn
    new_trust = np.where(is_new, other_trust, trust) + (0.001 * (shift - 0.5) if not redrawn else 0.0)
    new_right = np.where(is_new, other_right < other_trust, right < trust) & (falling >= falls)
    return Drawn(trust, right < trust, new_trust, new_right, starts)


def _columns(random: Generator, draws: int, n: int) -> tuple[Floats, ...]:
    """Return trust, a number that is below it for a right answer, both once more, and three more numbers."""
    trusts = [np.sqrt(np.sqrt(random.random((draws, n)))) for _ in range(2)]
    return (
        trusts[0],
        random.random((draws, n)),
        trusts[1],
        *(random.random((draws, n)) for _ in range(4)),
    )
