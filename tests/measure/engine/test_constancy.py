"""Models that write to themselves, or whose answers depend on chance or on the batch, and honest ones that look so."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Callable
from pathlib import Path

import convolutional
import numpy as np
import pytest
import torch
from convolutional import ConvolutionalNet, bench, network
from torch import nn
from torch.nn import functional
from torchvision.ops import stochastic_depth

from pytest_failaware.core.conditions.spelling import parse_condition
from pytest_failaware.core.errors import ModelError
from pytest_failaware.core.preprocessing import Preprocessing
from pytest_failaware.core.records import Records
from pytest_failaware.core.request import Loading, Precision, Source, SourceKind
from pytest_failaware.measure.engine.writes import check_unwritten
from pytest_failaware.measure.images.map_style import adopt_dataset
from pytest_failaware.measure.live import Bench, build_bench
from pytest_failaware.measure.models.loading import adopt_model, load_model
from pytest_failaware.measure.models.state import model_sha256

ITSELF = "weights or buffers change while it answers"
WRITTEN = "weights changed after it was loaded"
CHANCE = "answers the same images otherwise when it is asked again.*dropout"
BATCH = "depend on the other images of the batch.*--failaware-batch-size=1"
CHANGED = "answers otherwise than at the start of the run"


def measured(one: Bench, condition: str = "clean") -> Records:
    """The records of a condition."""
    return one.measure(parse_condition(condition, ""), seed=0).records


def assert_refused(one: Bench, words: str, condition: str = "clean") -> None:
    """One line with these words instead of records."""
    with pytest.raises(ModelError, match=words) as caught:
        measured(one, condition)
    assert str(caught.value).isprintable()


# ---- models that write to themselves -------------------------------------------------------------------------------


class TrainMode(ConvolutionalNet):
    """A model whose batch norms stay in train mode, even after eval()."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Logits, (N, 5)."""
        self.train()
        return super().forward(images)


class Counting(ConvolutionalNet):
    """A buffer that counts the calls."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("calls", torch.zeros((), dtype=torch.int64))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Logits, (N, 5)."""
        self.calls += 1
        return super().forward(images)


class Decaying(ConvolutionalNet):
    """Weights that become smaller with every call by a write that torch does not count."""

    rate = 0.999

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Logits, (N, 5)."""
        self.head.weight.data.mul_(self.rate)
        return super().forward(images)


class Creeping(Decaying):
    """The same, too slowly for its answers to show it."""

    rate = 1 - 1e-6


class Replacing(Counting):
    """A buffer that is another tensor after every call."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Logits, (N, 5)."""
        self.calls = self.calls + 1
        return ConvolutionalNet.forward(self, images)


@pytest.mark.parametrize("kind", [TrainMode, Counting, Decaying, Creeping, Replacing])
def test_a_model_that_writes_to_itself_is_refused(kind: type[ConvolutionalNet]) -> None:
    """At its very first condition, and no test is blamed."""
    assert_refused(bench(network(kind)), ITSELF)


# ---- answers that depend on chance or on the batch -----------------------------------------------------------------


class Dropping(nn.Module):
    """Dropout that stays on, before the last layer."""

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(192, 5)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Logits, (N, 5)."""
        return self.head(functional.dropout(images.flatten(1), 0.05, training=True))


class Skipping(ConvolutionalNet):
    """Stochastic depth that stays on: only some images are skipped."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Logits, (N, 5)."""
        maps = self.first(images)
        maps = maps + stochastic_depth(self.second(maps), 0.3, "row", training=True)
        return self.head(torch.flatten(self.pool(maps), 1))


@pytest.mark.parametrize("size", [1, 2, 16, 50])
def test_dropout_that_stays_on_is_refused(size: int) -> None:
    """With any batch size, a lone image too."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        assert_refused(bench(Dropping().eval(), batch_size=size), CHANCE)


@pytest.mark.parametrize("size", [16, 50])
def test_chance_that_only_some_images_meet_is_refused(size: int) -> None:
    """As long as it meets one of the first images."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        assert_refused(bench(network(Skipping), batch_size=size), CHANCE)


