"""How fast the warehouse is fed, and how fast it answers in a large ledger; on the real broker and the real engine.

    python -m tests.bench.warehouse [feed|questions]

- The feed is the product's own, end to end: from the broker to rows in the engine's table, offsets committed. The clock
  starts with its first batch and stops when the last offset is committed. The events are whole journeys in two orders:
  those of a message side by side, and in stage order (all submissions first).
- The baseline is what one would write first: each record decoded with fastavro, inserted with clickhouse-connect as a
  list of Python rows, in batches of the same size, on the same topic. Candidate and baseline take turns.
- Other work on the machine only slows, so the processor's time of all parts (ours, engine, broker) is measured too.
- Questions are asked of a ledger of ten million events that is made inside the engine and derived as always. The
  baseline looks for a name in all events, as the views offer them.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage
from typing import Any

import msgspec
import psutil

from streams.core.events import MessageEvent
from streams.core.identity import partition_of
from streams.kafka import topics
from streams.kafka.broker import KafkaLog
from streams.kafka.ports import Records
from streams.kafka.ranges import end_offsets
from streams.kafka.writer import Writer
from streams.settings import Settings, load, running
from streams.warehouse.client import ask, connect
from streams.warehouse.feed import BATCH, EVENTS, Feeds
from streams.warehouse.questions import Warehouse
from streams.warehouse.rows import EVENTS as COLUMNS
from streams.warehouse.store import ClickHouse
from streams.wire import envelope, records
from tests.conftest import Started
from tests.core.journeys import journey
from tests.warehouse import large

JOURNEYS = int(os.environ.get("BENCH_JOURNEYS", "50000"))
"""Messages of the feed's topic; ten events each."""

RUNS = int(os.environ.get("BENCH_RUNS", "5"))
MESSAGES = int(os.environ.get("BENCH_MESSAGES", "1000000"))
"""Of the large ledger; ten events each."""

COPIES = 50
SAMPLE = 50_000
"""Rows of a run of the baseline."""

