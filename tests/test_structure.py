"""The structure of the package: which room may import which, no circular imports, and what each room may do."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import pytest

import pytest_failaware

PACKAGE: Final = Path(pytest_failaware.__file__).parent
TOP: Final = PACKAGE.name

MAY_IMPORT: Final[Mapping[str, frozenset[str]]] = {
    room: frozenset(others.split())
    for room, others in {
        "core": "",
        "measure": "core",
        "judge": "core",
        "report": "core",
        "baselines": "core judge report",
        "config": "core measure judge report",
        "run": "core measure judge report baselines config",
        "plugin": "core measure judge report baselines config hookspec",
        "cli": "core measure judge report baselines config",
        "hookspec": "core",
        "gates": "",
        "__main__": "cli",
        "__init__": "core judge report baselines run",
    }.items()
}
"""The rooms, which are folders, and the doors, which are files, with the rooms that each may import."""

IMPORT_PYTEST: Final = frozenset({"plugin", "gates", "hookspec"})
HEAVY: Final = ("torch", "torchvision", "numpy", "pandas", "scipy", "yaml")

FILE_MODULES: Final = frozenset({"glob", "io", "os", "pathlib", "shutil", "subprocess", "tempfile", "zipfile"})
FILE_CALLS: Final = frozenset({"fromfile", "load", "loadtxt", "memmap", "open", "save", "savez", "tofile"})
"""Modules and calls that reach files; `judge` uses none of them."""

LONGEST: Final = 60  # lines of a function
MOST_PARAMETERS: Final = 5

Known = Mapping[str, Path]
"""Modules by their dotted names."""


def modules(package: Path = PACKAGE) -> dict[str, Path]:
    """Return every module of the package by its dotted name."""
    return {dotted(path, package): path for path in sorted(package.rglob("*.py"))}


def dotted(path: Path, package: Path = PACKAGE) -> str:
    """Return the name by which a file is imported."""
    parts = (TOP, *path.relative_to(package).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def room_of(name: str) -> str:
    """Return the folder or the file at the root to which a module belongs."""
    return name.split(".")[1] if "." in name else "__init__"


def imports(path: Path, *, types: bool = True) -> Iterator[str]:
    """Yield every name that a module imports, also inside functions; with `types`, also those used only for types."""
    waiting: list[ast.AST] = [ast.parse(path.read_text(encoding="utf-8"))]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.If) and getattr(node.test, "id", "") == "TYPE_CHECKING" and not types:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        waiting.extend(ast.iter_child_nodes(node))


def imported_modules(path: Path, known: Known) -> set[str]:
    """Return the modules of the package that a module imports."""
    names = [name for name in imports(path) if name.split(".")[0] == TOP]
    return {name if name in known else name.rpartition(".")[0] for name in names}


def forbidden(known: Known) -> list[str]:
    """Return the imports that the table of rooms does not allow."""
    return [
        f"{name} imports {other}"
        for name, path in known.items()
        for other in sorted(imported_modules(path, known))
        if room_of(other) not in {room_of(name), *MAY_IMPORT[room_of(name)]}
    ]


def circles(known: Known) -> list[str]:
    """Return the modules that import each other, directly or through others."""
    edges = {name: imported_modules(path, known) - {name} for name, path in known.items()}
    return sorted(name for name in edges if name in reached(name, edges))


def reached(start: str, edges: Mapping[str, set[str]]) -> set[str]:
    """Return every module that a module imports, directly or through others."""
    seen: set[str] = set()
    waiting = [*edges[start]]
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            waiting.extend(edges.get(name, ()))
    return seen


def importers(packages: tuple[str, ...], known: Known, *, types: bool) -> set[str]:
    """Return the rooms that import one of the packages."""
    return {
        room_of(name)
        for name, path in known.items()
        if any(other.split(".")[0] in packages for other in imports(path, types=types))
    }


def functions(known: Known) -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    """Yield every function and method of the package, with its place."""
    for name, path in known.items():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                yield f"{name}.{node.name}", node


def length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Return the number of lines of a function without its docstring."""
    lines = function.end_lineno - function.lineno + 1
    is_described = ast.get_docstring(function) is not None
    return lines - (function.body[0].end_lineno - function.body[0].lineno + 1 if is_described else 0)


