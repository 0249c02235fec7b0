"""Tests and intervals for rates on the same samples: formulas alone, in numbers and arrays.

`lost` counts the samples that were good before and are not now, `gained` the reverse; a *drop* is (lost - gained) / n.
Every p is one-sided: small if the drop is larger than the margin. Distribution functions come from scipy.
"""

from __future__ import annotations

from pytest_failaware.judge.significance.grouped import Floats, Groups, independent_count
from pytest_failaware.judge.significance.paired import mcnemar_midp, normal_p, tango_interval, tango_p, tango_z
from pytest_failaware.judge.significance.rates import Interval, clopper_pearson_upper, clopper_pearson_uppers, wilson
from pytest_failaware.judge.significance.ratios import (
    coverage_scores,
    coverage_z,
    ratio_scores,
    ratio_z,
    score_interval,
    score_z,
)

__all__ = [
    "Floats",
    "Groups",
    "Interval",
    "clopper_pearson_upper",
    "clopper_pearson_uppers",
    "coverage_scores",
    "coverage_z",
    "independent_count",
    "mcnemar_midp",
    "normal_p",
    "ratio_scores",
    "ratio_z",
    "score_interval",
    "score_z",
    "tango_interval",
    "tango_p",
    "tango_z",
    "wilson",
]
