"""Inspecting takes every kind of model, and leaves all as it was."""

from __future__ import annotations

import dataclasses
import random
import warnings
from collections.abc import Callable
from typing import cast

import numpy as np
import pytest
import torch
from networks import HALF, IMAGENET
from preprocessing import Trained, inspected
from red import Picky, inspected_red, of_red
from torch import nn

from pytest_failaware.core.errors import DataError
from pytest_failaware.core.preprocessing import Preprocessing
from pytest_failaware.core.request import Precision
from pytest_failaware.measure.engine.fold import has_hooks
from pytest_failaware.measure.inputs.scale import inspect_scale
from pytest_failaware.measure.models.loading import adopt_model
from pytest_failaware.measure.models.programs import Program

WRONG = dataclasses.replace(IMAGENET, resize=64)
CPU = torch.device("cpu")


class Probable(Picky):
    """Answers with probabilities."""

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Probabilities (B, 4)."""
        return super().forward(inputs).softmax(1)


class Named(Picky):
    """Answers as Hugging Face's models do."""

    def forward(self, inputs: torch.Tensor) -> dict[str, torch.Tensor]:  # type: ignore[override]  # so they do
        """Logits (B, 4) by name."""
        return {"logits": super().forward(inputs)}


class Layered(Picky):
    """A layer norm and a group norm look on."""

    def __init__(self) -> None:
        super().__init__()
        self.group, self.layer = nn.GroupNorm(1, 3), nn.LayerNorm(3)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Logits (B, 4)."""
        self.layer(self.group(inputs).movedim(1, 3))
        return super().forward(inputs)


class Fixed(Picky):
    """Refuses what is not of its size, as a vision transformer does."""

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Logits (B, 4)."""
        assert inputs.shape[2] in (self.size, 64)
        return super().forward(inputs)


@pytest.mark.parametrize("build", [Picky, Probable, Named, Layered, Fixed])
def test_models_whose_norms_remember_nothing(build: Callable[[], nn.Module]) -> None:
    """Labels alone reveal a wrong size and wrong numbers for every kind of output; right inputs give no report."""
    one = of_red(build())
    inspection = inspected_red(one, WRONG)

    assert () == inspection.seen.misfits
    assert inspection.is_alarm
    assert (inspection.finding or "").endswith('; write --failaware-preprocess="resize=32"')
    assert inspected_red(one).finding is None


def scripted() -> nn.Module:
    """A picky network as TorchScript."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch deprecates it
        return cast("nn.Module", torch.jit.trace(Picky(), torch.zeros(2, 3, 32, 32)))


def exported() -> nn.Module:
    """A picky network as an exported program, for batches of any size."""
    shapes = ({0: torch.export.Dim.DYNAMIC},)
    program = torch.export.export(Picky(), (torch.zeros(4, 3, 32, 32),), dynamic_shapes=shapes)
    return program.module()


@pytest.mark.parametrize("build", [scripted, exported])
def test_programs(build: Callable[[], nn.Module]) -> None:
    """Their norms cannot be seen, and other sizes may be refused: the labels speak alone."""
    one = of_red(Program(build()))
    wrong = inspected_red(one, HALF)

    assert wrong.is_alarm
    assert (wrong.finding or "").endswith('; write --failaware-preprocess="none"')
    assert inspected_red(one).finding is None


class Raising(nn.Module):
    """Takes no inputs at all."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(3)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """No logits."""
        self.norm(inputs)
        raise RuntimeError("not these")


def test_a_model_that_raises() -> None:
    """Nothing is right and nothing is concluded from that; measuring says what happened. A batch norm still speaks."""
    assert inspected_red(of_red(Fixed(size=224)), Preprocessing(resize=128)).finding is None
    inspection = inspected_red(of_red(Raising()), Preprocessing(mean=(0.0,), std=(1 / 255,)))

    assert (0, 64) == (inspection.right, inspection.images)
    assert "are right" not in (inspection.finding or "")
    assert "at the first batch norm (norm)" in (inspection.finding or "")


def test_own_preprocessing_that_refuses_other_sizes() -> None:
    """What it refuses is not tried, and its own code is named in the remedy."""
    one = of_red(Picky(spec=HALF))
    bench = one.bench()

    def normalise(images: torch.Tensor) -> torch.Tensor:
        if images.shape[2] != 32:
            raise DataError("other sizes are not mine")
        return images.float() / 255

    own = dataclasses.replace(bench, pipeline=dataclasses.replace(bench.pipeline, normalise=normalise, numbers=None))
    finding = own.inspection.finding or ""

    assert "; with mean=0.5/0.5/0.5, std=0.5/0.5/0.5, " in finding
    assert finding.endswith("; change the preprocessing that --failaware-preprocess names")


def test_labels_of_no_output() -> None:
    """Fewer outputs than classes: nothing fits, which measuring refuses."""
    one = of_red(Picky())
    shifted = dataclasses.replace(one, labels=(one.labels + 100).astype(np.uint16))

    assert (0, None) == (inspected(shifted.bench()).right, inspected(shifted.bench()).finding)


@pytest.mark.parametrize("count", [1, 2, 63, 64, 65, 127, 129])
def test_few_images(count: int) -> None:
    """All of them are looked at, up to 64."""
    right, wrong = (inspected_red(of_red(Picky(), count), spec) for spec in (Preprocessing(), WRONG))

    assert (min(count, 64), min(count, 64), None) == (right.images, right.right, right.finding)
    assert (count >= 60) == wrong.is_alarm


def test_a_limit() -> None:
    """Images beyond the limit are not looked at."""
    one = of_red(Picky(), 400)
    bench = one.bench()
    limited = dataclasses.replace(bench, store=bench.store.limited(20), limit=20)

    assert (20, 20) == (limited.inspection.images, limited.inspection.right)


class Sizes(Picky):
    """Keeps how large its batches are."""

    def __init__(self) -> None:
        super().__init__(size=1)
        self.batches: list[tuple[int, int]] = []

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Logits (B, 4)."""
        self.batches.append((len(inputs), inputs.shape[2]))
        return super().forward(inputs)


