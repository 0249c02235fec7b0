"""Small networks of many kinds, and a few images on which they are trained in seconds.

`preprocessing.py` inspects them. All of them are trained on a data set of small colour images or on scikit-learn's
digits, with one thread, so that a run repeats.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, cast

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import nn
from torchvision import models
from torchvision.models.convnext import CNBlockConfig
from torchvision.models.efficientnet import MBConvConfig
from torchvision.models.mobilenetv3 import InvertedResidualConfig

from pytest_failaware.core.preprocessing import Preprocessing
from pytest_failaware.measure.images.decoding import build_store
from pytest_failaware.measure.images.map_style import adopt_dataset
from pytest_failaware.measure.inputs.preprocess import build_pipeline

sys.path.append(str(Path(__file__).parents[1] / "examples" / "digits"))

import digits

NONE: Final = Preprocessing()
IMAGENET: Final = Preprocessing(mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))
HALF: Final = Preprocessing(mean=(0.5,), std=(0.5,))

Pixels = NDArray[np.uint8]
Labels = NDArray[np.uint16]
Build = Callable[[int, int], nn.Module]
"""Classes and channels of the images -> an untrained network."""


@dataclass(frozen=True, kw_only=True)
class Images:
    """Images (N, H, W, C) with labels (N,) for training, and images that no network has seen.

    `is_mirrored` says whether a mirrored image has the same class.
    """

    name: str
    classes: int
    images: Pixels
    labels: Labels
    unseen: Pixels
    unseen_labels: Labels
    is_mirrored: bool = False


# ---- images --------------------------------------------------------------------------------------------------------


def split(name: str, images: Pixels, labels: Labels) -> Images:
    """Return photographs, of which every fifth is unseen."""
    unseen = np.arange(len(labels)) % 5 == 0
    classes = int(labels.max()) + 1
    return Images(
        name=name,
        classes=classes,
        images=images[~unseen],
        labels=labels[~unseen],
        unseen=images[unseen],
        unseen_labels=labels[unseen],
        is_mirrored=True,
    )


def grey(images: Images) -> Images:
    """Return the same images with one channel."""
    one, other = (
        (pixels @ [0.299, 0.587, 0.114])[..., None].astype(np.uint8) for pixels in (images.images, images.unseen)
    )
    return replace(images, name=f"grey {images.name}", images=one, unseen=other)


def digits_of(side: int) -> Images:
    """Return scikit-learn's digits, enlarged and in grey."""
    parts = [_digits(part, side) for part in (digits.train_set(), digits.test_set())]
    (images, labels), (unseen, unseen_labels) = parts
    return Images(name="digits", classes=10, images=images, labels=labels, unseen=unseen, unseen_labels=unseen_labels)


def coloured_digits(side: int = 32) -> Images:
    """Return the digits 0 to 4 on noise, in red or in blue, which are different classes, so that colour matters."""
    plain = digits_of(side)
    seen, unseen_rows = plain.labels < 5, plain.unseen_labels < 5
    (images, labels), (unseen, unseen_labels) = (
        _coloured(pixels, classes, seed)
        for seed, (pixels, classes) in enumerate(
            (
                (plain.images[seen].repeat(2, 0), plain.labels[seen].repeat(2)),
                (plain.unseen[unseen_rows], plain.unseen_labels[unseen_rows]),
            )
        )
    )
    return Images(
        name="coloured digits",
        classes=10,
        images=images,
        labels=labels,
        unseen=unseen,
        unseen_labels=unseen_labels,
    )


def _digits(part: digits.Digits, side: int) -> tuple[Pixels, Labels]:
    store = build_store(adopt_dataset(part, "digits"), build_pipeline(Preprocessing(resize=side)).geometry)
    return store.images, store.labels


def _coloured(images: Pixels, labels: Labels, seed: int) -> tuple[Pixels, Labels]:
    random = np.random.default_rng(seed)
    count, side = images.shape[:2]
    is_blue = random.integers(0, 2, count)
    inks = random.normal([[200, 80, 60], [60, 90, 200]], 25, (count, 2, 3))[np.arange(count), is_blue]
    papers = random.normal(120, 35, (count, 1, 1, 3)) + random.normal(0, 15, (count, side, side, 3))
    ink = images / 255.0
    pixels = papers * (1 - ink) + inks[:, None, None] * ink
    return pixels.clip(0, 255).astype(np.uint8), (labels + 5 * is_blue).astype(np.uint16)


