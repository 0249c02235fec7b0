"""Look up the torchvision classifier of weights by the names and shapes of their tensors.

scripts/fingerprints.py writes the table. An option that changes no tensor (an activation, a stride, a dilation) is not
recognised.
"""

from __future__ import annotations

import functools
import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pytest_failaware.core.errors import ModelError
from pytest_failaware.core.request import Source, SourceKind
from pytest_failaware.core.text import one_line

Shape = tuple[int, ...]

TABLE: Final = Path(__file__).with_name("torchvision_fingerprints.json")
EXAMPLES: Final = "--failaware-arch=timm:NAME or --failaware-arch=mypkg.models:build"
"""How to name an architecture that torchvision does not have."""
_DIGITS: Final = 6  # hex digits of a digest; strict loading checks the result
_FEWEST: Final = 10  # tensors under a prefix that is tried
_DEEPEST: Final = 6  # dots in a prefix
_ENOUGH: Final = 0.5  # share of common tensors from which the nearest architecture is named
_UNSEEN: Final = {"googlenet": "transform_input", "inception_v3": "transform_input"}  # True with published weights


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """A torchvision classifier, built with `options`, for the tensors whose names begin with `prefix`.

    `classes` is the number of rows of the last head, None if there is no such head. `likeness`, from 0 to 1, is the
    share of common tensors, without the heads. `is_exact`: all tensors fit, and the heads agree.
    """

    name: str
    options: Mapping[str, Any]  # Any: a flag, a size, or another option of the builder
    classes: int | None
    prefix: str
    likeness: float
    is_exact: bool

    def __str__(self) -> str:
        options = ", ".join(f"{key}={value}" for key, value in self.options.items())
        return f"{self.name} ({options})" if options else self.name

    @property
    def source(self) -> Source:
        """The source that a user could have typed instead."""
        return Source(kind=SourceKind.TORCHVISION, target=self.name)

    @property
    def note(self) -> str:
        """A line for the summary of a run that uses the classifier."""
        unseen = f", which do not show its {_UNSEEN[self.name]} (taken as False)" if self.name in _UNSEEN else ""
        return (
            f"inferred the architecture {self} with {self.classes} classes from the weights' names and shapes{unseen}; "
            "--failaware-arch overrides"
        )


def infer(shapes: Mapping[str, Shape], path: Path) -> Fit:
    """Return the classifier of the tensors of the file `path`, or else the nearest, which a strict load checks.

    Raises:
        ModelError: none is near, or only without a prefix of the names.
    """
    fit = recognise(shapes) or nearest(shapes)
    if fit is None:
        first, shape = next(iter(shapes.items()))
        raise ModelError(
            f"{path}: no known architecture has these tensors (first: {one_line(first)} {shape}); give theirs, "
            f"as in {EXAMPLES}"
        )
    if fit.prefix:
        how = "fits" if fit.is_exact else f"shares {fit.likeness:.0%} of its tensors, heads apart, with"
        then = "" if fit.is_exact else f" and give their architecture, as in {EXAMPLES}"
        prefix = one_line(repr(fit.prefix))
        raise ModelError(f"{path}: {how} {fit} after removing the prefix {prefix}; save those tensors without it{then}")
    return fit


def recognise(shapes: Mapping[str, Shape]) -> Fit | None:
    """Return the classifier that has exactly these tensors, with any number of classes, else None."""
    return next((fit for fit in _fits(shapes, "") if fit.is_exact), None)


def nearest(shapes: Mapping[str, Shape]) -> Fit | None:
    """Return the classifier that has most of the tensors, under any prefix, if it has at least half of them."""
    fits = (fit for prefix in _prefixes(shapes) for fit in _fits(shapes, prefix))
    best = max(fits, key=lambda fit: (fit.is_exact, fit.likeness))
    return best if best.likeness >= _ENOUGH else None


def _prefixes(shapes: Mapping[str, Shape]) -> list[str]:
    """Return the prefixes of at least ten names: the empty prefix first, then by length."""
    parts = [name.split(".") for name in shapes]
    depths = Counter(".".join(part[:depth]) + "." for part in parts for depth in range(1, min(len(part), _DEEPEST + 1)))
    common = [prefix for prefix, names in depths.items() if names >= _FEWEST]
    return ["", *sorted(common, key=len)]


def _fits(shapes: Mapping[str, Shape], prefix: str) -> Iterator[Fit]:
    """Yield how well each architecture of the table fits the tensors under a prefix."""
    tensors = {name.removeprefix(prefix): shape for name, shape in shapes.items() if name.startswith(prefix)}
    digests = {name: digest(name, shape) for name, shape in tensors.items() if tells(name)}
    for known in fingerprints():
        body = {digest_of_tensor for name, digest_of_tensor in digests.items() if name not in known.heads}
        rows = [_rows(tensors.get(name, ()), rest) for name, rest in known.heads.items()]
        likeness = len(body & known.body) / len(body | known.body)
        yield Fit(
            name=known.name,
            options=known.options,
            classes=rows[-1],
            prefix=prefix,
            likeness=likeness,
            is_exact=likeness == 1 and rows[-1] is not None and len(set(rows)) == 1,
        )


def _rows(shape: Shape, rest: Shape) -> int | None:
    """Return the number of classes of a head with this shape."""
    return shape[0] if shape and shape[1:] == rest else None


# ---- the table -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Fingerprint:
    """The tensors of a torchvision classifier that is built with `options`.

    `heads` are the tensors with one row per class, and their shapes without the rows; `body` the digests of all others.
    """

    name: str
    options: Mapping[str, Any]  # Any: as in Fit
    heads: Mapping[str, Shape]
    body: frozenset[str]


@functools.cache
def fingerprints() -> tuple[Fingerprint, ...]:
    """Read the table."""
    entries = json.loads(TABLE.read_text(encoding="utf-8"))["architectures"]
    return tuple(
        Fingerprint(
            name=entry["name"],
            options=entry["options"],
            heads={name: tuple(rest) for name, rest in entry["heads"].items()},
            body=frozenset(entry["body"][at : at + _DIGITS] for at in range(0, len(entry["body"]), _DIGITS)),
        )
        for entry in entries
    )


def digest(name: str, shape: Shape) -> str:
    """Return the digest that stands for a tensor in the table."""
    plain = tuple(shape)  # a torch.Size prints as no other tuple does
    return hashlib.sha256(f"{name} {plain}".encode(errors="surrogatepass")).hexdigest()[:_DIGITS]


def tells(name: str) -> bool:
    """Return whether a tensor distinguishes architectures; files before torch 0.4.1 have no counters of batches."""
    return not name.endswith("num_batches_tracked")
