"""A baseline stands for its model under the rule stored beside it: what a run says and does if the rule changes."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest

from pytest_failaware import FailureRule, load_rule

STORED = "confidence < 0.6 or entropy > 1.0"
LOOSE = "confidence < 0.3 or entropy > 3.0"
STRICT = "confidence < 0.605 or entropy > 0.995"
MARKED = """
import pytest

@pytest.mark.reliability(conditions=["clean", "blur"], baseline="b")
def test_m(): pass
"""


class Gate:
    """A project with the predictions of one model under two conditions, and a marked test."""

    def __init__(self, pytester: pytest.Pytester) -> None:
        self.pytester, self.path = pytester, pytester.path
        self.baseline = self.path / "baselines" / "b.yaml"
        self.test(MARKED)
        self.predict()

    def test(self, source: str) -> None:
        """Write the project's test file."""
        (self.path / "test_gate.py").write_text(source, encoding="utf-8")

    def predict(self, samples: int = 4000) -> None:
        """Write logits of ten classes; the surer the model, the more of its answers are right."""
        random = np.random.default_rng(0)
        label, columns = random.integers(0, 10, samples), []
        for margin in (2.5, 2.0):
            logits = random.normal(0, 1, (samples, 10))
            logits[np.arange(samples), label] += margin + 2 * random.normal(0, 1, samples)
            columns.append(logits.astype(np.float32))
        np.savez(
            self.path / "p.npz",
            sample_id=np.tile(np.arange(samples), 2),
            label=np.tile(label, 2),
            condition=np.repeat(["clean", "blur"], samples),
            logits=np.concatenate(columns),
        )

    def run(self, rule: str, *options: str) -> pytest.RunResult:
        """Run pytest with a rule in the ini, on the predictions."""
        self.pytester.makeini(f"[pytest]\nfailaware_rule = {rule}\n")
        off = ("-p", "no:randomly", "-p", "no:rerunfailures", "--failaware-predictions=p.npz")
        return self.pytester.runpytest_inprocess(*off, *options, no_reraise_ctrlc=True)

    def record(self) -> None:
        """Store both conditions under the stored rule."""
        self.run(STORED, "--failaware-update-new").assert_outcomes(passed=2)


@pytest.fixture
def gate(pytester: pytest.Pytester) -> Gate:
    return Gate(pytester)


# ---- what a run says -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [(), ("--failaware-strict",)])
def test_a_loosened_rule_is_red(gate: Gate, options: tuple[str, ...]) -> None:
    """The same predictions under a looser rule keep less of what trusted answers promise: red, and both rules named."""
    gate.record()
    loosened = gate.run(LOOSE, *options)

    loosened.assert_outcomes(failed=2)
    loosened.stdout.fnmatch_lines(["*confident_accuracy*REGRESSED*", f"*rule {STORED} -> {LOOSE}*"])
    assert 1 == loosened.stdout.str().count(f"rule changed: {STORED} -> {LOOSE}")


def test_the_same_records_under_another_rule_are_not_unchanged(gate: Gate) -> None:
    """A rule that costs little passes; only the stored rule finds everything unchanged."""
    gate.record()
    stricter, same = gate.run(STRICT, "-v"), gate.run(STORED, "-v")

    stricter.assert_outcomes(passed=2)
    stricter.stdout.no_fnmatch_line("*checked:*unchanged*")
    assert f"note: rule changed: {STORED} -> {STRICT}" in stricter.stdout.str()
    same.stdout.fnmatch_lines(["2 checked: 2 unchanged"])
    assert "rule changed" not in same.stdout.str()


def test_a_changed_rule_is_stored_like_any_change(gate: Gate) -> None:
    """A worse rule needs a reason; once it is stored it is the stored rule, and golden keeps the first one."""
    gate.record()
    refused = gate.run(LOOSE, "--failaware-update-baselines")
    assert pytest.ExitCode.OK != refused.ret
    gate.run(
        LOOSE, "--failaware-update-baselines", "--failaware-reset-golden", "--failaware-reason=why"
    ).assert_outcomes(passed=2)

    assert [f"rule: {LOOSE}"] * 2 == re.findall("rule: .*", gate.baseline.read_text())
    gate.run(LOOSE).stdout.fnmatch_lines(["2 checked: 2 unchanged"])


def test_reports_name_both_rules(gate: Gate) -> None:
    """JSON has both rules as fields; HTML and Markdown say the change once."""
    gate.record()
    reports = [f"--failaware-report=r.{suffix}" for suffix in ("json", "html", "md")]
    gate.run(LOOSE, *reports)
    document = json.loads((gate.path / "r.json").read_text(encoding="utf-8"))
    page, text = ((gate.path / f"r.{suffix}").read_text(encoding="utf-8") for suffix in ("html", "md"))

    assert {(LOOSE, STORED)} == {(result["rule"], result["stored_rule"]) for result in document["results"]}
    assert f"note: rule changed: {STORED} -> {LOOSE}" in document["facts"]
    assert 1 == page.count("rule changed: ")
    assert 1 == text.count("rule changed: ")


def test_a_second_model_has_the_configured_rule(gate: Gate) -> None:
    """With --failaware-against a loosened rule cannot show: both sides have it, and the header says so."""
    result = gate.run(LOOSE, "--failaware-against=p.npz")

    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(
        [
            "failaware: predictions p.npz, against p.npz, both under the configured rule",
            f"rule {LOOSE} on both sides; against *",
        ]
    )


# ---- a temperature ---------------------------------------------------------------------------------------------------

WARM = f"{STORED} at temperature 1.5"


def test_a_rule_with_a_temperature_is_stored_and_found_unchanged(gate: Gate) -> None:
    """YAML and `load_rule` have the temperature; the next update finds everything stored, and no rule changed."""
    gate.run(WARM, "--failaware-update-new").assert_outcomes(passed=2)
    again = gate.run(WARM, "--failaware-update-baselines")

    assert [f"rule: {WARM}"] * 2 == re.findall("rule: .*", gate.baseline.read_text())
    assert FailureRule(temperature=1.5) == load_rule(gate.baseline)
    again.stdout.fnmatch_lines(["2 checked: 2 unchanged", "*b.yaml: unchanged clean, blur; nothing written"])
    files = [np.load(path) for path in gate.baseline.with_suffix("").glob("[bc]*.npz")]
    at = {"confidence at temperature 1.5", "entropy at temperature 1.5"}
    assert [at] * 2 == [{name for name in file.files if "temperature" in name} for file in files]


def test_an_update_that_finds_what_is_stored_writes_nothing(gate: Gate) -> None:
    """The columns that a run computes for its verdicts are not stored, and do not count as new."""
    gate.record()
    gate.run(STORED, "--failaware-update-baselines").stdout.fnmatch_lines(["*unchanged clean, blur; nothing written"])


def test_each_side_has_the_scores_at_its_own_temperature(gate: Gate) -> None:
    """A temperature that is taken away or changed is a changed rule; the flags of both sides are those of the text."""
    gate.run(WARM, "--failaware-update-new")
    for rule in (STORED, f"{STORED} at temperature 0.8"):
        run = gate.run(rule, "-v")
        assert f"note: rule changed: {WARM} -> {rule}" in run.stdout.str()
        run.stdout.no_fnmatch_line("*INCOMPARABLE*")
