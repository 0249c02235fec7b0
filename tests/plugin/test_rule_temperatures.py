"""A rule with a temperature, wherever a rule can stand: the flags are those of softmax(z / T).

At temperature 4 the toy model keeps its trust in bright images, and loses it in darker ones: their logits (4, 0, 0)
become (1, 0, 0), with a confidence of 0.58. So low_light is flagged entirely, instead of in 40 %.
"""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
import toy
from project import MARKED, Command, Project

from pytest_failaware import evaluate, load_rule
from pytest_failaware.core.rule import FailureRule

STORED = "confidence < 0.6 or entropy > 1.0"
WARM = f"{STORED} at temperature 4.0"
CLOSE = "confidence < 0.61 or entropy > 1.0 at temperature 4.0"
INI = f"failaware_rule = {WARM}"
COUNTS = {"clean": 120, "low_light": 300}
"""How many of the 300 samples the warm rule flags."""


def flagged(project: Project) -> dict[str, int]:
    """Return how many samples the last report with the name r.json calls flagged, by condition."""
    results = json.loads((project.path / "r.json").read_text(encoding="utf-8"))["results"]
    return {
        result["condition"]: sum(result["cells"][name] for name in ("flagged_right", "flagged_wrong"))
        for result in results
    }


@pytest.mark.parametrize("place", ["marker", "ini", "override"])
@pytest.mark.parametrize("workers", [("-p", "no:xdist"), ("-n", "2")], ids=["alone", "two workers"])
def test_wherever_the_rule_stands(project: Project, place: str, workers: tuple[str, ...]) -> None:
    """In the marker, the ini or an override, with workers or without, the flags are those of the temperature."""
    pytest.importorskip("xdist")
    if place == "marker":
        project.test(MARKED.replace("reliability", f"reliability(rule='{WARM}')"))
    if place == "ini":
        project.ini(INI)
    options = (f"--failaware-override=rule={WARM}",) if place == "override" else ()
    project.run(*workers, *options, "--failaware-report=r.json")

    assert COUNTS == flagged(project)


def test_evaluate_and_the_rule_object_flag_the_same(toy_model: toy.Bands) -> None:
    """`evaluate` flags what `flag_logits` flags, and accuracy stays that of the logits."""
    found = evaluate(
        model=toy_model, dataset=toy.Images(), preprocess="none", conditions=list(COUNTS), rule=WARM, store_logits=True
    )
    rule = FailureRule.parse(WARM)

    assert COUNTS == {key: int(one.flagged.sum()) for key, one in found.items()}
    for one in found.values():
        assert one.records.logits is not None
        assert (one.flagged == rule.flag_logits(one.records.logits)).all()
        assert (one.flagged == FailureRule.parse(STORED).flag_logits(one.records.logits / 4 - 1)).all()
        assert 180 == one.stats.cells.right


def test_a_report_is_accepted_with_its_temperature(project: Project, command: Command) -> None:
    """`accept` stores the rule and its scores; the next run finds everything unchanged, and `load_rule` reads it."""
    project.record()
    project.ini(INI)
    project.run("--failaware-report=r.json")
    code, text = command("accept", "r.json", "--reason=warmer", "--reset-golden")

    assert 0 == code, text
    assert [f"rule: {WARM}"] * 2 == re.findall("rule: .*", project.baseline.read_text(encoding="utf-8"))
    assert FailureRule.parse(WARM) == load_rule(project.baseline)
    project.run().stdout.fnmatch_lines(["2 checked: 2 unchanged"])
    with np.load(project.sample_file("low_light")) as columns:
        warm = columns["confidence at temperature 4.0"], columns["entropy at temperature 4.0"]
    assert 300 == FailureRule.parse(WARM).flags(confidence=warm[0], entropy=warm[1]).sum()


def test_golden_keeps_its_temperature(project: Project, command: Command) -> None:
    """A golden reference under another temperature is judged by its own scores, before and after an update."""
    project.ini(INI)
    project.record()
    cold = project.run("--failaware-override=rule=confidence < 0.61 or entropy > 1.0")
    assert "RuleColumn" not in cold.stdout.str() + cold.stderr.str()
    cold.assert_outcomes(failed=1, passed=1)
    ini = project.path / "tox.ini"
    ini.write_text(ini.read_text(encoding="utf-8").replace(WARM, CLOSE), encoding="utf-8")
    project.run("--failaware-report=r.json").assert_outcomes(passed=2)
    assert 0 == command("accept", "r.json", "--reason=close")[0]
    text = project.baseline.read_text(encoding="utf-8")

    assert [f"rule: {CLOSE}", f"rule: {WARM}"] * 2 == re.findall("rule: .*", text)
    project.run().stdout.fnmatch_lines(["2 checked: 2 unchanged"])


def test_the_commands_say_the_temperature(project: Project, command: Command) -> None:
    """`show` prints the rule, and `diff` says that only the rule differs."""
    project.record()
    (project.path / "baselines" / "toy.yaml").rename(project.path / "old.yaml")
    (project.path / "baselines" / "toy").rename(project.path / "toy")
    project.ini(INI)
    project.record()
    assert WARM in command("show", "toy")[1]
    code, text = command("diff", "old.yaml", "baselines/toy.yaml")

    assert 1 == code
    assert [f"{STORED}  {WARM}"] * 2 == re.findall(r"rule +(.*\S)", text)


def test_thresholds_are_searched_at_the_temperature_of_the_rule(project: Project, command: Command) -> None:
    """The scores are those at temperature 4: 180 samples have a confidence of 0.859; the rule says the temperature."""
    project.ini(INI)
    project.record("--failaware-report=r.json")
    for source in ("toy", "r.json"):
        code, text = command("thresholds", source, "--risk=0.4", "--by=confidence")
        lines = text.splitlines()

        assert 0 == code
        assert "confidence and entropy at temperature 4.0, that of the rule" == lines[1]
        chosen = FailureRule.parse(lines[-1].removeprefix('rule = "').removesuffix('"'))
        assert (4.0, None) == (chosen.temperature, chosen.entropy)
        assert 0.859 == pytest.approx(chosen.confidence, abs=0.0005)
    written = command("thresholds", "toy", "--risk=0.4", "--by=confidence", "--write=tox.ini")[1]
    assert f"rule changed: {WARM} -> {chosen}" in written
    project.run("--failaware-report=r.json")
    assert COUNTS == flagged(project)


def test_load_rule_flags_as_the_gate_did(project: Project) -> None:
    """The rule that is read from a baseline flags logits as the gate flagged them."""
    project.ini(INI)
    project.record("--failaware-report=r.json")
    bright, dim, dark = np.eye(3)[0] * 10, np.eye(3)[0] * 0.78, np.eye(3)[0] * 4

    assert [False, True, True] == load_rule(project.baseline).flag_logits(np.stack([bright, dim, dark])).tolist()
