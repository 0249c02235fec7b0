"""The acceptance matrix of docs/acceptance.md, one test per row, without workers and with two of them."""

from __future__ import annotations

import fnmatch
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from project import MARKED, Project
from stored import columns_file, samples_file

pytest.importorskip("xdist")

TWO = MARKED.replace("reliability", "reliability(conditions=['clean', 'low_light'])")
UPDATE = "--failaware-update-baselines"
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(params=["alone", "two workers"])
def run_both_ways(request: pytest.FixtureRequest, project: Project) -> Project:
    """The project, run in one process or by two workers of xdist."""
    project.always = ("-p", "no:xdist") if request.param == "alone" else ("-n", "2")
    return project


def record_quickly(project: Project) -> dict[str, tuple[bytes, int]]:
    """Store the values of the good model without workers; return every file with its bytes and time of change."""
    always, project.always = project.always, ("-p", "no:xdist")
    project.record()
    project.always = always
    return project.files()


def test_fifty_conditions_are_fifty_entries(run_both_ways: Project) -> None:
    """An update of one test with fifty conditions stores all fifty entries."""
    keys = [f"blur(radius={number / 10:g})" for number in range(1, 51) if number != 20]
    run_both_ways.test(MARKED.replace("reliability", f"reliability(conditions={['clean', *keys]})"))
    result = run_both_ways.record()

    result.assert_outcomes(passed=50)
    assert {"clean", *keys} == set(run_both_ways.stored())
    assert 51 == len(list((run_both_ways.path / "baselines" / "toy").iterdir()))


@pytest.mark.parametrize("selection", [("-k", "clean"), ("test_toy.py::test_toy[clean]",), ("--lf",)])
def test_a_selective_update_leaves_other_entries(project: Project, selection: tuple[str, ...]) -> None:
    """An update with -k, a test id or --lf writes what ran and leaves every other entry and its file unchanged."""
    project.test(TWO)
    before = record_quickly(project)
    project.test(TWO.replace("(): pass", "(): assert 'low' in __import__('os').environ['PYTEST_CURRENT_TEST']"))
    project.run()  # clean fails, for --lf
    project.test(TWO)
    result = project.record(*selection, model="worse.pth")

    assert 1 == result.parseoutcomes()["passed"]
    after = project.files()
    kept, new = (f"toy/{project.sample_file(key).name}" for key in ("low_light", "clean"))
    assert before[kept] == after[kept]
    assert new not in before
    old, new = (yaml.safe_load(files["toy.yaml"][0])["conditions"] for files in (before, after))
    assert (old["low_light"], {"clean", "low_light"}) == (new["low_light"], set(new))
    assert old["clean"] != new["clean"]


ENDINGS = {
    "-x": ("raise ValueError", ("-x",), "the run was cut short (stopping after 1 failures)"),
    "Ctrl-C": ("raise KeyboardInterrupt", (), "the run was interrupted"),
    "a lost worker": ("__import__('os')._exit(1)", (), "an xdist worker was lost"),
}


@pytest.mark.parametrize(
    ("ending", "workers"),
    [("-x", "0"), ("-x", "2"), ("Ctrl-C", "0"), ("a lost worker", "1"), ("a lost worker", "2")],
)
def test_a_run_that_did_not_end_writes_nothing(project: Project, ending: str, workers: str) -> None:
    """A run that stops early changes no file, its summary says why, and it reports the tests that ended."""
    body, args, words = ENDINGS[ending]
    project.test(TWO)
    before = record_quickly(project)
    project.test(f"{TWO}\ndef test_end():\n    {body}\n")
    # With loadfile one worker runs the tests of a file in order, so both gates have ended when the last test starts.
    result = project.record("-n", workers, "--dist=loadfile", *args, model="worse.pth")

    assert before == project.files()
    assert words in project.line_with(result, "baselines NOT written", "results were ready")
    assert result.ret != pytest.ExitCode.OK
    assert project.line_with(result, " checked: ", " not written")


