"""The clock on the wall, as a port: it says when to look again, and decides nothing that is told.

Rules:
- Shells take it as an argument, so that a simulation runs them in a time of its own.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass


def _micros() -> int:
    return time.time_ns() // 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Wall:
    """What tells the time and lets it pass.

    Attributes:
        now: microseconds UTC.
        monotonic: seconds since some moment; never goes back.
        sleep: waits so many seconds.
    """

    now: Callable[[], int] = _micros
    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
