"""One look at a few images: answers, and what norms with a memory see beside what they remember."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torchvision.ops import FrozenBatchNorm2d

from pytest_failaware.measure.engine.fold import has_hooks
from pytest_failaware.measure.inputs.look import look


class Refusing(nn.Module):
    """A batch norm that no input reaches."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(3)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """No logits."""
        raise RuntimeError("not these")


@pytest.mark.parametrize(
    "module",
    [nn.Conv2d(3, 4, 1), nn.BatchNorm2d(3, track_running_stats=False).eval(), Refusing()],
    ids=["no batch norm", "one without memory", "one that is not reached"],
)
def test_a_model_that_remembers_nothing(module: nn.Module) -> None:
    """There is nothing to compare with; what the model does not take, measuring says."""
    seen = look(module, [torch.ones(2, 3, 4, 4)])

    assert (None, (), 0, 0) == (seen.answers, seen.misfits, seen.first, seen.typical)
    assert not has_hooks(module)


class Own(nn.Module):
    """Something else that has a running mean and variance, of whole images."""

    def __init__(self, *shape: int) -> None:
        super().__init__()
        self.register_buffer("running_mean", torch.zeros(shape))
        self.register_buffer("running_var", torch.ones(shape))

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """The mean of each channel."""
        return inputs.mean((2, 3))


@pytest.mark.parametrize("shape", [(), (3, 4, 4), (4,), (3, 1)])
def test_parts_that_are_no_norms(shape: tuple[int, ...]) -> None:
    """A running mean of another shape than the channels is not compared."""
    seen = look(Own(*shape), [torch.ones(2, 3, 4, 4)])

    assert () == seen.misfits
    assert [0, 0] == list(seen.answers if seen.answers is not None else ())


def test_a_norm_that_is_called_by_keyword() -> None:
    """It is not seen, and does no harm."""

    class Keyword(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.norm = nn.BatchNorm2d(3)

        def forward(self, inputs: torch.Tensor) -> torch.Tensor:
            result: torch.Tensor = self.norm(input=inputs).mean((2, 3))
            return result

    with torch.inference_mode():
        seen = look(Keyword().eval(), [torch.ones(2, 3, 4, 4)])

    assert seen.answers is not None
    assert () == seen.misfits


@pytest.mark.parametrize("norm", [nn.BatchNorm2d, FrozenBatchNorm2d, nn.SyncBatchNorm], ids=lambda norm: norm.__name__)
@pytest.mark.parametrize(
    ("values", "divergence"), [(torch.full((2, 3, 4, 4), 2.0), 5e11), (torch.full((2, 3, 4, 4), torch.nan), torch.inf)]
)
def test_values_without_variance_or_not_finite(norm: type[nn.Module], values: torch.Tensor, divergence: float) -> None:
    """They are very far from the training, and no NaN comes out; frozen norms remember, too."""
    module = nn.Sequential(norm(3), nn.AdaptiveAvgPool2d(1), nn.Flatten()).eval()
    with torch.inference_mode():
        seen = look(module, [values])

    assert divergence <= seen.first
    assert seen.suspect is not None


def test_a_norm_whose_variance_is_zero() -> None:
    """Pruned to nothing, it has no channel to compare."""
    norm = nn.BatchNorm2d(3).eval()
    norm.running_var.zero_()

    assert () == look(norm, [torch.ones(2, 3, 4, 4)]).misfits


@pytest.mark.parametrize("parts", [1, 2])
def test_the_numbers_on_paper(parts: int) -> None:
    """Mean 3 instead of 1, variance 4 instead of 1, in the two channels that are alive, in one batch or two."""
    norm = nn.BatchNorm2d(3).eval()
    norm.running_mean[:] = torch.tensor([1.0, 1.0, 7.0])
    norm.running_var[:] = torch.tensor([1.0, 1.0, 1e-9])
    values = torch.tensor([1.0, 5.0, 1.0, 5.0]).view(4, 1, 1, 1).repeat(1, 3, 1, 1)
    whole = nn.Sequential(norm, nn.Flatten())
    with torch.inference_mode():
        seen = look(whole, values.chunk(parts))

    assert (2.0, 2.0) == (seen.misfits[0].shift, seen.misfits[0].spread)
    assert (4 + 1 / 4 - 2 + 4 * (1 + 1 / 4)) / 4 == seen.first
    assert ("0", 4) == (seen.misfits[0].norm, len(seen.answers if seen.answers is not None else ()))
