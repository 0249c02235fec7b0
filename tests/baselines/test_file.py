"""Baseline files: canonical text, strict reading, sample files bound by hash, and updates that touch what changed."""

from __future__ import annotations

import dataclasses
import os
import shutil
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from five import RULE, measurement_of, records_of
from stored import columns_file, samples_file

from pytest_failaware.baselines.file import baseline_names, read_baseline
from pytest_failaware.baselines.outcome import UpdateOutcome
from pytest_failaware.baselines.sample_files import golden_path, missing_files, own_path, sha256_of, shared_path
from pytest_failaware.baselines.samples import holds_logits, own_content, read_records, shared_content
from pytest_failaware.baselines.text import baseline_text
from pytest_failaware.baselines.update import update_baseline
from pytest_failaware.core.baseline import Baseline
from pytest_failaware.core.errors import BaselineError
from pytest_failaware.core.measurement import Measurement
from pytest_failaware.core.records import Records
from pytest_failaware.core.rule import FailureRule

TEXT = """\
# Written by pytest --failaware-update-baselines; review it like code.
schema: 1
data:
  fingerprint: sha256:f60ef9ee710c61e8543640dfe4adafc56b1ff8a4ad730c3c199b88ae79cf2918
  samples: 5
  classes:
  - cat
  - dog
  - eel
preprocessing: resize=32
conditions:
  gaussian_noise(sigma=0.1):
    parameters:
      sigma: 0.1
    implementation: 1
    seed: 3
    rule: confidence < 0.6 or entropy > 1.0
    samples: 5
    cells:
      trusted_right: 0
      trusted_wrong: 0
      flagged_right: 3
      flagged_wrong: 2
    rates:
      accuracy: 0.6
      confident_accuracy: null
      silent_failure_rate: 0.0
      confident_correct_rate: 0.0
      failure_rate: 1.0
      failure_region_accuracy: 0.6
    records: sha256:0000000000000000000000000000000000000000000000000000000000000000
    model:
      sha256: sha256:model
      architecture: small
    environment:
      device: cpu
      torch: '2.10'
"""
"""Of schema 1."""


def update(
    directory: Path, *measurements: Measurement, rule: FailureRule = RULE, **meant: Any
) -> UpdateOutcome:  # Any: a reason, a reset
    """Store measurements under the name small."""
    return update_baseline(directory, "small", [(measurement, rule) for measurement in measurements], **meant)


def read(directory: Path) -> Baseline:
    """Return the stored baseline, which must exist."""
    baseline = read_baseline(directory, "small")
    assert baseline is not None
    return baseline


def records(directory: Path, key: str) -> Records | None:
    """Return the stored records of a condition."""
    baseline = read(directory)
    return read_records(directory, baseline, baseline.entries[key])


def files(directory: Path) -> dict[str, tuple[bytes, int]]:
    """Return every file with its bytes and its time of change."""
    return {
        str(path.relative_to(directory)): (path.read_bytes(), path.stat().st_mtime_ns)
        for path in sorted(directory.rglob("*"))
        if path.is_file()
    }


def shifted(measurement: Measurement, by: float) -> Measurement:
    """Return the same measurement from another kernel: every score differs a little."""
    stored = measurement.records
    return dataclasses.replace(
        measurement, records=dataclasses.replace(stored, confidence=stored.confidence + np.float32(by))
    )


def former(directory: Path, baseline: Baseline) -> Baseline:
    """Store a baseline in schema 1."""
    first = dataclasses.replace(baseline, samples_sha256="")
    for now, then in zip(_all_files(directory, baseline), _all_files(directory, first), strict=True):
        now.rename(then)
    (directory / f"{baseline.name}.yaml").write_text(baseline_text(first))
    return first


def _all_files(directory: Path, baseline: Baseline) -> list[Path]:
    entries = [baseline.entries[key] for key in sorted(baseline.entries)]
    return [
        shared_path(directory, baseline),
        *(own_path(directory, baseline, entry) for entry in entries),
        *(golden_path(directory, baseline, entry) for entry in entries if entry.golden),
    ]


# ---- text ----------------------------------------------------------------------------------------------------------


