"""The feed: topics into tables, in batches, at least once; the tables make that once.

Rules:
- An offset is committed only after its rows are inserted. A warehouse that refuses or is away is waited for, and said
  so.
- Feeding the same records again replaces rows by themselves.
- What cannot be understood goes to the dead letters.
- One insert is under way while the next batch is decoded: the engine and the decoder each have a core.
- The member that has partition 0 derives: when there is nothing to feed, and now and then while there is.
"""

import logging
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any

import pyarrow as pa
from tenacity import before_sleep_log, retry, retry_if_exception_type, wait_exponential

from streams import profiles
from streams.core.errors import Unavailable, Undecodable
from streams.core.identity import FIXED_PARTITION
from streams.core.terms import Terms
from streams.kafka import progress
from streams.kafka.broker import KafkaLog
from streams.kafka.deadletters import DeadLetters
from streams.kafka.reader import BatchReader, Committed, Records
from streams.kafka.writer import Writer
from streams.settings import Settings
from streams.warehouse.client import AWAY, REFUSED, connect, first_line
from streams.warehouse.derive import derive
from streams.warehouse.migrations import migrate
from streams.warehouse.rows import PLAIN, START, Rows, plain_columns, plain_row, rows
from streams.wire import records

log = logging.getLogger(__name__)

EVENTS = "message-events"

BATCH = 50_000

DERIVE_EVERY = 2.0
"""Seconds between derivations at least; a long one makes the next wait as long as it took."""

DERIVE_BUSY = 30.0
"""Seconds between derivations while there is more to feed; a long one makes the next wait five times as long."""

TERMS_EVERY = 10.0
"""Seconds between looks at the terms that the ledger declares."""

RETRY = 5.0
"""Seconds after which a derivation that failed is tried again; the facts are fed meanwhile."""

PLAIN_EVERY = 0.5
"""Seconds between looks at the topics of low rate while there are many events to feed."""

Under = tuple["Future[None]", dict[int, int]]
"""An insert under way, and the offsets to commit after it, by partition."""

_insisting = retry(
    retry=retry_if_exception_type(Unavailable),
    wait=wait_exponential(multiplier=0.2, max=10),
    before_sleep=before_sleep_log(log, logging.WARNING),
)


