"""How a model is run: unchanged answers whichever way is taken, and batches that fit the memory."""

from __future__ import annotations

import copy
from collections.abc import Callable

import convolutional
import numpy as np
import pytest
import torch
from convolutional import ConvolutionalNet, bench, network
from torch import nn

from pytest_failaware.core.conditions.spelling import parse_condition
from pytest_failaware.core.errors import ModelError
from pytest_failaware.core.records import SCORES, Records
from pytest_failaware.core.request import Precision
from pytest_failaware.core.rule import FailureRule
from pytest_failaware.measure.engine import runner as runner_module
from pytest_failaware.measure.live import Bench

FOUR = ("clean", "gaussian_noise", "blur", "low_light")


def measured(one: Bench, condition: str = "clean") -> Records:
    """The records of a condition."""
    return one.measure(parse_condition(condition, ""), seed=0).records


def assert_identical(one: Records, other: Records) -> None:
    """Identical in the project's sense: ids, labels, predictions and flags equal, scores within 1e-4."""
    for name in ("sample_id", "label", "prediction"):
        assert np.array_equal(getattr(one, name), getattr(other, name)), name
    for name in SCORES:
        assert getattr(one, name) == pytest.approx(getattr(other, name), abs=1e-4, rel=1e-4), name
    flags, others = (FailureRule().flags_of(side) for side in (one, other))
    assert np.array_equal(flags, others)


def way(one: Bench) -> nn.Module:
    """The module that ran."""
    assert one.runner._chosen is not None
    return one.runner._chosen[1][0]


# ---- the way a model is run ----------------------------------------------------------------------------------------


def test_a_folded_copy_gives_the_records_of_the_module(monkeypatch: pytest.MonkeyPatch) -> None:
    """Under every condition; and with no copy to be had, the module itself runs."""
    folded = bench(network(), flags=FailureRule().flags)
    with monkeypatch.context() as patch:
        patch.setattr(runner_module, "private_copies", lambda module, images: iter(()))
        plain = bench(network())
        expected = {condition: measured(plain, condition) for condition in FOUR}

    for condition in FOUR:
        assert_identical(expected[condition], measured(folded, condition))
    assert way(plain) is plain.model.module
    assert way(folded) is not folded.model.module


def test_a_model_is_folded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not once per condition."""
    calls, original = [], runner_module.private_copies
    monkeypatch.setattr(
        runner_module, "private_copies", lambda module, images: calls.append(module) or original(module, images)
    )
    one = bench(network())
    for condition in FOUR:
        measured(one, condition)

    assert [one.model.module] == calls


class OtherLogits(ConvolutionalNet):
    """As a copy that computes something else."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Logits that are off by a thousandth."""
        return super().forward(images) * 1.001


class Failing(ConvolutionalNet):
    """As a copy that a layer of another layout stops."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """No logits."""
        raise RuntimeError("view size is not compatible")


class NotFinite(ConvolutionalNet):
    """As a copy whose arithmetic overflows for one class."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Logits of which one is no number."""
        logits = super().forward(images).clone()
        logits[0, 0] = torch.nan
        return logits


class OneMore(ConvolutionalNet):
    """As a copy with a class too many."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Logits, (N, 6)."""
        logits = super().forward(images)
        return torch.cat([logits, logits[:, :1] - 100], dim=1)


@pytest.mark.parametrize("kind", [OtherLogits, Failing, NotFinite, OneMore])
def test_a_copy_with_other_answers_is_not_used(monkeypatch: pytest.MonkeyPatch, kind: type[ConvolutionalNet]) -> None:
    """Logits more than 1e-4 away, not finite, of another shape or none leave the module as it is, and the records."""
    expected = measured(bench(network()))
    copies = [(network(kind), torch.contiguous_format)]
    monkeypatch.setattr(runner_module, "private_copies", lambda module, images: iter(copies))
    one = bench(network())

    assert_identical(expected, measured(one))
    assert way(one) is one.model.module


def test_a_copy_that_changes_a_flag_is_not_used() -> None:
    """The rule of the run decides, however close the logits are."""
    seen = []

    def flags(*, confidence: np.ndarray, entropy: np.ndarray) -> np.ndarray:
        """Return True on the first call, False on the next."""
        seen.append(confidence)
        return np.full(len(confidence), len(seen) % 2 == 1)

    one = bench(network(), flags=flags)
    measured(one)

    assert way(one) is one.model.module
    assert 6 == len(seen)  # two sides of two copies and of channels last


def test_no_copy_is_made_in_another_precision(monkeypatch: pytest.MonkeyPatch) -> None:
    """A copy in float32 would not be what was asked for."""
    copied = []
    monkeypatch.setattr(runner_module, "private_copies", lambda module, images: copied.append(module) or iter(()))
    measured(bench(network(), precision=Precision.BFLOAT16))

    assert [] == copied


