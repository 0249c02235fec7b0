"""The header and the end of a run: the gate, each fault once, and a command that can be copied."""

from __future__ import annotations

import pytest
from project import Project

CI = ("CI", "true")


@pytest.fixture
def in_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set the environment of a CI server."""
    monkeypatch.setenv(*CI)


def test_the_header_has_the_gate_at_v(project: Project) -> None:
    """The header at -v shows each value that decides a verdict and the place that it comes from."""
    project.ini("failaware_policy = any_drop", "failaware_maximum = silent_failure_rate=0.9")

    project.run("-v").stdout.fnmatch_lines(
        [
            "  a marker without arguments means",
            "    conditions = clean low_light (tox.ini)",
            "    rule = confidence < 0.6 or entropy > 1.0 (default)",
            "    metrics = accuracy confident_accuracy_at_coverage confident_accuracy confident_correct_rate (default)",
            "    tolerance = accuracy=0.005 * (default)",
            "    maximum = silent_failure_rate=0.9 (tox.ini)",
            "    policy = any_drop (tox.ini)",
            "    alpha = 0.01 (default)",
        ]
    )


def test_the_first_run_in_ci_names_accept(project: Project, in_ci: None) -> None:
    """A first run on a CI server names `accept` and the report to download, since it refuses updates."""
    first = project.run("--failaware-strict", "--failaware-report=report.json")

    first.stdout.fnmatch_lines(
        [
            "Record the expected values and commit the baseline:",
            "This is a CI server*: download the report and its records from the job*",
            "  python -m pytest_failaware accept report.json",
        ]
    )
    assert "--failaware-update" not in first.stdout.str()
    project.run().stdout.fnmatch_lines(["*add --failaware-report=report.json to the command of the job, download*"])


def test_where_updates_are_allowed_in_ci_the_update_is_named(project: Project, in_ci: None) -> None:
    """With failaware_update_in_ci a run on a CI server names the update."""
    project.ini("failaware_update_in_ci = true")

    project.run().stdout.fnmatch_lines(["  pytest --failaware-model=good.pth --failaware-update-new"])


def test_one_fault_of_two_conditions_is_said_once(project: Project) -> None:
    """A fault of two conditions is explained in the first item, and the second item refers to it."""
    text = project.run().stdout.str()

    assert 1 == text.count("record it by the command at the end of the log, and commit what it writes")
    assert "test_toy[low_light]: no entry 'low_light' in baseline 'toy', so nothing was compared" in text
    assert "\n  as above, in test_toy[clean]" in text


def test_a_new_architecture_is_told_of_the_old_baseline(project: Project) -> None:
    """A run whose baseline is named after a new architecture names the old baselines and the option to compare."""
    project.record()
    (project.path / "tox.ini").write_text(
        (project.path / "tox.ini").read_text().replace("failaware_baseline = toy", "")
    )
    found = project.run().stdout

    found.fnmatch_lines(
        [
            "rule *; baseline network (named after the model; failaware_baseline gives another name) in baselines",
            "note: the name 'network' is that of the architecture, or of the function that makes the model",
            "note: baselines in baselines: toy",
            "note: to compare with it: --failaware-baseline=toy",
        ]
    )
    project.run("--failaware-baseline=toy").assert_outcomes(passed=2)


def test_the_precision_stands_beside_the_device(project: Project) -> None:
    """The summary has the precision beside the device."""
    project.run("--failaware-precision=bfloat16").stdout.fnmatch_lines(
        ["model good.pth (network *) on cpu in bfloat16"]
    )


def test_many_marked_tests_say_what_their_alphas_add_up_to(project: Project) -> None:
    """A run of five marked tests says how often one of them can be red by chance."""
    project.test("import pytest\n" + "".join(
        f"@pytest.mark.reliability(baseline='t{n}')\ndef test_{n}(): pass\n" for n in range(5)
    ))  # fmt: skip

    project.run().stdout.fnmatch_lines(["5 marked tests: up to 5 % of runs without a loss are red by chance;*"])