def test_an_item_that_fails_in_body_or_teardown_keeps_its_entry(run_both_ways: Project) -> None:
    """An update does not write the entry of a failed item, names that item, and writes the entries of the others."""
    run_both_ways.test(
        """
import pytest

@pytest.fixture
def broken():
    yield
    raise ValueError("late")

@pytest.mark.reliability(conditions=["clean"])
def test_teardown(broken): pass

@pytest.mark.reliability(conditions=["low_light"])
def test_body(): raise ValueError("in the body")

@pytest.mark.reliability(conditions=["blur"])
def test_fine(): pass
"""
    )
    result = run_both_ways.record()

    result.assert_outcomes(passed=2, failed=1, errors=1)
    assert ["blur"] == list(run_both_ways.stored())
    result.stdout.fnmatch_lines(["not written: test_toy.py::test_teardown[[]clean] failed in its teardown"])


def test_a_second_update_changes_no_byte(run_both_ways: Project) -> None:
    """An update with unchanged values leaves every file with its bytes and its time of change."""
    run_both_ways.test(TWO)
    before = record_quickly(run_both_ways)
    result = run_both_ways.record()

    result.stdout.fnmatch_lines(["2 checked: 2 unchanged", "*toy.yaml: unchanged *; nothing written"])
    assert before == run_both_ways.files()


@pytest.mark.parametrize("flag", [UPDATE, "--failaware-update-new", "--failaware-prune"])
def test_ci_servers_do_not_write(project: Project, monkeypatch: pytest.MonkeyPatch, flag: str) -> None:
    """Under CI=true an update is a usage error, unless the ini allows it."""
    before = record_quickly(project)
    monkeypatch.setenv("CI", "true")
    result = project.run(flag, model="worse.pth")

    assert pytest.ExitCode.USAGE_ERROR == result.ret
    result.stderr.fnmatch_lines(["*CI is set*failaware_update_in_ci = true*"])
    assert before == project.files()
    project.ini("failaware_update_in_ci = true")
    assert pytest.ExitCode.USAGE_ERROR != project.run(flag).ret


def test_a_missing_entry_fails_and_nothing_is_written(run_both_ways: Project) -> None:
    """A condition without a stored entry fails, and the summary names the option that records it."""
    run_both_ways.test(TWO)
    result = run_both_ways.run()

    result.assert_outcomes(failed=2)
    assert pytest.ExitCode.TESTS_FAILED == result.ret
    assert not run_both_ways.baseline.parent.exists()
    result.stdout.fnmatch_lines(["2 checked: 2 missing", "*--failaware-update-new"])


def test_strict_runs_without_a_result_fail(run_both_ways: Project) -> None:
    """With --failaware-strict a run that has no marked test, or only skipped ones, fails and says why."""
    run_both_ways.test("def test_other(): pass\n")
    nothing = run_both_ways.run("--failaware-strict", model=None)
    run_both_ways.test(TWO)
    skipped = run_both_ways.run("--failaware-strict", model=None)

    for result in (nothing, skipped):
        assert pytest.ExitCode.TESTS_FAILED == result.ret
        result.stdout.fnmatch_lines(["strict: no reliability result at all*"])
    assert 0 == run_both_ways.run(model=None).ret


TWO_TESTS = """
import pytest

@pytest.mark.reliability(conditions=["clean"])
def test_clean(): pass

@pytest.mark.reliability(conditions=["blur"])
def test_blur(): pass
"""


def test_obsolete_entries(run_both_ways: Project) -> None:
    """A run names entries that no test uses, a strict run fails on them, and only a full run can prune them."""
    run_both_ways.test(TWO_TESTS + TWO.replace("test_toy", "test_low").replace("'clean', ", ""))
    before = record_quickly(run_both_ways)
    run_both_ways.test(TWO_TESTS)
    told = run_both_ways.run()
    assert pytest.ExitCode.OK == told.ret
    told.stdout.fnmatch_lines(["used by no test: toy: low_light; --failaware-prune*"])

    strict = run_both_ways.run("--failaware-strict")
    assert pytest.ExitCode.TESTS_FAILED == strict.ret
    strict.stdout.fnmatch_lines(["strict: used by no test: toy: low_light;*"])

    refused = run_both_ways.run("--failaware-prune", "-k", "clean")
    assert pytest.ExitCode.USAGE_ERROR == refused.ret
    refused.stdout.fnmatch_lines(["NOT pruned: 1 marked tests were deselected; prune in a full run"])
    assert before == run_both_ways.files()

    pruned = run_both_ways.run("--failaware-prune")
    assert pytest.ExitCode.OK == pruned.ret
    pruned.stdout.fnmatch_lines(["*toy.yaml: pruned low_light; review and commit it: git add *"])
    assert {"clean", "blur"} == set(run_both_ways.stored())
    assert {name: one for name, one in before.items() if "low_light" not in name and name != "toy.yaml"} == {
        name: one for name, one in run_both_ways.files().items() if name != "toy.yaml"
    }


