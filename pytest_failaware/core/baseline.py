"""The content of a baseline file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import astuple, dataclass, field
from typing import Final

from pytest_failaware.core.condition import CLEAN, Condition
from pytest_failaware.core.estimates import Cells
from pytest_failaware.core.measurement import DataFacts, ModelFacts
from pytest_failaware.core.rule import FailureRule

SCHEMA: Final = 3
"""The version of the files that this package writes; files of the first two are older than today's default gates."""
RECIPE_SCHEMA: Final = 4
"""The version of a file that holds several seeds of a recipe, or of a golden recipe."""
FEWEST_SEEDS: Final = 3
"""The seeds from which on a candidate is judged against the recipe, and not against its first seed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BaselineEntry:
    """The accepted values of one condition; `records_sha256` is the hash of its sample file."""

    condition: Condition
    seed: int | None
    rule: FailureRule
    cells: Cells
    records_sha256: str
    model: ModelFacts
    environment: Mapping[str, str]
    golden: Golden | None = None
    history: tuple[Change, ...] = ()
    seeds: tuple[Seed, ...] = ()  # the further seeds of a recipe, whose first seed is the entry itself

    @property
    def first_seed(self) -> Seed:
        """The first seed, which is the entry itself."""
        return Seed(cells=self.cells, records_sha256=self.records_sha256, model_sha256=self.model.sha256)

    @property
    def all_seeds(self) -> tuple[Seed, ...]:
        """All seeds in their order; only one if the entry is not that of a recipe."""
        return (self.first_seed, *self.seeds)

    @property
    def identity(self) -> str:
        """The hash of the records; of several seeds, their hashes joined by "+"."""
        return "+".join(seed.records_sha256 for seed in self.all_seeds)

    @property
    def model_hashes(self) -> tuple[str, ...]:
        """The hash of the model of each seed."""
        return tuple(seed.model_sha256 for seed in self.all_seeds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seed:
    """The values of one condition of a further model that was trained by the same recipe with another seed."""

    cells: Cells
    records_sha256: str
    model_sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Golden:
    """The frozen reference of an entry that was updated later: drift is measured against it, under its own rule."""

    model_sha256: str
    records_sha256: str
    rule: FailureRule
    seeds: tuple[str, ...] = ()  # the hashes of the records of the further seeds, if it was a recipe


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One accepted change of an entry, with its reason; the newest change is the last one.

    After a `golden_reset`, drift is measured from the values that this change stored.
    """

    reason: str
    model_sha256: str
    golden_reset: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """A baseline file: the facts that its entries share, and the entries by condition key.

    `samples_sha256` is the hash of the list of samples. It is "" in a file of schema 1, which has no such hash, neither
    in the file nor in the names of its sample files. `lines` gives the line number of each dotted key, such as
    `conditions.clean.records`; it is empty if the baseline was not read from a file.
    """

    name: str
    data: DataFacts
    preprocessing: str
    entries: Mapping[str, BaselineEntry]
    samples_sha256: str = ""
    schema: int = field(default=SCHEMA, compare=False)  # of the file that it was read from
    known_label_errors: tuple[int, ...] = ()  # ids of the samples whose label is known to be wrong
    lines: Mapping[str, int] = field(default_factory=dict, compare=False, repr=False)

    @property
    def seed_count(self) -> int:
        """The number of seeds that each entry holds; 1 if the baseline is not that of a recipe."""
        return max((len(entry.all_seeds) for entry in self.entries.values()), default=1)

    @property
    def nearest_seed(self) -> int:
        """The number, from 0, of the seed whose four counts are nearest to the mean of all seeds; 0 without a recipe.

        The counts are those of clean, or of the first condition if there is no clean. The distance is the sum of the
        absolute differences; of equally near seeds it is the one with the smallest hash of records.
        """
        entry = self.entries.get(CLEAN) or next(iter(self.entries.values()), None)
        seeds = () if entry is None else entry.all_seeds
        if len(seeds) < FEWEST_SEEDS:
            return 0
        total = [sum(counts) for counts in zip(*(astuple(seed.cells) for seed in seeds), strict=True)]
        far = [
            sum(abs(len(seeds) * count - of_all) for count, of_all in zip(astuple(seed.cells), total, strict=True))
            for seed in seeds
        ]
        return min(range(len(seeds)), key=lambda number: (far[number], seeds[number].records_sha256))
