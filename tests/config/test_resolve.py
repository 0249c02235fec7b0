"""The options that users type become a RunConfig, or an error of one line that says what to type instead."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pytest_failaware.config.option_texts import Surroundings
from pytest_failaware.config.resolve import resolve
from pytest_failaware.core.errors import ConfigError
from pytest_failaware.core.preprocessing import Preprocessing
from pytest_failaware.core.request import (
    DatasetChange,
    Loading,
    Origin,
    Outputs,
    PlaceKind,
    RunConfig,
    Source,
    SourceKind,
    UpdateMode,
    Writing,
)

CALLED_FROM, INI = Path("/called/from"), Path("/ini")


def configure(
    environ: dict[str, str] | None = None, ini: dict[str, object] | None = None, **typed: object
) -> RunConfig:
    """Return a configuration; names of options are written with _ instead of -."""
    command_line = {name.replace("_", "-"): value for name, value in typed.items()}
    around = Surroundings(environ=environ or {}, invocation_dir=CALLED_FROM, ini_dir=INI, ini_name="pytest.ini")
    return resolve(command_line=command_line, ini=ini or {}, around=around)


def test_defaults() -> None:
    """Without options there is nothing to measure, four default conditions, and baselines beside the ini."""
    config = configure()

    assert (None, None, None, None) == (config.model, config.arch, config.dataset, config.preprocess)
    assert ("auto", None, None) == (config.device, config.batch_size, config.limit)
    assert (None, 0) == (config.group, config.bad_samples)
    assert (Writing(), Outputs(html_images=8), False) == (config.writing, config.outputs, config.strict)
    assert INI / "baselines" == config.baseline_dir
    assert ["clean", "gaussian_noise", "blur", "low_light"] == [condition.key for condition in config.gate.conditions]


def test_the_command_line_wins_over_the_environment_and_the_ini() -> None:
    """The command line wins over the environment, which wins over the ini.

    Relative paths start at the folder of the call, or at the ini if they stand in it.
    """
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
        ("model", "timm:resnet18.a1_in1k", Source(kind=SourceKind.TIMM, target="resnet18.a1_in1k")),
        ("model", "torchvision:resnet18", Source(kind=SourceKind.TORCHVISION, target="resnet18")),
        ("against", "timm:resnet18", Source(kind=SourceKind.TIMM, target="resnet18")),
        ("arch", "timm:resnet18", Source(kind=SourceKind.TIMM, target="resnet18")),
        ("arch", "pkg.mod:factory", Source(kind=SourceKind.FACTORY, target="pkg.mod:factory")),
        ("dataset", "folder:data/test", Source(kind=SourceKind.FOLDER, target="/called/from/data/test")),
        ("dataset", "npz:x.npz", Source(kind=SourceKind.NPZ, target="/called/from/x.npz")),
        ("dataset", "csv:x.csv", Source(kind=SourceKind.CSV, target="/called/from/x.csv")),
        ("dataset", "torchvision:CIFAR10", Source(kind=SourceKind.TORCHVISION, target="CIFAR10")),
        ("dataset", "pkg:factory", Source(kind=SourceKind.FACTORY, target="pkg:factory")),
        ("group", "patient", "patient"),
        ("bad_samples", "fail", 0),
        ("bad_samples", "skip:12", 12),
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
    """Each spelling is read as its value; mean and std of different lengths are refused."""
    if expected is None:
        with pytest.raises(ConfigError, match="mean and std go together"):
            configure(**{option: text})
    else:
        assert expected == getattr(configure(**{option: text}), option)


def test_what_a_model_file_may_do() -> None:
    """By default no code is run and nothing is downloaded; hashes are separated by commas, in upper or lower case."""
    first, second = "a" * 64, "0123456789abcdef" * 4
    ini = {"allow_download": "true", "trust_model": f"sha256:{first.upper()}, sha256:{second}"}

    assert Loading() == configure().loading
    assert Loading(trusted=(first, second), downloads=True) == configure(ini=ini).loading
    assert Loading(checkpoint_key="model_ema") == configure(checkpoint_key="model_ema").loading


@pytest.mark.parametrize("text", ["yes", "a" * 64, "sha256:abc", f"sha256:{'g' * 64}", f"sha256:{'a' * 64},", "md5:aa"])
def test_trust_needs_the_whole_hash(text: str) -> None:
    """Anything but complete SHA-256 hashes is refused, because trust is for a single file, not for all files."""
    with pytest.raises(ConfigError) as caught:
        configure(trust_model=text)

    assert str(caught.value).startswith(
        f"--failaware-trust-model={text}: must be sha256: and the 64 hexadecimal digits"
    )


def test_preprocessing_spells_itself_canonically() -> None:
    """A preprocessing is written in one fixed form, which reads back as the same preprocessing."""
    preprocess = configure(preprocess="std=0.25/0.5/1, mean=0.1/0.2/0.3,crop=8 ,resize_short=9").preprocess

    assert "resize_short=9, crop=8, interpolation=bilinear, mean=0.1/0.2/0.3, std=0.25/0.5/1.0" == str(preprocess)
    assert preprocess == configure(preprocess=str(preprocess)).preprocess


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
        ({"bad_samples": "skip"}, ["--failaware-bad-samples=skip:", "fail, or skip:N"]),
        ({"bad_samples": "skip:0"}, ["--failaware-bad-samples=skip:0", "at least 1"]),
        ({"bad_samples": "skip:5%"}, ["--failaware-bad-samples=skip:5%", "at least 1", "'5%'"]),
        ({"bad_samples": "ignore"}, ["--failaware-bad-samples=ignore", "fail, or skip:N"]),
        ({"report": ["nowhere/out.csv"]}, ["--failaware-report=nowhere/out.csv", "does not exist"]),
        (
            {"report": ["nothing"]},
            ["--failaware-report=nothing", "ends in .html, .json, .md, .csv or .svg"],
        ),
    ],
)
def test_mistakes_on_the_command_line(typed: dict[str, str], words: list[str]) -> None:
    """A mistake is refused in one line that names the option, the value and the remedy."""
    with pytest.raises(ConfigError) as caught:
        configure(**typed)

    text = str(caught.value)
    assert [] == [word for word in words if word not in text]
    assert "\n" not in text


def test_a_report_replaces_no_pipe(tmp_path: Path) -> None:
    """A report that would replace a pipe is refused, because a program may read from the pipe."""
    os.mkfifo(tmp_path / "r.json")
    with pytest.raises(ConfigError, match=r"--failaware-report=.*r\.json: is a device or a pipe"):
        configure(report=[str(tmp_path / "r.json")])


def test_reports_of_the_command_line_and_of_the_ini(tmp_path: Path) -> None:
    """The suffix chooses the format, two reports may have one format, and typed reports replace those of the ini."""
    names = ["a.html", "b.HTML", "c.json", "d.md", "e.csv", "f.svg"]
    paths = tuple(tmp_path / name for name in names)
    ini = {"report": list(map(str, paths[:2]))}

    assert paths == configure(report=list(map(str, paths))).outputs.files
    assert paths[:2] == configure(ini=ini).outputs.files
    assert paths[:1] == configure(ini={"report": str(paths[0])}).outputs.files
    assert paths[2:3] == configure(ini=ini, report=[str(paths[2])]).outputs.files
    assert () == configure(ini=ini, check=True).outputs.files
    assert (
        Origin(text=", ".join(map(str, paths[:2])), place="pytest.ini", kind=PlaceKind.INI)
        == configure(ini=ini).origins["report"]
    )


@pytest.mark.parametrize(
    ("value", "names"),
    [
        ("r.json r.html", ["r.json", "r.html"]),
        ("r.json,r.html", ["r.json", "r.html"]),
        ("\n  r.json\n  r.html\n", ["r.json", "r.html"]),
        ("'my report.json' \"a, b.md\"", ["my report.json", "a, b.md"]),
        (["my report.json", "r.html"], ["my report.json", "r.html"]),
        ("it's.json", ["it's.json"]),
    ],
)
def test_reports_on_one_line(tmp_path: Path, value: object, names: list[str]) -> None:
    """Commas and blanks separate files in an ini, but not within quotes or within an item of a TOML list."""
    around = Surroundings(environ={}, invocation_dir=CALLED_FROM, ini_dir=tmp_path)
    run = resolve(command_line={}, ini={"report": value}, around=around)

    assert names == [path.name for path in run.outputs.files]


def test_a_report_with_a_blank_and_no_quotes() -> None:
    """A path with a blank and without quotes is refused, and the message says to use quotes."""
    with pytest.raises(ConfigError, match=r"failaware_report = my: .*; put a path with blanks in quotes"):
        configure(ini={"report": "my report.json"})


@pytest.mark.parametrize(
    ("environ", "ini", "is_on"),
    [
        ({}, {}, False),
        ({"GITHUB_ACTIONS": "true"}, {}, True),
        ({"GITHUB_ACTIONS": "false"}, {}, False),
        ({"GITHUB_ACTIONS": "true"}, {"github": False}, False),
        ({}, {"github": True}, False),
    ],
)
def test_github_annotations_need_no_option(environ: dict[str, str], ini: dict[str, object], is_on: bool) -> None:
    """A job of GitHub Actions gets annotations unless the ini forbids them; other runs get none."""
    assert is_on is configure(environ, ini).outputs.github


def test_mistakes_in_the_ini_name_its_key() -> None:
    """A mistake in the ini is reported with its key, for options and for gates."""
    with pytest.raises(ConfigError, match="failaware_device = gpu"):
        configure(ini={"device": "gpu"})
    with pytest.raises(ConfigError, match="failaware_conditions: unknown condition 'bluur'; did you mean 'blur'"):
        configure(ini={"conditions": ["bluur"]})


def test_gates_from_the_ini() -> None:
    """Lists of words, pairs and single numbers in the ini become the gate of a marker without arguments."""
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

    assert ["clean", "blur(radius=1)"] == [condition.key for condition in gate.conditions]
    assert ("accuracy",) == gate.metrics
    others = {name: value for name, value in gate.tolerance.items() if name != "confident_correct_rate"}
    assert {"0.02"} == {str(value) for value in others.values()}
    assert {"accuracy": "0.9", "confident_accuracy": "0.95"} == {k: str(v) for k, v in gate.minimum.items()}
    assert ("entropy > 0.5", 7) == (str(gate.rule), gate.seed)


def test_switches_from_every_place() -> None:
    """A switch is turned on by its option, its variable or its ini key; a variable can turn it off."""
    assert configure(strict=True).strict
    assert configure({"FAILAWARE_STRICT": "1"}).strict
    assert configure(ini={"strict": True}).strict
    assert not configure({"FAILAWARE_STRICT": "0"}, {"strict": True}).strict
    with pytest.raises(ConfigError, match="FAILAWARE_STRICT=maybe: must be 1 or 0"):
        configure({"FAILAWARE_STRICT": "maybe"})


def test_what_may_be_written() -> None:
    """The flags of an update become one mode, and its reason becomes one line."""
    assert Writing(update=UpdateMode.ALL) == configure(update_baselines=True).writing
    assert (
        Writing(update=UpdateMode.MISSING, prune=True, dry_run=True)
        == configure(update_new=True, prune=True, dry_run=True).writing
    )
    assert "new optimiser" == configure(update_baselines=True, reason=" new\n optimiser ").writing.reason


@pytest.mark.parametrize(
    ("environ", "ini", "typed", "words"),
    [
        ({}, {}, {"update_baselines": True, "update_new": True}, ["exclude each other"]),
        ({}, {}, {"dry_run": True}, ["--failaware-dry-run", "--failaware-update-baselines"]),
        ({}, {}, {"reason": "why"}, ["--failaware-reason=why", "--failaware-update-baselines"]),
        ({}, {}, {"reason": " ", "update_new": True}, ["--failaware-reason"]),
        ({}, {}, {"reason": "…", "update_baselines": True}, ["--failaware-reason=…", "'…' gives no reason"]),
        ({}, {"require_reason": True}, {"update_new": True}, ["failaware_require_reason = True", "--failaware-reason"]),
        ({}, {}, {"strict": True, "update_new": True}, ["--failaware-strict", "writes no baseline"]),
        ({}, {}, {"strict": True, "update_new": True, "dry_run": True}, ["not even in a dry run"]),
        ({"FAILAWARE_STRICT": "1"}, {}, {"prune": True}, ["FAILAWARE_STRICT=1"]),
        ({}, {}, {"limit": "5", "update_baselines": True}, ["--failaware-limit=5", "writes no baseline"]),
        ({}, {}, {"limit": "0"}, ["--failaware-limit=0", "at least 1"]),
        ({}, {}, {"override": ["tolerance=0.1"], "update_new": True}, ["--failaware-override", "writes no baseline"]),
        ({}, {}, {"override": ["tolerance=0.1"], "strict": True}, ["--failaware-strict", "--failaware-override"]),
        ({}, {}, {"override": ["tolerance"]}, ["--failaware-override=tolerance", "KEY=VALUE"]),
        ({}, {}, {"override": ["tolerence=1"]}, ["--failaware-override=tolerence", "did you mean 'tolerance'"]),
        ({}, {}, {"override": ["seed=1", "seed=2"]}, ["each key once"]),
        ({"CI": "true"}, {}, {"update_baselines": True}, ["CI is set", "failaware_update_in_ci = true"]),
        ({"GITLAB_CI": "1"}, {}, {"prune": True}, ["GITLAB_CI is set"]),
        ({}, {"dataset_change": "some"}, {}, ["failaware_dataset_change = some", "fail or shared"]),
    ],
)
def test_contradictions_are_refused(
    environ: dict[str, str], ini: dict[str, object], typed: dict[str, object], words: list[str]
) -> None:
    """Options that together would weaken a gate or store incomplete values are refused before the run."""
    with pytest.raises(ConfigError) as caught:
        configure(environ, ini, **typed)

    assert [] == [word for word in words if word not in str(caught.value)]


@pytest.mark.parametrize(
    ("environ", "ini", "typed"),
    [
        ({"CI": "false"}, {}, {"update_baselines": True}),
        ({"CI": "true"}, {}, {"update_baselines": True, "dry_run": True}),
        ({"CI": "true"}, {"update_in_ci": True}, {"update_baselines": True}),
        ({}, {"require_reason": True}, {"update_baselines": True, "reason": "new data"}),
        ({}, {"require_reason": True}, {"prune": True}),
    ],
)
def test_updates_that_are_allowed(environ: dict[str, str], ini: dict[str, object], typed: dict[str, object]) -> None:
    """A CI server refuses updates only if they write and the ini does not allow them."""
    assert configure(environ, ini, **typed).writing.asked


def test_values_know_where_they_come_from() -> None:
    """Every value knows its place, defaults included, in the order of the options."""
    origins = configure({"FAILAWARE_MODEL": "m.pth"}, {"dataset": "pkg:data"}, device="cpu", batch_size="7").origins

    assert {
        "model": Origin(text="m.pth", place="FAILAWARE_MODEL", kind=PlaceKind.ENVIRONMENT),
        "dataset": Origin(text="pkg:data", place="pytest.ini", kind=PlaceKind.INI),
        "batch-size": Origin(text="7", place="command line", kind=PlaceKind.COMMAND_LINE),
        "device": Origin(text="cpu", place="command line", kind=PlaceKind.COMMAND_LINE),
    } == {name: origin for name, origin in origins.items() if origin.place != "default"}
    assert {
        "data-root": "data",
        "bad-samples": "fail",
        "precision": "ieee",
        "baseline-dir": "baselines",
        "html-images": "8",
        "github": "true",
        "require-reason": "false",
        "update-in-ci": "false",
        "drift-budget": "0.01",
        "store-logits": "false",
        "outputs": "logits",
        "dataset-change": "fail",
    } == {name: origin.text for name, origin in origins.items() if origin.place == "default"}
    assert ["model", "dataset", "data-root", "bad-samples", "batch-size", "device"] == list(origins)[:6]
    assert DatasetChange.SHARED is configure(ini={"dataset_change": "shared"}).dataset_change