def parameters(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Return the number of parameters of a function, without `self` and `cls`."""
    known = function.args
    names = [argument.arg for argument in (*known.posonlyargs, *known.args, *known.kwonlyargs)]
    return len({*names} - {"self", "cls"}) + (known.vararg is not None) + (known.kwarg is not None)


def test_functions_are_short() -> None:
    """No function is longer than 60 lines, and at most one in a hundred has more than five parameters."""
    known = list(functions(modules()))
    many = [name for name, function in known if parameters(function) > MOST_PARAMETERS]

    assert [] == [name for name, function in known if length(function) > LONGEST]
    assert len(many) <= 0.01 * len(known), many


def test_lines_and_parameters_are_counted(tmp_path: Path) -> None:
    """The counts leave out the docstring and `self`, and include starred parameters."""
    (tmp_path / "a.py").write_text(
        'class A:\n    def f(self, a, /, *b, c=1, **d):\n        """Say.\n\n        More.\n        """\n        pass\n'
    )
    [(name, function)] = functions({"a": tmp_path / "a.py"})

    assert ("a.f", 2, 4) == (name, length(function), parameters(function))


def test_rooms_import_only_what_they_may() -> None:
    """No module has an import that the table of rooms forbids, not even in a function or for types."""
    assert [] == forbidden(modules())


def test_no_imports_in_a_circle() -> None:
    """No module imports itself through other modules."""
    assert [] == circles(modules())


def public_classes(known: Known) -> Iterator[str]:
    """Yield the name of every class of the package that begins without an underscore."""
    for path in known.values():
        tree = ast.parse(path.read_text(encoding="utf-8"))
        yield from (node.name for node in tree.body if isinstance(node, ast.ClassDef) and node.name[0] != "_")


def test_no_two_classes_have_one_name() -> None:
    """No two public classes of the package have the same name."""
    counts = Counter(public_classes(modules()))

    assert [] == [name for name, count in counts.items() if count > 1]


def test_the_root_holds_rooms_and_doors() -> None:
    """The root of the package has at most eight folders and six files, all of them in the table."""
    entries = {path for path in PACKAGE.iterdir() if path.name != "__pycache__"}
    folders = {path.name for path in entries if path.is_dir()}

    assert set(MAY_IMPORT) == folders | {path.stem for path in entries if path.suffix == ".py"}
    assert len(folders) <= 8
    assert len(entries - {PACKAGE / name for name in folders}) <= 6


@pytest.mark.parametrize(
    "statement",
    [
        "from pytest_failaware.measure.live import Bench",
        "def late():\n    from pytest_failaware.plugin import hooks",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import pytest_failaware.judge.verdict",
    ],
    ids=["at the top", "in a function", "for types"],
)
def test_a_planted_import_is_found(tmp_path: Path, statement: str) -> None:
    """A forbidden import is found at the top of a file, in a function and if it is only for types."""
    planted = tmp_path / "planted.py"
    planted.write_text(statement, encoding="utf-8")

    assert 1 == len(forbidden({**modules(), f"{TOP}.core.planted": planted}))


def test_a_planted_circle_is_found(tmp_path: Path) -> None:
    """Two files that import each other are found, even if one imports the other only for a type."""
    (tmp_path / "a.py").write_text(f"import {TOP}.core.b", encoding="utf-8")
    (tmp_path / "b.py").write_text(f"if TYPE_CHECKING:\n    from {TOP}.core.a import A", encoding="utf-8")
    known = {f"{TOP}.core.{name}": tmp_path / f"{name}.py" for name in "ab"}

    assert [f"{TOP}.core.a", f"{TOP}.core.b"] == circles(known)


def test_who_imports_pytest_and_torch() -> None:
    """Only the plugin's side imports pytest; only `measure` imports torch when it runs."""
    assert IMPORT_PYTEST == importers(("pytest", "_pytest", "pluggy"), modules(), types=True)
    assert {"measure"} == importers(("torch", "torchvision"), modules(), types=False)


def test_judging_reaches_no_file() -> None:
    """The package judge has no import and no call that could read or write a file."""
    for name, path in modules().items():
        if room_of(name) == "judge":
            tree = ast.parse(path.read_text(encoding="utf-8"))
            called = {node.func for node in ast.walk(tree) if isinstance(node, ast.Call)}
            names = {getattr(function, "attr", getattr(function, "id", "")) for function in called}
            assert (name, set(), set()) == (
                name,
                FILE_MODULES & {other.split(".")[0] for other in imports(path)},
                FILE_CALLS & names,
            )


def test_loading_the_plugin_imports_nothing_heavy(tmp_path: Path) -> None:
    """A pytest run that only loads and configures the plugin imports no large library."""
    code = (
        "import sys, pytest; pytest.main(['--collect-only', '-q', '-p', 'pytest_failaware.plugin']);"
        f"print('HEAVY', sorted(set({HEAVY!r}) & set(sys.modules)), 'pytest_failaware.plugin' in sys.modules)"
    )
    (tmp_path / "test_other.py").write_text("def test_other(): pass")
    alone = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}  # other plugins may import what they like
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=tmp_path, env=alone, capture_output=True, text=True, check=False)

    assert "HEAVY [] True" in done.stdout


def test_public_names_are_sorted_and_resolve() -> None:
    """Every name in __all__ exists, the list is sorted, and `dir` shows no other name."""
    assert sorted(pytest_failaware.__all__) == pytest_failaware.__all__ == dir(pytest_failaware)
    assert all(getattr(pytest_failaware, name) for name in pytest_failaware.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        pytest_failaware.nothing  # noqa: B018 - the access is what is tested


METRIC_KINDS: Final = frozenset({"Metric", "RateMetric", "CoverageMetric", "ScoreMetric"})
MAY_ASK_KINDS: Final = (f"{TOP}.core.metric", f"{TOP}.judge.metrics")


def kinds_asked(path: Path) -> set[str]:
    """Return the kinds of metrics that a module tests with isinstance, and the flags it reads with getattr."""
    calls = [node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Call)]
    asked = [argument for call in calls if getattr(call.func, "id", "") == "isinstance" for argument in call.args[1:]]
    names = {getattr(node, "id", "") for argument in asked for node in ast.walk(argument)}
    looked_for = {
        argument.value
        for call in calls
        if getattr(call.func, "id", "") == "getattr"
        for argument in call.args[1:]
        if isinstance(argument, ast.Constant)
    }
    return (names & METRIC_KINDS) | (looked_for & {"is_rate", "needs_logits"})


def test_a_metric_answers_for_itself() -> None:
    """No module outside core/metric.py and judge/metrics/ tests which kind a metric is."""
    found = {name: kinds_asked(path) for name, path in modules().items() if not name.startswith(MAY_ASK_KINDS)}

    assert {} == {name: kinds for name, kinds in found.items() if kinds}


@pytest.mark.parametrize("expression", ["isinstance(m, (int, ScoreMetric))", "getattr(m, 'is_rate', True)"])
def test_a_planted_question_for_a_kind_is_found(tmp_path: Path, expression: str) -> None:
    """A test for the kind of a metric is found."""
    planted = tmp_path / "planted.py"
    planted.write_text(expression, encoding="utf-8")

    assert 1 == len(kinds_asked(planted))
