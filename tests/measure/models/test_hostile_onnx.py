"""ONNX files that hide the place of their weights: the runtime reads only checked files, in any working folder."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from hostile_models import SPELLINGS, WEIGHT, field, onnx_bytes
from onnx import TensorProto, helper, numpy_helper

from pytest_failaware.core.errors import ModelError
from pytest_failaware.core.request import Source, SourceKind
from pytest_failaware.measure.models.loading import LoadedModel, load_model
from pytest_failaware.measure.models.onnx_file import external_tensors, parse_onnx

IMAGES = torch.eye(64).reshape(64, 1, 8, 8)  # the answers to them are the weights
PLACES = ("beside the folder", "absolute", "working folder", "link", "linked folder", "memory")


def load(path: Path) -> LoadedModel:
    return load_model(Source(kind=SourceKind.FILE, target=str(path)), None, torch.device("cpu"))


def refused(path: Path) -> str:
    """Return the line of the refusal."""
    with pytest.raises(ModelError) as caught:
        load(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert message.isprintable()
    return message


@pytest.fixture
def sessions(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What the runtime was asked to open."""
    asked: list[Any] = []
    real = onnxruntime.InferenceSession

    def watched(model: Any, *args: Any, **options: Any) -> Any:
        asked.append(model)
        return real(model, *args, **options)

    monkeypatch.setattr(onnxruntime, "InferenceSession", watched)
    return asked


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, str]:
    """A folder for the model with links in it, and beside it the secret, which lies in a working folder too."""
    folder, secret = tmp_path / "work" / "models", tmp_path / "work" / "secret.bin"
    folder.mkdir(parents=True)
    (tmp_path / "elsewhere").mkdir()
    secret.write_bytes(WEIGHT.tobytes())
    (folder / "link.bin").symlink_to(secret)
    (folder / "linked").symlink_to(secret.parent)
    return folder, str(secret)


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("working", ["work", "elsewhere"])
def test_weights_elsewhere_are_not_read(
    folders: tuple[Path, str],
    sessions: list[Any],
    monkeypatch: pytest.MonkeyPatch,
    spelling: str,
    place: str,
    working: str,
) -> None:
    """However the place is written, the runtime is not even asked."""
    folder, secret = folders
    monkeypatch.chdir(folder.parents[1] / working)
    location = {
        "beside the folder": "../secret.bin",
        "absolute": secret,
        "working folder": "secret.bin",
        "link": "link.bin",
        "linked folder": "linked/secret.bin",
        "memory": "*/_ORT_MEM_ADDR_/*",
    }[place]
    path = folder / "model.onnx"
    path.write_bytes(onnx_bytes(location, spelling))
    refused(path)

    assert [] == sessions


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_weights_in_the_folder_are_part_of_the_hash(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spelling: str
) -> None:
    """However the place is written: other weights are another model, and those in the working folder are none."""
    path = tmp_path / "models" / "model.onnx"
    path.parent.mkdir()
    path.write_bytes(onnx_bytes("weight.bin", spelling))
    monkeypatch.chdir(tmp_path)
    Path("weight.bin").write_bytes((WEIGHT - 1).tobytes())
    try:
        first, second = (load(weighed(path, weight)) for weight in (WEIGHT, WEIGHT + 1))
    except ModelError:
        assert "high bit" in spelling, "only what no library can read may be refused"
        return

    assert first.facts.sha256 != second.facts.sha256
    assert first.program != second.program
    assert np.array_equal(WEIGHT, first.module(IMAGES))
    assert np.array_equal(WEIGHT + 1, second.module(IMAGES))


def weighed(path: Path, weight: np.ndarray[Any, Any]) -> Path:
    path.with_name("weight.bin").write_bytes(weight.tobytes())
    return path


def test_plain_file_runs_from_a_private_folder(tmp_path: Path, sessions: list[Any]) -> None:
    """The runtime gets a file that was written again, in a folder with nothing else in it, which is gone then."""
    path = weighed(tmp_path / "model.onnx", WEIGHT)
    path.write_bytes(onnx_bytes("weight.bin"))
    loaded = load(path)
    private = Path(sessions[0])

    assert np.array_equal(WEIGHT, loaded.module(IMAGES))
    assert tmp_path not in private.parents
    assert not private.parent.exists()


def test_place_in_memory(tmp_path: Path) -> None:
    """The runtime takes this name for an address in its own memory; here it is a file like any other."""
    path = tmp_path / "model.onnx"
    path.write_bytes(onnx_bytes("*/_ORT_MEM_ADDR_/*"))
    (tmp_path / "*" / "_ORT_MEM_ADDR_").mkdir(parents=True)
    (tmp_path / "*" / "_ORT_MEM_ADDR_" / "*").write_bytes(WEIGHT.tobytes())

    assert np.array_equal(WEIGHT, load(path).module(IMAGES))


