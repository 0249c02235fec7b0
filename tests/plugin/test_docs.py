"""The pages in docs/: blocks that can run are run, the others are parsed, and every link is followed."""

from __future__ import annotations

import configparser
import importlib
import re
import runpy
import shlex
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
import torchvision
import toy
import yaml
from fastapi.testclient import TestClient
from onnx import TensorProto, helper, numpy_helper
from pages import blocks
from PIL import Image
from test_structure import MAY_IMPORT

from pytest_failaware.cli.main import main, parser_of
from pytest_failaware.config.options import INI_KEYS, OPTIONS

ROOT = Path(__file__).resolve().parents[2]
PAGES = {str(path.relative_to(ROOT)): path.read_text("utf-8") for path in [ROOT / "README.md", *ROOT.glob("docs/*.md")]}
COMMAND = "python -m pytest_failaware "


def typed(text: str) -> Iterator[str]:
    """Yield every command line of a page."""
    for block in blocks(text, "sh"):
        yield from block.text.splitlines()
    for block in blocks(text, "console"):
        yield from (line.removeprefix("$ ") for line in block.text.splitlines() if line.startswith("$ "))
    for block in blocks(text, "yaml"):
        yield from re.findall(r"^ *- (?:run: )?((?:pytest|python|pip) .*)$", block.text, re.MULTILINE)


TUTORIAL = PAGES["docs/tutorial.md"].partition("## When a recipe is trained again")
SECTIONS = re.split(r"^## ", PAGES["docs/howto.md"], flags=re.MULTILINE)
RECIPES = {section.partition("\n")[0]: section for section in SECTIONS[1:] if blocks(section, "sh", "python")}


class Desk:
    """A folder in which the files of a page are written and its command lines are run."""

    def __init__(self, pytester: pytest.Pytester) -> None:
        self.pytester = pytester
        self.printed: list[str] = []

    def follow(self, text: str) -> None:
        """Write the files of the text and run its commands; each must end with 0 or with the code in its comment."""
        for block in blocks(text, "python", "ini", "csv"):
            if block.file:
                (self.pytester.path / block.file).write_text(block.text, encoding="utf-8")
        for block in blocks(text, "sh"):
            for line in block.text.splitlines():
                command, _, remark = line.partition("  # exit code ")
                assert int(remark or 0) == self.run(command), command

    def walk(self, text: str) -> None:
        """Take the blocks in order: write files, run commands, and find each line of a text in what they printed."""
        for block in blocks(text, "python", "ini", "sh", "text"):
            if block.language == "sh":
                self.printed.clear()
                self.follow(f"```sh\n{block.text}```")
            elif block.file:
                (self.pytester.path / block.file).write_text(block.text, encoding="utf-8")
            else:
                assert [] == [line for line in block.text.splitlines() if line.rstrip() not in self.printed]

    def run(self, command: str) -> int:
        """Run a command and return its exit code."""
        if command.startswith(COMMAND):
            return main(shlex.split(command.removeprefix(COMMAND)))
        program, *words = shlex.split(command)
        if program == "python":
            runpy.run_path(words[0])
            return 0
        assert program == "pytest", f"{command}: only pytest and the package's own commands can be run here"
        result = self.pytester.runpytest_inprocess("-p", "no:randomly", *words)
        self.printed += [line.rstrip() for line in result.outlines]
        return int(result.ret)


