"""Ticks: the log's own clock, appended to every partition of the log.

Rules:
- A tick is written to every partition and acknowledged before the next is thought of. Where that fails the writer is
  dead, and so is who asked; another begins again from what sources said, and from the last tick that all have.
- It is heard, looked and recalled from several threads, by one at a time.
- A progress record that cannot be read is a dead letter; a null takes back what its key said, and says nothing itself.
- What was recalled is not heard once more when it is given: an old withdrawal would end a source that was declared
  after it, and the clock would go on without it. Where what is given goes back, the log is read again (its tail may be
  lost), so everything is recalled.
"""

import logging
from datetime import UTC, datetime
from threading import RLock

from streams.core.clock import BEGINNING, Tick
from streams.core.errors import Undecodable
from streams.core.events import Kind, MessageEvent
from streams.core.identity import FIXED_PARTITION, fact_id
from streams.kafka import progress
from streams.kafka.deadletters import DeadLetters
from streams.kafka.lasttick import last_ticks
from streams.kafka.names import EVENTS, PROGRESS
from streams.kafka.ports import Log, RecordWriter
from streams.track.timekeeper import SECOND, Timekeeper
from streams.wall import Wall
from streams.wire import envelope

log = logging.getLogger(__name__)

TICK = b""
"""The key of a tick's record."""

WENT_BACK = 5 * SECOND
"""Microseconds by which the wall clock may be before the last tick."""

_SAY_EVERY = 60.0

_NOWHERE = bytes(16)


class Ticker:
    """The clock writer of one ledger: hears what sources say, and writes the next tick when it is due."""

    def __init__(self, records: Log, wall: Wall | None = None) -> None:
        """Begin without having heard anything."""
        self.keeper = Timekeeper()
        self._log, self._wall = records, wall or Wall()
        self._writer = records.writer()
        self._alone = RLock()
        self._said_at = -_SAY_EVERY
        self._known = self._given = 0

    def recall(self) -> None:
        """Hear everything that was said so far, and know how far the clock is."""
        with self._alone:
            ends = self._log.end_offsets(PROGRESS)
            self.keeper.recall(progress.all_progress(self._log, ends), self._wall.now())
            self._known = ends.get(FIXED_PARTITION, 0)
            if self.keeper.last.through == BEGINNING and self.keeper.has_live():
                self.keeper.last = _last(self._log)

    def hear(self, value: bytes | None, offset: int) -> None:
        """Hear the record of the topic `progress` at an offset.

        Raises:
            Unavailable: it cannot be read, and its dead letter was not acknowledged.
        """
        with self._alone:
            if offset < self._given:
                self.recall()
            self._given = offset + 1
            try:
                said = None if value is None else progress.read(value)
            except Undecodable as error:
                self._bury(value, offset, str(error))
            else:
                if said is not None and offset >= self._known:
                    self.keeper.hear(said, self._wall.now())

    def _bury(self, value: bytes | None, offset: int, reason: str) -> None:
        log.warning("a progress record is a dead letter: offset %d: %s", offset, reason)
        DeadLetters(self._writer).put(PROGRESS, FIXED_PARTITION, offset, value, reason)
        self._writer.flush()

    def look(self) -> None:
        """Write the next tick, if it is due.

        Raises:
            Unavailable: it was not acknowledged.
        """
        with self._alone:
            now = self._wall.now()
            self._doubt(now)
            if self.keeper.misses(now):
                self.recall()
            tick = self.keeper.tick(now)
            if tick is not None:
                write(self._writer, tick)

    def _doubt(self, now: int) -> None:
        """No live source is believed to be further than our clock, so nothing is told before that is where it was."""
        through, at = self.keeper.last.through, self._wall.monotonic()
        if now < through - WENT_BACK and self.keeper.has_live() and at - self._said_at >= _SAY_EVERY:
            self._said_at = at
            when = datetime.fromtimestamp(through // SECOND, UTC).isoformat()
            log.warning("this machine's clock went back: no alarm before %s", when)


def _last(records: Log) -> Tick:
    """The last tick that every partition has; one at BEGINNING where there is none among the last of its records."""
    return min(last_ticks(records), key=lambda tick: tick.through, default=Tick(through=BEGINNING))


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
        writer.write(EVENTS, TICK, value, partition)
    writer.flush()