def test_form_of_the_runtime_itself(tmp_path: Path) -> None:
    """A producer's name that looks like the mark of the runtime's own format does not change the format."""
    path = weighed(tmp_path / "model.onnx", WEIGHT)
    content = onnx_bytes("weight.bin")
    path.write_bytes(content[:2] + field(2, b"ORTM") + content[2:])

    assert b"ORTM" == path.read_bytes()[4:8]
    assert np.array_equal(WEIGHT, load(path).module(IMAGES))


def test_fields_that_nobody_knows(tmp_path: Path, sessions: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """What the onnx library does not know does not reach the runtime."""
    path = weighed(tmp_path / "model.onnx", WEIGHT)
    path.write_bytes(onnx_bytes("weight.bin") + field(3000, b"hidden"))
    real, written = onnxruntime.InferenceSession, []
    monkeypatch.setattr(
        onnxruntime,
        "InferenceSession",
        lambda file, *a, **k: written.append(Path(file).read_bytes()) or real(file, *a, **k),
    )
    load(path)

    assert b"hidden" not in written[0]
    assert b"MatMul" in written[0]


# ---- what a file says of its weights -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("entries", "words"),
    [
        ([("location", "weight.bin"), ("location", "other.bin")], "the tensor 'weight' does not name one plain place"),
        ([("location", "weight.bin"), ("offset", "-4")], "the tensor 'weight' does not name one plain place"),
        ([("location", "weight.bin"), ("length", "all")], "the tensor 'weight' does not name one plain place"),
        ([("offset", "0")], "names weights outside of its folder: ''"),
        ([("location", "weight.bin"), ("length", "99999")], "onnxruntime cannot load it"),
    ],
)
def test_place_that_makes_no_sense(tmp_path: Path, entries: list[tuple[str, str]], words: str) -> None:
    """A place that is there twice, is no number, lies beyond the end or is missing is refused."""
    path = weighed(tmp_path / "model.onnx", WEIGHT)
    model = onnx.ModelProto.FromString(onnx_bytes("weight.bin"))
    tensor = model.graph.initializer[0]
    tensor.ClearField("external_data")
    for key, value in entries:
        tensor.external_data.add(key=key, value=value)
    path.write_bytes(model.SerializeToString())

    assert words in refused(path)


def test_name_in_no_encoding(tmp_path: Path) -> None:
    """A name that is no UTF-8 is one line."""
    path = weighed(tmp_path / "model.onnx", WEIGHT)
    path.write_bytes(onnx_bytes("weight.bin").replace(b"weight.bin", b"weight\xff\xfein"))

    assert "the tensor 'weight' does not name one plain place of its data" in refused(path)


@pytest.mark.parametrize("name", ["circle", "x" * 5000])
def test_name_that_no_file_has(tmp_path: Path, name: str) -> None:
    """Links in a circle and names that are too long are one line."""
    path = tmp_path / "model.onnx"
    path.write_bytes(onnx_bytes(name))
    (tmp_path / "circle").symlink_to(tmp_path / "circle")

    assert "which is not there" in refused(path) or "names weights that no file has" in refused(path)


