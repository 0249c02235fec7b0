"""An unchanged run measures nothing again; if something changes that the records depend on, they are measured again."""

from __future__ import annotations

import hashlib
import json
import warnings
import zipfile
from collections.abc import Callable, Iterator
from functools import cache
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import torch
import toy
from project import MARKED, Project
from torchvision import models

from pytest_failaware.core.records import Records
from pytest_failaware.measure import live as bench
from pytest_failaware.measure.engine.loader import DegradedLoader
from pytest_failaware.measure.models.loading import LoadedModel

INI = """
[pytest]
pythonpath = .
failaware_arch = shufflenet_v2_x0_5
failaware_dataset = npz:images.npz
failaware_preprocess = none
failaware_conditions = clean gaussian_noise
failaware_drift_budget = 1
"""
BOTH = ["clean", "gaussian_noise"]
Measured = list[str]

RANDOM = "--failaware-reason=random weights"
"""A network that was not trained gives an alarm, and is stored only with a reason."""


def save_images(path: Path, *, first_pixel: int = 0) -> None:
    """Write thirty noisy images of three classes with declared ids, so that the ids do not depend on the pixels."""
    images = np.random.default_rng(0).integers(0, 256, size=(30, 32, 32, 3), dtype=np.uint8)
    images[0, 0, 0, 0] = first_pixel
    np.savez(path, images=images, labels=np.arange(30) % 3, ids=np.arange(30), classes=np.array(["a", "b", "c"]))


@cache
def checkpoint(seed: int) -> bytes:
    """Return the content of a checkpoint with random weights."""
    content = BytesIO()
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        torch.save(models.shufflenet_v2_x0_5(num_classes=3).state_dict(), content)
    return content.getvalue()