@pytest.fixture
def desk(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """Return an empty folder as a desk."""
    monkeypatch.chdir(pytester.path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    return Desk(pytester)


@pytest.fixture
def project(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """Return the project that the recipes start from, with the toy classifier in place of the reader's."""
    path = desk.pytester.path
    source = Path(toy.__file__).read_text(encoding="utf-8")
    (path / "mypkg.py").write_text(source + "\n\ntest_set = images\n", encoding="utf-8")
    torch.save(toy.weights(), path / "model.pth")
    torch.save(toy.weights(dead=(2,)), path / "candidate.pth")
    onnx.save(exported(toy.weights()), path / "model.onnx")
    shutil.copytree(ROOT / "baselines", path / "baselines")
    for module in ("mypkg", "service"):
        monkeypatch.delitem(sys.modules, module, raising=False)
    desk.follow(SECTIONS[0])
    return desk


def exported(weights: dict[str, torch.Tensor]) -> onnx.ModelProto:
    """Return the toy classifier as an ONNX model."""
    nodes = [
        helper.make_node("Flatten", ["images"], ["flat"]),
        helper.make_node("Gemm", ["flat", "linear.weight", "linear.bias"], ["logits"], transB=1),
    ]
    images = helper.make_tensor_value_info("images", TensorProto.FLOAT, ["n", 1, 8, 8])
    logits = helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["n", 3])
    stored = [numpy_helper.from_array(tensor.numpy(), name) for name, tensor in weights.items()]
    graph = helper.make_graph(nodes, "toy", [images], [logits], stored)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_recipe_does_what_it_says(project: Desk, recipe: str) -> None:
    """The files of a recipe can be written into the project of the page, and its commands end as the recipe says."""
    project.follow(RECIPES[recipe])

    for block in blocks(RECIPES[recipe], "python"):
        if not block.file:
            sys.path.insert(0, str(project.pytester.path))
            exec(compile(block.text, "howto.md", "exec"), {})


def test_the_service_flags_an_answer_that_is_none(project: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The recipe's handler answers 200 with `flagged: true` if the network returns NaN, which a gate flags, too."""
    project.follow(RECIPES["Flag predictions in a service"])
    monkeypatch.syspath_prepend(project.pytester.path)
    service = importlib.import_module("service")
    monkeypatch.setattr(service, "model", lambda images: torch.full((len(images), 3), torch.nan))
    response = TestClient(service.app).post("/classify", json=[[1.0] * 8] * 8)

    assert (200, True) == (response.status_code, response.json()["flagged"])


def test_the_tutorial_writes_its_table(desk: Desk) -> None:
    """The example writes a table with the columns and rows that the page shows, here on ten random images."""
    tutorial, example = TUTORIAL[0], ROOT / "examples" / "cifar10_resnet18"
    ours = desk.pytester.path / "examples" / "cifar10_resnet18"
    shutil.copytree(example, ours)
    torch.manual_seed(0)
    torch.save(torchvision.models.resnet18(num_classes=10).state_dict(), desk.pytester.path / "resnet18.pth")
    for k in range(10):
        (ours / "data" / "test" / f"class{k}").mkdir(parents=True)
        noise = np.random.default_rng(k).integers(0, 256, (32, 32, 3), dtype=np.uint8)
        Image.fromarray(noise).save(ours / "data" / "test" / f"class{k}" / "0.png")
    record, compare, _ = (block.text.strip() for block in blocks(tutorial, "sh"))

    reason = " --failaware-reason=random"  # values of random weights are stored only with a reason
    assert 0 == desk.run(record + reason) == desk.run(compare)
    (shown,) = (block.text.splitlines() for block in blocks(tutorial, "csv"))
    table = (desk.pytester.path / "table.csv").read_text(encoding="utf-8").splitlines()
    assert shown[0] == table[0]
    assert [row.split(",")[0] for row in shown] == [row.split(",")[0] for row in table]
    assert (desk.pytester.path / "report.html").is_file()
    for block in blocks(tutorial, "ini", "python")[:2]:
        assert set(block.text.split()) - {"..."} <= {
            word for path in example.iterdir() if path.is_file() for word in path.read_text(encoding="utf-8").split()
        }


def test_the_tutorial_runs_on_digits(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The last command of the tutorial passes, and its script prints the two lines that belong to it."""
    command = blocks(TUTORIAL[0], "sh")[-1].text.replace("examples/digits", f"{ROOT}/examples/digits")

    assert 0 == desk.run(command)
    monkeypatch.chdir(ROOT)
    capsys.readouterr()
    (script,) = (one.text for one in blocks(TUTORIAL[0], "python") if "evaluate(" in one.text)
    exec(compile(script, "tutorial.md", "exec"), {})
    assert ["clean 0.9855 0.0223 0.9909", "low_light 0.9632 0.1161 0.9823"] == capsys.readouterr().out.splitlines()


def test_the_tutorial_trains_again_and_mends_a_moved_point(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """A retrain passes and a faulty one fails; logits of another size move the point, and the printed rule mends it."""
    monkeypatch.delitem(sys.modules, "digits", raising=False)
    for folder in ("examples/digits", "baselines"):
        shutil.copytree(ROOT / folder, desk.pytester.path / folder)

    desk.walk(TUTORIAL[2])


def sights(capsys: pytest.CaptureFixture[str], samples: int, *words: str) -> list[str]:
    """Return the smallest loss of accuracy that `plan` prints, with few flips and with many."""
    assert 0 == main(["plan", "--samples", str(samples), *words])
    (row,) = (line for line in capsys.readouterr().out.splitlines() if line.startswith("each       accuracy  "))
    return re.findall(r"([\d.]+) pt", row)


def test_the_pages_have_the_numbers_of_plan(capsys: pytest.CaptureFixture[str]) -> None:
    """The smallest losses on the pages are those that the command prints."""
    page = PAGES["docs/which_setting.md"]
    many = [sights(capsys, samples)[1] for samples in (2_000, 5_000, 10_000)]
    few = [sights(capsys, samples, "--gate", "policy=any_drop")[0] for samples in (2_000, 5_000)]
    assert "accuracy: {} points with 2,000 images, {} with 5,000, {} with 10,000 |".format(*many) in page
    assert "accuracy: {} points with 2,000 images, {} with 5,000, if few answers flip |".format(*few) in page
    assert f"a loss of {sights(capsys, 5_000)[0]} points of accuracy is found with 5,000 images if 0.2 %" in page

    ranges = [" to ".join(f"{float(loss):.1f}" for loss in sights(capsys, samples)) for samples in (120, 1_000, 5_000)]
    for name in ("README.md", "docs/statistics.md"):
        text = " ".join(PAGES[name].split())
        assert "{} points with 120 images, {} with 1,000, {} with 5,000".format(*ranges) in text


@pytest.mark.parametrize("page", PAGES)
def test_every_command_and_key_exists(page: str) -> None:
    """Every option and ini key in a block exists, every command can be parsed, and every YAML block is valid."""
    text = PAGES[page]
    options = {option.typed for option in OPTIONS}
    keys = {option.ini for option in OPTIONS} | {f"failaware_{key}" for key in INI_KEYS}
    for line in typed(text):
        assert set(re.findall(r"--failaware-[a-z-]+", line)) <= options, line
        if line.startswith(COMMAND):
            words = shlex.split(line.removeprefix(COMMAND), comments=True)
            parser_of(words).parse_args(words)
    for block in blocks(text, "ini"):
        ini = configparser.ConfigParser(interpolation=None)
        ini.read_string(block.text)
        assert {key for key in ini["pytest"] if key.startswith("failaware_")} <= keys, block.text
    for block in blocks(text, "yaml"):
        assert yaml.safe_load(block.text)
    for block in blocks(text, "python"):
        compile(block.text, page, "exec")


@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_somewhere(page: str) -> None:
    """Every relative link leads to a file of the repository and to a heading of that file."""
    prose = re.sub(r"^ *```.*?^ *```$", "", PAGES[page], flags=re.DOTALL | re.MULTILINE)
    for target in re.findall(r"\]\((?!https?:)([^)\s]+)\)", prose):
        path, _, anchor = target.partition("#")
        found = (ROOT / page).parent / path if path else ROOT / page
        assert found.exists(), f"{page}: {target}"
        if anchor:
            assert anchor in headings(found.read_text(encoding="utf-8")), f"{page}: {target}"


def headings(text: str) -> set[str]:
    """Return the anchors of a page's headings, in the spelling that GitHub and MkDocs share."""
    titles = re.findall(r"^##* (.*)", re.sub(r"```.*?```", "", text, flags=re.DOTALL), re.MULTILINE)
    return {re.sub(r"[^a-z0-9 _-]", "", title.lower()).strip().replace(" ", "-") for title in titles}


def test_the_site_shows_every_page() -> None:
    """Each page is once in the navigation, and the start page has a link to each other page."""
    site = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))
    shown = [path for entry in site["nav"] for path in entry.values()]
    pages = sorted(path.name for path in ROOT.glob("docs/*.md"))

    assert pages == sorted(shown)
    assert set(pages) - {"index.md"} <= set(re.findall(r"\]\((\w+\.md)\)", PAGES["docs/index.md"]))


STRUCTURE = PAGES["docs/structure.md"].partition("## Tests")[0]


PACKAGE = ROOT / "pytest_failaware"


def listed_paths() -> set[str]:
    """Return the files and folders of the package that the page on the structure names."""
    named = re.findall(r"`((?:[a-z_]+/)+(?:[a-z_]+\.py)?|[a-z_]+\.py)`", STRUCTURE)
    return {path for path in named if not path.startswith(("tests/", "pytest_failaware/"))}


def test_the_page_of_the_structure_names_what_exists() -> None:
    """Every path on the page is a file or a folder of the package."""
    assert 60 < len(listed_paths())
    assert [] == sorted(path for path in listed_paths() if not (PACKAGE / path).exists())


def test_the_page_of_the_structure_names_every_file() -> None:
    """The page names each module of the package, or a folder inside the room that holds it."""
    modules = [path.relative_to(PACKAGE) for path in PACKAGE.rglob("*.py") if path.name != "__init__.py"]
    listed = {PACKAGE / path for path in listed_paths() if path.removesuffix("/") not in MAY_IMPORT}
    missing = [path for path in modules if listed.isdisjoint({PACKAGE / path, *(PACKAGE / path).parents})]

    assert 250 < len(modules)
    assert [] == sorted(map(str, missing))


def test_the_page_of_the_structure_has_the_table_of_rooms() -> None:
    """The table of the page allows each room the imports that the test of the structure allows."""
    rows = re.findall(r"^\| `(\w+)/` \| .* \| ([a-z, ]+) \|$", STRUCTURE.partition("## The files")[0], re.MULTILINE)
    shown = {room: "" if others == "nothing of ours" else others for room, others in rows}
    folders = {path.name for path in (ROOT / "pytest_failaware").iterdir() if (path / "__init__.py").is_file()}

    assert {room: ", ".join(sorted(MAY_IMPORT[room])) for room in folders} == shown
