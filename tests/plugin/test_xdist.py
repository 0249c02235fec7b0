"""Gates under xdist. The workers here are new processes, which import torch again, so there are few runs."""

from __future__ import annotations

import json
import os

import pytest
import toy
from PIL import Image
from project import MARKED, Project

pytest.importorskip("xdist")

ALL_FOUR = MARKED.replace("reliability", "reliability(conditions=['clean', 'gaussian_noise', 'blur', 'low_light'])")

COLOUR = """
import toy

class Colour(toy.Bands):
    def forward(self, images):
        return super().forward(images.mean(1))

def network(num_classes=3):
    return Colour(num_classes)
"""


@pytest.fixture
def _forked_workers() -> None:
    """Let execnet start the workers."""


def test_workers_record_what_one_process_records(project: Project) -> None:
    """A run with two workers writes every entry with the same bytes as a run without workers."""
    project.test(ALL_FOUR)
    project.record("-p", "no:xdist")
    alone = {name: content for name, (content, _) in project.files().items()}
    for path in sorted((project.path / "baselines").rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    together = project.record("-n", "2")

    together.assert_outcomes(passed=4)
    together.stdout.fnmatch_lines(["4 checked: 4 recorded"])
    assert alone == {name: content for name, (content, _) in project.files().items()}


def test_failures_and_mistakes_in_workers(project: Project) -> None:
    """With workers a regression has its text, a bad model gives exit code 4, and a lost worker writes nothing."""
    project.test(ALL_FOUR)
    project.record("-p", "no:xdist")
    before = project.files()
    worse = project.run("-n", "2", "-v", model="worse.pth")
    worse.assert_outcomes(failed=4)
    worse.stdout.fnmatch_lines(["    item *: 'bottom', before 'bottom' (*", "*4 checked: 4 regressed"])

    unusable = project.run("-n", "2", model="absent.pth")
    unusable.assert_outcomes(errors=4)
    assert pytest.ExitCode.USAGE_ERROR == unusable.ret
    assert "INTERNALERROR" not in unusable.stdout.str()

    project.test(ALL_FOUR + "\ndef test_dies():\n    import os\n    os._exit(1)\n")
    lost = project.record("-n", "2", model="worse.pth")
    lost.stdout.fnmatch_lines(["baselines NOT written: an xdist worker was lost; *"])
    assert before == project.files()


def test_a_class_folder_whose_name_is_no_utf8(project: Project) -> None:
    """A class name that is not UTF-8 is sent by a worker and stands in the report as text."""
    images, labels = toy.arrays()
    odd = os.fsdecode(b"caf\xe9")
    for k in range(30):
        path = project.path / "data" / (odd, "dog", "eel")[labels[k]] / f"{odd}-{k}.png"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(images[k]).save(path, "PNG")
        except (OSError, UnicodeError):
            pytest.skip("the file system accepts only UTF-8")
    (project.path / "colour.py").write_text(COLOUR, encoding="utf-8")
    project.test(MARKED.replace("reliability", "reliability(conditions=['clean'])"))
    project.always = ("--failaware-arch=colour:network", "--failaware-dataset=folder:data", "-n", "2")
    result = project.record("--failaware-report=r.json")

    result.assert_outcomes(passed=1)
    document = json.loads((project.path / "r.json").read_text(encoding="utf-8"))
    assert ["caf\\udce9", "dog", "eel"] == document["results"][0]["measurement"]["data"]["classes"]
