"""What users type becomes a RunConfig, or one line that says what to type instead."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_failaware.config import resolve
from pytest_failaware.errors import ConfigError
from pytest_failaware.schema import Preprocessing, RunConfig, Source, SourceKind

CALLED_FROM, INI = Path("/called/from"), Path("/ini")


def configure(environ: dict[str, str] | None = None, ini: dict[str, object] | None = None, **typed: str) -> RunConfig:
    """A configuration; option names are typed with _ for -."""
    command_line = {name.replace("_", "-"): value for name, value in typed.items()}
    return resolve(
        command_line=command_line, ini=ini or {}, environ=environ or {}, invocation_dir=CALLED_FROM, ini_dir=INI
    )


def test_defaults() -> None:
    """Nothing typed means nothing to measure, the founding conditions, and baselines beside the ini."""
    config = configure()

    assert (None, None, None, None) == (config.model, config.arch, config.dataset, config.preprocess)
    assert ("auto", None, False) == (config.device, config.batch_size, config.update_baselines)
    assert INI / "baselines" == config.baseline_dir
    assert ["clean", "gaussian_noise", "blur", "low_light"] == [one.key for one in config.gate.conditions]


def test_the_command_line_wins_over_the_environment_and_the_ini() -> None:
    """Each place is used only where the ones before it are silent, and its relative paths start where they are read."""
    ini, environ = {"model": "ini.pth"}, {"FAILAWARE_MODEL": "environ.pth"}

    assert str(CALLED_FROM / "typed.pth") == configure(environ, ini, model="typed.pth").model.target
    assert str(CALLED_FROM / "environ.pth") == configure(environ, ini).model.target
    assert str(INI / "ini.pth") == configure({}, ini).model.target


@pytest.mark.parametrize(
    ("option", "text", "expected"),
    [
        ("model", "net.pth", Source(kind=SourceKind.FILE, target="/called/from/net.pth")),
        ("model", "/abs/net", Source(kind=SourceKind.FILE, target="/abs/net")),
        ("model", "pkg.mod:factory", Source(kind=SourceKind.FACTORY, target="pkg.mod:factory")),
        ("arch", "resnet18", Source(kind=SourceKind.TORCHVISION, target="resnet18")),
        ("arch", "torchvision:resnet18", Source(kind=SourceKind.TORCHVISION, target="resnet18")),
        ("arch", "pkg.mod:factory", Source(kind=SourceKind.FACTORY, target="pkg.mod:factory")),
        ("dataset", "folder:data/test", Source(kind=SourceKind.FOLDER, target="/called/from/data/test")),
        ("dataset", "npz:x.npz", Source(kind=SourceKind.NPZ, target="/called/from/x.npz")),
        ("dataset", "torchvision:CIFAR10", Source(kind=SourceKind.TORCHVISION, target="CIFAR10")),
        ("dataset", "pkg:factory", Source(kind=SourceKind.FACTORY, target="pkg:factory")),
        ("preprocess", "none", Preprocessing()),
        ("preprocess", "resize=32", Preprocessing(resize=32)),
        (
            "preprocess",
            "resize_short=256, crop=224, interpolation=bicubic, mean=0.5/0.4/0.3, std=0.2",
            None,
        ),
        (
            "preprocess",
            "resize_short=256,crop=224,interpolation=bicubic,mean=0.5,std=0.25",
            Preprocessing(resize_short=256, crop=224, interpolation="bicubic", mean=(0.5,), std=(0.25,)),
        ),
        (
            "preprocess",
            "torchvision:ResNet18_Weights.IMAGENET1K_V1",
            Source(kind=SourceKind.TORCHVISION, target="ResNet18_Weights.IMAGENET1K_V1"),
        ),
        ("preprocess", "pkg.mod:object", Source(kind=SourceKind.FACTORY, target="pkg.mod:object")),
    ],
)
def test_specs(option: str, text: str, expected: object) -> None:
    """Each spelling names one thing; mean and std of different lengths name none."""
    if expected is None:
        with pytest.raises(ConfigError, match="mean and std go together"):
            configure(**{option: text})
    else:
        assert expected == getattr(configure(**{option: text}), option)


def test_preprocessing_spells_itself_canonically() -> None:
    """The text in a baseline reads back as the same preprocessing."""
    given = configure(preprocess="std=0.25/0.5/1, mean=0.1/0.2/0.3,crop=8 ,resize_short=9").preprocess

    assert "resize_short=9, crop=8, interpolation=bilinear, mean=0.1/0.2/0.3, std=0.25/0.5/1.0" == str(given)
    assert given == configure(preprocess=str(given)).preprocess


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ({"dataset": "data/test"}, ["--failaware-dataset=data/test", "folder:", "npz:"]),
        ({"dataset": "folder:"}, ["--failaware-dataset=folder:", "folder:"]),
        ({"arch": "res-net"}, ["--failaware-arch=res-net", "torchvision:"]),
        ({"preprocess": "resize"}, ["--failaware-preprocess=resize", "torchvision:"]),
        ({"preprocess": "rezise=3"}, ["'rezise=3'", "resize"]),
        ({"preprocess": "resize=0"}, ["resize", "at least 1", "'0'"]),
        ({"preprocess": "resize=3,resize=4"}, ["'resize=4'", "once"]),
        ({"preprocess": "resize=3,resize_short=4"}, ["exclude each other"]),
        ({"preprocess": "mean=0.5"}, ["mean and std"]),
        ({"preprocess": "mean=a,std=1"}, ["mean", "'a'"]),
        ({"preprocess": "mean=123,std=50"}, ["mean", "grey levels / 255"]),
        ({"preprocess": "mean=0,std=0"}, ["std", "above 0"]),
        ({"preprocess": "resize=3,interpolation=box"}, ["interpolation", "bicubic", "'box'"]),
        ({"batch_size": "many"}, ["--failaware-batch-size=many", "at least 1"]),
        ({"batch_size": "0"}, ["--failaware-batch-size=0", "at least 1"]),
        ({"device": "gpu"}, ["--failaware-device=gpu", "cuda:N"]),
        ({"csv": "nowhere/out.csv"}, ["--failaware-csv=nowhere/out.csv", "does not exist"]),
    ],
)
def test_mistakes_on_the_command_line(typed: dict[str, str], words: list[str]) -> None:
    """One line names the option, the value and the remedy."""
    with pytest.raises(ConfigError) as caught:
        configure(**typed)

    text = str(caught.value)
    assert [] == [word for word in words if word not in text]
    assert "\n" not in text


def test_mistakes_in_the_ini_name_its_key() -> None:
    """The place in the message is the ini key, for options and for gates."""
    with pytest.raises(ConfigError, match="failaware_device = gpu"):
        configure(ini={"device": "gpu"})
    with pytest.raises(ConfigError, match="failaware_conditions: unknown condition 'bluur'; did you mean 'blur'"):
        configure(ini={"conditions": ["bluur"]})


def test_gates_from_the_ini() -> None:
    """Lists of words, pairs and lone numbers become the gate of a bare marker."""
    gate = configure(
        ini={
            "conditions": ["clean", "blur(radius=1)"],
            "metrics": ["accuracy"],
            "tolerance": ["0.02"],
            "minimum": ["accuracy=0.9", "confident_accuracy=0.95"],
            "rule": "entropy > 0.5",
            "seed": "7",
        }
    ).gate

    assert ["clean", "blur(radius=1)"] == [one.key for one in gate.conditions]
    assert ("accuracy",) == gate.metrics
    assert {"0.02"} == {str(value) for value in gate.tolerance.values()}
    assert {"accuracy": "0.9", "confident_accuracy": "0.95"} == {k: str(v) for k, v in gate.minimum.items()}
    assert ("entropy > 0.5", 7) == (str(gate.rule), gate.seed)
