"""The README: every command runs, in order, and a run prints what the README shows."""

from __future__ import annotations

import re
import shlex
import shutil
import tomllib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import sklearn.datasets  # noqa: F401 - a pytest run inside a test forgets the modules it imported
import torch
import torchvision
import yaml
from pages import Block, blocks
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
COLOURS = {"bird": (200, 60, 60), "cat": (60, 200, 60), "dog": (60, 60, 200)}

NOT_RUN = (
    "python3 -m venv .venv",
    '.venv/bin/pip install -e ".[demo]"',
    '.venv/bin/pip install -e ".[test]"',
    ".venv/bin/pytest",  # the package's own tests
)
"""Commands that the test cannot run; the script in .ci runs them."""


def noise(colour: Sequence[int], seed: int) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """Return an image of 64 x 64 pixels with colours around the given one."""
    spread = np.random.default_rng(seed).normal(0, 20, (64, 64, 3))
    return (np.asarray(colour) + spread).clip(0, 255).astype(np.uint8)


def write_images(folder: Path) -> torch.Tensor:
    """Write three images of each class and return all of them as inputs of the model."""
    images = []
    for number, (name, colour) in enumerate(COLOURS.items()):
        (folder / name).mkdir(parents=True)
        for k in range(3):
            image = Image.fromarray(noise(colour, 3 * number + k))
            image.save(folder / name / f"{k}.png")
            images.append(np.asarray(image.resize((224, 224), Image.Resampling.BILINEAR)))
    pixels = torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2) / 255
    mean, std = (torch.tensor(values)[:, None, None] for values in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
    return (pixels - mean) / std


def write_models(folder: Path, inputs: torch.Tensor) -> None:
    """Write a ResNet-18 that knows the classes, and a candidate with the same answers."""
    torch.manual_seed(0)
    model = torchvision.models.resnet18(num_classes=len(COLOURS))
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = None  # so that the statistics are those of these images only
    body = torch.nn.Sequential(*list(model.children())[:-1], torch.nn.Flatten())
    targets = 8 * torch.eye(len(COLOURS)).repeat_interleave(3, 0)
    with torch.no_grad():
        body(inputs)
        features = body.eval()(inputs)
        centre, mean = features.mean(0), targets.mean(0)
        fit = torch.linalg.lstsq(features - centre, targets - mean, rcond=1e-3, driver="gelsd")
        model.fc.weight.copy_(fit.solution.T)
        model.fc.bias.copy_(mean - model.fc.weight @ centre)
    torch.save(model.state_dict(), folder / "resnet18.pth")
    scaled = {name: tensor * 1.001 if name == "fc.weight" else tensor for name, tensor in model.state_dict().items()}
    torch.save(scaled, folder / "candidate.pth")


@pytest.fixture
def folders(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> dict[str, Path]:
    """Return a clone, a project with a model and images, and an empty folder for predictions."""
    monkeypatch.delenv("CI", raising=False)
    clone, project, predictions = (pytester.mkdir(name) for name in ("clone", "project", "predictions"))
    shutil.copytree(ROOT / "examples" / "digits", clone / "examples" / "digits")
    shutil.copytree(ROOT / "baselines", clone / "baselines")
    write_models(project, write_images(project / "data" / "test"))
    return {"clone": clone, "project": project, "predictions": predictions}


def folder_of(block: Block) -> str:
    """Return the folder in which a reader types a block."""
    if "examples/digits" in block.text:
        return "clone"
    return "predictions" if "sentiment" in block.text or block.language == "csv" else "project"


def commands(block: Block) -> list[tuple[str, int]]:
    """Return the commands of a block that can be run here, each with its exit code."""
    lines = block.text.splitlines() if block.language == "sh" else re.findall(r"- run: (.*)", block.text)
    parted = [line.partition("  # exit code ") for line in lines]
    typed = [(command, int(code or 0)) for line, _, code in parted for command in line.split(" && ")]
    return [(command, code) for command, code in typed if command not in NOT_RUN and not command.startswith("pip ")]


def test_every_command_runs_in_order(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, folders: dict[str, Path]
) -> None:
    """Every command of the README, run in order, ends with the exit code in its text, and every script runs."""
    outputs = []
    for block in blocks(README, "sh", "ini", "csv", "python", "yaml"):
        folder = folders[folder_of(block)]
        monkeypatch.chdir(folder)
        if block.file:
            (folder / block.file).write_text(block.text, encoding="utf-8")
        elif block.language == "python":
            exec(compile(block.text, "README.md", "exec"), {})
        for command, code in commands(block) if block.language in ("sh", "yaml") else ():
            program, *words = shlex.split(command)
            assert program in ("pytest", ".venv/bin/pytest"), command
            result = pytester.runpytest_inprocess("-p", "no:randomly", *words)
            assert code == result.ret, command
            outputs.append(str(result.stdout))

    assert 10 == len(outputs)
    assert (folders["clone"] / "report.html").is_file()
    assert (folders["project"] / "baselines" / "resnet18.yaml").is_file()
    assert {"report.html", "report.json", "report.records.zip"} == {
        path.name for path in folders["project"].glob("report.*")
    }
    assert "2 checked: 2 recorded" in outputs[-3]
    assert "2 checked: 2 unchanged" in outputs[-2]
    check_failure(outputs[1])


def check_failure(printed: str) -> None:
    """Check that a run prints the failure that the README explains, except for digits, which depend on torch."""
    (shown,) = (block.text for block in blocks(README, "text") if "worse than the recipe" in block.text)
    *lines, changed = (re.sub(r"\d[\d.e-]*", "0", line) for line in shown.splitlines())
    printed = re.sub(r"\d[\d.e-]*", "0", printed)

    assert "what else changed: model" in changed
    assert [] == [line for line in lines if f"{line}\n" not in printed]


def test_it_is_short() -> None:
    """The README has at most 250 lines."""
    assert 250 >= len(README.splitlines())


def test_the_commands_that_are_not_run_are_there() -> None:
    """Each command that the test cannot run still stands in the README."""
    parts = [part for block in blocks(README, "sh") for line in block.text.splitlines() for part in line.split(" && ")]

    assert set(NOT_RUN) <= set(parts)


def test_the_install_without_torch_names_every_other_dependency() -> None:
    """The install line without torch names every other dependency with its lowest version."""
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]
    (line,) = (line for block in blocks(README, "sh") for line in block.text.splitlines() if "numpy" in line)

    assert sorted(name for name in declared if not name.startswith("torch")) == sorted(shlex.split(line)[2:])


def test_its_workflow_is_the_short_form_of_the_recipe() -> None:
    """The workflow of the README uses actions, versions and commands of the recipe's workflow."""
    (short,) = (yaml.safe_load(block.text) for block in blocks(README, "yaml"))
    recipes = (ROOT / "docs" / "howto.md").read_text(encoding="utf-8")
    full = next(yaml.safe_load(block.text) for block in blocks(recipes, "yaml") if "runs-on" in block.text)
    steps, all_steps = short["jobs"]["gate"]["steps"], full["jobs"]["gate"]["steps"]
    runs = "\n".join(step.get("run", "") for step in all_steps)

    assert {step["uses"] for step in steps if "uses" in step} <= {step.get("uses") for step in all_steps}
    assert all(step["run"] in runs for step in steps if "run" in step)