def test_hooks_on_the_users_module_fire() -> None:
    """Those of before, and those that come after a first measurement."""
    net, seen = network(), []
    one = bench(net)
    measured(one)
    assert way(one) is not net
    with net.first.register_forward_hook(lambda *arguments: seen.append(len(arguments[2]))):
        measured(one)
    assert way(one) is net
    assert {convolutional.BATCH, 50 % convolutional.BATCH} <= set(seen)


def test_writes_to_the_users_weights_are_still_seen() -> None:
    """A folded copy does not keep a model that changed during the run from being refused."""
    net = network()
    one = bench(net)
    measured(one)
    with torch.no_grad():
        net.head.weight.add_(1)

    with pytest.raises(ModelError, match="weights changed after it was loaded"):
        measured(one)


# ---- batches that do not fit ---------------------------------------------------------------------------------------


def out_of_memory(text: str = "") -> Exception:
    """What CUDA raises, or the CPU's allocator with a text of its own."""
    return RuntimeError(text) if text else torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")


CPU_SAYS = (
    "[enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: can't allocate memory: you tried to allocate "
    "4096 bytes. Error code 12 (Cannot allocate memory)"
)
WINDOWS_SAYS = (
    "[enforce fail at alloc_cpu.cpp:80] data. DefaultCPUAllocator: not enough memory: you tried to allocate 4"
)


class Small(nn.Module):
    """A linear model for at most `most` images at once."""

    def __init__(self, most: int, error: Callable[[], Exception] = out_of_memory) -> None:
        super().__init__()
        self.most, self.error = most, error
        self.sizes: list[int] = []
        self.head = nn.Linear(192, 5)
        nn.init.normal_(self.head.weight, generator=torch.Generator().manual_seed(0))
        nn.init.zeros_(self.head.bias)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Logits, (N, 5)."""
        if len(images) > self.most:
            raise self.error()
        self.sizes.append(len(images))
        return self.head(images.flatten(1))


@pytest.mark.parametrize("said", ["", CPU_SAYS, WINDOWS_SAYS])
def test_a_batch_that_does_not_fit_is_halved(said: str) -> None:
    """Until it fits, under every condition with the records of the small batch; the smaller size is kept, and told."""
    one = bench(Small(5, lambda: out_of_memory(said)), batch_size=16)
    small = bench(Small(50), batch_size=4)
    for condition in FOUR:
        assert_identical(measured(small, condition), measured(one, condition))

    assert (4, 4) == (one.runner.batch_size, one.loader(parse_condition("clean", ""), 0).batch_size)
    assert (
        "memory ran out with batches of 16 images; went on with 4, which changes no result: --failaware-batch-size=4 "
        "saves the attempts",
    ) == one.notes
    assert () == small.notes


def test_only_the_batch_that_failed_is_repeated() -> None:
    """Memory that runs out in the middle costs no answer that was there already."""

    class Later(Small):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            self.most = 50 if self.sizes.count(16) < 4 else 8  # two trials and two batches
            return super().forward(images)

    one = bench(Later(50), batch_size=16)
    records = measured(one)

    assert_identical(measured(bench(Small(50), batch_size=8)), records)
    assert [16, 16, 8, 8, 2] == one.model.module.sizes[-5:]


def test_memory_that_runs_out_in_a_degradation_halves_the_batch() -> None:
    """Wherever a batch is too large: in a user's kernel, whose error is wrapped, too."""

    def greedy(images: torch.Tensor, strength: object, random: object) -> torch.Tensor:
        if len(images) > 6:
            raise MemoryError
        return images

    one = bench(Small(50), batch_size=16, own_kernels={"clean": greedy})
    measured(one)

    assert 4 == one.runner.batch_size


def test_two_images_that_do_not_fit_are_refused() -> None:
    """A lone image is doubled, so there is nothing left to halve; the error says what to do."""
    with pytest.raises(ModelError, match=r"two images.*--failaware-batch-size does not help.*resize=") as caught:
        measured(bench(Small(1), batch_size=16))
    assert str(caught.value).isprintable()


def test_a_lone_image_is_doubled() -> None:
    """A batch of one takes other kernels than any other; three that do not fit still leave one to try."""
    alone, three = bench(Small(50), images=5, batch_size=2), bench(Small(2), images=3, batch_size=3)
    assert 3 == len(measured(three))
    assert 5 == len(measured(alone))

    assert 1 == three.runner.batch_size
    assert {2} == set(alone.model.module.sizes) == set(three.model.module.sizes)


def test_other_errors_are_not_taken_for_a_lack_of_memory() -> None:
    """They are reported at once, with their batch."""
    with pytest.raises(ModelError, match=r"cannot take inputs of shape \(16, 3, 8, 8\).*another fault"):
        measured(bench(Small(1, lambda: RuntimeError("another fault")), batch_size=16))


def test_a_second_model_has_a_batch_size_of_its_own() -> None:
    """What did not fit for one model may fit for the other."""
    first = bench(Small(50), batch_size=16)
    second = first.of(copy.copy(bench(Small(5)).model))
    measured(second)

    assert (16, 4) == (first.runner.batch_size, second.runner.batch_size)
