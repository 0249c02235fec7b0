"""Samples that belong together: told apart by hand, drawn by a hash, stored beside the baseline, and said."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import yaml
from five import RULE, baseline_of, in_groups, measurement_of
from stored import samples_file

from pytest_failaware.baselines.file import read_baseline
from pytest_failaware.baselines.outcome import UpdateOutcome
from pytest_failaware.baselines.sample_files import sha256_of
from pytest_failaware.baselines.samples import read_samples
from pytest_failaware.baselines.update import update_baseline
from pytest_failaware.config.gate import build_gate
from pytest_failaware.core.baseline import Baseline
from pytest_failaware.core.errors import BaselineError
from pytest_failaware.core.measurement import DataFacts, Measurement
from pytest_failaware.core.npz import OtherGroupsError, check_samples, pack
from pytest_failaware.core.plain import from_plain, to_plain
from pytest_failaware.core.reference import Reference
from pytest_failaware.core.request import DatasetChange
from pytest_failaware.core.result import ItemResult
from pytest_failaware.core.samples import Samples
from pytest_failaware.judge.groups import finds_less, one_of_each, same_groups
from pytest_failaware.judge.selftest import DROPS, plant
from pytest_failaware.judge.verdict import Terms, judge
from pytest_failaware.report.json_measurement import columns_content, measurement_document, read_measurement

PAIRS = "aabbc"


def numbers(letters: str) -> np.ndarray:
    """A group for each letter."""
    return np.array([ord(letter) for letter in letters], dtype=np.uint32)


def grouped(letters: str | None, condition: str = "clean", answers: str = "RRWrw") -> Measurement:
    """Five samples in groups."""
    made = measurement_of(answers, condition)
    if letters is None:
        return made
    data = dataclasses.replace(made.provenance.data, groups=len(set(letters)))
    made = dataclasses.replace(made, provenance=dataclasses.replace(made.provenance, data=data))
    return in_groups(made, numbers(letters))


def samples(letters: str | None, count: int = 5) -> Samples:
    """Samples in groups."""
    count = count if letters is None else len(letters)
    ids, labels = np.arange(count, dtype=np.uint64), np.zeros(count, dtype=np.uint16)
    return Samples(ids=ids, labels=labels, groups=None if letters is None else numbers(letters))


def grouped_ids(ids: np.ndarray, groups: np.ndarray) -> Samples:
    """Samples of one class."""
    return Samples(ids=ids, labels=np.zeros(len(ids), dtype=np.uint16), groups=groups)


# ---- by hand -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("aabbc", "xxyyz", True),
        ("aabbc", "zzaac", True),
        ("aabbc", "aabcc", False),
        ("aabbc", "ababc", False),
        ("abcde", None, True),
        (None, None, True),
        ("aabbc", None, False),
        ("aabbc", "aabb", False),
    ],
)
def test_the_same_groups(one: str, other: str | None, same: bool) -> None:
    """Groups are the same if they have the same samples; a sample without a group is alone."""
    sides = [samples(side) for side in (one, other)]

    assert same is same_groups(*sides)
    assert same is same_groups(*reversed(sides))


def split_mix(key: int) -> int:
    """The finaliser of SplitMix64 on whole numbers."""
    mixed = (key + 0x9E3779B97F4A7C15) % 2**64
    mixed = (mixed ^ mixed >> 30) * 0xBF58476D1CE4E5B9 % 2**64
    mixed = (mixed ^ mixed >> 27) * 0x94D049BB133111EB % 2**64
    return mixed ^ mixed >> 31


def test_one_of_each_group() -> None:
    """The sample of a group is the one whose id has the smallest hash."""
    random = np.random.default_rng(0)
    ids, groups = (
        np.sort(random.integers(0, 2**64, 300, dtype=np.uint64)),
        random.integers(0, 40, 300).astype(np.uint32),
    )
    rows = one_of_each(grouped_ids(ids, groups))
    best = {
        min(np.flatnonzero(groups == group).tolist(), key=lambda row: split_mix(int(ids[row])))
        for group in np.unique(groups)
    }

    assert sorted(best) == rows.tolist()
    assert rows.tolist() == one_of_each(grouped_ids(ids, 99 - groups)).tolist()
    half = np.flatnonzero(groups < 20)
    assert rows[groups[rows] < 20].tolist() == half[one_of_each(grouped_ids(ids[half], groups[half]))].tolist()


def test_each_sample_of_a_group_is_drawn_as_often() -> None:
    """Of 5,000 groups of five, whose ids count up or are hashes: each place about a fifth, + or - five errors."""
    groups = np.repeat(np.arange(5000), 5).astype(np.uint32)
    hashes = np.sort(np.random.default_rng(1).integers(0, 2**64, 25_000, dtype=np.uint64))
    for ids in (np.arange(25_000, dtype=np.uint64), hashes):
        places = np.bincount(one_of_each(grouped_ids(ids, groups)) % 5, minlength=5)
        assert (np.abs(places - 1000) < 5 * np.sqrt(5000 * 0.2 * 0.8)).all(), places


# ---- stored --------------------------------------------------------------------------------------------------------


def update(directory: Path, *measured: Measurement) -> UpdateOutcome:
    """Store measurements under the name small."""
    return update_baseline(directory, "small", [(one, RULE) for one in measured])


def read(directory: Path) -> Baseline:
    """Return the stored baseline."""
    found = read_baseline(directory, "small")
    assert found is not None
    return found


def samples_in(directory: Path) -> Samples:
    """Return the stored samples."""
    found = read_samples(directory, read(directory))
    assert found is not None
    return found


def groups_in(directory: Path) -> np.ndarray | None:
    """Return their groups."""
    return samples_in(directory).groups


def test_groups_are_stored_with_the_samples(tmp_path: Path) -> None:
    """A column beside ids and labels, their number in the YAML; the fingerprint of the data is that without groups."""
    update(tmp_path, grouped(PAIRS))
    stored = yaml.safe_load((tmp_path / "small.yaml").read_text())["data"]
    found = groups_in(tmp_path)

    assert (3, measurement_of().provenance.data.fingerprint) == (stored["groups"], stored["fingerprint"])
    assert found is not None
    assert (np.uint32, numbers(PAIRS).tolist()) == (found.dtype, found.tolist())


def test_where_there_are_none_nothing_is_stored(tmp_path: Path) -> None:
    """Without groups neither a column nor a line is stored."""
    update(tmp_path, grouped(None))

    assert "groups" not in (tmp_path / "small.yaml").read_text()
    assert {"sample_id", "label"} == set(np.load(samples_file(tmp_path)).files)
    assert groups_in(tmp_path) is None
    samples_file(tmp_path).unlink()
    assert read_samples(tmp_path, read(tmp_path)) is None


@pytest.mark.parametrize(
    "column", [numbers("aabbb"), None, numbers("aabc"), np.array([0.0, 0, 1, 1, 2]), numbers(PAIRS)[:, None]]
)
def test_groups_that_are_not_the_baselines(tmp_path: Path, column: np.ndarray | None) -> None:
    """Groups of another number, length, type or shape are refused."""
    update(tmp_path, grouped(PAIRS))
    path, baseline = samples_file(tmp_path), read(tmp_path)
    with np.load(path) as found:
        kept = {name: found[name] for name in ("sample_id", "label")}
    content = pack(kept | ({} if column is None else {"group": column}))
    path.write_bytes(content)

    with pytest.raises(BaselineError, match=r"small\.yaml:6: data\.samples_sha256 is not the hash of"):
        read_samples(tmp_path, baseline)
    file = tmp_path / "small.yaml"
    file.write_text(file.read_text().replace(baseline.samples_sha256, sha256_of(content)))
    path.rename(samples_file(tmp_path))
    with pytest.raises(BaselineError, match=r"small\.yaml:7: data\.groups is not what .* holds \(the column group "):
        read_samples(tmp_path, read(tmp_path))
    samples_file(tmp_path).write_bytes(b"")
    with pytest.raises(BaselineError, match=r"samples-\w+\.npz: cannot be read \(BadZipFile.*\); restore it"):
        read_samples(tmp_path, read(tmp_path))


def test_a_line_removed_by_hand_is_noticed(tmp_path: Path) -> None:
    """Groups in the sample file without their line in the YAML are refused."""
    update(tmp_path, grouped(PAIRS))
    path = tmp_path / "small.yaml"
    path.write_text(path.read_text().replace("  groups: 3\n", ""))

    with pytest.raises(BaselineError, match=r"small\.yaml:4: data\.groups is not what .* groups, the data has 0"):
        read_samples(tmp_path, read(tmp_path))


@pytest.mark.parametrize(
    ("before", "now", "said"),
    [(None, PAIRS, "none -> 3"), (PAIRS, None, "3 -> none"), (PAIRS, "aabcc", "3 -> 3"), (PAIRS, "zzaab", "")],
)
def test_an_update_stores_the_groups_of_its_run(tmp_path: Path, before: str | None, now: str | None, said: str) -> None:
    """An update stores new groups even if no entry changes; other names of the same groups write nothing."""
    update(tmp_path, grouped(before), grouped(before, "blur"))
    stored, kept = read(tmp_path), samples_file(tmp_path).read_bytes()
    keys = ("clean",) if now else ("clean", "blur")  # a run without groups takes none from entries that it leaves alone
    outcome = update(tmp_path, *(grouped(now, key) for key in keys))

    assert UpdateOutcome(unchanged=keys, regrouped=said) == outcome
    assert stored.entries == read(tmp_path).entries
    assert (said == "") is (kept == samples_file(tmp_path).read_bytes())
    assert same_groups(samples(now), samples_in(tmp_path))


def test_a_group_for_each_sample_beside_a_deleted_entry(tmp_path: Path) -> None:
    """A group for each sample equals no groups, and the written file can be read."""
    update(tmp_path, grouped(None), grouped(None, "blur"))
    outcome = update_baseline(tmp_path, "small", [(grouped("abcde"), RULE)], drop=["blur"])

    assert UpdateOutcome(unchanged=("clean",), pruned=("blur",)) == outcome
    update(tmp_path, grouped("abcde"), grouped("abcde", "blur"))
    assert UpdateOutcome(unchanged=("clean",)) == update(tmp_path, grouped(None))
    assert same_groups(samples(None), samples_in(tmp_path))


def test_other_data_bring_their_own_groups(tmp_path: Path) -> None:
    """Other data with other groups are not a regrouping."""
    update(tmp_path, grouped(PAIRS))
    outcome = update_baseline(
        tmp_path, "small", [(measurement_of("RRRR"), RULE)], reason="other data", reset_golden=True
    )

    assert UpdateOutcome(updated=("clean",), golden_anew=("clean",)) == outcome
    assert groups_in(tmp_path) is None


def test_two_items_that_group_the_samples_differently(tmp_path: Path) -> None:
    """If two items group the samples differently, neither is stored."""
    assert "different models or data" in update(tmp_path, grouped(PAIRS), grouped("aaabb", "blur")).refused
    assert [] == list(tmp_path.iterdir())


@pytest.mark.parametrize("letters", [None, PAIRS])
def test_groups_travel_as_plain_data(letters: str | None) -> None:
    """Groups travel from a worker and in an accepted report."""
    made = grouped(letters)
    content = columns_content(made)
    document = json.loads(json.dumps(measurement_document(made, content, "0.npz")))

    for back in (from_plain(Measurement, json.loads(json.dumps(to_plain(made)))), read_measurement(document, content)):
        assert made.provenance.data.groups == back.provenance.data.groups
        before, after = made.samples.groups, back.samples.groups
        assert (None if before is None else before.tolist()) == (None if after is None else after.tolist())


def test_groups_that_a_report_cannot_mean() -> None:
    """Groups in a report must be whole numbers, one per sample, and of the stated number."""
    made, ungrouped = grouped(PAIRS), grouped(None)
    data = made.provenance.data

    check_samples(made.samples, data)
    check_samples(ungrouped.samples, ungrouped.provenance.data)
    for groups in (numbers("aabb"), numbers("abcd"), numbers(PAIRS).astype(float), None):
        with pytest.raises(OtherGroupsError, match="the column group "):
            check_samples(made.samples.in_groups(groups), data)
    with pytest.raises(OtherGroupsError, match="holds 3 groups, the data has 0"):
        check_samples(made.samples, ungrouped.provenance.data)


# ---- said ----------------------------------------------------------------------------------------------------------


def judged(before: str | None, now: str | None, *, paired: bool = True) -> ItemResult:
    """A run compared with a reference."""
    stored, measured = grouped(before), grouped(now, answers="RRWrr")
    return judge(
        measured,
        Reference(
            name="small",
            key=measured.condition.key,
            baseline=baseline_of(stored),
            records=stored.records if paired else None,
        ),
        build_gate({"conditions": ["clean"]}),
        Terms(nodeid="t"),
    )


TESTED = "tested over the 3 groups of the samples, which are not independent"


@pytest.mark.parametrize(
    ("before", "now", "notes"),
    [
        (None, None, []),
        (PAIRS, "zzyyx", [TESTED]),
        (
            None,
            PAIRS,
            [TESTED, "the reference stores no groups, so plan, selftest and thresholds treat its samples as"],
        ),
        (
            PAIRS,
            None,
            ["the reference's samples come in 3 groups and this run has none, so they were compared as if"],
        ),
        (
            PAIRS,
            "aabcc",
            [TESTED, "the samples are in other groups than those of the reference; the groups of this run count"],
        ),
        (None, "abcde", []),
    ],
)
def test_a_note_says_how_groups_differ(before: str | None, now: str | None, notes: list[str]) -> None:
    """A note says how groups differ; there is no note if they are the same."""
    found = judged(before, now).notes

    assert [True] * len(notes) == [one.startswith(note) for one, note in zip(found, notes, strict=True)]


def test_groups_of_one_equal_no_groups() -> None:
    """With a group for each sample every number is exactly that without groups, whatever the order of the groups."""
    random = np.random.default_rng(4)
    answers = ["".join(random.choice(list("RWrw"), 400, p=[0.7, 0.1, 0.15, 0.05])) for _ in range(2)]
    before, now = (measurement_of(text) for text in answers)
    metrics = ("accuracy", "confident_accuracy", "confident_accuracy_at_coverage", "augrc", "brier")
    gate = build_gate({"conditions": ["clean"], "metrics": metrics})
    reference = Reference(name="small", key="clean", baseline=baseline_of(before), records=before.records)
    alone = random.permutation(400).astype(np.uint32)
    plain, grouped_by_one = (judge(in_groups(now, groups), reference, gate) for groups in (None, alone))

    assert plain == grouped_by_one
    assert 5 == sum(one.evidence is not None for one in plain.comparisons)


def copied(stored: str | None, now: str, copies: int) -> ItemResult:
    """A run whose data have copies, compared with a reference."""
    before, measured = grouped(stored), grouped(now, answers="RRWrr")
    provenance = measured.provenance
    data = dataclasses.replace(provenance.data, copies=copies)
    measured = dataclasses.replace(measured, provenance=dataclasses.replace(provenance, data=data))
    reference = Reference(name="small", key="clean", baseline=baseline_of(before), records=before.records)
    return judge(measured, reference, build_gate({"conditions": ["clean"]}))


@pytest.mark.parametrize(
    ("stored", "now", "copies", "is_regrouped"),
    [(None, "aabcd", 1, False), (None, "aabbb", 1, True), ("aabcd", "aabbb", 1, True), ("abbcd", "aabcd", 1, True)],
)
def test_a_baseline_from_before_copies_were_grouped(
    stored: str | None, now: str, copies: int, is_regrouped: bool
) -> None:
    """A baseline without groups is no regrouping if only copies are in groups; a note still says it."""
    result = copied(stored, now, copies)

    assert is_regrouped is result.has_other_groups
    assert any("of the samples, which are not independent" in note for note in result.notes)


def test_groups_of_the_shared_samples_are_compared() -> None:
    """A limited run has the groups of fewer samples, which are the same."""
    stored, measured = grouped(PAIRS), grouped(PAIRS)
    few = in_groups(dataclasses.replace(measured, records=measured.records.take(np.arange(3))), numbers("aab"))
    gate, baseline = build_gate({"conditions": ["clean"]}), baseline_of(stored)
    result = judge(
        few,
        Reference(name="small", key=few.condition.key, baseline=baseline, records=stored.records),
        gate,
        Terms(nodeid="t", dataset_change=DatasetChange.SHARED),
    )

    assert "tested over the 2 groups of the samples, which are not independent" in result.notes
    assert not any("otherwise" in note or "stores no" in note for note in result.notes)


def test_what_gates_find_less() -> None:
    """At worst a group counts as one image; of unequal groups fewer than their number. Alone each is one anyway."""
    facts = DataFacts(fingerprint="", samples=6, classes=(), groups=3)
    start = "the drops that gates find hold for independent samples, but the 6 come in 3 groups: if the samples of a "

    assert [f"{start}group change together, gates find less, at worst as with 3 samples"] == [
        *finds_less(facts, samples("aabbcc"))
    ]
    assert [f"{start}group change together, gates find less, at worst as with 2 samples"] == [
        *finds_less(facts, samples("aaaabc"))
    ]
    assert [f"{start}group change together, gates find less"] == [*finds_less(facts, None)]
    assert [] == [*finds_less(dataclasses.replace(facts, groups=0), None)]
    assert [] == [*finds_less(dataclasses.replace(facts, groups=6), samples("abcdef"))]


def test_planted_drops_are_judged_over_groups() -> None:
    """As a run would: a tenth lost over two patients is never proven, over as many groups as images it is."""
    measured, gate = (
        measurement_of("RRRRRRWrrw" * 60),
        build_gate({"conditions": ["clean"], "metrics": ["accuracy"]}),
    )
    reds = [
        plant(gate, side.records, 0.05, 10, np.random.default_rng(3)).failed[:, DROPS.index(0.10)].mean()
        for groups in (None, np.arange(600, dtype=np.uint32), (np.arange(600) // 300).astype(np.uint32))
        for side in [in_groups(measured, groups)]
    ]

    assert [1.0, 1.0, 0.0] == reds
