"""The state of a run in the process that reports: its settings, the results of its items, and what was written."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from pytest_failaware.config.vocabulary import BUILT_IN, Vocabulary
from pytest_failaware.core.remedy import Advice
from pytest_failaware.core.request import PlaceKind, RunConfig
from pytest_failaware.core.text import without_folder, without_home
from pytest_failaware.plugin.ledger import Ledger
from pytest_failaware.plugin.obsolete import Unused


@dataclass(kw_only=True)
class RunState:
    """The settings of a run and its results so far.

    `uncollected` is the first module that was not collected. `incomplete` says why the run is not complete, "" if it
    is. `unwritten` holds the names of baselines that were refused. `whole_can_go` says whether whole baselines that no
    test used can be deleted. `not_pooled` says which tests have no pooled verdict, and why.
    """

    config: pytest.Config
    run: RunConfig
    ledger: Ledger = field(default_factory=Ledger)
    uncollected: str = ""
    incomplete: str = ""
    usage_error: bool = False
    complaints: list[str] = field(default_factory=list)
    unused: Unused = field(default_factory=Unused)
    whole_can_go: bool = False
    unwritten: set[str] = field(default_factory=set)
    diffs: list[str] = field(default_factory=list)
    advice: tuple[Advice, ...] = ()
    not_pooled: tuple[str, ...] = ()
    vocabulary: Vocabulary = BUILT_IN

    def refuse(self, sentence: str) -> None:
        """Add a complaint that a request was refused, and end the run with the exit code of a usage error."""
        self.usage_error = True
        self.complaints.append(sentence)

    def was_typed(self, *names: str) -> bool:
        """Return whether one of these options was typed on the command line."""
        origins = self.run.origins
        return any(name in origins and origins[name].kind is PlaceKind.COMMAND_LINE for name in names)

    def shorten(self, text: str) -> str:
        """Return text with paths relative to the folder in which pytest was called, and without the home folder."""
        start, root = self.config.invocation_params.dir, self.config.rootpath
        for folder in (start, root, self.run.baseline_dir):
            text = without_folder(text, folder, start)
        return without_home(text)
