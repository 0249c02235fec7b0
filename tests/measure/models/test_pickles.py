"""Pickles that are small and grow when they are loaded: refused before the loader sees them, and quickly."""

from __future__ import annotations

import io
import os
import pickle
import time
import zipfile
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from hostile_models import weights, zipped
from torchvision import models as torchvision_models

from pytest_failaware.core.errors import ModelError
from pytest_failaware.core.request import Loading, Source, SourceKind
from pytest_failaware.measure.models import pickles
from pytest_failaware.measure.models.loading import load_model
from pytest_failaware.measure.models.pickles import PICKLE_BYTES, check_pickles
from pytest_failaware.measure.models.trust import globals_in

START, END = b"\x80\x02", b"."
NONE_IN_DICT = b"Ns"  # the value of the key, then the pair goes into the dict


def doubled(times: int) -> bytes:
    """A dict with one key: a tuple of two tuples, which are one and the same, and so on."""
    return START + b"})" + b"2\x86" * times + NONE_IN_DICT + END


def doubled_by_memo(times: int) -> bytes:
    """The same, each tuple taken from the memo."""
    steps = (b"q%ch%c\x86" % (number, number) for number in range(times))
    return START + b"})" + b"".join(steps) + NONE_IN_DICT + END


def nested(times: int) -> bytes:
    """A dict whose key is a tuple in a tuple, and so on."""
    return START + b"})" + b"\x85" * times + NONE_IN_DICT + END


def same_key(times: int) -> bytes:
    """A dict that gets one large key again and again."""
    return START + b"})" + b"2\x86" * 20 + b"q\1Ns" + b"h\1Ns" * times + END


GROWING = {
    "doubled": (doubled(40), "its pickle unfolds to more than 100,000,000 parts"),
    "doubled a little": (doubled(27), "its pickle unfolds to more than 100,000,000 parts"),
    "doubled by the memo": (doubled_by_memo(40), "its pickle unfolds to more than 100,000,000 parts"),
    "nested": (nested(100_000), "its pickle nests values more than 200 deep"),
    "one large key": (same_key(1000), "its pickle unfolds to more than 100,000,000 parts"),
}


def refused(path: Path) -> str:
    with pytest.raises(ModelError) as caught:
        load_model(Source(kind=SourceKind.FILE, target=str(path)), None, torch.device("cpu"), Loading())
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert message.isprintable()
    return message


@pytest.mark.parametrize("name", GROWING)
@pytest.mark.parametrize("form", ["zip", "bare"])
def test_pickle_that_grows(tmp_path: Path, name: str, form: str) -> None:
    """In a file of torch.save and in the older form it is refused in one line within seconds."""
    content, words = GROWING[name]
    members = {key: content if key.endswith("data.pkl") else other for key, other in weights().items()}
    path = tmp_path / "model.pth"
    path.write_bytes(zipped(members) if form == "zip" else content)
    start = time.monotonic()
    message = refused(path)

    assert f"{words}, and none of it was run; write one with torch.save" in message
    assert time.monotonic() - start < 20, "an endless search, on a busy machine too"


def test_pickle_that_grows_in_an_old_file(tmp_path: Path) -> None:
    """Before torch 1.6 the content was the fourth pickle."""
    path = tmp_path / "model.pth"
    old = b"".join(pickle.dumps(value, protocol=2) for value in (0x1950A86A20F9469CFC6C, 1001, {}))
    path.write_bytes(old + doubled(40))

    assert "its pickle unfolds to more than" in refused(path)


def test_pickle_that_cannot_be_checked(tmp_path: Path) -> None:
    """A pickle that cannot be read to its end does not reach the loader, which might read it differently."""
    path = tmp_path / "model.pth"
    path.write_bytes(START + b"h\7" + doubled(40)[2:])

    assert "cut short, damaged or no checkpoint (KeyError: 7)" in refused(path)


def test_long_pickle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The limit is on the unpacked pickle, whichever form the file has."""
    monkeypatch.setattr(pickles, "PICKLE_BYTES", 50)
    with pytest.raises(ModelError, match="its pickle has more than 50 bytes"):
        check_pickles(tmp_path, io.BytesIO(pickle.dumps(list(range(100)))), 1)


def test_long_pickle_in_an_archive(tmp_path: Path) -> None:
    """Zeros that unpack to more than the limit are not unpacked."""
    path = tmp_path / "model.pth"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in weights().items():
            archive.writestr(name, bytes(20_000_000) if name.endswith("data.pkl") else content)

    assert "its pickle has 20,000,000 bytes, the limit is 8,000,000" in refused(path)


def test_archive_that_unpacks_to_more_than_the_budget(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Compressed weights count unpacked; weights that are stored may be as long as their file."""
    monkeypatch.setattr("pytest_failaware.core.budgets.UNPACKED_BYTES", 1000)
    path, stored = tmp_path / "model.pth", tmp_path / "stored.pth"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in weights().items():
            archive.writestr(name, bytes(100_000) if name.endswith("data/0") else content)
    torch.save({"weight": torch.ones(10_000)}, stored)

    assert "unpacks to 100," in refused(path)
    assert "no known architecture has these tensors" in refused(stored)


