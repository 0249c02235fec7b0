"""Compute the key of a measurement: everything its records depend on, so equal keys mean equal records."""

from __future__ import annotations

import hashlib
import importlib.metadata
import platform
import sys
from collections.abc import Mapping
from functools import cached_property

import numpy as np
import PIL
import torch

from pytest_failaware.core.condition import Condition
from pytest_failaware.core.errors import ModelError
from pytest_failaware.measure.cache.origins import ForeignCodeError, installed_packages, module_name
from pytest_failaware.measure.cache.own_contents import OwnContents
from pytest_failaware.measure.cache.own_files import OwnFiles
from pytest_failaware.measure.cache.run_key import condition_parts, measuring_code
from pytest_failaware.measure.cache.structure import refuse_replaced_functions, structure_sha256
from pytest_failaware.measure.degrade.kernels import find_kernel
from pytest_failaware.measure.engine.constancy import CHANGED
from pytest_failaware.measure.engine.fold import has_hooks, hooks_on_every_module
from pytest_failaware.measure.engine.writes import check_unwritten
from pytest_failaware.measure.live import Bench


class Identity:
    """Computes the parts of the key for one bench; images are hashed once, and a changed model is refused."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self._structure = ""  # the hash of the model's structure at the first measurement
        self.loaded: set[str] = set()  # the modules that were loaded when the user code was hashed
        self._own_code = ""  # the hash of the user code at that time

    def parts(self, condition: Condition, seed: int) -> dict[str, str]:
        """Return all parts of the key by readable names.

        Raises:
            ForeignCodeError: the records depend on user code.
            ModelError: the model changed since it was loaded.
        """
        check_unwritten(self.bench.model, lambda: self._inputs(condition, seed))
        self._refuse_foreign_code(condition)
        return self._parts(condition, seed, self._model)

    def fixed_parts(self, condition: Condition, seed: int) -> dict[str, str]:
        """Return the parts that are the same for every condition.

        Args:
            condition: a condition that was measured.
            seed: the seed of random conditions.

        Raises:
            ForeignCodeError: the records depend on user code.
            ModelError: the model changed since it was loaded.
        """
        changing = condition_parts(self.bench.sized(condition), seed)
        return {name: text for name, text in self.parts(condition, seed).items() if name not in changing}

    def own_parts(self, condition: Condition, seed: int, files: OwnFiles) -> dict[str, str]:
        """Return all parts of the key if the records depend on user code; the text of its files is not in them.

        Raises:
            ForeignCodeError: the records depend on code that is in no file, or on an object that cannot be hashed.
            ModelError: the model changed since it was loaded.
        """
        model = self.bench.model
        check_unwritten(model, lambda: self._inputs(condition, seed))
        refuse_replaced_functions()
        self._own_code = self._own_code or self._own_contents(files)
        contents = OwnContents(files)
        contents.contents.add(self._own_code, "the model")
        if condition.is_user_defined:
            kernel = find_kernel(condition, self.bench.kernels)
            contents.contents.add(kernel, f"the condition {condition.name}")
        own = {
            "weights": model.program or model.state,
            "architecture": model.facts.architecture,
            "own code": contents.hexdigest(),
            "packages": installed_packages(),
        }
        return self._parts(condition, seed, own)

    def _inputs(self, condition: Condition, seed: int) -> torch.Tensor:
        """Return the inputs of two clean images."""
        return self.bench.loader(condition, seed).inputs(slice(0, 2), clean=True)

    def _own_contents(self, files: OwnFiles) -> str:
        """Return a hash over the content of model and preprocessing before the first pass, which may change it."""
        own_contents = OwnContents(files)
        own_contents.add_loaded_modules()
        contents = own_contents.contents
        if not self.bench.model.program:
            contents.add_module(self.bench.model.module)
        contents.add(hooks_on_every_module(), "a hook on every module")
        if self.bench.pipeline.code:
            contents.add([self.bench.pipeline.geometry, self.bench.pipeline.normalise], "the preprocessing")
        self.loaded = set(sys.modules)
        return own_contents.hexdigest()

    def _parts(self, condition: Condition, seed: int, model: Mapping[str, str]) -> dict[str, str]:
        bench = self.bench
        return {
            "pytest-failaware": importlib.metadata.version("pytest-failaware"),
            "pytest-failaware's code": measuring_code(),
            **condition_parts(bench.sized(condition), seed),
            **model,
            **self._data,
            "preprocessing": bench.pipeline.text,
            "batch size": str(bench.runner.batch_size),
            **({"logits": "kept"} if bench.keep_logits else {}),
            **bench.environment,
            "processor": f"{platform.machine()} {torch.backends.cpu.get_cpu_capability()}",
            "python": platform.python_version(),
            "pillow": PIL.__version__,
            "numpy": np.__version__,
        }

    @property
    def _model(self) -> dict[str, str]:
        model = self.bench.model
        if model.program:
            return {"weights": model.program, "architecture": "a program"}
        structure = structure_sha256(model.module)
        if self._structure not in ("", structure):
            raise ModelError(CHANGED)
        self._structure = structure
        of_timm = any(module_name(type(part)).partition(".")[0] == "timm" for part in model.module.modules())
        return {
            "weights": model.state,
            "architecture": f"{model.facts.architecture} {structure}",
            **({"timm": importlib.metadata.version("timm")} if of_timm else {}),
        }

    def _refuse_foreign_code(self, condition: Condition) -> None:
        named = f"the condition {condition.name}" if condition.is_user_defined else ""
        code = self.bench.model.code or self.bench.pipeline.code or named
        if not code and has_hooks(self.bench.model.module):
            code = "a hook on the model"
        if code:
            raise ForeignCodeError(code)

    @cached_property
    def _data(self) -> dict[str, str]:
        """The parts that describe the data: the pixels after geometry, in order, since a data set may declare its ids.

        They are hashed piece by piece, since the pixels may be a memory map that is larger than the memory.
        """
        store, pixels, samples = self.bench.store, hashlib.sha256(), hashlib.sha256()
        pixels.update(f"{store.images.shape}".encode())
        for start in range(0, len(store.images), 1024):
            pixels.update(np.ascontiguousarray(store.images[start : start + 1024]).data)
        samples.update(store.sample_id.astype("<u8").tobytes() + store.labels.astype("<u2").tobytes())
        return {
            "number of images": str(len(store.labels)),
            "images": pixels.hexdigest(),
            "sample ids and labels": samples.hexdigest(),
            "data set": store.facts.fingerprint,
            "class names": "given" if store.has_class_names else "counted",
        }
