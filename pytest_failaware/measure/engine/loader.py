"""Make the degraded and normalised batches of one condition, ready for the model."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from pytest_failaware.core.condition import Condition
from pytest_failaware.core.request import Precision
from pytest_failaware.measure.degrade.kernels import Kernel
from pytest_failaware.measure.degrade.randomness import SampleRandom
from pytest_failaware.measure.engine.settings import computing
from pytest_failaware.measure.images.store import ImageStore
from pytest_failaware.measure.inputs.preprocess import Pipeline


@dataclass(frozen=True, slots=True, kw_only=True)
class DegradedLoader:
    """The batches `(inputs, labels)` in the order of the store: float32 (B, C, H, W) and int64 (B,), on `device`."""

    store: ImageStore
    pipeline: Pipeline
    condition: Condition
    kernel: Kernel
    seed: int
    device: torch.device
    batch_size: int

    def __len__(self) -> int:
        return -(-len(self.store.labels) // self.batch_size)

    def __iter__(self) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        for start in range(0, len(self.store.labels), self.batch_size):
            rows = slice(start, start + self.batch_size)
            labels = torch.from_numpy(self.store.labels[rows].astype("int64")).to(self.device)
            yield self.inputs(rows), labels

    def inputs(self, rows: slice, *, clean: bool = False) -> torch.Tensor:
        """Return the model inputs for these rows, float32 (B, C, H, W), contiguous, since many models call `view`."""
        images = self.images(rows, clean=clean)
        with computing(Precision.IEEE, self.device):
            return self.pipeline.normalise(images)

    def images(self, rows: slice | NDArray[np.intp], *, clean: bool = False) -> torch.Tensor:
        """Return the uint8 images of these rows under the condition, (B, C, H, W), contiguous."""
        images = torch.from_numpy(self.store.images[rows]).to(self.device).permute(0, 3, 1, 2).contiguous()
        if clean:
            return images
        ids = torch.from_numpy(self.store.sample_id[rows].view("int64"))
        random = SampleRandom.keyed(self.seed, self.condition.name, ids, self.device)
        with computing(Precision.IEEE, self.device):  # the pixels are the same for a model of any precision
            return self.kernel(images, dict(self.condition.parameters), random).contiguous()


def default_batch_size(store: ImageStore, device: torch.device) -> int:
    """Return a batch size of 8 to 1024 images.

    A batch holds about a million values on a CPU, whose caches hold them, and 32 times as many on CUDA.
    """
    values = int(store.images[0].size)
    return max(8, min(1024, 2 ** (25 if device.type == "cuda" else 20) // values))
