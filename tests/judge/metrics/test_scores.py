"""Score metrics as gates: the table, the spelling of names, bounds, verdicts, and metrics of one's own."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from five import baseline_of, measurement_of
from numpy.typing import NDArray
from ranked import RIGHT, SCORE, records_with

from pytest_failaware.config.gate import build_gate
from pytest_failaware.config.vocabulary import extended
from pytest_failaware.core.errors import ConfigError
from pytest_failaware.core.estimates import Estimate, Score
from pytest_failaware.core.metric import Direction, ScoreMetric
from pytest_failaware.core.records import RANKING_SCORES, Records
from pytest_failaware.core.reference import Reference
from pytest_failaware.core.result import Comparison, ItemResult, Verdict
from pytest_failaware.core.rule import FailureRule
from pytest_failaware.judge.metrics.calibration import nll
from pytest_failaware.judge.metrics.names import EXAMPLES, one_sided_metric, spelled_metric
from pytest_failaware.judge.metrics.scores import RANKING_METRICS, SCORE_METRICS
from pytest_failaware.judge.verdict import Terms, judge

RULE = FailureRule()


def judged(
    now: Records,
    reference: Records | None,
    stored: Records | None = None,
    golden: Records | None = None,
    **gate: object,
) -> ItemResult:
    """The verdict on these records; `stored` stand in the baseline though their file may be missing."""
    before = stored if reference is None else reference
    measured = dataclasses.replace(measurement_of("R" * len(now)), records=now)
    baseline = None if before is None else baseline_of(dataclasses.replace(measured, records=before))
    vocabulary = gate.pop("vocabulary", None)
    extra = {} if vocabulary is None else {"vocabulary": vocabulary}
    built = build_gate({"conditions": ["clean"], **gate}, **extra)  # type: ignore[arg-type]  # one keyword of its type
    return judge(
        measured,
        Reference(name="small", key=measured.condition.key, baseline=baseline, records=reference, golden=golden),
        built,
        Terms(nodeid="t::x"),
    )


def one(result: ItemResult) -> Comparison:
    (found,) = result.comparisons
    return found


def drawn(seed: int = 0, count: int = 1500, *, informative: bool = True) -> Records:
    """A model whose confidence tells, or does not tell, its errors: 80 % right either way."""
    random = np.random.default_rng(seed)
    right = random.random(count) < 0.8
    told = np.where(right, random.beta(6, 1, count), random.beta(3, 2, count))
    confidence = told if informative else random.permutation(told)
    return records_with(0.34 + 0.66 * confidence, right)


# ---- the table -----------------------------------------------------------------------------------------------------


def test_every_metric_has_its_value_on_five_samples() -> None:
    """Each row of the table computes, within its range."""
    records = records_with(SCORE, RIGHT)
    names = [*SCORE_METRICS, "risk_at_coverage(0.6)", "coverage_at_risk(0.25)"]
    names += [f"{name}({score})" for name in ("augrc", "aurc", "auroc_f") for score in RANKING_SCORES]
    for name in names:
        metric = one_sided_metric(name, "test")
        assert isinstance(metric, ScoreMetric)
        found = metric.measure(records, np.zeros(5, dtype=np.bool_))
        assert found.value is not None, name
        assert metric.lowest <= found.value <= metric.highest
        assert metric.is_rate == found.is_rate


def test_every_metric_says_why_it_has_no_value() -> None:
    """Without samples no metric has a value, and each says why."""
    nothing = records_with([], [])
    for name in (*SCORE_METRICS, "risk_at_coverage(0.6)", "coverage_at_risk(0.25)"):
        metric = one_sided_metric(name, "test")
        assert isinstance(metric, ScoreMetric)
        found = metric.measure(nothing, np.zeros(0, dtype=np.bool_))
        assert (None, None, metric.undefined) == (found.value, found.fraction, found.reason)


def test_a_ranking_by_energy_may_have_no_value_for_another_reason() -> None:
    """Probabilities that were predicted elsewhere have none; no other score has that case."""
    by_energy, by_margin = (spelled_metric(f"augrc({score})", "test") for score in ("energy", "margin"))

    assert by_energy is not None
    assert by_margin is not None
    assert "there is no image, or the logits are not known" == by_energy.undefined
    assert "there is no image" == by_margin.undefined


def test_the_directions() -> None:
    """Higher is better for what finds errors or accepts much; lower for areas under risk, errors and losses."""
    higher = {"auroc_f", "aupr_error", "worst_class_accuracy"}

    assert higher == {name for name, metric in SCORE_METRICS.items() if metric.higher_is_better}
    assert Direction.HIGHER_IS_BETTER is RANKING_METRICS["coverage_at_risk"].plain.direction
    assert Direction.LOWER_IS_BETTER is RANKING_METRICS["risk_at_coverage"].plain.direction


@pytest.mark.parametrize("score", RANKING_SCORES[1:])
def test_a_ranking_by_another_score(score: str) -> None:
    """Scores that order the samples as confidence does give the same number; one that is turned round does not."""
    records = records_with(SCORE, RIGHT)  # every score rises with the confidence here
    plain, other = SCORE_METRICS["augrc"], spelled_metric(f"augrc({score})", "test")
    unflagged = np.zeros(5, dtype=np.bool_)

    assert other is not None
    assert plain.measure(records, unflagged) == other.measure(records, unflagged)
    turned = dataclasses.replace(records, confidence=records.confidence[::-1].copy())
    assert plain.measure(turned, unflagged) != plain.measure(records, unflagged)


def test_importing_the_table_imports_no_numpy() -> None:
    """The table imports no numpy, because every run of pytest reads gates."""
    code = "import sys, pytest_failaware.judge.metrics.scores; print('numpy' in sys.modules)"

    assert "False\n" == subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout


# ---- names ---------------------------------------------------------------------------------------------------------


def test_every_example_in_a_message_can_be_named() -> None:
    """Every example in a message is a valid name in its canonical spelling."""
    assert list(EXAMPLES) == [one_sided_metric(name, "test").name for name in EXAMPLES]


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("augrc", "augrc"),
        ("augrc(confidence)", "augrc"),
        ("augrc(margin)", "augrc(margin)"),
        ("risk_at_coverage(0.90)", "risk_at_coverage(0.9)"),
        ("risk_at_coverage(.9, entropy)", "risk_at_coverage(0.9,entropy)"),
        ("coverage_at_risk(0)", "coverage_at_risk(0)"),
        ("ece", "ece"),
        ("augrc(gen)", "augrc(gen)"),
        ("risk_at_coverage(0.90, gen)", "risk_at_coverage(0.9,gen)"),
        ("auroc_f(temperature=1.50)", "auroc_f(temperature=1.5)"),
        ("auroc_f( temperature = 010 )", "auroc_f(temperature=10)"),
        ("risk_at_coverage(.9,temperature=.5)", "risk_at_coverage(0.9,temperature=0.5)"),
        ("ece(temperature=2.0)", "ece(temperature=2)"),
        ("adaptive_ece(temperature=1)", "adaptive_ece(temperature=1)"),
    ],
)
def test_a_metric_has_one_spelling(typed: str, name: str) -> None:
    """A metric has one canonical spelling for all typed forms."""
    gate = build_gate({"metrics": [typed], "maximum": {typed: "0.5"}, "tolerance": {typed: "0.03"}})
    as_text = build_gate({"maximum": f"{typed.replace(' ', '')}=0.5"})

    assert ((name,), {name: Decimal("0.5")}) == (gate.metrics, gate.maximum)
    assert gate.maximum == as_text.maximum
    assert (Decimal("0.03"), name) == (gate.allowed(name), gate.table[name].name)


def test_a_tolerance_holds_for_every_spelling() -> None:
    """The tolerance of the bare name holds for every spelling without its own."""
    base = build_gate({"metrics": ["augrc(margin)", "risk_at_coverage(0.9)"], "tolerance": {"augrc(margin)": 0.003}})
    assert [Decimal("0.003"), Decimal("0.01")] == [base.allowed(name) for name in base.metrics]
    assert [Decimal("0.002")] == [build_gate({"metrics": ["augrc(gini)"]}).allowed("augrc(gini)")]

    named = build_gate({"tolerance": {"risk_at_coverage": 0.04}}, base=base)
    assert [Decimal("0.003"), Decimal("0.04")] == [named.allowed(name) for name in named.metrics]
    assert {Decimal("0.07")} == {build_gate({"tolerance": 0.07}, base=base).allowed(name) for name in base.metrics}


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"metrics": ["agrc"]}, ["unknown metric 'agrc'", "did you mean 'augrc'"]),
        ({"metrics": ["augrc(margn)"]}, ["unknown score 'margn'", "did you mean 'margin'"]),
        ({"metrics": ["augrc(margin,gini)"]}, ["unknown score 'margin,gini'"]),
        ({"metrics": ["augrc()"]}, ["unknown score ''"]),
        ({"metrics": ["ece(margin)"]}, ["give the temperature above 0", "as in ece(temperature=1.5), got 'margin'"]),
        ({"metrics": ["ece()"]}, ["ece: give the temperature", "got ''"]),
        ({"metrics": ["nll(temperature=1,temperature=2)"]}, ["nll: give the temperature"]),
        ({"metrics": ["augrc(temperature=0)"]}, ["augrc: give the temperature above 0", "got 'temperature=0'"]),
        ({"metrics": ["augrc(temperature=0.0000)"]}, ["give the temperature above 0"]),
        ({"metrics": ["augrc(temperature=-1)"]}, ["give the temperature above 0"]),
        ({"metrics": ["augrc(temperature=1e3)"]}, ["give the temperature above 0"]),
        ({"metrics": ["augrc(temperature=nan)"]}, ["give the temperature above 0"]),
        ({"metrics": ["augrc(temperature=1.1234567)"]}, ["six decimals at most"]),
        ({"metrics": ["augrc(temperature=2,gen)"]}, ["unknown score 'temperature=2,gen'"]),
        ({"metrics": ["augrc(tempreature=2)"]}, ["unknown score", "did you mean 'temperature=1.5'"]),
        (
            {"metrics": ["worst_class_accuracy(temperature=2)"]},
            ["unknown metric 'worst_class_accuracy(temperature=2)'"],
        ),
        ({"maximum": "ece(temperature=1.5)"}, ["unknown metric 'ece(temperature'"]),
        ({"metrics": ["risk_at_coverage"]}, ["give the coverage in [0, 1], as in risk_at_coverage(0.9)"]),
        ({"metrics": ["risk_at_coverage(margin)"]}, ["give the coverage", "got 'margin'"]),
        ({"metrics": ["coverage_at_risk(1.5)"]}, ["give the risk in [0, 1]", "got '1.5'"]),
        ({"metrics": ["coverage_at_risk(1e-999999999)"]}, ["give the risk"]),
        ({"maximum": {"augrc": 0.6}}, ["maximum: augrc", "from 0 to 0.5"]),
        ({"maximum": {"nll": -1}}, ["from 0 to inf"]),
        ({"maximum": {"nll": "1e999999999"}}, ["from 0 to inf"]),
        ({"minimum": {"auroc_f": 1.1}}, ["between 0 and 1"]),
        ({"tolerance": {"brier": 3}}, ["from 0 to 2"]),
    ],
)
def test_mistakes_in_a_name_or_a_bound(values: dict[str, object], words: list[str]) -> None:
    """A mistake in a name or a bound is refused in one line with the valid forms."""
    with pytest.raises(ConfigError) as caught:
        build_gate(values, prefix="reliability: ")

    assert [] == [word for word in ["reliability: ", *words] if word not in str(caught.value)]


def test_bounds_may_be_beyond_a_rate() -> None:
    """The negative log-likelihood has no largest value, the Brier score reaches 2."""
    gate = build_gate({"maximum": {"nll": 3.5, "brier": 1.25}})

    assert {"nll": Decimal("3.5"), "brier": Decimal("1.25")} == gate.maximum


# ---- verdicts ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["augrc", "auroc_f", "aurc", "eaurc", "aupr_error", "fpr_at_95tpr", "augrc(entropy)"])
def test_a_ranking_that_is_lost_regresses(name: str) -> None:
    """As many answers are right, and the confidence no longer says which: proven worse, and better in reverse."""
    good, bad = drawn(), drawn(informative=False)
    worse = one(judged(bad, good, metrics=[name]))

    assert Verdict.REGRESSED is worse.verdict, worse
    assert worse.evidence is not None
    assert 0 < (worse.evidence.low or 0) < (worse.evidence.high or 0)
    assert Verdict.IMPROVED is one(judged(good, bad, metrics=[name])).verdict
    assert Verdict.UNCHANGED is judged(good, good, metrics=[name]).verdict


@pytest.mark.parametrize("name", ["ece", "adaptive_ece", "brier", "nll"])
def test_lost_calibration_regresses(name: str) -> None:
    """The same answers, and a confidence that claims too much."""
    good = drawn()
    random = np.random.default_rng(9)
    sure = records_with(
        1 - (1 - good.confidence.astype(np.float64)) * random.uniform(0.05, 0.2, len(good)), good.correct
    )

    assert Verdict.REGRESSED is one(judged(sure, good, metrics=[name])).verdict


@pytest.mark.parametrize(
    ("policy", "verdict"),
    [
        ("beyond_tolerance", Verdict.INCONCLUSIVE),
        ("any_drop", Verdict.INCONCLUSIVE),
        ("non_inferiority", Verdict.NOT_SHOWN),
    ],
)
def test_a_change_that_cannot_be_tested(policy: str, verdict: Verdict) -> None:
    """One error on each side: without its part there is no area, so a drop is told, neither proven nor excluded."""
    confidence = np.linspace(1.0, 0.5, 60)
    last, first = (records_with(confidence, np.arange(60) != wrong) for wrong in (59, 5))
    found = one(judged(first, last, metrics=["auroc_f"], policy=policy))

    assert verdict is found.verdict
    assert found.evidence is not None
    assert (None, None) == (found.evidence.low, found.evidence.high)


def test_a_side_without_errors_is_incomparable() -> None:
    """An area that one side does not have cannot be compared; where neither has it, nothing changed."""
    confidence = np.linspace(1.0, 0.5, 60)
    perfect, flawed = records_with(confidence, np.ones(60)), records_with(confidence, np.arange(60) % 4 > 0)
    found = one(judged(perfect, flawed, metrics=["auroc_f"]))

    assert Verdict.INCOMPARABLE is found.verdict
    assert "every answer is right, or every one is wrong now" == found.note
    other = dataclasses.replace(perfect, confidence=perfect.confidence - np.float32(0.1))
    assert Verdict.PASSED is one(judged(other, perfect, metrics=["auroc_f"])).verdict


def test_without_the_samples_it_is_incomparable() -> None:
    """The counts of a baseline say nothing of a ranking, and nothing beside it is compared."""
    records = drawn()
    result = judged(records, None, stored=records, metrics=["augrc", "failure_recall"])

    assert (Verdict.INCOMPARABLE, ()) == (result.verdict, result.comparisons)


def test_bounds_hold_without_a_baseline() -> None:
    """The number itself against the decimal as typed; only what is named is computed."""
    result = judged(records_with(SCORE, RIGHT), None, maximum={"augrc": "0.11"}, minimum={"auroc_f": "0.83"})
    verdicts = {found.metric: found.verdict for found in result.comparisons}

    assert {"auroc_f": Verdict.PASSED, "augrc": Verdict.ABOVE_MAXIMUM} == verdicts
    assert {"augrc": 0.12, "auroc_f": 5 / 6} == pytest.approx(
        {key: one.value for key, one in result.stats.scores.items()}
    )
    assert "augrc" not in result.stats.rates


def test_many_small_steps_drift() -> None:
    """Twice the default tolerance, also of a metric of one's own, is the budget from the golden reference."""
    own = ScoreMetric(name="surprise", compute=lambda records, flagged: nll(records), higher_is_better=False)
    own = dataclasses.replace(own, tolerance=0.15)  # type: ignore[arg-type]  # as users type it
    golden = drawn()
    claimed = golden.label_log_probability.astype(np.float64)
    for worse, drifts in ((0.25, False), (0.35, True)):
        random = np.random.default_rng(3).normal(worse, 0.05, len(golden))
        now = dataclasses.replace(golden, label_log_probability=(claimed - random).astype(np.float32))
        found = judged(now, now, golden=golden, metrics=["surprise"], vocabulary=extended([], [own]))

        assert drifts is (Verdict.DRIFTED is found.verdict)
        assert ["0.3"] * drifts == [str(one.allowed) for one in found.comparisons if one.verdict is Verdict.DRIFTED]


