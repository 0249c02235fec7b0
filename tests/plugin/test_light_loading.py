"""A run without a marked test loads the names of the options; their values are read at the first marked test."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

INI = "[pytest]\n{}\n"
TRIVIAL = "def test_trivial(): pass\n"
MARKED = """
import pytest

@pytest.mark.reliability
def test_marked(): pass
"""
WRONG = "failaware_alpha = much"
MESSAGE = "*failaware_alpha: must be*'much'*"
HEAVY = ("torch", "torchvision", "numpy", "pandas", "scipy", "yaml", "jinja2", "fractions")

_COUNT = (
    "import sys, pytest; rc = pytest.main(['--co', '-q', '-p', 'pytest_failaware.plugin']);"
    f"print('HEAVY', sorted(set({HEAVY!r}) & set(sys.modules)));"
    "print('OURS', int(rc), *sorted(name for name in sys.modules if name.partition('.')[0] == 'pytest_failaware'))"
)


def loaded(folder: Path) -> tuple[str, list[str]]:
    """Return the exit code of a collection and our modules that it imported; no large library may be imported."""
    alone = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}  # other plugins may import what they like
    done = subprocess.run(
        [sys.executable, "-c", _COUNT], cwd=folder, env=alone, capture_output=True, text=True, check=True
    )
    assert "HEAVY []" in done.stdout
    _, code, *names = done.stdout.splitlines()[-1].split()
    return code, names


def test_at_most_ten_modules(tmp_path: Path) -> None:
    """A run without marked tests imports at most ten of our modules."""
    (tmp_path / "test_trivial.py").write_text(TRIVIAL, encoding="utf-8")
    code, names = loaded(tmp_path)

    assert "0" == code
    assert len(names) <= 10, names
    assert "pytest_failaware.plugin.hooks" in names


def test_keys_in_the_ini_read_no_value(tmp_path: Path) -> None:
    """A run without a marked test does not read the values of ini keys."""
    (tmp_path / "test_trivial.py").write_text(TRIVIAL, encoding="utf-8")
    (tmp_path / "pytest.ini").write_text(INI.format(WRONG), encoding="utf-8")
    code, names = loaded(tmp_path)

    assert "0" == code
    assert not {"pytest_failaware.plugin.startup", "pytest_failaware.config.resolve"} & set(names)


@pytest.mark.parametrize("arguments", [[], ["--co"], ["-n", "2"]], ids=["alone", "collection", "workers"])
def test_a_wrong_value_with_a_marked_test(pytester: pytest.Pytester, arguments: list[str]) -> None:
    """A wrong ini value with a marked test is a usage error after the collection, and no test runs."""
    if "-n" in arguments:
        pytest.importorskip("xdist")
    pytester.makeini(INI.format(WRONG))
    pytester.makepyfile(test_other=TRIVIAL, test_marked=MARKED)
    result = pytester.runpytest_inprocess("-p", "no:randomly", *arguments)

    assert pytest.ExitCode.USAGE_ERROR == result.ret
    result.stderr.fnmatch_lines([MESSAGE])
    result.assert_outcomes()


def test_a_wrong_value_without_a_marked_test(pytester: pytest.Pytester) -> None:
    """Without a marked test a wrong ini value is ignored, but a wrong typed option is a usage error."""
    pytester.makeini(INI.format(WRONG))
    pytester.makepyfile(TRIVIAL)
    pytester.runpytest_inprocess().assert_outcomes(passed=1)
    typed = pytester.runpytest_inprocess("--failaware-batch-size=none")

    assert pytest.ExitCode.USAGE_ERROR == typed.ret


@pytest.mark.parametrize("source", [TRIVIAL, MARKED], ids=["unmarked", "marked"])
@pytest.mark.parametrize("arguments", [[], ["-n", "2"]], ids=["alone", "workers"])
def test_an_unknown_key(pytester: pytest.Pytester, source: str, arguments: list[str]) -> None:
    """An unknown ini key is refused at the start of every run, and the nearest known key is suggested."""
    if arguments:
        pytest.importorskip("xdist")
    pytester.makeini(INI.format("failaware_alhpa = 0.01"))
    pytester.makepyfile(source)
    result = pytester.runpytest_inprocess(*arguments)

    assert pytest.ExitCode.USAGE_ERROR == result.ret
    result.stderr.fnmatch_lines(["*unknown key 'failaware_alhpa'; did you mean 'failaware_alpha'?*"])


def test_a_strict_ini_without_a_marked_test(pytester: pytest.Pytester) -> None:
    """A strict run without a marked test fails, since it compared nothing."""
    pytester.makeini(INI.format("failaware_strict = true"))
    pytester.makepyfile(TRIVIAL)
    result = pytester.runpytest_inprocess()

    assert pytest.ExitCode.TESTS_FAILED == result.ret
    result.stdout.fnmatch_lines(["*strict: no reliability result at all, so nothing was compared*"])


@pytest.mark.parametrize("arguments", [[], ["-n", "1"]], ids=["alone", "workers"])
def test_the_model_of_the_ini_is_shown(pytester: pytest.Pytester, arguments: list[str]) -> None:
    """The line with the model is printed once, although the session opens during the collection."""
    if arguments:
        pytest.importorskip("xdist")
    pytester.makeini(INI.format("failaware_model = absent.pth"))
    pytester.makepyfile(MARKED)
    result = pytester.runpytest_inprocess("-k", "blur", *arguments)

    assert 1 == sum(line.startswith("failaware: model ") for line in result.outlines)


def test_no_option_and_no_key_under_xdist(pytester: pytest.Pytester) -> None:
    """Without any option or key, a run under xdist counts the marked items that were skipped."""
    pytest.importorskip("xdist")
    pytester.makepyfile(MARKED)
    result = pytester.runpytest_inprocess("-n", "1")

    result.assert_outcomes(skipped=4)
    result.stdout.fnmatch_lines(["no model given, so 4 items skipped; *"])


def test_a_module_that_fails_before_the_first_marked_test(pytester: pytest.Pytester) -> None:
    """An error of the collection before the first marked test is counted, and the marked test is collected."""
    pytester.makeini(INI.format("failaware_conditions = clean"))
    pytester.makepyfile(test_a="import nothing_of_this_name", test_b=MARKED)
    result = pytester.runpytest_inprocess("--continue-on-collection-errors")

    result.assert_outcomes(errors=1, skipped=1)


def test_a_fixture_of_ours_in_an_unmarked_test(pytester: pytest.Pytester) -> None:
    """A fixture of ours in an unmarked test makes a wrong ini value a usage error, too."""
    pytester.makeini(INI.format(WRONG))
    pytester.makepyfile("def test_fixture(failaware_device): pass")
    result = pytester.runpytest_inprocess()

    assert pytest.ExitCode.USAGE_ERROR == result.ret
    result.stderr.fnmatch_lines([MESSAGE])


# ---- hooks of a sub-folder -----------------------------------------------------------------------------------------

METRIC = """
from pytest_failaware import RateMetric

