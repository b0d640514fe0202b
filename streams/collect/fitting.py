"""Events that a record of the log holds: a broker would refuse others for ever."""

from collections.abc import Sequence

from streams.collect import reading
from streams.collect.parser import Counts, Piece, large_of
from streams.core.events import MessageEvent
from streams.wire import envelope

LARGE = 100_000
"""Bytes of a piece of which an event could come that no record holds."""

RECORD = 900_000
"""Bytes of an event that a broker takes, with what belongs to it."""


def fitting(pieces: Sequence[Piece], events: list[MessageEvent], path: str, counts: Counts) -> list[MessageEvent]:
    """Those of the events of some pieces of a file that fit; the others are counted, with their place."""
    large = large_of(pieces, LARGE)
    if not large:
        return events
    kept = [event for event in events if event.offset not in large or _size(event) <= RECORD]
    if len(kept) < len(events):
        lost = {event.offset or 0 for event in events} - {event.offset or 0 for event in kept}
        for offset in sorted(lost):
            reading.unread(counts, path, offset, "an event that is too long for a record")
        counts.events -= len(events) - len(kept)
    return kept


def _size(event: MessageEvent) -> int:
    """Bytes of an event's record: its value, and its key."""
    return len(envelope.encode(event)) + len(event.message_key.encode("utf-8", "replace"))
