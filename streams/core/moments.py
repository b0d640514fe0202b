"""Moments: microseconds since 1970, and texts that say them.

Rules:
- A leap second (`:60`, RFC 3339 5.6, RFC 5322 3.3) is the instant at which the next second begins, as POSIX counts.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICRO = timedelta(microseconds=1)

_LEAP = re.compile(r"(?<![\d:+-])(\d?\d:\d\d):60(?![\d:])", re.ASCII)

Read = Callable[[str], datetime]


def micros(moment: datetime) -> int:
    """Microseconds since 1970.

    Raises:
        TypeError: it has no time zone.
    """
    return (moment - EPOCH) // MICRO


def moment_of(text: str, read: Read = datetime.fromisoformat) -> datetime:
    """What a text says, as `read` reads it.

    Raises:
        ValueError: it says no moment; `read` may raise others.
    """
    try:
        return read(text)
    except ValueError:
        found = leap_second(text, read)
        if found is None:
            raise
        return found


def leap_second(text: str, read: Read = datetime.fromisoformat) -> datetime | None:
    """The same of a text that `read` does not read: None where it is not for a leap second."""
    before, leaps = _LEAP.subn(r"\1:59", text, count=1)
    try:
        return read(before) + timedelta(seconds=1) if leaps else None
    except (ValueError, OverflowError):
        return None
