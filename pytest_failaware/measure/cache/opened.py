"""The facts about an opened model and its images, kept so that the next run need not open them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pytest_failaware.core.condition import Condition
from pytest_failaware.core.conditions.spelling import at_size
from pytest_failaware.core.measurement import Measurement, Provenance
from pytest_failaware.core.npz import ColumnsError, read_only
from pytest_failaware.core.plain import PlainError, from_plain, to_plain
from pytest_failaware.core.records import Records
from pytest_failaware.core.samples import LABEL, SAMPLE_ID, Samples
from pytest_failaware.core.text import describe_error
from pytest_failaware.measure.cache.run_key import condition_parts
from pytest_failaware.measure.cache.sealed import seal, unseal

_COLUMNS: Final = ("about", SAMPLE_ID, LABEL)
_LISTS: Final = ("model_notes", "notes", "names")


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """The facts about a model and its images that the summary and the measurements need.

    `parts` are the parts of the key that do not depend on the condition. `size` is the height and the width of the
    images. `right` of `looked_at` clean images were right. `names` are in the order of `samples`.
    """

    parts: Mapping[str, str]
    provenance: Provenance
    size: tuple[int, int]
    model_notes: tuple[str, ...]
    notes: tuple[str, ...]
    right: int
    looked_at: int
    names: tuple[str, ...]
    samples: Samples

    def sized(self, condition: Condition) -> Condition:
        """Return the condition with the parameters for images of this size."""
        return at_size(condition, *self.size)

    def parts_of(self, condition: Condition, seed: int) -> dict[str, str]:
        """Return all parts of the key for a condition."""
        return {**self.parts, **condition_parts(self.sized(condition), seed)}

    def measurement(self, condition: Condition, seed: int, records: Records) -> Measurement:
        """Return the records as a measurement, with their provenance."""
        return Measurement(
            condition=self.sized(condition),
            seed=seed if condition.is_random else None,
            records=records,
            provenance=self.provenance,
        )

    def names_of(self, sample_ids: Sequence[int]) -> dict[int, str]:
        """Return the names of those of the samples that the data set has."""
        rows = np.flatnonzero(np.isin(self.samples.ids, np.array(sample_ids, dtype=np.uint64)))
        return {int(self.samples.ids[row]): self.names[row] for row in rows}

    def to_bytes(self, key: Mapping[str, str]) -> bytes:
        """Return the content of a file, which includes the key."""
        about = {
            "key": dict(key),
            "parts": dict(self.parts),
            "provenance": to_plain(self.provenance),
            "size": list(self.size),
            "right": self.right,
            "looked_at": self.looked_at,
            **{name: list(getattr(self, name)) for name in _LISTS},
        }
        columns: dict[str, NDArray[np.generic]] = {
            "about": np.frombuffer(json.dumps(about, sort_keys=True).encode(), dtype=np.uint8),
            **self.samples.columns,
        }
        return seal(columns)

    @classmethod
    def from_bytes(cls, content: bytes, key: Mapping[str, str]) -> Opened:
        """Return the facts that `to_bytes` wrote for the same key.

        Raises:
            ColumnsError: the content is damaged, or belongs to another key.
        """
        columns = unseal(content)
        if not set(_COLUMNS) <= set(columns):
            raise ColumnsError("other members")
        try:
            about = json.loads(columns["about"].tobytes())
            if about.pop("key") != dict(key):
                raise ColumnsError("it belongs to another run")
            return cls(
                parts=about["parts"],
                provenance=from_plain(Provenance, about["provenance"]),
                size=(about["size"][0], about["size"][1]),
                right=about["right"],
                looked_at=about["looked_at"],
                samples=Samples.from_columns({name: read_only(column) for name, column in columns.items()}),
                **{name: tuple(about[name]) for name in _LISTS},
            )
        except (ValueError, TypeError, KeyError, AttributeError, IndexError, PlainError) as error:
            raise ColumnsError(f"cannot be read ({describe_error(error)})") from error
