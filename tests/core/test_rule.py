"""The failure rule: its spelling, its thresholds, and its flags for stored scores, arrays and tensors."""

from __future__ import annotations

import doctest
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from five import measurement_of

from pytest_failaware import load_rule
from pytest_failaware.baselines.update import update_baseline
from pytest_failaware.core import rule as rule_module
from pytest_failaware.core.errors import BaselineError, ConfigError
from pytest_failaware.core.rule import FailureRule

DEFAULT = FailureRule()


def logits(count: int = 200, classes: int = 5) -> np.ndarray:
    """Random logits; each part of the default rule flags some of them."""
    return np.random.default_rng(3).normal(0, 1.5, (count, classes))


# ---- spelling ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "confidence", "entropy"),
    [
        ("confidence < 0.6 or entropy > 1.0", 0.6, 1.0),
        ("entropy>1 or confidence<.6", 0.6, 1.0),
        ("confidence < 0.75", 0.75, None),
        ("  entropy > 5e-1 ", None, 0.5),
        ("confidence < 1", 1.0, None),
        ("entropy > 0", None, 0.0),
    ],
)
def test_parse(text: str, confidence: float | None, entropy: float | None) -> None:
    """A rule may have both parts in any order, or one part; the printed rule reads back as the same rule."""
    rule = FailureRule.parse(text)

    assert FailureRule(confidence=confidence, entropy=entropy) == rule
    assert rule == FailureRule.parse(str(rule))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "confidence",
        "confidence < ",
        "confidence > 0.6",
        "entropy < 1.0",
        "confidence <= 0.6",
        "confidence < 0.6 and entropy > 1.0",
        "confidence < 0.6 or confidence < 0.5",
        "confidence < 0.6 or",
        "margin < 0.1",
        "confidence < 0.6.1",
        "confidence < e",
        "confidence < nan",
        "confidence < 0",
        "confidence < 1.1",
        "confidence < -0.1",
        "confidence < 60",
        "entropy > -1",
        "entropy > 1e999",
    ],
)
def test_what_cannot_be_meant_is_refused(text: str) -> None:
    """A rule with a wrong spelling or threshold is refused in one line."""
    with pytest.raises(ConfigError) as caught:
        FailureRule.parse(text)

    assert str(caught.value).startswith("rule: ")
    assert 1 == len(str(caught.value).splitlines())


def test_an_unreadable_rule_names_its_place() -> None:
    """The message begins with the option or ini key and quotes the typed text."""
    with pytest.raises(ConfigError, match=r"^failaware_rule: .*'confidence = 0.6'.*write it as"):
        FailureRule.parse("confidence = 0.6", "failaware_rule")


def test_a_rule_without_thresholds_is_refused() -> None:
    """A rule without thresholds is refused, because it could never flag a sample."""
    with pytest.raises(ConfigError, match="needs a confidence or an entropy threshold"):
        FailureRule(confidence=None, entropy=None)


# ---- thresholds ----------------------------------------------------------------------------------------------------


def test_both_comparisons_are_strict() -> None:
    """A float32 score equal to its threshold is trusted; the next float32 beyond the threshold is flagged."""
    at, quiet = np.float32(0.6), np.float32(0.1)
    confidence = np.array([at, np.nextafter(at, np.float32(0)), 0.9, 0.9], dtype=np.float32)
    entropy = np.array([quiet, quiet, 1.0, np.nextafter(np.float32(1), np.float32(2))], dtype=np.float32)

    assert [False, True, False, True] == DEFAULT.flags(confidence=confidence, entropy=entropy).tolist()


@pytest.mark.parametrize(
    ("rule", "flags"),
    [
        (FailureRule(confidence=0.6, entropy=None), [True, False, True, False]),
        (FailureRule(confidence=None, entropy=1.0), [False, True, True, False]),
        (DEFAULT, [True, True, True, False]),
    ],
)
def test_a_part_that_is_switched_off_flags_nothing(rule: FailureRule, flags: list[bool]) -> None:
    """Each part flags by its own score; a part that is switched off flags no sample."""
    confidence = np.array([0.5, 0.9, 0.5, 0.9], dtype=np.float32)
    entropy = np.array([0.5, 1.5, 1.5, 0.5], dtype=np.float32)

    assert flags == rule.flags(confidence=confidence, entropy=entropy).tolist()


def test_a_confidence_of_exactly_the_threshold_from_logits() -> None:
    """The confidence of the logits ln 3 and 0 is 0.75: it is not below 0.75, and it is below the next float32."""
    row = [[np.log(3.0), 0.0]]
    above = float(np.nextafter(np.float32(0.75), np.float32(1)))

    assert [False] == FailureRule(confidence=0.75, entropy=None).flag_logits(row).tolist()
    assert [True] == FailureRule(confidence=above, entropy=None).flag_logits(row).tolist()


