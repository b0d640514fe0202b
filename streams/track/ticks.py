"""Ticks: the log's own clock, appended to every partition of the log.

Rules:
- A tick is written to every partition and acknowledged before the next is thought of. Where that fails the writer is
  dead, and so is who asked; another begins again from what sources said.
"""

import logging

from streams.core.clock import Tick
from streams.core.errors import Undecodable
from streams.core.events import Kind, MessageEvent
from streams.core.identity import fact_id
from streams.kafka import progress
from streams.kafka.ports import Log, RecordWriter
from streams.track.timekeeper import Timekeeper
from streams.wall import Wall
from streams.wire import envelope

log = logging.getLogger(__name__)

TICK = b""
"""The key of a tick's record."""

_NOWHERE = bytes(16)


class Ticker:
    """The clock writer of one ledger: hears what sources say, and writes the next tick when it is due."""

    def __init__(self, records: Log, wall: Wall | None = None) -> None:
        """Begin without having heard anything."""
        self.keeper = Timekeeper()
        self._log, self._wall = records, wall or Wall()
        self._writer = records.writer()

    def recall(self) -> None:
        """Hear everything that was said so far."""
        for said in progress.all_progress(self._log):
            self.keeper.hear(said, self._wall.now(), again=True)

    def hear(self, value: bytes | None) -> None:
        """Hear a record of the topic `progress`."""
        try:
            self.keeper.hear(progress.read(value), self._wall.now())
        except Undecodable as error:
            log.warning("a progress record was passed over: %s", error)

    def look(self) -> None:
        """Write the next tick, if it is due.

        Raises:
            Unavailable: it was not acknowledged.
        """
        now = self._wall.now()
        if self.keeper.misses(now):
            self.recall()
        tick = self.keeper.tick(now)
        if tick is not None:
            write(self._writer, tick)


def encoded(tick: Tick, ledger: str) -> bytes:
    """A tick as the value of a record."""
    event = MessageEvent(
        event_id=fact_id(Kind.TICK, ledger, "", tick.through),
        kind=Kind.TICK,
        occurred_at=tick.through,
        observed_at=tick.through,
        leg=_NOWHERE,
        message_key="",
        source="clock",
        attributes=tick.attributes(),
    )
    return envelope.encode(event)


def write(writer: RecordWriter, tick: Tick) -> None:
    """Append a tick to every partition and wait until all have it."""
    value = encoded(tick, writer.settings.ledger)
    for partition in range(writer.settings.partitions):
        writer.write("message-events", TICK, value, partition)
    writer.flush()