def test_the_canonical_text(tmp_path: Path) -> None:
    """The text has one number a line, null for undefined rates, a seed for random conditions, and no date."""
    update(tmp_path, measurement_of("rrwrw", "gaussian_noise(sigma=0.1)", seed=3))
    baseline = read(tmp_path)
    now = TEXT.replace("schema: 1", "schema: 3").replace(
        "  samples: 5\n", f"  samples: 5\n  samples_sha256: {baseline.samples_sha256}\n", 1
    )
    now = now.replace(f"sha256:{'0' * 64}", baseline.entries["gaussian_noise(sigma=0.1)"].records_sha256)

    assert now == (tmp_path / "small.yaml").read_text()


def test_what_is_written_is_read(tmp_path: Path) -> None:
    """The round trip keeps every field and every column, and writing what was read gives the same text."""
    noise = measurement_of("RRrrw", "gaussian_noise", seed=2**40)
    update(tmp_path, measurement_of(), noise)
    baseline = read(tmp_path)

    assert (tmp_path / "small.yaml").read_text() == baseline_text(baseline)
    entry = baseline.entries["gaussian_noise"]
    assert (noise.condition, 2**40, RULE) == (entry.condition, entry.seed, entry.rule)
    assert (3, noise.provenance.model) == (entry.cells.trusted_right + 1, entry.model)
    assert noise.provenance.environment == entry.environment
    assert (noise.provenance.data, "resize=32") == (baseline.data, baseline.preprocessing)
    stored = records(tmp_path, "gaussian_noise")
    assert stored is not None
    for name, column in noise.records.columns.items():
        assert (column.dtype, column.tolist()) == (getattr(stored, name).dtype, getattr(stored, name).tolist())


def test_conditions_stand_in_one_order(tmp_path: Path) -> None:
    """Conditions are sorted, so that two workers write the same text."""
    some = [measurement_of(condition=key) for key in ("low_light", "clean", "blur(radius=1)")]
    update(tmp_path / "one", *some)
    update(tmp_path / "two", *reversed(some))
    one, two = ((tmp_path / side / "small.yaml").read_bytes() for side in ("one", "two"))

    assert one == two
    assert ["blur(radius=1)", "clean", "low_light"] == list(yaml.safe_load(one)["conditions"])


@pytest.mark.parametrize(
    "name",
    ["no", "1", "null", "~", "", " x", "a: b", "- a", "#c", "é", "🐱", "=", "2001-99-99", "x\ny", "\udcff"],
)
def test_class_names_of_every_kind(tmp_path: Path, name: str) -> None:
    """Every folder name is read back as text, never as a number, a date or null."""
    update(tmp_path, measurement_of(classes=("cat", name, "eel")))

    assert ("cat", name, "eel") == read(tmp_path).data.classes


def test_sample_files_depend_on_the_records_alone() -> None:
    """Two saves of the same records give the same bytes, without a time or a path."""
    assert own_content(records_of(), RULE) == own_content(records_of(), RULE)
    assert shared_content(records_of().samples) == shared_content(records_of().samples)
    assert own_content(records_of(), RULE) != own_content(records_of("RRWwr"), RULE)


# ---- updates -------------------------------------------------------------------------------------------------------


def test_a_second_update_writes_nothing(tmp_path: Path) -> None:
    """A second update changes no file, even if another kernel's scores differ by 1e-5."""
    clean, blur = measurement_of(), measurement_of(condition="blur")
    first = update(tmp_path, clean, blur)
    for path in tmp_path.rglob("*"):
        os.utime(path, ns=(10**18, 10**18))
    before = files(tmp_path)
    second = update(tmp_path, shifted(clean, 1e-5), blur)

    assert UpdateOutcome(recorded=("clean", "blur")) == first
    assert UpdateOutcome(unchanged=("clean", "blur")) == second
    named = [samples_file(tmp_path), columns_file(tmp_path, "clean"), columns_file(tmp_path, "blur")]
    assert {"small.yaml", *(f"small/{path.name}" for path in named)} == set(before)
    assert before == files(tmp_path)