def of_the_batch() -> nn.Module:
    """A network whose batch norms keep no statistics."""
    return nn.Sequential(
        nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8, track_running_stats=False), nn.ReLU(), nn.Flatten(), nn.Linear(288, 5)
    )


class Positional(ConvolutionalNet):
    """What an image gets depends on its place."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Logits, (N, 5)."""
        return super().forward(images) + torch.arange(len(images))[:, None]


class Seeded(Dropping):
    """Chance that is the same for the same batch."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Logits, (N, 5)."""
        torch.manual_seed(0)
        return super().forward(images)


@pytest.mark.parametrize("make", [of_the_batch, Positional, Seeded])
@pytest.mark.parametrize("size", [2, 3, 16, 50])
def test_answers_by_the_batch_are_refused(make: Callable[[], nn.Module], size: int) -> None:
    """Whatever the batch size is, as long as there are other images in a batch."""
    with torch.random.fork_rng():
        assert_refused(bench(make().eval(), batch_size=size), BATCH)


def test_an_image_alone_has_no_others_beside_it() -> None:
    """What the message advises is then measured, and twice alike."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        one = bench(of_the_batch().eval(), batch_size=1)
    assert np.array_equal(measured(one).confidence, measured(one).confidence)


def test_a_refused_model_is_refused_again() -> None:
    """Under every condition, also if chance made it look right there."""
    net = nn.Sequential(Dropping()).eval()
    one = bench(net)
    assert_refused(one, CHANCE)
    net[0] = nn.Sequential(nn.Flatten(), nn.Linear(192, 5))
    assert_refused(one, CHANCE, "blur")


# ---- programs ------------------------------------------------------------------------------------------------------


def program_bench(path: Path, **options: object) -> Bench:
    """The program of a file, trusted by its hash, on random images."""
    trusted = "sha256:" + hashlib.sha256(path.read_bytes()).hexdigest()
    loaded = load_model(
        Source(kind=SourceKind.FILE, target=str(path)), None, convolutional.CPU, Loading(trusted=trusted)
    )
    pixels = np.random.default_rng(0).integers(0, 256, (50, 8, 8, 3), dtype=np.uint8)
    data = adopt_dataset([(image, k % 5) for k, image in enumerate(pixels)], "data")
    return build_bench(loaded, data, Preprocessing(), batch_size=convolutional.BATCH, **options)


def save_script(path: Path, module: nn.Module) -> None:
    """The module as TorchScript, in the mode that it is in."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch deprecates this form
        torch.jit.trace(module, torch.rand(4, 3, 8, 8), check_trace=False).save(path)


