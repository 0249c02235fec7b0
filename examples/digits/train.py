"""Train the digits network on the CPU: the same command gives the same weights, in under a minute."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import partial
from pathlib import Path

import digits
import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torchvision.transforms.functional import gaussian_blur, resize

BATCH = 64

Augment = Callable[[torch.Tensor, torch.Generator], torch.Tensor]
"""What training does to a batch (B, 1, 32, 32) before the network sees it."""


def main() -> None:
    """Train as the options say and write the state_dict."""
    options = parse_options()
    torch.set_num_threads(1)  # how sums are split over threads changes the last bits
    torch.use_deterministic_algorithms(True)
    images, labels = tensors(digits.train_set())
    change = partial(augment, strength=options.strength)
    model = train(images, labels, change, epochs=options.epochs, seed=options.seed)
    torch.save(model.state_dict(), options.out)
    print(f"{options.out}: {options.epochs} epochs, strength {options.strength:g}, seed {options.seed}")


def parse_options() -> argparse.Namespace:
    """The recipe's few numbers; the defaults made digits.pth."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name("digits.pth"), help="file to write")
    parser.add_argument("--epochs", type=int, default=40, help="passes over the training images")
    parser.add_argument("--strength", type=float, default=1.0, help="of the degradations in training, 0 (none) to 1")
    parser.add_argument("--seed", type=int, default=0, help="of the initial weights, the order and the degradations")
    return parser.parse_args()


def tensors(data: digits.Digits) -> tuple[torch.Tensor, torch.Tensor]:
    """Images (N, 1, 32, 32) in [0, 1] by failaware_preprocess's resize=32, and labels (N,)."""
    enlarged = [np.asarray(resize(Image.fromarray(image), [32, 32])) for image, _ in data]
    return torch.from_numpy(np.stack(enlarged)).unsqueeze(1) / 255, torch.from_numpy(data.labels)


def train(images: torch.Tensor, labels: torch.Tensor, change: Augment, *, epochs: int, seed: int) -> torch.nn.Module:
    """The network after `epochs` passes of Adam under a one-cycle learning rate, in eval mode."""
    torch.manual_seed(seed)
    random = torch.Generator().manual_seed(seed)
    model = digits.network()
    optimizer = torch.optim.AdamW(model.parameters(), weight_decay=0.01)
    steps = epochs * -(-len(labels) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.01, total_steps=steps)
    for _ in range(epochs):
        for rows in torch.randperm(len(labels), generator=random).split(BATCH):
            loss = F.cross_entropy(model(change(images[rows], random)), labels[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    return model.eval()


def augment(images: torch.Tensor, random: torch.Generator, *, strength: float) -> torch.Tensor:
    """The batch shifted by up to 3 pixels, then each image blurred, darkened and made noisy by random amounts."""
    return noise(darken(blur(shift(images, random), strength, random), strength, random), strength, random)


def shift(images: torch.Tensor, random: torch.Generator) -> torch.Tensor:
    """The batch moved by one random offset of up to 3 pixels each way, black moving in."""
    left, top = torch.randint(0, 7, (2,), generator=random).tolist()
    return F.pad(images, (3, 3, 3, 3))[:, :, top : top + 32, left : left + 32]


def blur(images: torch.Tensor, strength: float, random: torch.Generator) -> torch.Tensor:
    """Each image mixed with its blurred copy (sigma 1.5 pixels) in a random proportion."""
    share = strength * torch.rand(len(images), 1, 1, 1, generator=random)
    return torch.lerp(images, gaussian_blur(images, [7, 7], [1.5, 1.5]), share)


def darken(images: torch.Tensor, strength: float, random: torch.Generator) -> torch.Tensor:
    """Each image times a random factor from 0.5 to 1."""
    return images * (1 - 0.5 * strength * torch.rand(len(images), 1, 1, 1, generator=random))


def noise(images: torch.Tensor, strength: float, random: torch.Generator) -> torch.Tensor:
    """Each image with normal noise of a random sigma up to 0.15, clipped to [0, 1]."""
    sigma = 0.15 * strength * torch.rand(len(images), 1, 1, 1, generator=random)
    return (images + sigma * torch.randn(images.shape, generator=random)).clamp(0, 1)


if __name__ == "__main__":
    main()
