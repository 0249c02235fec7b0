"""The share of the cores that a process takes while it measures."""

from __future__ import annotations

import pytest
import torch

from pytest_failaware.measure.engine.settings import sharing_cores


@pytest.mark.parametrize(("processes", "share"), [(1, 6), (2, 3), (4, 1), (100, 1)])
def test_the_threads_are_shared_out(processes: int, share: int) -> None:
    """Each process gets its part, at least one; afterwards the setting is what it was, after an error too."""
    before = torch.get_num_threads()
    seen = []

    def fail() -> None:
        with sharing_cores(processes):
            seen.append(torch.get_num_threads())
            raise ZeroDivisionError

    try:
        torch.set_num_threads(6)
        with pytest.raises(ZeroDivisionError):
            fail()
        assert ([share], 6) == (seen, torch.get_num_threads())
    finally:
        torch.set_num_threads(before)
