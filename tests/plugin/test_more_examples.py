"""The smaller examples, each run as its README says: the good checkpoint passes, the worse one fails."""

from __future__ import annotations

import hashlib
import runpy
import shutil
import sys
import warnings
from pathlib import Path

import onnxruntime.quantization  # noqa: F401 - a pytest run inside a test forgets the modules it imported
import pytest
import sklearn.datasets  # noqa: F401 - see above
import torch
import torchvision
import yaml
from PIL import Image
from torch import nn

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
GOOD, WORSE = (f"--failaware-model={EXAMPLES / 'digits' / name}" for name in ("digits.pth", "digits_worse.pth"))


def run(pytester: pytest.Pytester, example: str | Path, *args: str) -> pytest.RunResult:
    """Run an example by its name or by its folder."""
    return pytester.runpytest_inprocess(
        "-p", "no:randomly", "-p", "no:cacheprovider", str(EXAMPLES / example), "--failaware-no-cache", *args
    )


def test_own_fixtures(pytester: pytest.Pytester) -> None:
    """The example measures the model of its fixture on the data of its fixture, and its option chooses the weights."""
    run(pytester, "own_fixtures").assert_outcomes(passed=2)
    worse = run(pytester, "own_fixtures", "--checkpoint=digits_worse.pth")

    worse.assert_outcomes(passed=1, failed=1)
    worse.stdout.fnmatch_lines(["*: test_scans[[]gaussian_noise]: worse than baseline 'scans' allows*"])


def test_own_degradation(pytester: pytest.Pytester) -> None:
    """The example judges its degradation with its metrics, and the worse checkpoint fails under the degradation."""
    run(pytester, "own_degradation", GOOD).assert_outcomes(passed=2)
    worse = run(pytester, "own_degradation", WORSE, "-v")

    worse.assert_outcomes(passed=1, failed=1)
    worse.stdout.fnmatch_lines(["test_dust[[]dust]*accuracy*REGRESSED", "test_dust[[]dust]*recall_of_eights*"])
    tight = run(pytester, "own_degradation", GOOD, "--failaware-override=maximum=overconfidence=-0.5")
    tight.assert_outcomes(failed=2)
    tight.stdout.fnmatch_lines(["*overconfidence*must be <= -0.5: ABOVE MAXIMUM"])


def test_release(pytester: pytest.Pytester) -> None:
    """The shipped model passes; the worse one falls below a minimum, and is not shown to be as good under blur."""
    run(pytester, "release", GOOD).assert_outcomes(passed=4)
    worse = run(pytester, "release", WORSE)

    worse.assert_outcomes(passed=1, failed=3)
    worse.stdout.fnmatch_lines(
        [
            "*test_release[[]gaussian_noise]: worse than*",
            "*  accuracy: *, must be >= 0.85: BELOW MINIMUM",
            "*: test_release[[]blur]: not shown to be as good *",
            "*  accuracy: *(allowed 2.00 pt): NOT SHOWN",
        ]
    )
    run(pytester, "digits", WORSE, "-k", "blur").assert_outcomes(passed=1, deselected=3)


def test_release_stores_nothing(pytester: pytest.Pytester) -> None:
    """The release example refuses an update and fails without a model, since its ini file is strict."""
    assert pytest.ExitCode.USAGE_ERROR == run(pytester, "release", GOOD, "--failaware-update-baselines").ret
    assert pytest.ExitCode.OK != run(pytester, "release").ret


