"""What a look at 64 images says of right and wrong preprocessing: the basis of measure/scale.py.

Networks of known preprocessing look at images that they have not seen: as in training, under each usual mistake, and as
other data might honestly be. Prints what is seen and whether it is reported, then the hits and false alarms.

    python benchmarks/preprocessing.py
    python benchmarks/preprocessing.py --dataset=folder:DIR --arch=resnet18 --preprocess=none --model FILE [FILE ...]

Alone it takes the digits of examples/. With a data set of small colour images it also trains networks on four fifths of
them; `--model` adds checkpoints, trained with `--preprocess`.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from itertools import chain, product
from pathlib import Path
from typing import NamedTuple, cast

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
from pytest_failaware.measure.scale import IMAGES, Inspection, inspect_scale
from pytest_failaware.measure.store import build_store
from pytest_failaware.options import Surroundings
from pytest_failaware.run import open_bench, open_images, open_model
from pytest_failaware.schema import Preprocessing, RunConfig

sys.path.append(str(Path(__file__).parents[1] / "examples" / "digits"))

import digits

CPU = torch.device("cpu")
NONE = Preprocessing()
IMAGENET = Preprocessing(mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))
HALF = Preprocessing(mean=(0.5,), std=(0.5,))
BYTES = Preprocessing(mean=(0.0,), std=(1 / 255,))
TINY = Preprocessing(mean=(0.0,), std=(255.0,))
EPOCHS = 4
MORE_EPOCHS = 8  # without batch norms, networks learn more slowly

Pixels = NDArray[np.uint8]
Labels = NDArray[np.uint16]


@dataclass(frozen=True, kw_only=True)
class Trained:
    """A network, the preprocessing of its training, and images that it has not seen, (N, H, W, C), with labels (N,)."""

    name: str
    model: LoadedModel
    spec: Preprocessing
    images: Pixels
    labels: Labels

    def bench(self, images: Pixels | None = None, spec: Preprocessing | None = None, *, twice: bool = False) -> Bench:
        """The network on these images with this preprocessing, or with its own once more inside."""
        module = Normalising(self.model.module, self.spec) if twice else self.model.module
        seen = zip(self.images if images is None else images, self.labels.tolist(), strict=True)
        return build_bench(adopt_model(module, CPU), adopt_dataset(list(seen), self.name), spec or self.spec)

    def only(self, classes: Sequence[int]) -> Trained:
        """The same network on the images of these classes."""
        rows = np.isin(self.labels, classes)
        return replace(self, images=self.images[rows], labels=self.labels[rows])


class Kind(Enum):
    """What a way to look at the images is."""

    SIZE = "wrong size"
    SCALE = "wrong scale"
    NUMBERS = "wrong mean and std"
    ORDER = "wrong channel order"
    HONEST = "honest"


class Way(NamedTuple):
    """One way to look at the images."""

    kind: Kind
    label: str
    bench: Bench


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
    """Print a table for each network, then how many mistakes were reported."""
    options = parse_options()
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads, {IMAGES} images looked at")
    tally: dict[tuple[Kind, bool], list[bool]] = {}
    for one in chain(of_digits(), of_dataset(options)):
        print(f"\n{one.name}, trained with {one.spec}, {len(one.images):,} images")
        print(f"{'':<20}{'':<26}{'right':>6}{'first':>10}{'typical':>10}  reported")
        trained_right = 0
        for way in ways(one):
            inspection = inspected(way.bench)
            trained_right = trained_right or inspection.right
            report = "ALARM" if inspection.is_alarm else "yes" if inspection.finding else "no"
            print(
                f"{way.kind.value:<20}{way.label:<26}{inspection.right:>6}{inspection.seen.first:>10.3g}{inspection.seen.typical:>10.3g}"
                f"  {report}",
                flush=True,
            )
            halved = 2 * inspection.right <= trained_right
            tally.setdefault((way.kind, halved), []).append(inspection.finding is not None)
    print(f"\n{'':<22}{'accuracy':<22}reported")
    for (kind, halved), reports in sorted(tally.items(), key=lambda item: (list(Kind).index(item[0][0]), item[0][1])):
        fallen = "half of it or less" if halved else "more than half of it"
        print(f"{kind.value:<22}{fallen:<22}{sum(reports)} of {len(reports)}")


def parse_options() -> argparse.Namespace:
    """What to look at beside the digits; the texts are the plugin's own."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--dataset", help="small colour images, as --failaware-dataset takes them")
    parser.add_argument("--model", nargs="*", default=[], help="checkpoints for these images")
    parser.add_argument("--arch", default="resnet18", help="their architecture; default: resnet18")
    parser.add_argument("--preprocess", default="none", help="that of their training; default: none")
    return parser.parse_args()


