"""Seeds of a recipe that are added, replaced and dropped, and updates of a baseline that holds several."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from five import RULE, in_groups, measurement_of, records_of
from recipes import KEYS, LETTERS, add_seed, contents, measured, store_recipe

from pytest_failaware.baselines.entries import RuledMeasurement
from pytest_failaware.baselines.file import read_baseline
from pytest_failaware.baselines.outcome import UpdateOutcome, outcome_sentence
from pytest_failaware.baselines.reference import read_reference
from pytest_failaware.baselines.sample_files import named_files
from pytest_failaware.baselines.seed_plan import SeedChange
from pytest_failaware.baselines.update import change_seeds, update_baseline
from pytest_failaware.cli.diff import _differences
from pytest_failaware.core.baseline import Baseline
from pytest_failaware.core.identity import data_fingerprint
from pytest_failaware.core.measurement import Former
from pytest_failaware.core.reference import Reference
from pytest_failaware.core.rule import FailureRule


def stored(folder: Path) -> Baseline:
    baseline = read_baseline(folder, "small")
    assert baseline is not None
    return baseline


def models(folder: Path) -> list[tuple[str, ...]]:
    return [entry.model_hashes for entry in stored(folder).entries.values()]


def reference(folder: Path, key: str = "clean") -> Reference:
    return read_reference(folder, "small", key, baseline=stored(folder))


def changed(folder: Path, model: str = "", number: int | None = None, reason: str = "") -> UpdateOutcome:
    change = SeedChange(measured=measured(model) if model else (), number=number, reason=reason)
    return change_seeds(folder, "small", change)


def strays(folder: Path) -> set[Path]:
    files = {path for path in folder.rglob("*") if path.is_file()}
    return files - named_files(folder, stored(folder)) - {folder / "small.yaml"}


# ---- adding ------------------------------------------------------------------------------------------------------


def test_the_first_seed_is_the_plain_baseline(tmp_path: Path) -> None:
    """Without a baseline, a run that adds a seed records it exactly as an update does."""
    outcome = add_seed(tmp_path / "seed", "m1")
    update_baseline(tmp_path / "plain", "small", measured("m1"))

    assert UpdateOutcome(recorded=KEYS) == outcome
    assert contents(tmp_path / "plain") == contents(tmp_path / "seed")


def test_seeds_are_read_with_their_records(tmp_path: Path) -> None:
    """A reference has the records of all seeds in the order in which they were stored, and no file is left over."""
    store_recipe(tmp_path)

    assert [("m1", "m2", "m3")] * 2 == models(tmp_path)
    expected = [records_of(LETTERS[model]).prediction.tolist() for model in ("m1", "m2", "m3")]
    assert expected == [records.prediction.tolist() for records in reference(tmp_path).recipe]
    assert set() == strays(tmp_path)


def test_two_seeds_are_no_recipe_yet(tmp_path: Path) -> None:
    """The sentence on the second seed says that it is judged against the first until there are three."""
    store_recipe(tmp_path, 1)
    outcome = add_seed(tmp_path, "m2")

    sentence = outcome_sentence("small", Path("baselines"), outcome)
    assert "small.yaml: seed 2 added, 2 of at least 3 seeds, so a candidate is judged against the first; " in sentence
    assert () == reference(tmp_path).recipe


@pytest.mark.parametrize("model", ["m2", "copy"])
def test_a_stored_seed_is_not_stored_again(tmp_path: Path, model: str) -> None:
    """A run that repeats a stored seed writes nothing and names the seed, also if only the model's hash differs."""
    store_recipe(tmp_path)
    before = contents(tmp_path)
    outcome = add_seed(tmp_path, model, LETTERS["m2"])

    assert UpdateOutcome(repeated_seed=2) == outcome
    assert "this run repeats seed 2; nothing written" in outcome_sentence("small", tmp_path, outcome)
    assert before == contents(tmp_path)


def other_samples(letters: str = LETTERS["m4"]) -> SeedChange:
    return SeedChange(measured=[(measurement_of(letters, key, model="m4", first_id=20), RULE) for key in KEYS])


def other_preprocessing() -> SeedChange:
    return SeedChange(
        measured=[(measurement_of(LETTERS["m4"], key, model="m4", preprocessing="resize=64"), RULE) for key in KEYS]
    )


