"""What an inspection of 64 images reports on right and wrong preprocessing: the basis of measure/inputs/scale.py.

Networks with known preprocessing get images that they have not seen: as in training, after each common mistake, and
images that differ for good reasons. Prints each inspection and a table of the reports.

    python benchmarks/preprocessing.py
    python benchmarks/preprocessing.py --dataset=folder:DIR --arch=resnet18 --preprocess=none --model FILE [FILE ...]

Alone it uses scikit-learn's digits. With a data set of small colour images it also trains networks on four fifths of
them; `--model` adds checkpoints, trained with `--preprocess`.

The thresholds were chosen on the networks that are called tuned. The others are held out: another
architecture, other data, other epochs, another seed; `--seed` makes new ones.

These definitions were fixed before the held-out networks were measured:

- A mistake is another size, scale, mean and std or channel order than in training. It has to be reported if it
  leaves at most half of the accuracy. That is measured on 200 images, or on 100 of more than 64 px: others than the
  64 inspected ones, if there are enough. A model that refuses the inputs is not counted, since measuring ends there.
- Honest are the right inputs of any network, even after a short training, images in grey, and images of one class or of
  two: no preprocessing explains these. Any report is a false alarm, at any accuracy.
- Shifted are images with 0.7, 0.5 or 0.3 of the light, with half the contrast and in yellow light. They are honest too,
  but other numbers in the preprocessing would undo them, so the inputs cannot distinguish them from wrong numbers. A
  report is a false alarm as long as more than half of the accuracy is left; the others are counted separately.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import networks
import numpy as np
import torch
from networks import HALF, IMAGENET, NONE, Build, Images, Labels, Pixels
from torch import nn

from pytest_failaware.config.option_texts import Surroundings
from pytest_failaware.config.resolve import resolve
from pytest_failaware.core.preprocessing import Preprocessing
from pytest_failaware.core.request import RunConfig
from pytest_failaware.measure.images.decoding import build_store
from pytest_failaware.measure.images.map_style import adopt_dataset
from pytest_failaware.measure.inputs.look import InputLook, look
from pytest_failaware.measure.inputs.sample import IMAGES
from pytest_failaware.measure.inputs.scale import Inspection, inspect_scale
from pytest_failaware.measure.live import Bench, build_bench
from pytest_failaware.measure.models.loading import LoadedModel, adopt_model
from pytest_failaware.measure.opening import open_bench, open_images, open_model

CPU = torch.device("cpu")
BYTES = Preprocessing(mean=(0.0,), std=(1 / 255,))
TINY = Preprocessing(mean=(0.0,), std=(255.0,))
IMAGENET_64 = replace(IMAGENET, resize=64)
SEEN = 500  # images of a network
COUNTED = 200


class Kind(Enum):
    """The kinds of ways to inspect images."""

    SIZE = "wrong size"
    SCALE = "wrong scale"
    NUMBERS = "wrong mean and std"
    BOTH = "wrong size and numbers"
    ORDER = "wrong channel order"
    HONEST = "honest"
    SHIFTED = "shifted"

    @property
    def is_mistake(self) -> bool:
        """Return whether it has to be reported."""
        return self not in (Kind.HONEST, Kind.SHIFTED)


class Way(NamedTuple):
    """One way to inspect the images."""

    kind: Kind
    label: str
    bench: Bench


@dataclass(frozen=True, kw_only=True)
class Trained:
    """A network, the preprocessing of its training, and images that it has not seen, (N, H, W, C), with labels (N,)."""

    name: str
    model: LoadedModel
    spec: Preprocessing
    images: Pixels
    labels: Labels
    is_tuned: bool = False

    def bench(self, images: Pixels | None = None, spec: Preprocessing | None = None, *, twice: bool = False) -> Bench:
        """Return a bench of the network on these images with this preprocessing; `twice` normalises again inside."""
        module = Normalising(self.model.module, self.spec) if twice else self.model.module
        seen = zip(self.images if images is None else images, self.labels.tolist(), strict=True)
        return build_bench(adopt_model(module, CPU), adopt_dataset(list(seen), self.name), spec or self.spec)

    @property
    def few(self) -> Trained:
        """Return the same network on few enough images for a fast inspection."""
        rows = np.random.default_rng(0).permutation(len(self.labels))[:SEEN]
        return replace(self, images=self.images[rows], labels=self.labels[rows])

    def only(self, classes: Sequence[int]) -> Trained:
        """Return the same network on the images of these classes."""
        rows = np.isin(self.labels, classes)
        return replace(self, images=self.images[rows], labels=self.labels[rows])


class Normalising(nn.Module):
    """A network that normalises its inputs itself."""

    def __init__(self, module: nn.Module, spec: Preprocessing) -> None:
        super().__init__()
        self.module = module
        self.mean, self.std = (torch.tensor(values).view(1, -1, 1, 1) for values in (spec.mean, spec.std))

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Return the logits of inputs in [0, 1]."""
        return self.module((inputs - self.mean) / self.std)