def inspected(bench: Bench) -> Inspection:
    """What the plugin finds."""
    return inspect_scale(bench.model, bench.store, bench.pipeline, bench.runner.precision)


def ways(one: Trained) -> Iterator[Way]:
    """Right, wrong, and honest but unusual."""
    yield Way(Kind.HONEST, "as trained", one.bench())
    yield from mistakes(one)
    changed = {
        "0.7 of the light": one.images * 0.7,
        "half of the light": one.images * 0.5,
        "0.3 of the light": one.images * 0.3,
        "half the contrast": one.images * 0.5 + 64,
    }
    if one.images.shape[-1] == 3:
        changed["grey"] = (one.images @ [0.299, 0.587, 0.114])[..., None].repeat(3, axis=3)
        changed["yellow light"] = one.images * [1.0, 0.85, 0.6]
    for label, images in changed.items():
        yield Way(Kind.HONEST, label, one.bench(images.astype(np.uint8)))
    for classes in ((3,), (1, 7)):
        yield Way(Kind.HONEST, f"of {len(classes)} classes alone", one.only(classes).bench())


def mistakes(one: Trained) -> Iterator[Way]:
    """Every usual mistake that can be made with these images."""
    colour, size = one.images.shape[-1] == 3, one.spec.resize or one.images.shape[1]
    for wrong in (16, 32, 40, 64, 224):
        if wrong != size:
            yield Way(Kind.SIZE, f"{wrong} px", one.bench(spec=replace(one.spec, resize=wrong)))
    for kind, label, spec in (
        (Kind.SCALE, "not normalised", NONE),
        (Kind.SCALE, "0..255", BYTES),
        (Kind.NUMBERS, "mean=std=0.5", HALF),
        (Kind.NUMBERS, "ImageNet's", IMAGENET),
        (Kind.NUMBERS, "ImageNet's at 64 px", replace(IMAGENET, resize=64)),
        (Kind.NUMBERS, "ImageNet's at 224 px", replace(IMAGENET, resize=224)),
    ):
        if spec.mean != one.spec.mean and (colour or len(spec.mean) < 3):
            yield Way(kind, label, one.bench(spec=spec if spec.resize else replace(spec, resize=one.spec.resize)))
    twice = one.bench(twice=True) if one.spec.mean else one.bench(spec=replace(TINY, resize=one.spec.resize))
    yield Way(Kind.SCALE, "normalised twice", twice)
    if colour:
        yield Way(Kind.ORDER, "BGR", one.bench(one.images[..., ::-1]))


# ---- networks ------------------------------------------------------------------------------------------------------


def of_digits() -> Iterator[Trained]:
    """The examples' checkpoints, and their network trained with mean and std."""
    spec = Preprocessing(resize=32)
    folder = Path(digits.__file__).parent
    for name in ("digits", "digits_worse"):
        given = opened("digits:test_set", "resize=32", "digits:network", str(folder / f"{name}.pth"))
        store = given.store
        yield Trained(
            name=f"examples/digits/{name}.pth", model=given.model, spec=NONE, images=store.images, labels=store.labels
        )
    seen = build_bench(given.model, adopt_dataset(digits.train_set(), "digits"), spec).store
    model = trained(digits.network(), seen.images, seen.labels, HALF)
    yield Trained(name="the digits' network", model=model, spec=HALF, images=store.images, labels=store.labels)


