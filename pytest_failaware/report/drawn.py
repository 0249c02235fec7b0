"""What the HTML report draws <-> plain data, on the way to the process that writes it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from pytest_failaware.report.document import Plain
from pytest_failaware.schema import (
    Cells,
    ClassChange,
    ClassCounts,
    ConditionStats,
    Curves,
    Estimate,
    Histogram,
    Pictures,
    Side,
    Thumbnail,
)


def pictures_to_plain(pictures: Pictures) -> Plain:
    """The pictures as plain data."""
    return dataclasses.asdict(pictures)


def pictures_from_plain(plain: Mapping[str, Any]) -> Pictures:
    """The pictures that `pictures_to_plain` took apart; they come back equal through JSON too."""
    return Pictures(
        **{
            **plain,
            "before": None if plain["before"] is None else _side(plain["before"]),
            "now": _side(plain["now"]),
            "classes": tuple(map(_class_change, plain["classes"])),
            "thumbnails": tuple(Thumbnail(**one) for one in plain["thumbnails"]),
        }
    )


def _side(plain: Mapping[str, Any]) -> Side:
    stats = plain["stats"]
    rates = {name: Estimate(**rate) for name, rate in stats["rates"].items()}
    return Side(
        stats=ConditionStats(condition=stats["condition"], cells=Cells(**stats["cells"]), rates=rates),
        curves=None if plain["curves"] is None else _curves(plain["curves"]),
    )


def _curves(plain: Mapping[str, Any]) -> Curves:
    point = plain["operating_point"]
    return Curves(
        risk_coverage=tuple(map(tuple, plain["risk_coverage"])),
        operating_point=None if point is None else (point[0], point[1]),
        reliability=tuple(map(tuple, plain["reliability"])),
        ece=plain["ece"],
        confidence=_histogram(plain["confidence"]),
        entropy=_histogram(plain["entropy"]),
    )


def _histogram(plain: Mapping[str, Any]) -> Histogram:
    return Histogram(high=plain["high"], right=tuple(plain["right"]), wrong=tuple(plain["wrong"]))


def _class_change(plain: Mapping[str, Any]) -> ClassChange:
    before = None if plain["before"] is None else ClassCounts(**plain["before"])
    return ClassChange(**{**plain, "before": before, "now": ClassCounts(**plain["now"])})
