"""Leave out images that cannot be used, up to a number that the user allows; no others replace them."""

from __future__ import annotations

from typing import Final

from pytest_failaware.core.errors import BadImageError, DataError

_NAMED: Final = 3


class Skipped:
    """The images that were left out, at most `allowed`."""

    def __init__(self, allowed: int) -> None:
        self.allowed = allowed
        self.names: list[str] = []
        self._errors: list[BadImageError] = []

    def __len__(self) -> int:
        return len(self.names)

    def add(self, name: str, error: BadImageError) -> None:
        """Leave an image out.

        Raises:
            DataError: there are more than allowed; the message has the first few.
        """
        if self.allowed == 0:
            raise error
        self.names.append(name)
        self._errors.append(error)
        if len(self) > self.allowed:
            few = " | ".join(map(str, self._errors[:_NAMED]))
            raise DataError(
                f"--failaware-bad-samples=skip:{self.allowed}: at least {len(self)} images cannot be used: {few}"
            ) from error

    @property
    def notes(self) -> tuple[str, ...]:
        """A line on how many images were left out, and which; none if all could be used."""
        if not self.names:
            return ()
        more = len(self) - _NAMED
        named = ", ".join(self.names[:_NAMED]) + (f" and {more} more" if more > 0 else "")
        count = "1 bad image was" if len(self) == 1 else f"{len(self)} bad images were"
        return (f"{count} left out, as --failaware-bad-samples allows: {named}",)
