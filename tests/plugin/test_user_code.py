"""The user's code can neither end the run nor skip a test."""

from __future__ import annotations

from typing import NoReturn

import pytest

from pytest_failaware.plugin.user_code import UserCodeError, contained


def leave(error: BaseException) -> NoReturn:
    with contained("the model"):
        raise error


@pytest.mark.parametrize(
    ("error", "words"),
    [(SystemExit(0), "SystemExit: 0"), (pytest.skip.Exception("no GPU"), "Skipped: no GPU"),
     (pytest.xfail.Exception("later"), "XFailed: later"), (pytest.exit.Exception("enough", 0), "Exit: enough"),
     (pytest.fail.Exception("bad"), "Failed: bad"), (GeneratorExit(), "GeneratorExit")],
)  # fmt: skip
def test_what_would_end_the_run_is_an_error(error: BaseException, words: str) -> None:
    """An exception that would end the run or skip becomes an error in one line that names the code."""
    with pytest.raises(UserCodeError, match=f"^the model raised {words}; have it return, or raise an error$"):
        leave(error)


@pytest.mark.parametrize("error", [ValueError("x"), KeyboardInterrupt()])
def test_ordinary_errors_and_ctrl_c_go_on(error: BaseException) -> None:
    """Ordinary errors and Ctrl-C are raised unchanged."""
    with pytest.raises(type(error)):
        leave(error)
