"""The architecture and the number of classes of torchvision's classifiers, from names and shapes alone."""

from __future__ import annotations

import functools
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import fingerprints as script
import pytest
import torch
from torch import nn
from torchvision import models

from pytest_failaware.core.errors import ModelError
from pytest_failaware.core.request import Source, SourceKind
from pytest_failaware.measure.models import recognition as table
from pytest_failaware.measure.models.loading import load_model
from pytest_failaware.measure.models.recognition import Fit, Shape, infer, nearest, recognise
from pytest_failaware.measure.models.state import model_sha256

CPU = torch.device("cpu")
KNOWN = table.fingerprints()
NAMES = sorted({known.name for known in KNOWN})
RESNET18 = {name: tuple(value.shape) for name, value in models.resnet18(num_classes=7).state_dict().items()}
PATH = Path("best.pth")


@functools.cache
def shapes(name: str, classes: int = 7, **options: Any) -> dict[str, Shape]:  # Any: a flag or a size
    """A classifier's tensors, built once."""
    return script.shapes(name, classes, **options)


def under(prefix: str, given: dict[str, Shape]) -> dict[str, Shape]:
    return {prefix + name: shape for name, shape in given.items()}


def saved(state: dict[str, torch.Tensor], folder: Path) -> Source:
    """The source of a file written by torch.save."""
    torch.save(state, folder / "best.pth")
    return Source(kind=SourceKind.FILE, target=str(folder / "best.pth"))


def error_of(state: dict[str, torch.Tensor], folder: Path, arch: str = "") -> str:
    """Return the error of load_model on weights, one line, without their path."""
    named = Source(kind=SourceKind.TORCHVISION, target=arch) if arch else None
    with pytest.raises(ModelError) as caught:
        load_model(saved(state, folder), named, CPU)
    assert str(caught.value).isprintable()
    return str(caught.value).removeprefix(f"{folder / 'best.pth'}: ")


# ---- what is recognised --------------------------------------------------------------------------------------------


def test_the_table_has_all_classifiers() -> None:
    """The eighty that torchvision has had since before the oldest supported release."""
    assert 80 == len(NAMES)
    assert set(NAMES) <= set(script.names())


@pytest.mark.parametrize("name", NAMES)
def test_every_classifier_is_recognised(name: str) -> None:
    """As the installed torchvision builds it, with 7 classes, and with as many as one of its layers is wide."""
    given = shapes(name)
    fit = recognise(given)
    assert fit is not None
    assert (name, {}, 7, "", 1) == (fit.name, fit.options, fit.classes, fit.prefix, fit.likeness)
    heads = next(known.heads for known in KNOWN if known.name == name)
    for classes in (1, 64, 512, 768, 1000, 1024, 1280, 2048, 4096):
        again = recognise({**given, **{head: (classes, *rest) for head, rest in heads.items()}})
        assert again is not None
        assert (name, classes) == (again.name, again.classes)


@pytest.mark.parametrize(
    ("name", "classes"),
    [("resnet18", 512), ("resnet18", 64), ("vgg11", 4096), ("mobilenet_v2", 1280), ("squeezenet1_1", 1000)],
)
def test_as_many_classes_as_a_layer_is_wide(name: str, classes: int) -> None:
    """Built by torchvision, not by the table's notion of what a head is."""
    fit = recognise(shapes(name, classes))
    assert fit is not None
    assert (name, classes) == (fit.name, fit.classes)


@pytest.mark.parametrize(
    ("name", "options"), [(name, options) for name, several in script.VARIANTS.items() for options in several]
)
def test_options_that_change_tensors(name: str, options: dict[str, Any]) -> None:
    """Without the heads that only training needs, and at the other image sizes of published weights."""
    fit = recognise(shapes(name, **options))
    assert fit is not None
    assert (name, options, 7) == (fit.name, fit.options, fit.classes)


def test_files_without_batch_counters() -> None:
    """Files from before torch 0.4.1 have no num_batches_tracked."""
    fit = recognise({name: torch.Size(shape) for name, shape in RESNET18.items() if "num_batches" not in name})
    assert fit is not None
    assert ("resnet18", 7) == (fit.name, fit.classes)


@pytest.mark.parametrize(
    "changed",
    [
        {"conv1.weight": (64, 3, 3, 3)},
        {"fc.weight": (7, 511)},
        {"fc.weight": (8, 512)},
        {"fc.bias": ()},
        {"extra": (1,)},
        {"layer4.1.bn2.bias": (511,)},
    ],
)
def test_one_other_tensor_is_another_architecture(changed: dict[str, Shape]) -> None:
    """A changed shape, heads that disagree and a tensor too many are no longer resnet18, but near it."""
    assert recognise({**RESNET18, **changed}) is None
    fit = nearest({**RESNET18, **changed})
    assert fit is not None
    assert "resnet18" == fit.name
    assert not fit.is_exact


def test_a_missing_tensor_is_another_architecture() -> None:
    """Each of them."""
    for name in filter(table.tells, RESNET18):
        assert recognise({key: shape for key, shape in RESNET18.items() if key != name}) is None, name


