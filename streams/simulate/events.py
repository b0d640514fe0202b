"""Acts to events, straight: what the collectors would give for the evidence of each act.

Rules:
- One scribe a source, with the memory that its collector would have.
- What is read twice says the same twice: an event's identity is what happened.
- The collectors are the reference; a test holds the two together.
"""

from collections.abc import Callable, Iterator
from typing import Any

from streams.core.events import MessageEvent
from streams.simulate import events_queues, events_returns, events_stores
from streams.simulate.acts import (
    Attempted,
    Entered,
    Expired,
    Expunged,
    Left,
    Moved,
    Noticed,
    Opened,
    Ordered,
    Receipted,
    Reported,
    Stored,
)
from streams.simulate.reading import Reading
from streams.simulate.scribe import Scribe

_WRITERS: dict[type, Callable[[Scribe, Any], None]] = {
    Entered: events_queues.entered,
    Attempted: events_queues.attempted,
    Left: events_queues.left,
    Expired: events_queues.expired,
    Ordered: events_queues.ordered,
    Noticed: events_queues.noticed,
    Stored: events_stores.stored,
    Opened: events_stores.opened,
    Expunged: events_stores.expunged,
    Moved: events_stores.moved,
    Reported: events_returns.reported,
    Receipted: events_returns.receipted,
}


def events(reading: Reading) -> Iterator[tuple[int, list[MessageEvent]]]:
    """(time of reading, events), in the order in which the log has them."""
    world = reading.world
    scribes = {one.name: Scribe(one, world.declaration) for one in world.declaration.sources}
    again: dict[int, list[MessageEvent]] = {}
    for read_at, number in reading.order():
        written = again.pop(number, None)
        if written is None:
            act = world.acts[number]
            scribe = scribes[reading.sources(act)]
            scribe.turn(reading.written[number], read_at)
            _WRITERS[type(act)](scribe, act)
            written = scribe.take()
            if len(reading.read[number]) > 1:
                again[number] = written
        yield read_at, written
