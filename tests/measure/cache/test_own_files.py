"""What a run says about the files of its own code, and when a later run takes its word for it."""

from __future__ import annotations

import importlib
import os
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch

from pytest_failaware.measure.cache.origins import ForeignCodeError, installed_packages
from pytest_failaware.measure.cache.own_files import OwnFiles, Witness

WriteModule = Any  # a function from a name and a text to the module


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> WriteModule:
    """Writes a module of the user's own, which is old, and imports it."""
    monkeypatch.syspath_prepend(tmp_path)

    def write(name: str, text: str) -> ModuleType:
        monkeypatch.delitem(sys.modules, name, raising=False)
        (tmp_path / f"{name}.py").write_text(text)
        found = importlib.import_module(name)
        del sys.modules[name]
        monkeypatch.setitem(sys.modules, name, found)
        return found

    return write


def own_files() -> OwnFiles:
    return OwnFiles(started=time.time() + 1)


def names(witness: Witness, folder: Path) -> set[str]:
    return {Path(path).name for path in witness.files if Path(path).is_relative_to(folder)}


def test_own_files_are_named(tmp_path: Path, module: WriteModule) -> None:
    """Every loaded file is, none of Python's, of an installed package or of this one; a text keeps all of it."""
    module("own_net", "import json")
    witness = own_files().witness()

    assert {"own_net.py"} == names(witness, tmp_path)
    assert str(Path(__file__)) in witness.files
    assert not [path for path in witness.files if "site-packages" in path or "pytest_failaware/" in path]
    assert str(Path(os.__file__)) not in witness.files
    assert witness.files == Witness.parse(str(witness)).files
    assert witness.minute == Witness.parse(str(witness)).minute


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"time": "x", "files": {}}', '{"time": 3, "files": []}', "null"])
def test_no_witness(text: str) -> None:
    """Any other text is refused."""
    with pytest.raises(ValueError, match=r"."):
        Witness.parse(text)


def test_the_same_files(module: WriteModule) -> None:
    """A later process that loads the same files, or fewer, takes the word of the earlier one."""
    module("own_net", "SCALE = 1")
    module("own_lazy", "")
    then = own_files().witness()
    assert "" == then.difference(own_files().witness())

    del sys.modules["own_lazy"]
    assert "" == then.difference(own_files().witness())


@pytest.mark.parametrize("name", ["own_net.py", "own_lazy.py"])
def test_an_edited_file(tmp_path: Path, module: WriteModule, name: str) -> None:
    """A file that was edited is named, also one that the later process has not loaded yet."""
    module("own_net", "SCALE = 1")
    module("own_lazy", "")
    then = own_files().witness()
    del sys.modules["own_lazy"]
    (tmp_path / name).write_text("SCALE = 2")

    assert f"{tmp_path / name} changed" == then.difference(own_files().witness())
    (tmp_path / name).unlink()
    assert f"{tmp_path / name} changed" == then.difference(Witness(time=datetime.now(UTC), files={}))


def test_a_file_that_was_not_loaded(tmp_path: Path, module: WriteModule) -> None:
    """Another file may change what the known ones do."""
    then = own_files().witness()
    module("own_patch", "")

    assert f"{tmp_path / 'own_patch.py'} was not loaded" == then.difference(own_files().witness())


@pytest.mark.parametrize("change", [Path.touch, Path.unlink, lambda path: path.write_text("SCALE = 2")])
def test_a_file_that_was_edited_while_the_run_went_on(tmp_path: Path, module: WriteModule, change: Any) -> None:
    """What was loaded is not what the file says now, so nothing says what ran."""
    module("own_net", "SCALE = 1")
    files = OwnFiles(started=time.time())
    time.sleep(0.02)  # the clock of the file system ticks in steps
    change(tmp_path / "own_net.py")

    with pytest.raises(ForeignCodeError, match=r"own_net\.py, which was written to while this run went on"):
        files.witness()


def test_modules_that_only_pytest_knows(tmp_path: Path, module: WriteModule) -> None:
    """Of several conftest.py one has the name in sys.modules."""
    conftest = module("own_conftest", "")
    del sys.modules["own_conftest"]
    assert set() == names(own_files().witness(), tmp_path)

    files = OwnFiles(started=time.time() + 1, loaded_by_pytest=(conftest,))
    assert {"own_conftest.py"} == names(files.witness(), tmp_path)


def test_code_has_a_file(tmp_path: Path, module: WriteModule) -> None:
    """Classes and functions are named with their file and the plain values of their module, torch's by name alone."""
    net = module("own_net", "SCALE = 1\nclass Net: pass\ndef build(): return lambda: 0")
    files = own_files()
    path = tmp_path / "own_net.py"

    assert f"own_net.Net in {path} with [('SCALE', 1)]" == files.code_of(net.Net)
    assert f"own_net.build.<locals>.<lambda> in {path} with [('SCALE', 1)]" == files.code_of(net.build())
    net.SCALE = 2
    assert f"own_net.Net in {path} with [('SCALE', 2)]" == files.code_of(net.Net)
    assert "torch.nn.modules.linear.Linear" == files.code_of(torch.nn.Linear)
    assert files.code_of(torch.relu).startswith("torch.")


def test_a_module_that_has_the_name_of_one_of_pythons(tmp_path: Path, module: WriteModule) -> None:
    """Its file decides: a file of one's own called code.py is one's own."""
    found = module("code", "class Net: pass")
    assert f"code.Net in {tmp_path / 'code.py'} with []" == own_files().code_of(found.Net)


def test_code_without_a_file(module: WriteModule) -> None:
    """A notebook, exec and classes of no module are refused by name."""
    space: dict[str, Any] = {"__name__": "notebook"}
    exec("class Net: pass\ndef forward(x): return x", space)
    for code, name in ((space["Net"], "notebook.Net"), (space["forward"], "notebook.forward")):
        with pytest.raises(ForeignCodeError, match=f"^{name}, which no file holds$"):
            own_files().code_of(code)


def test_files_of_other_packages_that_are_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """Code of an installed package counts by its version, and by its file if it defines classes of the model."""
    import yaml

    files = own_files()
    assert not [path for path in files.witness().files if path.endswith("yaml/loader.py")]
    files.code_of(yaml.Loader)
    assert [path for path in files.witness().files if path.endswith("yaml/loader.py")]
    before = installed_packages()
    monkeypatch.setattr(sys, "path", [])
    assert before != installed_packages()