def save_exported(path: Path, module: nn.Module) -> None:
    """The module as torch.export's program, in the mode that it is in."""
    batch = torch.export.Dim("batch", min=2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch warns of its own parts
        torch.export.save(torch.export.export(module, (torch.rand(4, 3, 8, 8),), dynamic_shapes=({0: batch},)), path)


@pytest.mark.parametrize(("save", "name"), [(save_script, "net.pt"), (save_exported, "net.pt2")])
def test_programs_in_train_mode_are_refused(tmp_path: Path, save: Callable[..., None], name: str) -> None:
    """Their batch norms write to themselves; with dropout alone it is chance; in eval mode they are measured."""
    save(tmp_path / name, network().train())
    assert_refused(program_bench(tmp_path / name), ITSELF)

    save(tmp_path / name, nn.Sequential(nn.Flatten(), nn.Dropout(0.2), nn.Linear(192, 5)).train())
    assert_refused(program_bench(tmp_path / name), CHANCE)

    save(tmp_path / name, network().eval())
    one = program_bench(tmp_path / name)
    assert 50 == len(measured(one)) == len(measured(one, "blur"))
    assert () == one.runner.notes


def save_onnx(path: Path, middle: str, *, batch: int | str) -> None:
    """A linear program on standardised pixels, with a step in the middle that tells a run in train mode."""
    onnx = pytest.importorskip("onnx")
    helper, types = onnx.helper, onnx.TensorProto
    weights = np.random.default_rng(0).normal(size=(192, 5)).astype(np.float32)
    ones = [onnx.numpy_helper.from_array(np.full(3, value, np.float32), name) for name, value in
            (("scale", 1), ("shift", 0), ("mean", 0.5), ("variance", 0.1))]  # fmt: skip
    scalars = [onnx.numpy_helper.from_array(np.array(0.2, np.float32), "ratio"),
               onnx.numpy_helper.from_array(np.array(True), "training"),
               onnx.numpy_helper.from_array(weights, "weights")]  # fmt: skip
    norm = ["images", "scale", "shift", "mean", "variance"]
    nodes = {
        "plain": [helper.make_node("BatchNormalization", norm, ["middle"])],
        "train": [helper.make_node("BatchNormalization", norm, ["middle", "m", "v"], training_mode=1)],
        "dropout": [helper.make_node("Dropout", ["images", "ratio", "training"], ["middle"])],
        "noise": [helper.make_node("RandomNormalLike", ["images"], ["noise"], scale=0.01),
                  helper.make_node("Add", ["images", "noise"], ["middle"])],
    }[middle]  # fmt: skip
    graph = helper.make_graph(
        [*nodes, helper.make_node("Flatten", ["middle"], ["flat"]),
         helper.make_node("MatMul", ["flat", "weights"], ["logits"])],
        "net",
        [helper.make_tensor_value_info("images", types.FLOAT, [batch, 3, 8, 8])],
        [helper.make_tensor_value_info("logits", types.FLOAT, [batch, 5])],
        [*ones, *scalars],
    )  # fmt: skip
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)


@pytest.mark.parametrize("batch", ["N", 1, 4, 16])
@pytest.mark.parametrize("middle", ["plain", "train", "dropout", "noise"])
def test_onnx_programs(tmp_path: Path, middle: str, batch: int | str) -> None:
    """Noise, dropout and statistics of the batch are refused; a batch of one or of a fixed size is no fault."""
    pytest.importorskip("onnxruntime")
    save_onnx(tmp_path / "net.onnx", middle, batch=batch)
    try:
        one = program_bench(tmp_path / "net.onnx")
    except ModelError as error:
        pytest.skip(f"this runtime does not take the program: {error}")
    expected = {"plain": "", "train": "" if batch == 1 else BATCH, "dropout": CHANCE, "noise": CHANCE}[middle]
    if expected:
        assert_refused(one, expected)
    else:
        assert 50 == len(measured(one))
        assert () == one.runner.notes


class WholeBatches(ConvolutionalNet):
    """As a program that was exported for one size of batches."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Logits, (16, 5)."""
        return super().forward(images).view(16, 5)


class WholeBatchesInTrainMode(nn.Module):
    """The same for a model in which the other images of the batch matter."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(3, track_running_stats=False)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Logits, (16, 192)."""
        return self.norm(images).view(16, 192)


def test_a_model_that_takes_whole_batches_alone() -> None:
    """It is asked in batches of the same size and other images."""
    one = bench(network(WholeBatches), images=48)
    assert 48 == len(measured(one)) == len(measured(one, "blur"))
    assert_refused(bench(WholeBatchesInTrainMode().eval(), images=48), BATCH)


# ---- tests that write between two conditions -----------------------------------------------------------------------


def data(net: ConvolutionalNet) -> None:
    net.head.weight.data.mul_(1.5)


def numpy(net: ConvolutionalNet) -> None:
    net.head.weight.detach().numpy()[:] = 0


