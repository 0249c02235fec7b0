"""What a strict run does not let pass, and what every run reports on gates that were not judged."""

from __future__ import annotations

import json

import pytest
from project import INI, MARKED, Project

CLEAN = MARKED.replace("reliability", "reliability(conditions=['clean'])")
UPDATE = "--failaware-update-baselines"
STRICT = "--failaware-strict"
SUBTEST = CLEAN.replace("(): pass", "(subtests):\n    with subtests.test('x'):\n        assert False\n")

IN_PARAM = """
import pytest
@pytest.mark.reliability(conditions=['clean'])
@pytest.mark.parametrize('x', [pytest.param(1, marks=pytest.mark.reliability(minimum={'accuracy': 0.99}))])
def test_toy(x): pass
"""
ADDING = """
import pytest
def pytest_collection_modifyitems(items):
    for item in items: item.add_marker(pytest.mark.reliability(minimum={'accuracy': 0.99}))
"""


@pytest.fixture
def recorded(project: Project) -> Project:
    """Return a project with one recorded condition."""
    project.test(CLEAN)
    project.record()
    return project


# ---- outcomes that are settled after the report --------------------------------------------------------------------


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["one process", "two workers"])
def test_a_failing_subtest_is_a_failed_item(project: Project, workers: tuple[str, ...]) -> None:
    """An item with a failing subtest fails, is not written, and cannot be accepted from the report."""
    project.test(SUBTEST)
    result = project.record("--failaware-report=r.json", *workers)
    document = json.loads((project.path / "r.json").read_text())

    assert pytest.ExitCode.TESTS_FAILED == result.ret
    assert not project.baseline.exists()
    result.stdout.fnmatch_lines(
        ["1 checked: 1 not written*", "not written: test_toy.py::test_toy[[]clean] failed in a subtest"]
    )
    assert (False, ["test_toy.py::test_toy[clean]"]) == (document["passed"], document["failed"])
    assert [None] == [one["measurement"] for one in document["results"]]


def test_another_plugin_that_lets_a_gate_pass(recorded: Project) -> None:
    """A strict run fails on a regression, even if another plugin sets the exit code to 0."""
    hook = "@pytest.hookimpl(trylast=True)\ndef pytest_sessionfinish(session): session.exitstatus = 0\n"
    (recorded.path / "conftest.py").write_text(f"import pytest\n{hook}")
    assert pytest.ExitCode.OK == recorded.run(model="worse.pth").ret
    assert pytest.ExitCode.TESTS_FAILED == recorded.run(STRICT, model="worse.pth").ret


# ---- tests that did not run ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", [("-k", "clean"), ("--deselect=test_toy.py::test_toy[low_light]",)])
def test_collected_and_not_run(project: Project, how: tuple[str, ...]) -> None:
    """A run counts the marked tests that were deselected, and a strict run names them and fails."""
    project.record()
    plain = project.run(*how)
    assert pytest.ExitCode.OK == plain.ret
    plain.stdout.fnmatch_lines(["collected and not run: 1 marked test"])
    assert "used by no test" not in plain.stdout.str()
    strict = project.run(*how, STRICT)
    assert pytest.ExitCode.TESTS_FAILED == strict.ret
    strict.stdout.fnmatch_lines(["strict: collected and not run: test_toy.py::test_toy[[]low_light]"])


def test_marks_select_in_a_strict_run(project: Project) -> None:
    """A strict run passes if -m deselects tests, alone or together with -k, and fails if only -k does."""
    slow = "\n@pytest.mark.slow\n@pytest.mark.reliability(conditions=['blur'])\ndef test_slow(): pass\n"
    project.ini("markers = slow")
    project.test(CLEAN + slow)
    project.record()

    assert pytest.ExitCode.OK == project.run(STRICT, "-m", "reliability and not slow").ret
    both = project.run(STRICT, "-m", "not slow", "-k", "clean")
    assert pytest.ExitCode.OK == both.ret
    assert pytest.ExitCode.TESTS_FAILED == project.run(STRICT, "-k", "clean").ret


# ---- baselines that no test uses -----------------------------------------------------------------------------------


