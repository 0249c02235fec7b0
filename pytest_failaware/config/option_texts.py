"""The texts of options and their origin: the command line, else the environment, else the ini, else the default."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pytest_failaware.config.lists import files_in
from pytest_failaware.config.options import OPTIONS, Option
from pytest_failaware.core.errors import ConfigError
from pytest_failaware.core.request import PlaceKind

TRUE: Final = ("1", "true", "yes", "on")
"""The texts that switch an option on."""
_FALSE: Final = ("", "0", "false", "no", "off")
CI_SERVERS: Final = (
    "CI", "BUILD_NUMBER", "BUILDKITE", "CIRCLECI", "GITHUB_ACTIONS", "GITLAB_CI", "JENKINS_URL", "TEAMCITY_VERSION",
    "TF_BUILD",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionText:
    """The text of an option: `where` names it in errors, and relative paths in it start at `base`.

    An option that can be given several times has all values in `lines`, and the place of the first value.
    """

    text: str
    where: str
    place: str
    kind: PlaceKind
    base: Path
    lines: tuple[OptionText, ...] = ()

    def path(self) -> Path:
        """Return the text as an absolute path.

        Raises:
            ConfigError: the text is not a path.
        """
        try:
            return (self.base / Path(self.text).expanduser()).resolve()
        except (ValueError, RuntimeError, OSError) as error:  # a null byte, no such user, a loop of links
            raise ConfigError(f"{self.where}: {self.text!r} is not a path ({error}); write another") from error

    def switch(self) -> bool:
        """Return the text as a bool.

        Raises:
            ConfigError: the text is neither a yes nor a no.
        """
        word = self.text.strip().lower()
        if word not in TRUE + _FALSE:
            raise ConfigError(f"{self.where}: must be 1 or 0, got {self.text!r}")
        return word in TRUE


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """The environment and the folders of a run.

    Relative paths on the command line start at `invocation_dir`, those in the ini at `ini_dir`.
    """

    environ: Mapping[str, str]
    invocation_dir: Path
    ini_dir: Path
    ini_name: str = "ini"

    @property
    def is_github_job(self) -> bool:
        """Whether this is a job of GitHub Actions."""
        return self.environ.get("GITHUB_ACTIONS", "").lower() not in _FALSE

    @property
    def ci_server(self) -> str:
        """The environment variable of the CI server, "" outside of CI."""
        return next((name for name in CI_SERVERS if self.environ.get(name, "").lower() not in _FALSE), "")


def user_option_texts(
    command_line: Mapping[str, object], ini: Mapping[str, object], around: Surroundings
) -> dict[str, OptionText]:
    """Return the options that the user gave, by name, in the order of the table."""
    texts = {option.name: option_text(option, command_line, ini, around) for option in OPTIONS}
    return {name: text for name, text in texts.items() if text is not None}


def default_options(around: Surroundings) -> dict[str, OptionText]:
    """Return the defaults by option name; relative paths start at the folder of the ini."""
    return {
        option.name: _of_kind(PlaceKind.DEFAULT, option.default, option.ini, around.ini_dir)
        for option in OPTIONS
        if option.default
    }


def option_text(
    option: Option, command_line: Mapping[str, object], ini: Mapping[str, object], around: Surroundings
) -> OptionText | None:
    """Return the text of one option, None if the user did not give it.

    Raises:
        ConfigError: the ini has a list or a table for an option that takes one value.
    """
    typed = None if option.ini_only else command_line.get(option.name)
    if typed is True:
        return _of_kind(PlaceKind.COMMAND_LINE, "1", option.typed, around.invocation_dir)
    if isinstance(typed, str):
        return _typed(option, typed, around)
    if isinstance(typed, Iterable):
        return _together(_typed(option, str(text), around) for text in typed)
    if option.environment and (text := around.environ.get(option.environment)):
        return OptionText(
            text=text,
            where=f"{option.environment}={text}",
            place=option.environment,
            kind=PlaceKind.ENVIRONMENT,
            base=around.invocation_dir,
        )
    value = ini.get(option.key) if option.ini else None
    if option.repeated:
        return _together(_of_ini(option, line, around) for line in _lines(option, value))
    if isinstance(value, (list, Mapping)):
        example = "true" if option.flag else f"'{option.example or option.metavar}'"
        raise ConfigError(
            f"{option.ini} = {value}: is a list or a table; write one value, as in {option.ini} = {example}"
        )
    return None if value in (None, "") else _of_ini(option, str(value), around)


def _typed(option: Option, text: str, around: Surroundings) -> OptionText:
    return _of_kind(PlaceKind.COMMAND_LINE, text, f"{option.typed}={text}", around.invocation_dir)


def _of_ini(option: Option, text: str, around: Surroundings) -> OptionText:
    return text_in_ini(option.ini, text, around.ini_dir / around.ini_name)


def text_in_ini(key: str, text: str, ini: Path) -> OptionText:
    """Return the text of a key in an ini; relative paths in it start at the folder of the ini."""
    return OptionText(text=text, where=f"{key} = {text}", place=ini.name, kind=PlaceKind.INI, base=ini.parent)


def _of_kind(kind: PlaceKind, text: str, where: str, base: Path) -> OptionText:
    """Return a text whose place has no other name than that of its kind."""
    return OptionText(text=text, where=where, place=kind.value, kind=kind, base=base)


def _together(values: Iterable[OptionText]) -> OptionText | None:
    """Join the values of an option that can be given several times; return None if there is no value."""
    lines = tuple(values)
    if not lines:
        return None
    first = lines[0]
    text = ", ".join(line.text for line in lines)
    return OptionText(text=text, where=first.where, place=first.place, kind=first.kind, base=first.base, lines=lines)


def _lines(option: Option, value: object) -> list[str]:
    """Return the files or lines of a text, the items of a list, or the pairs of a table as `key => value`."""
    if isinstance(value, Mapping):
        return [f"{key} => {text}" for key, text in value.items()]
    if isinstance(value, list):
        return [str(item) for item in value if str(item).strip()]
    lines = [line.strip() for line in str(value or "").splitlines() if line.strip()]
    return [file for line in lines for file in files_in(line)] if option.read == "reports" else lines
