"""An ini with keys of the plugin that is nearer to a test than the ini in use."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_failaware.config.nearer import NearerInis, inis_with_keys
from pytest_failaware.core.errors import ConfigError

FORMS = {
    "pytest.ini": "[pytest]\nfailaware_tolerance = 0.1\n",
    ".pytest.ini": "[pytest]\nfailaware_model = m.pth\n",
    "tox.ini": "[tox]\n[pytest]\nfailaware_model : m.pth\n",
    "setup.cfg": "[metadata]\nname = x\n[tool:pytest]\nfailaware_model = m.pth\n",
    "pyproject.toml": "[project]\nname = 'x'\n[tool.pytest.ini_options]\nfailaware_model = 'm.pth'\n",
    "pytest.toml": "[pytest]\nfailaware_model = 'm.pth'\n",
}


@pytest.mark.parametrize("name", FORMS)
def test_every_form_is_read(tmp_path: Path, name: str) -> None:
    """A key of the plugin counts in each form of ini, but only in the section of pytest."""
    path = tmp_path / name
    path.write_text(FORMS[name])
    assert (path,) == inis_with_keys(tmp_path)

    path.write_text(FORMS[name].replace("pytest", "other").replace("failaware_", "other_failaware_"))
    assert () == inis_with_keys(tmp_path)


def test_the_table_tool_pytest_is_read(tmp_path: Path) -> None:
    """Keys in the table [tool.pytest] count, because pytest 9 reads it, too."""
    (tmp_path / "pyproject.toml").write_text("[tool.pytest]\nfailaware_model = 'm.pth'\n")
    assert (tmp_path / "pyproject.toml",) == inis_with_keys(tmp_path)


@pytest.mark.parametrize(
    "text", ["[tool.pytest\nfailaware_", "tool = 7\n#failaware_", "[tool]\npytest = 'failaware_'\n"]
)
def test_a_file_that_pytest_could_not_use_has_no_keys(tmp_path: Path, text: str) -> None:
    """A damaged or strange file has no keys, because it configures nothing."""
    (tmp_path / "pyproject.toml").write_text(text)
    assert () == inis_with_keys(tmp_path)


def test_a_second_service_is_refused(tmp_path: Path) -> None:
    """Tests of a second service are refused with both files and the command that uses the nearer file.

    Tests of the service in use are accepted.
    """
    for name in "ab":
        (tmp_path / name / "tests").mkdir(parents=True)
        (tmp_path / name / "pytest.ini").write_text(FORMS["pytest.ini"])
    nearer = NearerInis(in_use=tmp_path / "a" / "pytest.ini", root=tmp_path / "a", start=tmp_path)
    nearer.refuse(tmp_path / "a" / "tests")

    with pytest.raises(ConfigError) as caught:
        nearer.refuse(tmp_path / "b" / "tests")
    assert (
        "b/pytest.ini has failaware_ keys for this test, but pytest uses a/pytest.ini; run pytest -c b/pytest.ini b"
    ) == str(caught.value)


def test_a_run_without_an_ini_refuses_a_nearer_ini(tmp_path: Path) -> None:
    """A run from a root without an ini is refused, because the tests of a service would run without its keys."""
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "pytest.ini").write_text(FORMS["pytest.ini"])
    with pytest.raises(ConfigError, match=r"pytest uses no such file; run pytest -c a/pytest.ini a$"):
        NearerInis(in_use=None, root=tmp_path, start=tmp_path).refuse(tmp_path / "a")


def test_a_file_above_is_not_nearer(tmp_path: Path) -> None:
    """A file above the ini in use is accepted, and so is a nearer file without keys of the plugin."""
    (tmp_path / "pytest.ini").write_text(FORMS["pytest.ini"])
    (tmp_path / "ci").mkdir()
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "pytest.ini").write_text("[pytest]\naddopts = -q\n")
    NearerInis(in_use=tmp_path / "ci" / "strict.ini", root=tmp_path, start=tmp_path).refuse(tmp_path / "tests")


@pytest.mark.parametrize("linked", ["tests", "ini"])
def test_a_link_to_the_file_in_use_is_not_nearer(tmp_path: Path, linked: str) -> None:
    """A link to the ini in use is accepted, whether the path to the test or to the ini has links."""
    (tmp_path / "real" / "tests").mkdir(parents=True)
    (tmp_path / "real" / "pytest.ini").write_text(FORMS["pytest.ini"])
    (tmp_path / "link").symlink_to("real")
    (tmp_path / "real" / "tests" / "pytest.ini").symlink_to("../pytest.ini")
    used, tests = ("real", "link") if linked == "tests" else ("link", "real")

    nearer = NearerInis(in_use=tmp_path / used / "pytest.ini", root=tmp_path / used, start=tmp_path)
    nearer.refuse(tmp_path / tests)
    nearer.refuse(tmp_path / tests / "tests")


def test_tests_in_a_linked_folder_belong_to_the_project_that_links_them(tmp_path: Path) -> None:
    """For tests in a linked folder, the folders above are those of the path that pytest used."""
    (tmp_path / "shared" / "tests").mkdir(parents=True)
    (tmp_path / "shared" / "pytest.ini").write_text(FORMS["pytest.ini"])
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "pytest.ini").write_text(FORMS["pytest.ini"])
    (tmp_path / "a" / "tests").symlink_to("../shared/tests")
    NearerInis(in_use=tmp_path / "a" / "pytest.ini", root=tmp_path / "a", start=tmp_path).refuse(tmp_path / "a/tests")


def test_keys_in_a_second_file_beside_the_one_in_use(tmp_path: Path) -> None:
    """Keys in a second file of the folder are refused, because pytest reads only one file there.

    The error names both files and where the keys belong.
    """
    (tmp_path / "pytest.ini").write_text(FORMS["pytest.ini"])
    nearer = NearerInis(in_use=tmp_path / "pytest.ini", root=tmp_path, start=tmp_path)
    nearer.refuse_second()
    (tmp_path / "pyproject.toml").write_text(FORMS["pyproject.toml"])

    with pytest.raises(ConfigError) as caught:
        NearerInis(in_use=tmp_path / "pytest.ini", root=tmp_path, start=tmp_path).refuse_second()
    assert (
        "pyproject.toml has failaware_ keys, but pytest uses pytest.ini alone; put the keys into pytest.ini"
    ) == str(caught.value)
