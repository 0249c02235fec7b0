"""A ready-made gate for projects without a test file: `pytest --pyargs pytest_failaware.gates --failaware-model=…`."""

from __future__ import annotations

import pytest


@pytest.mark.reliability
def test_reliability() -> None:
    """Gate the model under the conditions of the ini."""
