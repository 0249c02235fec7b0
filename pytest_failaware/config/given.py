"""Where each value comes from: the command line, then the environment, then the ini, then the option's default."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pytest_failaware.config.options import OPTIONS, Option
from pytest_failaware.core.errors import ConfigError
from pytest_failaware.core.request import PlaceKind

TRUE: Final = ("1", "true", "yes", "on")
"""What switches an option on."""
_FALSE: Final = ("", "0", "false", "no", "off")
CI_SERVERS: Final = (
    "CI", "BUILD_NUMBER", "BUILDKITE", "CIRCLECI", "GITHUB_ACTIONS", "GITLAB_CI", "JENKINS_URL", "TEAMCITY_VERSION",
    "TF_BUILD",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """A text that the user gave: `where` names its place in errors, `base` is where its relative paths start.

    An option that can be given several times has each value in `lines`, and the place of the first.
    """

    text: str
    where: str
    place: str
    kind: PlaceKind
    base: Path
    lines: tuple[Given, ...] = ()

    def path(self) -> Path:
        """The text as an absolute path."""
        try:
            return (self.base / Path(self.text).expanduser()).resolve()
        except (ValueError, RuntimeError, OSError) as error:  # a null byte, no such user, a loop of links
            raise ConfigError(f"{self.where}: {self.text!r} is no path ({error}); write another") from error

    def switch(self) -> bool:
        """The text as yes or no."""
        word = self.text.strip().lower()
        if word not in TRUE + _FALSE:
            raise ConfigError(f"{self.where}: must be 1 or 0, got {self.text!r}")
        return word in TRUE


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """The environment and the folders of a run: command-line paths start at one directory, ini paths at the other."""

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
        """The variable that shows a CI server, "" if there is none."""
        return next((name for name in CI_SERVERS if self.environ.get(name, "").lower() not in _FALSE), "")


def given_options(
    command_line: Mapping[str, object], ini: Mapping[str, object], around: Surroundings
) -> dict[str, Given]:
    """Return the options that somebody gave, by name, in the order of the table."""
    values = {option.name: _given(option, command_line, ini, around) for option in OPTIONS}
    return {name: given for name, given in values.items() if given is not None}


def default_options(around: Surroundings) -> dict[str, Given]:
    """Return the defaults, by the names of their options; relative paths start at the ini."""
    return {
        option.name: _of_kind(PlaceKind.DEFAULT, option.default, option.ini, around.ini_dir)
        for option in OPTIONS
        if option.default
    }


def _given(
    option: Option, command_line: Mapping[str, object], ini: Mapping[str, object], around: Surroundings
) -> Given | None:
    typed = None if option.ini_only else command_line.get(option.name)
    if typed is True:
        return _of_kind(PlaceKind.COMMAND_LINE, "1", option.typed, around.invocation_dir)
    if isinstance(typed, str):
        return _typed(option, typed, around)
    if isinstance(typed, Iterable):
        return _together(_typed(option, str(text), around) for text in typed)
    if option.environment and (text := around.environ.get(option.environment)):
        return Given(
            text=text,
            where=f"{option.environment}={text}",
            place=option.environment,
            kind=PlaceKind.ENVIRONMENT,
            base=around.invocation_dir,
        )
    value = ini.get(option.key) if option.ini else None
    if option.repeated:
        return _together(_of_ini(option, line, around) for line in _lines(value))
    if isinstance(value, (list, Mapping)):
        example = "true" if option.flag else f"'{option.example or option.metavar}'"
        raise ConfigError(
            f"{option.ini} = {value}: is a list or a table; write one value, as in {option.ini} = {example}"
        )
    return None if value in (None, "") else _of_ini(option, str(value), around)


def _typed(option: Option, text: str, around: Surroundings) -> Given:
    return _of_kind(PlaceKind.COMMAND_LINE, text, f"{option.typed}={text}", around.invocation_dir)


def _of_ini(option: Option, text: str, around: Surroundings) -> Given:
    return value_of_ini(option.ini, text, around.ini_dir / around.ini_name)


def value_of_ini(key: str, text: str, ini: Path) -> Given:
    """Return the value of a key in an ini; its relative paths start there."""
    return Given(text=text, where=f"{key} = {text}", place=ini.name, kind=PlaceKind.INI, base=ini.parent)


def _of_kind(kind: PlaceKind, text: str, where: str, base: Path) -> Given:
    """Return a value whose place has no other name than that of its kind."""
    return Given(text=text, where=where, place=kind.value, kind=kind, base=base)


def _together(values: Iterable[Given]) -> Given | None:
    """The values of an option that can be given several times, None if there is none."""
    lines = tuple(values)
    if not lines:
        return None
    first = lines[0]
    text = ", ".join(line.text for line in lines)
    return Given(text=text, where=first.where, place=first.place, kind=first.kind, base=first.base, lines=lines)


def _lines(value: object) -> list[str]:
    """The lines of a text, a list, or a table, whose pairs are written with =>."""
    if isinstance(value, Mapping):
        return [f"{key} => {text}" for key, text in value.items()]
    lines = [] if value is None else value if isinstance(value, list) else str(value).splitlines()
    return [str(line) for line in lines if str(line).strip()]
