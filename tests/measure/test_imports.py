"""Objects of the user's own code, named as pkg.mod:attribute."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pytest_failaware.core.errors import ConfigError
from pytest_failaware.core.text import describe_error, one_line
from pytest_failaware.measure.imports import load_attribute

WriteModule = Callable[[str], str]


@pytest.fixture
def write_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[WriteModule]:
    """Write source as an importable module and return its name, which no other test uses."""
    monkeypatch.syspath_prepend(tmp_path)
    name = f"failaware_user_code_{abs(hash(tmp_path))}"

    def write(source: str) -> str:
        (tmp_path / f"{name}.py").write_text(source)
        return name

    yield write
    sys.modules.pop(name, None)


def error_of(target: str) -> str:
    """The message with which load_attribute refuses the target."""
    with pytest.raises(ConfigError) as caught:
        load_attribute(target, "--failaware-arch")
    return str(caught.value)


def test_loads_a_dotted_attribute(write_module: WriteModule) -> None:
    """An attribute of an attribute is found."""
    name = write_module("class Zoo:\n    @staticmethod\n    def build():\n        return 7\n")
    assert 7 == load_attribute(f"{name}:Zoo.build", "--failaware-arch")()


@pytest.mark.parametrize(
    "target", ["mypkg.models", "mypkg.models:", ":build", "a..b:build", ".a:build", "a:b:c", "a:b c"]
)
def test_refuses_another_form(target: str) -> None:
    """Text that is no pkg.mod:attribute is refused with an example."""
    expected = f"--failaware-arch={target}: not of the form pkg.mod:attribute; write it as in 'mypkg.models:build'"
    assert expected == error_of(target)


def test_missing_module_names_the_remedy() -> None:
    """A module that cannot be found is named, with the two ways to make it importable."""
    expected = (
        "--failaware-arch=no_such_package.models:build: no module named 'no_such_package'; correct the name, or add "
        "its folder to PYTHONPATH or to pytest's ini key pythonpath"
    )
    assert expected == error_of("no_such_package.models:build")


def test_missing_submodule_is_the_one_named() -> None:
    """Where only the submodule is missing, the message does not blame the package."""
    assert "no module named 'json.no_such_part';" in error_of("json.no_such_part:build")


def test_missing_attribute_suggests_the_close_one(write_module: WriteModule) -> None:
    """A misspelt attribute gets the file that was searched and the nearest name."""
    name = write_module("def build_model(): ...\n")
    message = error_of(f"{name}:buildmodel")
    assert message.endswith(f"{name}.py) has no attribute 'buildmodel'; did you mean 'build_model'?")
    assert message.startswith(f"--failaware-arch={name}:buildmodel: module {name!r} (")


def test_missing_attribute_without_a_close_name(write_module: WriteModule) -> None:
    """Where nothing is close, the message still says what to do."""
    assert error_of(f"{write_module('')}:qqqq").endswith("; define it there, or name another")


def test_missing_attribute_of_a_class(write_module: WriteModule) -> None:
    """A part of a dotted attribute is named with its owner."""
    name = write_module("class Zoo:\n    small = 1\n")
    assert error_of(f"{name}:Zoo.smal").endswith(": type 'Zoo' has no attribute 'smal'; did you mean 'small'?")


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("raise ValueError('first\\n  second \\x1b[31mred')", "ValueError: first second [31mred"),
        ("import no_such_dependency", "ModuleNotFoundError: No module named 'no_such_dependency'"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("raise RuntimeError", "RuntimeError"),
        ("import warnings; warnings.warn('old')", "UserWarning: old"),
    ],
)
def test_error_in_the_users_module_is_one_line(write_module: WriteModule, source: str, shown: str) -> None:
    """An error of the import is reported with type and text, and stays chained for a debugger."""
    name = write_module(source)
    with pytest.raises(ConfigError) as caught:
        load_attribute(f"{name}:build", "--failaware-arch")
    expected = f"--failaware-arch={name}:build: importing {name!r} raised {shown}; repair the module"
    assert expected == str(caught.value)
    assert type(caught.value.__cause__).__name__ == shown.partition(":")[0]


def test_syntax_error_is_one_line(write_module: WriteModule) -> None:
    """A module that does not even parse is reported as such."""
    assert "raised SyntaxError: " in error_of(f"{write_module('def build(:')}:build")


def test_one_line_is_cut() -> None:
    """A very long text ends in an ellipsis at 400 characters."""
    assert "x" * 399 + "…" == one_line("x" * 401)
    assert "x" * 400 == one_line("x" * 400)


def test_describe_error_without_text() -> None:
    """An exception without text is its type's name alone."""
    assert "KeyError" == describe_error(KeyError())