LATER = large.START * 1_000_000
"""Evidence that was read long ago is not kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """A figure: what every run gave, and the baseline beside it.

    Attributes:
        name: what was measured.
        unit: of the runs; more is better for `rows/s`, less for the others.
        runs: what each run gave.
        spent: milliseconds that processors worked in each run, where that is not what was measured.
        beside: what each run of the baseline gave, if there is one.
        baseline: what that is.
    """

    name: str
    unit: str
    runs: list[float] = field(default_factory=list)
    spent: list[float] = field(default_factory=list)
    beside: list[float] = field(default_factory=list)
    baseline: str = ""

    def __str__(self) -> str:
        """Least, median and most, and how many times the baseline."""
        worked = f"   processors: {_spread(self.spent)} ms" if self.spent else ""
        told = f"{self.name:46} {_spread(self.runs)} {self.unit:7}{worked}"
        if not self.beside:
            return told
        return f"{told}   {self.baseline}: {_spread(self.beside)}   ratio {median(self.runs) / median(self.beside):.2f}"


def median(values: Iterable[float]) -> float:
    """The middle one."""
    ordered = sorted(values)
    return ordered[len(ordered) // 2]


def _spread(values: list[float]) -> str:
    return " ".join(f"{value:10,.1f}" for value in (min(values), median(values), max(values)))


def run(names: Iterable[str] = ("feed", "questions")) -> dict[str, Measured]:
    """All figures by name, printed as they come."""
    figures: dict[str, Measured] = {}
    with tempfile.TemporaryDirectory() as folder, Started(Path(folder)):
        stack = load(data=Path(folder))
        for name in names:
            for one in {"feed": feed, "questions": questions}[name](stack):
                figures[one.name] = one
                print(one, flush=True)  # noqa: T201
    return figures


# Feed


def feed(stack: Settings) -> Iterator[Measured]:
    """Rows a second end to end, beside rows of Python objects, and while the warehouse derives without a pause."""
    for order, framed in zip(("side by side", "stage order"), _events(), strict=True):
        settings = _written(stack, f"feed{order[:4].strip()}", framed)
        rate = Measured(name=f"feed, {order}", unit="rows/s", baseline="row-wise inserts")
        cost = Measured(name=f"feed, {order}, processors", unit="us/row", baseline="row-wise inserts")
        busy = Measured(name=f"feed while deriving, {order}", unit="rows/s", baseline="without")
        for _ in range(RUNS):
            for measured, (seconds, spent, count) in ((False, fed(settings)), (True, by_rows(settings))):
                (rate.beside if measured else rate.runs).append(count / seconds)
                (cost.beside if measured else cost.runs).append(1e6 * spent / count)
            seconds, _, count = fed(settings, deriving=True)
            busy.runs.append(count / seconds)
        busy.beside.extend(rate.runs)
        yield from (rate, cost, busy)


Framed = tuple[bytes, bytes]
"""Key and value."""


def _events() -> tuple[list[Framed], list[Framed]]:
    """The same events in two orders."""
    made = [journey(number * 0.001, str(number), key=f"m{number}@origin.test") for number in range(JOURNEYS)]
    framed = [[_framed(event) for event in one] for one in made]
    return [one for events in framed for one in events], [one for stage in zip(*framed, strict=True) for one in stage]


def _framed(event: MessageEvent) -> Framed:
    value = envelope.encode(msgspec.structs.replace(event, observed_at=LATER + event.occurred_at))
    return event.message_key.encode(), value


def _written(stack: Settings, ledger: str, framed: list[Framed]) -> Settings:
    """A ledger whose topic has the events."""
    settings = msgspec.structs.replace(stack, ledger=ledger)
    topics.create(settings)
    writer = Writer(settings)
    for key, value in framed:
        writer.write(EVENTS, key, value, partition_of(key.decode(), settings.partitions))
    writer.flush()
    return settings


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
    feeds._inserts.settle()
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


# Questions


def questions(stack: Settings) -> Iterator[Measured]:
    """Milliseconds of commands' questions in a large ledger, and of whole commands."""
    settings = large.made(stack, "large", messages=MESSAGES // COPIES, copies=COPIES)
    asked = Asked(settings)
    number, copy = MESSAGES // COPIES // 3, COPIES // 2
    names = {
        "Message-ID": f"m{number}.{copy}@origin.test",
        "queue id": f"B{number}c{copy}",
        "recipient": large.recipient_of(number),
        "busy recipient": large.BUSY,
    }
    for what, name in names.items():
        yield asked.traced(f"trace by {what}", name)
        yield asked.process(f"custody trace, process, by {what}", name)
    for name, work in asked.lists().items():
        yield asked.timed(f"questions of {name}", work)


class Asked:
    """The questions of commands, each asked some times."""

    def __init__(self, settings: Settings) -> None:
        """Ask a ledger."""
        self._settings, self._warehouse = settings, Warehouse.of(settings)

    def traced(self, name: str, named: str) -> Measured:
        """All that `custody trace` asks, beside looking for the name in all events."""
        slow = (
            "SELECT DISTINCT message_key FROM events"
            " WHERE message_key = {n:String} OR queue_id = {n:String} OR lower(recipient) = {n:String}"
        )
        measured = Measured(name=name, unit="ms", baseline="a scan of events")
        for _ in range(RUNS):
            self._take(measured, lambda: self._trace(named))
            measured.beside.append(self._took(lambda: ask(self._warehouse.client, slow, {"n": named}))[0])
        return measured

    def process(self, name: str, named: str) -> Measured:
        """The command from its start to its end, imports and connection included."""
        measured = Measured(name=name, unit="ms")
        command = (sys.executable, "-m", "streams.cli", "trace", named)
        where = ("--ledger", self._settings.ledger, "--data", str(self._settings.data))
        for _ in range(RUNS):
            self._take(measured, partial(subprocess.run, (*command, *where), check=True, stdout=subprocess.DEVNULL))
        return measured

    def timed(self, name: str, work: Callable[[], object]) -> Measured:
        """Some questions together."""
        measured = Measured(name=name, unit="ms")
        for _ in range(RUNS):
            self._take(measured, work)
        return measured

    def lists(self) -> dict[str, Callable[[], object]]:
        """What each list asks, beside the clock."""
        warehouse = self._warehouse
        return {
            "queue": warehouse.queue,
            "overdue": lambda: (
                warehouse.counts("overdue,blind"),
                warehouse.alerts("overdue,blind", standing=True),
                warehouse.owed(),
            ),
            "unread": lambda: (warehouse.counts("unread"), warehouse.alerts("unread,not-read", standing=True)),
            "alerts": lambda: warehouse.alerts(standing=True),
            "cases": warehouse.cases,
            "reliability": lambda: (warehouse.reliability(), warehouse.proofs(), warehouse.span()),
        }

    def _trace(self, named: str) -> None:
        self._warehouse.clock()
        found = self._warehouse.candidates(named)
        assert found
        if len(found) == 1:
            self._warehouse.trace(found[0]["message_key"])
            self._warehouse.hosts()

    def _take(self, measured: Measured, work: Callable[[], object]) -> None:
        taken, spent = self._took(work)
        measured.runs.append(taken)
        measured.spent.append(spent)

    def _took(self, work: Callable[[], object]) -> tuple[float, float]:
        watch = Watch(self._settings)
        work()
        seconds, spent = watch.read()
        return 1000 * seconds, 1000 * spent


if __name__ == "__main__":
    run(sys.argv[1:] or ("feed", "questions"))