def pytest_failaware_metrics():
    return [RateMetric(name="recall", masks=print, higher_is_better=True)]
"""
CONDITION = """
from pytest_failaware import Degradation

def pytest_failaware_conditions():
    return [Degradation(name="dust", function=print)]
"""


@pytest.mark.parametrize(
    "arguments", [[], ["--failaware-batch-size=4"], ["-n", "2"]], ids=["alone", "typed", "workers"]
)
@pytest.mark.parametrize(
    ("hook", "gate", "message"),
    [
        (METRIC, "metrics=['recall']", "*unknown metric 'recall'*"),
        (CONDITION, "conditions=['dust']", "*unknown condition 'dust'*"),
    ],
    ids=["metric", "condition"],
)
def test_names_of_another_folder(
    pytester: pytest.Pytester, arguments: list[str], hook: str, gate: str, message: str
) -> None:
    """A name that the conftest file of a sub-folder adds is unknown in every test; at the root it is known."""
    if "-n" in arguments:
        pytest.importorskip("xdist")
    for folder, source in (("a", TRIVIAL), ("b", MARKED.replace("reliability", f"reliability({gate})"))):
        pytester.mkdir(folder).joinpath(f"test_{folder}.py").write_text(source, encoding="utf-8")
    pytester.path.joinpath("a", "conftest.py").write_text(hook, encoding="utf-8")
    late = pytester.runpytest_inprocess("-p", "no:randomly", *arguments)
    pytester.path.joinpath("a", "conftest.py").rename(pytester.path / "conftest.py")
    early = pytester.runpytest_inprocess("-p", "no:randomly", *arguments)

    assert late.ret in (pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.INTERRUPTED)
    late.stdout.fnmatch_lines([message])
    assert 0 == early.ret


# ---- reports -------------------------------------------------------------------------------------------------------

REPORT = '{\n "schema": 3, "passed": true}'
FILES = "failaware_report = r.json"


@pytest.mark.parametrize(
    ("source", "keys", "code"),
    [
        ("def test_broken(:", "", pytest.ExitCode.INTERRUPTED),
        (MARKED, WRONG, pytest.ExitCode.USAGE_ERROR),
        (MARKED, "failaware_alhpa = 0.01", pytest.ExitCode.USAGE_ERROR),
        (MARKED, "failaware_strict = perhaps", pytest.ExitCode.USAGE_ERROR),
        (TRIVIAL, "", pytest.ExitCode.OK),
    ],
    ids=["syntax", "value", "key", "strict", "unmarked"],
)
@pytest.mark.parametrize("arguments", [[], ["-n", "1"]], ids=["alone", "workers"])
def test_a_run_that_ends_early_leaves_no_report(
    pytester: pytest.Pytester, source: str, keys: str, code: pytest.ExitCode, arguments: list[str]
) -> None:
    """A run that ends early removes the old reports that the ini file names, and no other file."""
    if arguments:
        pytest.importorskip("xdist")
        code = pytest.ExitCode.TESTS_FAILED if code == pytest.ExitCode.INTERRUPTED else code  # as xdist ends
    pytester.makeini(INI.format(f"{FILES}\n    notes.md\n{keys}"))
    pytester.makepyfile(source)
    report, notes = pytester.path / "r.json", pytester.path / "notes.md"
    report.write_text(REPORT, encoding="utf-8")
    notes.write_text("written by hand", encoding="utf-8")

    assert code == pytester.runpytest_inprocess(*arguments).ret
    assert not report.exists()
    assert notes.exists()


@pytest.mark.parametrize("option", ["--collect-only", "--help", "--version", "--markers", "--fixtures"])
@pytest.mark.parametrize("is_typed", [True, False], ids=["typed", "ini"])
def test_a_run_without_tests_leaves_the_reports(pytester: pytest.Pytester, option: str, is_typed: bool) -> None:
    """A call of pytest that runs no test removes and writes no report, in a strict run too."""
    pytester.makeini(INI.format("" if is_typed else f"{FILES}\n    new.md"))
    pytester.makepyfile(MARKED)
    (pytester.path / "r.json").write_text(REPORT, encoding="utf-8")
    typed = ["--failaware-report=r.json", "--failaware-report=new.md"] if is_typed else []
    pytester.runpytest_inprocess(option, *typed)
    pytester.runpytest_inprocess(option, "--failaware-strict", *typed)

    assert REPORT == (pytester.path / "r.json").read_text(encoding="utf-8")
    assert not (pytester.path / "new.md").exists()


def test_a_collection_writes_no_job_summary(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run with --collect-only writes no page for a GitHub job."""
    summary = pytester.path / "summary.md"
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    pytester.makepyfile(MARKED)
    pytester.runpytest_inprocess("--collect-only")

    assert not summary.exists()


def test_several_reports_on_a_line(pytester: pytest.Pytester) -> None:
    """Each report of a line with several names is written, even if all items are skipped."""
    pytester.makeini(INI.format("failaware_report = r.json, r.md 'my report.csv'"))
    pytester.makepyfile(MARKED)
    pytester.runpytest_inprocess().assert_outcomes(skipped=4)

    files = {path.name for path in pytester.path.iterdir() if path.suffix in (".json", ".md", ".csv")}
    assert {"r.json", "r.md", "my report.csv"} == files


def test_a_check_leaves_the_reports_of_the_ini(pytester: pytest.Pytester) -> None:
    """A check does not remove the reports that the ini file names."""
    pytester.makeini(INI.format(FILES))
    pytester.makepyfile(MARKED)
    (pytester.path / "r.json").write_text(REPORT, encoding="utf-8")
    pytester.runpytest_inprocess("--failaware-check")

    assert (pytester.path / "r.json").exists()