def test_a_lookup_needs_neither_torch_nor_torchvision() -> None:
    """The table is data."""
    code = (
        "import sys; from pytest_failaware.measure.models.recognition import recognise; recognise({'a': (1,)});"
        "print({'torch', 'torchvision'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "set()\n" == done.stdout


# ---- loading -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("resnet18", {}),
        ("squeezenet1_1", {}),
        ("mobilenet_v3_small", {}),
        ("shufflenet_v2_x0_5", {}),
        ("efficientnet_b0", {}),
        ("googlenet", {}),
        ("googlenet", {"aux_logits": False}),
        ("inception_v3", {"aux_logits": False}),
        ("densenet121", {}),
        ("mnasnet0_5", {}),
        ("regnet_y_400mf", {}),
        ("maxvit_t", {}),
    ],
)
def test_saved_weights_are_loaded_without_a_name(tmp_path: Path, name: str, options: dict[str, Any]) -> None:
    """Each weight comes back in the inferred architecture; scripts/fingerprints.py --load-all does it for all."""
    original = script.build(name, 7, options).eval()
    loaded = load_model(saved(original.state_dict(), tmp_path), None, CPU)

    assert name == loaded.facts.architecture
    assert model_sha256(original) == loaded.facts.sha256
    assert "" == loaded.code, "torchvision's code, so that its records may be kept"
    assert 1 == len(loaded.notes)
    assert f"{name}{' (aux_logits=False)' if options else ''} with 7 classes" in loaded.notes[0]


def test_the_note(tmp_path: Path) -> None:
    """A note reports the inferred architecture, and the option that the tensors do not show."""
    loaded = load_model(saved(models.squeezenet1_1(num_classes=10).state_dict(), tmp_path), None, CPU)
    expected = (
        "inferred the architecture squeezenet1_1 with 10 classes from the weights' names and shapes; "
        "--failaware-arch overrides"
    )
    assert (expected,) == loaded.notes
    fit = recognise(shapes("inception_v3"))
    assert fit is not None
    assert "shapes, which do not show its transform_input (taken as False); --failaware-arch" in fit.note


