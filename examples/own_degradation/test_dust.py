"""Gates on the condition and the metrics that conftest.py adds."""

import pytest


@pytest.mark.reliability(
    conditions=["clean", "dust"],
    metrics=["accuracy", "recall_of_eights", "overconfidence"],
    maximum={"overconfidence": 0.05},
)
def test_dust() -> None:
    """Our condition and metrics are named, stored and judged like built-in ones."""
