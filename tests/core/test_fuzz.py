"""Damaged input of every kind is read or refused by a message of the plugin; it never raises another error.

The cases are seeded, so that every run has the same. To try more and other cases, run
FAILAWARE_FUZZ=200000 pytest tests/core/test_fuzz.py
"""

from __future__ import annotations

import contextlib
import io
import os
import warnings
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch
import toy
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from predicted import columns, frame

from pytest_failaware.baselines.file import read_baseline
from pytest_failaware.config.gate import build_gate
from pytest_failaware.config.option_texts import Surroundings
from pytest_failaware.config.options import INI_KEYS, OPTIONS
from pytest_failaware.config.resolve import resolve
from pytest_failaware.core.errors import FailAwareError
from pytest_failaware.core.request import Source, SourceKind
from pytest_failaware.measure.images.manifest import open_manifest
from pytest_failaware.measure.models.loading import load_model
from pytest_failaware.measure.predictions.predictions import read_predictions

CASES = os.environ.get("FAILAWARE_FUZZ")
fuzz = settings(
    max_examples=int(CASES or 1000),
    derandomize=not CASES,
    database=None,
    deadline=None,  # on shared cores the time of a case says nothing
    suppress_health_check=list(HealthCheck),
)

TEXTS = (
    *("resnet18", "torchvision:CIFAR10", "folder:data", "npz:a.npz", "csv:a.csv", "pkg.mod:make", "model.pth", "", ":"),
    *("none", "resize=32", "resize_short=256,crop=224,mean=0.5/0.5/0.5,std=0.5/0.5/0.5", "interpolation=bicubic"),
    *("cpu", "cuda:1", "auto", "ieee", "tf32", "0", "1", "-1", "1e9", "nan", "0.005", "true", "False", "sha256:00"),
    *("clean", "fog:3", "fog:1..5", "imagenet-c", "blur(radius=1)", "pkg.mod:f(level=2)", "precomputed/fog:3"),
    *("confidence < 0.6 or entropy > 1.0", "accuracy=0.9,confident_accuracy=0.95", "beyond_tolerance", "accuracy"),
    *("augrc(margin)", "risk_at_coverage(0.9)", "risk_at_coverage(.5,entropy)=0.01", "nll=3.5,augrc(gini)=0.1"),
    *("gaussian_noise(sigma=1e-3)", "tolerance=0.02", "../x", "a\0b", "\ud800", "\x1b[31m", "١", "skip:3"),
)


@st.composite
def garbled(draw: st.DrawFn, intact: bytes | str) -> bytes | str:
    """Intact content with up to four pieces removed, doubled or replaced."""
    result = intact
    for _ in range(draw(st.integers(0, 4))):
        start = draw(st.integers(0, len(result)))
        stop = min(len(result), start + draw(st.sampled_from((0, 1, 1, 2, 8, 64))))
        new = draw(st.binary(max_size=8) if isinstance(result, bytes) else st.text(max_size=8))
        result = result[:start] + draw(st.sampled_from((new, result[start:stop] * 2, result[:0]))) + result[stop:]
    return result


def texts() -> st.SearchStrategy[str]:
    """Texts that a user may type."""
    return st.one_of(st.sampled_from(TEXTS).flatmap(garbled), st.text(max_size=40))


def read_or_refuse(call: object, *arguments: object, **named: object) -> None:
    """Check that the call reads its input or raises an error of the plugin."""
    assert callable(call)
    with contextlib.suppress(FailAwareError):
        call(*arguments, **named)


# ---- what is typed -------------------------------------------------------------------------------------------------

NAMES = [option.name for option in OPTIONS if option.typed and not option.flag]


@fuzz
@given(typed=st.dictionaries(st.sampled_from(NAMES), texts(), min_size=1, max_size=3))
def test_options(typed: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> None:
    """Garbled options of the command line are read or refused, alone and combined."""
    here = tmp_path_factory.getbasetemp()
    around = Surroundings(environ={}, invocation_dir=here, ini_dir=here)
    command_line = {name: [text] if name == "override" else text for name, text in typed.items()}

    read_or_refuse(resolve, command_line=command_line, ini={}, around=around)


VALUES = st.one_of(
    texts(), st.lists(texts(), max_size=3), st.floats(), st.integers(), st.none(), st.dictionaries(texts(), texts())
)


@fuzz
@given(arguments=st.dictionaries(st.sampled_from(sorted(INI_KEYS)), VALUES, min_size=1, max_size=3))
def test_markers(arguments: dict[str, object]) -> None:
    """Arguments of the marker are read or refused, whatever their types and values."""
    read_or_refuse(build_gate, arguments, prefix="reliability: ")


# ---- what is stored ------------------------------------------------------------------------------------------------

DIGITS = (Path(__file__).parents[2] / "baselines" / "digits.yaml").read_text(encoding="utf-8")


@fuzz
@given(text=st.one_of(garbled(DIGITS), st.text(max_size=200)))
def test_baselines(text: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    """A YAML file that was edited by hand, merged badly or cut short is read or refused."""
    folder = tmp_path_factory.getbasetemp()
    (folder / "fuzzed.yaml").write_bytes(text.encode("utf-8", errors="surrogatepass"))

    read_or_refuse(read_baseline, folder, "fuzzed")


ARCH = Source(kind=SourceKind.FACTORY, target="toy:network")


def checkpoints() -> list[bytes]:
    """The toy's weights in each format."""
    files = []
    for legacy in (False, True):
        buffer = io.BytesIO()
        torch.save({"model": toy.weights(), "epoch": 3}, buffer, _use_new_zipfile_serialization=not legacy)
        files.append(buffer.getvalue())
    return [*files, safetensors.torch.save(toy.weights())]


@fuzz
@given(content=st.sampled_from(checkpoints()).flatmap(garbled))
def test_checkpoints(content: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    """A checkpoint with flipped bits, or one that was downloaded only in part, is read or refused."""
    path = tmp_path_factory.getbasetemp() / "fuzzed.pth"
    path.write_bytes(content)

    read_or_refuse(load_model, Source(kind=SourceKind.FILE, target=str(path)), ARCH, torch.device("cpu"))


def predicted() -> list[bytes]:
    """Three predictions in each format."""
    npz, csv, parquet = io.BytesIO(), io.BytesIO(), io.BytesIO()
    np.savez(npz, **columns())
    frame().to_csv(csv, index=False)
    frame().to_parquet(parquet)
    return [npz.getvalue(), csv.getvalue(), parquet.getvalue()]


@fuzz
@given(content=st.sampled_from(predicted()).flatmap(garbled))
def test_predictions(content: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Garbled files of predictions are read or refused in each format."""
    path = tmp_path_factory.getbasetemp() / "fuzzed"
    path.write_bytes(content)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pandas warns of columns it guesses; inside a test that is an error

        read_or_refuse(read_predictions, path)


MANIFEST = 'file,label,group\na.png,cat,1\n"b.png","dog, big",2\r\nsub/../c.png,3,3\n\n/d.png,-1,\n../e.png,0,x\n'


@settings(fuzz, max_examples=int(CASES or 400))  # each reads the disk
@given(content=st.one_of(garbled(MANIFEST).map(str.encode), garbled(MANIFEST.encode())), group=st.none() | texts())
def test_manifests(content: bytes, group: str | None, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Garbled lists of images are read or refused, as a spreadsheet, a script or another machine may write them."""
    path = tmp_path_factory.getbasetemp() / "fuzzed.csv"
    path.write_bytes(content)
    for name in ("a.png", "b.png", "c.png"):
        (path.parent / name).touch()

    read_or_refuse(open_manifest, path, group)
