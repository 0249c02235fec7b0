"""torch's threads where several processes measure at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def sharing_cores(processes: int) -> Iterator[None]:
    """Inside, torch has its share of the threads, at least one, if so many processes are at work; its own come back.

    Threads of one process wait for each other at every step, so more of them than cores cost far more than they give.
    """
    threads = torch.get_num_threads()
    share = max(1, threads // processes)
    if share == threads:
        yield
        return
    torch.set_num_threads(share)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