@pytest.fixture
def stock(project: Project, _copies: None) -> Project:
    """Return a project whose model is a torchvision classifier, with a second checkpoint other.pth."""
    (project.path / "tox.ini").write_text(INI)
    save_images(project.path / "images.npz")
    (project.path / "good.pth").write_bytes(checkpoint(0))
    (project.path / "other.pth").write_bytes(checkpoint(1))
    return project


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """Use one thread, since threads that wait for a busy processor take much longer than these small batches."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> Measured:
    """Return the list of conditions that the model is really run on, in alphabetical order."""
    found: Measured = []
    measure = bench.measure_records

    def counted(model: LoadedModel, loader: DegradedLoader, *others: object, **named: object) -> Records:
        found.append(loader.condition.key)
        found.sort()
        return measure(model, loader, *others, **named)

    monkeypatch.setattr(bench, "measure_records", counted)
    return found


@pytest.mark.parametrize("with_copies", [True])
def test_an_unchanged_run_measures_nothing(stock: Project, measured: Measured) -> None:
    """A second run measures nothing, says so, and reports the same verdicts and the same records."""
    stock.record(RANDOM)
    first = stock.run("--failaware-report=first.json", "--failaware-no-cache")
    assert sorted(BOTH * 2) == measured
    measured.clear()
    second = stock.run("--failaware-report=second.json")

    assert [] == measured
    second.assert_outcomes(passed=2)
    second.stdout.fnmatch_lines(
        ["reused 2 of 2 measured conditions from the cache (--failaware-no-cache measures again)"]
    )
    assert "reused" not in first.stdout.str()
    reports = [json.loads((stock.path / f"{name}.json").read_text()) for name in ("first", "second")]
    reuse = [{one["measured"]: one["anew"] for result in report["results"] for one in result.pop("reuse")}
             for report in reports]  # fmt: skip
    assert [{}, dict.fromkeys(BOTH, "")] == reuse
    by_id = [{result["nodeid"]: result for result in report["results"]} for report in reports]
    for result in (*by_id[0].values(), *by_id[1].values()):
        del result["measurement"]["records"]["member"]  # its number follows the order of the tests
    assert by_id[0] == by_id[1]
    archives = [zipfile.ZipFile(stock.path / f"{name}.records.zip") for name in ("first", "second")]
    assert {archives[0].read(name) for name in archives[0].namelist()} == {
        archives[1].read(name) for name in archives[1].namelist()
    }


def test_baselines_are_written_from_the_cache(stock: Project, measured: Measured) -> None:
    """An update uses the cache and writes the same bytes as without a cache."""
    stock.record("--failaware-no-cache", RANDOM)
    fresh = {name: content for name, (content, _) in stock.files().items()}
    stock.run()
    for path in sorted((stock.path / "baselines").rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    measured.clear()
    stock.record(RANDOM).stdout.fnmatch_lines(["2 checked: 2 recorded"])

    assert [] == measured
    assert fresh == {name: content for name, (content, _) in stock.files().items()}


@pytest.mark.parametrize(
    ("arguments", "anew", "reason"),
    [
        (["--failaware-override=rule=confidence < 0.9"], BOTH, "the cache has no scores for the rule confidence < 0.9"),
        (["--failaware-override=rule=confidence < 0.6 or entropy > 1.0 at temperature 1.5"], BOTH,
         "the cache has no scores for the rule confidence < 0.6 or entropy > 1.0 at temperature 1.5"),
        (["--failaware-override=seed=7"], ["gaussian_noise"], "seed was 0, is 7"),
        (["--failaware-batch-size=7"], BOTH, "batch size was 341, is 7"),
        (["--failaware-limit=10"], BOTH,
         "number of images was 30, is 10; images changed; sample ids and labels changed"),
        (["--failaware-preprocess=mean=0.5,std=0.5"], BOTH, "preprocessing was none, is mean=0.5, std=0.5"),
        (["--failaware-preprocess=resize=32"], BOTH, "preprocessing was none, is resize=32, interpolation=bilinear"),
        (["--failaware-override=conditions=gaussian_noise(sigma=0.1)"], ["gaussian_noise(sigma=0.1)"],
         "not in the cache yet"),
        (["--failaware-model=other.pth"], BOTH, "weights changed"),
    ],
)  # fmt: skip
def test_what_depends_on_it_is_measured_anew(
    stock: Project, measured: Measured, arguments: list[str], anew: list[str], reason: str
) -> None:
    """A change measures only the conditions that depend on it, -v names the change, and the result is cached."""
    stock.run()
    measured.clear()
    changed = stock.run(*arguments, "-v")

    assert anew == measured
    lines = [f"{key}: measured again: {reason}" for key in anew]
    assert lines == sorted(line for line in changed.outlines if "measured again: " in line)
    stock.run(*arguments)
    assert anew == measured


def test_logits_that_were_not_kept(stock: Project, measured: Measured) -> None:
    """If logits are needed and not in the cache, all is measured again, -v says why, and the next run reuses them."""
    stock.record(RANDOM)
    stock.ini("failaware_store_logits = true", "failaware_metrics = accuracy augrc(gen)")
    measured.clear()
    anew = stock.record("-v")
    assert BOTH == measured
    assert stock.line_with(anew, "clean: measured again: logits was absent, is kept")

    measured.clear()
    again = stock.run()
    assert [] == measured
    assert stock.line_with(again, "2 checked: 2 unchanged")


def test_changed_pixels_under_the_same_ids(stock: Project, measured: Measured) -> None:
    """Changed pixels are measured again, even if the data set declares the same ids."""
    stock.run()
    measured.clear()
    save_images(stock.path / "images.npz", first_pixel=9)
    stock.run("-v").stdout.fnmatch_lines(["clean: measured again: images changed"])

    assert BOTH == measured


def test_without_a_cache(stock: Project, measured: Measured) -> None:
    """Each option against the cache measures everything, and --failaware-no-cache also stores nothing in it."""
    stock.run("--failaware-no-cache")
    stock.run("-o", "failaware_no_cache=true")
    assert not (stock.path / ".pytest_cache" / "d").exists()
    stock.run("-p", "no:cacheprovider")
    stock.run()
    assert sorted(BOTH * 4) == measured
    stock.run("--cache-clear")
    assert sorted(BOTH * 5) == measured


def test_a_damaged_file_is_told_and_replaced(stock: Project, measured: Measured) -> None:
    """A damaged cache file is named in one line and replaced, the run passes, and the next run uses the cache."""
    stock.record(RANDOM)
    (path,) = (stock.path / ".pytest_cache" / "d" / "failaware").glob("clean@*.npz")
    path.write_bytes(path.read_bytes()[:-100])
    measured.clear()
    result = stock.run("-W", "error", "-v")

    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(
        [
            "clean: measured again: its file in the cache was damaged",
            "reused 1 of 2 measured conditions from the cache *",
            f"*{path.name}: not what the cache wrote (*); measured again and replaced",
        ]
    )
    stock.run()
    assert ["clean"] == measured


def test_a_folder_that_cannot_be_made(stock: Project) -> None:
    """A run whose cache folder cannot be made says so in one line and goes on without a cache."""
    (stock.path / "file").write_text("")
    result = stock.run("-W", "ignore", "-o", "cache_dir=file", "--failaware-update-baselines", RANDOM)

    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(["no cache: pytest's cache directory cannot be made (*)"])


OWN_FIXTURE = """
import pytest, torch
from torchvision import models

