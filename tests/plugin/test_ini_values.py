"""Our keys in an ini file and in TOML files, whose values have types."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from pytest_failaware.config.option_texts import Surroundings
from pytest_failaware.config.resolve import resolve
from pytest_failaware.core.errors import ConfigError
from pytest_failaware.core.request import RunConfig
from pytest_failaware.plugin.ini_values import check_ini, ini_values

READS_TYPES = pytest.version_tuple[0] >= 9
OPTIONS_TABLE = ("pyproject.toml", "[tool.pytest.ini_options]")
TABLES = [OPTIONS_TABLE]
if READS_TYPES:
    TABLES += [("pyproject.toml", "[tool.pytest]"), ("pytest.toml", "[pytest]"), (".pytest.toml", "[pytest]")]

# a key in TOML, and the same in an ini file
SPELLINGS = [
    ("alpha = 0.02", "alpha = 0.02"),
    ("alpha = '0.02'", "alpha = 0.02"),
    ("alpha = 2e-2", "alpha = 0.02"),
    ("seed = 3", "seed = 3"),
    ("tolerance = 0.01", "tolerance = 0.01"),
    ("tolerance = {accuracy = 0.02}", "tolerance = accuracy=0.02"),
    ("tolerance = {accuracy = 0.02, augrc = 0.01}", "tolerance = accuracy=0.02 augrc=0.01"),
    ("tolerance = ['accuracy=0.02', 'augrc=0.01']", "tolerance = accuracy=0.02, augrc=0.01"),
    ("tolerance = 'accuracy=0.02, augrc=0.01'", "tolerance = accuracy=0.02, augrc=0.01"),
    ("tolerance.accuracy = 0.02", "tolerance = accuracy=0.02"),
    ("tolerance = 0", "tolerance = 0"),
    ("minimum = {accuracy = 0.9}", "minimum = accuracy=0.9"),
    ("minimum = {'augrc(margin)' = 0.05}", "minimum = augrc(margin)=0.05"),
    ("maximum = {silent_failure_rate = '0.05'}", "maximum = silent_failure_rate=0.05"),
    ("conditions = 'clean blur'", "conditions = clean blur"),
    ("conditions = 'clean, fog:1..2'", "conditions = clean fog:1..2"),
    ("conditions = ['clean', 'blur(radius=1)']", "conditions = clean blur(radius=1)"),
    ("metrics = ['accuracy', 'augrc']", "metrics = accuracy augrc"),
    ("metrics = 'accuracy'", "metrics = accuracy"),
    ("policy = 'any_drop'", "policy = any_drop"),
    ("rule = 'confidence < 0.7'", "rule = confidence < 0.7"),
    ("html_images = 0", "html_images = 0"),
    ("batch_size = 64", "batch_size = 64"),
    ("batch_size = '64'", "batch_size = 64"),
    ("drift_budget = 0.02", "drift_budget = 0.02"),
    ("baseline = 2024", "baseline = 2024"),
    ("no_cache = true", "no_cache = true"),
    ("no_cache = 1", "no_cache = true"),
    ("no_cache = 'yes'", "no_cache = true"),
    ("no_cache = false", "no_cache = false"),
    ("rename = {cat = 'kitten', dog = 'puppy'}", "rename =\n  cat => kitten\n  dog => puppy"),
    ("rename = ['cat => kitten']", "rename = cat => kitten"),
    ("rename = 'cat => kitten'", "rename = cat => kitten"),
    ("baseline_dir = 'stored'", "baseline_dir = stored"),
    ("model = ''", "model ="),
]


def resolved(pytester: pytest.Pytester, name: str, text: str, *arguments: str) -> RunConfig:
    """Return the options of a run whose only source is a file with this text."""
    path = pytester.path / name
    path.write_text(text, encoding="utf-8")
    config = pytester.parseconfig(*arguments)
    assert path == config.inipath
    around = Surroundings(environ={}, invocation_dir=Path("/"), ini_dir=pytester.path)
    found = resolve(command_line={}, ini=ini_values(config), around=around)
    path.unlink()
    return found


@pytest.mark.parametrize(("name", "table"), TABLES[:2], ids=[f"{name} {table}" for name, table in TABLES[:2]])
@pytest.mark.parametrize(("typed", "text"), SPELLINGS, ids=[typed for typed, _ in SPELLINGS])
def test_typed_values_mean_what_text_means(
    pytester: pytest.Pytester, name: str, table: str, typed: str, text: str
) -> None:
    """A number, a list, a table or a boolean of TOML means the same as the text of an ini file."""
    expected = resolved(pytester, "pytest.ini", f"[pytest]\nfailaware_{text}\n")
    found = resolved(pytester, name, f"{table}\nfailaware_{typed}\n")

    assert dataclasses.replace(expected.gate, table={}) == dataclasses.replace(found.gate, table={})
    assert expected.rename == found.rename
    assert {name: origin.text.lower() for name, origin in expected.origins.items()} == {
        name: {"1": "true", "yes": "true"}.get(origin.text, origin.text.lower())
        for name, origin in found.origins.items()
    }


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("alpha = true", "failaware_alpha: must be a rate between 0 and 1"),
        ("alpha = [0.01, 0.02]", "failaware_alpha: must be a rate between 0 and 1"),
        ("alpha = [0.05]", "failaware_alpha: must be a rate between 0 and 1"),
        ("alpha = {a = 0.05}", "failaware_alpha: must be a rate between 0 and 1"),
        ("conditions = {clean = false}", "failaware_conditions: must be a list of names"),
        ("conditions.clean = true", "failaware_conditions: must be a list of names"),
        ("metrics = {accuracy = false}", "failaware_metrics: must be a list of names"),
        ("seed = [3]", "failaware_seed: must be a whole number"),
        ("rule = ['confidence < 0.6']", "failaware_rule: must be text"),
        ("policy = ['any_drop']", "failaware_policy: unknown policy"),
        ("policy = {any_drop = true}", "failaware_policy: unknown policy"),
        ("drift_budget = [0.02]", "failaware_drift_budget = [0.02]: "),
        ("baseline = ['a']", "failaware_baseline = ['a']: is a list or a table"),
        ("seed = 3.5", "failaware_seed: must be a whole number"),
        ("seed = true", "failaware_seed: must be a whole number"),
        ("tolerance = {accurcy = 0.02}", "failaware_tolerance: unknown metric 'accurcy'; did you mean 'accuracy'?"),
        ("tolerance = {accuracy = {x = 1}}", "failaware_tolerance: accuracy: must be a rate between 0 and 1"),
        ("minimum = 0.9", "failaware_minimum: must name its metric, as in confident_accuracy=0.9, got 0.9"),
        ("conditions = ['clean', 3]", "failaware_conditions: must be a list of names"),
        ("conditions = 3", "failaware_conditions: must be a list of names, got"),
        ("batch_size = 6.5", "failaware_batch_size = 6.5: must be"),
        ("batch_size = true", "failaware_batch_size = True: must be"),
        ("html_images = 21", "failaware_html_images = 21: must be a whole number from 0 to 20"),
        ("drift_budget = true", "failaware_drift_budget = True: must be a rate"),
        (
            "preprocess = {resize = 224}",
            "failaware_preprocess = {'resize': 224}: is a list or a table; write one value, as in "
            "failaware_preprocess = 'resize=224,mean=0.485/0.456/0.406,std=0.229/0.224/0.225'",
        ),
        ("model = ['a.pth']", "failaware_model = ['a.pth']: is a list or a table; write one value"),
        (
            "no_cache = {}",
            "failaware_no_cache = {}: is a list or a table; write one value, as in failaware_no_cache = true",
        ),
        ("no_cache = 2", "failaware_no_cache = 2: must be 1 or 0"),
        ("rename = {cat = 3, dog = 3}", "failaware_rename = dog => 3: write OLD => NEW"),
        ("rename = 7", "failaware_rename = 7: write OLD => NEW"),
    ],
)
@pytest.mark.parametrize(("name", "table"), TABLES[:2], ids=[f"{name} {table}" for name, table in TABLES[:2]])
def test_what_cannot_be_meant_is_refused(
    pytester: pytest.Pytester, name: str, table: str, typed: str, said: str
) -> None:
    """A value of a wrong type is refused with an error that names the key and the value."""
    with pytest.raises(ConfigError) as caught:
        resolved(pytester, name, f"{table}\nfailaware_{typed}\n")
    assert str(caught.value).startswith(said)


@pytest.mark.parametrize(("name", "table"), TABLES)
def test_the_command_line_wins_over_toml(pytester: pytest.Pytester, name: str, table: str) -> None:
    """The text of an -o option wins over TOML and is split like the text of an ini file."""
    text = f"{table}\nfailaware_tolerance = {{accuracy = 0.02}}\nfailaware_seed = 3\n"
    run = resolved(pytester, name, text, "-o", "failaware_tolerance=accuracy=0.1", "-o", "failaware_seed=5")

    assert ("0.1", 5) == (str(run.gate.tolerance["accuracy"]), run.gate.seed)


@pytest.mark.parametrize(
    "line", ["failaware_sed = 3", "'failaware_sed' = 3", "  failaware_sed = [1]", "failaware_sed.a = 3"]
)
@pytest.mark.parametrize(("name", "table"), TABLES)
def test_an_unknown_key(pytester: pytest.Pytester, name: str, table: str, line: str) -> None:
    """A misspelt key is refused in every spelling of TOML, but text inside another value is not taken for a key."""
    (pytester.path / name).write_text(f'{table}\n{line}\njunit_suite_name = """\nfailaware_x = 1\n"""\n')
    config = pytester.parseconfig()

    with pytest.raises(ConfigError) as caught:
        check_ini(config, pytest.__version__)
    assert (
        f"{name}: unknown key 'failaware_sed'; did you mean 'failaware_seed'?"
        == str(caught.value).partition(" choose")[0]
    )


@pytest.mark.parametrize(
    ("name", "text", "key"),
    [
        ("pyproject.toml", "[pytest.failaware]\nstrict = true\n[tool.pytest.ini_options]\n", "failaware"),
        (
            "pyproject.toml",
            "[tool.pytest.failaware]\nseed = 3\n",
            "failaware",
        ),
        ("pyproject.toml", "[tool.failaware]\nseed = 3\n[tool.pytest.ini_options]\nxfail_strict = true\n", "failaware"),
        ("pyproject.toml", "[tool.pytest.ini_options]\nfailaware.strict = true\n", "failaware"),
        ("pyproject.toml", "[tool.pytest.ini_options]\nfailaware-strict = true\n", "failaware-strict"),
        ("pyproject.toml", "[tool.pytest.ini_options]\nfailaware-batch-size = 3\n", "failaware-batch-size"),
        ("pyproject.toml", "[tool.pytest.ini_options]\nFailaware_seed = 3\n", "Failaware_seed"),
        ("pytest.ini", "[pytest]\nfailaware-strict = true\n", "failaware-strict"),
        ("tox.ini", "[pytest]\nfailaware-seed = 3\n", "failaware-seed"),
        ("setup.cfg", "[tool:pytest]\nfailaware-seed = 3\n", "failaware-seed"),
    ],
)
def test_keys_that_look_like_ours(pytester: pytest.Pytester, name: str, text: str, key: str) -> None:
    """A key that only looks like ours is refused, since pytest would ignore it and the gate would be another one."""
    (pytester.path / name).write_text(text)
    config = pytester.parseconfig("-c", name)

    with pytest.raises(ConfigError, match=f"^{name}: '{key}' sets nothing; write each key as failaware_"):
        check_ini(config, pytest.__version__)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("pyproject.toml", "[tool.pytest]\nfailaware_seed = 3\n"),
        ("pytest.toml", "[pytest]\nfailaware_seed = 3\n"),
        (".pytest.toml", "[pytest]\nfailaware_seed = 3\n"),
    ],
)
def test_a_table_that_pytest_8_does_not_read(pytester: pytest.Pytester, name: str, text: str) -> None:
    """A table that pytest 8 does not read is refused there, since its keys would be ignored silently."""
    (pytester.path / name).write_text(text)

    with pytest.raises(ConfigError) as caught:
        check_ini(pytester.parseconfig(), "8.4.2")
    assert (
        f"{name}: only pytest 9 and later read this table, and this is pytest 8.4.2; put the keys into "
        "[tool.pytest.ini_options] of pyproject.toml, or update pytest"
    ) == str(caught.value)


@pytest.mark.skipif(not READS_TYPES, reason="earlier versions read no other TOML file")
@pytest.mark.parametrize("table", ["[pytest]", "[tool.pytest]", "[tool.pytest.ini_options]"])
def test_a_toml_file_of_another_name(pytester: pytest.Pytester, table: str) -> None:
    """The values of a TOML file that -c names have types, too."""
    text = f"{table}\nfailaware_seed = 3\nfailaware_tolerance = {{accuracy = 0.02}}\n"
    run = resolved(pytester, "strict.toml", text, "-c", "strict.toml")

    assert (3, "0.02") == (run.gate.seed, str(run.gate.tolerance["accuracy"]))


def test_text_that_pytest_cannot_split(pytester: pytest.Pytester) -> None:
    """A quote that is not closed is an error of one line."""
    (pytester.path / "pytest.ini").write_text("[pytest]\nfailaware_conditions = 'clean\n")
    with pytest.raises((ConfigError, pytest.UsageError), match="No closing quotation"):
        ini_values(pytester.parseconfig())
