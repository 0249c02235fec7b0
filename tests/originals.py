"""The package imagecorruptions 1.1.2, which numpy 2 and today's scipy and setuptools no longer let in by themselves."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from unittest import mock

import numpy as np
import scipy.ndimage


def load_originals() -> ModuleType:
    """imagecorruptions.corruptions, with the names it looks for.

    Raises:
        ImportError: it is not installed, or its OpenCV finds no libGL.
    """
    spec = importlib.util.find_spec("imagecorruptions")
    if spec is None or spec.submodule_search_locations is None:
        raise ImportError("imagecorruptions is not installed; pip install 'pytest-failaware[test]'")
    folder = Path(spec.submodule_search_locations[0])
    resources, interpolation = ModuleType("pkg_resources"), ModuleType("scipy.ndimage.interpolation")
    resources.resource_filename = lambda package, name: str(folder / name)  # type: ignore[attr-defined]  # a stand-in
    interpolation.map_coordinates = scipy.ndimage.map_coordinates  # type: ignore[attr-defined]  # a stand-in
    stand_ins = {"pkg_resources": resources, "scipy.ndimage.interpolation": interpolation}
    with mock.patch.dict(sys.modules, stand_ins):
        originals = importlib.import_module("imagecorruptions.corruptions")
    originals.np = _Numpy()  # type: ignore[attr-defined]  # this module's view of numpy alone
    return originals


class _Numpy:
    """numpy with the name that numpy 2 dropped; its random numbers are seeded by the tests."""

    float_ = np.float64

    def __getattr__(self, name: str) -> object:
        return getattr(np, name)
