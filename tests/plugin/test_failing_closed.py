"""Ways around a gate: each must fail, be refused or change no file."""

from __future__ import annotations

import json

import pytest
from project import MARKED, Project

from pytest_failaware.cli.main import main

CLEAN = MARKED.replace("reliability", "reliability(conditions=['clean'])")
UPDATE = "--failaware-update-baselines"


# ---- strict runs ---------------------------------------------------------------------------------------------------


def test_xfail_excuses_nothing_in_a_strict_run(project: Project) -> None:
    """A regression that is marked xfail passes a plain run but fails a strict run and the JSON report."""
    project.record()
    project.test(MARKED.replace("@pytest", "@pytest.mark.xfail\n@pytest"))
    assert pytest.ExitCode.OK == project.run(model="worse.pth").ret
    result = project.run("--failaware-strict", "--failaware-report=r.json", model="worse.pth")

    assert pytest.ExitCode.TESTS_FAILED == result.ret
    result.stdout.fnmatch_lines(["strict: failed, though pytest let it pass (xfail[?]): *"])
    assert not json.loads((project.path / "r.json").read_text())["passed"]


def test_a_module_that_was_skipped_fails_a_strict_run(project: Project) -> None:
    """A strict run fails if a module was skipped at collection, since its gates are not known."""
    project.test(CLEAN)
    project.record()
    (project.path / "test_gone.py").write_text("import pytest\npytest.importorskip('not_there')\n")

    assert pytest.ExitCode.OK == project.run().ret
    result = project.run("--failaware-strict")
    assert pytest.ExitCode.TESTS_FAILED == result.ret
    result.stdout.fnmatch_lines(["strict: test_gone.py was not collected, so its gates are not known"])


@pytest.mark.parametrize("bend", ["--failaware-limit=1", "--failaware-override=tolerance=1", "-ofailaware_tolerance=1"])
def test_a_strict_run_cannot_be_bent(project: Project, bend: str) -> None:
    """A strict run refuses fewer images and other tolerances on the command line."""
    project.record()
    assert pytest.ExitCode.USAGE_ERROR == project.run("--failaware-strict", bend, model="worse.pth").ret


# ---- what a test's body can do -------------------------------------------------------------------------------------


def test_a_body_cannot_change_what_is_judged(project: Project) -> None:
    """A body cannot write to the records, and the mode in which it leaves the model does not matter."""
    project.record()
    project.test(MARKED.replace("(): pass", "(reliability):\n    reliability.records.confidence[:] = 1\n"))
    written = project.run()
    written.assert_outcomes(failed=2)
    written.stdout.fnmatch_lines(["*ValueError: assignment destination is read-only"])

    project.test(MARKED.replace("(): pass", "(failaware_model):\n    failaware_model.train()\n"))
    project.run().stdout.fnmatch_lines(["2 checked: 2 unchanged"])


def test_weights_that_change_are_noticed(project: Project) -> None:
    """A condition fails with the reason if the body of an earlier test changed the model's weights."""
    project.record()
    before = project.files()
    project.test(MARKED.replace("(): pass", "(failaware_model):\n    failaware_model.linear.weight.data.mul_(2)\n"))
    project.test((project.path / "test_toy.py").read_text().replace(".data", ".requires_grad_(False)"))
    result = project.run(UPDATE)

    assert pytest.ExitCode.USAGE_ERROR == result.ret
    result.stdout.fnmatch_lines(["the model's weights changed after it was loaded: *copy.deepcopy(failaware_model)"])
    kept = f"toy/{project.sample_file('low_light').name}"
    assert before[kept] == project.files()[kept]


# ---- runs that end in odd ways -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "ending",
    [
        "def test_end(): pytest.exit('enough', returncode=0)\n",
        "def test_end(): pytest.exit('enough', returncode=1)\n",
    ],
)
def test_pytest_exit_is_no_end(project: Project, ending: str) -> None:
    """A run that pytest.exit ended writes nothing, also with exit code 0."""
    project.test(f"{MARKED}\n{ending}\ndef test_never(): pass\n")
    result = project.record()

    result.stdout.fnmatch_lines(["baselines NOT written: pytest.exit ended it; 2 results were ready"])
    assert not project.baseline.exists()


