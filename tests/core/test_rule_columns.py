"""Rules with a temperature, and the columns of rules: scores at a temperature, and the temperature of trust."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from five import measurement_of, records_of
from numpy.typing import NDArray
from scipy import optimize, special

from pytest_failaware.core.errors import ConfigError, RuleColumnError
from pytest_failaware.core.npz import ColumnsError, pack, unpack
from pytest_failaware.core.npz import records_of as records_in
from pytest_failaware.core.records import Records
from pytest_failaware.core.rule import FailureRule
from pytest_failaware.core.rule_columns import (
    lacking_rules,
    of_rules,
    rule_columns,
    rules_in,
    score_columns,
    with_rules,
)
from pytest_failaware.core.scores import columns_of

RULE = FailureRule()
WARM = FailureRule(temperature=1.5)
PARTS = [RULE, FailureRule(entropy=None), FailureRule(confidence=None), FailureRule(confidence=0.9, entropy=0.2)]
Floats = NDArray[np.float64]


def drawn(count: int = 200, classes: int = 10, seed: int = 0) -> Floats:
    """Return logits from unsure to very sure."""
    random = np.random.default_rng(seed)
    return random.normal(0, 1, (count, classes)) * random.uniform(0.2, 12, (count, 1))


def records_with(logits: Floats) -> Records:
    """Return records of these logits, which are kept."""
    labels = np.zeros(len(logits), dtype=np.uint16)
    samples = replace(records_of().samples, ids=np.arange(len(logits), dtype=np.uint64), labels=labels)
    return Records.of_outcome(samples, {**columns_of(logits, labels), "logits": logits.astype(np.float32)})


# ---- the rule --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("confidence < 0.6 or entropy > 1.0 at temperature 1.52", FailureRule(temperature=1.52)),
        ("entropy > 0.5 at temperature 0.73", FailureRule(confidence=None, entropy=0.5, temperature=0.73)),
        ("confidence < 0.6 or entropy > 1.0", FailureRule(temperature=1)),
    ],
)
def test_a_rule_reads_and_writes_its_temperature(text: str, rule: FailureRule) -> None:
    """The temperature stands at the end of the text; 1 is not written."""
    assert rule == FailureRule.parse(text)
    assert text == str(rule)


@pytest.mark.parametrize("temperature", ["0", "-1", "nan", "inf", "101", "warm", "0.001"])
def test_a_temperature_out_of_range_is_refused(temperature: str) -> None:
    """The error names the place and the range."""
    with pytest.raises(ConfigError, match=r"ini: the temperature of a rule must be a number from 0.01 to 100, got"):
        FailureRule.parse(f"confidence < 0.6 at temperature {temperature}", "ini")


def test_logits_are_flagged_at_the_temperature_of_the_rule() -> None:
    """Five samples by hand: two logits z and 0 have the confidence 1 / (1 + exp(-z / T))."""
    logits = np.array([[0.3, 0.0], [0.5, 0.0], [0.7, 0.0], [0.9, 0.0], [2.0, 0.0]])
    rule = FailureRule(confidence=0.6, entropy=None)  # at T = 1 above z = 0.405, at T = 2 above 0.811

    assert [True, False, False, False, False] == rule.flag_logits(logits).tolist()
    assert [True, True, True, False, False] == rule.at(2.0).flag_logits(logits).tolist()
    assert [True, True, True, False, False] == rule.at(2.0).flag_probabilities(special.softmax(logits, 1)).tolist()


def test_scaling_a_rule_moves_both_thresholds() -> None:
    """The factor multiplies the confidence threshold, which is at most 1, and divides the entropy threshold."""
    assert FailureRule(confidence=0.75, entropy=0.8) == RULE.scaled(1.25)
    assert FailureRule(confidence=1.0, entropy=0.5) == RULE.scaled(2.0)
    assert RULE == RULE.scaled(1.0)
    assert FailureRule(confidence=None, entropy=0.5) == FailureRule(confidence=None).scaled(2.0)


# ---- the columns -----------------------------------------------------------------------------------------------------


def test_scores_at_a_temperature() -> None:
    """The columns hold the confidence and the entropy of softmax(z / T), by an independent softmax."""
    logits = drawn()
    columns = rule_columns(logits, [WARM])
    expected = special.softmax(logits / 1.5, axis=1)

    assert expected.max(axis=1) == pytest.approx(columns["confidence at temperature 1.5"], rel=1e-6)
    assert special.entr(expected).sum(axis=1) == pytest.approx(columns["entropy at temperature 1.5"], abs=1e-6)
    assert np.float32 == columns["confidence at temperature 1.5"].dtype


@pytest.mark.parametrize("rule", PARTS, ids=str)
def test_the_temperature_of_trust_by_root_finding(rule: FailureRule) -> None:
    """For each sample it is the temperature at which the first part of the rule reaches its threshold."""
    logits = drawn(60)
    column = rule_columns(logits, [rule])[rule.trust_column]

    assert [_by_roots(row, rule) for row in logits] == pytest.approx(column.astype(np.float64), rel=1e-5)


def _by_roots(logits: Floats, rule: FailureRule) -> float:
    """Return the temperature of trust of one sample, by Brent's method."""

    def excess(temperature: float) -> float:
        p = special.softmax(logits / temperature)
        parts = [] if rule.confidence is None else [p.max() - rule.confidence]
        return float(min([*parts, *([] if rule.entropy is None else [rule.entropy - special.entr(p).sum()])]))

    if excess(0.01) < 0:
        return 0.0
    return np.inf if excess(100.0) > 0 else float(optimize.brentq(excess, 0.01, 100.0, xtol=1e-12))


