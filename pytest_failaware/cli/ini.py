"""Write the key `failaware_rule` into a file that configures pytest; all other bytes of the file stay."""

from __future__ import annotations

import configparser
import re
import tomllib
from pathlib import Path
from typing import Any, Final

from pytest_failaware.config.ini_files import header_of
from pytest_failaware.core.errors import ConfigError
from pytest_failaware.core.files import write_atomically
from pytest_failaware.core.rule import FailureRule

_KEY: Final = "failaware_rule"
_SECTION: Final = {".ini": ("pytest",), ".cfg": ("tool:pytest",)}


def write_rule(path: Path, rule: FailureRule) -> str:
    """Set the key in the file, and return a sentence that says so.

    Raises:
        ConfigError: the file does not configure pytest, or the place of the key is unclear.
    """
    if path.suffix not in (*_SECTION, ".toml"):
        raise ConfigError(f"--write: {path} is no .ini, .cfg or .toml file; paste the rule where it belongs")
    try:
        before = path.read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"--write: {path} cannot be read ({error}); give a file that configures pytest") from error
    after = _with_rule(before, path, str(rule))
    if after == before:
        return f"{path}: has this rule already"
    write_atomically(path.resolve(), after.encode("utf-8"))  # a symbolic link stays a link
    return f"{path}: {_KEY} written; look at the diff"


def _with_rule(before: str, path: Path, rule: str) -> str:
    """Return the text with the key set; parsed again, it must differ from the old text only in the key."""
    section = _SECTION.get(path.suffix) or header_of(path, _parsed(before, path))
    value = f'"{rule}"' if path.suffix == ".toml" else rule
    after = _edited(before, path, f"[{'.'.join(section)}]", f"{_KEY} = {value}")
    expected = inside = _parsed(before, path)
    for name in section:
        if name not in inside:
            raise _unclear(path, "there is no section of this name")
        inside = inside[name]
    inside[_KEY] = rule
    if _parsed(after, path) != expected:
        raise _unclear(path, f"the value of {_KEY} is not on one line")
    return after


def _edited(text: str, path: Path, header: str, line: str) -> str:
    """Return the text with the line of the key replaced, or inserted below the header of its section."""
    lines = text.splitlines(keepends=True)
    headers = [number for number, text in enumerate(lines) if text.strip() == header]
    if len(headers) != 1:
        raise _unclear(path, f"{len(headers) or 'no'} lines say {header}")
    start = headers[0] + 1
    end = next((number for number in range(start, len(lines)) if lines[number].startswith("[")), len(lines))
    keys = [number for number in range(start, end) if re.match(rf"{_KEY}\s*[=:]", lines[number])]
    if len(keys) > 1:
        raise _unclear(path, f"{len(keys)} lines set {_KEY}")
    ending = "\r\n" if lines[start - 1].endswith("\r\n") else "\n"
    if keys:
        old = lines[keys[0]]
        if "#" in old or ";" in old:
            raise _unclear(path, f"the line of {_KEY} holds more than a rule")
        lines[keys[0]] = line + old[len(old.rstrip("\r\n")) :]
    else:
        lines[start - 1] = lines[start - 1].rstrip("\r\n") + ending
        lines.insert(start, line + ending)
    return "".join(lines)


def _parsed(text: str, path: Path) -> dict[str, Any]:  # Any: what TOML can hold
    try:
        if path.suffix == ".toml":
            return tomllib.loads(text)
        parser = configparser.RawConfigParser(default_section="")
        parser.optionxform = str  # type: ignore[assignment, method-assign]  # keys keep their case
        parser.read_string(text)
    except (configparser.Error, tomllib.TOMLDecodeError) as error:
        raise _unclear(path, str(error).partition("\n")[0]) from error
    return {name: dict(parser[name]) for name in parser.sections()}


def _unclear(path: Path, why: str) -> ConfigError:
    return ConfigError(f"--write: {path}: {why}, so nothing was written; paste the rule where it belongs")
