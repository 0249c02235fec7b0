"""The package imagecorruptions 1.1.2, which cannot be imported directly with NumPy 2 and a current SciPy."""

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
    """Return imagecorruptions.corruptions, with the names that it imports.

    Raises:
        ImportError: The package is not installed, or its OpenCV finds no libGL.
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
    originals.np = _Numpy()  # type: ignore[attr-defined]  # only in this module
    return originals


class _Numpy:
    """NumPy with a name that NumPy 2 removed; the tests seed its random numbers."""

    float_ = np.float64

    def __getattr__(self, name: str) -> object:
        return getattr(np, name)
