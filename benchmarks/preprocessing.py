"""What the first batch norm of trained networks says of right and wrong preprocessing: the basis of measure/scale.py.

Networks of known preprocessing look at images that they have not seen: as in training, under each usual mistake, under
degradations, and as other data might honestly be. Prints what is measured, and whether the summary would tell.

    python benchmarks/preprocessing.py
    python benchmarks/preprocessing.py --dataset=folder:DIR --arch=resnet18 --preprocess=none --model FILE [FILE ...]

Alone it takes the digits of examples/. With a data set of small colour images it also trains two small networks and a
resnet18 on four fifths of them; `--model` adds checkpoints, trained with `--preprocess`.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, product
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import nn
from torchvision import models

from pytest_failaware.config import resolve
from pytest_failaware.measure.bench import Bench, build_bench
from pytest_failaware.measure.data import adopt_dataset
from pytest_failaware.measure.models import LoadedModel, adopt_model
from pytest_failaware.measure.preprocess import build_pipeline
from pytest_failaware.measure.scale import IMAGES, Misfit, misfit
from pytest_failaware.measure.store import build_store
from pytest_failaware.options import Surroundings
from pytest_failaware.run import open_bench, open_images, open_model
from pytest_failaware.schema import Preprocessing, RunConfig
from pytest_failaware.spelling import parse_conditions

sys.path.append(str(Path(__file__).parents[1] / "examples" / "digits"))

import digits

CPU = torch.device("cpu")
NONE = Preprocessing()
IMAGENET = Preprocessing(mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))
HALF = Preprocessing(mean=(0.5,), std=(0.5,))
BYTES = Preprocessing(mean=(0.0,), std=(1 / 255,))
EPOCHS = 4

Pixels = NDArray[np.uint8]


@dataclass(frozen=True, kw_only=True)
class Trained:
    """A network, the preprocessing of its training, and images that it has not seen, (N, H, W, C)."""

    name: str
    model: LoadedModel
    spec: Preprocessing
    images: Pixels

    def bench(self, images: Pixels | None = None, spec: Preprocessing | None = None, *, twice: bool = False) -> Bench:
        """The network on these images with this preprocessing, or with its own once more inside."""
        module = Normalising(self.model.module, self.spec) if twice else self.model.module
        data = adopt_dataset([(image, 0) for image in (self.images if images is None else images)], self.name)
        return build_bench(adopt_model(module, CPU), data, spec or self.spec)


class Normalising(nn.Module):
    """A network that normalises its inputs itself."""

    def __init__(self, module: nn.Module, spec: Preprocessing) -> None:
        super().__init__()
        self.module = module
        self.mean, self.std = (torch.tensor(values).view(1, -1, 1, 1) for values in (spec.mean, spec.std))

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Logits of inputs in [0, 1]."""
        return self.module((inputs - self.mean) / self.std)


def main() -> None:
    """Print a table for each network."""
    options = parse_options()
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads, {IMAGES} images looked at")
    for one in chain(of_digits(), of_dataset(options)):
        spec = str(one.spec)
        print(f"\n{one.name}, trained with {spec}, {len(one.images):,} images")
        print(f"{'':<30}{'divergence':>12}{'spread':>9}{'shift':>8}  told")
        for line in lines(one, degraded=not options.quick):
            print(line, flush=True)


def parse_options() -> argparse.Namespace:
    """What to look at beside the digits; the texts are the plugin's own."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--dataset", help="small colour images, as --failaware-dataset takes them")
    parser.add_argument("--model", nargs="*", default=[], help="checkpoints for these images")
    parser.add_argument("--arch", default="resnet18", help="their architecture; default: resnet18")
    parser.add_argument("--preprocess", default="none", help="that of their training; default: none")
    parser.add_argument("--quick", action="store_true", help="without the degradations")
    return parser.parse_args()


def lines(one: Trained, *, degraded: bool) -> Iterator[str]:
    """A row for each way to look at the images; of degradations the largest divergence of each severity."""
    for label, bench in ways(one):
        found = misfit(bench.model.module, inputs(bench, "clean"))
        assert found is not None
        yield row(label, found, "yes" if bench.notes else "no")
    if not degraded:
        return
    bench = one.bench(one.images[rows(len(one.images))])
    for texts in (("gaussian_noise",), ("blur",), ("low_light",), ("imagenet-c:3",), ("imagenet-c:5",)):
        found = {
            condition.key: misfit(bench.model.module, inputs(bench, condition.key))
            for condition in parse_conditions(texts, "")
        }
        key = max(found, key=lambda key: found[key].divergence)
        yield row(key if len(found) == 1 else f"{texts[0]}: most, {key}", found[key], "never asked")


def row(label: str, found: Misfit, told: str) -> str:
    """One line of the table."""
    return f"{label:<30}{found.divergence:>12.4g}{found.spread:>9.3g}{found.shift:>8.3g}  {told}"


def ways(one: Trained) -> Iterator[tuple[str, Bench]]:
    """Right, wrong, and honest but unusual."""
    colour = one.images.shape[-1] == 3
    yield "as trained", one.bench()
    for label, spec in {"not normalised": NONE, "0..255": BYTES, "ImageNet's": IMAGENET, "mean=std=0.5": HALF}.items():
        if spec != one.spec and (colour or spec != IMAGENET):
            yield label, one.bench(spec=spec)
    if one.spec != NONE:
        yield "normalised twice", one.bench(twice=True)
    if colour:
        yield "BGR", one.bench(one.images[..., ::-1])
    for factor in (0.7, 0.5, 0.3):
        yield f"honest: light x {factor}", one.bench((one.images * factor).astype(np.uint8))
    yield "honest: half the contrast", one.bench((one.images * 0.5 + 64).astype(np.uint8))


def inputs(bench: Bench, condition: str) -> torch.Tensor:
    """What the network is fed for the images that are looked at."""
    (one,) = parse_conditions([condition], "")
    loader = bench.loader(one, seed=0)
    whole = loader.inputs(slice(0, len(bench.store.labels)))
    return whole[torch.from_numpy(rows(len(whole)))]


def rows(count: int) -> NDArray[np.intp]:
    """The images that are looked at."""
    return np.unique(np.linspace(0, count - 1, IMAGES).astype(np.intp))


# ---- networks ------------------------------------------------------------------------------------------------------


def of_digits() -> Iterator[Trained]:
    """The example's checkpoint, and its network trained with mean and std."""
    spec = Preprocessing(resize=32)
    given = opened("digits:test_set", "resize=32", "digits:network", str(Path(digits.__file__).with_name("digits.pth")))
    unseen = given.store.images
    yield Trained(name="examples/digits", model=given.model, spec=NONE, images=unseen)
    seen = build_bench(given.model, adopt_dataset(digits.train_set(), "digits"), spec).store
    model = trained(digits.network(), seen.images, seen.labels, HALF)
    yield Trained(name="the digits' network", model=model, spec=HALF, images=unseen)