def test_a_teardown_that_skips_did_not_pass(project: Project) -> None:
    """A test that skips in its teardown stores no entry."""
    fixture = "@pytest.fixture\ndef late():\n    yield\n    pytest.skip('late')\n\n@pytest.mark"
    project.test(CLEAN.replace("@pytest.mark", fixture).replace("test_toy()", "test_toy(late)"))
    result = project.record()

    assert not project.baseline.exists()
    result.stdout.fnmatch_lines(["not written: test_toy.py::test_toy[[]clean] skipped in its teardown"])


def test_a_baseline_damaged_during_the_run(project: Project) -> None:
    """A baseline that is damaged during the run gives one line and exit code 4, without a traceback."""
    project.test(CLEAN)
    project.record()
    harm = "p = __import__('pathlib').Path('baselines/toy.yaml')\n    p.write_text(p.read_text() + '<<<<<<< HEAD')"
    project.test(f"{CLEAN}\ndef test_harm():\n    {harm}\n")
    result = project.run()

    assert pytest.ExitCode.USAGE_ERROR == result.ret
    assert "Traceback" not in result.stdout.str() + result.stderr.str()
    assert project.line_with(result, "toy.yaml:", "merge conflict")


# ---- what is pruned ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["a hook that filters items", "-o", "--rootdir", "--ignore"])
def test_prune_knows_what_was_left_out(project: Project, how: str) -> None:
    """A run prunes nothing if items are missing from it for any reason."""
    project.record()
    before = project.files()
    words = {
        "-o": "-o python_files=test_*.py",
        "--rootdir": f"--rootdir={project.path.parent}",
        "--ignore": "--ignore=a",
    }
    args = words.get(how, "").split()
    if not args:
        hook = "def pytest_collection_modifyitems(items):\n    items[:] = [i for i in items if 'clean' in i.nodeid]\n"
        (project.path / "conftest.py").write_text(hook)
    result = project.run("--failaware-prune", *args)

    assert pytest.ExitCode.USAGE_ERROR == result.ret
    result.stdout.fnmatch_lines(["NOT pruned: *; prune in a full run"])
    assert before == project.files()


# ---- what is written -----------------------------------------------------------------------------------------------


def test_two_entries_never_share_a_file(project: Project) -> None:
    """Two conditions with one file name are refused or get other names, so their files do not overwrite each other."""
    (project.path / "conftest.py").write_text(
        "from pytest_failaware import Degradation\n"
        "def pytest_failaware_conditions():\n"
        "    return [Degradation(name=n, function=lambda i, s, r: i, parameters=p) for n, p in NAMES]\n"
        "NAMES = [('dust', {'a': 0}), ('dust_a', {}), ('dust-a', {})][:2]\n"
    )
    project.test(MARKED.replace("reliability", "reliability(conditions=['dust(a=1e-06)', 'dust(a=1e6)'])"))
    project.record().assert_outcomes(passed=2)
    assert {"dust-a-1e-06", "dust-a-1e06", "samples"} == {
        path.name[: -len("-0123456789ab.npz")] for path in (project.path / "baselines" / "toy").iterdir()
    }

    (project.path / "conftest.py").write_text(
        "from pytest_failaware import Degradation\n"
        "def pytest_failaware_conditions():\n"
        "    return [Degradation(name='samples', function=lambda i, s, r: i)]\n"
    )
    assert pytest.ExitCode.USAGE_ERROR == project.run().ret


@pytest.mark.parametrize(
    ("field", "value"),
    [("seed", "x"), ("key", "Samples"), ("parameters", {"a": [1]}), ("architecture", ["a"]), ("samples", 14)],
)
def test_an_edited_report_never_replaces_a_baseline(
    project: Project, monkeypatch: pytest.MonkeyPatch, field: str, value: object
) -> None:
    """`accept` refuses a report with an edited field and changes no file."""
    project.record()
    project.run("--failaware-report=r.json", model="worse.pth")
    document = json.loads((project.path / "r.json").read_text())
    for result in document["results"]:
        measurement = result["measurement"]
        for holder in (measurement, measurement["condition"], measurement["model"], measurement["data"]):
            if field in holder:
                holder[field] = value
    (project.path / "r.json").write_text(json.dumps(document))
    before = project.files()
    monkeypatch.chdir(project.path)

    assert 4 == main(["accept", "r.json"])
    assert before == project.files()