# ---- ways to look --------------------------------------------------------------------------------------------------


def ways(one: Trained) -> Iterator[Way]:
    """Yield the ways to inspect the images: right, wrong, and honest but unusual."""
    yield Way(Kind.HONEST, "as trained", one.bench())
    yield from mistakes(one)
    is_colour = one.images.shape[-1] == 3
    if is_colour:
        shades = (one.images @ [0.299, 0.587, 0.114])[..., None].repeat(3, axis=3)
        yield Way(Kind.HONEST, "grey", one.bench(shades.astype(np.uint8)))
    for classes in ((3,), (1, 7)):
        yield Way(Kind.HONEST, f"of {len(classes)} classes alone", one.only(classes).bench())
    shifted = {
        "0.7 of the light": one.images * 0.7,
        "half of the light": one.images * 0.5,
        "0.3 of the light": one.images * 0.3,
        "half the contrast": one.images * 0.5 + 64,
        **({"yellow light": one.images * [1.0, 0.85, 0.6]} if is_colour else {}),
    }
    for label, images in shifted.items():
        yield Way(Kind.SHIFTED, label, one.bench(images.astype(np.uint8)))


def mistakes(one: Trained) -> Iterator[Way]:
    """Yield every common mistake that is possible with these images."""
    is_colour, size = one.images.shape[-1] == 3, one.spec.resize or one.images.shape[1]
    has_numbers = one.spec.mean == IMAGENET.mean  # those of the README, whose 224 px is the only mistake then
    for wrong in (16, 32, 40, 64, *((224,) if has_numbers else ())):
        if wrong != size:
            yield Way(Kind.SIZE, f"{wrong} px", one.bench(spec=replace(one.spec, resize=wrong)))
    for kind, label, spec in (
        (Kind.SCALE, "not normalised", NONE),
        (Kind.SCALE, "0..255", BYTES),
        (Kind.NUMBERS, "mean=std=0.5", HALF),
        (Kind.NUMBERS, "ImageNet's", IMAGENET),
        (Kind.BOTH, "ImageNet's at 64 px", IMAGENET_64),
        (Kind.BOTH, "ImageNet's at 224 px", replace(IMAGENET, resize=224)),
    ):
        is_wrong = spec.mean != one.spec.mean and spec.resize != size
        if is_wrong and (is_colour or len(spec.mean) < 3):
            yield Way(kind, label, one.bench(spec=spec if spec.resize else replace(spec, resize=one.spec.resize)))
    twice = one.bench(twice=True) if one.spec.mean else one.bench(spec=replace(TINY, resize=one.spec.resize))
    yield Way(Kind.SCALE, "normalised twice", twice)
    if is_colour:
        yield Way(Kind.ORDER, "BGR", one.bench(one.images[..., ::-1]))


def inspected(bench: Bench) -> Inspection:
    """Return what the plugin finds."""
    return inspect_scale(bench.model, bench.store, bench.pipeline, bench.runner.precision)


