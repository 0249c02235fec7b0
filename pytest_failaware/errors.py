"""The errors this library raises on purpose: one line that names the place, the value and the remedy."""

from __future__ import annotations


class FailAwareError(Exception):
    """Something the user gave cannot be used; the text alone must be enough to repair it."""


class ConfigError(FailAwareError):
    """An option, an ini key or a marker argument is wrong, seen before any file is opened."""


class ModelError(FailAwareError):
    """A model cannot be loaded, or does not answer as a classifier does."""


class DataError(FailAwareError):
    """A data set, an image or a preprocessing cannot be used."""


class BaselineError(FailAwareError):
    """A baseline file is unreadable, contradicts itself or must not be overwritten."""