def test_a_baseline_that_no_test_uses(recorded: Project) -> None:
    """A baseline that no test uses fails a strict run, and --failaware-prune deletes the whole baseline."""
    recorded.test(CLEAN.replace("conditions", "baseline='more', conditions"))
    recorded.record()
    assert pytest.ExitCode.OK == recorded.run().ret
    strict = recorded.run(STRICT)
    assert pytest.ExitCode.TESTS_FAILED == strict.ret
    strict.stdout.fnmatch_lines(["strict: used by no test: toy: clean; --failaware-prune deletes them"])

    dry = recorded.run("--failaware-prune", "--failaware-dry-run")
    dry.stdout.fnmatch_lines(["toy.yaml: used by no test, would be deleted; dry run, nothing written"])
    assert recorded.baseline.exists()
    assert pytest.ExitCode.OK == recorded.run("--failaware-prune").ret
    assert ["more", "more.yaml"] == sorted(path.name for path in recorded.baseline.parent.iterdir())
    assert pytest.ExitCode.OK == recorded.run(STRICT).ret


@pytest.mark.parametrize("why", ["another ini", "the model names it", "-c"])
def test_other_runs_may_use_other_baselines(recorded: Project, why: str) -> None:
    """A strict run only counts unused baselines if other runs may use them, and prunes none of them."""
    recorded.test(CLEAN.replace("conditions", "baseline='more', conditions"))
    recorded.record()
    args = {"-c": ("-c", "tox.ini"), "the model names it": ("--failaware-baseline=more",)}.get(why, ())
    if why == "another ini":
        (recorded.path / "sub" / "more").mkdir(parents=True)
        (recorded.path / "sub" / "more" / "setup.cfg").write_text(INI.replace("[pytest]", "[tool:pytest]"))
    if why == "the model names it":
        recorded.test(CLEAN)
    result = recorded.run(STRICT, *args)

    assert pytest.ExitCode.OK == result.ret
    result.stdout.fnmatch_lines(["used by no test of this run: 1 of 2 stored entries"])
    assert pytest.ExitCode.OK == recorded.run("--failaware-prune", *args).ret
    assert ["more.yaml", "toy.yaml"] == sorted(path.name for path in recorded.baseline.parent.glob("*.yaml"))


@pytest.mark.parametrize(
    ("addopts", "args"),
    [
        ("", ["-o", "cache_dir=elsewhere"]),
        ("", ["-o", "junit_family=xunit1"]),
        ("", ["--rootdir=."]),
        ("--ignore=build --ignore other -o junit_family=xunit1", []),
    ],
    ids=str,
)
def test_harmless_arguments_leave_a_full_run(project: Project, addopts: str, args: list[str]) -> None:
    """Arguments that leave no test out do not stop a strict run from failing on an unused entry."""
    project.record()
    project.test(CLEAN)
    project.ini(f"addopts = {addopts}")
    result = project.run("-q", STRICT, *args)

    assert pytest.ExitCode.TESTS_FAILED == result.ret
    result.stdout.fnmatch_lines(["strict: used by no test: toy: low_light; *"])


@pytest.mark.parametrize("arg", ["--ignore=build", "test_toy.py", "-m reliability and not slow"])
def test_a_strict_run_says_that_it_is_no_full_one(project: Project, arg: str) -> None:
    """A strict run of some tests passes and says, also with -q, that it did not look for unused entries."""
    words = arg.split(" ", 1)
    project.ini("markers = slow")
    project.test(CLEAN + "\n@pytest.mark.slow\n@pytest.mark.reliability(conditions=['blur'])\ndef test_slow(): pass\n")
    project.record()
    if words[0] != "-m":
        assert "not looked for" not in project.run("-q", STRICT, *words).stdout.str()
        project.test(CLEAN)
    result = project.run("-q", STRICT, *words)

    assert pytest.ExitCode.OK == result.ret
    result.stdout.fnmatch_lines(["strict: unused entries were not looked for: *"])


# ---- tests that look gated -----------------------------------------------------------------------------------------


def test_a_marker_that_is_nearly_ours(project: Project) -> None:
    """A misspelt marker is a collection error in one line, unless the user has registered that marker."""
    project.test(MARKED.replace("reliability", "reliabilty"))
    result = project.run("-m", "reliability", "-W", "ignore")
    assert pytest.ExitCode.INTERRUPTED == result.ret
    result.stdout.fnmatch_lines(["test_toy.py::test_toy: marker 'reliabilty' gates nothing; write 'reliability'*"])

    project.ini("markers = reliabilty")
    assert pytest.ExitCode.OK == project.run().ret