@pytest.mark.parametrize("rule", PARTS, ids=str)
@pytest.mark.parametrize("classes", [2, 10, 300])
def test_the_column_tells_the_flags_at_every_temperature(rule: FailureRule, classes: int) -> None:
    """A sample is flagged at T exactly if T is above its temperature of trust."""
    logits = drawn(classes=classes)
    column = rule_columns(logits, [rule])[rule.trust_column]

    for temperature in (0.1, 0.5, 0.73, 1.0, 1.2, 1.52, 4.0, 20.0):
        assert rule.at(temperature).flag_logits(logits).tolist() == (column < temperature).tolist()


@pytest.mark.parametrize(
    "rule", [FailureRule(confidence=1.0, entropy=None), FailureRule(confidence=None, entropy=0.0), *PARTS], ids=str
)
@pytest.mark.parametrize("classes", [2, 10])
def test_extreme_logits_have_the_flags_of_their_column(rule: FailureRule, classes: int) -> None:
    """Logits from 0.001 to 10,000, ties and masked classes: flags by column and by scores differ nowhere."""
    random = np.random.default_rng(1)
    logits = random.normal(0, 1, (600, classes)) * 10 ** random.uniform(-3, 4, (600, 1))
    logits[::7, 0], logits[::11], logits[::13, -2:] = -np.inf, 1, 50_000
    column = rule_columns(logits, [rule])[rule.trust_column]

    for temperature in (0.01, 0.3, 1.0, 1.7, 30.0, 99.0):
        columns = rule_columns(logits, [rule.at(temperature)])
        names = [f"{name} at temperature {temperature!r}" for name in ("confidence", "entropy")]
        scores = columns_of(logits, np.zeros(600, dtype=np.uint16)) if temperature == 1 else {}
        confidence, entropy = (columns.get(name, scores.get(name.split()[0])) for name in names)
        assert confidence is not None
        assert entropy is not None
        assert rule.flags(confidence=confidence, entropy=entropy).tolist() == (column < temperature).tolist()


def test_a_higher_temperature_is_less_sure() -> None:
    """Confidence falls and entropy rises with the temperature, so trust ends at one temperature."""
    rules = [RULE.at(temperature) for temperature in (0.5, 0.8, 1.5, 3.0, 9.0)]
    columns = rule_columns(drawn(), rules)
    confidence, entropy = (
        np.array([columns[f"{name} at temperature {rule.temperature!r}"] for rule in rules])
        for name in ("confidence", "entropy")
    )

    assert (np.diff(confidence, axis=0) <= 0).all()
    assert (np.diff(entropy, axis=0) >= -1e-7).all()


def test_at_temperature_1_the_column_and_the_normal_scores_agree_exactly() -> None:
    """A threshold equal to a stored score does not flag its sample, so its temperature of trust is at least 1."""
    logits = drawn(50)
    scores = columns_of(logits, np.zeros(50, dtype=np.uint16))
    for value in scores["confidence"]:
        rule = FailureRule(confidence=float(value), entropy=None)
        flags = rule.flags(confidence=scores["confidence"], entropy=scores["entropy"])
        assert flags.tolist() == (rule_columns(logits, [rule])[rule.trust_column] < 1).tolist()


