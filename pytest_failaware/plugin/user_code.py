"""Code that others wrote, run so that it can neither end the run nor skip what it belongs to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from pytest_failaware.core.errors import FailAwareError
from pytest_failaware.core.text import describe_error


class UserCodeError(FailAwareError):
    """Code of the user's raised what would have ended the run or skipped the test."""


@contextmanager
def contained(what: str) -> Iterator[None]:
    """Have what is no ordinary exception fail in one line: SystemExit, pytest.skip, pytest.xfail, pytest.exit.

    Ordinary exceptions go on as they are, with their tracebacks, and Ctrl-C ends the run.

    Raises:
        UserCodeError: naming what ran and what it raised.
    """
    try:
        yield
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        if isinstance(error, Exception) and not isinstance(error, pytest.exit.Exception):
            raise
        raise UserCodeError(f"{what} raised {describe_error(error)}; have it return, or raise an error") from error