@pytest.fixture(scope="session")
def failaware_model():
    torch.manual_seed(0)
    return models.shufflenet_v2_x0_5(num_classes=3)
"""
OWN_LOADER = """
import torch
from torchvision import models

def pytest_failaware_load_model(spec, device):
    torch.manual_seed(0)
    return models.shufflenet_v2_x0_5(num_classes=3)
"""
OWN_CONDITION = """
from pytest_failaware import Degradation

def pytest_failaware_conditions():
    return [Degradation(name="dust", function=lambda images, strength, random: images // 2)]
"""
OWN_SHAPES = """
class Shapes:
    def geometry(self, image): return image
    def normalise(self, inputs): return inputs
shapes = Shapes()
"""


OWN_CODE = [
    (
        "",
        ["--failaware-arch=toy:network", "--failaware-model=bands.pth", "--failaware-dataset=toy:images"],
        "toy:network",
    ),
    ("", ["--failaware-model=toy:network", "--failaware-dataset=toy:images"], "toy:network"),
    (OWN_FIXTURE, ["--failaware-baseline=own"], "the fixture failaware_model"),
    (OWN_LOADER, ["--failaware-baseline=own"], "the hook pytest_failaware_load_model"),
    (OWN_CONDITION, ["-o", "failaware_conditions=dust"], "the condition dust"),
    ("", ["--failaware-preprocess=own:shapes"], "own:shapes"),
]


@pytest.fixture(params=OWN_CODE, ids=[code for *_, code in OWN_CODE])
def own_code(stock: Project, request: pytest.FixtureRequest) -> tuple[list[str], str]:
    """Return the arguments for a project that runs its own code, and the name of this code."""
    conftest, arguments, code = request.param
    (stock.path / "conftest.py").write_text(conftest)
    (stock.path / "own.py").write_text(OWN_SHAPES)
    torch.save(toy.weights(), stock.path / "bands.pth")
    return arguments, code


def test_own_code_is_measured_in_every_run(stock: Project, measured: Measured, own_code: tuple[list[str], str]) -> None:
    """A gate measures conditions that run the user's own code in every run, and -v says why."""
    arguments, code = own_code
    stock.run(*arguments)
    first = list(measured)
    result = stock.run(*arguments, "-v")

    assert first
    assert sorted(first * 2) == measured
    for key in first:
        result.stdout.fnmatch_lines(
            [f"{key}: measured again: {code} is your own code, which is measured in every run*"]
        )
    assert "reused" not in result.stdout.str()


def test_an_update_takes_what_the_gate_measured(
    stock: Project, measured: Measured, own_code: tuple[list[str], str]
) -> None:
    """An update after a gate measures nothing, says so, and writes what it would write without a cache."""
    arguments, _ = own_code
    stock.record(*arguments, "--failaware-no-cache")
    fresh = {name: content for name, (content, _) in stock.files().items()}
    for path in sorted((stock.path / "baselines").rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    stock.run(*arguments)
    measured.clear()
    result = stock.record(*arguments)

    assert [] == measured
    assert stock.line_with(result, "from the gate's run of ").startswith("took ")
    assert fresh == {name: content for name, (content, _) in stock.files().items()}


def bias(module: str) -> str:
    return f"""
import pytest, torch

@pytest.fixture(scope="session")
def failaware_model(failaware_model):
    {module}
    return failaware_model
"""


@pytest.mark.parametrize(
    "change",
    [
        "failaware_model.maxpool.stride = 1",
        "failaware_model.register_forward_hook(lambda module, given, answer: -answer)",
        "failaware_model.conv5[2] = torch.nn.GELU()",
    ],
)
def test_a_fixture_that_changes_the_loaded_model(stock: Project, measured: Measured, change: str) -> None:
    """A model that a fixture changes is measured again, although its file is the same."""
    stock.run()
    measured.clear()
    (stock.path / "conftest.py").write_text(bias(change))
    stock.run().assert_outcomes(failed=2)  # there is no baseline yet, but there are numbers

    assert BOTH == measured


@pytest.mark.parametrize("cached", [True, False])
def test_a_fixture_that_writes_to_the_loaded_model(stock: Project, cached: bool) -> None:
    """A model whose weights a fixture writes to is refused, although torch does not notice this write."""
    stock.run()
    (stock.path / "conftest.py").write_text(bias("failaware_model.fc.bias.data += 5"))
    result = stock.run(*(() if cached else ("--failaware-no-cache",)))

    result.assert_outcomes(errors=2)
    result.stdout.fnmatch_lines(["*the model's weights changed after it was loaded*"])


@pytest.mark.parametrize(
    ("change", "words"),
    [("fc.bias.data.add_(1)", "weights changed after it was loaded"),
     ("maxpool.stride = 1", "answers otherwise than at the start of the run")],
)  # fmt: skip
def test_a_model_that_a_test_changed_is_not_reused(stock: Project, change: str, words: str) -> None:
    """A model that a test changed is refused for the next condition, even if the first was read from the cache."""
    stock.record(RANDOM)
    stock.test(MARKED.replace("test_toy(): pass", f"test_toy(failaware_model): failaware_model.{change}"))
    result = stock.run()

    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines([f"*the model*{words}*"])
    assert pytest.ExitCode.USAGE_ERROR == result.ret


def test_what_was_refused_is_not_kept(stock: Project) -> None:
    """A refused measurement is stored neither in the baseline nor in the cache."""
    path = stock.path / "dropping.pt"
    net = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Dropout(0.2), torch.nn.Linear(3072, 3)).train()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch deprecates this form
        torch.jit.trace(net, torch.rand(4, 3, 32, 32), check_trace=False).save(path)
    trust = "sha256:" + hashlib.sha256(path.read_bytes()).hexdigest()
    result = stock.record(
        "--failaware-model=dropping.pt", f"--failaware-trust-model={trust}", "--failaware-baseline=dropping"
    )

    result.assert_outcomes(errors=2)
    result.stdout.fnmatch_lines(
        ["*the model answers the same images otherwise when it is asked again*dropout left on*"]
    )
    assert [] == list(stock.path.rglob("*@*.npz"))
    assert not (stock.path / "baselines" / "dropping.yaml").exists()


USES_ALL = """
import pytest

@pytest.mark.reliability
def test_toy(reliability, failaware_model, failaware_loader, failaware_loaders):
    inputs, labels = next(iter(failaware_loader))
    assert failaware_model(inputs).argmax(1).tolist() == reliability.records.prediction.tolist()
    assert len(next(iter(failaware_loaders("blur")))[1]) == 30
    assert not reliability.records.entropy.flags.writeable
    assert not failaware_model.training
    failaware_model.train()
"""


def test_fixtures_work_without_a_pass(stock: Project, measured: Measured) -> None:
    """A body can use the model, the loaders and the records from the cache, and the model is in eval mode."""
    stock.test(USES_ALL)
    stock.record(RANDOM).assert_outcomes(passed=2)
    measured.clear()

    stock.run().assert_outcomes(passed=2)
    assert [] == measured


def test_a_model_that_a_test_wrote_to_is_refused(stock: Project) -> None:
    """A model whose weights a test wrote to is refused in a cached run, too."""
    stock.record(RANDOM)
    stock.test(MARKED.replace("test_toy(): pass", "test_toy(failaware_model): failaware_model.fc.bias.add_(1)"))
    result = stock.run()

    result.stdout.fnmatch_lines(["*the model's weights changed after it was loaded*"])
    assert pytest.ExitCode.USAGE_ERROR == result.ret


def test_the_second_model_of_a_run(stock: Project, measured: Measured) -> None:
    """--failaware-against measures both models once and reuses both, and a run with one of them reuses it, too."""
    stock.run("--failaware-against=other.pth")
    assert sorted(BOTH * 2) == measured
    again = stock.run("--failaware-against=other.pth")
    again.stdout.fnmatch_lines(["reused 4 of 4 measured conditions from the cache *"])
    stock.run(model="other.pth")

    assert sorted(BOTH * 2) == measured
    other = stock.run("--failaware-against=good.pth", "--failaware-batch-size=9", "-v", model="other.pth")
    other.stdout.fnmatch_lines(["clean of good.pth: measured again: batch size was 341, is 9"])


def test_workers_share_the_cache(stock: Project) -> None:
    """Workers of xdist reuse what one process measured, and the summary counts it."""
    pytest.importorskip("xdist")
    stock.record("-p", "no:xdist")

    stock.run("-n", "2").stdout.fnmatch_lines(["reused 2 of 2 measured conditions from the cache *"])


def test_another_environment(stock: Project, measured: Measured, monkeypatch: pytest.MonkeyPatch) -> None:
    """A new or changed value in the environment of a measurement makes a run measure everything again."""
    stock.run()
    measured.clear()
    usual = bench._environment
    with monkeypatch.context() as patched:
        patched.setattr(bench, "_environment", lambda *of: {**usual(*of), "torch": "9.9", "precision": "bf16"})
        other = stock.run("-v")
    assert BOTH == measured
    other.stdout.fnmatch_lines(
        [f"clean: measured again: torch was {torch.__version__}, is 9.9; precision was absent, *"]
    )


OWN_NET = """
from torch import nn
import own_layers

def build():
    return nn.Sequential(nn.Flatten(), own_layers.Scaled(3072, 3))
"""
OWN_LAYERS = """
from torch import nn

FACTOR = 2

class Scaled(nn.Linear):
    def forward(self, features):
        import own_scale
        return own_scale.scale(super().forward(features), FACTOR)
"""
OWN_SCALE = "def scale(values, factor): return factor * values"
OWN_OBJECT = """
import pytest, threading, own_net

@pytest.fixture(scope="session")
def failaware_model():
    network = own_net.build()
    network.lock = threading.Lock()
    return network
"""


@pytest.fixture
def own_net(stock: Project) -> Project:
    """Return a project whose architecture is its own code in three files."""
    for seed, name in enumerate(("good.pth", "other.pth")):
        random = torch.Generator().manual_seed(seed)
        weights = {"1.weight": torch.randn(3, 3072, generator=random), "1.bias": torch.zeros(3)}
        torch.save(weights, stock.path / name)
    for name, text in (("own_net", OWN_NET), ("own_layers", OWN_LAYERS), ("own_scale", OWN_SCALE)):
        (stock.path / f"{name}.py").write_text(text)
    (stock.path / "tox.ini").write_text(INI.replace("shufflenet_v2_x0_5", "own_net:build"))
    return stock


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("own_layers.py", OWN_LAYERS.replace("FACTOR * ", "").replace("FACTOR = 2", "FACTOR = 3")),
        ("own_scale.py", OWN_SCALE.replace("factor *", "-factor *")),
        ("own_net.py", OWN_NET + "# a comment"),
        ("conftest.py", "import own_layers\nown_layers.FACTOR = 4"),
        ("test_toy.py", MARKED + "# a comment"),
    ],
)
def test_an_edit_between_the_gate_and_its_update(own_net: Project, measured: Measured, file: str, text: str) -> None:
    """An update after an edit of any file of the user's code measures again."""
    own_net.run()
    measured.clear()
    (own_net.path / file).write_text(text)
    result = own_net.record()

    assert BOTH == measured
    assert "from the gate's run" not in result.stdout.str().replace("not taken from the gate's run", "")