def test_an_update_touches_only_what_changed(tmp_path: Path) -> None:
    """An update adds a condition; other entries keep their text and their sample files."""
    clean, blur = measurement_of(), measurement_of(condition="blur")
    update(tmp_path, clean, blur)
    before = files(tmp_path)
    outcome = update(tmp_path, clean, measurement_of("RRRrw", "blur"), measurement_of(condition="low_light"))
    after = files(tmp_path)

    assert UpdateOutcome(recorded=("low_light",), updated=("blur",), unchanged=("clean",)) == outcome
    new = [columns_file(tmp_path, key) for key in ("blur", "low_light")]
    assert {"small.yaml", *(f"small/{path.name}" for path in new)} == {
        name for name in after if before.get(name) != after[name]
    }
    assert set(before) < set(after)
    old, new = (yaml.safe_load(side["small.yaml"][0])["conditions"] for side in (before, after))
    assert old["clean"] == new["clean"]
    assert (2, 3) == (old["blur"]["cells"]["trusted_right"], new["blur"]["cells"]["trusted_right"])


def test_one_baseline_does_not_touch_another(tmp_path: Path) -> None:
    """Each name has its own file and its own folder."""
    update(tmp_path, measurement_of())
    before = files(tmp_path)
    update_baseline(tmp_path, "large", [(measurement_of("WWWWW"), RULE)])

    assert before == {name: state for name, state in files(tmp_path).items() if name.startswith("small")}


def test_another_rule_is_an_update(tmp_path: Path) -> None:
    """With another rule the counts of an entry change, the records do not."""
    update(tmp_path, measurement_of())
    before, columns = files(tmp_path), f"small/{columns_file(tmp_path).name}"
    outcome = update(tmp_path, measurement_of(), rule=FailureRule(confidence=0.4, entropy=None))

    assert UpdateOutcome(updated=("clean",)) == outcome
    entry = read(tmp_path).entries["clean"]
    assert ("confidence < 0.4", 3) == (str(entry.rule), entry.cells.trusted_right)
    assert before[columns] == files(tmp_path)[columns]


@pytest.mark.parametrize(
    "change",
    [{"first_id": 20}, {"letters": "RRW"}, {"classes": ("a", "b", "c")}, {"preprocessing": "none"}],
)
def test_other_data_is_refused_unless_every_entry_is_updated(tmp_path: Path, change: dict[str, object]) -> None:
    """An update with other data must cover every entry; the refusal names the others."""
    update(tmp_path, measurement_of(), measurement_of(condition="blur"))
    before = files(tmp_path)
    refused = update(tmp_path, measurement_of(**change))  # type: ignore[arg-type]  # one argument by name

    assert "blur" in refused.refused
    assert ((), (), ()) == (refused.recorded, refused.updated, refused.unchanged)
    assert before == files(tmp_path)
    whole = [measurement_of(condition=key, **change) for key in ("clean", "blur")]  # type: ignore[arg-type]  # as above
    assert UpdateOutcome(updated=("clean", "blur"), golden_anew=("clean", "blur")) == update(
        tmp_path, *whole, reason="other data", reset_golden=True
    )
    assert (whole[0].provenance.data, whole[0].provenance.preprocessing) == (
        read(tmp_path).data,
        read(tmp_path).preprocessing,
    )
    assert records(tmp_path, "blur") is not None


def test_items_of_different_data_cannot_share_a_baseline(tmp_path: Path) -> None:
    """Two tests on two data sets cannot share a baseline: nothing is written."""
    outcome = update(tmp_path, measurement_of(), measurement_of(condition="blur", first_id=20))

    assert "its own baseline" in outcome.refused
    assert {} == files(tmp_path)


def with_logits(measurement: Measurement, by: float = 0.0, classes: int = 3) -> Measurement:
    """Return the same measurement with logits that are independent of its scores."""
    logits = np.random.default_rng(0).normal(by, 1, (len(measurement.records), classes)).astype(np.float32)
    return dataclasses.replace(measurement, records=dataclasses.replace(measurement.records, logits=logits))