def accuracy(bench: Bench) -> float | None:
    """Return the accuracy on images that are not inspected, if there are others, or None if the model refuses them."""
    order = np.argsort(bench.store.sample_id)
    others = order[IMAGES:] if len(order) >= 2 * IMAGES else order
    chosen = others[: COUNTED if bench.store.images.shape[1] <= 64 else COUNTED // 2]
    with torch.inference_mode():
        seen = look(bench.model.module, inputs(bench, chosen))
    return None if seen.answers is None else float(seen.right(bench.store.labels[chosen]).mean())


def inputs(bench: Bench, rows: np.ndarray) -> Iterator[torch.Tensor]:
    """Yield the inputs of these images, 16 at a time."""
    for part in np.array_split(rows, -(-len(rows) // 16)):
        images = torch.from_numpy(bench.store.images[part]).permute(0, 3, 1, 2).contiguous()
        yield bench.pipeline.normalise(images)


# ---- what is printed -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One inspection: its accuracy, that of the right inputs, and the report."""

    kind: Kind
    label: str
    accuracy: float | None
    trained_accuracy: float
    inspection: Inspection

    @property
    def is_halved(self) -> bool:
        """Return whether at most half of the accuracy is left."""
        return self.accuracy is not None and 2 * self.accuracy <= self.trained_accuracy

    @property
    def is_reported(self) -> bool:
        """Return whether there is a finding."""
        return self.inspection.finding is not None

    def __str__(self) -> str:
        seen: InputLook = self.inspection.seen
        share = "refused" if self.accuracy is None else f"{self.accuracy:.1%}"
        report = "ALARM" if self.inspection.is_alarm else "yes" if self.is_reported else "no"
        said = (self.inspection.finding or "").partition(": ")[2]
        return (
            f"{self.kind.value:<24}{self.label:<22}{share:>8}{self.inspection.right:>4}{seen.first:>10.3g}"
            f"{seen.typical:>10.3g}  {report:<6} {said}"
        )


def cells(one: Trained) -> Iterator[Cell]:
    """Yield each inspection of a network, the right inputs first."""
    trained: float | None = None
    for way in ways(one):
        share = accuracy(way.bench)
        trained = share if trained is None else trained
        yield Cell(
            kind=way.kind,
            label=way.label,
            accuracy=share,
            trained_accuracy=trained or 0.0,
            inspection=inspected(way.bench),
        )


Tally = Counter[tuple[Kind, bool, bool]]
"""The number of cells by kind, by whether they are halved, and by whether they are reported."""


def share_of(tally: Tally, kinds: Iterable[Kind], *, halved: bool) -> str:
    """Return how many of these cells are reported."""
    hits, misses = (sum(tally[kind, halved, reported] for kind in kinds) for reported in (True, False))
    return f"{hits} of {hits + misses}" if hits + misses else ""


def tally_of(found: Iterable[Cell]) -> Tally:
    """Count the cells that were not refused."""
    return Counter((cell.kind, cell.is_halved, cell.is_reported) for cell in found if cell.accuracy is not None)


def row_of(one: Trained, found: Sequence[Cell]) -> str:
    """Return the network's line of the table in RESULTS.md."""
    return row(f"{'tuned: ' if one.is_tuned else ''}{one.name}", f"{found[0].accuracy:.1%}", tally_of(found))


def row(name: str, share: str, tally: Tally) -> str:
    """Return one line of the table in RESULTS.md."""
    wrong = [kind for kind in Kind if kind.is_mistake]
    columns = [
        *(share_of(tally, [kind], halved=True) for kind in wrong),
        share_of(tally, wrong, halved=False),
        share_of(tally, [Kind.HONEST], halved=False),
        share_of(tally, [Kind.HONEST], halved=True),
        share_of(tally, [Kind.SHIFTED], halved=False),
        share_of(tally, [Kind.SHIFTED], halved=True),
    ]
    return f"| {' | '.join([name, share, *columns])} |"


HEAD = (
    "| network | accuracy | size | scale | mean, std | both | order | mistakes, mild | honest | honest, halved | "
    "shifted | shifted, halved |\n|" + " --- |" * 12
)


def main() -> None:
    """Print each inspection of each network, then the table."""
    options = parse_options()
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads, {IMAGES} images looked at")
    rows: list[str] = []
    sums: dict[bool, Tally] = {True: Counter(), False: Counter()}
    for one in chosen(options):
        print(f"\n{one.name}, trained with {one.spec}, {len(one.images):,} images", flush=True)
        found = []
        for cell in cells(one):
            print(cell, flush=True)
            found.append(cell)
        sums[one.is_tuned].update(tally_of(found))
        rows.append(row_of(one, found))
        print(rows[-1], flush=True)
    rows += [row(name, "", sums[tuned]) for tuned, name in ((True, "all tuned"), (False, "all held out"))]
    print("\n" + "\n".join([HEAD, *rows]))


def parse_options() -> argparse.Namespace:
    """Return what to inspect beside the digits, in the words of the plugin's options."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--dataset", help="small colour images, as --failaware-dataset takes them")
    parser.add_argument("--model", nargs="*", default=[], help="checkpoints for these images")
    parser.add_argument("--arch", default="resnet18", help="their architecture; default: resnet18")
    parser.add_argument("--preprocess", default="none", help="that of their training; default: none")
    parser.add_argument("--seed", type=int, default=1, help="of the held-out networks; default: 1")
    parser.add_argument("--only", default="", help="only networks whose name has this text")
    parser.add_argument("--keep", type=Path, help="a folder for trained networks, from which they are read next time")
    return parser.parse_args()


# ---- networks ------------------------------------------------------------------------------------------------------


class Recipe(NamedTuple):
    """A network that is trained here, with its preprocessing and its number of epochs."""

    build: Build
    data: str
    spec: Preprocessing
    epochs: int
    is_tuned: bool = False

    @property
    def name(self) -> str:
        """Return the network, its data, its mean and std, and its epochs as text."""
        kind = {NONE.mean: "no numbers", HALF.mean: "0.5", IMAGENET.mean: "ImageNet's"}[self.spec.mean]
        size = f" at {self.spec.resize} px" if self.spec.resize else ""
        return f"{self.build.__name__}, {self.data}{size}, {kind}, {self.epochs} epochs"


TUNED = (Recipe(networks.small, "colour", HALF, 4, True), Recipe(networks.grouped, "colour", IMAGENET, 8, True))
HELD_OUT = (
    Recipe(networks.small, "colour", IMAGENET, 1),
    Recipe(networks.small, "colour", NONE, 2),
    Recipe(networks.densenet, "colour", HALF, 3),
    Recipe(networks.small, "grey", HALF, 3),
    Recipe(networks.small, "digits", NONE, 6),
    Recipe(networks.mobilenet, "coloured digits", NONE, 10),
    Recipe(networks.efficientnet, "coloured digits", IMAGENET, 10),
    Recipe(networks.grouped, "coloured digits", HALF, 16),
    Recipe(networks.convnext, "coloured digits", IMAGENET, 16),
    Recipe(networks.vit, "coloured digits", HALF, 16),
)


def chosen(options: argparse.Namespace) -> Iterator[Trained]:
    """Yield all networks, or those that --only names."""
    given = (one for one in chain(of_digits(), of_dataset(options)) if options.only in one.name)
    return (one.few for one in chain(given, of_recipes(options)))


def of_digits() -> Iterator[Trained]:
    """Yield the checkpoints of the example."""
    folder = Path(networks.digits.__file__).parent
    for name in ("digits", "digits_worse"):
        given = opened("digits:test_set", "resize=32", "digits:network", str(folder / f"{name}.pth"))
        store = given.store
        yield Trained(
            name=f"{name}.pth",
            model=given.model,
            spec=NONE,
            images=store.images,
            labels=store.labels,
            is_tuned=True,
        )


def of_dataset(options: argparse.Namespace) -> Iterator[Trained]:
    """Yield the checkpoints of --model on the images of --dataset."""
    for path in options.model:
        given = opened(options.dataset, options.preprocess, options.arch, path)
        spec = config_of(preprocess=options.preprocess).preprocess
        assert isinstance(spec, Preprocessing), "write the checkpoint's mean and std in numbers"
        store = given.store
        yield Trained(
            name=Path(path).name,
            model=given.model,
            spec=spec,
            images=store.images,
            labels=store.labels,
            is_tuned=True,
        )


def of_recipes(options: argparse.Namespace) -> Iterator[Trained]:
    """Yield the networks that are trained here; those on colour images need --dataset."""
    data = {"digits": networks.digits_of(28), "coloured digits": networks.coloured_digits()}
    if options.dataset is not None:
        store = build_store(open_images(config_of(dataset=options.dataset)), lambda image: image)
        data["colour"] = networks.split("colour", store.images, store.labels)
        data["grey"] = networks.grey(data["colour"])
    for recipe in (*HELD_OUT, *TUNED):
        if recipe.data in data and options.only in recipe.name:
            yield trained(recipe, data[recipe.data], 0 if recipe.is_tuned else options.seed, options.keep)


def trained(recipe: Recipe, data: Images, seed: int, keep: Path | None = None) -> Trained:
    """Return the network of a recipe, from its file if there is one."""
    torch.manual_seed(seed)
    module = recipe.build(data.classes, data.images.shape[-1])
    path = None if keep is None else keep / f"{recipe.name}, seed {seed}.pth".replace("/", " ")
    if path is not None and path.exists():
        module.load_state_dict(torch.load(path))
    else:
        networks.trained(module, data, recipe.spec, epochs=recipe.epochs, seed=seed)
        if path is not None:
            torch.save(module.state_dict(), path)
    return Trained(
        name=recipe.name,
        model=adopt_model(module, CPU),
        spec=recipe.spec,
        images=data.unseen,
        labels=data.unseen_labels,
        is_tuned=recipe.is_tuned,
    )


def opened(dataset: str, preprocess: str, arch: str, model: str) -> Bench:
    """Return the bench for the plugin's options of these names."""
    config = config_of(dataset=dataset, preprocess=preprocess, arch=arch, model=model)
    return open_bench(config, open_model(config, CPU), open_images(config))


def config_of(**options: str) -> RunConfig:
    """Return the plugin's settings for its options."""
    here = Path.cwd()
    around = Surroundings(environ={}, invocation_dir=here, ini_dir=here)
    return resolve(command_line=options, ini={}, around=around)


if __name__ == "__main__":
    main()
