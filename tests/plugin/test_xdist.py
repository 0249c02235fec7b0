"""Gates under xdist. Most workers here are new processes, which import torch again, so there are few runs."""

from __future__ import annotations

import json
import os

import forked_workers
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


@pytest.fixture
def recorded(project: Project) -> Project:
    """Return a project with four stored conditions."""
    project.test(ALL_FOUR)
    project.record("-p", "no:xdist")
    return project


@pytest.fixture
def forks(monkeypatch: pytest.MonkeyPatch, fork_server: forked_workers.Server) -> None:
    """Let workers be forks, if the system has them."""
    if forked_workers.AVAILABLE:
        monkeypatch.setattr("execnet.gateway_io.popen_args", fork_server.command)


@pytest.mark.usefixtures("forks")
def test_failures_and_mistakes_in_workers(recorded: Project) -> None:
    """With workers a regression has its text, and a bad model gives exit code 4."""
    worse = recorded.run("-n", "2", "-v", model="worse.pth")
    worse.assert_outcomes(failed=5)  # with the mean
    worse.stdout.fnmatch_lines(["    item *: 'bottom', before 'bottom' (*", "*5 checked: 5 regressed"])

    unusable = recorded.run("-n", "2", model="absent.pth")
    unusable.assert_outcomes(errors=4)
    assert pytest.ExitCode.USAGE_ERROR == unusable.ret
    assert "INTERNALERROR" not in unusable.stdout.str()


def test_a_lost_worker(recorded: Project) -> None:
    """An update whose worker is lost writes nothing and says so."""
    before = recorded.files()
    recorded.test(ALL_FOUR + "\ndef test_dies():\n    import os\n    os._exit(1)\n")
    lost = recorded.record("-n", "2", model="worse.pth")
    lost.stdout.fnmatch_lines(["baselines NOT written: an xdist worker was lost; *"])
    assert before == recorded.files()


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
    project.always = ("--failaware-arch=colour:network", "--failaware-dataset=folder:data", "-n", "1")
    result = project.record("--failaware-report=r.json")

    result.assert_outcomes(passed=1)
    document = json.loads((project.path / "r.json").read_text(encoding="utf-8"))
    assert ["caf\\udce9", "dog", "eel"] == document["results"][0]["measurement"]["data"]["classes"]