def another_rule() -> SeedChange:
    return SeedChange(measured=[(item, FailureRule.parse("confidence < 0.7")) for item, _ in measured("m4")])


def of_groups() -> SeedChange:
    groups = np.array([0, 0, 1, 1, 2], dtype=np.uint32)
    return SeedChange(measured=[(in_groups(item, groups), rule) for item, rule in measured("m4")])


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (
            SeedChange(measured=measured("m4", keys=("clean",))),
            "a seed needs every condition, and this run has none",
        ),
        (SeedChange(measured=measured("m4", keys=(*KEYS, "low_light"))), "its 3 seeds have no values for low_light;"),
        (SeedChange(measured=measured("m2", "RRRRR")), "this model is seed 2 already, and it was measured with other"),
        (other_samples(), "data or preprocessing differ from the file's, and all seeds"),
        (other_preprocessing(), "data or preprocessing differ from the file's, and all seeds"),
        (another_rule(), "the rule of blur is confidence < 0.6 or entropy > 1.0, and this run has confidence < 0.7;"),
        (of_groups(), "the groups of its samples differ"),
        (SeedChange(measured=[*measured("m4"), *measured("m5")]), "its items measured different models or data"),
        (SeedChange(measured=measured("m4"), number=4), "there is no seed 4; it holds seeds 1 to 3"),
        (SeedChange(number=0), "there is no seed 0; it holds seeds 1 to 3"),
        (SeedChange(measured=measured("m2"), number=1), ""),
    ],
)
def test_a_seed_that_does_not_fit_is_refused(tmp_path: Path, change: SeedChange, why: str) -> None:
    """A seed of other data, another rule, other groups or fewer conditions is refused, and nothing is written."""
    store_recipe(tmp_path)
    before = contents(tmp_path)
    outcome = change_seeds(tmp_path, "small", change)

    assert why in outcome.refused
    assert outcome.refused or outcome.repeated_seed
    assert before == contents(tmp_path)


def test_a_condition_that_was_made_otherwise(tmp_path: Path) -> None:
    """A seed whose noise was drawn with another seed of the gate is refused."""
    noise = [(measurement_of(condition="gaussian_noise"), RULE)]
    other = [(measurement_of("RRRrw", "gaussian_noise", seed=1, model="m2"), RULE)]
    update_baseline(tmp_path, "small", noise)
    outcome = change_seeds(tmp_path, "small", SeedChange(measured=other))

    assert "gaussian_noise was made otherwise than for its stored seeds (seed 0 -> 1)" in outcome.refused


def test_entries_of_several_models_get_no_seed(tmp_path: Path) -> None:
    """A baseline whose entries were recorded with different models gets no further seed."""
    update_baseline(tmp_path, "small", measured("m1", keys=("clean",)))
    update_baseline(tmp_path, "small", measured("m2", keys=("blur",)))

    assert "its entries are those of several models" in add_seed(tmp_path, "m3").refused


def test_a_dry_run_writes_no_seed(tmp_path: Path) -> None:
    """A dry run shows the lines that it would add, and writes nothing."""
    store_recipe(tmp_path, 1)
    before = contents(tmp_path)
    outcome = change_seeds(tmp_path, "small", SeedChange(measured=measured("m2")), dry_run=True)

    assert "+recipe:" in outcome.diff
    assert before == contents(tmp_path)


def test_a_reason_is_kept(tmp_path: Path) -> None:
    """The reason to store a seed stands in the history of every entry, with the model."""
    store_recipe(tmp_path, 2)
    add_seed(tmp_path, "m3", reason="a weak seed, and a sound training")

    changes = [entry.history for entry in stored(tmp_path).entries.values()]
    assert [[("a weak seed, and a sound training", "m3")]] * 2 == [
        [(change.reason, change.model_sha256) for change in history] for history in changes
    ]


# ---- dropping and replacing --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("number", "left"), [(1, ("m2", "m3")), (2, ("m1", "m3")), (3, ("m1", "m2"))])
def test_a_dropped_seed_leaves_the_others(tmp_path: Path, number: int, left: tuple[str, ...]) -> None:
    """The other seeds keep their files byte for byte; if the first is dropped, the second takes its place."""
    store_recipe(tmp_path)
    before = contents(tmp_path)
    outcome = changed(tmp_path, number=number)

    assert f"seed {number} of 3 dropped" == outcome.seed
    assert [left] * 2 == models(tmp_path)
    after = contents(tmp_path)
    assert {name: before[name] for name in after if name.endswith(".npz")}.items() <= after.items()
    assert len(before) - 2 == len(after)
    first = reference(tmp_path).records
    assert first is not None
    assert records_of(LETTERS[left[0]]).prediction.tolist() == first.prediction.tolist()