def of_dataset(options: argparse.Namespace) -> Iterator[Trained]:
    """The given checkpoints on the given images, and networks trained on four of five of them."""
    if options.dataset is None:
        return
    for path in options.model:
        given = opened(options.dataset, options.preprocess, options.arch, path)
        spec = config_of(preprocess=options.preprocess).preprocess
        assert isinstance(spec, Preprocessing), "write the checkpoint's mean and std in numbers"
        yield Trained(name=Path(path).name, model=given.model, spec=spec, images=given.store.images)
    store = build_store(open_images(config_of(dataset=options.dataset)), lambda image: image)
    held_out = np.arange(len(store.labels)) % 5 == 0
    classes = len(store.facts.classes)
    recipes = product({"conv-bn": small, "conv-relu-conv-bn": late}.items(), (IMAGENET, HALF))
    for (name, build), spec in (*recipes, (("resnet18", models.resnet18), IMAGENET)):
        model = trained(build(num_classes=classes), store.images[~held_out], store.labels[~held_out], spec)
        yield Trained(name=name, model=model, spec=spec, images=store.images[held_out])


def opened(dataset: str, preprocess: str, arch: str, model: str) -> Bench:
    """The bench that the plugin's options of these names mean."""
    config = config_of(dataset=dataset, preprocess=preprocess, arch=arch, model=model)
    return open_bench(config, open_model(config, CPU), open_images(config))


def config_of(**options: str) -> RunConfig:
    """What the plugin makes of its options."""
    here = Path.cwd()
    around = Surroundings(environ={}, invocation_dir=here, ini_dir=here)
    return resolve(command_line=options, ini={}, around=around)


def small(num_classes: int) -> nn.Module:
    """Three convolutions, each followed by a batch norm."""
    return network(num_classes, first=(nn.Conv2d(3, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU()))


def late(num_classes: int) -> nn.Module:
    """The first batch norm comes after a convolution, a ReLU and another convolution."""
    return network(num_classes, first=(nn.Conv2d(3, 16, 3, padding=1), nn.ReLU()))


def network(num_classes: int, first: Sequence[nn.Module]) -> nn.Module:
    """These layers, then two blocks and a linear layer."""
    blocks = (
        layer
        for before, after in ((16, 32), (32, 64))
        for layer in (
            nn.MaxPool2d(2),
            nn.Conv2d(before, after, 3, padding=1, bias=False),
            nn.BatchNorm2d(after),
            nn.ReLU(),
        )
    )
    return nn.Sequential(*first, *blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, num_classes))


def trained(module: nn.Module, images: Pixels, labels: NDArray[np.uint16], spec: Preprocessing) -> LoadedModel:
    """The network after a few epochs of mirrored images."""
    torch.manual_seed(0)
    for part in module.modules():
        reset: Callable[[], None] | None = getattr(part, "reset_parameters", None)
        if reset is not None:
            reset()
    inputs = build_pipeline(spec).normalise(torch.from_numpy(images).permute(0, 3, 1, 2).contiguous())
    targets = torch.from_numpy(labels.astype(np.int64))
    optimizer = torch.optim.AdamW(module.train().parameters(), lr=3e-3)
    for _ in range(EPOCHS):
        for chosen in torch.randperm(len(targets)).split(64):
            batch = inputs[chosen]
            loss = F.cross_entropy(module(batch.flip(3) if torch.rand(()) < 0.5 else batch), targets[chosen])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return adopt_model(module, CPU)


if __name__ == "__main__":
    main()