# ---- networks ------------------------------------------------------------------------------------------------------


def small(classes: int, channels: int = 3) -> nn.Module:
    """Return a network of three convolutions, each followed by a batch norm."""
    blocks = (*_block(channels, 16), nn.MaxPool2d(2), *_block(16, 32), nn.MaxPool2d(2), *_block(32, 64))
    return nn.Sequential(*blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, classes))


def _block(before: int, after: int) -> tuple[nn.Module, ...]:
    return nn.Conv2d(before, after, 3, padding=1, bias=False), nn.BatchNorm2d(after), nn.ReLU()


def grouped(classes: int, channels: int = 3) -> nn.Module:
    """Return the small network with group norms, which store no statistics, instead of batch norms."""
    layers = cast("nn.Sequential", small(classes, channels))
    return nn.Sequential(
        *(nn.GroupNorm(8, layer.num_features) if isinstance(layer, nn.BatchNorm2d) else layer for layer in layers)
    )


def mobilenet(classes: int, channels: int = 3) -> nn.Module:
    """Return torchvision's MobileNet v3 with three blocks and squeeze and excitation."""
    blocks = [
        InvertedResidualConfig(16, 3, 32, 24, False, "RE", 1, 1, 1.0),
        InvertedResidualConfig(24, 3, 48, 32, True, "HS", 2, 1, 1.0),
        InvertedResidualConfig(32, 3, 64, 32, True, "HS", 1, 1, 1.0),
    ]
    return models.MobileNetV3(blocks, 64, num_classes=classes, dropout=0.0, norm_layer=nn.BatchNorm2d)


def efficientnet(classes: int, channels: int = 3) -> nn.Module:
    """Return torchvision's EfficientNet with two stages."""
    stages = [MBConvConfig(1, 3, 1, 16, 16, 1), MBConvConfig(3, 3, 2, 16, 32, 2)]
    return models.EfficientNet(stages, 0.0, stochastic_depth_prob=0.0, num_classes=classes, last_channel=64)


def densenet(classes: int, channels: int = 3) -> nn.Module:
    """Return torchvision's DenseNet with three short blocks."""
    return models.DenseNet(growth_rate=8, block_config=(2, 2, 2), num_init_features=16, num_classes=classes)


def convnext(classes: int, channels: int = 3) -> nn.Module:
    """Return torchvision's ConvNeXt with two stages and layer norms."""
    stages = [CNBlockConfig(24, 48, 1), CNBlockConfig(48, None, 1)]
    return models.ConvNeXt(stages, num_classes=classes, layer_scale=1.0)


def vit(classes: int, channels: int = 3) -> nn.Module:
    """Return torchvision's vision transformer for 32 px, with layer norms; it refuses other sizes."""
    return models.VisionTransformer(
        image_size=32, patch_size=4, num_layers=2, num_heads=4, hidden_dim=48, mlp_dim=96, num_classes=classes
    )


# ---- training ------------------------------------------------------------------------------------------------------


def trained(module: nn.Module, images: Images, spec: Preprocessing, *, epochs: int, seed: int = 0) -> nn.Module:
    """Return the network after a few epochs."""
    inputs, targets = _tensors(images, spec)
    torch.manual_seed(seed)
    optimizer = torch.optim.AdamW(module.train().parameters(), lr=3e-3 if _has_batch_norms(module) else 1e-3)
    for _ in range(epochs):
        for chosen in torch.randperm(len(targets)).split(64):
            batch = inputs[chosen]
            mirrored = batch.flip(3) if images.is_mirrored and torch.rand(()) < 0.5 else batch
            loss = F.cross_entropy(module(mirrored), targets[chosen])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return module.eval()


def _tensors(images: Images, spec: Preprocessing) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the inputs and labels of the training."""
    pipeline = build_pipeline(spec)
    data = adopt_dataset(list(zip(images.images, images.labels.tolist(), strict=True)), images.name)
    shaped = build_store(data, pipeline.geometry)
    inputs = pipeline.normalise(torch.from_numpy(shaped.images).permute(0, 3, 1, 2).contiguous())
    return inputs, torch.from_numpy(shaped.labels.astype(np.int64))


def _has_batch_norms(module: nn.Module) -> bool:
    return any(isinstance(part, nn.BatchNorm2d) for part in module.modules())