def test_a_dropped_seed_undoes_its_addition(tmp_path: Path) -> None:
    """With one seed left, the folder is byte for byte what it was before the second seed was added."""
    store_recipe(tmp_path, 1)
    before = contents(tmp_path)
    add_seed(tmp_path, "m2")
    changed(tmp_path, number=2)

    assert before == contents(tmp_path)
    assert "it holds one seed, which cannot be dropped" in changed(tmp_path, number=1).refused


def test_a_comment_stays_with_its_seed(tmp_path: Path) -> None:
    """A comment beside a seed stays there when an earlier seed is dropped."""
    store_recipe(tmp_path)
    path = tmp_path / "small.yaml"
    text = path.read_text()
    path.write_text(text.replace("model: m3}", "model: m3}  # learning rate 0.2", 1))
    changed(tmp_path, number=2)

    assert 1 == path.read_text().count("model: m3}  # learning rate 0.2")


@pytest.mark.parametrize(("number", "now"), [(1, ("m4", "m2", "m3")), (2, ("m1", "m4", "m3"))])
def test_a_replaced_seed(tmp_path: Path, number: int, now: tuple[str, ...]) -> None:
    """A seed is replaced in its place; the files of the others stay, and those of the replaced seed are removed."""
    store_recipe(tmp_path)
    outcome = changed(tmp_path, "m4", number)

    assert f"seed {number} of 3 replaced" == outcome.seed
    assert [now] * 2 == models(tmp_path)
    assert set() == strays(tmp_path)


def with_logits(model: str) -> SeedChange:
    """Return a replacement of seed 2 that has the logits, too."""
    items = []
    for item, rule in measured(model):
        logits = np.zeros((5, 3), dtype=np.float32)
        logits[np.arange(5), item.records.prediction] = 1000
        items.append((replace(item, records=replace(item.records, logits=logits)), rule))
    return SeedChange(measured=items, number=2)


def test_logits_are_added_to_a_seed(tmp_path: Path) -> None:
    """A seed is replaced by the same seed with logits, which its files lacked; a second time nothing is written."""
    store_recipe(tmp_path)

    assert "seed 2 of 3 replaced" == change_seeds(tmp_path, "small", with_logits("m2")).seed
    assert [False, True, False] == [records.logits is not None for records in reference(tmp_path).recipe]
    assert UpdateOutcome(repeated_seed=2) == change_seeds(tmp_path, "small", with_logits("m2"))


# ---- updates of a recipe -----------------------------------------------------------------------------------------


def test_an_update_replaces_all_seeds_only_with_a_reason(tmp_path: Path) -> None:
    """An update drops the seeds of a recipe only with a reason; they stay golden, and drift is measured from them."""
    store_recipe(tmp_path)
    before = contents(tmp_path)
    refused = update_baseline(tmp_path, "small", measured("m4"))
    sentence = outcome_sentence("small", tmp_path, refused)

    assert "would replace the 3 seeds of a recipe by one; to keep them, use --failaware-add-seed" in sentence
    assert before == contents(tmp_path)
    outcome = update_baseline(tmp_path, "small", measured("m4"), reason="another recipe")
    assert 3 == outcome.dropped_seeds
    assert "replaces: 3;" in outcome_sentence("small", tmp_path, outcome)
    assert [("m4",)] * 2 == models(tmp_path)
    golden = reference(tmp_path)
    assert golden.golden is not None
    expected = [records_of(LETTERS[model]).prediction.tolist() for model in ("m1", "m2", "m3")]
    assert expected == [records.prediction.tolist() for records in (golden.golden, *golden.golden_seeds)]
    assert "schema: 4\n" in (tmp_path / "small.yaml").read_text()


