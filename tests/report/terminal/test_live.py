"""The live line leaves what it stands beside as it was; a log gets a full line now and then."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from screen import screen

from pytest_failaware.core.progress import unseen
from pytest_failaware.report.terminal.live import LiveLine, LogLines


@dataclass
class Stage:
    """A clock that is set by hand, and what was written."""

    now: float = 100.0
    room: int = 75
    written: list[str] = field(default_factory=list)

    def live(self) -> LiveLine:
        """On a terminal."""
        return LiveLine(write=self.written.append, room=lambda: self.room, clock=lambda: self.now)

    def log(self) -> LogLines:
        """In a log."""
        return LogLines(write_line=self.written.append, clock=lambda: self.now)

    def seen(self) -> str:
        """The line of a terminal that showed `test.py ` before."""
        return screen("test.py " + "".join(self.written))


def test_the_live_line_follows_and_goes() -> None:
    """It stands behind pytest's own text, a shorter state covers a longer one, and in the end nothing is left."""
    stage = Stage()
    with stage.live().follow("blur") as tell:
        stage.now += 1
        tell(1000, 2000)
        assert "test.py blur 1,000/2,000 images, 1,000 images/s, 0:01 left" == stage.seen()
        stage.now += 9
        tell(2000, 2000)
        assert "test.py blur 2,000/2,000 images, 200 images/s, 0:00 left" == stage.seen()
    assert "test.py" == stage.seen()
    assert "test.py ." == screen("test.py " + "".join(stage.written) + ".")


def test_the_live_line_is_erased_after_an_error() -> None:
    """Ctrl-C too leaves a clean line."""
    stage = Stage()

    def interrupted() -> None:
        with stage.live().follow("blur") as tell:
            stage.now += 1
            tell(1, 2)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert 2 == len(stage.written)
    assert "test.py" == stage.seen()


def test_five_states_a_second_at_most() -> None:
    """A hundred batches in a second draw four times, and what is over at once draws nothing."""
    stage = Stage()
    with stage.live().follow("blur") as tell:
        for batch in range(100):
            stage.now += 0.01
            tell(batch, 100)
        assert 4 <= len(stage.written) <= 5
    quick = Stage()
    with quick.live().follow("blur") as tell:
        tell(100, 100)
    assert [] == quick.written


@pytest.mark.parametrize(("room", "text"), [(40, "1,000/2,000, 0:01 left"), (10, "50 %"), (3, ""), (-5, "")])
def test_the_live_line_fits(room: int, text: str) -> None:
    """Where a long test id leaves little room it shortens, down to nothing; it never wraps."""
    stage = Stage(room=room)
    with stage.live().follow("blur") as tell:
        stage.now += 1
        tell(1000, 2000)
        assert f"test.py {text}".rstrip() == stage.seen()


def test_a_log_gets_a_line_each_half_minute() -> None:
    """Nothing for a measurement that takes less."""
    stage = Stage()
    with stage.log().follow("blur") as tell:
        for batch in range(1, 66):
            stage.now += 1
            tell(batch, 100)
    with stage.log().follow("clean") as tell:
        stage.now += 29
        tell(100, 100)

    assert [
        "failaware: blur 30/100 images, 1 images/s, 1:10 left",
        "failaware: blur 60/100 images, 1 images/s, 0:40 left",
    ] == stage.written


def test_unseen() -> None:
    """There is something to tell and nobody to see it."""
    with unseen("blur") as tell:
        tell(1, 2)
