"""Accuracy on ImageNet far below the published accuracy of the weights that the preprocessing names."""

from __future__ import annotations

import pytest
from project import MARKED, Project

from pytest_failaware.measure.inputs.preprocess import published_accuracy

IMAGENET = """
import numpy as np
import torch

CLASSES = [f"n{number:08}" for number in range(1000)]


class Images:
    classes = CLASSES

    def __len__(self):
        return 12

    def __getitem__(self, index):
        return np.full((8, 8, 3), 10 * index, dtype=np.uint8), 7


class Images21k(Images):
    classes = [f"class {number}" for number in range(1000)]


def model(answer=8):
    torch.manual_seed(0)
    linear = torch.nn.Linear(3, 1000)
    torch.nn.init.zeros_(linear.weight)
    linear.bias.data = 10 * torch.nn.functional.one_hot(torch.tensor(answer), 1000).float()
    return torch.nn.Sequential(torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(), linear)


def right():
    return model(7)
"""
NOTE = "note: clean accuracy is 0.00%, but torchvision publishes 69.76% for ResNet18_Weights.IMAGENET1K_V1: check *"


@pytest.mark.parametrize(
    ("factory", "dataset", "is_told"),
    [("model", "Images", True), ("right", "Images", False), ("model", "Images21k", False)],
)
def test_far_below_what_is_published(project: Project, factory: str, dataset: str, is_told: bool) -> None:
    """A run notes once if its clean accuracy is far below the published one, and only for ImageNet."""
    (project.path / "imagenet.py").write_text(IMAGENET, encoding="utf-8")
    project.test(MARKED)
    options = ("--failaware-preprocess=torchvision:ResNet18_Weights.IMAGENET1K_V1", "--failaware-update-baselines")
    result = project.run(f"--failaware-dataset=imagenet:{dataset}", *options, model=f"imagenet:{factory}")

    assert is_told == (1 == len([line for line in result.outlines if line.startswith(NOTE[:40])]))
    if is_told:
        result.stdout.fnmatch_lines([NOTE])


def test_what_torchvision_publishes() -> None:
    """published_accuracy returns a share between 0 and 1."""
    assert pytest.approx(0.69758) == published_accuracy("ResNet18_Weights.IMAGENET1K_V1")