def of_dataset(options: argparse.Namespace) -> Iterator[Trained]:
    """The given checkpoints on the given images, and networks trained on four of five of them."""
    if options.dataset is None:
        return
    for path in options.model:
        given = opened(options.dataset, options.preprocess, options.arch, path)
        spec = config_of(preprocess=options.preprocess).preprocess
        assert isinstance(spec, Preprocessing), "write the checkpoint's mean and std in numbers"
        store = given.store
        yield Trained(name=Path(path).name, model=given.model, spec=spec, images=store.images, labels=store.labels)
    images = open_images(config_of(dataset=options.dataset))
    store = build_store(images, lambda image: image)
    held_out = np.arange(len(store.labels)) % 5 == 0
    for name, build, spec, epochs in recipes():
        shaped = build_store(images, build_pipeline(spec).geometry)
        module = build(num_classes=len(store.facts.classes))
        model = trained(module, shaped.images[~held_out], store.labels[~held_out], spec, epochs=epochs)
        yield Trained(name=name, model=model, spec=spec, images=store.images[held_out], labels=store.labels[held_out])


def recipes() -> Iterator[tuple[str, Callable[..., nn.Module], Preprocessing, int]]:
    """Name, network, preprocessing and epochs of what is trained here."""
    for (name, build), spec in product({"conv-bn": small, "conv-relu-conv-bn": late}.items(), (IMAGENET, HALF)):
        yield name, build, spec, EPOCHS
    yield "conv-bn, at 64 px", small, replace(IMAGENET, resize=64), EPOCHS
    yield "resnet18", models.resnet18, IMAGENET, EPOCHS
    yield "conv-groupnorm", grouped, IMAGENET, MORE_EPOCHS
    yield "transformer", Transformer, HALF, MORE_EPOCHS


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


def grouped(num_classes: int) -> nn.Module:
    """The small network with group norms, which remember nothing, in place of its batch norms."""
    layers = cast("nn.Sequential", small(num_classes))
    return nn.Sequential(
        *(nn.GroupNorm(8, layer.num_features) if isinstance(layer, nn.BatchNorm2d) else layer for layer in layers)
    )


class Transformer(nn.Module):
    """Two layers on patches of 4 x 4 px, with layer norms; its position embeddings are enlarged for larger images."""

    def __init__(self, num_classes: int, width: int = 64) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, width, 4, stride=4)
        self.positions = nn.Parameter(torch.zeros(1, width, 8, 8))
        layer = nn.TransformerEncoderLayer(width, 4, 2 * width, dropout=0.0, batch_first=True, norm_first=True)
        self.layers = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.head = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, num_classes))

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Logits of normalised images."""
        patches = self.patches(inputs)
        placed = patches + F.interpolate(self.positions, patches.shape[2:], mode="bilinear")
        logits: torch.Tensor = self.head(self.layers(placed.flatten(2).transpose(1, 2)).mean(1))
        return logits


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


def trained(
    module: nn.Module, images: Pixels, labels: Labels, spec: Preprocessing, *, epochs: int = EPOCHS
) -> LoadedModel:
    """The network after a few epochs of mirrored images."""
    torch.manual_seed(0)
    for part in module.modules():
        reset: Callable[[], None] | None = getattr(part, "reset_parameters", None)
        if reset is not None:
            reset()
    inputs = build_pipeline(spec).normalise(torch.from_numpy(images).permute(0, 3, 1, 2).contiguous())
    targets = torch.from_numpy(labels.astype(np.int64))
    optimizer = torch.optim.AdamW(module.train().parameters(), lr=3e-3)
    for _ in range(epochs):
        for chosen in torch.randperm(len(targets)).split(64):
            batch = inputs[chosen]
            loss = F.cross_entropy(module(batch.flip(3) if torch.rand(()) < 0.5 else batch), targets[chosen])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return adopt_model(module, CPU)


if __name__ == "__main__":
    main()