def test_without_our_keys_no_marker_is_near(pytester: pytest.Pytester) -> None:
    """A project without our ini keys can use a marker whose name is similar to ours."""
    pytester.makepyfile("import pytest\n@pytest.mark.liability\ndef test_x(): pass\n")
    assert pytest.ExitCode.OK == pytester.runpytest_inprocess("-p", "no:randomly", "-W", "ignore").ret


def test_a_second_service_is_not_gated_by_the_first_ones_ini(project: Project) -> None:
    """A test with a nearer ini file is an error that names both files and the command for the nearer one."""
    service = project.path / "b"
    service.mkdir()
    (service / "pytest.ini").write_text("[pytest]\nfailaware_model = b.pth\n")
    (service / "test_b.py").write_text(MARKED)
    result = project.run("b", "test_toy.py")

    assert pytest.ExitCode.INTERRUPTED == result.ret
    result.stdout.fnmatch_lines(
        ["*b/pytest.ini has failaware_ keys for this test, but pytest uses tox.ini; run pytest -c b/pytest.ini b"]
    )


def test_without_an_ini_in_use_a_service_is_not_skipped(pytester: pytest.Pytester) -> None:
    """A run from a folder above without our keys is an error, since the tests would be skipped without a model."""
    for name in "ab":
        service = pytester.mkdir(name)
        (service / "pytest.ini").write_text("[pytest]\nfailaware_model = m.pth\n")
        (service / f"test_{name}.py").write_text(MARKED)
    result = pytester.runpytest_inprocess("-p", "no:randomly", "--rootdir=.")

    assert pytest.ExitCode.INTERRUPTED == result.ret
    result.stdout.fnmatch_lines(["*a/pytest.ini has failaware_ keys for this test, but pytest uses no such file*"])


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["one process", "two workers"])
def test_keys_in_a_second_file_are_not_ignored(recorded: Project, workers: tuple[str, ...]) -> None:
    """Our keys in a second ini file are an error, unless -c chose the file or no test is marked."""
    (recorded.path / "pyproject.toml").write_text("[tool.pytest.ini_options]\nfailaware_minimum = 'accuracy=0.9'\n")
    (recorded.path / "pytest.ini").write_text((recorded.path / "tox.ini").read_text())
    (recorded.path / "tox.ini").unlink()
    result = recorded.run(*workers)
    said = "*pyproject.toml has failaware_ keys, but pytest uses pytest.ini alone; put the keys into pytest.ini*"
    assert result.ret in (pytest.ExitCode.INTERRUPTED, pytest.ExitCode.TESTS_FAILED)
    result.stdout.fnmatch_lines([said])

    assert pytest.ExitCode.OK == recorded.run(*workers, "-c", "pytest.ini").ret
    recorded.test("def test_toy(): pass\n")
    assert pytest.ExitCode.OK == recorded.run(*workers).ret


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["one process", "two workers"])
@pytest.mark.parametrize("source", [IN_PARAM, CLEAN])
def test_a_marker_that_is_not_the_functions(recorded: Project, source: str, workers: tuple[str, ...]) -> None:
    """A marker in a parameter or from a hook is an error in one line, since its bound would be ignored."""
    recorded.test(source)
    if source == CLEAN:
        (recorded.path / "conftest.py").write_text(ADDING)
    result = recorded.run(*workers)

    assert pytest.ExitCode.USAGE_ERROR == result.ret
    result.stdout.fnmatch_lines(["test_toy.py::test_toy*: its markers reliability are not those of the function*"])


def test_a_marker_in_a_parameter_alone(recorded: Project) -> None:
    """A marker that stands only in a parameter is an error in one line."""
    recorded.test(IN_PARAM.replace("@pytest.mark.reliability(conditions=['clean'])\n", ""))
    result = recorded.run()

    assert pytest.ExitCode.USAGE_ERROR == result.ret
    result.stdout.fnmatch_lines(["test_toy.py::test_toy[[]1]: its markers reliability are not those of the function*"])


