"""Strict YAML: what is a number, what is refused and how fast, and that text is read back."""

from __future__ import annotations

import dataclasses
import time
from pathlib import Path

import pytest
from five import RULE, measurement_of

from pytest_failaware.baselines import plan
from pytest_failaware.baselines.entries import baseline_of
from pytest_failaware.baselines.file import read_baseline
from pytest_failaware.baselines.reading import parse_baseline
from pytest_failaware.baselines.strict_yaml import parse
from pytest_failaware.baselines.text import baseline_text
from pytest_failaware.baselines.update import update_baseline
from pytest_failaware.core.errors import BaselineError

TEXT = baseline_text(baseline_of(measurement_of(), RULE, "small"))


@pytest.mark.parametrize(
    ("spelled", "value"),
    [
        ("0", 0),
        ("-7", -7),
        ("1.50", 1.5),
        ("1.0e-06", 1e-06),
        ("0x1f", "0x1f"),
        ("010", "010"),
        ("0b11", "0b11"),
        ("1_000", "1_000"),
        ("1:59:59", "1:59:59"),
        (".inf", ".inf"),
        ("2001-01-01", "2001-01-01"),
        ("no", "no"),
        ("'7'", "7"),
        ("true", True),
        ("~", None),
    ],
)
def test_only_plain_decimals_are_numbers(spelled: str, value: object) -> None:
    """Other numbers of YAML 1.1, dates and the country code of Norway are text."""
    entry = parse(f"a: {spelled}", "f").mapping()["a"]

    assert (type(value), value) == (type(entry.value), entry.value)


@pytest.mark.parametrize("number", ["0x" + "f" * 5_000, "9" * 5_000, "1" + ":59" * 1_000_000, "1" * 3_000_000])
def test_numbers_of_any_length_are_refused_at_once(number: str) -> None:
    """Numbers of any length are refused at once, in one short line."""
    start = time.process_time()
    with pytest.raises(BaselineError, match=r"b\.yaml:2: schema must be a whole number, got '") as caught:
        parse_baseline(TEXT.replace("schema: 3", f"schema: {number}"), "b.yaml", "b")

    assert len(str(caught.value)) < 200
    assert time.process_time() - start < 10


@pytest.mark.parametrize("deep", ["[" * 20_000, "{a: " * 20_000, "- " * 20_000, "[\n" * 20_000])
def test_what_is_nested_is_refused_at_once(deep: str) -> None:
    """Nested values of any depth are refused at once."""
    start = time.process_time()
    with pytest.raises(BaselineError, match="nested too deep"):
        parse(f"a:\n  {deep}", "b.yaml")

    assert time.process_time() - start < 3


def test_keys_are_text() -> None:
    """A list as a key is refused."""
    with pytest.raises(BaselineError, match=r"b\.yaml:1: a key has to be text"):
        parse("? [a, b]\n: c", "b.yaml").mapping()


@pytest.mark.parametrize(
    "code", [*range(0x20), *range(0x7F, 0xA1), 0xAD, 0x200B, 0x2028, 0x2029, 0xFEFF, 0xD800, 0x1F600]
)
def test_every_character_comes_back(code: int) -> None:
    """Every character of a class name is read back, such as U+0085."""
    classes = (f"a{chr(code)}b", chr(code), f"{chr(code)} c")
    baseline = baseline_of(measurement_of(classes=classes), RULE, "small")

    assert baseline == parse_baseline(baseline_text(baseline), "b.yaml", "small")