def test_exported_model(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """TorchScript and ONNX exports answer like the original; int8 weights and another training do not."""
    monkeypatch.setattr(sys, "argv", ["export.py", f"--out={pytester.path}"])
    monkeypatch.setattr(sys, "path", list(sys.path))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch deprecates TorchScript, also as a way to ONNX
        runpy.run_path(str(EXAMPLES / "exported_model" / "export.py"), run_name="__main__")
    against = GOOD.replace("model", "against", 1)

    noise = (against, "-k", "gaussian_noise")

    refused = run(pytester, "exported_model", "--failaware-model=digits.pt", *noise)
    option = f"--failaware-trust-model=sha256:{hashlib.sha256(Path('digits.pt').read_bytes()).hexdigest()}"

    refused.stdout.fnmatch_lines([f"*digits.pt: a TorchScript archive, which can run any code *, or pass {option}"])
    for file, *trust in (("digits.pt", option), ("digits.onnx",)):
        passed = run(pytester, "exported_model", f"--failaware-model={file}", *trust, *noise)
        passed.assert_outcomes(passed=1, deselected=1)
    for other in ("--failaware-model=digits_int8.onnx", WORSE):
        changed = run(pytester, "exported_model", other, *noise)
        changed.assert_outcomes(failed=1, deselected=1)
        changed.stdout.fnmatch_lines(["  changed_flag_rate: *, must be <= 0.01: *"])


@pytest.fixture
def photographs(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a copy of the example with two photographs for each of two classes, and an empty cache of torch."""
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(pytester.path / "hub"))
    example = shutil.copytree(EXAMPLES / "torchvision_weights", pytester.path / "example")
    for name, colour in {"golden retriever": "orange", "tench": "olive"}.items():
        (example / "data" / name).mkdir(parents=True)
        for number in (1, 2):
            Image.new("RGB", (300, 200 + number), colour).save(example / "data" / name / f"{number}.png")
    return example


def torchvision_resnet(favourite: str) -> nn.Module:
    """Return a substitute of the published model that predicts one class for every image."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model: nn.Module = torchvision.models.resnet18()
    names = torchvision.models.ResNet18_Weights.IMAGENET1K_V1.meta["categories"]
    with torch.no_grad():
        model.get_parameter("fc.bias")[names.index(favourite)] = 1000
    return model


def test_torchvision_weights(pytester: pytest.Pytester, photographs: Path) -> None:
    """With cached weights the example runs offline with their preprocessing, and another one is incomparable."""
    (pytester.path / "hub" / "checkpoints").mkdir(parents=True)
    published = pytester.path / "hub" / "checkpoints" / "resnet18-f37072fd.pth"
    torch.save(torchvision_resnet("tench").state_dict(), published)
    model = "--failaware-model=torchvision:resnet18"
    run(pytester, photographs, model, "--failaware-update-new").assert_outcomes(passed=2)
    stored = yaml.safe_load((photographs / "baselines" / "resnet18.yaml").read_text(encoding="utf-8"))

    assert "resize_short=256" in stored["preprocessing"]
    assert "mean=0.485/0.456/0.406" in stored["preprocessing"]
    assert {"clean": 2, "low_light": 2} == {k: v["cells"]["trusted_right"] for k, v in stored["conditions"].items()}
    run(pytester, photographs, model, "-k", "clean").stdout.fnmatch_lines(["1 checked: 1 unchanged*"])
    other = run(pytester, photographs, model, "-k", "clean", "--failaware-preprocess=resize=64")
    other.stdout.fnmatch_lines(["1 checked: 1 incomparable*"])


def test_torchvision_weights_offline(pytester: pytest.Pytester, photographs: Path) -> None:
    """The example skips without a model, and one line names the weights or the photographs that are missing."""
    run(pytester, photographs).assert_outcomes(skipped=2)
    model = "--failaware-model=torchvision:resnet18"
    run(pytester, photographs, model).stdout.fnmatch_lines(["*resnet18-f37072fd.pth*downloads are not allowed*"])
    shutil.rmtree(photographs / "data")
    torch.save(torchvision_resnet("tench").state_dict(), "candidate.pth")
    empty = run(pytester, photographs, "--failaware-model=candidate.pth")
    empty.stdout.fnmatch_lines(["*no images; put photographs there as data/golden retriever/1.jpg*"])