def test_a_fixture_named_reliability(recorded: Project) -> None:
    """A user's fixture named reliability is an error, unless it uses the fixture of the plugin."""
    own = "import pytest\n@pytest.fixture\ndef reliability({}): return 1\n"
    (recorded.path / "conftest.py").write_text(own.format("request"))
    result = recorded.run()
    assert pytest.ExitCode.USAGE_ERROR == result.ret
    result.stdout.fnmatch_lines(
        ["test_toy.py::test_toy[[]clean]: *fixture reliability* nothing was measured; rename it*"]
    )

    (recorded.path / "conftest.py").write_text(own.format("reliability"))
    assert pytest.ExitCode.OK == recorded.run().ret


def test_a_condition_in_parametrize(recorded: Project) -> None:
    """A condition in parametrize is an error, and one line names the marker to use."""
    recorded.test("import pytest\n@pytest.mark.parametrize('reliability', ['clean'], indirect=True)\n"
                  "def test_toy(reliability): pass\n")  # fmt: skip
    result = recorded.run()

    assert pytest.ExitCode.TESTS_FAILED == result.ret
    result.stdout.fnmatch_lines(["the fixture reliability needs the marker: @pytest.mark.reliability*"])


@pytest.mark.parametrize("name", ["failaware-controller", "failaware-controller-last-word"])
def test_a_part_of_the_plugin_cannot_be_blocked(recorded: Project, name: str) -> None:
    """A part of the plugin cannot be blocked with -p, since nothing would be reported without it."""
    result = recorded.run("-p", f"no:{name}")
    assert pytest.ExitCode.USAGE_ERROR == result.ret
    result.stderr.fnmatch_lines([f"ERROR: -p no:{name}: *leave it out*"])


# ---- what the command line says ------------------------------------------------------------------------------------


@pytest.mark.parametrize("bend", ["-o failaware_tolerance=0.3", "--failaware-override tolerance=0.3"])
def test_a_bent_gate_is_named(recorded: Project, bend: str) -> None:
    """A gate that the command line changes is named in the header, the summary and the JSON, and strict refuses it."""
    recorded.ini("failaware_class_guard = off", "failaware_metrics = accuracy confident_accuracy")
    result = recorded.run(*bend.split(), "--failaware-report=r.json", model="worse.pth")

    assert pytest.ExitCode.OK == result.ret
    result.stdout.fnmatch_lines([f"failaware: {bend}", f"note: from the command line: {bend}"])
    assert [bend] == json.loads((recorded.path / "r.json").read_text())["bends"]
    assert pytest.ExitCode.USAGE_ERROR == recorded.run(*bend.split(), STRICT).ret