def test_what_would_not_come_back_is_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the new text would not be read back, the old file stays and the error names the part."""
    update_baseline(tmp_path, "small", [(measurement_of(), RULE)])
    before = (tmp_path / "small.yaml").read_text()
    monkeypatch.setattr(plan, "baseline_text", lambda baseline: baseline_text(baseline).replace("eel", "ell"))

    with pytest.raises(BaselineError, match=r"small\.yaml: data would not be read as written .* nothing was written"):
        update_baseline(tmp_path, "small", [(measurement_of("RRRRR"), RULE)])
    assert before == (tmp_path / "small.yaml").read_text()


@pytest.mark.parametrize("sha256", ["sha256:../../../../etc/x", "sha256:0", "abc", "sha256:" + "A" * 64])
def test_a_hash_that_is_none(sha256: str) -> None:
    """An invalid hash is refused, because a part of it becomes a file name."""
    baseline = baseline_of(measurement_of(), RULE, "small")
    for digest in (baseline.samples_sha256, baseline.entries["clean"].records_sha256):
        with pytest.raises(BaselineError, match="must be sha256: and 64 digits"):
            parse_baseline(baseline_text(baseline).replace(digest, sha256), "b.yaml", "small")


@pytest.mark.parametrize("name", ["con", "NUL", "aux.v2", "prn", "com1", "LPT9.old", "ends."])
def test_names_that_windows_cannot_have(tmp_path: Path, name: str) -> None:
    """Names that Windows does not allow are refused."""
    with pytest.raises(BaselineError, match="Windows allows no file or folder of this name; choose another"):
        update_baseline(tmp_path, name, [(measurement_of(), RULE)])
    assert [] == list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["console", "com", "com10", "nul-l", "v1.con"])
def test_names_that_only_resemble_them(tmp_path: Path, name: str) -> None:
    """Names that only resemble device names are allowed."""
    update_baseline(tmp_path, name, [(measurement_of(), RULE)])
    assert read_baseline(tmp_path, name) is not None


def test_a_yaml_that_is_a_pointer_of_git_lfs(tmp_path: Path) -> None:
    """A YAML that is a Git LFS pointer is reported as such, and an update does not replace it."""
    path = tmp_path / "small.yaml"
    path.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n")
    for ask in (
        lambda: read_baseline(tmp_path, "small"),
        lambda: update_baseline(tmp_path, "small", [(measurement_of(), RULE)]),
    ):
        with pytest.raises(BaselineError, match=r"small\.yaml: is a Git LFS pointer; fetch the file with git lfs pull"):
            ask()
    assert path.read_text().startswith("version")


def test_records_that_are_a_pointer_of_git_lfs(tmp_path: Path) -> None:
    """Records that are a Git LFS pointer are not replaced by the candidate's."""
    update_baseline(tmp_path, "small", [(measurement_of(), RULE)])
    (columns,) = (tmp_path / "small").glob("clean-*.npz")
    columns.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n")
    assert {"reset-golden", "reason"} == set(
        update_baseline(tmp_path, "small", [(measurement_of("RRRRR"), RULE)]).lacking
    )
    with pytest.raises(BaselineError, match=r"clean-\w+\.npz: is a Git LFS pointer; fetch the file with git lfs pull$"):
        update_baseline(tmp_path, "small", [(measurement_of("RRRRR"), RULE)], reason="why", reset_golden=True)
    assert columns.read_text().startswith("version")


def test_records_that_no_model_makes_are_not_written(tmp_path: Path) -> None:
    """Records that could not be read back are not written."""
    records = dataclasses.replace(measurement_of().records, entropy=measurement_of().records.entropy - 5)
    with pytest.raises(BaselineError, match=r"small\.yaml: clean cannot be stored: the column entropy goes from -4\.5"):
        update_baseline(tmp_path, "small", [(dataclasses.replace(measurement_of(), records=records), RULE)])
    assert not (tmp_path / "small.yaml").exists()


def test_a_baseline_knows_the_lines_of_its_keys(tmp_path: Path) -> None:
    """A baseline keeps the lines of its keys for errors; they do not count for equality."""
    update_baseline(tmp_path, "small", [(measurement_of(), RULE)])
    found = read_baseline(tmp_path, "small")
    assert found is not None
    lines = (tmp_path / "small.yaml").read_text().split("\n")

    assert "  clean:" == lines[found.lines["conditions.clean"] - 1]
    hash_line = lines[found.lines["conditions.clean.records"] - 1]
    assert f"    records: {found.entries['clean'].records_sha256}" == hash_line
    assert found == dataclasses.replace(found, lines={})
