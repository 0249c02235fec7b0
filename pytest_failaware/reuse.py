"""Measuring with a memory: what an earlier run measured of the very same things is read from the cache."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_failaware.progress import Follow, unseen
from pytest_failaware.schema import Condition, Measurement, Reuse

if TYPE_CHECKING:
    from pytest_failaware.cache import RecordCache
    from pytest_failaware.measure.bench import Bench
    from pytest_failaware.measure.identity import Identity


class Measurer:
    """Measures on benches; `open_folder` makes the folder of the cache, None where nothing is read or kept.

    `follow` shows how far a measurement is; `processes` measure at the same time on this machine.
    """

    def __init__(self, open_folder: Callable[[], Path] | None, *, follow: Follow = unseen, processes: int = 1) -> None:
        self.follow = follow
        self._processes = processes
        self._open_folder = open_folder
        self._identities: dict[int, Identity] = {}
        self._said: set[str] = set()
        self._untold: list[str] = []

    def measure(self, bench: Bench, condition: Condition, seed: int, called: str) -> tuple[Measurement, list[Reuse]]:
        """One condition's measurement, and whether it was reused: nothing on that where there is no cache.

        Args:
            bench: the model and the images; the same object for the same two.
            condition: what to measure.
            seed: of its randomness.
            called: how the summary names this measurement.
        """
        from pytest_failaware.measure.structure import ForeignCodeError
        from pytest_failaware.measure.writes import check_unwritten

        if self._cache is None:
            return self._fresh(bench, condition, seed, called), []
        try:
            parts = self._identity(bench).parts(condition, seed)
        except ForeignCodeError as error:
            why = f"the code of {error} cannot be fingerprinted"
            return self._fresh(bench, condition, seed, called), [Reuse(measured=called, anew=why)]
        found = self._cache.find(condition.slug, parts, bench.store.sample_id, bench.store.labels)
        if not isinstance(found, str):
            check_unwritten(bench.model, by_hash=True)  # as measuring does: torch does not count every write
            bench.model.module.eval()  # as measuring leaves it
            return bench.measurement(condition, seed, found), [Reuse(measured=called)]
        fresh = self._fresh(bench, condition, seed, called)
        self._cache.keep(condition.slug, parts, fresh.records)
        return fresh, [Reuse(measured=called, anew=found)]

    def _fresh(self, bench: Bench, condition: Condition, seed: int, called: str) -> Measurement:
        from pytest_failaware.measure.threads import sharing_cores

        with self.follow(called) as tell, sharing_cores(self._processes):
            return bench.measure(condition, seed, tell)

    def take_notices(self) -> list[str]:
        """What the user should know about the cache and has not been told yet."""
        taken, self._untold = self._untold, []
        return taken

    @cached_property
    def _cache(self) -> RecordCache | None:
        from pytest_failaware.cache import RecordCache

        if self._open_folder is None:
            return None
        try:
            return RecordCache(self._open_folder(), notify=self._notify)
        except OSError as error:
            self._notify(f"no cache: pytest's cache directory cannot be made ({error.strerror or error})")
            return None

    def _notify(self, sentence: str) -> None:
        if sentence not in self._said:
            self._said.add(sentence)
            self._untold.append(sentence)

    def _identity(self, bench: Bench) -> Identity:
        from pytest_failaware.measure.identity import Identity

        if id(bench) not in self._identities:  # which keeps the bench, so that its id stays its own
            self._identities[id(bench)] = Identity(bench)
        return self._identities[id(bench)]
