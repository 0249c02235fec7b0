"""Results that cannot be compared fail, show both sides, and are stored only with a reason."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import jsonschema
import pytest
import yaml
from project import MARKED, Command, Project

import pytest_failaware
from pytest_failaware.core.lfs import LFS_REMEDY

CLEAN = MARKED.replace("reliability", "reliability(conditions=['clean'])")
UPDATE = "--failaware-update-baselines"
REASON = "--failaware-reason=another camera"
RESET = "--failaware-reset-golden"
OTHER = "--failaware-preprocess=mean=0.5,std=0.5"
SCHEMA = json.loads((Path(pytest_failaware.__file__).parent / "report" / "schema.json").read_text(encoding="utf-8"))


@pytest.fixture
def recorded(project: Project) -> Project:
    """Return the project with a baseline of one condition."""
    project.test(CLEAN)
    project.record()
    return project


def samples(project: Project) -> list[Path]:
    """Return the sample files."""
    return sorted((project.path / "baselines" / "toy").glob("*.npz"))


def golden_file(project: Project) -> Path:
    """Return the file of the golden reference."""
    records = project.stored()["clean"]["golden"]["records"]  # type: ignore[index]
    (path,) = [path for path in samples(project) if path.stem.endswith(records[7:19])]
    return path


# ---- absent sample files -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["", "--failaware-strict"])
def test_without_its_sample_files_an_entry_fails(recorded: Project, mode: str) -> None:
    """An entry without its sample files fails for any model, strict or not, with the files and the remedy named."""
    names = [path.name for path in samples(recorded)]
    shutil.rmtree(recorded.path / "baselines" / "toy")
    for model in ("good.pth", "worse.pth"):
        result = recorded.run(*filter(None, [mode]), model=model)

        assert pytest.ExitCode.TESTS_FAILED == result.ret
        line = recorded.line_with(result, "  sample files absent: ")
        assert all(f"baselines/toy/{name}" in line for name in names)
        assert "git checkout, git lfs pull or dvc pull" in line
        assert ".gitignore" in line
        result.stdout.fnmatch_lines(["1 checked: 1 incomparable*"])
        assert recorded.line_with(result, "Restore the absent sample files first, then run again.")
        assert "--failaware-update-baselines" not in result.stdout.str()


def test_a_pointer_of_git_lfs_is_no_sample_file(recorded: Project) -> None:
    """An entry whose sample file is a Git LFS pointer is incomparable, and the message has the remedy for LFS."""
    for path in samples(recorded):
        path.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 5\n")
    result = recorded.run()

    result.assert_outcomes(failed=1)
    assert recorded.line_with(result, "  sample files that are Git LFS pointers: baselines/toy/", LFS_REMEDY)


@pytest.mark.parametrize("meant", [(), (REASON,)])
def test_absent_files_are_replaced_only_with_reason_and_reset(recorded: Project, meant: tuple[str, ...]) -> None:
    """An update replaces absent sample files only with a reason and a reset, since golden is lost with them."""
    for path in samples(recorded):
        path.unlink()
    before = recorded.files()
    refused = recorded.run(UPDATE, *meant, model="worse.pth")

    assert (pytest.ExitCode.USAGE_ERROR, before) == (refused.ret, recorded.files())
    assert recorded.line_with(refused, "baseline 'toy' NOT written: ", "clean", RESET)
    refused.assert_outcomes(failed=1)
    stored = recorded.run(UPDATE, REASON, RESET, model="worse.pth")
    assert pytest.ExitCode.OK == stored.ret
    stored.stdout.fnmatch_lines(["*toy.yaml: updated clean; drift starts from the new values for *"])
    assert [True] == [change["golden_reset"] for change in recorded.stored()["clean"]["history"]]  # type: ignore[index]


def test_a_lost_golden_reference_is_no_clean_slate(recorded: Project) -> None:
    """An entry without its golden file is incomparable, and an update without the reset changes no file."""
    recorded.record(model="worse.pth")
    golden = golden_file(recorded)
    golden.unlink()
    before = recorded.files()

    result = recorded.run(model="worse.pth")
    result.assert_outcomes(failed=1)
    assert recorded.line_with(result, f"sample files absent: baselines/toy/{golden.name}; ")
    assert pytest.ExitCode.USAGE_ERROR == recorded.run(UPDATE, REASON, model="worse.pth").ret
    assert before == recorded.files()


def test_golden_stays_where_the_stored_samples_alone_are_lost(recorded: Project) -> None:
    """If only the stored samples are lost, an update needs a reason and keeps the golden reference."""
    recorded.record(model="worse.pth")
    golden = recorded.stored()["clean"]["golden"]  # type: ignore[index]
    recorded.sample_file("clean").unlink()
    assert pytest.ExitCode.USAGE_ERROR == recorded.run(UPDATE, model="worse.pth").ret
    result = recorded.run(UPDATE, REASON, model="worse.pth")

    assert pytest.ExitCode.OK == result.ret
    assert golden == recorded.stored()["clean"]["golden"]  # type: ignore[index]
    assert golden_file(recorded).is_file()


# ---- other measurements --------------------------------------------------------------------------------------------


def test_both_sides_are_shown_and_not_compared(recorded: Project) -> None:
    """The terminal and all reports show both sides of an incomparable result and say that they are not comparable."""
    files = [f"--failaware-report=r.{kind}" for kind in ("md", "html", "json")]
    result = recorded.run(OTHER, *files, model="worse.pth")

    result.stdout.fnmatch_lines(
        [
            "  for orientation, not the same measurement: accuracy 60.00% -> 40.00%, flagged *",
            "not the same measurement *accuracy*flagged*confident_accuracy *verdict",
            "test_toy[[]clean] *60.00% -> 40.00% *INCOMPARABLE",
        ]
    )
    text = {kind: (recorded.path / f"r.{kind}").read_text(encoding="utf-8") for kind in ("md", "html", "json")}
    assert "| not the same measurement | accuracy | flagged |" in text["md"]
    assert "60.00% -> 40.00%" in text["md"]
    assert "not the same measurement: baseline 60.00%" in text["html"]
    document = json.loads(text["json"])
    jsonschema.validate(document, SCHEMA)
    assert (0.6, 0.4) == tuple(document["results"][0][side]["accuracy"]["value"] for side in ("stored", "rates"))


def test_the_command_has_the_options_it_needs(recorded: Project) -> None:
    """The printed command has the options that the update needs and says why; a regression needs only a reason."""
    result = recorded.run(OTHER)

    result.stdout.fnmatch_lines(
        [
            f'  pytest * {OTHER} {UPDATE} {RESET} --failaware-reason="…"',
            "--failaware-reason is in it because stored and new values are not the same measurement: look at both.",
            f"{RESET} is in it because the golden reference, from which drift is measured, cannot stay *",
        ]
    )
    plain = recorded.run(model="worse.pth")
    plain.stdout.fnmatch_lines(
        [
            f'  pytest * {UPDATE} --failaware-reason="…"',
            "--failaware-reason is in it because the new values are worse: say why that is meant.",
        ]
    )
    assert f"{RESET} is in it" not in plain.stdout.str()


def test_another_measurement_is_stored_only_with_reason_and_reset(recorded: Project) -> None:
    """Another measurement is stored only with a reason and a reset; otherwise no file changes and the run fails."""
    before = recorded.files()
    for meant in ((), (REASON,)):
        refused = recorded.run(UPDATE, OTHER, *meant, model="worse.pth")
        assert (pytest.ExitCode.USAGE_ERROR, before) == (refused.ret, recorded.files())
        assert recorded.line_with(refused, "NOT written", "cannot be compared", RESET)
        refused.stdout.fnmatch_lines(["1 checked: 1 incomparable"])
    dry = recorded.run(UPDATE, "--failaware-dry-run", OTHER)
    assert (pytest.ExitCode.USAGE_ERROR, before) == (dry.ret, recorded.files())

    done = recorded.run(UPDATE, OTHER, REASON, RESET, model="worse.pth")
    assert pytest.ExitCode.OK == done.ret
    done.stdout.fnmatch_lines(["not the same measurement *", "test_toy[[]clean] *60.00% -> 40.00% *updated"])
    quiet = recorded.run(UPDATE, REASON, RESET, "-q")
    quiet.stdout.fnmatch_lines(["not the same measurement *", "test_toy[[]clean] *40.00% -> 60.00% *updated"])
    text = recorded.baseline.read_text(encoding="utf-8")
    assert "golden_reset: true" in text
    assert "golden:" not in text


def test_a_reset_is_not_said_of_what_had_nothing_to_reset(project: Project) -> None:
    """The history has no reset for new entries and for updates that keep the golden reference."""
    project.test(CLEAN)
    project.record("--failaware-reason=first")
    project.record("--failaware-reason=worse", model="worse.pth")

    assert "golden_reset" not in project.baseline.read_text(encoding="utf-8")


def test_golden_reset_is_true_or_absent(recorded: Project) -> None:
    """A baseline with `golden_reset: false` is refused, since only a person can have written it."""
    recorded.record(RESET, "--failaware-reason=why", model="worse.pth")
    text = recorded.baseline.read_text(encoding="utf-8")
    recorded.baseline.write_text(text.replace("golden_reset: true", "golden_reset: false"), encoding="utf-8")
    result = recorded.run()

    assert pytest.ExitCode.USAGE_ERROR == result.ret
    assert recorded.line_with(result, "golden_reset is False; it is true or absent")


def test_shared_images_do_not_drop_golden_in_silence(recorded: Project) -> None:
    """An update on other images needs the reset of golden, even if the shared images are compared."""
    (recorded.path / "part.py").write_text(
        "import toy\n\ndef fewer(): return toy.Images(order=tuple(range(285)))\n", encoding="utf-8"
    )
    recorded.ini("failaware_dataset_change = shared", "failaware_dataset = part:fewer")
    tox = (recorded.path / "tox.ini").read_text(encoding="utf-8")
    (recorded.path / "tox.ini").write_text(tox.replace("failaware_dataset = toy:images\n", ""), encoding="utf-8")
    before = recorded.files()
    refused = recorded.run(UPDATE)

    assert (pytest.ExitCode.USAGE_ERROR, before) == (refused.ret, recorded.files())
    assert recorded.line_with(refused, "NOT written", "golden reference", RESET)
    assert pytest.ExitCode.OK == recorded.run(UPDATE, RESET, REASON).ret


def test_only_missing_entries_are_added_without_a_reason(recorded: Project) -> None:
    """--failaware-update-new adds the missing entry and leaves the stored one unchanged."""
    recorded.test(MARKED)
    for path in samples(recorded):
        if path.name.startswith("clean"):
            path.unlink()
    entry = recorded.stored()["clean"]
    result = recorded.run("--failaware-update-new")

    result.assert_outcomes(passed=1, failed=1)
    assert {"clean", "low_light"} == set(recorded.stored())
    assert entry == recorded.stored()["clean"]


# ---- python -m pytest_failaware accept -----------------------------------------------------------------------------


def test_accept_asks_for_the_same(recorded: Project, command: Command) -> None:
    """`accept` asks for the reason and the reset with exit code 4, and stores the values if it gets both."""
    recorded.run(OTHER, "--failaware-report=r.json", model="worse.pth")
    before = recorded.files()
    for given, words in (
        ((), 'could not be compared with what was stored; look at both values in the report of the run*--reason="why"'),
        (
            ("--reason=another camera",),
            "golden reference, from which drift is measured, cannot stay*add --reset-golden",
        ),
    ):
        code, text = command("accept", "r.json", *given)
        assert (4, before) == (code, recorded.files())
        assert all(part in text for part in words.split("*"))
        assert "--failaware-re" not in text
    assert 0 == command("accept", "r.json", "--reason=another camera", "--reset-golden")[0]
    assert "mean=0.5" in yaml.safe_load(recorded.baseline.read_text(encoding="utf-8"))["preprocessing"]
