"""The hints of messages: which known name is closest to an unknown name."""

from __future__ import annotations

import pytest

from pytest_failaware.core.errors import choices, closest, did_you_mean


@pytest.mark.parametrize(("name", "expected"), [("resnet81", "ResNet18"), ("RESNET18", "ResNet18"), ("x", "")])
def test_the_closest_name_is_found_in_letters_of_either_case(name: str, expected: str) -> None:
    """The closest name is returned in its known spelling; if no name is close, the answer is empty."""
    assert expected == closest(name, ["VGG16", "ResNet18"])


def test_a_hint_is_a_question_or_a_remedy() -> None:
    """The hint asks about the closest name; if no name is close, it gives the remedy."""
    assert "did you mean 'CIFAR10'?" == did_you_mean("cifar1O", ["CIFAR10", "MNIST"], "name a class")
    assert "name a class" == did_you_mean("flowers", ["CIFAR10", "MNIST"], "name a class")


def test_choices_prefer_a_longer_name() -> None:
    """A known name that begins with the unknown name is suggested before a name that is only similar."""
    assert "did you mean 'motion_blur'? choose from motion_blur, lotion" == choices("motion", ["motion_blur", "lotion"])
