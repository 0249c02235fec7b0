"""The examples, run as a user runs them, and what the pages show of them."""

from __future__ import annotations

import contextlib
import re
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest
import sklearn.datasets  # noqa: F401 - a pytest run inside a test forgets the modules it imported
from pages import blocks
from project import Project

from pytest_failaware.cli.main import main
from pytest_failaware.config.options import OPTIONS

ROOT = Path(__file__).resolve().parents[2]
DIGITS = ROOT / "examples" / "digits"
README, OPTIONS_PAGE, RECIPES = (
    (ROOT / page).read_text(encoding="utf-8") for page in ("README.md", "docs/options.md", "docs/howto.md")
)
MARKED = [
    block.text for page in (README, OPTIONS_PAGE) for block in blocks(page, "python") if "test_resnet18" in block.text
]


def run_digits(pytester: pytest.Pytester, checkpoint: str, *args: str) -> pytest.RunResult:
    """Run the README's gate on a checkpoint of the digits example."""
    return pytester.runpytest_inprocess(
        "-p", "no:randomly", "-p", "no:cacheprovider", str(DIGITS), f"--failaware-model={DIGITS / checkpoint}", *args
    )


def test_the_digits_checkpoint_passes_its_gate(pytester: pytest.Pytester) -> None:
    """The good checkpoint of the digits passes all four conditions and their mean against the stored baselines."""
    result = run_digits(pytester, "digits.pth")

    result.assert_outcomes(passed=5)
    assert pytest.ExitCode.OK == result.ret


def test_a_retrain_of_the_recipe_passes(pytester: pytest.Pytester) -> None:
    """Another seed of the recipe passes the gate against the five stored seeds."""
    result = run_digits(pytester, "digits_retrained.pth")

    result.assert_outcomes(passed=5)


def test_the_worse_checkpoint_fails_where_it_is_worse(pytester: pytest.Pytester) -> None:
    """The worse checkpoint ends with exit code 1 and a row for the regression, and with the command to accept it."""
    result = run_digits(pytester, "digits_worse.pth")

    assert pytest.ExitCode.TESTS_FAILED == result.ret
    result.stdout.fnmatch_lines(
        [
            "*worse than this recipe usually is: 89.7*%, its 5 seeds 9*%*",
            "test_digits[[]low_light]*accuracy *%*%*pt*pt  REGRESSED",
            "If this change is intended*",
            "  pytest *digits_worse.pth --failaware-update-baselines* --failaware-reason=*",
        ]
    )


def test_records_of_a_real_network_do_not_depend_on_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Batches of 1, 7 and 64 give identical predictions, flags and counts, and scores that differ below 1e-4."""
    from pytest_failaware import evaluate

    monkeypatch.syspath_prepend(str(DIGITS))
    import digits

    whole = digits.test_set()
    subset = digits.Digits(whole.images[:30], whole.labels[:30])
    outcomes = [
        evaluate(
            model=str(DIGITS / "digits.pth"),
            arch="digits:network",
            dataset=subset,
            preprocess="resize=32",
            batch_size=batch_size,
        )
        for batch_size in (64, 7, 1)
    ]
    for other in outcomes[1:]:
        for key, reference in outcomes[0].items():
            assert reference.stats == other[key].stats
            assert np.array_equal(reference.records.prediction, other[key].records.prediction)
            assert np.array_equal(reference.flagged, other[key].flagged)
            assert reference.records.confidence == pytest.approx(other[key].records.confidence, abs=1e-4)


@pytest.mark.parametrize("block", MARKED, ids=["readme", "options"])
def test_marked_tests_of_the_pages_are_collected(project: Project, block: str) -> None:
    """Each marked test that a page shows can be collected."""
    project.test(block)
    result = project.run("--collect-only", "-q", model=None)

    assert pytest.ExitCode.OK == result.ret
    result.stdout.fnmatch_lines(["test_toy.py::test_resnet18[[]clean]"])


def test_the_thresholds_of_the_recipe_are_chosen(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The command `thresholds` prints every line that the recipe shows of it."""
    monkeypatch.chdir(ROOT)
    (shown,) = re.findall(r"```console\n\$ python -m pytest_failaware (thresholds .*?)```", RECIPES, re.DOTALL)
    command, *lines = shown.splitlines()

    assert 0 == main(command.split())
    printed = capsys.readouterr().out.splitlines()
    assert 5 <= len(lines)
    assert [] == [line for line in lines if line not in (*printed, " …")]


def test_the_cifar10_example_is_a_gate(pytester: pytest.Pytester) -> None:
    """The CIFAR-10 example collects the four default conditions and skips them without a model."""
    result = pytester.runpytest_inprocess("-p", "no:cacheprovider", str(ROOT / "examples" / "cifar10_resnet18"))

    result.assert_outcomes(skipped=4)


def test_the_benchmark_of_speed_runs(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """The benchmark of speed runs on sixteen images and prints its first line."""
    monkeypatch.setattr(sys, "argv", ["image_by_image.py", "--images=16", "--repeats=1"])
    monkeypatch.setattr(sys, "path", list(sys.path))
    with contextlib.suppress(SystemExit):
        runpy.run_path(str(ROOT / "benchmarks" / "image_by_image.py"), run_name="__main__")

    assert "16 images, network on cpu" in capsys.readouterr().out


def test_the_benchmark_of_false_alarms_runs() -> None:
    """Gates on equal models fail in at most 1 % of 200 draws (plus 3 standard errors), and a real drop is found."""
    script = runpy.run_path(str(ROOT / "benchmarks" / "false_alarms.py"))
    beyond, any_drop, _ = script["GATES"].values()
    for gate in (beyond, any_drop):
        found, _ = script["share"](200, 1, script["any_alarm"](gate, 500))
        assert found <= 0.01 + 3 * (0.01 * 0.99 / 200) ** 0.5
    assert script["share"](50, 1, script["found_drop"](beyond, 2000, 0.06))[0] > 0.9


def test_each_option_has_a_row() -> None:
    """Each option has one row in the table, under the name that is typed or, without one, under its ini key."""
    rows = re.findall(r"^\| (?: ?\| )?`(--failaware-[a-z-]+|failaware_[a-z_]+)", OPTIONS_PAGE, re.MULTILINE)

    assert sorted(option.typed or option.ini for option in OPTIONS) == sorted(rows)


def test_the_readme_points_to_every_page_and_section() -> None:
    """The README links to every page of docs/, and each link to a section leads to a heading."""
    headings = {
        re.sub(r"[^a-z0-9 -]", "", line.lower()).replace(" ", "-") for line in re.findall(r"^##+ (.*)", README, re.M)
    }

    assert {path.name for path in (ROOT / "docs").glob("*.md")} <= set(re.findall(r"\(docs/([a-z_]+\.md)\)", README))
    assert set(re.findall(r"\]\(#([^)]+)\)", README)) <= headings
