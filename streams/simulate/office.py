"""Office hours, UTC: when people write and read, and when desks are manned.

Rules:
- People are at work from seven to six on workdays; what comes later they read in the next morning of work.
- Most is written at work, little at night, and a fifth of it at weekends.
- Some desks are not manned at night.
"""

import random

from streams.simulate.faults import HOUR

BY_HOUR = (1, 1, 1, 1, 1, 2, 4, 9, 14, 16, 16, 14, 10, 13, 15, 15, 13, 10, 6, 4, 3, 3, 2, 1)
OFFICE = range(7, 18)
NIGHT = frozenset({20, 21, 22, 23, 0, 1, 2, 3, 4, 5})
SLEEPY = 0.2
"""How much is written at weekends."""

_THURSDAY = 3
"""The day of the week, Monday 0, with which the epoch began."""

_SATURDAY = 5


def busy(hour: int) -> float:
    """How much is written in an hour since the epoch."""
    return BY_HOUR[hour % 24] * (SLEEPY if _is_free(hour // 24) else 1)


def at_work(at: int, chance: random.Random) -> int:
    """A moment, or where nobody is at work then, one in the next morning at which somebody is."""
    day, hour = divmod(at // HOUR, 24)
    if hour in OFFICE and not _is_free(day):
        return at
    day += hour >= OFFICE.stop
    while _is_free(day):
        day += 1
    return (day * 24 + OFFICE.start) * HOUR + chance.randint(0, 2 * HOUR)


def is_night(at: int) -> bool:
    """Are some desks not manned."""
    return at // HOUR % 24 in NIGHT


def _is_free(day: int) -> bool:
    return (day + _THURSDAY) % 7 >= _SATURDAY