def test_logits_are_stored_where_they_are_measured(tmp_path: Path) -> None:
    """An update adds logits to an entry without them, and keeps the logits of an unchanged entry."""
    plain, full = measurement_of(), with_logits(measurement_of())
    update(tmp_path, plain)
    assert UpdateOutcome(updated=("clean",)) == update(tmp_path, full)
    stored = records(tmp_path, "clean")
    assert stored is not None
    assert stored.logits is not None
    assert stored.logits.tobytes() == full.records.columns["logits"].tobytes()

    before = files(tmp_path)
    assert UpdateOutcome(unchanged=("clean",)) == update(tmp_path, full)
    assert UpdateOutcome(unchanged=("clean",)) == update(tmp_path, plain)
    assert UpdateOutcome(unchanged=("clean",)) == update(tmp_path, with_logits(measurement_of(), 1e-5))
    assert before == files(tmp_path)

    assert UpdateOutcome(updated=("clean",)) == update(tmp_path, with_logits(measurement_of(), 1e-2))
    assert UpdateOutcome(updated=("clean",)) == update(tmp_path, with_logits(measurement_of(), classes=4))
    assert UpdateOutcome(updated=("clean",), without_logits=("clean",)) == update(tmp_path, measurement_of("RRRRr"))
    assert UpdateOutcome(updated=("clean",)) == update(tmp_path, measurement_of("RRRRw"))


def test_what_is_golden_stays_it_when_logits_come(tmp_path: Path) -> None:
    """Adding logits to the same outcome does not change what is golden."""
    update(tmp_path, measurement_of())
    update(tmp_path, with_logits(measurement_of()))
    assert read(tmp_path).entries["clean"].golden is None

    update(tmp_path, measurement_of("RRRRr"))
    golden = read(tmp_path).entries["clean"].golden
    assert golden is not None
    update(tmp_path, with_logits(measurement_of("RRRRr")))
    assert golden == read(tmp_path).entries["clean"].golden


def test_logits_of_a_file_that_is_none(tmp_path: Path) -> None:
    """An absent or damaged file has no logits, without an error."""
    path = tmp_path / "clean.npz"
    assert not holds_logits(path)
    content = own_content(with_logits(measurement_of()).records, RULE)
    for damaged in (content[:-1], content.replace(b"PK\x01\x02", b"pk\x01\x02")):
        path.write_bytes(damaged)
        assert not holds_logits(path)
    path.write_bytes(content)
    assert holds_logits(path)


@pytest.mark.parametrize(
    ("logits", "words"),
    [
        (np.zeros((5, 3)), "the logits are float64 (5, 3), not float32 with one for each of the 3 classes"),
        (np.zeros(5, dtype=np.float32), "the logits are float32 (5,)"),
        (np.zeros((5, 2), dtype=np.float32), "the logits are float32 (5, 2)"),
        (np.zeros((4, 3), dtype=np.float32), "the column logits has 4 samples, the data has 5"),
        (np.full((5, 3), -np.inf, dtype=np.float32), "the logits are not all finite"),
    ],
)
def test_logits_that_are_not_those_of_the_samples(tmp_path: Path, logits: np.ndarray, words: str) -> None:
    """Logits of other samples are refused on reading, even with a matching hash, and on writing."""
    wrong = dataclasses.replace(measurement_of().records, logits=logits)
    with pytest.raises(BaselineError) as refused:
        update(tmp_path, dataclasses.replace(measurement_of(), records=wrong))
    assert f"clean cannot be stored: {words}" in str(refused.value)

    update(tmp_path, measurement_of())
    plant(tmp_path, own_content(wrong, RULE))
    with pytest.raises(BaselineError) as caught:
        records(tmp_path, "clean")
    assert f": {words}" in str(caught.value)


def plant(directory: Path, content: bytes) -> None:
    """Replace the columns of clean by a file, together with its hash."""
    digest, path = columns_file(directory).name, directory / "small.yaml"
    path.write_text(path.read_text().replace(read(directory).entries["clean"].records_sha256, sha256_of(content)))
    (directory / "small" / digest).unlink()
    columns_file(directory).write_bytes(content)


def test_a_lost_sample_file_is_written_again(tmp_path: Path) -> None:
    """An update with a reason writes deleted sample files again."""
    update(tmp_path, measurement_of(), measurement_of(condition="blur"))
    samples_file(tmp_path).unlink()
    assert records(tmp_path, "clean") is None
    update(tmp_path, measurement_of(), reason="its list of samples was lost")

    assert records(tmp_path, "clean") is not None
    assert records(tmp_path, "blur") is not None