class Feeds:
    """Feeds every topic of a ledger into its tables, and derives when the clock goes on."""

    def __init__(self, settings: Settings, member: str = "") -> None:
        """Make the tables, and join the groups."""
        self.settings = settings
        self._client = self._connected()
        self._writer = Writer(settings)
        self._letters = DeadLetters(self._writer)
        self._clocks: dict[int, int] = {}
        self._inserter = ThreadPoolExecutor(1, thread_name_prefix="insert")
        self._under: Under | None = None
        self._plain_next = 0.0
        self._derivations = Derivations(settings)
        self._readers = {
            topic: BatchReader(
                settings,
                topic,
                f"custody-feed-{topic}-{settings.ledger}",
                member=member,
                assigned=partial(self._starts, topic),
            )
            for topic in (EVENTS, *PLAIN)
        }
        self.rows = 0

    def run(self, stopped: Callable[[], bool]) -> None:
        """Step until stopped."""
        while not stopped():
            self.step()
        self._settle()
        self._inserter.shutdown()
        for reader in self._readers.values():
            reader.close()

    def step(self, timeout: float = 0.1) -> int:
        """Take one batch of every topic; returns the number of rows."""
        count = self._events(self._readers[EVENTS].read(BATCH, timeout))
        if count < BATCH // 2 or time.monotonic() >= self._plain_next:
            count += sum(
                self._plain(topic, batch) for topic in PLAIN for batch in self._readers[topic].read(BATCH, 0.02)
            )
            self._plain_next = time.monotonic() + PLAIN_EVERY
        self.rows += count
        if not count:
            self._settle()
        if FIXED_PARTITION in self._clocks and self._derivations.is_time(idle=count == 0):
            self._settle()
            self._derivations.run(self._client)
        return count

    def _starts(self, topic: str, committed: dict[int, Committed]) -> dict[int, int]:
        """From the stored offsets on; from the beginning where the table is empty: it was thrown away."""
        table = "event_records" if topic == EVENTS else PLAIN[topic][1]
        empty = not self._insist(lambda: self._client.query(f"SELECT 1 FROM {table} LIMIT 1").result_rows)  # noqa: S608
        starts = dict.fromkeys(committed, 0) if empty else {}
        if topic == EVENTS:
            self._clocks = {
                number: self._clock_before(number, starts.get(number, place.offset or 0))
                for number, place in committed.items()
            }
        return starts

    def _clock_before(self, partition: int, offset: int) -> int:
        """The latest tick of a partition before an offset."""
        question = (
            "SELECT toUnixTimestamp64Micro(max(through)), count() FROM ticks"
            " WHERE log_partition = {partition:UInt16} AND log_offset < {offset:UInt64}"
        )
        parameters = {"partition": partition, "offset": offset}
        ((clock, count),) = self._insist(lambda: self._client.query(question, parameters=parameters).result_rows)
        return int(clock) if count else START

    def _events(self, batches: Sequence[Records]) -> int:
        """Decode while the insert before is under way, then start the next: all partitions in one."""
        if not batches:
            return 0
        read = [self._read(batch) for batch in batches]
        self._settle()
        ends = {batch.partition: batch.offsets[-1] + 1 for batch in batches}
        self._under = (self._inserter.submit(self._store, read), ends)
        return sum(len(one.events) + len(one.ticks) for one in read)

    def _read(self, batch: Records) -> Rows:
        clock = self._clocks.get(batch.partition, START)
        read = rows(batch.values, batch.keys, batch.partition, batch.offsets, clock)
        self._clocks[batch.partition] = read.clock
        self._bad(EVENTS, batch, read.bad, len(read.events) + len(read.ticks))
        return read

    def _store(self, read: Sequence[Rows]) -> None:
        for table, parts in (
            ("event_records", [one.events for one in read if len(one.events)]),
            ("ticks", [one.ticks for one in read if len(one.ticks)]),
        ):
            if parts:
                some = pa.concat_tables(parts, promote_options="permissive")
                self._insist(lambda table=table, some=some: self._client.insert_arrow(table, some))

    def _settle(self) -> None:
        """Wait for the insert under way, then store its offsets."""
        if self._under is None:
            return
        (done, ends), self._under = self._under, None
        done.result()
        self._writer.flush()
        for partition, offset in ends.items():
            self._readers[EVENTS].commit(partition, offset)

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
            columns = plain_columns(topic)
            self._insist(lambda: self._client.insert(table, good, column_names=columns))
        self._writer.flush()
        self._readers[topic].commit(batch.partition, batch.offsets[-1] + 1)
        return len(good)

    def _bad(self, topic: str, batch: Records, bad: Sequence[tuple[int, str]], good: int) -> None:
        for index, reason in bad:
            self._letters.put(topic, batch.partition, batch.offsets[index], batch.values[index], reason)
        self._letters.judge(good, len(bad))

    @_insisting
    def _insist(self, work: Callable[[], Any]) -> Any:
        """Do it; a warehouse that is away or refuses is waited for, with a new connection."""
        try:
            return work()
        except (*AWAY, *REFUSED) as error:
            self._client = self._connected()
            raise Unavailable(f"The warehouse refuses: {first_line(error)}") from error

    @_insisting
    def _connected(self) -> Any:
        try:
            migrate(self.settings)
        except (*AWAY, *REFUSED) as error:
            raise Unavailable(f"The warehouse refuses: {first_line(error)}") from error
        return connect(self.settings)


class Derivations:
    """When to derive, and by which terms."""

    def __init__(self, settings: Settings) -> None:
        """The first is due at once."""
        self._settings = settings
        self._terms: Terms | None = None
        self._looked = self._idle_next = self._busy_next = 0.0

    def is_time(self, *, idle: bool) -> bool:
        """Is a derivation due."""
        return time.monotonic() >= (self._idle_next if idle else self._busy_next)

    def run(self, client: Any) -> None:
        """Derive what changed; a warehouse that is away or refuses is asked again later."""
        started = time.monotonic()
        try:
            derive(client, self._terms_now(client))
        except (*AWAY, *REFUSED, Unavailable) as error:
            log.warning("not derived, to be tried again: %s", first_line(error))
            self._idle_next = self._busy_next = time.monotonic() + RETRY
            return
        now = time.monotonic()
        self._idle_next = now + max(DERIVE_EVERY, now - started)
        self._busy_next = now + max(DERIVE_BUSY, 5 * (now - started))

    def _terms_now(self, client: Any) -> Terms:
        """The terms that the ledger declares last, kept in the warehouse too."""
        if self._terms is None or time.monotonic() >= self._looked + TERMS_EVERY:
            self._looked = time.monotonic()
            text = progress.latest_terms(KafkaLog(self._settings)) or profiles.text_of()
            terms = profiles.parse(text, "the ledger's terms")
            if self._terms is None or terms.version != self._terms.version:
                row = [terms.version, terms.profile.name, text]
                client.insert("terms", [row], column_names=["version", "profile", "text"])
            self._terms = terms
        return self._terms