def test_an_update_says_which_file_was_edited(own_net: Project, measured: Measured) -> None:
    """An update names the edited file once for all conditions, also without -v."""
    own_net.run()
    (own_net.path / "own_scale.py").write_text("def scale(values, factor): return values")
    result = own_net.record()

    result.stdout.fnmatch_lines(["measured again, and not taken from the gate's run of *: own_scale.py changed"])
    assert 1 == result.stdout.str().count("measured again")


@pytest.mark.parametrize(
    "arguments",
    [
        ["--failaware-no-cache"],
        ["-p", "no:cacheprovider"],
        ["--failaware-batch-size=7"],
        ["--failaware-model=other.pth"],
        ["--failaware-preprocess=resize=32"],
    ],
)
def test_an_update_that_is_another_run(own_net: Project, measured: Measured, arguments: list[str]) -> None:
    """An update without a cache, with another setting or with another model measures."""
    own_net.run()
    measured.clear()
    own_net.record(*arguments)

    assert BOTH == measured


CLASS_ATTRIBUTE = """
import own_layers

def pytest_addoption(parser):
    parser.addoption("--temp", default="1")

def pytest_configure(config):
    own_layers.Scaled.factor = float(config.getoption("--temp"))
"""
MODULE_VALUE = """
import pytest, own_layers

def pytest_addoption(parser):
    parser.addoption("--temp", default="1")

@pytest.fixture(scope="session", autouse=True)
def temperature(request):
    own_layers.CFG["scale"] = float(request.config.getoption("--temp"))
"""
READ_AT_IMPORT = "import json\nCFG = json.load(open('cfg.json'))\n"


