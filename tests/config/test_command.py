"""The command that a report shows for copying: it has only words that are known to be harmless."""

from __future__ import annotations

import pytest
from judged import result

from pytest_failaware.config.command import accept_command, shown_command
from pytest_failaware.core.result import ItemResult, Verdict


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("tests/unit -k fog -m reliability -n 2", "tests/unit -k fog -m reliability -n 2"),
        ("-kfog -n2 --numprocesses=2 -c ci.ini --rootdir=.", "-kfog -n2 --numprocesses=2 -c ci.ini --rootdir=."),
        ("--db-password=secret --token secret -p no:randomly -o log_cli=1 -v", ""),
        ("--failaware-model=m.pth --failaware-strict --failaware-limit 300 --failaware-report r.json",
         "--failaware-model=m.pth --failaware-report r.json"),
        ("--failaware-override tolerance=1 --failaware-against=old.pth --failaware-update-baselines", ""),
        ("--failaware-no-cache tests/unit --token tests", "--failaware-no-cache tests/unit"),
        ("-o failaware_store_logits=true", "-o failaware_store_logits=true"),
    ],
)  # fmt: skip
def test_options_of_other_plugins_are_not_shown(typed: str, shown: str) -> None:
    """Options of other plugins are left out with their values, because they may hold passwords."""
    assert f"pytest {shown}".strip() == shown_command(typed.split(), ["tests/unit"])


STORED = (Verdict.REGRESSED, Verdict.NOT_SHOWN, Verdict.INCOMPARABLE, Verdict.DRIFTED)


@pytest.mark.parametrize("verdict", STORED)
def test_a_report_whose_values_can_be_stored(verdict: Verdict) -> None:
    """A change can be accepted with a reason, and a loss beyond the drift budget with a new golden reference."""
    start = "python -m pytest_failaware accept r.json"
    assert f'{start} --reason="…"' == accept_command("r.json", [result("clean", verdict)])
    drifted = result("clean", verdict, drifts=True)
    assert f"{start} '--baseline-dir=a b' --reset-golden --reason=\"…\"" == accept_command("r.json", [drifted], "a b")


def test_a_report_of_new_values() -> None:
    """New values can be accepted without a reason, because they replace nothing."""
    assert "python -m pytest_failaware accept 'my r.json'" == accept_command(
        "my r.json", [result("clean", Verdict.MISSING)]
    )


@pytest.mark.parametrize(
    "other",
    [
        result("clean", Verdict.PASSED),
        result("clean", Verdict.INCONCLUSIVE),
        result("clean", Verdict.BELOW_MINIMUM),
        result("clean", Verdict.REGRESSED, is_against=True),
        result("clean", Verdict.INCOMPARABLE, lacks_files=True),
    ],
)
def test_a_report_with_nothing_to_store(other: ItemResult) -> None:
    """No command is shown for results that passed, or for failures that stored values cannot mend."""
    assert "" == accept_command("r.json", [other])
