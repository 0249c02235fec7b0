"""AlexNet's published errors on ImageNet-C, the reference of the paper's mCE.

Source: the authors of ImageNet-C, github.com/hendrycks/robustness. Issue 10 gives the error rates at each severity;
their means, 0.886428 for gaussian_noise, are the divisors of published evaluations (AugMix, imagenet.py). All are
shares of ImageNet's 50,000 validation images, so they are kept as counts. The model is torchvision's: the paper rounds
its error on clean images to 43.5 %, and torchvision's AlexNet_Weights.IMAGENET1K_V1 states an accuracy of 56.522 %.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from pytest_failaware.core.conditions.published import SEVERITIES
from pytest_failaware.core.estimates import Estimate

ALEXNET: Final = "AlexNet (published errors)"
CLASSES: Final = 1000
SIDE_PX: Final = 224

_IMAGES: Final = 50_000
_CLEAN: Final = 21_739
_WRONG: Final[Mapping[str, tuple[int, int, int, int, int]]] = {  # at severities 1 to 5
    "gaussian_noise": (34764, 41271, 46777, 49069, 49726),
    "shot_noise": (35612, 42554, 46787, 49091, 49573),
    "impulse_noise": (39187, 44904, 47435, 49360, 49774),
    "defocus_blur": (32812, 36601, 42518, 45682, 47357),
    "glass_blur": (32154, 37527, 44403, 45811, 46672),
    "motion_blur": (29215, 35024, 41054, 44875, 46319),
    "zoom_blur": (35004, 38496, 40392, 42099, 43599),
    "snow": (35863, 44196, 43234, 45935, 47476),
    "frost": (30695, 39867, 44395, 44971, 46715),
    "fog": (33737, 38025, 42189, 43630, 47250),
    "brightness": (22570, 24251, 27024, 31083, 36220),
    "contrast": (32274, 38075, 44437, 48880, 49635),
    "elastic_transform": (26298, 35058, 27843, 32038, 40277),
    "pixelate": (26109, 27310, 36864, 43546, 45631),
    "jpeg_compression": (25501, 27359, 28647, 32729, 37389),
}


def _rate(wrong: int) -> Estimate:
    return Estimate(numerator=wrong, denominator=_IMAGES)


ERRORS: Final[Mapping[str, Estimate]] = {
    "clean": _rate(_CLEAN),
    **{
        f"{name}:{severity}": _rate(wrong)
        for name, row in _WRONG.items()
        for severity, wrong in zip(SEVERITIES, row, strict=True)
    },
}
"""The published error rates by condition key."""
