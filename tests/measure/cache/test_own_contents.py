"""What the user's own code holds in classes and modules is part of what a measurement depends on."""

from __future__ import annotations

import importlib
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from pytest_failaware.measure.cache.origins import ForeignCodeError
from pytest_failaware.measure.cache.own_contents import OwnContents, refuse_late_values
from pytest_failaware.measure.cache.own_files import OwnFiles

NET = """
import dataclasses, enum, functools, logging, re, typing
from pathlib import Path
import numpy as np
import torch
from torch import nn
import own_layers

CFG = {"scale": 1.0, "parts": [1, 2]}
NAMES = ("a", "b")
SEEN = {1, 2}
MEANS = np.ones(3)
WEIGHTS = torch.ones(3)
TEACHER = nn.Linear(2, 2)
nn.init.ones_(TEACHER.weight), nn.init.ones_(TEACHER.bias)
HALF = functools.partial(pow, 2)
LOG = logging.getLogger("own")
DIGITS = re.compile("[0-9]+")
FOLDER = Path("data")
Pair = typing.NamedTuple("Pair", [("a", int)])
Choice = int | str

class Kind(enum.Enum):
    A = 1

@dataclasses.dataclass
class Options:
    factor: float = 1.0
    kinds: list = dataclasses.field(default_factory=list)

OPTIONS = Options()

class Base:
    floor = 0.0

class Net(nn.Module, Base):
    scale = 1.0
    table = {"a": 1}

    @property
    def twice(self): return 2 * self.scale

    @staticmethod
    def half(x): return x / 2

    @functools.cached_property
    def kept(self): return 1

    def forward(self, x, cfg={"bias": 0}): return x * self.scale

first = lambda x: x
second = lambda x: x + 1
act = first
def pow_of(self, x): return x ** 2
"""
LAYERS = "GAINS = [1.0]\nclass Layer:\n    gain = 1.0\n"


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], ModuleType]:
    """Writes and imports a module of the user's own."""
    monkeypatch.syspath_prepend(tmp_path)

    def write(name: str, text: str) -> ModuleType:
        (tmp_path / f"{name}.py").write_text(text)
        monkeypatch.setitem(sys.modules, name, ModuleType(name))  # which is removed when the test ends
        del sys.modules[name]
        return importlib.import_module(name)

    return write


@pytest.fixture
def net(own: Callable[[str, str], ModuleType]) -> ModuleType:
    own("own_layers", LAYERS)
    return own("own_net", NET)


def own_files() -> OwnFiles:
    return OwnFiles(started=time.time() + 1)


def sha256(net: ModuleType) -> str:
    """The hash of a model of own code, as a fresh process takes it."""
    contents = OwnContents(own_files())
    contents.contents.add_module(net.Net())
    return contents.hexdigest()


def test_the_same_values_give_the_same_hash(net: ModuleType, own: Callable[[str, str], ModuleType]) -> None:
    """Every usual kind of value can be described, and another import of the same text gives the same."""
    first = sha256(net)
    own("own_layers", LAYERS)

    assert first == sha256(own("own_net", NET))


CHANGES: list[Callable[[Any], object]] = [
    lambda net: setattr(net.Net, "scale", 0.1),
    lambda net: setattr(net.Base, "floor", 0.1),
    lambda net: net.Net.table.update(a=2),
    lambda net: net.Net.forward.__defaults__[0].update(bias=1),
    lambda net: setattr(net.Net, "half", staticmethod(net.second)),
    lambda net: setattr(net.Net, "twice", property(net.second)),
    lambda net: setattr(net.Net, "new", [1]),
    lambda net: net.CFG.update(scale=0.1),
    lambda net: net.CFG["parts"].append(3),
    lambda net: setattr(net, "NAMES", ("a", "c")),
    lambda net: net.SEEN.add(3),
    lambda net: net.MEANS.fill(2),
    lambda net: net.WEIGHTS.fill_(2),
    lambda net: net.TEACHER.weight.data.fill_(2),
    lambda net: setattr(net, "HALF", net.functools.partial(pow, 3)),
    lambda net: setattr(net, "DIGITS", net.re.compile("x")),
    lambda net: setattr(net, "act", net.second),
    lambda net: setattr(net.Net, "forward", net.pow_of),
    lambda net: setattr(net.first, "scale", 2),
    lambda net: setattr(net.OPTIONS, "factor", 2.0),
    lambda net: net.OPTIONS.kinds.append(1),
    lambda net: setattr(net.own_layers.Layer, "gain", 2.0),
    lambda net: net.own_layers.GAINS.append(1),
]


@pytest.mark.parametrize("change", CHANGES, ids=range(len(CHANGES)))
def test_a_value_that_changed(net: ModuleType, change: Callable[[ModuleType], object]) -> None:
    """Whatever was changed in a class, a function or a module of own code, also of one it imports."""
    before = sha256(net)
    change(net)
    assert before != sha256(net)


@pytest.mark.parametrize("line", ["LOCK = threading.Lock()", "class Other:\n    lock = threading.Lock()"])
def test_a_value_that_nothing_describes(own: Callable[[str, str], ModuleType], line: str) -> None:
    """It is named."""
    own("own_layers", LAYERS)
    net = own("own_net", f"{NET}\nimport threading\n{line}\n")
    with pytest.raises(ForeignCodeError, match=r"own_net\.(LOCK|Other\.lock)"):
        sha256(net)


def test_modules_that_no_value_reaches(
    own: Callable[[str, str], ModuleType], net: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Own modules that are loaded count, since a forward may import them when it answers."""
    own("own_late", "SCALES = [1]")
    ours = [module for name, module in sys.modules.items() if name.startswith("own_")]  # not those of other tests
    monkeypatch.setattr(OwnFiles, "modules", lambda _: ours)

    def loaded() -> str:
        contents = OwnContents(own_files())
        contents.add_loaded_modules()
        return contents.hexdigest()

    before = loaded()
    assert before == loaded()
    sys.modules["own_late"].SCALES.append(2)
    assert before != loaded()


def test_modules_that_were_loaded_while_it_measured(own: Callable[[str, str], ModuleType]) -> None:
    """Code alone is known by its file; a value is refused."""
    before, files = set(sys.modules), own_files()
    own("own_late", "import os\ndef scale(x): return x\nclass Net: pass\n")
    refuse_late_values(files, before)
    own("own_late", "SCALE = 1")

    with pytest.raises(ForeignCodeError, match=r"own_late\.SCALE, of a module that was loaded while it measured"):
        refuse_late_values(files, before)
