"""The structure of a module changes with everything but its weights, and foreign code is refused."""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable

import pytest
import torch
import toy
from torch import nn
from torchvision import models

from pytest_failaware.measure.cache.origins import ForeignCodeError
from pytest_failaware.measure.cache.structure import structure_sha256


def network() -> nn.Module:
    """A convolution with its batch norm, and a linear layer."""
    return nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU(), nn.Flatten(), nn.Linear(72, 3))


def set_stride(module: nn.Module) -> None:
    module[0].stride = (2, 2)  # type: ignore[index]  # a Sequential


def set_epsilon(module: nn.Module) -> None:
    module[1].eps = 0.1  # type: ignore[index]  # a Sequential


def replace_activation(module: nn.Module) -> None:
    module[2] = nn.GELU()  # type: ignore[index]  # a Sequential


def test_weights_and_modes_do_not_matter() -> None:
    """Two modules of one architecture have one structure, in train mode too."""
    assert structure_sha256(network().eval()) == structure_sha256(network().train())


@pytest.mark.parametrize("change", [set_stride, set_epsilon, replace_activation])
def test_settings_and_classes_matter(change: Callable[[nn.Module], None]) -> None:
    """What changes the answers without touching a weight changes the hash."""
    changed = network()
    change(changed)

    assert structure_sha256(network()) != structure_sha256(changed)


def own_class(module: nn.Module) -> None:
    module.append(toy.network())  # type: ignore[operator]  # a Sequential


def own_hook(module: nn.Module) -> None:
    module[4].register_forward_hook(lambda part, given, answer: -answer)  # type: ignore[index]  # a Sequential


def own_method(module: nn.Module) -> None:
    module.forward = lambda images: images  # type: ignore[method-assign]  # what a user may do


def own_function(module: nn.Module) -> None:
    module.scale = functools.partial(own_class, 3)


def pythons_function(module: nn.Module) -> None:
    module.scale = functools.partial(max, 3)


def hidden_tensor(module: nn.Module) -> None:
    module.__dict__["shift"] = torch.ones(3)


def hidden_table(module: nn.Module) -> None:
    module.__dict__["table"] = {"classes": {1, 2}}


@pytest.mark.parametrize("add", [pythons_function, hidden_tensor, hidden_table])
def test_what_lies_beside_the_weights_matters(add: Callable[[nn.Module], None]) -> None:
    """A tensor that the state leaves out, a collection or a function of Python's is a setting as any other."""
    changed = network()
    add(changed)

    assert structure_sha256(network()) != structure_sha256(changed)


@pytest.mark.parametrize("add", [own_class, own_hook, own_method, own_function])
def test_foreign_code_is_refused(add: Callable[[nn.Module], None]) -> None:
    """A class, a hook or a function beside the weights may do anything."""
    module = network()
    add(module)

    with pytest.raises(ForeignCodeError):
        structure_sha256(module)


def test_a_replaced_method_of_a_class_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """The class is torch's and its forward is not."""
    monkeypatch.setattr(nn.ReLU, "forward", lambda self, images: -images)

    with pytest.raises(ForeignCodeError):
        structure_sha256(network())


@pytest.mark.parametrize("name", ["resnet18", "mobilenet_v3_small", "googlenet", "vit_b_16", "swin_t", "maxvit_t"])
def test_torchvisions_classifiers_have_a_structure(name: str) -> None:
    """The same for a copy; nothing in it depends on addresses."""
    with torch.device("meta"):
        module = models.get_model(
            name, weights=None, num_classes=3, **({"init_weights": False} if name == "googlenet" else {})
        )

    assert structure_sha256(module) == structure_sha256(copy.deepcopy(module))


@pytest.mark.parametrize("name", ["mobilenetv3_small_050", "vit_tiny_patch16_224", "convnext_atto", "sequencer2d_s"])
def test_timms_classifiers_have_a_structure(name: str) -> None:
    """As torchvision's have; their options matter, such as an activation."""
    timm = pytest.importorskip("timm")
    options = {"act_layer": nn.ReLU} if name.startswith("vit") else {"drop_rate": 0.5}
    with torch.device("meta"):
        module, other = timm.create_model(name, num_classes=3), timm.create_model(name, num_classes=3, **options)

    assert structure_sha256(module) == structure_sha256(copy.deepcopy(module))
    assert structure_sha256(module) != structure_sha256(other)


@pytest.mark.parametrize(
    ("place", "name"), [(torch.nn.functional, "relu"), (torch.nn.functional, "conv2d"), (torch, "relu")]
)
def test_replaced_functions_of_torch_are_foreign(monkeypatch: pytest.MonkeyPatch, place: object, name: str) -> None:
    """Layers call them by name, and a wrapper that takes over the name is foreign, too."""
    original = getattr(place, name)

    @functools.wraps(original)
    def twice(*arguments: object) -> torch.Tensor:
        return 2 * original(*arguments)

    monkeypatch.setattr(place, name, twice)
    with pytest.raises(ForeignCodeError, match=f"{name}, replaced by {__name__}"):
        structure_sha256(network())


def test_a_replaced_torch_compile_changes_no_layer(monkeypatch: pytest.MonkeyPatch) -> None:
    """lightning replaces it when it is imported."""
    expected = structure_sha256(network())
    monkeypatch.setattr(torch, "compile", lambda module: module)

    assert expected == structure_sha256(network())
