"""Templates of the HTML report: every expression is cleaned of control characters and then escaped."""

from __future__ import annotations

from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from pytest_failaware.core.result import Verdict
from pytest_failaware.core.text import shown


def render(template: str, /, **context: Any) -> Markup:  # Any: text, numbers, drawings, and lists and dicts of them
    """Return the filled template, in which every value is escaped."""
    return Markup(_environment().get_template(template).render(context))


@cache
def _environment() -> Environment:
    environment = Environment(
        autoescape=True,
        finalize=lambda value: value if isinstance(value, Markup) else shown(value),
        loader=PackageLoader("pytest_failaware", "report/html"),
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    environment.filters |= {"badge": _badge, "test_name": _test_name}
    return environment


def _badge(verdict: Verdict) -> Markup:
    """Return a verdict with a sign and a colour."""
    look, sign = ("bad", "✕") if verdict.fails else ("warn", "!") if verdict.warns else ("good", "✓")
    badge = Markup('<span class="badge {}"><span aria-hidden="true">{}</span> {}</span>')
    return badge.format(look, sign, verdict.words)


def _test_name(name: str) -> Markup:
    """Return the name of a test, which may continue on a second line before its parameters."""
    function, bracket, parameters = shown(name).partition("[")
    return Markup("{}<wbr>{}").format(function, bracket + parameters) if bracket else Markup("{}").format(function)