def parameter(net: ConvolutionalNet) -> None:
    net.head.weight = nn.Parameter(net.head.weight + 1, requires_grad=False)


def one_bit(net: ConvolutionalNet) -> None:
    net.head.bias.data[0] += 1e-6


def another_layer(net: ConvolutionalNet) -> None:
    net.head = nn.Linear(16, 5).requires_grad_(False)


def counted(net: ConvolutionalNet) -> None:
    with torch.no_grad():
        net.head.weight.add_(1)


@pytest.mark.parametrize("write", [data, numpy, parameter, one_bit, another_layer, counted])
@pytest.mark.parametrize("copied", [True, False])
def test_writes_between_conditions_are_seen(
    monkeypatch: pytest.MonkeyPatch, write: Callable[[ConvolutionalNet], None], copied: bool
) -> None:
    """Whether or not torch counts them, and whether or not a folded copy runs; the test is named as the cause."""
    if not copied:
        monkeypatch.setattr("pytest_failaware.measure.engine.runner.private_copies", lambda module, images: iter(()))
    net = network()
    one = bench(net)
    measured(one)
    write(net)

    assert_refused(one, WRITTEN, "blur")


class Tempered(ConvolutionalNet):
    """A network with a number beside its weights that a test may set."""

    temperature = 1.0

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Logits, (N, 5)."""
        return super().forward(images) * self.temperature


def setting(net: ConvolutionalNet) -> None:
    net.temperature = 3.0


def hook(net: ConvolutionalNet) -> None:
    net.register_forward_hook(lambda module, given, answer: -answer)


@pytest.mark.parametrize("change", [setting, hook])
def test_changes_beside_the_weights_are_seen(change: Callable[[ConvolutionalNet], None]) -> None:
    """By what the model now answers to its first images."""
    net = network(Tempered)
    one = bench(net)
    measured(one)
    change(net)

    assert_refused(one, CHANGED, "blur")


# ---- honest models -------------------------------------------------------------------------------------------------


class Recurrent(nn.Module):
    """An LSTM over the rows, with dropout that eval mode turns off."""

    def __init__(self) -> None:
        super().__init__()
        self.rows, self.head = nn.LSTM(24, 16, 2, batch_first=True, dropout=0.5), nn.Linear(16, 5)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Logits, (N, 5)."""
        return self.head(self.rows(images.permute(0, 2, 1, 3).flatten(2))[0][:, -1])


class Attending(nn.Module):
    """An encoder over the rows."""

    def __init__(self) -> None:
        super().__init__()
        layer = nn.TransformerEncoderLayer(24, 4, 32, batch_first=True)
        self.rows, self.head = nn.TransformerEncoder(layer, 2), nn.Linear(24, 5)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Logits, (N, 5)."""
        return self.head(self.rows(images.permute(0, 2, 1, 3).flatten(2)).mean(1))


class Remembering(ConvolutionalNet):
    """A network that keeps what it saw last in an attribute, as some do for pictures of attention."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Logits, (N, 5)."""
        self.last = super().forward(images)
        return self.last


class Masked(ConvolutionalNet):
    """One class is never to be answered; of two classes the logits are equal."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Logits, (N, 5)."""
        logits = super().forward(images).clone()
        logits[:, 1] = logits[:, 0]
        return logits


class Zero(nn.Module):
    """A last layer of zeros, as many architectures start with."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Logits, (N, 5)."""
        return torch.zeros(len(images), 5)


@pytest.mark.parametrize("kind", [ConvolutionalNet, Recurrent, Attending, Remembering, Masked, Zero])
@pytest.mark.parametrize("size", [1, 2, 7, 50])
def test_honest_models_are_measured(kind: type[nn.Module], size: int) -> None:
    """Without a note, under two conditions."""
    torch.manual_seed(0)  # some weights give outputs like those of a sigmoid, which are noted
    net = network(kind) if issubclass(kind, ConvolutionalNet) else kind().eval()
    one = bench(net, batch_size=size)

    assert 50 == len(measured(one)) == len(measured(one, "blur"))
    assert () == one.runner.notes


