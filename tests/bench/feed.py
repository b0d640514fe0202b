"""How fast the warehouse is fed, on the real broker and the real engine.

- The feed is the product's own, end to end: from the broker to rows in the engine's table, offsets committed. The clock
  starts with its first batch and stops when the last offset is committed.
- The baseline is what one would write first: each record decoded with fastavro, inserted with clickhouse-connect as a
  list of Python rows, in batches of the same size, on the same topic.
- Other work on the machine only slows, so the processor's time of all parts (ours, engine, broker) is measured too.
"""

import time
from collections.abc import Iterator
from resource import RUSAGE_CHILDREN, getrusage
from typing import Any

import msgspec
import psutil

from streams.kafka.broker import KafkaLog
from streams.kafka.names import EVENTS
from streams.kafka.ports import Records
from streams.kafka.ranges import end_offsets
from streams.settings import Settings, running
from streams.warehouse.client import connect
from streams.warehouse.feed import BATCH, Feeds
from streams.warehouse.rows import EVENTS as COLUMNS
from streams.warehouse.store import ClickHouse
from streams.wire import records
from tests.bench.events import in_orders, journeys, written
from tests.bench.figure import Figure
from tests.bench.size import Size, stack
from tests.warehouse import large

SAMPLE = 50_000
"""Rows of a run of the baseline."""

LATER = large.START * 1_000_000
"""Evidence that was read long ago is not kept."""

_ROWS = "row-wise inserts of Python objects"


def feed(size: Size) -> Iterator[Figure]:
    """Rows a second end to end, beside rows of Python objects, and while the warehouse derives without a pause."""
    made = [
        [msgspec.structs.replace(event, observed_at=LATER + event.occurred_at) for event in one]
        for one in journeys(size.of(40_000, 12_000))
    ]
    with stack() as started:
        for order, framed in in_orders(made).items():
            settings = written(started, f"feed{order[:4].strip()}", framed)
            yield from _feed(settings, order, size.rounds)


def _feed(settings: Settings, order: str, rounds: int) -> Iterator[Figure]:
    ours: list[tuple[float, float, int]] = []
    theirs: list[tuple[float, float, int]] = []
    busy: list[tuple[float, float, int]] = []
    for _ in range(rounds):
        ours.append(fed(settings))
        theirs.append(by_rows(settings))
        busy.append(fed(settings, deriving=True))
    runs, beside, others = ([count / seconds for seconds, _, count in some] for some in (ours, theirs, busy))
    yield Figure(what=f"feed, {order}", unit="rows/s", runs=runs, baseline=_ROWS, beside=beside)
    costs, more = ([1e6 * spent / count for _, spent, count in some] for some in (ours, theirs))
    what = f"feed, {order}, of all processors"
    yield Figure(what=what, unit="us/row", runs=costs, baseline=_ROWS, beside=more)
    what = f"feed while deriving, {order}"
    yield Figure(what=what, unit="rows/s", runs=others, baseline="without", beside=runs)


def fed(settings: Settings, *, deriving: bool = False) -> tuple[float, float, int]:
    """Seconds, seconds of processors, and rows, from the first batch to the last commit, into a new database."""
    _drop(settings)
    total = sum(end_offsets(settings, EVENTS).values())
    feeds = Feeds(KafkaLog(settings), ClickHouse(settings), member="0")
    feeds._derivations._busy_next = float("inf")
    while not feeds.step():
        pass
    watch, first = Watch(settings), feeds.rows
    while feeds.rows < total:
        if deriving:
            feeds._derivations._busy_next = 0.0
        feeds.step()
    feeds._settle()
    seconds, spent = watch.read()
    feeds.run(lambda: True)
    return seconds, spent, total - first


def by_rows(settings: Settings) -> tuple[float, float, int]:
    """The same of the baseline, over the first records of the topic."""
    _drop(settings)
    ClickHouse(settings).prepare()
    client, watch, count = connect(settings), None, 0
    for batch in KafkaLog(settings).read_range(EVENTS, count=BATCH):
        if watch is None:  # the first batch has the start of the reader in it
            watch = Watch(settings)
            continue
        rows = [_row(batch, index) for index in range(len(batch.values))]
        client.insert("event_records", rows, column_names=(*COLUMNS, "clock", "log_partition", "log_offset"))
        count += len(rows)
        if count >= SAMPLE:
            break
    assert watch
    return *watch.read(), count


def _row(batch: Records, index: int) -> list[Any]:
    """A record as a list of Python objects, as the table's columns want them."""
    event = records.decode("message-event", batch.values[index])
    event["next_leg"] = event["next_leg"] or bytes(16)
    return [*(event[name] for name in COLUMNS), 0, batch.partition, batch.offsets[index]]


def _drop(settings: Settings) -> None:
    connect(settings, database=False).command(f"DROP DATABASE IF EXISTS {settings.database} SYNC")


class Watch:
    """The wall's time, and the processor's time of this process and of the stack."""

    def __init__(self, settings: Settings) -> None:
        """Begin."""
        stack = running(settings.data)
        assert stack
        self._processes = [psutil.Process(), *(psutil.Process(number) for number in stack.processes.values())]
        self._wall, self._spent = time.perf_counter(), self._spend()

    def read(self) -> tuple[float, float]:
        """Seconds since the beginning, and seconds that processors worked."""
        return time.perf_counter() - self._wall, self._spend() - self._spent

    def _spend(self) -> float:
        ended = getrusage(RUSAGE_CHILDREN)
        return ended.ru_utime + ended.ru_stime + sum(sum(one.cpu_times()[:2]) for one in self._processes)