def test_an_update_that_repeats_a_seed_writes_nothing(tmp_path: Path) -> None:
    """An update with the values of a stored seed writes nothing, also if it has not every condition."""
    store_recipe(tmp_path)
    before = contents(tmp_path)

    assert UpdateOutcome(unchanged=KEYS, repeated_seed=2) == update_baseline(tmp_path, "small", measured("m2"))
    part = update_baseline(tmp_path, "small", measured("m3", keys=("clean",)))
    assert UpdateOutcome(unchanged=("clean",), repeated_seed=3) == part
    assert before == contents(tmp_path)


@pytest.mark.parametrize(
    ("keys", "why"),
    [
        (
            ("clean",),
            "it holds 3 seeds, which a run replaces in every condition or in none",
        ),
        (("low_light",), "its 3 seeds have no values for low_light; record the recipe again with all conditions"),
    ],
)
def test_an_update_of_some_conditions_of_a_recipe(tmp_path: Path, keys: tuple[str, ...], why: str) -> None:
    """An update never leaves conditions with different seeds."""
    store_recipe(tmp_path)
    before = contents(tmp_path)

    assert why in update_baseline(tmp_path, "small", measured("m4", keys=keys), reason="r").refused
    assert before == contents(tmp_path)


def test_a_condition_is_deleted_with_its_seeds(tmp_path: Path) -> None:
    """An entry that is deleted loses the files of all its seeds."""
    store_recipe(tmp_path)
    update_baseline(tmp_path, "small", [], drop=("blur",))

    assert [("m1", "m2", "m3")] == models(tmp_path)
    assert set() == strays(tmp_path)


def test_a_reset_of_golden_keeps_the_seeds(tmp_path: Path) -> None:
    """A reset of the golden reference by a run that repeats a seed makes all seeds golden, and drops none."""
    store_recipe(tmp_path)
    update_baseline(tmp_path, "small", measured("m4"), reason="another recipe")
    add_seed(tmp_path, "m5")
    add_seed(tmp_path, "m6", "RRWWw")
    update_baseline(tmp_path, "small", measured("m5"), reason="it stays", reset_golden=True)

    assert [("m4", "m5", "m6")] * 2 == models(tmp_path)
    assert [None] * 2 == [entry.golden for entry in stored(tmp_path).entries.values()]
    assert set() == strays(tmp_path)


# ---- new names of classes ----------------------------------------------------------------------------------------


def under_new_names(model: str, letters: str) -> list[RuledMeasurement]:
    """Return what a run measured whose class cat is now kitten, which changes the ids and reverses their order."""
    items = []
    for item, rule in measured(model, letters):
        now = replace(item.records, samples=replace(item.samples, ids=100 - item.samples.ids)).take(np.arange(5)[::-1])
        classes = ("kitten", "dog", "eel")
        data = replace(
            item.provenance.data,
            fingerprint=data_fingerprint(now.sample_id, now.label, classes),
            classes=classes,
        )
        former = Former(
            classes=item.provenance.data.classes,
            fingerprint=item.provenance.data.fingerprint,
            sample_id=item.samples.ids[::-1],
        )
        items.append((replace(item, records=now, former=former, provenance=replace(item.provenance, data=data)), rule))
    return items


def test_seeds_follow_new_names_of_classes(tmp_path: Path) -> None:
    """If classes have new names, the stored seeds get the new ids before the next seed is added."""
    store_recipe(tmp_path)
    change = SeedChange(measured=under_new_names("m4", LETTERS["m4"]))
    outcome = change_seeds(tmp_path, "small", change)

    assert (("cat => kitten",), "seed 4 added") == (outcome.renamed, outcome.seed)
    recipe = reference(tmp_path).recipe
    assert [list(range(86, 91))] * 4 == [records.sample_id.tolist() for records in recipe]
    expected = [records_of(LETTERS[model]).prediction[::-1].tolist() for model in ("m1", "m2", "m3", "m4")]
    assert expected == [records.prediction.tolist() for records in recipe]
    assert set() == strays(tmp_path)


def test_a_difference_of_seeds(tmp_path: Path) -> None:
    """`diff` lists a seed that only one of two baselines holds."""
    store_recipe(tmp_path / "old", 2)
    store_recipe(tmp_path / "new", 3)
    old, new = (stored(tmp_path / side).entries["clean"] for side in ("old", "new"))

    assert [("seed 3", "-", f"model m3, {new.seeds[1].records_sha256[:15]}", "")] == list(_differences(old, new))
