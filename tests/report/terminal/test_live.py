"""The live line does not change the text beside it; a log gets a full line at intervals."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from screen import screen

from pytest_failaware.core.progress import no_progress
from pytest_failaware.report.terminal.live import LiveLine, LogLines


@dataclass
class Stage:
    """A clock that is set by hand, and the written text."""

    now: float = 100.0
    room: int = 75
    written: list[str] = field(default_factory=list)

    def live(self) -> LiveLine:
        """Follow on a terminal."""
        return LiveLine(write=self.written.append, room=lambda: self.room, clock=lambda: self.now)

    def log(self) -> LogLines:
        """Follow in a log."""
        return LogLines(write_line=self.written.append, clock=lambda: self.now)

    def seen(self) -> str:
        """Return the line of a terminal that already showed `test.py `."""
        return screen("test.py " + "".join(self.written))


def test_the_live_line_follows_and_goes() -> None:
    """The live line follows pytest's text, a shorter state covers a longer one, and it is erased in the end."""
    stage = Stage()
    with stage.live().follow("blur") as progress:
        stage.now += 1
        progress(1000, 2000)
        assert "test.py blur 1,000/2,000 images, 1,000 images/s, 0:01 left" == stage.seen()
        stage.now += 9
        progress(2000, 2000)
        assert "test.py blur 2,000/2,000 images, 200 images/s, 0:00 left" == stage.seen()
    assert "test.py" == stage.seen()
    assert "test.py ." == screen("test.py " + "".join(stage.written) + ".")


def test_the_live_line_is_erased_after_an_error() -> None:
    """The live line is erased after an error and after Ctrl-C."""
    stage = Stage()

    def interrupted() -> None:
        with stage.live().follow("blur") as progress:
            stage.now += 1
            progress(1, 2)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert 2 == len(stage.written)
    assert "test.py" == stage.seen()


def test_five_states_a_second_at_most() -> None:
    """A hundred batches in a second are drawn four times; a short measurement is not drawn."""
    stage = Stage()
    with stage.live().follow("blur") as progress:
        for batch in range(100):
            stage.now += 0.01
            progress(batch, 100)
        assert 4 <= len(stage.written) <= 5
    quick = Stage()
    with quick.live().follow("blur") as progress:
        progress(100, 100)
    assert [] == quick.written


@pytest.mark.parametrize(("room", "text"), [(40, "1,000/2,000, 0:01 left"), (10, "50 %"), (3, ""), (-5, "")])
def test_the_live_line_fits(room: int, text: str) -> None:
    """The live line shortens if a long test id leaves little room, and never wraps."""
    stage = Stage(room=room)
    with stage.live().follow("blur") as progress:
        stage.now += 1
        progress(1000, 2000)
        assert f"test.py {text}".rstrip() == stage.seen()


def test_a_log_gets_a_line_each_half_minute() -> None:
    """A log gets a line each half minute, and none for a shorter measurement."""
    stage = Stage()
    with stage.log().follow("blur") as progress:
        for batch in range(1, 66):
            stage.now += 1
            progress(batch, 100)
    with stage.log().follow("clean") as progress:
        stage.now += 29
        progress(100, 100)

    assert [
        "failaware: blur 30/100 images, 1 images/s, 1:10 left",
        "failaware: blur 60/100 images, 1 images/s, 0:40 left",
    ] == stage.written


def test_unseen() -> None:
    """Progress without a display is ignored."""
    with no_progress("blur") as progress:
        progress(1, 2)