@pytest.mark.parametrize("allowed", range(4))
def test_a_write_that_fails_is_never_mistaken_for_a_baseline(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, allowed: int
) -> None:
    """If the disk is full after any number of files, the old YAML stays and no wrong records are read."""
    old = [measurement_of(condition=key) for key in ("clean", "blur", "low_light")]
    update(tmp_path, *old)
    before = files(tmp_path)
    synced = []

    def full_disk(descriptor: int) -> None:
        synced.append(descriptor)
        if len(synced) > allowed:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full_disk)
    with pytest.raises(OSError, match="No space left"):
        update(
            tmp_path,
            *(measurement_of("RRRRRR", one.condition.key) for one in old),
            reason="one more",
            reset_golden=True,
        )

    after = files(tmp_path)
    assert set(before) == set(after)
    assert before["small.yaml"] == after["small.yaml"]
    if allowed == 0:
        assert before == after
    for key in ("clean", "blur", "low_light"):
        try:
            stored = records(tmp_path, key)
        except BaselineError:
            continue
        assert stored is not None
        assert records_of().confidence.tolist() == stored.confidence.tolist()


@pytest.mark.skipif(os.name == "nt", reason="Windows keeps no POSIX modes")
def test_files_keep_their_mode(tmp_path: Path) -> None:
    """A replaced file keeps its mode; a new file gets the mode of the umask."""
    (tmp_path / "plain").touch()
    update(tmp_path, measurement_of())
    path = tmp_path / "small.yaml"
    assert stat.S_IMODE((tmp_path / "plain").stat().st_mode) == stat.S_IMODE(path.stat().st_mode)
    path.chmod(0o640)
    update(tmp_path, measurement_of("RRRRR"))

    assert 0o640 == stat.S_IMODE(path.stat().st_mode)


# ---- reading -------------------------------------------------------------------------------------------------------


def test_no_file_is_no_baseline(tmp_path: Path) -> None:
    """Without a folder or a file there is no baseline, and no error."""
    assert read_baseline(tmp_path / "nowhere", "small") is None
    assert () == baseline_names(tmp_path / "nowhere")


def test_names_for_a_suggestion(tmp_path: Path) -> None:
    """The names are those of the YAML files, sorted, without sample folders."""
    for name in ("small", "large"):
        update_baseline(tmp_path, name, [(measurement_of(), RULE)])

    assert ("large", "small") == baseline_names(tmp_path)


@pytest.mark.parametrize("name", ["", ".hidden", "..", "a/b", "../small", "a b", "é", "x\n", "a" * 81, "a\\b", "a:b"])
def test_names_that_are_no_file_names(tmp_path: Path, name: str) -> None:
    """A name cannot leave its folder."""
    with pytest.raises(BaselineError, match="baseline name"):
        read_baseline(tmp_path, name)
    with pytest.raises(BaselineError, match="baseline name"):
        update_baseline(tmp_path, name, [(measurement_of(), RULE)])


