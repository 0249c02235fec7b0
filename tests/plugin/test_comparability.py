"""What may be compared: shared images, a limit, an override; and the causes that a failure names."""

from __future__ import annotations

import pytest
from project import MARKED, Project

ONE = MARKED.replace("reliability", "reliability(conditions=['clean'])")
PART = """
import toy

def fewer(): return toy.Images(order=tuple(range(285)))

def shifted():
    images = toy.Images()
    images.images[:15, 7, 7] = 1
    return images

def others():
    images = toy.Images()
    images.images[:, 7, 7] = 1
    return images
"""


@pytest.fixture
def recorded(project: Project) -> Project:
    """The project with a baseline of its 300 images, and other data sets in part.py."""
    project.test(ONE)
    project.record()
    (project.path / "part.py").write_text(PART)
    return project


def test_another_data_set_fails_by_default(recorded: Project) -> None:
    """Fewer samples and other samples are incomparable; if most are shared, the setting that compares them is named."""
    shared = "; failaware_dataset_change = shared in the ini compares the 285 that both have"
    other = "samples: the same number, but other samples (*)"
    for data, words in (("fewer", "samples: baseline 300, now 285"), ("shifted", other)):
        result = recorded.run(f"--failaware-dataset=part:{data}")

        result.assert_outcomes(failed=1)
        result.stdout.fnmatch_lines([f"  {words}{shared}", "1 checked: 1 incomparable"])


def test_shared_images_are_compared(recorded: Project) -> None:
    """With failaware_dataset_change = shared the gate judges the images of both sides and says how many they are."""
    recorded.ini("failaware_dataset_change = shared")
    fewer = recorded.run("-v", "--failaware-dataset=part:fewer")
    fewer.assert_outcomes(passed=1)
    fewer.stdout.fnmatch_lines(["note: paired on 285 of 300"])

    shifted = recorded.run("-v", "--failaware-dataset=part:shifted")
    shifted.assert_outcomes(passed=1)
    shifted.stdout.fnmatch_lines(["note: paired on 285 of 300; 15 new"])

    worse = recorded.run("--failaware-dataset=part:shifted", model="worse.pth")
    worse.assert_outcomes(failed=1)
    # Nineteen copies are shared. Each has 9 right answers; the class that the worse model never predicts costs 3.
    worse.stdout.fnmatch_lines(
        ["*  on these 285 samples: 171 -> 114; 57 lost, 0 gained", "  paired on 285 of 300; 15 new"]
    )


def test_no_shared_image_is_incomparable(recorded: Project) -> None:
    """A data set that shares no image with the baseline is incomparable, even if shared images are compared."""
    recorded.ini("failaware_dataset_change = shared")
    result = recorded.run("--failaware-dataset=part:others")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["  samples: 0 of the baseline's 300 are among the 300 of this run; at least half must be"]
    )


def test_a_limit_compares_on_as_many(recorded: Project) -> None:
    """A run with --failaware-limit=60 is compared on 60 images and can store nothing."""
    before = recorded.files()
    result = recorded.run("-v", "--failaware-limit=60", "--failaware-report=r.json")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["note: --failaware-limit measures 60 of the 300 images*", "note: paired on 60 of 300"])
    assert not (recorded.path / "r.records.zip").exists()

    everything = recorded.run("--failaware-limit=999")
    everything.stdout.fnmatch_lines(["1 checked: 1 unchanged"])
    refused = recorded.run("--failaware-limit=60", "--failaware-update-baselines")
    assert pytest.ExitCode.USAGE_ERROR == refused.ret
    assert before == recorded.files()


def test_a_failure_names_what_else_changed(recorded: Project) -> None:
    """A failure names the model and every difference to the environment that recorded the baseline."""
    text = recorded.baseline.read_text()
    recorded.baseline.write_text(text.replace("device: cpu", "device: cuda\n      cuda: '13.2'"))
    result = recorded.run(model="worse.pth")

    line = recorded.line_with(result, "what else changed:")
    assert all(word in line for word in ("model ", "device cuda -> cpu", "cuda 13.2 -> none")), line
    assert "what else" not in recorded.run().stdout.str()


def test_an_override_wins_and_is_seen(recorded: Project) -> None:
    """--failaware-override wins over the gate's other values and is shown in the header."""
    assert pytest.ExitCode.TESTS_FAILED == recorded.run(model="worse.pth").ret
    loose = ("--failaware-override=tolerance=0.5", "--failaware-override=metrics=accuracy confident_accuracy")
    bent = recorded.run(*loose, "--failaware-override=class_guard=off", model="worse.pth")

    assert pytest.ExitCode.OK == bent.ret
    bent.stdout.fnmatch_lines(["failaware: --failaware-override tolerance=0.5*"])
    other = recorded.run("--failaware-override=conditions=blur low_light", "--collect-only", "-q")
    other.stdout.fnmatch_lines(["*test_toy[[]blur]", "*test_toy[[]low_light]"])


def test_the_header_shows_where_values_come_from(project: Project) -> None:
    """The header at -v shows where each value comes from, with the defaults that decide something."""
    result = project.run("-v", "--collect-only")

    result.stdout.fnmatch_lines(
        ["  model = good.pth (command line)", "  arch = toy:network (tox.ini)", "  device = auto (default)"]
    )
    assert "(command line)" not in project.run("--collect-only").stdout.str()