def test_the_script_loads_what_it_saved(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The slow check of all classifiers works on one; a model that is recognised as another is reported."""
    assert 0 == script.main(["--load-all", "squeezenet1_1"])
    assert "1 of 1 loaded without their names" in capsys.readouterr().out
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(script, "model_sha256", lambda module: "0" * 64)
        assert 1 == script.main(["--load-all", "squeezenet1_1"])
    assert "squeezenet1_1 loaded as squeezenet1_1 " in capsys.readouterr().out


def test_an_architecture_that_is_named_wins(tmp_path: Path) -> None:
    """A name of torchvision's and a factory are used without a note; heads for training may be absent all the same."""
    state = script.build("googlenet", 7, {"aux_logits": False}).state_dict()
    loaded = load_model(saved(state, tmp_path), Source(kind=SourceKind.TORCHVISION, target="googlenet"), CPU)
    assert ("googlenet", ()) == (loaded.facts.architecture, loaded.notes)
    state = models.squeezenet1_1(num_classes=7).state_dict()
    factory = Source(kind=SourceKind.FACTORY, target="torchvision.models:squeezenet1_1")
    loaded = load_model(saved(state, tmp_path), factory, CPU)
    assert ("torchvision.models:squeezenet1_1", ()) == (loaded.code, loaded.notes)


def test_a_wrong_name_hears_the_right_one(tmp_path: Path) -> None:
    """Weights of another classifier than the one that was named."""
    message = error_of(models.squeezenet1_0(num_classes=7).state_dict(), tmp_path, "squeezenet1_1")
    assert message.startswith("does not fit squeezenet1_1 (it fits squeezenet1_0): 12 missing (features.6.squeeze")


@pytest.mark.filterwarnings("ignore:A new version of MNASNet")
def test_a_former_version_is_converted_as_torchvision_does(tmp_path: Path) -> None:
    """Former files of mnasnet0_5 have another stem and tell their version; the nearest architecture loads them."""
    original = models.mnasnet0_5(num_classes=7)
    former = original.state_dict()
    former._metadata[""]["version"] = 1
    with pytest.raises(RuntimeError):  # the present stem is not the former one, which the module has from now on
        original.load_state_dict(former)
    state = original.state_dict()
    assert recognise({name: tuple(value.shape) for name, value in state.items()}) is None
    loaded = load_model(saved(state, tmp_path), None, CPU)
    assert ("mnasnet0_5", model_sha256(original)) == (loaded.facts.architecture, loaded.facts.sha256)
    assert loaded.notes[0].startswith("inferred the architecture mnasnet0_5 with 7 classes")


# ---- what is not ---------------------------------------------------------------------------------------------------


def resnet18_variant(change: str) -> nn.Module:
    """A resnet18 with a common change."""
    module = models.resnet18(num_classes=7)
    if change == "stem":
        module.conv1 = nn.Conv2d(3, 64, 3, 1, 1, bias=False)
    elif change == "head":
        module.fc = nn.Sequential(nn.Dropout(), nn.Linear(512, 7))
    else:
        module.fc = nn.Identity()
    return module


@pytest.mark.parametrize(
    ("change", "difference"),
    [
        ("stem", "0 missing, 0 unexpected, 1 of another shape (conv1.weight (64, 3, 3, 3) vs (64, 3, 7, 7))"),
        ("head", "2 missing (fc.weight, fc.bias), 2 unexpected (fc.1.weight, fc.1.bias), 0 of another shape"),
        ("no head", "2 missing (fc.weight, fc.bias), 0 unexpected, 0 of another shape"),
    ],
)
def test_a_variant_is_explained(tmp_path: Path, change: str, difference: str) -> None:
    """A stem for small images, a head of one's own, no head: the nearest architecture, and what differs."""
    expected = (
        "the nearest architecture, resnet18, does not fit (give the right one, as in --failaware-arch=timm:NAME or "
        f"--failaware-arch=mypkg.models:build): {difference}; "
        "give the architecture it was trained with"
    )
    assert expected == error_of(resnet18_variant(change).state_dict(), tmp_path)


def test_a_prefix_is_explained_and_not_removed(tmp_path: Path) -> None:
    """The message names the architecture without the prefix, also beside other tensors and without a head."""
    state = {f"encoder.{name}": value for name, value in models.squeezenet1_1(num_classes=7).state_dict().items()}
    expected = "fits squeezenet1_1 after removing the prefix 'encoder.'; save those tensors without it"
    assert expected == error_of({**state, "criterion.weight": torch.ones(7)}, tmp_path)
    headless = under("net.backbone.", {name: shape for name, shape in RESNET18.items() if "fc" not in name})
    with pytest.raises(ModelError) as caught:
        infer(headless, PATH)
    expected = (
        "best.pth: shares 100% of its tensors, heads apart, with resnet18 after removing the prefix 'net.backbone.'; "
        "save those tensors without it and give their architecture, as in --failaware-arch=timm:NAME or "
        "--failaware-arch=mypkg.models:build"
    )
    assert expected == str(caught.value)


def test_heads_that_disagree(tmp_path: Path) -> None:
    """An auxiliary head that kept its thousand classes is named."""
    given = {**shapes("inception_v3"), "AuxLogits.fc.weight": (1000, 768), "AuxLogits.fc.bias": (1000,)}
    fit = infer(given, PATH)
    assert ("inception_v3", 7, 1, False) == (fit.name, fit.classes, fit.likeness, fit.is_exact)
    state = {name: torch.zeros(()).expand(shape) for name, shape in given.items()}
    assert "2 of another shape (AuxLogits.fc.weight (1000, 768) vs (7, 768)" in error_of(state, tmp_path)


def test_unknown_tensors_are_refused() -> None:
    """The message names the first tensor, without control characters, and the option for an architecture."""
    expected = (
        "best.pth: no known architecture has these tensors (first: stem.conv1.weight (64, 3, 3, 3)); give theirs, "
        "as in --failaware-arch=timm:NAME or --failaware-arch=mypkg.models:build"
    )
    with pytest.raises(ModelError) as caught:
        infer({"stem.conv1\x1b.weight": (64, 3, 3, 3), "fc.weight": (7, 64)}, PATH)
    assert expected == str(caught.value)


def test_a_network_of_ones_own_is_not_near() -> None:
    """A small residual network has the names of torchvision's, and other shapes: no architecture is suggested."""
    narrow = {name: tuple(size // 4 if size > 7 else size for size in shape) for name, shape in RESNET18.items()}
    assert nearest(narrow) is None


# ---- the script ----------------------------------------------------------------------------------------------------


def test_the_script_writes_and_checks_the_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What it writes are lines of the shipped table, --check agrees with it, and a new architecture fails --check."""
    shipped = {json.dumps(one) for one in json.loads(table.TABLE.read_text())["architectures"]}
    monkeypatch.setattr(script, "TABLE", tmp_path / "table.json")
    monkeypatch.setattr(script, "names", lambda: ["googlenet", "squeezenet1_1"])
    assert 0 == script.main([])
    written = {json.dumps(one) for one in json.loads(script.TABLE.read_text())["architectures"]}
    assert 3 == len(written)
    assert written <= shipped
    assert 0 == script.main(["--check"])
    monkeypatch.setattr(script, "names", lambda: ["googlenet", "alexnet"])
    capsys.readouterr()
    assert 1 == script.main(["--check"])
    assert "alexnet: only in torchvision\nsqueezenet1_1: only in the table\n" == capsys.readouterr().out


def test_the_shipped_table_can_be_read() -> None:
    """No two entries have the same tensors, and each has a head."""
    assert len(KNOWN) == len({known.body for known in KNOWN})
    assert all(known.heads for known in KNOWN)
    assert isinstance(recognise(RESNET18), Fit)
