"""A baseline stands for its model under the rule stored beside it: what a run says and does if the rule changes."""

from __future__ import annotations

import json
import re
import shutil

import numpy as np
import pytest

from pytest_failaware import FailureRule, load_rule
from pytest_failaware.cli.main import main

STORED = "confidence < 0.6 or entropy > 1.0"
LOOSE = "confidence < 0.3 or entropy > 3.0"
CLOSE = "confidence < 0.605 or entropy > 0.995"
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
        self.predict("clean", "blur")

    def test(self, source: str) -> None:
        """Write the project's test file."""
        (self.path / "test_gate.py").write_text(source, encoding="utf-8")

    def predict(self, *conditions: str) -> None:
        """Write logits of ten classes; the surer the model, the more of its answers are right."""
        random, samples = np.random.default_rng(0), 4000
        label, columns = random.integers(0, 10, samples), []
        for margin in np.linspace(2.5, 2.0, len(conditions)):
            logits = random.normal(0, 1, (samples, 10))
            logits[np.arange(samples), label] += margin + 2 * random.normal(0, 1, samples)
            columns.append(logits.astype(np.float32))
        np.savez(
            self.path / "p.npz",
            sample_id=np.tile(np.arange(samples), len(conditions)),
            label=np.tile(label, len(conditions)),
            condition=np.repeat(conditions, samples),
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
    loosened.stdout.fnmatch_lines(["*confident_accuracy*OPERATING POINT MOVED*", f"*rule {STORED} -> {LOOSE}*"])
    assert 1 == loosened.stdout.str().count(f"rule changed: {STORED} -> {LOOSE}")


def test_the_same_records_under_another_rule_are_not_unchanged(gate: Gate) -> None:
    """A rule that costs little passes; only the stored rule finds everything unchanged."""
    gate.record()
    stricter, same = gate.run(CLOSE, "-v"), gate.run(STORED, "-v")

    stricter.assert_outcomes(passed=2)
    stricter.stdout.no_fnmatch_line("*checked:*unchanged*")
    assert f"note: rule changed: {STORED} -> {CLOSE}" in stricter.stdout.str()
    same.stdout.fnmatch_lines(["2 checked: 2 unchanged"])
    assert "rule changed" not in same.stdout.str()


def test_a_changed_rule_is_stored_like_any_change(gate: Gate) -> None:
    """A worse rule needs a reason, and the reset of golden if it costs more than the drift budget."""
    gate.record()
    before = gate.baseline.read_bytes()
    update, reason, reset = "--failaware-update-baselines", "--failaware-reason=why", "--failaware-reset-golden"
    for options in ((update,), (update, reason)):
        refused = gate.run(LOOSE, *options)
        refused.stdout.fnmatch_lines(["*NOT written*drifted from the golden reference*--failaware-reset-golden*"])
        assert before == gate.baseline.read_bytes()
    gate.run(LOOSE, update, reason, reset).assert_outcomes(passed=2)

    assert [f"rule: {LOOSE}"] * 2 == re.findall("rule: .*", gate.baseline.read_text())
    gate.run(LOOSE).stdout.fnmatch_lines(["2 checked: 2 unchanged"])


@pytest.mark.parametrize("update", ["--failaware-update-baselines", "--failaware-update-new"])
def test_a_changed_rule_is_stored_for_all_conditions_or_for_none(gate: Gate, update: str) -> None:
    """With one condition of the test left out, or only the missing one stored, a file would have two rules."""
    gate.record()
    before = gate.baseline.read_bytes()
    gate.test(MARKED.replace('"blur"]', '"blur", "fog:1"]') if "new" in update else MARKED)
    gate.predict("clean", "blur", *(["fog:1"] if "new" in update else []))
    refused = gate.run(CLOSE, update, *(("-k", "clean") if "baselines" in update else ()))

    key = "clean" if "baselines" in update else "fog:1"
    assert pytest.ExitCode.USAGE_ERROR == refused.ret
    refused.stdout.fnmatch_lines(
        [
            f"baseline 'b' NOT written: the rule of {key} would be {CLOSE}, and * of the same test would keep "
            f"{STORED}; store all conditions of the test from one run"
        ]
    )
    assert before == gate.baseline.read_bytes()


def test_a_report_of_one_condition_cannot_change_the_rule(
    gate: Gate, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The command accept refuses it, too; a report of all conditions is accepted, once and again."""
    gate.record()
    monkeypatch.chdir(gate.path)
    gate.run(CLOSE, "--failaware-report=part.json", "-k", "clean")
    gate.run(CLOSE, "--failaware-report=whole.json")

    assert 0 != main(["accept", "part.json"])
    assert f"blur of the same test would keep {STORED}" in capsys.readouterr().out
    assert 0 == main(["accept", "whole.json"]) == main(["accept", "whole.json"])
    assert [f"rule: {CLOSE}", f"rule: {STORED}"] * 2 == re.findall("rule: .*", gate.baseline.read_text())


def test_a_report_is_of_the_rule_that_it_was_compared_with(
    gate: Gate, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """If the stored rule changed since the run, its verdicts are those of another comparison."""
    gate.record()
    monkeypatch.chdir(gate.path)
    gate.run(CLOSE, "--failaware-report=r.json")
    gate.run("confidence < 0.601 or entropy > 0.999", "--failaware-update-baselines")

    assert 0 != main(["accept", "r.json"])
    assert "has changed since the run of this report" in "".join(capsys.readouterr())


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


def test_commands_name_both_rules(
    gate: Gate, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`diff` has the rules before and after, `show` that of the entries and that of their golden reference."""
    gate.record()
    monkeypatch.chdir(gate.path)
    shutil.copytree("baselines", "before")
    gate.run(CLOSE, "--failaware-update-baselines")
    capsys.readouterr()
    main(["diff", "before/b.yaml", "baselines/b.yaml"])
    difference = [line.split(maxsplit=2) for line in capsys.readouterr().out.splitlines()]
    main(["show", "b"])
    table = capsys.readouterr().out.splitlines()

    assert ["clean", "rule", f"{STORED}  {CLOSE}"] in difference
    assert [f"rule: {CLOSE}", f"rule of the golden reference: {STORED}"] == table[1:3]


def test_workers_say_a_changed_rule_once(gate: Gate) -> None:
    """Workers of xdist send both rules with their results, and store them together."""
    pytest.importorskip("xdist")
    gate.record()
    loosened = gate.run(LOOSE, "-n", "2")
    stored = gate.run(CLOSE, "-n", "2", "--failaware-update-baselines")

    loosened.assert_outcomes(failed=2)
    assert 1 == loosened.stdout.str().count(f"rule changed: {STORED} -> {LOOSE}")
    stored.assert_outcomes(passed=2)
    assert [f"rule: {CLOSE}", f"rule: {STORED}"] * 2 == re.findall("rule: .*", gate.baseline.read_text())


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