@pytest.mark.parametrize("images", [1, 2, 3])
def test_data_sets_of_few_images(images: int) -> None:
    """A lone image is asked for twice."""
    assert images == len(measured(bench(network(), images=images)))


def test_bfloat16_is_no_chance() -> None:
    """Rounding may change with the size of the batch, and identical numbers were not requested."""
    one = bench(network(), precision=Precision.BFLOAT16)
    assert 50 == len(measured(one)) == len(measured(one, "blur"))
    assert () == one.runner.notes


def int8_by_the_batch(images: torch.Tensor) -> torch.Tensor:
    """Pixels in 8 bits on a scale that the whole batch gives."""
    scale = images.abs().max() / 127
    return (images / scale).round() * scale


class Dynamic(ConvolutionalNet):
    """Scales its inputs by the batch, as dynamic int8 layers do."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Logits, (N, 5)."""
        return super().forward(int8_by_the_batch(images))


def test_small_dependence_on_the_batch_is_a_note() -> None:
    """It is the honest nature of int8 layers, and the user learns how to be rid of it."""
    one = bench(network(Dynamic), images=51)
    one.store.images[::3] //= 2  # so that batches differ in their brightest pixel
    measured(one)

    (note,) = one.runner.notes
    assert "answers move a little with the other images of the batch" in note
    assert "--failaware-batch-size=1" in note


def test_first_images_cost_little() -> None:
    """At most 192 images more than a run without these checks: 74 once, and two before each further condition."""
    seen = []
    net = Zero()
    net.register_forward_pre_hook(lambda module, given: seen.append(len(given[0])))
    one = bench(net, images=100, batch_size=100)
    for condition in ("clean", "blur", "low_light"):
        measured(one, condition)

    assert 64 + 64 + 3 * 100 + 64 + 8 + 2 + 2 * 2 == sum(seen)  # two trials of ways to run it, the passes, the checks


def test_many_conditions_cost_no_more() -> None:
    """From the 61st condition on, nothing is asked again."""
    seen = []
    net = Zero()
    net.register_forward_pre_hook(lambda module, given: seen.append(len(given[0])))
    one = bench(net, images=4, batch_size=4)
    counts = []
    for _ in range(62):
        before = sum(seen)
        measured(one, "clean")
        counts.append(sum(seen) - before)

    assert [4 + 2, 4, 4] == [counts[59], counts[60], counts[61]]


def test_a_model_is_hashed_once_a_condition(monkeypatch: pytest.MonkeyPatch) -> None:
    """And once when it is loaded."""
    hashed = []
    for place in ("models.loading", "engine.writes"):
        name = f"pytest_failaware.measure.{place}.model_sha256"
        monkeypatch.setattr(name, lambda net: hashed.append(net) or model_sha256(net))
    one = bench(network())
    assert 1 == len(hashed)
    for condition in ("clean", "blur", "low_light"):
        measured(one, condition)

    assert 4 == len(hashed)


class Counting(nn.Module):
    """A linear model that counts its calls in a persistent buffer."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(12, 3)
        self.register_buffer("cnt", torch.zeros((), dtype=torch.long))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Count the call and return logits."""
        self.cnt += 1
        answer: torch.Tensor = self.fc(images.flatten(1))
        return answer


def test_a_model_that_counts_its_calls() -> None:
    """The refusal names the buffer, also if the model was asked before it is measured."""
    model = adopt_model(Counting(), torch.device("cpu"))
    model.module(torch.zeros(2, 3, 2, 2))

    with pytest.raises(ModelError, match="its own forward changes 'cnt', so every answer can depend on the images"):
        check_unwritten(model, lambda: torch.zeros(2, 3, 2, 2))