BOMB = "[&a0 [x, x]" + "".join(f", &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 40)) + "]"
"""A billion times a billion lists, once its references are followed."""


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("schema: 1", "schema: 5", [":2: schema is 5, this version reads 1 to 4"]),
        ("schema: 1", "schema: 3", [":3: data samples_sha256 is missing"]),
        ("schema: 1\n", "", ["schema"]),
        ("schema: 1", "schema: yes", [":2: schema", "whole number"]),
        ("schema: 1", "schema: 1\nauthor: me", [":3: author"]),
        ("schema: 1", "schema: 1\nschema: 1", [":3: schema", "twice"]),
        ("    seed: 3", "    seed: 3\n    seed: 4", [":17: conditions.gaussian_noise(sigma=0.1).seed", "twice"]),
        ("    seed: 3", "    sede: 3", [":16: conditions.gaussian_noise(sigma=0.1).sede"]),
        ("    seed: 3", "    seed: -3", [":16: conditions.gaussian_noise(sigma=0.1).seed", "at least 0"]),
        ("    implementation: 1\n", "", ["implementation is missing"]),
        ("trusted_right: 0", "trusted_right: six", [":20: ", "cells.trusted_right", "whole number", "'six'"]),
        ("trusted_right: 0", "trusted_right: 0.0", [":20: ", "cells.trusted_right", "whole number"]),
        ("trusted_right: 0", "trusted_right: true", [":20: ", "cells.trusted_right", "whole number"]),
        ("trusted_right: 0", "trusted_right: 1", [":19: ", "cells", "add up to 6"]),
        ("    samples: 5", "    samples: 4", ["cells"]),
        ("  samples: 5", "  samples: 6", ["cells"]),
        ("sigma: 0.1\n", "sigma: much\n", [":14: ", "parameters.sigma", "number", "much"]),
        ("  - dog", "  - 7", [":8: data.classes[1]", "text"]),
        ("preprocessing: resize=32", "preprocessing: 7", [":10: preprocessing", "text"]),
        ("preprocessing: resize=32", "preprocessing: &a x", [":10: ", "anchors"]),
        ("preprocessing: resize=32", "preprocessing: *a", [":10: "]),
        ("preprocessing: resize=32", f"preprocessing: {BOMB}", [":10: ", "anchors"]),
        ("preprocessing: resize=32", "preprocessing: !!python/name:os.system x", [":10: ", "tags"]),
        ("preprocessing: resize=32", "preprocessing: [", ["not YAML"]),
        ("preprocessing: resize=32", "<<<<<<< HEAD\npreprocessing: resize=32", [":10: ", "merge conflict"]),
        ("preprocessing: resize=32", "preprocessing: resize=32\n=======", [":11: ", "merge conflict"]),
        ("preprocessing: resize=32", "preprocessing: resize=32\n>>>>>>> other", [":11: ", "merge conflict"]),
        ("  gaussian_noise(sigma=0.1):", "  gaussian noise:", [":12: ", "not the spelling of a condition"]),
        ("    environment:", "    history:\n    - reason: 7\n      model: m\n    environment:", ["history[0].reason"]),
        ("preprocessing: resize=32", "preprocessing: " + "[" * 200, [": "]),
        (TEXT, "", [":1: ", "mapping"]),
        (TEXT, "- 1\n", [":1: ", "mapping"]),
        (TEXT, "\0", [":1: ", "not YAML"]),
        (TEXT, "#" * 5_000_001, ["larger"]),
    ],
)
def test_a_damaged_file_is_refused_with_its_line(tmp_path: Path, old: str, new: str, words: list[str]) -> None:
    """A damaged file is refused in one line with the file, the place and the fault."""
    assert old in TEXT
    (tmp_path / "small.yaml").write_text(TEXT.replace(old, new, 1))
    with pytest.raises(BaselineError) as caught:
        read_baseline(tmp_path, "small")

    assert [] == [word for word in ["small.yaml", *words] if word not in str(caught.value)]
    assert 1 == len(str(caught.value).splitlines())


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    """A binary file with the name of a baseline is refused."""
    (tmp_path / "small.yaml").write_bytes(b"schema: \xff\xfe")
    with pytest.raises(BaselineError, match=r"small\.yaml: cannot be read"):
        read_baseline(tmp_path, "small")


def test_a_rate_edited_by_hand_is_refused(tmp_path: Path) -> None:
    """A rate that differs from the counts is refused, because people trust the rates they read."""
    (tmp_path / "small.yaml").write_text(TEXT.replace("accuracy: 0.6", "accuracy: 0.9"))
    with pytest.raises(BaselineError, match=r"small\.yaml:25: .*rates\.accuracy is 0\.9, .* make it 0\.6"):
        read(tmp_path)


# ---- sample files --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("missing", [samples_file, columns_file])
def test_missing_sample_files_are_no_error(tmp_path: Path, missing: Callable[[Path], Path]) -> None:
    """A missing sample file is not an error on reading; the sentence on it names the file."""
    update(tmp_path, measurement_of(), measurement_of(condition="blur"))
    assert () == missing_files(tmp_path, read(tmp_path))
    path = missing(tmp_path)
    path.unlink()

    assert (path,) == missing_files(tmp_path, read(tmp_path))
    assert ((path,) if missing is samples_file else ()) == missing_files(tmp_path, read(tmp_path), ["blur"])

    assert records(tmp_path, "clean") is None


def test_a_sample_file_of_another_entry_is_refused(tmp_path: Path) -> None:
    """The hash binds the file to its entry, and the message says how to repair it."""
    update(tmp_path, measurement_of(), measurement_of("RRRRR", "blur"))
    columns_file(tmp_path).write_bytes(columns_file(tmp_path, "blur").read_bytes())
    with pytest.raises(
        BaselineError, match=r"small\.yaml:\d+: conditions\.clean\.records is not .*clean-\w+\.npz.*--failaware-update-"
    ):
        records(tmp_path, "clean")


