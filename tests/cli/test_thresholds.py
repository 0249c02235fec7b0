"""`python -m pytest_failaware thresholds`: the risk at each coverage, the chosen rule, and where it goes."""

from __future__ import annotations

from project import Command, Project

from pytest_failaware import load_rule
from pytest_failaware.core.rule import FailureRule

WITH_RULE = "failaware_rule = confidence < 0.9999092"


def test_the_chosen_rule(project: Project, command: Command) -> None:
    """The 180 bright images, 60 of them wrong, keep a risk of 40 %, and all 300, 120 of them wrong, do not."""
    project.record()
    code, text = command("thresholds", "toy", "--risk=0.4", "--by=confidence")
    lines = [line.split() for line in text.splitlines()]

    assert 0 == code
    assert "toy, clean: 300 images, 60.00% right" == text.splitlines()[0]
    assert ["100.0%", "120", "40.00%", "44.88%", "confidence", "<", "0.5227"] == lines[3]
    assert ["60.0%", "60", "33.33%", "39.57%", "confidence", "<", "0.9999092", "<-", "chosen"] == lines[4]
    assert "with 95 % confidence at most 40 % of the trusted answers are wrong, on images like these (clean)" in text
    assert ["low_light", "0.0%", "0", "undefined"] == lines[-2]
    assert 'rule = "confidence < 0.9999092"' == text.splitlines()[-1]


def test_no_threshold_reaches_the_risk(project: Project, command: Command) -> None:
    """If no threshold keeps the risk, the command says why, writes nothing and ends with exit code 1."""
    project.record()
    before = (project.path / "tox.ini").read_bytes()
    code, text = command("thresholds", "toy", "--risk=0.2", "--write=tox.ini")
    assert 1 == code
    assert (
        "no threshold guarantees a risk of 20 %: the tests begin where 60.0% are trusted, with a bound of 39.57%; the "
        "lowest bound is 39.57%, at 60.0%" in text
    )
    assert "rule =" not in text
    assert before == (project.path / "tox.ini").read_bytes()

    code, text = command("thresholds", "toy", "--risk=0.001")
    assert 1 == code
    assert "too few images for a risk of 0.1 %: 2,995 must be trusted, all of them right" in text


def test_written_into_the_ini_it_gates(project: Project, command: Command) -> None:
    """`--write` adds the rule to the ini file, and the next update stores it in the baseline."""
    project.record()
    before = (project.path / "tox.ini").read_text(encoding="utf-8")
    code, text = command("thresholds", "toy", "--risk=0.4", "--by=confidence", "--write=tox.ini")
    after = (project.path / "tox.ini").read_text(encoding="utf-8")

    assert (
        0,
        [
            "tox.ini: failaware_rule written; look at the diff",
            "the next run judges it like any change (rule changed: confidence < 0.6 or entropy > 1.0 -> "
            "confidence < 0.9999092); to accept it:",
            "  pytest -m reliability --failaware-model=FILE --failaware-update-baselines "
            '--failaware-reason="at most 40 % of the trusted answers wrong"',
        ],
    ) == (code, text.splitlines()[-3:])
    assert before.splitlines() == [line for line in after.splitlines() if line != WITH_RULE]
    assert 1 == after.splitlines().count(WITH_RULE)
    project.record("-v", "--failaware-reason=fewer trusted").stdout.fnmatch_lines(
        ["*confidence < 0.9999092*", "2 checked*"]
    )
    assert FailureRule.parse("confidence < 0.9999092") == load_rule(project.baseline)


def test_mistakes(project: Project, command: Command) -> None:
    """Each mistake is one line with the remedy."""
    project.record()
    for text in ("5", "0", "1e-300", "nan", "-0.05", "five"):
        message = f"error: --risk: must be a number of at least 0.000001 and below 1, as in 0.05; got {text!r}\n"
        assert (4, message) == command("thresholds", "toy", f"--risk={text}")
    assert (4, "error: --condition: toy has no 'claen'; did you mean 'clean'? choose from clean, low_light\n") == (
        command("thresholds", "toy", "--risk=0.4", "--condition=claen")
    )
    project.sample_file("clean").unlink()
    assert (4, "error: toy: no sample file for clean; restore it from version control\n") == command(
        "thresholds", "toy", "--risk=0.4"
    )
