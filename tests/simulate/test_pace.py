"""Simulated time at a pace."""

from streams.simulate.pace import SECOND, Pace

HOUR = 3600 * SECOND


class Clock:
    """A clock that goes on as somebody sleeps, or works."""

    def __init__(self) -> None:
        """At some time."""
        self.now = 1000.0
        self.slept: list[float] = []

    def read(self) -> float:
        """What it shows."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Time goes by."""
        self.slept.append(seconds)
        self.now += seconds


def pace(speed: float, clock: Clock) -> Pace:
    """An hour at a speed."""
    return Pace(speed=speed, since=0, until=HOUR, clock=clock.read, sleep=clock.sleep)


def test_an_hour_at_sixty_takes_a_minute() -> None:
    """Moment by moment."""
    clock = Clock()
    an_hour = pace(60, clock)
    for minute in range(61):
        an_hour.wait(minute * 60 * SECOND)
    assert clock.now == 1060
    assert len(clock.slept) == 60


def test_who_is_late_catches_up() -> None:
    """What took long is not added to the hour."""
    clock = Clock()
    an_hour = pace(60, clock)
    an_hour.wait(0)
    clock.now += 10
    assert not an_hour.ahead(9 * 60 * SECOND)
    an_hour.wait(9 * 60 * SECOND)
    assert clock.slept == []
    an_hour.wait(HOUR)
    assert clock.now == 1060


def test_what_comes_after_the_span_is_at_once() -> None:
    """Half a day in which the last messages come to an end."""
    clock = Clock()
    an_hour = pace(60, clock)
    an_hour.wait(0)
    an_hour.wait(14 * HOUR)
    assert clock.now == 1060


def test_without_a_speed_nobody_waits() -> None:
    """A day is played as fast as it goes."""
    clock = Clock()
    at_once = pace(0, clock)
    at_once.wait(HOUR)
    assert not at_once.ahead(HOUR)
    assert clock.slept == []