@pytest.mark.parametrize(
    "selection",
    [("test_toy.py::test_clean",), ("--lf",), ("--ignore=elsewhere",), ("sub",), ("-m", "not reliability")],
    ids=lambda selection: selection[0],
)
def test_a_partial_run_never_prunes(project: Project, selection: tuple[str, ...]) -> None:
    """A run of some tests prunes nothing, since a test that was not collected may use the entry."""
    project.test(TWO_TESTS + TWO.replace("test_toy", "test_low").replace("'clean', ", ""))
    before = record_quickly(project)
    project.test(TWO_TESTS + "\ndef test_other(): assert 'x' in __import__('os').environ\n")
    (project.path / "sub").mkdir()
    (project.path / "sub" / "test_sub.py").write_text("def test_sub(): pass\n")
    project.run()
    result = project.run("--failaware-prune", *selection)

    assert pytest.ExitCode.USAGE_ERROR == result.ret
    result.stdout.fnmatch_lines(["NOT pruned: *; prune in a full run"])
    assert before == project.files()


NUMPY = """
import numpy as np, pytest, pytest_failaware

def pytest_failaware_metrics():
    def masks(records, flagged):
        return records.correct, np.ones(len(records), dtype=bool)
    return [pytest_failaware.RateMetric(name="mine", masks=masks, higher_is_better=True, tolerance=np.float64(0.02))]
"""


def test_numbers_of_numpy_travel(run_both_ways: Project) -> None:
    """NumPy scalars in a marker, a metric and its counts reach the process that reports."""
    (run_both_ways.path / "conftest.py").write_text(NUMPY)
    marker = "conditions=['clean'], metrics=['mine'], minimum={'mine': np.float64(0.5)}, seed=np.int64(3)"
    run_both_ways.test("import numpy as np" + MARKED.replace("reliability", f"reliability({marker})"))
    run_both_ways.record().assert_outcomes(passed=1)
    result = run_both_ways.run("-v")

    result.assert_outcomes(passed=1)
    assert run_both_ways.line_with(result, "mine", "60.00%", "+0.00 pt", "2.00 pt", "passed")


FLAKY = """
import pathlib, pytest

@pytest.mark.flaky(reruns=2)
@pytest.mark.reliability(conditions=["clean"])
def test_flaky(reliability):
    marker = pathlib.Path(__file__).with_name("ran")
    first = not marker.exists()
    marker.touch()
    assert not first
"""


def test_reruns_count_once(run_both_ways: Project) -> None:
    """A test that fails and passes when it is run again gives one result, one write and one set of JUnit properties."""
    pytest.importorskip("pytest_rerunfailures")
    run_both_ways.without.remove("rerunfailures")
    run_both_ways.test(FLAKY)
    result = run_both_ways.record("--junitxml=junit.xml")

    assert {"passed": 1, "rerun": 1} == {k: v for k, v in result.parseoutcomes().items() if k in ("passed", "rerun")}
    result.stdout.fnmatch_lines(["1 checked: 1 recorded", "*toy.yaml: recorded clean; review*"])
    assert {"clean"} == set(run_both_ways.stored())
    assert 1 == (run_both_ways.path / "junit.xml").read_text().count('name="failaware.verdict"')


