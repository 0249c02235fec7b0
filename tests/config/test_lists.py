"""Lists of names: what is cut at a comma or a blank, and what is not."""

from __future__ import annotations

import doctest

import pytest

from pytest_failaware.config import lists


def test_the_examples_hold() -> None:
    """The docstrings show the forms."""
    assert (0, 3) == (doctest.testmod(lists).failed, doctest.testmod(lists).attempted)


@pytest.mark.parametrize("text", ["fog)", "fog(", "fog(a=1", "fog(a=1))", "f(g(x=1))"])
def test_brackets_that_do_not_fit_stay(text: str) -> None:
    """Nothing is dropped, so that the reader of the name can refuse it."""
    assert (text,) == lists.names_in(text) == lists.names_of([text])


def test_an_empty_text_of_a_list_stays() -> None:
    """An empty variable must not make a gate smaller in silence; a comma at the end is none."""
    assert ("clean", "", "fog:1") == lists.names_of(["clean", "", "fog:1,"])
