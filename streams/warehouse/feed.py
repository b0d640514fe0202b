"""The feed: topics into tables, in batches, at least once; the tables make that once.

Rules:
- An offset is committed only after its rows, and those of all before it, are inserted; then the warehouse keeps it too,
  as what is fed: derived is what is before it, and feeding goes on there (at the beginning where the warehouse was
  thrown away). One that refuses or is away is waited for, and said so.
- Feeding the same records again replaces rows by themselves.
- What cannot be understood goes to the dead letters.
- Decoding, inserts and derivations run beside the reading of what comes next, as far as there is more to read.
- The member that has partition 0 derives: when there is nothing to feed, and now and then while there is.
- What was read of a partition is stored before the partition is given up.
"""

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from functools import partial

import pyarrow as pa

from streams.core.errors import Undecodable
from streams.core.identity import FIXED_PARTITION
from streams.kafka.deadletters import DeadLetters
from streams.kafka.names import EVENTS, feed_group
from streams.kafka.ports import Committed, Log, Records
from streams.kafka.ranges import since
from streams.retry import until_available
from streams.wall import Wall
from streams.warehouse.derivations import Derivations
from streams.warehouse.fed import COLUMNS, Fed
from streams.warehouse.inserts import Ends, Inserts
from streams.warehouse.rows import PLAIN, START, Rows, plain_columns, plain_row, rows
from streams.warehouse.store import Store
from streams.wire import records

log = logging.getLogger(__name__)

BATCH = 50_000
MUCH = BATCH // 2
"""Records of a fetch that say that there is much more."""

PLAIN_EVERY = 0.5
"""Seconds between looks at the topics of low rate while there are many events to feed."""


