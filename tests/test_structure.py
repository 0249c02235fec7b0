"""The walls of the house: who may import whom, and what loading the plugin may cost."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

import pytest_failaware

PACKAGE = Path(pytest_failaware.__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))
HEAVY = ("torch", "torchvision", "numpy", "pandas", "scipy", "yaml")
PYTEST_SIDE = (
    "plugin.py",
    "startup.py",
    "selection.py",
    "gated_items.py",
    "hooks.py",
    "user_code.py",
    "last_word.py",
    "controller.py",
    "hookspec.py",
    "gates.py",
)


def imported(path: Path, *, lazily: bool) -> set[str]:
    """The dotted names a module imports when it runs; with `lazily`, inside its functions too, never for types only."""
    found: set[str] = set()
    waiting: list[ast.AST] = [ast.parse(path.read_text(encoding="utf-8"))]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.If) and getattr(node.test, "id", "") == "TYPE_CHECKING":
            continue
        if isinstance(node, ast.FunctionDef) and not lazily:
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
        waiting.extend(ast.iter_child_nodes(node))
    return found


def room(path: Path) -> str:
    """The folder a module lives in, as a dotted name."""
    return ".".join(("pytest_failaware", *path.relative_to(PACKAGE).parts[:-1]))


def imports_of(path: Path, *packages: str, lazily: bool = True) -> set[str]:
    """Those of a module's imports that lie in one of the packages."""
    return {
        name
        for name in imported(path, lazily=lazily)
        if any(name == package or name.startswith(f"{package}.") for package in packages)
    }


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_arrows(path: Path) -> None:
    """No module imports what its room must not know."""
    here = room(path)
    if path.name not in PYTEST_SIDE:
        assert set() == imports_of(path, "pytest", "_pytest", "pluggy")
    if not here.startswith("pytest_failaware.measure"):
        assert set() == imports_of(path, "torch", "torchvision", lazily=False)
    if here.startswith("pytest_failaware.measure"):
        assert set() == imports_of(path, "pytest_failaware.judge", "pytest_failaware.report")
    if here.startswith("pytest_failaware.judge"):
        assert set() == imports_of(path, "torch", "torchvision", "PIL", "pytest_failaware.measure")
        assert set() == imports_of(path, "pytest_failaware.report")
    if here.startswith("pytest_failaware.report"):
        assert set() == imports_of(path, "pytest_failaware.measure", "pytest_failaware.judge")


def test_only_the_baseline_room_opens_files() -> None:
    """Comparing, judging and reporting are functions of their arguments."""
    names = ["rule", "kinds", "metrics", "score_metrics", "metric_names", "ranking", "calibration", "jackknife"]
    names += ["compare", "acceptance", "corruption", "mce", "thresholds", "logits", "entries", "refusals"]
    names += ["comments", "strict_yaml", "groups"]
    pure = [PACKAGE / "judge" / f"{name}.py" for name in names]

    for path in [*pure, *(PACKAGE / "judge" / "significance").glob("*.py"), *(PACKAGE / "report").glob("*.py")]:
        called = {
            getattr(node.func, "id", "") for node in ast.walk(ast.parse(path.read_text())) if hasattr(node, "func")
        }
        assert set() == called & {"open", "print"}, path


def test_loading_the_plugin_imports_nothing_heavy(tmp_path: Path) -> None:
    """A pytest run that only loads and configures the plugin stays light."""
    code = (
        "import sys, pytest; pytest.main(['--collect-only', '-q', '-p', 'pytest_failaware.plugin.hooks']);"
        f"print('HEAVY', sorted(set({HEAVY!r}) & set(sys.modules)), 'pytest_failaware.plugin.hooks' in sys.modules)"
    )
    (tmp_path / "test_other.py").write_text("def test_other(): pass")
    alone = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}  # other plugins may import what they like
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=tmp_path, env=alone, capture_output=True, text=True, check=False)

    assert "HEAVY [] True" in done.stdout


def test_public_names_are_sorted_and_resolve() -> None:
    """Everything in __all__ exists, and nothing else is promised."""
    assert sorted(pytest_failaware.__all__) == pytest_failaware.__all__ == dir(pytest_failaware)
    assert all(getattr(pytest_failaware, name) for name in pytest_failaware.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        pytest_failaware.nothing  # noqa: B018 - the access is what is tested
