"""News of this package: notes that one run says, and later runs do not as long as pytest's cache folder exists."""

from __future__ import annotations

import warnings
from typing import Final

import pytest

from pytest_failaware.core.fact import Fact, FactKind

_KEY: Final = "failaware/news"


def without_old_news(facts: dict[Fact, None], config: pytest.Config) -> dict[Fact, None]:
    """Return the facts without the news that an earlier run said, and remember the new ones."""
    cache = getattr(config, "cache", None)  # None under -p no:cacheprovider
    known = [] if cache is None else cache.get(_KEY, [])
    said = known if isinstance(known, list) else []
    kept = {fact: None for fact in facts if fact.kind is not FactKind.NEWS or fact.text not in said}
    news = [fact.text for fact in kept if fact.kind is FactKind.NEWS]
    if cache is not None and news and config.get_verbosity() >= 0:  # a quiet run does not show them
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # if the folder cannot be written, the next run says them again
            cache.set(_KEY, [*said, *news])
    return kept
