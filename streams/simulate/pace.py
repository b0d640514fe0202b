"""How fast simulated time passes: at once, or so many simulated seconds a second.

Rules:
- The pace counts while messages are submitted; what comes after, in which the last of them come to an end, is at once.
- It waits for a moment, never for longer than it must: whoever is late catches up.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

SECOND = 1_000_000
SHORT = 0.02
"""Seconds that nobody waits for."""

Wait = Callable[[int], None]
"""Waits until a simulated moment, microseconds UTC."""


def at_once(_at: int) -> None:
    """Wait for nothing."""


def _nobody(_at: int) -> None:
    """Tell nobody."""


@dataclass(slots=True, kw_only=True)
class Pace:
    """A pace from now on.

    Attributes:
        speed: simulated seconds a second; 0 is as fast as it goes.
        since: simulated moment at which it begins.
        until: simulated moment from which on all is at once.
        told: told of every moment that was waited for.
        clock: seconds, of a clock that never goes back.
        sleep: waits for seconds.
    """

    speed: float
    since: int
    until: int
    told: Callable[[int], None] = _nobody
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    _began: float | None = field(default=None, init=False)

    def ahead(self, at: int) -> bool:
        """Is a moment still to be waited for."""
        return self._left(at) > SHORT

    def wait(self, at: int) -> None:
        """Wait until a moment has come."""
        left = self._left(at)
        if left > SHORT:
            self.sleep(left)
            self.told(at)

    def _left(self, at: int) -> float:
        if not self.speed:
            return 0.0
        now = self.clock()
        if self._began is None:
            self._began = now
        return (min(at, self.until) - self.since) / SECOND / self.speed - (now - self._began)
