"""What `accept` refuses in a report, each in one line: everything that no baseline could hold."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from damaged import at, changed, encrypted, huge
from five import RULE, measurement_of

from pytest_failaware.baselines.accept import accept, read_report
from pytest_failaware.baselines.file import read_baseline
from pytest_failaware.core.errors import FailAwareError
from pytest_failaware.core.npz import pack
from pytest_failaware.report.json_measurement import columns_content, measurement_document
from pytest_failaware.report.json_report import SCHEMA
from pytest_failaware.report.places import records_path

Plain = dict[str, Any]  # Any: a JSON document


def write(folder: Path, *, edit: Callable[[Plain], object] = bool, content: bytes | None = None) -> Path:
    """Write an edited report of one result with its records and their hash."""
    now = measurement_of(condition="gaussian_noise")
    content = columns_content(now) if content is None else content
    measurement = measurement_document(now, content, "0.npz") | {"rule": str(RULE), "declared": [], "acceptable": True}
    edit(measurement)
    key = "gaussian_noise"
    result = {
        "nodeid": "t.py::t",
        "baseline": "small",
        "condition": key,
        "reference": "",
        "stored_rule": None,
        "drifts": False,
    }
    result |= {"comparisons": [], "measurement": measurement}
    path = folder / "r.json"
    path.write_text(json.dumps({"schema": SCHEMA, "incomplete": "", "results": [result]}))
    with zipfile.ZipFile(records_path(path), "w") as archive:
        archive.writestr("0.npz", content)
    return path


def drifting(path: Path, *, among: str = "small", **more: object) -> Path:
    """Return the same report with a second result, of the condition blur, that drifted."""
    document = json.loads(path.read_text())
    first = document["results"][0]
    now = measurement_of(condition="blur")
    content = columns_content(now)
    measurement = measurement_document(now, content, "1.npz") | {"rule": str(RULE), "declared": [], "acceptable": True}
    second = {**first, "nodeid": "t.py::b", "baseline": among, "condition": "blur", "drifts": True}
    document["results"].append({**second, "measurement": measurement, **more})
    path.write_text(json.dumps(document))
    with zipfile.ZipFile(records_path(path), "a") as archive:
        archive.writestr("1.npz", content)
    return path


def refusal(path: Path) -> str:
    """Return the refusal of a report, which must be one line."""
    with pytest.raises(FailAwareError) as caught:
        read_report(path)
    assert 1 == len(str(caught.value).splitlines())
    return str(caught.value)


def test_a_report_as_it_is_written(tmp_path: Path) -> None:
    """A valid report becomes a baseline."""
    accepted = read_report(write(tmp_path))
    list(accept(accepted, tmp_path / "baselines"))

    baseline = read_baseline(tmp_path / "baselines", "small")
    assert baseline is not None
    assert {"gaussian_noise"} == set(baseline.entries)


def test_what_drifted_keeps_the_whole_baseline(tmp_path: Path) -> None:
    """One drifted condition keeps the whole baseline, which would mix two models; other baselines are written."""
    path = drifting(write(tmp_path))
    drift = "baseline 'small' NOT written: the new values of blur drifted from the golden reference; if that is meant,"

    for reason, options in (("", '--reset-golden --reason="why"'), ("meant", "--reset-golden")):
        found = read_report(path, reason=reason)
        assert {} == found.measured
        assert {"small": f"{drift} add {options}; not written either: gaussian_noise"} == found.refused
    whole = read_report(path, reason="meant", reset_golden=True)
    assert ({}, 2) == (whole.refused, len(whole.measured["small"]))
    apart = read_report(drifting(write(tmp_path), among="other"), reason="meant")
    assert (["small"], ["other"]) == (list(apart.measured), list(apart.refused))


def test_a_doubt_names_the_reset_that_another_result_needs(tmp_path: Path) -> None:
    """A refusal for a missing reason also names the reset, so that there is no second refusal."""
    path = drifting(write(tmp_path))
    document = json.loads(path.read_text())
    document["results"][0]["comparisons"] = [{"verdict": "regressed"}]
    path.write_text(json.dumps(document))

    assert 'worse than what was stored; if that is meant, add --reset-golden --reason="why"' in refusal(path)


def test_values_that_an_update_had_refused_need_a_reason(tmp_path: Path) -> None:
    """The report of a refused update has `not_written` for a loss, which then needs a reason."""
    path = write(tmp_path)
    document = json.loads(path.read_text())
    document["results"][0]["comparisons"] = [{"verdict": "not_written"}]
    path.write_text(json.dumps(document))

    assert 'is worse than what was stored; if that is meant, add --reason="why"' in refusal(path)


def test_a_drifted_result_that_could_not_be_kept_is_left_out(tmp_path: Path) -> None:
    """A drifted result whose body failed is left out; another drifted result still keeps the baseline."""
    found = read_report(drifting(write(tmp_path), measurement=None))

    assert {"small"} == set(found.refused)
    assert "t.py::b: its body or teardown failed" in found.left_out[0]


@pytest.mark.parametrize(
    ("name", "change", "words"),
    [
        ("confidence", lambda column: column.astype(np.float64), "float64"),
        ("label", lambda column: column.astype(np.int64), "int64"),
        ("entropy", lambda column: column[:, None], "(5, 1)"),
        ("prediction", lambda column: column[:4], "has 4 samples"),
        ("max_logit", lambda column: column.astype(">f4"), ">f4"),
        ("prediction", at(0, 9), "class 9"),
        ("entropy", at(0, -1), "entropy goes from -1"),
        ("sample_id", lambda column: column[::-1], "not ascending"),
        ("sample_id", lambda column: column + np.uint64(1), "sample_id and label are not those of the data"),
    ],
)
def test_records_that_a_baseline_refuses(
    tmp_path: Path, name: str, change: Callable[[np.ndarray], np.ndarray], words: str
) -> None:
    """Records that a baseline refuses are not stored, even if the report names their hash."""
    text = refusal(write(tmp_path, content=pack(changed(name, change).columns)))

    assert "r.records.zip: 0.npz: " in text
    assert words in text


def put(*keys: str, value: object) -> Callable[[Plain], object]:
    """Set one value of a measurement."""

    def edit(measurement: Plain) -> None:
        for key in keys[:-1]:
            measurement = measurement[key]
        measurement[keys[-1]] = value

    return edit


@pytest.mark.parametrize(
    "edit",
    [
        put("condition", "key", value=5),
        put("condition", "key", value="no spelling"),
        put("condition", "key", value="blur"),
        put("condition", "implementation", value="1"),
        put("condition", "parameters", value={"sigma": "0.1"}),
        put("condition", "parameters", value={"sigma": [1]}),
        put("condition", "parameters", value=[]),
        put("condition", "is_random", value=False),
        put("seed", value="3"),
        put("seed", value=True),
        put("seed", value=-1),
        put("seed", value=10**60),
        put("preprocessing", value=7),
        put("environment", value=["torch"]),
        put("environment", value={"torch": 2.1}),
        put("model", "architecture", value=None),
        put("model", value="sha256:model"),
        put("data", "samples", value="5"),
        put("data", "samples", value=0),
        put("data", "classes", value=["cat", 7, "eel"]),
        put("data", "groups", value=2),
        put("rule", value=5),
        put("rule", value="confidence > 0.5"),
        put("records", value={"member": 5, "sha256": "x"}),
        put("records", value=[]),
        put("records", value={"member": "../0.npz", "sha256": "x"}),
    ],
)
def test_facts_that_no_baseline_can_hold(tmp_path: Path, edit: Callable[[Plain], object]) -> None:
    """Facts of a wrong type, out of range, or different from the records are refused."""
    assert refusal(write(tmp_path, edit=edit)).startswith(str(tmp_path))


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (encrypted, "(RuntimeError"),
        (huge, "unpacks to "),
        (lambda content: content[:-30], "has no records '0.npz' ("),
        (lambda content: b"", "(BadZipFile"),
        (lambda content: b"version https://git-lfs.github.com/spec/v1\n", "is a Git LFS pointer"),
    ],
)
def test_archives_that_cannot_be_read(tmp_path: Path, damage: Callable[[bytes], bytes], words: str) -> None:
    """Unreadable archives are refused in one line, without a traceback."""
    archive = records_path(write(tmp_path))
    archive.write_bytes(damage(archive.read_bytes()))

    assert words in refusal(tmp_path / "r.json")


@pytest.mark.parametrize("text", ["version https://git-lfs.github.com/spec/v1\n", "[" * 100_000, "[]", '{"schema": 3}'])
def test_documents_that_are_no_report(tmp_path: Path, text: str) -> None:
    """Every document that is not a report is refused in one line."""
    (tmp_path / "r.json").write_text(text)

    assert refusal(tmp_path / "r.json").startswith(f"{tmp_path / 'r.json'}: ")