# ---- production input ----------------------------------------------------------------------------------------------


def test_lists_arrays_and_tensors_get_the_same_flags() -> None:
    """Lists, arrays and tensors with the same logits get the same flags."""
    array = logits()
    expected = DEFAULT.flag_logits(array)

    assert 0 < expected.sum() < 200
    assert expected.tolist() == DEFAULT.flag_logits(array.tolist()).tolist()
    assert expected.tolist() == DEFAULT.flag_logits(torch.from_numpy(array).requires_grad_()).tolist()
    assert np.bool_ == expected.dtype


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_half_precision_tensors_are_taken_at_their_values(dtype: torch.dtype) -> None:
    """A tensor of a type that numpy does not have gets the flags of its exact values."""
    tensor = torch.from_numpy(logits()).to(dtype)

    assert DEFAULT.flag_logits(tensor.double().numpy()).tolist() == DEFAULT.flag_logits(tensor).tolist()


def test_probabilities_and_logits_agree() -> None:
    """The softmax of logits gets the same flags as the logits."""
    tensor = torch.from_numpy(logits())

    assert DEFAULT.flag_logits(tensor).tolist() == DEFAULT.flag_probabilities(tensor.softmax(1)).tolist()


def test_rounded_probabilities_are_normalised_as_in_the_gate() -> None:
    """Probabilities are divided by their sum, so 0.6 in a sum of 1.001 is below 0.6."""
    assert FailureRule(confidence=0.6, entropy=None).flag_probabilities([0.6, 0.401]) is True


def test_certain_and_undecided_probabilities() -> None:
    """A one-hot row is trusted, a uniform one is flagged."""
    assert [False, True] == DEFAULT.flag_probabilities([[0.0, 1.0, 0.0, 0.0], [0.25] * 4]).tolist()


def test_an_empty_batch_has_no_flags() -> None:
    """An empty batch gets an empty list of flags, and no error."""
    assert [] == DEFAULT.flag_logits(np.empty((0, 4))).tolist()
    assert [] == DEFAULT.flag_probabilities(np.empty((0, 4))).tolist()


@pytest.mark.parametrize("rows", [0.5, [0.1], [[0.1], [0.2]], [[[0.1, 0.2]]]], ids=str)
def test_logits_of_another_shape(rows: object) -> None:
    """Logits of another shape are refused; there must be at least two classes."""
    with pytest.raises(ValueError, match=r"shape \(N, K\), or \(K,\) for one sample, with K >= 2, got "):
        DEFAULT.flag_logits(rows)


@pytest.mark.parametrize("sample", [[4.0, 0.1, 0.2], (0.3, 0.2, 0.1), np.array([1.0, -1.0]), torch.tensor([9.0, 2.0])])
def test_one_sample_gets_one_bool(sample: object) -> None:
    """A single sample gets a Python bool, which JSON can store, with the same value as in a batch."""
    (expected,) = DEFAULT.flag_logits(np.array([sample])).tolist()
    flag = DEFAULT.flag_logits(sample)

    assert expected is flag
    assert ("true" if expected else "false") == json.dumps(flag)


def test_one_sample_of_probabilities_gets_one_bool() -> None:
    """A single sample of probabilities gets a Python bool, too."""
    assert [False, True] == [DEFAULT.flag_probabilities(sample) for sample in ([0.9, 0.1], torch.tensor([0.5, 0.5]))]


def test_a_masked_class_is_a_class_of_probability_0() -> None:
    """A logit of -inf means probability 0, so a class that is masked everywhere changes no flag."""
    rows = logits()
    masked = np.concatenate([rows, np.full((len(rows), 1), -np.inf)], axis=1)

    assert DEFAULT.flag_logits(rows).tolist() == DEFAULT.flag_logits(masked).tolist()
    assert DEFAULT.flag_logits([4.0, -np.inf]) is False


@pytest.mark.parametrize("sample", [[np.nan, 9.0], [np.inf, 0.0], [-np.inf, -np.inf], [np.inf, np.nan]], ids=str)
@pytest.mark.parametrize("rule", [DEFAULT, FailureRule(confidence=1e-9, entropy=None)], ids=str)
def test_a_sample_without_an_answer_is_flagged(rule: FailureRule, sample: list[float]) -> None:
    """A sample without an answer is flagged, as its confidence is 0 in the gate; other samples keep their flags."""
    assert rule.flag_logits(sample) is True
    assert [False, True, False] == rule.flag_logits([[9.0, 0.0], sample, [0.0, 9.0]]).tolist()


