"""Write, check or try the table from which architectures are inferred.

    python scripts/fingerprints.py              # write the table from the installed torchvision
    python scripts/fingerprints.py --check      # exit code 1 if the installed torchvision gives another table
    python scripts/fingerprints.py --load-all   # save and load all, with 7 classes: takes minutes and 6 GB of memory

With --load-all, names after the option choose some classifiers.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import torch
import torchvision
from torch import nn
from torch.overrides import TorchFunctionMode
from torchvision import models

from pytest_failaware.core.request import Source, SourceKind
from pytest_failaware.measure.models.loading import load_model
from pytest_failaware.measure.models.recognition import TABLE, Shape, digest, tells
from pytest_failaware.measure.models.state import model_sha256

VERSION: Final = torchvision.__version__.partition("+")[0]
VARIANTS: Final[Mapping[str, tuple[dict[str, Any], ...]]] = {
    "googlenet": ({"aux_logits": False},),
    "inception_v3": ({"aux_logits": False},),
    "vit_b_16": ({"image_size": 384},),
    "vit_l_16": ({"image_size": 512},),
    "vit_h_14": ({"image_size": 518},),
}
"""Options that change tensors: heads that only training needs, and the other image sizes of published weights."""


class WithoutMemory(TorchFunctionMode):
    """A mode in which new tensors are on the meta device.

    Under torch.device("meta") a RegNet fails, because it computes with tensors."""

    def __torch_function__(
        self, function: Callable[..., Any], types: Any, args: Any = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:  # Any: torch's functions take and return any type
        """Call a function of torch with the meta device."""
        arguments = dict(kwargs or {})
        if function in (torch.empty, torch.zeros, torch.ones):
            arguments["device"] = "meta"
        return function(*args, **arguments)


def names() -> list[str]:
    """Return the names of all classifiers of the installed torchvision."""
    return list(models.list_models(module=models))


def build(name: str, classes: int, options: Mapping[str, Any]) -> nn.Module:
    """Build a new classifier."""
    with warnings.catch_warnings():  # inception_v3 and googlenet announce a change of weights that are not used
        warnings.simplefilter("ignore")
        module: nn.Module = models.get_model(name, weights=None, num_classes=classes, **options)
    return module


def shapes(name: str, classes: int, **options: Any) -> dict[str, Shape]:  # Any: a flag or a size
    """Return the names and shapes of a classifier's tensors."""
    with WithoutMemory():
        module = build(name, classes, options)
    return {key: tuple(value.shape) for key, value in module.state_dict().items()}


def entry(name: str, options: Mapping[str, Any]) -> dict[str, Any]:  # Any: plain data
    """Return one line of the table; tensors that depend on the number of classes are the heads."""
    one, other = (shapes(name, classes, **options) for classes in (13, 17))
    heads = [key for key in one if one[key] != other[key]]
    if any((one[key], other[key]) != ((13, *one[key][1:]), (17, *one[key][1:])) for key in heads):
        raise SystemExit(f"{name}: the number of classes is not the first dimension of {', '.join(heads)}")
    body = sorted(digest(key, shape) for key, shape in one.items() if tells(key) and key not in heads)
    return {"name": name, "options": options, "heads": {key: one[key][1:] for key in heads}, "body": "".join(body)}


def entries() -> Iterator[dict[str, Any]]:  # Any: plain data
    """Return the lines of the table."""
    for name in names():
        for options in ({}, *VARIANTS.get(name, ())):
            yield entry(name, options)


def table() -> str:
    """Return the text of the table, with one architecture per line."""
    lines = [json.dumps(one) for one in entries()]
    bodies = [json.loads(line)["body"] for line in lines]
    if len(set(bodies)) < len(bodies):
        raise SystemExit("two architectures differ only in their heads; the table cannot distinguish them")
    listed = ",\n".join(lines)
    return f'{{"torchvision": {json.dumps(VERSION)},\n"architectures": [\n{listed}\n]}}\n'


def differences(shipped: str, installed: str) -> list[str]:
    """Yield each difference between the installed torchvision and the shipped table."""
    sides = [{json.dumps(one) for one in json.loads(text)["architectures"]} for text in (shipped, installed)]
    signs = (("only in the table", sides[0] - sides[1]), ("only in torchvision", sides[1] - sides[0]))
    return sorted(
        f"{one['name']} {one['options'] or ''}".strip() + f": {what}"
        for what, lines in signs
        for one in map(json.loads, lines)
    )


def save_and_load(name: str, options: Mapping[str, Any], folder: Path) -> str:
    """Load a classifier with 7 classes without its name; return "" if that works, else what happened."""
    module = build(name, 7, options)
    path, before = folder / "model.pth", model_sha256(module)
    torch.save(module.state_dict(), path)
    del module
    loaded = load_model(Source(kind=SourceKind.FILE, target=str(path)), None, torch.device("cpu"))
    path.unlink()
    if (loaded.facts.architecture, loaded.facts.sha256) != (name, before):
        return f"loaded as {loaded.facts.architecture} {loaded.facts.sha256[:8]}, saved {before[:8]}"
    return "" if "with 7 classes" in loaded.notes[0] else f"no note: {loaded.notes}"


def load_all(chosen: list[str]) -> int:
    """Save and load each classifier, and return how many were not loaded."""
    failed = done = 0
    for name in chosen or names():
        for options in ({}, *VARIANTS.get(name, ())):
            start = time.perf_counter()
            with tempfile.TemporaryDirectory() as folder:
                problem = save_and_load(name, options, Path(folder))
            seconds = time.perf_counter() - start
            print(*filter(None, (name, options, problem or "loaded")), f"{seconds:.1f} s", flush=True)
            failed, done = failed + bool(problem), done + 1
    print(f"{done - failed} of {done} loaded without their names, torchvision {VERSION}")
    return failed


def main(arguments: list[str] | None = None) -> int:
    """Do what the options say, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="compare the table with the installed torchvision")
    parser.add_argument("--load-all", nargs="*", metavar="NAME", help="save and load classifiers")
    asked = parser.parse_args(arguments)
    if asked.load_all is not None:
        return int(load_all(asked.load_all) > 0)
    text = table()
    if asked.check:
        found = differences(TABLE.read_text(encoding="utf-8"), text)
        print("\n".join(found) or f"{TABLE.name} is that of torchvision {VERSION}")
        return int(bool(found))
    TABLE.write_text(text, encoding="utf-8")
    print(f"wrote {TABLE.name} from torchvision {VERSION}: {len(json.loads(text)['architectures'])} entries")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
