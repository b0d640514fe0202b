"""Where an import's evidence ends, as it is declared: `until` in a sources.toml.

Rules:
- An end that is yet to come is refused, and no clock goes there: it would stand there for ever, and whatever is read
  later would be overdue at once. Where the evidence itself is of a time to come it is our clock that is wrong, or the
  evidence is played: then the end is near the evidence's.
- What is later than its end is read, and nobody judges it: which sources go on is said. Most logs have whole seconds,
  so the second in which the end lies is before it.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

from streams.core.errors import Misuse
from streams.core.moments import EPOCH, micros
from streams.core.terms import SECOND

NEAR = 86_400 * SECOND
"""Microseconds after the latest time seen at which an end may be declared where our clock does not say."""

MEND = "correct `until`, or leave it out, and read again: what was read is not read twice"
"""What to do about evidence that goes on."""


def micros_of(until: datetime) -> int:
    """Microseconds UTC of a declared end.

    Raises:
        Misuse: it says no time zone.
    """
    if until.tzinfo is None:
        text = until.isoformat()
        hint = f"write until = {text}Z for UTC, or with your offset: until = {text}+01:00"
        raise Misuse(f"until: {text} says no time zone.", hint=hint)
    return micros(until)


def refuse_future(until: int | None, seen: int, now: int) -> None:
    """Refuse an end that is yet to come.

    Args:
        until: as declared, microseconds.
        seen: the latest time seen, likewise.
        now: likewise.

    Raises:
        Misuse: it is.
    """
    if until is not None and until > (now if seen <= now else seen + NEAR):
        hint = "correct it, or leave it out: then the end is the latest time seen; what was read is not read twice"
        raise Misuse(f"The declared end, until = {_shown(until)}, is yet to come: it is {_shown(now)}.", hint=hint)


def beyond(until: int | None, seen: Mapping[str, int]) -> list[str]:
    """Which sources go on after the declared end, a sentence each.

    Args:
        until: as declared, microseconds.
        seen: the latest time seen by source, likewise.
    """
    if until is None:
        return []
    later = {name: at for name, at in seen.items() if at // SECOND > until // SECOND}
    end = f"after the declared end (until = {_shown(until)}): nothing is judged that came later."
    return [f"Source {name} goes on up to {_shown(at)}, {end}" for name, at in later.items()]


def _shown(at: int) -> str:
    """As it stands in a sources.toml."""
    return f"{(EPOCH + timedelta(microseconds=at)).replace(tzinfo=None).isoformat(timespec='seconds')}Z"