def test_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A temporary folder that cannot be written is one line."""
    path = weighed(tmp_path / "model.onnx", WEIGHT)
    path.write_bytes(onnx_bytes("weight.bin"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "nowhere"))

    assert "cannot be copied to a temporary folder (FileNotFoundError" in refused(path)


def test_pointer_of_lfs_in_place_of_weights(tmp_path: Path) -> None:
    """A checkout without LFS says what to fetch."""
    path = tmp_path / "model.onnx"
    path.write_bytes(onnx_bytes("weight.bin"))
    path.with_name("weight.bin").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 768\n")
    with pytest.raises(ModelError, match=r"weight\.bin: a Git LFS pointer, not the weights of model\.onnx; fetch"):
        load(path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="a kind of file that this system does not have")
def test_pipe_in_place_of_weights(tmp_path: Path) -> None:
    """What is no plain file is not waited for."""
    path = tmp_path / "model.onnx"
    path.write_bytes(onnx_bytes("weight.bin"))
    os.mkfifo(path.with_name("weight.bin"))

    assert "which is not there" in refused(path)


def test_external_tensors_are_found_wherever_they_are(tmp_path: Path) -> None:
    """In initialisers, constants, the branches of an if, sparse tensors, functions and training graphs."""

    def tensor(location: str) -> Any:
        one = TensorProto(name=location, data_type=TensorProto.FLOAT, dims=[1], raw_data=b"\0\0\0\0")
        onnx.external_data_helper.set_external_data(one, location)
        return one

    def constant(location: str) -> Any:
        return helper.make_node("Constant", [], ["c"], value=tensor(location))

    def sparse(name: str) -> Any:
        return onnx.SparseTensorProto(values=tensor(f"{name} values"), indices=tensor(f"{name} indices"), dims=[1])

    branch = helper.make_graph([constant("branch")], "branch", [], [])
    inner = helper.make_node("If", ["x"], ["y"], then_branch=branch, else_branch=branch)
    many = helper.make_node("Constant", [], ["c"])
    many.attribute.add(name="tensors", type=onnx.AttributeProto.TENSORS, tensors=[tensor("list")])
    many.attribute.add(name="sparse", type=onnx.AttributeProto.SPARSE_TENSOR, sparse_tensor=sparse("attribute"))
    graph = helper.make_graph([inner, many, constant("constant")], "graph", [], [], [tensor("initialiser")])
    graph.sparse_initializer.append(sparse("initialiser"))
    function = helper.make_function("own", "f", [], ["c"], [constant("function")], [helper.make_opsetid("", 17)])
    model = helper.make_model(graph, functions=[function], ir_version=8)
    model.training_info.add(algorithm=helper.make_graph([constant("training")], "algorithm", [], []))
    path = tmp_path / "model.onnx"
    found = external_tensors(path, parse_onnx(path, model.SerializeToString()))

    sparse_ones = {f"{where} {what}" for where in ("attribute", "initialiser") for what in ("values", "indices")}
    others = {"branch", "list", "constant", "initialiser", "function", "training"}
    assert sparse_ones | others == {place["location"] for _, place in found}


# ---- operators, sizes and versions ---------------------------------------------------------------------------------


def program(path: Path, nodes: list[Any], **others: Any) -> Path:
    """A model of these nodes, from `images` to `logits`."""
    inputs = [helper.make_tensor_value_info("images", TensorProto.FLOAT, ["batch", 1, 8, 8])]
    outputs = [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", 3])]
    weight = numpy_helper.from_array(WEIGHT, "weight")
    domains = {"": 17, **{node.domain: 1 for node in nodes if node.domain}}
    opsets = [helper.make_opsetid(domain, version) for domain, version in domains.items()]
    graph = helper.make_graph(nodes, "graph", inputs, outputs, [weight])
    model = helper.make_model(graph, opset_imports=opsets, ir_version=8, **others)
    path.write_bytes(model.SerializeToString())
    return path


FLAT = helper.make_node("Flatten", ["images"], ["flat"])
PRODUCT = helper.make_node("MatMul", ["flat", "weight"], ["logits"])


def test_custom_operators(tmp_path: Path) -> None:
    """An operator of somebody else's library is named, in the branch of an if, too."""
    branch = helper.make_graph([helper.make_node("Write", [], ["y"], domain="evil")], "branch", [], [])
    inner = helper.make_node("If", ["x"], ["y"], then_branch=branch, else_branch=branch)
    read = helper.make_node("Read", ["images"], ["x"], domain="com.evil")
    message = refused(program(tmp_path / "model.onnx", [read, inner, FLAT, PRODUCT]))

    assert "an ONNX program with custom operators, com.evil:Read, evil:Write; none of it was run; export" in message


def test_operators_of_the_runtime_itself(tmp_path: Path) -> None:
    """What onnxruntime's own quantiser and optimiser write is computed."""
    fused = helper.make_node("FusedMatMul", ["flat", "weight"], ["logits"], domain="com.microsoft")

    assert np.array_equal(WEIGHT, load(program(tmp_path / "model.onnx", [FLAT, fused])).module(IMAGES))


def test_functions_of_the_model_itself(tmp_path: Path) -> None:
    """A function that the file defines is not a custom operator, in any domain."""
    body = [helper.make_node("MatMul", ["a", "b"], ["c"])]
    function = helper.make_function("own", "product", ["a", "b"], ["c"], body, [helper.make_opsetid("", 17)])
    call = helper.make_node("product", ["flat", "weight"], ["logits"], domain="own")
    path = program(tmp_path / "model.onnx", [FLAT, call], functions=[function])

    assert np.array_equal(WEIGHT, load(path).module(IMAGES))


def test_newer_form_than_the_library_knows(tmp_path: Path) -> None:
    """Parts of it would be dropped without a word."""
    path = program(tmp_path / "model.onnx", [FLAT, PRODUCT])
    model = onnx.load(path)
    model.ir_version = onnx.IR_VERSION + 1
    path.write_bytes(model.SerializeToString())

    assert f"an ONNX program of version {onnx.IR_VERSION + 1}, onnx {onnx.__version__} knows" in refused(path)


def test_longest_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Protobuf has a limit of 2 GiB, and the message names another place for the weights."""
    monkeypatch.setattr("pytest_failaware.measure.models.onnx_file._LONGEST", 100)
    message = refused(program(tmp_path / "model.onnx", [FLAT, PRODUCT]))

    assert "the limit is 100; save its weights in a file beside it" in message


@pytest.mark.parametrize("content", [b"\x08\x08", b"\x08\x08\x3a\x05ab", b"\x08" + bytes(64)])
def test_bytes_that_begin_like_onnx(tmp_path: Path, content: bytes) -> None:
    """A message without a graph, one that is cut, and zeros are refused."""
    (tmp_path / "model.onnx").write_bytes(content)

    assert "ONNX program" in refused(tmp_path / "model.onnx")