class Feeds:
    """Feeds events, evidence, alerts, cases and queue states into their tables, and derives when the clock goes on."""

    def __init__(
        self, records: Log, store: Store, member: str = "", wall: Wall | None = None, beside: Executor | None = None
    ) -> None:
        """Make the tables and join the groups; `beside` decodes, inserts and derives beside the reading."""
        self._store, self._wall = store, wall or Wall()
        self._writer = records.writer()
        self._letters = DeadLetters(self._writer)
        self._clocks: dict[int, int] = {}
        self._turns: dict[tuple[str, int], int] = {}
        self._ends: Ends = {}
        self._beside = beside or ThreadPoolExecutor(4, thread_name_prefix="warehouse")
        self._decoding: tuple[Sequence[Records], Future[list[Rows]]] | None = None
        self._inserts = Inserts(self._beside, self._insert, self._stored)
        self._plain_next = 0.0
        self._derivations = Derivations(records, store, self._wall, self._beside)
        self._insist = until_available(log, self._wall.sleep)
        self._insist(store.prepare)
        self._readers = {
            topic: records.reader(
                topic,
                feed_group(topic, records.settings.ledger),
                member=member,
                assigned=partial(self._starts, topic),
                revoked=self._given_up if topic == EVENTS else None,
            )
            for topic in (EVENTS, *PLAIN)
        }
        self.rows = 0

    def run(self, stopped: Callable[[], bool]) -> None:
        """Step until stopped."""
        while not stopped():
            self.step()
        self._settle()
        self._beside.shutdown()
        for reader in self._readers.values():
            reader.close()

    def step(self, timeout: float = 0.1) -> int:
        """Take one batch of every topic; returns the number of records that were not taken before."""
        count = self._events(self._readers[EVENTS].read(BATCH, timeout))
        if count < MUCH or self._wall.monotonic() >= self._plain_next:
            count += sum(
                self._plain(topic, batch) for topic in PLAIN for batch in self._readers[topic].read(BATCH, 0.02)
            )
            self._plain_next = self._wall.monotonic() + PLAIN_EVERY
        self.rows += count
        if not count:
            self._settle()
        if FIXED_PARTITION in self._clocks and self._derivations.is_time(idle=count == 0):
            self._derivations.start()
        return count

    def _starts(self, topic: str, committed: dict[int, Committed]) -> dict[int, int]:
        """From what group and warehouse have both: one may have lost what the other still has."""
        fed = self._insist(self._store.fed, topic)
        starts: dict[int, int] = {}
        for number, place in committed.items():
            there = fed.get(number, Fed())
            starts[number] = min(place.offset or 0, there.after)
            self._turns[topic, number] = there.turn_from(starts[number])
        self._say(topic, starts)  # a turn begins before anything of it is stored
        if topic == EVENTS:
            self._ends = starts
            self._clocks = {number: self._clock_before(number, offset) for number, offset in self._ends.items()}
        return starts

    def _clock_before(self, partition: int, offset: int) -> int:
        """The latest tick of a partition before an offset."""
        clock = self._insist(self._store.clock_before, partition, offset)
        return START if clock is None else clock

    def _given_up(self, partitions: Sequence[int]) -> None:
        """Store what was read while we still may say so."""
        del partitions
        self._settle()

    def _settle(self) -> None:
        """Wait until all that was read is stored."""
        self._decoded()
        self._inserts.settle()

    def _events(self, batches: Sequence[Records]) -> int:
        """Have them decoded; what is given again is passed over: its clock would be later."""
        fresh = [batch for one in batches if (batch := since(one, self._ends.get(one.partition, 0))).offsets]
        count = sum(len(batch.offsets) for batch in fresh)
        self._decoded()
        if fresh:
            self._ends |= _ends(fresh)
            self._decoding = (fresh, self._beside.submit(self._decode, fresh))
        if count < MUCH:
            self._decoded()
        return count

    def _decode(self, batches: Sequence[Records]) -> list[Rows]:
        """Rows of batches, each with the clock of its partition; one call at a time, in the order of the log."""
        read = []
        for batch in batches:
            clock = self._clocks.get(batch.partition, START)
            read.append(rows(batch.values, batch.keys, batch.partition, batch.offsets, clock))
            self._clocks[batch.partition] = read[-1].clock
        return read

    def _decoded(self) -> None:
        """Insert what is being decoded, of all partitions in one."""
        if self._decoding is None:
            return
        (batches, under_way), self._decoding = self._decoding, None
        read = under_way.result()
        for batch, one in zip(batches, read, strict=True):
            self._bad(EVENTS, batch, one.bad, len(one.events) + len(one.ticks))
        self._inserts.put(read, _ends(batches), more=sum(len(batch.offsets) for batch in batches) >= MUCH)

    def _insert(self, read: Sequence[Rows]) -> None:
        for table, parts in (
            ("event_records", [one.events for one in read if len(one.events)]),
            ("ticks", [one.ticks for one in read if len(one.ticks)]),
        ):
            if parts:
                some = pa.concat_tables(parts, promote_options="permissive")
                self._insist(self._store.insert, table, some)

    def _stored(self, ends: Ends) -> None:
        self._fed(EVENTS, ends)

    def _fed(self, topic: str, ends: Ends) -> None:
        """Commit, then say so in the warehouse: who lost a partition meanwhile cannot commit, and says nothing."""
        self._writer.flush()
        self._readers[topic].commit({number: Committed(offset=offset) for number, offset in ends.items()})
        self._say(topic, ends)

    def _say(self, topic: str, ends: Ends) -> None:
        said = [(topic, number, self._turns[topic, number], offset) for number, offset in ends.items()]
        self._insist(self._store.insert_rows, "fed", COLUMNS, said)

    def _plain(self, topic: str, batch: Records) -> int:
        kind, table, _ = PLAIN[topic]
        good, bad = [], []
        for index, value in enumerate(batch.values):
            try:
                good.append(plain_row(topic, records.decode(kind, value), batch.offsets[index]))
            except Undecodable as error:
                bad.append((index, str(error)))
        self._bad(topic, batch, bad, len(good))
        if good:
            self._insist(self._store.insert_rows, table, plain_columns(topic), good)
        self._fed(topic, _ends([batch]))
        return len(good)

    def _bad(self, topic: str, batch: Records, bad: Sequence[tuple[int, str]], good: int) -> None:
        for index, reason in bad:
            self._letters.put_record(topic, batch, index, reason)
        self._letters.judge(good, len(bad))


def _ends(batches: Sequence[Records]) -> Ends:
    return {batch.partition: batch.offsets[-1] + 1 for batch in batches}