def test_probabilities_without_an_answer_are_flagged() -> None:
    """Probabilities of NaN, which a softmax returns for a NaN, are flagged."""
    assert [True, False] == DEFAULT.flag_probabilities([[np.nan, np.nan], [0.9, 0.1]]).tolist()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
@pytest.mark.parametrize(("times", "words"), [(1, "sums to 1"), (100, "sums to 100; give them divided by 100 to")])
def test_probabilities_are_not_taken_for_logits(dtype: torch.dtype, times: int, words: str) -> None:
    """Softmax outputs and percentages are refused as logits in one line that names the other method."""
    softmax = torch.from_numpy(logits()).softmax(1).to(dtype) * times

    with pytest.raises(ValueError, match=rf"^the logits are .*{words}.*flag_probabilities$"):
        DEFAULT.flag_logits(softmax)


@pytest.mark.parametrize(("sample", "words"), [([0.9, 0.1], "sums to 1 "), ([99.0, 1.0], "sums to 100;")])
def test_one_sample_may_look_like_probabilities_by_chance(sample: list[float], words: str) -> None:
    """A single sample that looks like probabilities gets a warning and the flag of its logits.

    It may look so by chance, and a service in production must not stop for that.
    """
    with pytest.warns(UserWarning, match=f"look like .*{words}.*flag_probabilities$") as caught:
        flag = DEFAULT.flag_logits(sample)

    assert flag is False
    assert [__file__] == [warning.filename for warning in caught]


@pytest.mark.parametrize("rows", [[[2.0, -1.0]], [[3.0, 0.5]], [[0.2, 0.2]]])
def test_logits_are_not_taken_for_probabilities(rows: list[list[float]]) -> None:
    """Rows that do not sum to 1 are refused as probabilities, and the message names the other method."""
    with pytest.raises(ValueError, match="pass logits to flag_logits"):
        DEFAULT.flag_probabilities(rows)


# ---- parts that can never fire -------------------------------------------------------------------------------------


@pytest.mark.parametrize("classes", [2, 3, 4, 5, 10])
def test_a_dead_part_is_one_that_no_distribution_fires(classes: int) -> None:
    """A part is dead if it flags nothing that the other part trusts.

    The most undecided distribution that the confidence part still trusts shows this for the entropy part.
    """
    rest = (1 - 0.6) / (classes - 1)
    most_undecided = [[0.6, *[rest] * (classes - 1)]]
    sentence = DEFAULT.dead_part(classes)

    assert (classes <= 3) == (sentence is not None)
    alone = FailureRule(confidence=None, entropy=1.0)
    assert (sentence is None) == bool(alone.flag_probabilities(most_undecided)[0])
    assert sentence is None or f"with {classes} classes" in sentence


def test_an_entropy_beyond_the_logarithm_of_the_classes_is_dead() -> None:
    """An entropy threshold above ln K can never fire, because the entropy of K classes is at most ln K."""
    rule = FailureRule(confidence=None, entropy=2.31)

    assert "can never fire" in (rule.dead_part(10) or "")
    assert rule.dead_part(11) is None


def test_the_examples_in_the_docstrings_hold() -> None:
    """The examples in the docstrings give the results that they show."""
    done = doctest.testmod(rule_module)

    assert 0 == done.failed
    assert done.attempted > 0


# ---- the rule that was gated ---------------------------------------------------------------------------------------


def stored(folder: Path, **rules: str) -> Path:
    """Store a baseline of conditions with these rules and return its YAML file alone, as it is shipped."""
    for condition, rule in rules.items():
        measured = measurement_of(condition=condition)
        update_baseline(folder / "made", "small", [(measured, FailureRule.parse(rule))])
    return (folder / "made" / "small.yaml").rename(folder / "small.yaml")


def test_from_baseline(tmp_path: Path) -> None:
    """The rule of all conditions or of a single condition is loaded without the files of the samples."""
    path = stored(tmp_path, clean="confidence < 0.8123 or entropy > 0.91", blur="confidence < 0.8123 or entropy > 0.91")

    expected = FailureRule(confidence=0.8123, entropy=0.91)
    assert expected == load_rule(path) == load_rule(str(path), "blur")


def test_from_baseline_with_several_rules(tmp_path: Path) -> None:
    """If the conditions have different rules, the caller must name a condition."""
    path = stored(tmp_path, clean="entropy > 0.5", blur="confidence < 0.7")

    assert FailureRule(confidence=None, entropy=0.5) == load_rule(path, condition="clean")
    with pytest.raises(BaselineError, match=r"do not share one rule \(blur: confidence < 0.7; clean: entropy > 0.5\)"):
        load_rule(path)
    with pytest.raises(BaselineError, match="no condition 'blurr'; did you mean 'blur'"):
        load_rule(path, condition="blurr")


