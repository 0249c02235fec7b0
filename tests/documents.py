"""Reading the JSON report of a run and checking it against the schema of the package."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
from project import Project

import pytest_failaware

SCHEMA = json.loads((Path(pytest_failaware.__file__).parent / "report" / "schema.json").read_text(encoding="utf-8"))


def document(project: Project, name: str = "r.json") -> Any:  # Any: what JSON can hold
    """Return the report of the last run; it must fit the schema and contain no NaN."""

    def refuse(text: str) -> None:
        raise ValueError(text)

    found = json.loads((project.path / name).read_text(encoding="utf-8"), parse_constant=refuse)
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    jsonschema.validate(found, SCHEMA)
    return found