@pytest.mark.parametrize("conftest", [CLASS_ATTRIBUTE, MODULE_VALUE])
@pytest.mark.parametrize("words", [["--temp=0.1"], ["--temp", "0.1"]])
def test_an_update_with_another_option_of_ones_own(
    own_net: Project, measured: Measured, conftest: str, words: list[str]
) -> None:
    """An update with another value of an option of the user's conftest file measures again."""
    (own_net.path / "own_layers.py").write_text(OWN_LAYERS + "CFG = {'scale': 1}\n")
    (own_net.path / "conftest.py").write_text(conftest)
    own_net.run()
    measured.clear()
    assert "took" not in own_net.record(*words).stdout.str()

    assert BOTH == measured


@pytest.mark.parametrize("name", ["own_layers.py", "own_scale.py"])
def test_a_file_that_is_read_at_import(
    own_net: Project, measured: Measured, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An update measures again if a file changed that a module of the user reads when it is imported."""
    monkeypatch.chdir(own_net.path)
    (own_net.path / "cfg.json").write_text('{"scale": 1}')
    path = own_net.path / name
    path.write_text(READ_AT_IMPORT + path.read_text())
    own_net.run()
    measured.clear()
    (own_net.path / "cfg.json").write_text('{"scale": 2}')
    assert "took" not in own_net.record().stdout.str()

    assert BOTH == measured


def test_a_quiet_update_says_what_it_took(own_net: Project, measured: Measured) -> None:
    """An update with -q says that its numbers are those of an earlier run."""
    own_net.run()
    own_net.record("-q").stdout.fnmatch_lines(["took 2 of 2 measured conditions from the gate's run of *"])

    assert BOTH == measured


def test_an_object_that_nothing_describes(own_net: Project, measured: Measured) -> None:
    """An update measures again if the model has an object that nothing identifies, and names that object."""
    (own_net.path / "conftest.py").write_text(OWN_OBJECT)
    own_net.ini("failaware_baseline = own")
    own_net.run()
    result = own_net.record()

    assert sorted(BOTH * 2) == measured
    result.stdout.fnmatch_lines(["measured again, and not taken from a gate's run: nothing identifies Sequential.lock"])


def test_a_model_that_keeps_notes_while_it_answers(own_net: Project, measured: Measured) -> None:
    """A model whose forward writes an attribute is accepted, and an update takes its numbers."""
    noting = OWN_LAYERS.replace("        import", "        self.last = features\n        import")
    (own_net.path / "own_layers.py").write_text(noting)
    own_net.run()
    own_net.record().stdout.fnmatch_lines(["took 2 of 2 measured conditions from the gate's run of *"])

    assert BOTH == measured


def test_a_gate_after_an_update_measures(own_net: Project, measured: Measured) -> None:
    """A gate after an update measures the user's own code again and finds the values unchanged."""
    own_net.run()
    own_net.record(RANDOM)
    assert BOTH == measured
    own_net.run().stdout.fnmatch_lines(["2 checked: 2 unchanged*"])

    assert sorted(BOTH * 2) == measured


@pytest.mark.parametrize("damage", [lambda content: content[:-100], lambda content: b""])
def test_a_damaged_record_of_a_gate(own_net: Project, measured: Measured, damage: Callable[[bytes], bytes]) -> None:
    """An update reports a damaged cache file of the gate and measures its condition again."""
    own_net.run()
    (path,) = (own_net.path / ".pytest_cache" / "d" / "failaware").glob("clean@*.npz")
    path.write_bytes(damage(path.read_bytes()))
    measured.clear()
    result = own_net.record()

    assert ["clean"] == measured
    damaged = f"*{path.name}: not what the cache wrote (*); measured again and replaced"
    result.stdout.fnmatch_lines(["took 1 of 2 measured conditions from the gate's run of *", damaged])


def test_timms_architectures_are_reused(stock: Project, measured: Measured) -> None:
    """Architectures of timm are reused from the cache, since their code has a version."""
    timm = pytest.importorskip("timm")
    torch.save(timm.create_model("test_efficientnet", num_classes=3).state_dict(), stock.path / "timm.pth")
    arguments = ["--failaware-arch=timm:test_efficientnet", "--failaware-model=timm.pth"]
    stock.run(*arguments)
    measured.clear()
    stock.run(*arguments).stdout.fnmatch_lines(["reused 2 of 2 measured conditions from the cache *"])

    assert [] == measured


UNSEEN = """
import pytest, torch

@pytest.mark.reliability(conditions=["clean"])
def test_first(failaware_model):
    failaware_model.fc.weight.data.mul_({factor})

@pytest.mark.reliability(conditions=["gaussian_noise"])
def test_second(): ...
"""


def test_a_write_that_nothing_counts_does_not_poison_the_cache(stock: Project, measured: Measured) -> None:
    """The cache does not keep what a model gave after a test had changed its weights."""
    stock.test(UNSEEN.format(factor=0.1))
    stock.run("-p", "no:randomly")
    measured.clear()
    stock.test(UNSEEN.format(factor=1))
    stock.run("-p", "no:randomly")

    assert ["gaussian_noise"] == measured


HOOK = """
import pytest, torch

@pytest.fixture(autouse=True)
def halved():
    handle = torch.nn.modules.module.register_module_forward_hook(lambda module, given, answer: answer / 2)
    yield
    handle.remove()
"""


def test_a_hook_on_every_module_is_code_too(stock: Project, measured: Measured) -> None:
    """Nothing is reused while a hook on every module is registered, since nothing identifies what the hook does."""
    stock.run()
    measured.clear()
    (stock.path / "conftest.py").write_text(HOOK)

    stock.run("-v").stdout.fnmatch_lines(["clean: measured again: a hook on the model is your own code, which is *"])
    assert BOTH == measured
