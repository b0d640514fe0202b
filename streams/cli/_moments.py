"""Moments as they are typed."""

from streams.core.errors import Misuse
from streams.core.moments import micros, moment_of

FIRST_YEAR, LAST_YEAR = 1900, 2299


def micros_of(text: str) -> int:
    """Microseconds UTC of an RFC 3339 text.

    Raises:
        Misuse: it is none, says no time zone, or lies where no evidence can.
    """
    try:
        when = moment_of(text)
    except ValueError as error:
        raise Misuse(f"{text!r} is no time.", hint="write 2026-11-23T23:29:00Z") from error
    if when.tzinfo is None:
        raise Misuse(f"{text!r} says no time zone.", hint=f"write {text}Z for UTC")
    if not FIRST_YEAR < when.year < LAST_YEAR:
        raise Misuse(f"{text!r} lies outside {FIRST_YEAR} to {LAST_YEAR}.")
    return micros(when)
