"""Measure conditions, or read the records of an earlier run with the same key from the cache.

User code can change in ways that the key cannot show, so measurements that run it are repeated in every run. Only an
update takes the records of the run before it, which the user has just reviewed, if the files of that code are the same.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from enum import Enum
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Final

from pytest_failaware.core.condition import Condition
from pytest_failaware.core.measurement import Measurement
from pytest_failaware.core.progress import Follow, no_progress
from pytest_failaware.core.records import Records
from pytest_failaware.core.result import Reuse
from pytest_failaware.core.rule_columns import Rules, lacking_rules, of_rules, rules_in
from pytest_failaware.core.to_measure import ToMeasure

if TYPE_CHECKING:
    from pytest_failaware.core.request import RunConfig
    from pytest_failaware.measure.cache.folder import RecordCache
    from pytest_failaware.measure.cache.key import Identity
    from pytest_failaware.measure.cache.opened import Opened
    from pytest_failaware.measure.cache.own_files import OwnFiles, Witness
    from pytest_failaware.measure.cache.run_key import RunKey
    from pytest_failaware.measure.live import Bench


class _Unknown(Enum):
    """The state of a key that was not computed yet."""

    UNKNOWN = "unknown"


_UNKNOWN: Final = _Unknown.UNKNOWN
_OWN: Final = "is your own code, which is measured in every run but an update of the same files"


class Measurer:
    """Measures conditions with a cache; `open_folder` creates its folder, None switches the cache off.

    `follow` shows the progress; `processes` is the number of processes that measure at the same time on this machine.
    `updates` says that the run writes baselines, so it takes the records that the run before it measured with user
    code. `loaded` returns the modules that pytest loaded; `options` are the words of pytest's command line that user
    code may read.
    """

    def __init__(
        self,
        open_folder: Callable[[], Path] | None,
        *,
        follow: Follow = no_progress,
        processes: int = 1,
        updates: bool = False,
        loaded: Callable[[], tuple[ModuleType, ...]] = tuple,
        options: tuple[str, ...] = (),
    ) -> None:
        self.follow = follow
        self._updates = updates
        self._loaded = loaded
        self._options = options
        self._started = time.time()
        self._processes = processes
        self._open_folder = open_folder
        self._identities: dict[Bench, Identity] = {}
        self._key: RunKey | _Unknown | None = _UNKNOWN
        self._opened: Opened | None = None
        self._is_remembered = False
        self._messages: set[str] = set()
        self._unreported: list[str] = []

    def measure(self, bench: Bench, wanted: ToMeasure, called: str) -> tuple[Measurement, list[Reuse]]:
        """Return the measurement of a condition, and the origin of its records; no origin without a cache.

        Args:
            bench: the model and the images; the same pair must be the same object.
            wanted: the condition to measure, and the rules whose columns are needed.
            called: the name of this measurement in the summary.
        """
        from pytest_failaware.measure.cache.origins import ForeignCodeError

        if self._cache is None:
            return self._fresh(bench, wanted, called), []
        condition, seed, rules = wanted
        try:
            parts = self._identity(bench).parts(condition, seed)
        except ForeignCodeError as error:
            return self._measure_own_code(bench, wanted, called, str(error))
        answer = self._cache.find_witnessed(condition.slug, parts, bench.store.samples)
        if not isinstance(answer, str) and (missing := lacking_rules(answer[0], rules)):
            wanted, answer = wanted._replace(rules={*rules, *rules_in(answer[0])}), _without_columns(missing)
        if not isinstance(answer, str):
            records, notes = answer
            bench.runner.recall(notes.splitlines())
            return self._taken(bench, condition, seed, of_rules(records, rules)), [Reuse(measured=called)]
        fresh = self._fresh(bench, wanted, called)
        if not bench.runner.doubts:  # every run must report doubts
            self._cache.keep(condition.slug, parts, fresh.records, "\n".join(bench.runner.notes))
        return fresh, [Reuse(measured=called, anew=answer)]

    def kept(self, config: RunConfig, condition: Condition, seed: int) -> tuple[Opened, Measurement] | None:
        """Return what an earlier run opened and measured from the same files, None if they must be opened again.

        Args:
            config: the configuration of the run.
            condition: the condition to measure.
            seed: the seed of random conditions.
        """
        from pytest_failaware.measure.cache.run_key import is_torch_loaded, run_key

        if self._key is _UNKNOWN:
            self._key = None if self._cache is None else run_key(config, self._own_files)
        if self._key is None or self._cache is None or is_torch_loaded() or not condition.is_built_in:
            return None
        opened = self._opened = self._opened or self._cache.find_opened(self._key.parts)
        if opened is None:
            return None
        parts = opened.parts_of(condition, seed)
        answer = self._cache.find_witnessed(condition.slug, parts, opened.samples)
        if isinstance(answer, str) or answer[1]:  # notes on how the model was run must be reported again
            return None
        return opened, opened.measurement(condition, seed, answer[0])

    def remember(self, bench: Bench, condition: Condition, seed: int) -> None:
        """Keep what the run opened, for `kept` of a later run, if a condition was measured without notes.

        Args:
            bench: the model and the images that the options name.
            condition: a condition that was measured on them.
            seed: the seed of random conditions.
        """
        from pytest_failaware.measure.cache.opening import opened_of
        from pytest_failaware.measure.cache.origins import ForeignCodeError

        key, is_kept = self._key, self._is_remembered or self._opened is not None
        if key is None or key is _UNKNOWN or self._cache is None or is_kept or not condition.is_built_in:
            return
        with contextlib.suppress(ForeignCodeError):
            opened = opened_of(self._identity(bench), condition, seed)
            if opened is not None and key.is_still_right:
                self._cache.keep_opened(key.parts, opened)
                self._is_remembered = True

    def _measure_own_code(
        self, bench: Bench, wanted: ToMeasure, called: str, code: str
    ) -> tuple[Measurement, list[Reuse]]:
        """Measure a condition with user code; in an update, take the records of the run before if nothing changed."""
        from pytest_failaware.measure.cache.origins import ForeignCodeError
        from pytest_failaware.measure.cache.own_contents import refuse_late_values

        assert self._cache is not None
        condition, seed, rules = wanted
        try:
            parts = self._identity(bench).own_parts(condition, seed, self._own_files)
            now = self._own_files.witness()
        except ForeignCodeError as error:
            why = f"nothing identifies {error}"
            if self._updates:
                self._notify(f"measured again, and not taken from a gate's run: {why}")
            return self._fresh(bench, wanted, called), [Reuse(measured=called, anew=f"{code} {_OWN}; {why}")]
        why = f"{code} {_OWN}"
        if self._updates:
            answer = self._from_gate(bench, condition, parts, now)
            if not isinstance(answer, str) and (missing := lacking_rules(answer[0], rules)):
                answer = _without_columns(missing)
            if not isinstance(answer, str):
                records, made = of_rules(answer[0], rules), answer[1]
                return self._taken(bench, condition, seed, records), [Reuse(measured=called, made=made)]
            why = answer
        fresh = self._fresh(bench, wanted, called)
        with contextlib.suppress(ForeignCodeError):  # files changed during the run, so it is unknown which code ran
            refuse_late_values(self._own_files, self._identity(bench).loaded)
            self._cache.keep(condition.slug, parts, fresh.records, str(self._own_files.witness()))
        return fresh, [Reuse(measured=called, anew=why)]

    def _from_gate(
        self, bench: Bench, condition: Condition, parts: dict[str, str], now: Witness
    ) -> tuple[Records, str] | str:
        """Return the records of the run before with its time, or the reason why they are not taken.

        The time is "" if this run measured the records.
        """
        from pytest_failaware.measure.cache.own_files import Witness

        assert self._cache is not None
        answer = self._cache.find_witnessed(condition.slug, parts, bench.store.samples)
        if isinstance(answer, str):
            return answer
        records, text = answer
        try:
            then = Witness.parse(text)
        except ValueError:
            return "its file in the cache does not say which code ran"
        if changed := then.difference(now):
            self._notify(f"measured again, and not taken from the gate's run of {then.minute}: {changed}")
            return changed
        is_of_this_run = then.time.timestamp() >= self._started  # a test that pytest runs again
        return records, "" if is_of_this_run else then.minute

    def _taken(self, bench: Bench, condition: Condition, seed: int, records: Records) -> Measurement:
        """Return a measurement with these records, and leave the model in the state in which measuring leaves it."""
        from pytest_failaware.measure.engine.writes import check_unwritten

        check_unwritten(bench.model, by_hash=True)  # as measuring does, since torch does not count every write
        bench.model.module.eval()
        return bench.measurement(condition, seed, records)

    def _fresh(self, bench: Bench, wanted: ToMeasure, called: str) -> Measurement:
        from pytest_failaware.measure.engine.settings import sharing_cores

        with self.follow(called) as progress, sharing_cores(self._processes):
            return bench.measure(*wanted, progress)

    def take_notices(self) -> list[str]:
        """Return the messages about the cache that were not reported yet, and mark them as reported."""
        taken, self._unreported = self._unreported, []
        return taken

    @cached_property
    def _own_files(self) -> OwnFiles:
        from pytest_failaware.measure.cache.own_files import OwnFiles

        return OwnFiles(started=self._started, options=self._options, loaded_by_pytest=self._loaded())

    @cached_property
    def _cache(self) -> RecordCache | None:
        from pytest_failaware.measure.cache.folder import RecordCache

        if self._open_folder is None:
            return None
        try:
            return RecordCache(self._open_folder(), notify=self._notify)
        except OSError as error:
            self._notify(f"no cache: pytest's cache directory cannot be made ({error.strerror or error})")
            return None

    def _notify(self, sentence: str) -> None:
        if sentence not in self._messages:
            self._messages.add(sentence)
            self._unreported.append(sentence)

    def _identity(self, bench: Bench) -> Identity:
        from pytest_failaware.measure.cache.key import Identity

        if bench not in self._identities:
            self._identities[bench] = Identity(bench)
        return self._identities[bench]


def _without_columns(rules: Rules) -> str:
    """Return why records of the cache cannot be taken."""
    return f"the cache has no scores for the rule {' and the rule '.join(map(str, rules))}"