def save_short(path: Path) -> None:
    np.savez(path, sample_id=np.arange(4, dtype=np.uint64), label=np.zeros(4, dtype=np.uint16))


class Bomb:
    """An object that creates a folder if it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.path),)


def save_pickled(path: Path) -> None:
    bomb = Bomb(path.parent / "unpickled")
    np.savez(path, sample_id=np.array([bomb] * 5, dtype=object), label=np.zeros(5, dtype=np.uint16))


def save_floats(path: Path) -> None:
    np.savez(path, sample_id=np.arange(5.0), label=np.zeros(5, dtype=np.uint16))


def save_one_column(path: Path) -> None:
    np.savez(path, sample_id=np.arange(5, dtype=np.uint64))


def save_array(path: Path) -> None:
    with path.open("wb") as file:
        np.save(file, np.arange(5))


def save_pointer(path: Path) -> None:
    path.write_text("version https://git-lfs.github.com/spec/v1\n")


def save_nothing(path: Path) -> None:
    path.write_bytes(b"")


@pytest.mark.parametrize(
    "save", [save_short, save_pickled, save_floats, save_one_column, save_array, save_pointer, save_nothing]
)
def test_damaged_ids_and_labels_are_refused(tmp_path: Path, save: object) -> None:
    """Damaged ids and labels are refused in one line, and nothing is unpickled."""
    update(tmp_path, measurement_of())
    save(samples_file(tmp_path))  # type: ignore[operator]  # one of the functions above
    with pytest.raises(
        BaselineError, match=r"samples-\w+\.npz[:,] .*(--failaware-update-baselines|git lfs pull)"
    ) as caught:
        records(tmp_path, "clean")

    assert 1 == len(str(caught.value).splitlines())
    assert not (tmp_path / "small" / "unpickled").exists()


# ---- a file that does not belong -----------------------------------------------------------------------------------


def test_samples_of_other_data_are_refused(tmp_path: Path) -> None:
    """The samples of other data are refused in both schemas, even if their number is the same."""
    update(tmp_path, measurement_of())
    update(tmp_path / "other", measurement_of(first_id=20))
    shutil.copy(samples_file(tmp_path / "other"), samples_file(tmp_path))
    baseline = read_baseline(tmp_path, "small")

    with pytest.raises(BaselineError, match=r"small\.yaml:6: data\.samples_sha256 is not the hash of .*samples-"):
        read_records(tmp_path, baseline, baseline.entries["clean"])
    first = former(tmp_path, baseline)
    with pytest.raises(BaselineError, match=r"small\.yaml:4: data\.fingerprint is not that of .*samples\.npz"):
        read_records(tmp_path, first, first.entries["clean"])


def test_cells_edited_by_hand_are_refused(tmp_path: Path) -> None:
    """Counts with the right sum that differ from the sample file are refused."""
    update(tmp_path, measurement_of())
    path = tmp_path / "small.yaml"
    text = (
        path.read_text().replace("trusted_right: 2", "trusted_right: 1").replace("flagged_right: 1", "flagged_right: 2")
    )
    text = text.replace("confident_accuracy: 0.666667", "confident_accuracy: 0.5")
    text = text.replace("confident_correct_rate: 0.4", "confident_correct_rate: 0.2")
    text = text.replace("failure_rate: 0.4", "failure_rate: 0.6")
    path.write_text(text.replace("failure_region_accuracy: 0.5", "failure_region_accuracy: 0.666667"))
    baseline = read_baseline(tmp_path, "small")

    with pytest.raises(BaselineError, match=r"small\.yaml:\d+: conditions\.clean\.cells are not those of clean-\w+\."):
        read_records(tmp_path, baseline, baseline.entries["clean"])


def test_two_tests_that_would_store_different_entries(tmp_path: Path) -> None:
    """One condition of a baseline under two rules is refused, in any order."""
    both = [(measurement_of(), RULE), (measurement_of(), FailureRule(confidence=0.9))]

    assert "two tests gate clean" in update_baseline(tmp_path, "small", both).refused
    assert [] == list(tmp_path.iterdir())
