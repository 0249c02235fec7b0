"""The parameters of the published severities: the 19 corruptions of ImageNet-C for images of 224, 64 and 32 pixels.

Source: Hendrycks and Dietterich 2019, "Benchmarking Neural Network Robustness to Common Corruptions and Perturbations",
and the scripts that made ImageNet-C, Tiny-ImageNet-C and CIFAR-10-C (github.com/hendrycks/robustness). A severity is a
label: for saturate, elastic_transform, glass_blur and spatter a higher severity is not always harder.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

SEVERITIES: Final = (1, 2, 3, 4, 5)
SIDES: Final = (224, 64, 32)
"""The side in pixels of the images that each of the three tables was published for."""

IMAGENET_C: Final = (
    *(
        "gaussian_noise",
        "shot_noise",
        "impulse_noise",
        "defocus_blur",
        "glass_blur",
        "motion_blur",
        "zoom_blur",
        "snow",
    ),
    *("frost", "fog", "brightness", "contrast", "elastic_transform", "pixelate", "jpeg_compression"),
)
"""The 15 corruptions that mCE is defined over, in the order of the paper."""

IMAGENET_C_EXTRA: Final = ("speckle_noise", "gaussian_blur", "spatter", "saturate")
"""The four corruptions that were published for validation."""

_Table = tuple[tuple[float, ...], ...]  # a row per severity, its columns as the parameters in catalogue.py


def _column(*values: float) -> _Table:
    return tuple((value,) for value in values)


_SNOW_32: Final = (
    (0.1, 0.2, 1, 0.6, 8, 3, 0.95),
    (0.1, 0.2, 1, 0.5, 10, 4, 0.9),
    (0.15, 0.3, 1.75, 0.55, 10, 4, 0.9),
    (0.25, 0.3, 2.25, 0.6, 12, 6, 0.85),
    (0.3, 0.3, 1.25, 0.65, 14, 12, 0.8),
)
# the last values that arange returns, which differ from the nominal ends
_ZOOM_32: Final = ((7, 0.01), (12, 0.01), (16, 0.01), (21, 0.01), (26, 0.01))


def _scaled(side: float, rows: _Table) -> _Table:
    """Return rows in pixels from rows in shares of the side."""
    return tuple(tuple(side * value for value in row) for row in rows)


_TABLES: Final[Mapping[str, tuple[_Table, _Table, _Table]]] = {  # for SIDES
    "gaussian_noise": (
        _column(0.08, 0.12, 0.18, 0.26, 0.38),
        _column(0.04, 0.08, 0.12, 0.15, 0.18),
        _column(0.04, 0.06, 0.08, 0.09, 0.10),
    ),
    "shot_noise": (_column(60, 25, 12, 5, 3), _column(250, 100, 50, 30, 15), _column(500, 250, 100, 75, 50)),
    "impulse_noise": (
        _column(0.03, 0.06, 0.09, 0.17, 0.27),
        _column(0.01, 0.02, 0.05, 0.08, 0.14),
        _column(0.01, 0.02, 0.03, 0.05, 0.07),
    ),
    "speckle_noise": (
        _column(0.15, 0.2, 0.35, 0.45, 0.6),
        _column(0.15, 0.2, 0.25, 0.3, 0.35),
        _column(0.06, 0.1, 0.12, 0.16, 0.2),
    ),
    "defocus_blur": (
        ((3, 0.1), (4, 0.5), (6, 0.5), (8, 0.5), (10, 0.5)),
        ((0.5, 0.6), (1, 0.1), (1.5, 0.1), (2.5, 0.01), (3, 0.1)),
        ((0.3, 0.4), (0.4, 0.5), (0.5, 0.6), (1, 0.2), (1.5, 0.1)),
    ),
    "glass_blur": (
        ((0.7, 1, 2), (0.9, 2, 1), (1, 2, 3), (1.1, 3, 2), (1.5, 4, 2)),
        ((0.1, 1, 1), (0.5, 1, 1), (0.6, 1, 2), (0.7, 2, 1), (0.9, 2, 2)),
        ((0.05, 1, 1), (0.25, 1, 1), (0.4, 1, 1), (0.25, 1, 2), (0.4, 1, 2)),
    ),
    "motion_blur": (
        ((10, 3), (15, 5), (15, 8), (15, 12), (20, 15)),
        ((10, 1), (10, 1.5), (10, 2), (10, 2.5), (12, 3)),
        ((6, 1), (6, 1.5), (6, 2), (8, 2), (9, 2.5)),
    ),
    "zoom_blur": (((12, 0.01), (16, 0.01), (11, 0.02), (13, 0.02), (11, 0.03)), _ZOOM_32, _ZOOM_32),
    "gaussian_blur": (
        _column(1, 2, 3, 4, 6),
        _column(0.5, 0.75, 1, 1.25, 1.5),
        _column(0.4, 0.6, 0.7, 0.8, 1),
    ),
    "brightness": (
        _column(0.1, 0.2, 0.3, 0.4, 0.5),
        _column(0.1, 0.2, 0.3, 0.4, 0.5),
        _column(0.05, 0.1, 0.15, 0.2, 0.3),
    ),
    "contrast": (
        _column(0.4, 0.3, 0.2, 0.1, 0.05),
        _column(0.4, 0.3, 0.2, 0.1, 0.05),
        _column(0.75, 0.5, 0.4, 0.3, 0.15),
    ),
    "saturate": (
        ((0.3, 0), (0.1, 0), (2, 0), (5, 0.1), (20, 0.2)),
        ((0.3, 0), (0.1, 0), (2, 0), (5, 0.1), (30, 0.2)),
        ((0.3, 0), (0.1, 0), (1.5, 0), (2, 0.1), (2.5, 0.2)),
    ),
    "pixelate": (
        _column(0.6, 0.5, 0.4, 0.3, 0.25),
        _column(0.9, 0.8, 0.7, 0.6, 0.5),
        _column(0.95, 0.9, 0.85, 0.75, 0.65),
    ),
    "jpeg_compression": (_column(25, 18, 15, 10, 7), _column(65, 58, 50, 40, 25), _column(80, 65, 58, 50, 40)),
    "elastic_transform": (
        # the published images were made with 244, a typing error for 224
        _scaled(244, ((2, 0.7, 0.1), (2, 0.08, 0.2), (0.05, 0.01, 0.02), (0.07, 0.01, 0.02), (0.12, 0.01, 0.02))),
        _scaled(64, ((0, 0, 0.08), (0.05, 0.3, 0.06), (0.1, 0.08, 0.06), (0.1, 0.03, 0.03), (0.16, 0.03, 0.02))),
        _scaled(32, ((0, 0, 0.08), (0.05, 0.2, 0.07), (0.08, 0.06, 0.06), (0.1, 0.04, 0.05), (0.1, 0.03, 0.03))),
    ),
    "fog": (
        ((1.5, 2), (2, 2), (2.5, 1.7), (2.5, 1.5), (3, 1.4)),
        ((0.4, 3), (0.7, 3), (1, 2.5), (1.5, 2), (2, 1.75)),
        ((0.2, 3), (0.5, 3), (0.75, 2.5), (1, 2), (1.5, 1.75)),
    ),
    "frost": (
        ((1, 0.4, 1), (0.8, 0.6, 1), (0.7, 0.7, 1), (0.65, 0.7, 1), (0.6, 0.75, 1)),
        ((1, 0.3, 0.3), (0.9, 0.4, 0.3), (0.8, 0.45, 0.3), (0.75, 0.5, 0.3), (0.7, 0.55, 0.3)),
        ((1, 0.2, 0.2), (1, 0.3, 0.2), (0.9, 0.4, 0.2), (0.85, 0.4, 0.2), (0.75, 0.45, 0.2)),
    ),
    "snow": (
        (
            (0.1, 0.3, 3, 0.5, 10, 4, 0.8),
            (0.2, 0.3, 2, 0.5, 12, 4, 0.7),
            (0.55, 0.3, 4, 0.9, 12, 8, 0.7),
            (0.55, 0.3, 4.5, 0.85, 12, 8, 0.65),
            (0.55, 0.3, 2.5, 0.85, 12, 12, 0.55),
        ),
        tuple((*row[:-1], mix) for row, mix in zip(_SNOW_32, (0.8, 0.8, 0.7, 0.65, 0.6), strict=True)),
        _SNOW_32,
    ),
    "spatter": (
        (
            (0.65, 0.3, 4, 0.69, 0.6, 0),
            (0.65, 0.3, 3, 0.68, 0.6, 0),
            (0.65, 0.3, 2, 0.68, 0.5, 0),
            (0.65, 0.3, 1, 0.65, 1.5, 1),
            (0.67, 0.4, 1, 0.65, 1.5, 1),
        ),
        (
            (0.62, 0.1, 0.7, 0.7, 0.6, 0),
            (0.65, 0.1, 0.8, 0.7, 0.6, 0),
            (0.65, 0.3, 1, 0.69, 0.6, 0),
            (0.65, 0.1, 0.7, 0.68, 0.6, 1),
            (0.65, 0.1, 0.5, 0.67, 0.6, 1),
        ),
        (
            (0.62, 0.1, 0.7, 0.7, 0.5, 0),
            (0.65, 0.1, 0.8, 0.7, 0.5, 0),
            (0.65, 0.3, 1, 0.69, 0.5, 0),
            (0.65, 0.1, 0.7, 0.69, 0.6, 1),
            (0.65, 0.1, 0.5, 0.68, 0.6, 1),
        ),
    ),
    # Not part of ImageNet-C, which only brightens: the range of brightness_down in medmnistc, 0.9 to 0.3, even steps.
    "darkness": (_column(0.9, 0.75, 0.6, 0.45, 0.3),) * 3,
}

GRADED: Final = frozenset(_TABLES)
"""The names of the degradations that have severities."""


def published_side(height: int, width: int) -> int:
    """Return which of SIDES applies to an image: 32 up to 48 pixels, 64 up to 112, else 224, by the longer side.

    >>> [published_side(side, side) for side in (28, 32, 48, 64, 96, 224, 384)]
    [32, 32, 32, 64, 64, 224, 224]
    """
    side = max(height, width)
    return 32 if side <= 48 else 64 if side <= 112 else 224


def strength_of(name: str, severity: int, side: int) -> tuple[float, ...]:
    """Return the published parameters of a corruption, in the order of its definition.

    >>> strength_of("fog", 3, 32)
    (0.75, 2.5)
    """
    return tuple(float(value) for value in _TABLES[name][SIDES.index(side)][severity - 1])
