"""The pytest plugin: its hooks and fixtures."""

from pytest_failaware.plugin.fixtures import *  # noqa: F403
from pytest_failaware.plugin.hooks import *  # noqa: F403
