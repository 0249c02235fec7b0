"""Store new values at the end of a run, and delete entries that no test uses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pytest_failaware.baselines.file import baseline_names
from pytest_failaware.baselines.ignored import ignored_sentence
from pytest_failaware.baselines.outcome import outcome_sentence
from pytest_failaware.baselines.refusals import refused_updates
from pytest_failaware.baselines.sentences import RETRAINS, open_seed
from pytest_failaware.baselines.update import update_baselines
from pytest_failaware.config.inis_below import is_only_ini
from pytest_failaware.core.attachment import JudgedItem
from pytest_failaware.plugin.completeness import why_partial
from pytest_failaware.plugin.obsolete import find_unused, remove_baseline
from pytest_failaware.plugin.run_state import RunState


def write_baselines(state: RunState) -> None:
    """Store the values if an update was asked for and the run is complete.

    Raises:
        FailAwareError: a baseline cannot be read or written.
        OSError: a file cannot be written or deleted.
    """
    writing = state.run.writing
    red = [mean for mean in state.ledger.means.values() if mean.verdict.fails]
    refused = refused_updates([*state.ledger.in_order, *red], writing)
    pending = [item for item in state.ledger.to_write if item.result.baseline not in refused]
    if writing.prune and (partial := why_partial(state)):
        state.refuse(f"NOT pruned: {partial}; prune in a full run")
    if not writing.asked or not (pending or refused or writing.prune):
        return
    if state.incomplete:
        state.ledger.notices.append(f"baselines NOT written: {state.incomplete}; {len(pending)} results were ready")
        return
    for name, sentence in refused.items():
        state.unwritten.add(name)
        state.refuse(sentence)
    obsolete = {name: keys for name, keys in obsolete_entries(state).items() if name not in refused and writing.prune}
    whole = [name for name in obsolete if name in state.unused.whole]
    _write(state, pending, {name: keys for name, keys in obsolete.items() if name not in whole})
    _delete(state, whole)


def _write(state: RunState, pending: Sequence[JudgedItem], obsolete: Mapping[str, Sequence[str]]) -> None:
    """Update each baseline, and delete single entries that no test uses."""
    writing, directory = state.run.writing, state.run.baseline_dir
    state.unwritten |= {item.result.baseline for item in pending}  # until each is written
    known = baseline_names(directory)
    for name, outcome in update_baselines(directory, pending, obsolete, writing):
        state.unwritten.discard(name)
        sentence = outcome_sentence(name, directory, outcome, dry_run=writing.dry_run)
        if outcome.refused or outcome.lacking:
            state.unwritten.add(name)
            state.refuse(sentence)
        else:
            state.ledger.notices += filter(None, [ignored_sentence(directory, name), sentence])
            weak = [
                item.result.stats.condition for item in pending if item.result.baseline == name and item.result.is_open
            ]
            if outcome.seed and weak:
                state.ledger.notices.append(open_seed(name, weak))
            if outcome.recorded and name not in known and RETRAINS not in state.ledger.notices:
                state.ledger.notices.append(RETRAINS)
        if writing.dry_run:
            state.diffs.append(outcome.diff)


def _delete(state: RunState, names: Sequence[str]) -> None:
    """Delete whole baselines that no test uses."""
    for name in names:
        if state.run.writing.dry_run:
            state.ledger.notices.append(f"{name}.yaml: used by no test, would be deleted; dry run, nothing written")
        else:
            state.ledger.notices.append(remove_baseline(state.run.baseline_dir, name))


def find_unused_entries(state: RunState) -> None:
    """Set which stored entries no test used; with a second model as the reference nothing is looked for."""
    if state.ledger.results and state.run.against is None:
        state.unused = find_unused(state.run.baseline_dir, state.ledger.used)
        state.whole_can_go = bool(state.unused.whole) and not why_partial(state) and _knows_all_baselines(state)


def obsolete_entries(state: RunState) -> dict[str, list[str]]:
    """Return the stored entries that can be deleted, by baseline; none if this run lacks tests that may use them."""
    if why_partial(state):
        return {}
    return {**state.unused.entries, **(state.unused.whole if state.whole_can_go else {})}


def _knows_all_baselines(state: RunState) -> bool:
    """Return whether no other run can use other baselines of this folder.

    Another run can use them if a name comes from the model or the command line, or if another ini may use the same
    folder. Folders are searched for another ini only if a whole baseline is unused.
    """
    ini = state.config.inipath
    if (
        ini is None
        or state.was_typed("baseline", "baseline-dir")
        or not state.ledger.all_named
        or state.config.getoption("inifilename", None)
    ):
        return False
    folder = state.run.baseline_dir
    return folder.resolve().is_relative_to(ini.parent.resolve()) and is_only_ini(ini, folder)