def test_where_pytest_is_called_from_does_not_matter(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run uses the same baseline file, whether pytest is called in a folder below, above or elsewhere."""
    before = record_quickly(project)
    (project.path / "below").mkdir()
    model = f"--failaware-model={project.path / 'good.pth'}"
    for place in (project.path / "below", project.path.parent, Path("/")):
        monkeypatch.chdir(place)
        result = project.run(model, str(project.path), model=None)
        result.stdout.fnmatch_lines(["2 checked: 2 unchanged"])

    monkeypatch.chdir(project.path / "below")
    project.run(model, f"--failaware-baseline-dir={Path('../baselines')}", "..", model=None).assert_outcomes(passed=2)
    assert before == project.files()


@pytest.mark.parametrize("plugin", ["xdist", "terminal", "cacheprovider"])
def test_other_plugins_may_be_absent(project: Project, plugin: str) -> None:
    """Recording and checking work without xdist, without the terminal reporter and without pytest's cache."""
    args = ("-p", f"no:{plugin}", *(("-p", "no:terminalreporter") if plugin == "terminal" else ()))
    recorded, checked = project.run(UPDATE, *args), project.run(*args)

    assert (pytest.ExitCode.OK, pytest.ExitCode.OK) == (recorded.ret, checked.ret)
    assert {"clean", "low_light"} == set(project.stored())
    assert pytest.ExitCode.TESTS_FAILED == project.run(*args, model="worse.pth").ret


def test_no_marked_test_costs_nothing(project: Project) -> None:
    """A run without marked tests, in a new process, prints no line of the plugin and imports no large library."""
    project.test("def test_other(): pass\n")
    code = (
        "import sys, pytest; rc = pytest.main(['-p', 'pytest_failaware.plugin', '-p', 'no:cacheprovider']);"
        "heavy = {'torch', 'torchvision', 'numpy', 'pandas', 'scipy', 'yaml', 'filelock'};"
        "print('HEAVY', heavy & set(sys.modules), rc)"
    )
    alone = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=project.path, env=alone, capture_output=True, text=True, check=False)

    assert "HEAVY set() 0" in done.stdout
    assert not [line for line in done.stdout.splitlines() if "reliability" in line or line.startswith("failaware")]


DAMAGES = {
    "schema_too_new": ("schema: 3", "schema: 99", ":2: schema is 99, this version reads 1 to 4; install*"),
    "conflict": ("preprocessing: none", "<<<<<<< ours\npreprocessing: none", ":11: a merge conflict is left*"),
    "no_yaml": ("trusted_right: 120", "trusted_right: [", ":*: not YAML (*"),
    "alias": ("preprocessing: none", "preprocessing: &a none", ":11: anchors, aliases and tags are not allowed*"),
    "twice": ("preprocessing: none", "preprocessing: none\npreprocessing: x", ":12: preprocessing stands twice*"),
    "foreign": ("", "", ":*: conditions.clean.records is not the hash of*"),
}


def test_files_that_cannot_be_used(run_both_ways: Project) -> None:
    """A baseline file that cannot be read gives one line with file and line number, exit code 4, and is not changed."""
    gates = [
        f"@pytest.mark.reliability(conditions=['clean'], baseline={name!r})\ndef test_{name}(): pass\n"
        for name in DAMAGES
    ]
    run_both_ways.test("import pytest\n\n" + "\n".join(gates))
    record_quickly(run_both_ways)
    for name, (old, new, _) in DAMAGES.items():
        path = run_both_ways.path / "baselines" / f"{name}.yaml"
        assert old in path.read_text()
        path.write_text(path.read_text().replace(old, new))
    folder = run_both_ways.path / "baselines"
    columns_file(folder, "clean", "foreign").write_bytes(samples_file(folder, "foreign").read_bytes())
    before = run_both_ways.files()
    result = run_both_ways.run(UPDATE)

    result.assert_outcomes(errors=len(DAMAGES))
    assert pytest.ExitCode.USAGE_ERROR == result.ret
    for name, (_, _, words) in DAMAGES.items():
        assert fnmatch.filter(result.outlines, f"*{name}.yaml{words}"), name
    assert "Traceback" not in result.stdout.str()
    assert before == run_both_ways.files()


def test_the_matrix_in_the_docs_names_these_tests() -> None:
    """Every row of docs/acceptance.md names a test that exists, and every test of this file stands in a row."""
    page = (ROOT / "docs" / "acceptance.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`(test_\w+)`", page))
    written = {name for name in globals() if name.startswith("test_")}

    tests = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
    assert set() == written - {"test_the_matrix_in_the_docs_names_these_tests"} - named
    assert set() == {name for name in named if f"def {name}(" not in tests}