@pytest.mark.parametrize("name", ["other.yaml", "small", "small.json"])
def test_from_no_baseline(tmp_path: Path, name: str) -> None:
    """A path without a baseline is refused; there is no default rule for it."""
    stored(tmp_path, clean="entropy > 0.5")

    with pytest.raises(BaselineError, match="no such baseline"):
        load_rule(tmp_path / name)


def test_from_a_damaged_baseline(tmp_path: Path) -> None:
    """A rule that was edited into nonsense is refused with the number of its line."""
    path = stored(tmp_path, clean="entropy > 0.5")
    path.write_text(path.read_text(encoding="utf-8").replace("entropy > 0.5", "entropy < 0.5"), encoding="utf-8")

    with pytest.raises(BaselineError, match=r"small\.yaml:\d+: .*rule"):
        load_rule(path)


def test_production_loads_and_applies_the_rule_without_torch_or_pytest(tmp_path: Path) -> None:
    """Production loads and applies a rule without importing torch, pytest or pandas."""
    path = stored(tmp_path, clean="entropy > 0.5")
    code = (
        "import sys; from pytest_failaware import load_rule; rule = load_rule(sys.argv[1]);"
        "print(rule, rule.flag_logits([[9, 0], [0, 0]]), sorted({'torch', 'pytest', 'pandas'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, check=True)

    assert "entropy > 0.5 [False  True] []\n" == done.stdout


# ---- inputs that are no logits -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "values",
    [
        np.array([[1 + 2j, 0, 1]]),
        np.array([[True, False]]),
        [["1.5", "0.5"]],
        [[True, False]],
        torch.tensor([[1 + 2j, 0]]),
        torch.tensor([[True, False]]),
        torch.zeros(1, 3, device="meta"),
        torch.zeros(1, 3).to_sparse(),
    ],
    ids=["complex", "bool", "text", "list of bool", "complex tensor", "bool tensor", "meta", "sparse"],
)
@pytest.mark.parametrize("method", ["flag_logits", "flag_probabilities"])
def test_numbers_that_are_not_real(method: str, values: object) -> None:
    """Values that are not real numbers are refused in one line; no imaginary part is dropped."""
    with pytest.raises(ValueError, match=r"^(logits|probabilities) must be real numbers.*, got ") as caught:
        getattr(DEFAULT, method)(values)

    assert str(caught.value).isprintable()


def test_outputs_of_a_sigmoid_get_a_warning() -> None:
    """Outputs between 0 and 1 get a warning and the flags of logits, because they may be logits."""
    outputs = 1 / (1 + np.exp(-logits()[:50]))
    with pytest.warns(UserWarning, match="the logits are between 0 and 1, as after a sigmoid") as caught:
        flags = DEFAULT.flag_logits(outputs)

    assert [__file__] == [warning.filename for warning in caught]
    assert DEFAULT.flag_logits(outputs - 2).tolist() == flags.tolist()


def test_more_outputs_than_a_prediction_can_name() -> None:
    """More outputs than a prediction can name are refused, as a gate refuses them."""
    with pytest.raises(ValueError, match="81,313 outputs; a prediction can name 65,534 classes at most"):
        DEFAULT.flag_logits(np.arange(81_313.0))


@pytest.mark.parametrize(
    "row", [[1e39, 0.0, -1e39], [-800.0, 0.0, 800.0], [3.0, -np.inf, 1.0], [1e-320, 2.0, 3.0]], ids=str
)
def test_flags_do_not_depend_on_numpy_s_error_state(row: list[float]) -> None:
    """The flags are the same if the process lets numpy raise floating-point errors."""
    expected = DEFAULT.flag_logits(row), DEFAULT.flag_probabilities([1.0, 0.0, 0.0])
    with np.errstate(all="raise"):
        assert expected == (DEFAULT.flag_logits(row), DEFAULT.flag_probabilities([1.0, 0.0, 0.0]))


def test_a_threshold_that_no_float32_holds() -> None:
    """A threshold that is too large or too small for float32 flags nothing and raises no warning."""
    assert FailureRule(confidence=None, entropy=1e39).flag_logits([3.0, -2.0, 0.5]) is False
    with np.errstate(all="raise"):
        assert FailureRule(confidence=1e-50, entropy=1e39).flag_logits([3.0, -2.0, 0.5]) is False
