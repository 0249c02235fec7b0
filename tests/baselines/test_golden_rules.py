"""The golden reference keeps the rule under which it was accepted; an old one has the rule of its entry."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
import yaml
from five import RULE, measurement_of

from pytest_failaware.baselines.file import read_baseline
from pytest_failaware.baselines.reading import parse_baseline
from pytest_failaware.baselines.reference import read_reference
from pytest_failaware.baselines.text import baseline_text
from pytest_failaware.baselines.update import update_baseline
from pytest_failaware.config.gate import build_gate
from pytest_failaware.core.baseline import Baseline, Golden
from pytest_failaware.core.reference import Reference
from pytest_failaware.core.result import Verdict
from pytest_failaware.core.rule import FailureRule
from pytest_failaware.judge.verdict import Terms, judge

TRUSTS_ALL = FailureRule(confidence=0.1, entropy=None)
LETTERS = "R" * 300 + "w" * 100
"""Of 400 answers the rule trusts the 300 right ones; the other rule trusts all, and 300 of 400 are right."""


@pytest.fixture
def changed(tmp_path: Path) -> Path:
    """A baseline whose rule changed and whose records did not."""
    for rule in (RULE, TRUSTS_ALL):
        update_baseline(tmp_path, "small", [(measurement_of(LETTERS), rule)])
    return tmp_path


def read(folder: Path) -> Baseline:
    baseline = read_baseline(folder, "small")
    assert baseline is not None
    return baseline


def reference_of(folder: Path) -> Reference:
    return read_reference(folder, "small", "clean", baseline=read(folder))


def test_golden_keeps_its_rule(changed: Path) -> None:
    """The same records are golden under the first rule, with a line of their own in the YAML."""
    entry = read(changed).entries["clean"]
    document = yaml.safe_load((changed / "small.yaml").read_text(encoding="utf-8"))

    assert TRUSTS_ALL == entry.rule
    assert Golden(model_sha256=entry.model.sha256, records_sha256=entry.records_sha256, rule=RULE) == entry.golden
    assert str(RULE) == document["conditions"]["clean"]["golden"]["rule"]
    assert (TRUSTS_ALL, RULE) == (reference_of(changed).rule, reference_of(changed).golden_rule)


def test_back_to_the_first_rule(changed: Path) -> None:
    """Values that are golden themselves need no golden reference beside them."""
    update_baseline(changed, "small", [(measurement_of(LETTERS), RULE)])

    assert None is read(changed).entries["clean"].golden


def test_an_old_golden_has_the_rule_of_its_entry(changed: Path) -> None:
    """It was stored without a rule; what is written now has one, and reading it returns the same."""
    text = (changed / "small.yaml").read_text(encoding="utf-8")
    old = parse_baseline(text.replace(f"      rule: {RULE}\n", ""), "small.yaml", "small")
    golden = old.entries["clean"].golden

    assert golden is not None
    assert TRUSTS_ALL == golden.rule
    assert text.replace(f"      rule: {RULE}", f"      rule: {TRUSTS_ALL}") == baseline_text(old)
    assert old == parse_baseline(baseline_text(old), "small.yaml", "small")


def test_drift_is_measured_under_the_golden_rule(changed: Path) -> None:
    """Each step can be accepted; against the first pair a quarter of what is trusted is wrong."""
    gate = build_gate({"conditions": ["clean"], "rule": str(TRUSTS_ALL)})
    terms = Terms(nodeid="t", drift_budget=Decimal("0.01"))
    result = judge(measurement_of(LETTERS), reference_of(changed), gate, terms)
    found = {comparison.metric: comparison for comparison in result.comparisons if comparison.verdict.fails}

    assert Verdict.DRIFTED is result.verdict
    assert (1.0, 0.75) == (found["confident_accuracy"].reference.value, found["confident_accuracy"].current.value)
    assert "accuracy" not in found


def test_values_that_are_replaced_are_golden_under_their_own_rule(changed: Path) -> None:
    """If golden is reset, drift is measured from the stored records, under the rule stored with them."""
    without = read_reference(changed, "small", "clean", baseline=read(changed), with_golden=False)

    assert (None, TRUSTS_ALL) == (without.golden_rule, without.replaced.golden_rule)
    assert RULE == reference_of(changed).replaced.golden_rule