def test_other_files_than_pytest_would_find_are_named(recorded: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run with -c or --rootdir, also from PYTEST_ADDOPTS, names them in the header and in a note."""
    monkeypatch.setenv("PYTEST_ADDOPTS", "-c tox.ini")
    result = recorded.run("--rootdir=.", STRICT)

    assert pytest.ExitCode.OK == result.ret
    named = ["-c tox.ini", "--rootdir=."]
    result.stdout.fnmatch_lines([*(f"failaware: {one}" for one in named), *(f"note: *: {one}" for one in named)])


def test_an_executing_key_is_an_option_like_any_other(project: Project) -> None:
    """A key that changes no verdict can be set with -o in a pruning and in a strict run; a misspelt one is an error."""
    project.record()
    project.test(CLEAN)
    result = project.run("-o", "failaware_batch_size=16", "--failaware-prune")
    result.stdout.fnmatch_lines(["*toy.yaml: pruned low_light*"])
    assert pytest.ExitCode.OK == project.run("-o", "failaware_batch_size=16", STRICT).ret

    wrong = project.run("-o", "failaware_batchsize=16")
    assert pytest.ExitCode.USAGE_ERROR == wrong.ret
    wrong.stderr.fnmatch_lines(["ERROR: -o: unknown key 'failaware_batchsize'; did you mean 'failaware_batch_size'*"])


def test_a_strict_run_takes_its_reference_from_the_ini(recorded: Project) -> None:
    """A strict run takes its reference model only from the ini file, and it must not be the candidate."""
    typed = recorded.run(STRICT, "--failaware-against=good.pth")
    assert pytest.ExitCode.USAGE_ERROR == typed.ret
    typed.stderr.fnmatch_lines(["ERROR: --failaware-against=good.pth: *set failaware_against in the ini*"])
    assert pytest.ExitCode.USAGE_ERROR == recorded.run(STRICT, "-o", "failaware_against=good.pth").ret

    recorded.ini("failaware_against = good.pth")
    assert pytest.ExitCode.TESTS_FAILED == recorded.run(STRICT, model="worse.pth").ret
    same = recorded.run(STRICT)
    assert pytest.ExitCode.USAGE_ERROR == same.ret
    same.stdout.fnmatch_lines(["good.pth: the reference is the candidate itself*"])
    assert pytest.ExitCode.OK == recorded.run().ret


@pytest.mark.parametrize("spelled", ["--failaware-group=patient", "-o failaware_group=patient"])
def test_the_typed_column_of_groups_is_a_bend(recorded: Project, spelled: str) -> None:
    """A strict run refuses a typed group column, since groups decide how much a loss proves; other runs name it."""
    strict = recorded.run(*spelled.split(), STRICT)
    assert pytest.ExitCode.USAGE_ERROR == strict.ret
    strict.stderr.fnmatch_lines([f"ERROR: {spelled}: *remove one of them"])
    recorded.run(*spelled.split()).stdout.fnmatch_lines([f"failaware: {spelled}"])


def write_predictions(project: Project, name: str, size: int = 0) -> str:
    """Write a hundred right answers in groups of this size to a CSV file and return the option that reads it."""
    lines = ["sample_id,label,probability_a,probability_b" + (",group" if size else "")]
    for k in range(100):
        right = "0.9,0.1" if k % 2 else "0.1,0.9"
        lines.append(f"{k},{'ba'[k % 2]},{right}" + (f",{k // size}" if size else ""))
    (project.path / name).write_text("\n".join(lines))
    return f"--failaware-predictions={name}"


@pytest.mark.parametrize(("before", "now"), [(0, 50), (10, 50), (10, 0)])
def test_predictions_in_other_groups_than_the_baseline(project: Project, before: int, now: int) -> None:
    """A strict run fails if predictions have other groups than the baseline; other runs have a note."""
    project.test(CLEAN)
    recorded, candidate = (write_predictions(project, *file) for file in (("a.csv", before), ("b.csv", now)))
    project.run(recorded, UPDATE, model=None)
    assert pytest.ExitCode.OK == project.run(recorded, STRICT, model=None).ret
    plain, strict = project.run(candidate, model=None), project.run(candidate, STRICT, model=None)

    assert (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED) == (plain.ret, strict.ret)
    assert "note: the reference" in plain.stdout.str() or "note: the samples are in other groups" in plain.stdout.str()
    strict.stdout.fnmatch_lines(["strict: the samples are in other groups than the baseline's: test_toy*"])


@pytest.mark.parametrize(("second", "first"), [(0, 50), (10, 50)])
def test_predictions_in_other_groups_than_the_reference(project: Project, second: int, first: int) -> None:
    """A strict run fails if predictions have other groups than those of --failaware-against."""
    project.test(CLEAN)
    write_predictions(project, "a.csv", second)
    project.ini("failaware_against = a.csv")
    candidate = write_predictions(project, "b.csv", first)

    assert pytest.ExitCode.OK == project.run(candidate, model=None).ret
    strict = project.run(candidate, STRICT, model=None)
    assert pytest.ExitCode.TESTS_FAILED == strict.ret
    strict.stdout.fnmatch_lines(["strict: the samples are in other groups than the reference's: test_toy*"])


@pytest.mark.parametrize("argument", ["tolerance=1", "tolerance={'accuracy': 1}", "alpha=1e-300"])
def test_a_gate_that_cannot_fail(recorded: Project, argument: str) -> None:
    """A strict run refuses a marker whose gate can never fail."""
    recorded.test(CLEAN.replace("conditions", f"{argument}, conditions"))
    assert pytest.ExitCode.OK == recorded.run().ret
    assert pytest.ExitCode.INTERRUPTED == recorded.run(STRICT).ret


@pytest.mark.parametrize("off", ["-o failaware_strict=false", "FAILAWARE_STRICT=0"])
def test_strict_switched_off_is_named(recorded: Project, monkeypatch: pytest.MonkeyPatch, off: str) -> None:
    """Turning off the strict mode of the ini file is named in the header, the summary and the JSON."""
    recorded.ini("failaware_strict = true")
    words = off.split() if off.startswith("-o") else []
    if not words:
        monkeypatch.setenv(*off.split("="))
    result = recorded.run(*words, "--failaware-report=r.json", "-k", "clean or none")

    assert pytest.ExitCode.OK == result.ret
    result.stdout.fnmatch_lines([f"failaware: {off}", f"note: from the command line: {off}"])
    assert [off] == json.loads((recorded.path / "r.json").read_text())["bends"]
    recorded.run(*words, STRICT).stdout.no_fnmatch_line(f"failaware: {off}")


def test_a_variable_without_strict_in_the_ini_bends_nothing(recorded: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """FAILAWARE_STRICT=0 is not named if the ini file does not ask for strict runs."""
    monkeypatch.setenv("FAILAWARE_STRICT", "0")
    recorded.run().stdout.no_fnmatch_line("*FAILAWARE_STRICT*")


OWN = """
import pytest, torch, toy
@pytest.fixture(scope='session')
def failaware_model():
    model = toy.Bands()
    model.load_state_dict(torch.load('good.pth'))
    return model
@pytest.fixture(scope='session')
def failaware_dataset(): return toy.Images()
"""


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["one process", "two workers"])
def test_a_typed_model_that_no_test_uses(recorded: Project, workers: tuple[str, ...]) -> None:
    """A strict run fails if a fixture replaces the typed model or data set; other runs say so."""
    (recorded.path / "conftest.py").write_text(OWN)
    typed = ("--failaware-dataset=toy:images", *workers)
    plain, strict = (recorded.run(*typed, *words, model="worse.pth") for words in ((), (STRICT,)))

    sentences = [f"--failaware-{one} was used by no test: the fixture failaware_{one.partition('=')[0]} of the tests *"
                 for one in ("model=worse.pth", "dataset=toy:images")]  # fmt: skip
    assert (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED) == (plain.ret, strict.ret)
    plain.stdout.fnmatch_lines(sentences)
    strict.stdout.fnmatch_lines([f"strict: {sentence}" for sentence in sentences])


def test_a_model_of_the_ini_may_be_replaced(recorded: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fixture may replace the model of the ini file, but not one from -o or from a variable, in a strict run."""
    (recorded.path / "conftest.py").write_text(OWN)
    recorded.ini("failaware_model = good.pth")
    assert pytest.ExitCode.OK == recorded.run(STRICT, model=None).ret
    assert pytest.ExitCode.TESTS_FAILED == recorded.run(STRICT, "-o", "failaware_model=worse.pth", model=None).ret
    monkeypatch.setenv("FAILAWARE_MODEL", "worse.pth")
    recorded.run(STRICT, model=None).stdout.fnmatch_lines(["strict: FAILAWARE_MODEL=worse.pth was used by no test*"])


def test_a_fixture_that_changes_the_typed_model(recorded: Project) -> None:
    """A fixture that copies the typed model uses it, so a strict run passes."""
    (recorded.path / "conftest.py").write_text(
        "import pytest, copy\n@pytest.fixture(scope='session')\n"
        "def failaware_model(failaware_model): return copy.deepcopy(failaware_model)\n"
    )
    assert pytest.ExitCode.OK == recorded.run(STRICT).ret


# ---- reports -------------------------------------------------------------------------------------------------------

FILES = {"json": "r.json", "html": "r.html", "md": "r.md", "csv": "r.csv", "svg": "r.svg"}
ALL = tuple(f"--failaware-report={file}" for file in FILES.values())


@pytest.mark.parametrize("ending", [("test_nothing.py",), ("--failaware-device=tpu",)])
def test_no_earlier_report_stays_behind(recorded: Project, ending: tuple[str, ...]) -> None:
    """An old report is removed by a run without a gate and by a run that could not start."""
    (recorded.path / "test_nothing.py").write_text("def test_nothing(): pass\n")
    recorded.run(*ALL)
    assert all((recorded.path / name).is_file() for name in (*FILES.values(), "r.records.zip"))
    recorded.run(*ALL, *ending)

    assert [] == [name for name in (*FILES.values(), "r.records.zip") if (recorded.path / name).exists()]


def test_a_file_that_is_no_report_stays(recorded: Project) -> None:
    """A run that cannot start deletes no file that is not one of our reports."""
    for name in FILES.values():
        (recorded.path / name).write_text('{"schema": "of somebody else"}')
    recorded.run(*ALL, "--failaware-device=tpu")

    assert all((recorded.path / name).is_file() for name in FILES.values())


def test_no_report_names_the_home_folder(recorded: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Reports and failures have ~ for the home folder, and the command has no option of other plugins."""
    elsewhere = recorded.path.parent / "elsewhere"
    elsewhere.mkdir(exist_ok=True)
    (elsewhere / "gone.pth").unlink(missing_ok=True)
    monkeypatch.setenv("HOME", str(elsewhere))
    (elsewhere / "good.pth").write_bytes((recorded.path / "good.pth").read_bytes())
    (recorded.path / "conftest.py").write_text("def pytest_addoption(parser): parser.addoption('--db-password')\n")
    result = recorded.run(*ALL, "--db-password=hunter2", model=str(elsewhere / "good.pth"))
    gone = recorded.run(model=str(elsewhere / "gone.pth"))

    texts = [(recorded.path / name).read_text(encoding="utf-8") for name in FILES.values()]
    assert pytest.ExitCode.OK == result.ret
    assert not any(str(elsewhere) in text or "hunter2" in text for text in (*texts, gone.stdout.str()))
    assert "pytest --failaware-model=~/good.pth" in json.loads((recorded.path / "r.json").read_text())["command"]


# ---- what was not stored -------------------------------------------------------------------------------------------


def test_recorded_and_not_written(recorded: Project) -> None:
    """A refused update counts the values that it did not write."""
    recorded.test(CLEAN.replace("clean", "low_light"))
    recorded.ini("failaware_preprocess = mean=0.5,std=0.5")
    ini = (recorded.path / "tox.ini").read_text().replace("failaware_preprocess = none\n", "")
    (recorded.path / "tox.ini").write_text(ini)
    result = recorded.run("--failaware-update-new")

    assert pytest.ExitCode.USAGE_ERROR == result.ret
    result.stdout.fnmatch_lines(["1 checked: 1 not written*"])


def test_errors_are_no_skips(recorded: Project) -> None:
    """An item that fails in its model fixture is an error and is not counted as skipped without a model."""
    (recorded.path / "conftest.py").write_text(
        "import pytest\n@pytest.fixture(scope='session')\ndef failaware_model(): 1 / 0\n"
    )
    result = recorded.run(model=None)

    result.assert_outcomes(errors=1)
    result.stdout.no_fnmatch_line("*no model given*")


# ---- code of the user's --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("statement", ["pytest.skip('x')", "sys.exit(0)", "pytest.exit('x', 0)", "pytest.xfail('x')"])
def test_a_model_cannot_end_the_run(recorded: Project, statement: str) -> None:
    """A model that skips, exits or ends the run fails its item, and the run ends with exit code 4."""
    (recorded.path / "own.py").write_text(
        "import pytest, sys, torch, toy\n"
        "class Network(toy.Bands):\n"
        f"    def forward(self, images): {statement}\n"
        "def build():\n"
        "    model = Network()\n"
        "    model.load_state_dict(torch.load('good.pth'))\n"
        "    return model\n"
    )
    result = recorded.run(model="own:build")

    result.assert_outcomes(errors=1)
    assert pytest.ExitCode.USAGE_ERROR == result.ret


@pytest.mark.parametrize(
    ("hook", "words"),
    [
        ("report(report): raise SystemExit(0)", "the hook pytest_failaware_report raised SystemExit: 0; *"),
        ("report(report): return 7", "the hook pytest_failaware_report returned 7, which raised TypeError*"),
        ("report(report): yield 1 / 0", "the hook pytest_failaware_report returned <generator*ZeroDivisionError*"),
        ("conditions(): raise SystemExit(0)", "*pytest_failaware_conditions or *raised SystemExit: 0*"),
        ("metrics(): __import__('pytest').skip('x')", "*pytest_failaware_metrics raised Skipped: x*"),
    ],
)
def test_hooks_cannot_end_the_run(recorded: Project, hook: str, words: str) -> None:
    """A hook that skips, exits or returns a wrong value gives one line and exit code 4."""
    (recorded.path / "conftest.py").write_text(f"def pytest_failaware_{hook}\n")
    result = recorded.run("--failaware-report=r.json", model="worse.pth")

    assert pytest.ExitCode.USAGE_ERROR == result.ret
    assert "Traceback" not in result.stdout.str() + result.stderr.str()
    (result.stdout if result.outlines else result.stderr).fnmatch_lines([words])
