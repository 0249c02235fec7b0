"""The rule of each entry that the collected tests gate: an entry of a baseline has one rule."""

from __future__ import annotations

from pytest_failaware.core.errors import ConfigError
from pytest_failaware.core.gate import Gate
from pytest_failaware.core.rule import FailureRule


class EntryRules:
    """The rules of the collected tests, by the name of the baseline and the key of the condition.

    Tests without a name for their baseline share that of the run's model.
    """

    def __init__(self) -> None:
        self._rules: dict[tuple[str, str], tuple[str, FailureRule]] = {}  # each with the test that has it

    def add(self, test: str, gate: Gate) -> None:
        """Add the entries of a test.

        Raises:
            ConfigError: an earlier test gates one of them under another rule. One of the two tests would be compared
                with the rule of the other, in whatever order they are updated.
        """
        for condition in gate.conditions:
            name = gate.baseline or ""
            other, rule = self._rules.setdefault((name, condition.key), (test, gate.rule))
            if rule != gate.rule:
                of = f" of baseline {name!r}" if name else ""
                raise ConfigError(
                    f"{condition.key}{of} has the rule {gate.rule} here and {rule} in {other}, and an entry holds one "
                    "rule; give each a `baseline=` of its own"
                )