def test_no_answer_is_never_trusted_and_masked_classes_count_as_nothing() -> None:
    """NaN, +inf and all classes masked have the temperature 0; a class at -inf changes nothing for the others."""
    logits = np.array([[np.nan, 1, 2], [np.inf, 0, 0], [-np.inf] * 3, [2, 0, -np.inf], [0, 0, 0]])
    columns = rule_columns(logits, [RULE, WARM])
    two = rule_columns(logits[3:4, :2], [RULE])

    assert [0, 0, 0] == columns[RULE.trust_column][:3].tolist()
    assert [0, 0, 0] == columns["confidence at temperature 1.5"][:3].tolist()
    assert two[RULE.trust_column][0] == pytest.approx(columns[RULE.trust_column][3])
    assert 0 == columns[RULE.trust_column][4]
    assert all(np.isfinite(column).all() for column in columns.values())


def test_a_threshold_that_trusts_everything_has_an_infinite_temperature() -> None:
    """An entropy threshold above ln K never flags, so each sample is trusted at every temperature."""
    rule = FailureRule(confidence=None, entropy=2.0)

    assert np.isinf(rule_columns(drawn(classes=3), [rule])[rule.trust_column]).all()


# ---- records ---------------------------------------------------------------------------------------------------------


def test_records_flag_by_their_columns_without_logits() -> None:
    """With the columns of a rule, records need no logits to be flagged at its temperature."""
    logits = drawn()
    whole = with_rules(records_with(logits), [WARM])
    stored = replace(whole, logits=None)

    assert WARM.flag_logits(logits.astype(np.float32)).tolist() == WARM.flags_of(stored).tolist()
    with pytest.raises(RuleColumnError, match=r"no confidence at temperature 2.0.*; measure the samples again"):
        WARM.at(2.0).flags_of(stored)


def test_records_with_logits_need_no_columns() -> None:
    """Kept logits give the scores at any temperature, equal to the columns; without an answer the confidence is 0."""
    logits = drawn().astype(np.float32).astype(np.float64)
    records = records_with(logits)
    unanswered = replace(records, confidence=np.where(np.arange(200) == 3, np.float32(0), records.confidence))

    for column, score in zip(with_rules(records, [WARM]).scores_at(1.5), records.scores_at(1.5), strict=True):
        assert column.tolist() == score.tolist()
    assert [3] == np.flatnonzero(unanswered.scores_at(1.5)[0] == 0).tolist()


def test_columns_follow_their_rows() -> None:
    """Rows that are taken, and records that are written and read, keep the columns of rules."""
    measurement = measurement_of()
    logits = drawn(5, 3)
    records = replace(measurement.records, rule_columns=rule_columns(logits, [RULE, WARM]))
    read = records_in(unpack(pack(records.columns)), measurement.provenance.data)

    assert list(records.rule_columns) == list(read.rule_columns)
    assert all(np.array_equal(column, read.rule_columns[name]) for name, column in records.rule_columns.items())
    taken = records.take(np.array([1, 3]))
    assert records.rule_columns[RULE.trust_column][[1, 3]].tolist() == taken.rule_columns[RULE.trust_column].tolist()


@pytest.mark.parametrize(
    ("column", "problem"),
    [
        (np.full(5, np.nan, dtype=np.float32), "not a temperature"),
        (np.full(5, -1, dtype=np.float32), "not a temperature"),
        (np.zeros(5), "is float64"),
        (np.zeros(4, dtype=np.float32), "has 4 samples"),
    ],
)
def test_a_wrong_column_is_refused(column: NDArray[np.generic], problem: str) -> None:
    """Read columns of rules are checked like the other columns."""
    measurement = measurement_of()
    columns = {**measurement.records.columns, RULE.trust_column: column}

    with pytest.raises(ColumnsError, match=problem):
        records_in(columns, measurement.provenance.data)


def test_records_say_which_rules_they_lack() -> None:
    """The thresholds and the temperature of a rule name its columns; a baseline stores only the scores."""
    records = with_rules(records_with(drawn()), [WARM])

    assert [] == lacking_rules(records, [RULE, WARM])
    assert [WARM.at(2.0)] == lacking_rules(records, [WARM.at(2.0), WARM])
    assert [RULE, WARM] == rules_in(records)
    assert [RULE.trust_column] == list(of_rules(records, [RULE]).rule_columns)
    stored = score_columns(records, WARM).rule_columns
    assert ["confidence at temperature 1.5", "entropy at temperature 1.5"] == list(stored)
    assert {} == dict(score_columns(records, RULE).rule_columns)