def test_ordinary_checkpoint(tmp_path: Path) -> None:
    """A network with its optimizer's state, which refers to the same values again and again, is read."""
    model = torchvision_models.resnet18()
    optimizer = torch.optim.SGD(model.parameters(), 0.1, momentum=0.9)
    shared = tuple(range(1000))
    content = {"state_dict": model.state_dict(), "optimizer": optimizer.state_dict(), "history": [shared] * 1000}
    torch.save(content, tmp_path / "model.pth")
    source = Source(kind=SourceKind.FILE, target=str(tmp_path / "model.pth"))

    assert "resnet18" == load_model(source, None, torch.device("cpu"), Loading()).facts.architecture


def test_keys_that_are_no_text(tmp_path: Path) -> None:
    """Without weights the keys are shown, other keys than texts by their type, since they can be endless."""
    path = tmp_path / "model.pth"
    key: tuple[object, ...] = ()
    for _ in range(18):
        key = (key, key)
    torch.save({key: 1, "epoch": 3, 7: 2}, path)
    message = refused(path)

    assert "its keys: a key of type tuple, 'epoch', a key of type int; write one with" in message


# ---- what a refusal lists ------------------------------------------------------------------------------------------


def boxed(content: bytes, times: int, depth: int) -> bytes:
    """Archives in archives, with so many members each."""
    for _ in range(depth):
        whole = io.BytesIO()
        with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as archive:
            for number in range(times):
                archive.writestr(str(number), content)
        content = whole.getvalue()
    return content


NOTHING = b"\x80\x02" + b"N0" * 1_000_000 + b"."  # two million opcodes


@pytest.mark.parametrize(
    "content",
    [NOTHING, boxed(NOTHING, 100, 1), boxed(NOTHING, 10, 3), boxed(b"", 60, 3), boxed(bytes(1 << 20), 20, 3)],
    ids=["one pickle", "members", "archives in archives", "empty members", "zeros"],
)
def test_list_of_a_bomb_is_quick(content: bytes) -> None:
    """One budget of bytes holds for all archives in one another; without it these take from seconds to hours."""
    start = time.monotonic()
    globals_in(content, budget=100_000)

    assert time.monotonic() - start < 2


def test_list_says_where_it_ends() -> None:
    """Whoever reads the list knows that there is more."""
    content = boxed(pickle.dumps(os.mkdir) + bytes(600), 3, 1)

    assert {f"{os.mkdir.__module__}.mkdir", "(not searched beyond 1,000 bytes)"} == globals_in(content, budget=1000)


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_list_of_archives_in_archives(depth: int) -> None:
    """Names are found three archives deep."""
    assert {f"{os.mkdir.__module__}.mkdir"} == globals_in(boxed(pickle.dumps(os.mkdir), 2, depth))


def test_list_of_archives_too_deep() -> None:
    """The fourth nested archive is not opened."""
    assert set() == globals_in(boxed(pickle.dumps(os.mkdir), 1, 4))


def test_list_of_a_damaged_archive() -> None:
    """A member that cannot be unpacked ends the list."""
    content = bytearray(boxed(pickle.dumps([os.mkdir] * 1000), 2, 1))
    content[60] ^= 255

    globals_in(bytes(content))


@pytest.mark.parametrize("size", [2**33, 2**62])
def test_a_length_that_no_file_has(tmp_path: Path, size: int) -> None:
    """A text that claims more bytes than fit in memory is damage, and no memory is allocated."""
    path = tmp_path / "model.pth"
    path.write_bytes(b"\x80\x04\x8d" + size.to_bytes(8, "little") + b"abc")
    with path.open("rb") as stream:
        asked: list[int] = []
        read = stream.read
        watched = SimpleNamespace(
            read=lambda count: asked.append(count) or read(count),
            readline=stream.readline, tell=stream.tell, seek=stream.seek,
        )  # fmt: skip
        with pytest.raises(ModelError, match=r"model\.pth: "):
            check_pickles(path, watched, 1)

    assert max(asked) <= PICKLE_BYTES + 1


def test_a_wrong_escape_in_a_pickle_is_no_warning() -> None:
    """Python warns of an unknown escape in a text; where warnings are errors, this would end a run."""
    stream = io.BytesIO(b"S'a\\q'\ncos\nsystem\n.")

    assert ["os.system"] == list(pickles.names_in(stream))