def test_batches_are_small() -> None:
    """At most 2**18 pixels, and no more images than the user's batches have; a lone image is doubled."""
    module = Sizes()
    one = of_red(module)
    bench = one.bench()
    inspect_scale(bench.model, bench.store, bench.pipeline, Precision.IEEE, batch_size=3)

    assert {(3, 32), (1 * 2, 32)} >= {batch for batch in module.batches if batch[1] == 32}
    module.batches.clear()
    inspect_scale(bench.model, bench.store, bench.pipeline, Precision.IEEE)
    assert 2**18 >= max(count * side * side for count, side in module.batches)
    assert (5, 224) in module.batches


def test_a_model_in_order_costs_64_images() -> None:
    """One look, and no alternative."""
    seen: list[int] = []
    one = of_red(Picky())
    handle = one.model.module.register_forward_hook(lambda module, inputs, logits: seen.append(len(logits)))
    inspected_red(one)
    handle.remove()

    assert 64 == sum(seen)


class Drawing(Picky):
    """Draws from torch's own generator, and has a part in train mode."""

    def __init__(self) -> None:
        super().__init__(size=1)
        self.part = nn.Dropout()

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Logits (B, 4)."""
        return self.part(super().forward(inputs) + torch.rand(()))


def settings() -> tuple[object, ...]:
    """What a process has set."""
    return (
        torch.get_rng_state().tolist(),
        np.random.get_state()[1].tolist(),
        random.getstate(),
        torch.is_inference_mode_enabled(),
        torch.is_grad_enabled(),
        torch.get_default_dtype(),
        torch.is_autocast_enabled("cpu"),
        torch.backends.mkldnn.matmul.fp32_precision,
        torch.get_num_threads(),
    )


def test_inspecting_leaves_no_trace() -> None:
    """Random numbers, settings, the modes of the parts, weights and the user's own hooks are as before."""
    one: Trained = of_red(Drawing())
    module = one.model.module
    bench = one.bench(spec=WRONG)
    calls: list[int] = []
    module.register_forward_hook(lambda *_: calls.append(1))
    module.train()
    module.get_submodule("part").eval()
    before, modes = settings(), [part.training for part in module.modules()]
    inspected_ = inspect_scale(adopted := bench.model, bench.store, bench.pipeline, bench.runner.precision)

    assert before == settings()
    assert modes == [part.training for part in module.modules()]
    assert 0 < len(calls)
    assert 1 == len(module._forward_hooks)
    assert has_hooks(adopted.module)
    assert inspected_.finding is None


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
def test_a_model_on_cuda() -> None:
    """The same is found there."""
    one = of_red(nn.Sequential(nn.BatchNorm2d(3), nn.AdaptiveAvgPool2d(1), nn.Flatten()))
    here, there = (
        inspect_scale(adopt_model(one.model.module, torch.device(device)), bench.store, bench.pipeline, Precision.IEEE)
        for device in ("cpu", "cuda")
        for bench in (one.bench(spec=HALF),)
    )

    assert here.finding == there.finding
