"""Run code of the user so that it can neither end the run nor skip a test."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from pytest_failaware.core.errors import FailAwareError
from pytest_failaware.core.text import describe_error


class UserCodeError(FailAwareError):
    """An exception of the user's code that would have ended the run or skipped the test."""


@contextmanager
def contained(what: str) -> Iterator[None]:
    """Turn SystemExit, pytest.skip, pytest.xfail and pytest.exit into an error of one line.

    Ordinary exceptions pass unchanged, with their tracebacks, and Ctrl-C ends the run.

    Raises:
        UserCodeError: the code raised one of these; the message names the code and the exception.
    """
    try:
        yield
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        if isinstance(error, Exception) and not isinstance(error, pytest.exit.Exception):
            raise
        raise UserCodeError(f"{what} raised {describe_error(error)}; have it return, or raise an error") from error