def test_an_undefined_bound_is_not_accepted(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """`accept` refuses a bound on a metric that is undefined, as an update does."""
    marker = "conditions=['clean'], rule='confidence < 1.0', minimum={'confident_accuracy': 0.9}"
    project.test(MARKED.replace("reliability", f"reliability({marker})"))
    project.run("--failaware-report=r.json")
    monkeypatch.chdir(project.path)

    assert 4 == main(["accept", "r.json"])
    assert not project.baseline.exists()


@pytest.mark.parametrize(
    "outputs",
    [("--failaware-report=baselines/toy.json",), ("--failaware-report=o.md", "--failaware-report=o.md"),
     ("--failaware-report=o.html", "--failaware-report=./o.html"), ("--failaware-report=o",),
     ("--failaware-report=o.json", "--failaware-report=o.records.zip")],
)  # fmt: skip
def test_no_output_overwrites_another(project: Project, outputs: tuple[str, ...]) -> None:
    """Two outputs to one file, or an output among the baselines, are a usage error."""
    project.record()
    before = project.files()

    assert pytest.ExitCode.USAGE_ERROR == project.run(*outputs).ret
    assert before == project.files()


# ---- what is said --------------------------------------------------------------------------------------------------


def test_no_green_mark_for_a_run_that_is_not_whole(project: Project) -> None:
    """The Markdown report of a run with a failing body, or without a result, starts with a red mark."""
    project.record()
    project.test(MARKED.replace("(): pass", "(): assert 'clean' in __import__('os').environ['PYTEST_CURRENT_TEST']"))
    project.run("--failaware-report=r.json", "--failaware-report=r.md")
    text = (project.path / "r.md").read_text(encoding="utf-8")
    assert not json.loads((project.path / "r.json").read_text())["passed"]
    assert text.startswith("## ❌ Reliability: 2 checked")
    assert "low_light] failed, though its gate did not" in text

    project.run("--failaware-report=r.md", model=None)
    assert (project.path / "r.md").read_text(encoding="utf-8").startswith("## ❌ Reliability: nothing was compared")


def test_the_exit_code_of_others_stays(project: Project) -> None:
    """An exit code that another plugin set stays as it is."""
    project.test("def test_other(): pass\n")
    (project.path / "conftest.py").write_text(
        "import pytest\n\n@pytest.hookimpl(tryfirst=True)\n"
        "def pytest_sessionfinish(session):\n    session.exitstatus = 1\n"
    )
    assert pytest.ExitCode.TESTS_FAILED == project.run().ret


def test_the_command_to_copy_is_whole(project: Project) -> None:
    """The printed command omits --failaware-limit and --failaware-override with their values, and -W as well."""
    project.record()
    limited = ("--failaware-limit", "300", "--failaware-override", "tolerance=0")
    result = project.run(*limited, "-W", "ignore", "-k", "toy", model="worse.pth")

    command = 'pytest --failaware-model=worse.pth -k toy --failaware-update-baselines --failaware-reason="…"'
    assert 1 == result.outlines.count(f"  {command}")


@pytest.mark.parametrize(
    ("hook", "words"),
    [
        ("report(report): return 'told'", "the hook pytest_failaware_report returned 'told'; return a list of lines*"),
        ("report(report): return [1]", "the hook pytest_failaware_report returned [[]1]; return a list of lines*"),
        ("report(report): __import__('pytest').fail('x')", "the hook pytest_failaware_report raised Failed: x*"),
        ("conditions(): return 7", "*pytest_failaware_conditions or *TypeError*have it return a list of*"),
        ("metrics(): return 1 / 0", "*pytest_failaware_metrics cannot be used: ZeroDivisionError*"),
    ],
)
def test_hooks_that_misbehave(project: Project, hook: str, words: str) -> None:
    """A hook that raises or returns a wrong value gives one line and exit code 4."""
    project.record()
    (project.path / "conftest.py").write_text(f"def pytest_failaware_{hook}\n")
    result = project.run()

    assert pytest.ExitCode.USAGE_ERROR == result.ret
    assert "Traceback" not in result.stdout.str() + result.stderr.str()
    (result.stdout if result.outlines else result.stderr).fnmatch_lines([words])
