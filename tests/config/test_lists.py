"""Lists of names: which commas and blanks separate names, and which do not."""

from __future__ import annotations

import doctest

import pytest

from pytest_failaware.config import lists


def test_the_examples_hold() -> None:
    """The examples in the docstrings hold."""
    assert (0, 3) == (doctest.testmod(lists).failed, doctest.testmod(lists).attempted)


@pytest.mark.parametrize("text", ["fog)", "fog(", "fog(a=1", "fog(a=1))", "f(g(x=1))"])
def test_brackets_that_do_not_fit_stay(text: str) -> None:
    """Brackets that do not match stay in the name, so that the reader of the name can refuse it."""
    assert (text,) == lists.names_in(text) == lists.names_of([text])


def test_an_empty_text_of_a_list_stays() -> None:
    """An empty text stays in a list, because an empty variable must not shrink a gate silently.

    A comma at the end adds no empty name.
    """
    assert ("clean", "", "fog:1") == lists.names_of(["clean", "", "fog:1,"])
