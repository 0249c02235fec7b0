"""Compute the key of a run from all that is known before torch is imported.

The key is stricter than the key of a measurement: it has everything that could change the model, the images or the
arithmetic. A run that does not find its key opens the model and the images, and may still find the records.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
import os
import platform
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from PIL import Image, ImageFile

from pytest_failaware.core.condition import Condition
from pytest_failaware.core.files import is_address
from pytest_failaware.core.preprocessing import Preprocessing
from pytest_failaware.core.request import RunConfig, Source, SourceKind
from pytest_failaware.measure.cache.named_files import NamedFiles, UncertainError
from pytest_failaware.measure.cache.origins import ForeignCodeError, installed_packages
from pytest_failaware.measure.cache.own_files import OwnFiles
from pytest_failaware.measure.cache.replaced import refuse_replaced_readers

_MEASURING: Final = ("core", "measure")
"""The subpackages whose code can change a number; measure imports from no other subpackage."""
_LIBRARIES: Final = ("torch", "torchvision", "timm", "numpy", "PIL", "scipy")
_BY_NAME: Final = (SourceKind.TORCHVISION, SourceKind.TIMM)
_IN_FILES: Final = (SourceKind.FOLDER, SourceKind.CSV, SourceKind.NPZ)
_VARIABLES: Final = (
    "ATEN_", "CUDA_", "DNNL_", "GOTO_", "HIP_", "KMP_", "MKL_", "NVIDIA_", "OMP_", "ONEDNN_", "OPENBLAS_", "PYTORCH_",
    "ROCR_", "TORCH_", "TIMM_",
)  # fmt: skip
_OF_PROCESSOR: Final = ("vendor_id", "model name", "flags", "Features", "CPU implementer", "CPU part")


@dataclass(frozen=True, slots=True, kw_only=True)
class RunKey:
    """The parts of the key of a run, by readable names, and the files that were hashed for two of them."""

    parts: dict[str, str]
    files: tuple[NamedFiles, ...]

    @property
    def is_still_right(self) -> bool:
        """Whether the files did not change since they were hashed."""
        return all(files.are_unchanged for files in self.files)


def run_key(config: RunConfig, user_code: OwnFiles) -> RunKey | None:
    """Return the key of a run, None if the run may depend on more than the key can hold.

    A key requires a model file with an architecture of torchvision or timm, images in files, and a CPU. A process that
    has imported torch gets no key, since any code may have changed torch or the model. Neither does a process in which
    user code replaced a function that reads images.
    """
    model, dataset = config.model, config.dataset
    if is_torch_loaded() or model is None or dataset is None or not _is_plain(config, model, dataset):
        return None
    try:
        files = NamedFiles.read(model), NamedFiles.read(dataset)
        libraries = dict(_libraries())
        refuse_replaced_readers()
        witness = user_code.witness()
    except (OSError, UncertainError, ImportError, ValueError, ForeignCodeError):
        return None
    parts = {
        "pytest-failaware": importlib.metadata.version("pytest-failaware"),
        "pytest-failaware's code": measuring_code(),
        "run": _asked(config),
        "model": files[0].sha256,
        "images": files[1].sha256,
        "user code": repr((sorted(witness.files.items()), witness.options)),
        "switches of Pillow": repr((Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES)),
        "packages": installed_packages(),
        **libraries,
        "python": sys.version,
        "system": platform.platform(),
        "processor": _processor(),
        "accelerators": _accelerators(),
        "environment": repr(sorted(pair for pair in os.environ.items() if pair[0].startswith(_VARIABLES))),
    }
    return RunKey(parts=parts, files=files)


def is_torch_loaded() -> bool:
    """Return whether this process has imported torch, or blocks its import."""
    return "torch" in sys.modules


def condition_parts(condition: Condition, seed: int) -> dict[str, str]:
    """Return the parts of the key that depend on the condition.

    Args:
        condition: the condition with the parameters for images of this size.
        seed: the seed of random conditions.
    """
    return {
        "degradation": f"{condition.name} {dict(condition.settings)} implementation {condition.implementation}",
        "seed": str(seed) if condition.is_random else "none",
    }


@cache
def measuring_code() -> str:
    """Return a hash over the code that measures, since a working copy can change while its version stays."""
    package, digest = Path(__file__).parents[2], hashlib.sha256()
    files = (path for room in _MEASURING for suffix in ("py", "json") for path in (package / room).rglob(f"*.{suffix}"))
    for path in sorted(files):
        digest.update(path.relative_to(package).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def _is_plain(config: RunConfig, model: Source, dataset: Source) -> bool:
    """Return whether the model, its architecture and the images are files or names of libraries."""
    arch = config.arch
    return (
        model.kind is SourceKind.FILE
        and not is_address(model.target)
        and (arch is None or arch.kind in _BY_NAME)
        and dataset.kind in _IN_FILES
        and _is_stated(config.preprocess)
        and config.device in ("auto", "cpu")
        and config.against is None
        and not (config.loading.trusted or config.rename or config.check)
    )


def _is_stated(preprocess: Preprocessing | Source | None) -> bool:
    return isinstance(preprocess, Preprocessing) or (preprocess is not None and preprocess.kind in _BY_NAME)


def _asked(config: RunConfig) -> str:
    """Return the values of all options that may change a measurement or its notes in the summary."""
    values = (
        config.model, config.arch, config.loading, config.dataset, config.bad_samples, config.preprocess, config.device,
        config.batch_size, config.precision, config.model_outputs, config.limit, config.group, config.store_logits,
        str(config.gate.rule),
    )  # fmt: skip
    return repr(values)


def _libraries() -> Iterator[tuple[str, str]]:
    """Yield the path of each library and the time of its installation."""
    for name in _LIBRARIES:
        spec = importlib.util.find_spec(name)
        if spec is None or spec.origin is None:
            if name == "torch":
                raise ImportError(name)
            yield name, "absent"
        else:
            version = Path(spec.origin).with_name("version.py")
            times = [file.stat().st_mtime_ns for file in (Path(spec.origin), version) if file.is_file()]
            yield name, f"{spec.origin} {times}"


def _processor() -> str:
    """Return the system's description of the first processor, since torch chooses its kernels by it."""
    try:
        first = Path("/proc/cpuinfo").read_text().partition("\n\n")[0].splitlines()
    except OSError:
        return platform.processor()
    return "\n".join(line for line in first if line.startswith(_OF_PROCESSOR)) or platform.processor()


def _accelerators() -> str:
    """Return the system's description of GPUs, since --failaware-device=auto uses one if there is one."""
    devices = sorted(str(path) for pattern in ("nvidia*", "kfd", "dxg") for path in Path("/dev").glob(pattern))
    driver = Path("/proc/driver/nvidia/version")
    windows = Path(os.environ.get("SYSTEMROOT", ""), "System32", "nvcuda.dll")
    return repr((devices, driver.read_text() if driver.is_file() else "", windows.is_file()))
