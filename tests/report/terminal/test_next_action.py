"""The command at the end of the summary works on the machine of the run."""

from __future__ import annotations

import dataclasses

import pytest
from judged import result

from pytest_failaware.config.command import accept_command
from pytest_failaware.core.estimates import Estimate
from pytest_failaware.core.result import ItemResult, Verdict
from pytest_failaware.core.summary import RunReport
from pytest_failaware.report.terminal.display import Display
from pytest_failaware.report.terminal.next_action import next_action
from pytest_failaware.report.terminal.summary import summary_lines

STORED = {name: Estimate(numerator=9, denominator=15) for name in ("accuracy", "failure_rate", "confident_accuracy")}
OTHER = {"stored": STORED, "differences": ("seed: baseline 0, now 1",)}
ACCEPT = "  python -m pytest_failaware accept report.json"
UPDATE = "  pytest -q --failaware-update-baselines"


def said(one: ItemResult, *, in_ci: bool = False, file: str = "report.json", folder: str = "") -> list[str]:
    """Return the last lines of a run of one item, which wrote the report `file` if it is given."""
    accept = accept_command(file, [one], folder) if file else ""
    report = RunReport(results=(one,), command="pytest -q", accept=accept, in_ci=in_ci)
    return [line.text for line in next_action(report.results, report)]


@pytest.mark.parametrize(
    ("verdict", "more", "on_a_laptop", "in_ci"),
    [
        (Verdict.MISSING, {}, "  pytest -q --failaware-update-new", ACCEPT),
        (Verdict.REGRESSED, {}, f'{UPDATE} --failaware-reason="…"', f'{ACCEPT} --reason="…"'),
        (Verdict.NOT_SHOWN, {}, UPDATE, f'{ACCEPT} --reason="…"'),
        (
            Verdict.DRIFTED,
            {"drifts": True},
            f'{UPDATE} --failaware-reset-golden --failaware-reason="…"',
            f'{ACCEPT} --reset-golden --reason="…"',
        ),
        (
            Verdict.REGRESSED,
            {"drifts": True},
            f'{UPDATE} --failaware-reset-golden --failaware-reason="…"',
            f'{ACCEPT} --reset-golden --reason="…"',
        ),
        (Verdict.INCOMPARABLE, OTHER, f'{UPDATE} --failaware-reason="…"', f'{ACCEPT} --reason="…"'),
        (
            Verdict.INCOMPARABLE,
            {**OTHER, "ends_golden": True},
            f'{UPDATE} --failaware-reset-golden --failaware-reason="…"',
            f'{ACCEPT} --reset-golden --reason="…"',
        ),
    ],
)
def test_the_command_of_each_verdict(verdict: Verdict, more: dict[str, object], on_a_laptop: str, in_ci: str) -> None:
    """The command is an update on a laptop, and on a CI server the acceptance of the report."""
    one = result("blur", verdict, **more)

    assert [on_a_laptop] == [line for line in said(one) if line.startswith("  ")]
    assert [in_ci] == [line for line in said(one, in_ci=True) if line.startswith("  ")]
    assert [] == [line for line in said(one, in_ci=True) if "--failaware-" in line]


@pytest.mark.parametrize("verdict", [Verdict.PASSED, Verdict.UNCHANGED, Verdict.INCONCLUSIVE, Verdict.RECORDED])
@pytest.mark.parametrize("in_ci", [False, True])
def test_nothing_to_do(verdict: Verdict, in_ci: bool) -> None:
    """A pass that keeps its baseline needs no command."""
    assert [] == said(result("blur", verdict), in_ci=in_ci)


def test_a_run_against_a_second_model_has_no_command() -> None:
    """A run against a second model has no command, because it has no baseline to update."""
    assert [] == said(result("blur", Verdict.REGRESSED, is_against=True), in_ci=True)


def test_absent_sample_files_are_restored_first() -> None:
    """Absent sample files are restored first, because an update would lose the reference."""
    lines = said(result("blur", Verdict.INCOMPARABLE, lacks_files=True), in_ci=True)

    assert ["Restore the absent sample files first, then run again."] == lines


@pytest.mark.parametrize("verdict", [Verdict.MISSING, Verdict.REGRESSED])
def test_a_ci_run_without_a_report_says_how_to_get_one(verdict: Verdict) -> None:
    """A CI run without a report says how to get one."""
    lines = said(result("blur", verdict), in_ci=True, file="")

    assert (
        "add --failaware-report=report.json to the command of the job, download the report and its records" in lines[1]
    )
    assert f'{ACCEPT} --reason="…"' in lines


def test_the_folder_of_the_report_and_of_the_baselines_is_in_the_command() -> None:
    """The command has the folders of the report and of the baselines, with blanks quoted."""
    lines = said(result("blur", Verdict.MISSING), in_ci=True, file="out dir/r.json", folder="svc/baselines")

    assert "  python -m pytest_failaware accept 'out dir/r.json' --baseline-dir=svc/baselines" == lines[-1]


@pytest.mark.parametrize(("in_ci", "commands"), [(False, [UPDATE]), (True, [])])
def test_a_gain_that_is_not_stored_is_not_kept(in_ci: bool, commands: list[str]) -> None:
    """An improved run says how to store the gain."""
    lines = said(result("blur", Verdict.IMPROVED), in_ci=in_ci)

    assert lines[0].startswith("Later runs are compared with the old, worse values. To keep the gain, store the new")
    assert commands == lines[1:]


def test_a_complaint_without_a_failed_gate_says_that_the_run_fails() -> None:
    """A complaint without a failed gate says that the run fails, because pytest's last line is green."""
    report = RunReport(results=(result("clean", Verdict.PASSED),), complaints=("strict: used by no test: toy: blur",))
    lines = [line[:2] for line in summary_lines(report, display=Display())]

    assert ("the run fails for this, though no gate failed", "red") == lines[-1]


def test_a_complaint_beside_a_failed_gate_needs_no_word() -> None:
    """A complaint beside a failed gate adds nothing, because the failed test is red."""
    report = RunReport(results=(result("clean", Verdict.REGRESSED),), complaints=("strict: x",))

    assert "the run fails" not in "\n".join(line.text for line in summary_lines(report, display=Display()))


def test_inconclusive_is_explained() -> None:
    """The verdict inconclusive is explained once, also if the test failed by another metric."""
    doubtful = dataclasses.replace(result("clean", Verdict.PASSED).comparisons[0], verdict=Verdict.INCONCLUSIVE)
    for verdict in (Verdict.INCONCLUSIVE, Verdict.REGRESSED):
        both = tuple(result(key, verdict, comparisons=(doubtful,)) for key in ("clean", "blur"))
        text = "\n".join(line.text for line in summary_lines(RunReport(results=both), display=Display()))

        assert 1 == text.count("beyond the tolerance and may be chance, since p is not below what")