def test_counts_of_the_flag_by_hand() -> None:
    """Two wrong, one of them flagged; two flagged, one of them wrong; three right, one of them flagged."""
    rates = judged(measurement_of("RRWrw").records, None).stats.rates

    assert Estimate(numerator=1, denominator=2) == rates["failure_recall"]
    assert Estimate(numerator=1, denominator=2) == rates["flag_precision"]
    assert Estimate(numerator=1, denominator=3) == rates["false_alarm_rate"]


# ---- metrics of one's own ------------------------------------------------------------------------------------------


def overconfidence(records: Records, flagged: NDArray[np.bool_]) -> float | None:
    trusted = ~flagged
    if not trusted.any():
        return None
    return float(records.confidence[trusted].mean() - records.correct[trusted].mean())


def test_a_score_of_ones_own() -> None:
    """It is bounded in its own range, gates with its own tolerance, and is computed only where it is named."""
    own = ScoreMetric(
        name="overconfidence", compute=overconfidence, higher_is_better=False, lowest=-1, tolerance=Decimal("0.02")
    )
    vocabulary = extended([], [own])
    good = drawn()
    sure = records_with(1 - (1 - good.confidence.astype(np.float64)) / 10, good.correct)
    result = judged(sure, good, metrics=["overconfidence"], minimum={"overconfidence": "-0.5"}, vocabulary=vocabulary)

    assert {"overconfidence": Verdict.REGRESSED} == {
        found.metric: found.verdict for found in result.comparisons if isinstance(found, Comparison)
    }
    assert "0.02" == str(result.comparisons[0].allowed)
    assert {} == judged(sure, good, vocabulary=vocabulary).stats.scores
    with pytest.raises(ConfigError, match="'augrc' exists already"):
        extended([], [dataclasses.replace(own, name="augrc")])
    with pytest.raises(ConfigError, match="'risk_at_coverage' exists already"):
        extended([], [dataclasses.replace(own, name="risk_at_coverage")])


@pytest.mark.parametrize("found", [float("nan"), float("inf"), -2.0, "much", np.zeros(2)])
def test_a_score_that_is_no_number(found: object) -> None:
    """A user-defined score may return None but not NaN."""
    broken = ScoreMetric(name="mine", compute=lambda records, flagged: found, higher_is_better=True)  # type: ignore[arg-type,return-value]  # on purpose
    with pytest.raises(ConfigError, match="metric mine: must return a number from 0 to inf, or None"):
        broken.measure(records_with(SCORE, RIGHT), np.zeros(5, dtype=np.bool_))


@pytest.mark.parametrize("wrong", [1, 5, 29, 57])
def test_a_share_meets_its_decimal(wrong: int) -> None:
    """5 wrong of 100 are at most 0.05, though the float is a little more; one more is not."""
    records = records_with(np.linspace(1, 0.5, 100), np.arange(100) >= wrong)
    for bound, verdict in ((wrong, Verdict.PASSED), (wrong - 1, Verdict.ABOVE_MAXIMUM)):
        maximum = {"risk_at_coverage(1)": str(Decimal(bound) / 100)}
        assert verdict is one(judged(records, None, maximum=maximum)).verdict
    assert Fraction(wrong, 100) == Score(value=wrong / 100).fraction
