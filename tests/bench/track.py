"""How fast the tracker is, with the real envelope, on the real broker, its state kept.

    python -m tests.bench.track

- The events are whole journeys (ten events each: two entries, a store, a report, a read), in two orders: those of a
  message side by side, and in stage order (all submissions first).
- End to end: from the start of the process's tracker to the commit of the last offset with its manifest.
- The baseline is a stock Faust agent that decodes each event with fastavro and counts it in a table, on the same topic.
- Rates of one core are counted in the processor's time, since other work on the machine only slows; the others in wall
  time.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import psutil

from streams.core.clock import Tick
from streams.core.events import MessageEvent
from streams.core.facts import COLUMNS
from streams.core.identity import partition_of
from streams.core.terms import SECOND, Terms
from streams.kafka import topics
from streams.kafka.broker import KafkaLog
from streams.kafka.reader import Records, end_offsets
from streams.kafka.writer import Writer
from streams.settings import Settings, load
from streams.track import ticks
from streams.track.part import Part
from streams.track.tracker import BATCH, Tracker
from streams.wire import columns, envelope
from tests.conftest import Started
from tests.core.journeys import TERMS, journey, sent, stored, submitted

JOURNEYS = int(os.environ.get("BENCH_JOURNEYS", "50000"))
SAMPLE = 30_000
ROUNDS = 3
_TERMS = Terms.parse(TERMS)

Framed = tuple[bytes, bytes]
"""Key and value."""


def run() -> dict[str, dict[str, float]]:
    """Figures by name: min, median and max of some rounds, or one value."""
    side, stages = _events()
    figures = _core(side)
    with tempfile.TemporaryDirectory() as folder, Started(Path(folder)):
        stack = load(data=Path(folder))
        for name, framed in (("side by side", side), ("stage order", stages)):
            settings = _written(stack, f"bench{name[:4].strip()}", framed)
            figures[f"tracker, {name}, events/s"] = _one(len(framed) / _follow(settings))
            if name == "stage order":
                figures[f"recovery of {JOURNEYS} units, s"] = _one(_recover(settings))
        figures["Faust agent with a table, events/s"] = _one(_faust(settings))
    figures["tracker / Faust"] = _one(
        figures["tracker, stage order, events/s"]["median"] / figures["Faust agent with a table, events/s"]["median"]
    )
    figures["memory of 1000000 units of three legs, MB"] = _one(_memory())
    for name, spread in figures.items():
        print(f"{name:44} {spread['min']:12,.1f} {spread['median']:12,.1f} {spread['max']:12,.1f}")  # noqa: T201
    return figures


def _one(value: float) -> dict[str, float]:
    return {"min": value, "median": value, "max": value}


def _rate(count: int, work: Callable[[], object]) -> dict[str, float]:
    """How many a second of the processor's time, over some rounds."""
    rates = []
    for _ in range(ROUNDS):
        start = time.process_time()
        work()
        rates.append(count / (time.process_time() - start))
    return {"min": min(rates), "median": sorted(rates)[ROUNDS // 2], "max": max(rates)}


# Events


def _journeys() -> Iterator[list[MessageEvent]]:
    for number in range(JOURNEYS):
        yield journey(number * 0.001, str(number), key=f"m{number}@origin.test")


def _events() -> tuple[list[Framed], list[Framed]]:
    """The same events in two orders."""
    framed = [[(event.message_key.encode(), envelope.encode(event)) for event in one] for one in _journeys()]
    return [one for events in framed for one in events], [one for stage in zip(*framed, strict=True) for one in stage]


def _batches(framed: list[Framed]) -> Iterator[Records]:
    for start in range(0, len(framed), BATCH):
        some = framed[start : start + BATCH]
        yield Records(
            partition=0,
            values=[value for _, value in some],
            keys=[key for key, _ in some],
            offsets=list(range(start, start + len(some))),
        )


# One core


def _core(framed: list[Framed]) -> dict[str, dict[str, float]]:
    some = framed[: 4 * BATCH]
    events, batches = [envelope.decode(value) for _, value in some], list(_batches(some))

    def fold() -> None:
        part = Part.empty(0, _TERMS)
        for batch in batches:
            part.take(batch)

    return {
        "encode, events/s of a core": _rate(len(some), lambda: [envelope.encode(event) for event in events]),
        "columns, events/s of a core": _rate(
            len(some), lambda: [columns.read(batch.values, batch.keys, COLUMNS) for batch in batches]
        ),
        "columns and fold, events/s of a core": _rate(len(some), fold),
    }


# End to end


def _written(stack: Settings, ledger: str, framed: list[Framed]) -> Settings:
    """A ledger with all events and a tick."""
    settings = msgspec.structs.replace(stack, ledger=ledger)
    topics.create(settings)
    writer = Writer(settings)
    for key, value in framed:
        writer.write("message-events", key, value, partition_of(key.decode(), settings.partitions))
    writer.flush()
    ticks.write(writer, Tick(through=int(JOURNEYS * 0.001 + 1000) * SECOND))
    return settings


def _follow(settings: Settings) -> float:
    """Seconds from a new tracker to the commit of the log's end."""
    ends, start = end_offsets(settings, "message-events"), time.perf_counter()
    tracker = Tracker(KafkaLog(settings), _TERMS, member="0")
    while {number: part.offset for number, part in tracker.parts.items()} != ends:
        tracker.step()
    tracker.keep()
    taken = time.perf_counter() - start
    tracker.close()
    return taken


def _recover(settings: Settings) -> float:
    """Seconds from the start of a process to a tracker that knows everything."""
    program = "import tests.bench.track as t, sys; t.recovered(sys.argv[1], sys.argv[2])"
    start = time.perf_counter()
    subprocess.run((sys.executable, "-c", program, str(settings.data), settings.ledger), check=True)  # noqa: S603 - us
    return time.perf_counter() - start


def recovered(data: str, ledger: str) -> None:
    """Come back as the member that was there, to the end of the log."""
    settings = msgspec.structs.replace(load(data=Path(data)), ledger=ledger)
    ends, tracker = end_offsets(settings, "message-events"), Tracker(KafkaLog(settings), _TERMS, member="0")
    while {number: part.offset for number, part in tracker.parts.items()} != ends:
        tracker.step()
    assert sum(len(part.custody.units) for part in tracker.parts.values())
    os._exit(0)


_FAUST = """
import os, sys, time, faust
from streams.wire import records
broker, topic, folder, sample = sys.argv[1:5]
app = faust.App("bench-faust", broker=f"kafka://{broker}", value_serializer="raw", key_serializer="raw",
    store="memory://", web_enabled=False, datadir=folder, topic_disable_leader=True, topic_replication_factor=1)
table = app.Table("seen", default=int, partitions=4, key_type=bytes, value_type=int)
first = count = 0
@app.agent(app.topic(topic))
async def agent(stream):
    global first, count
    async for key, value in stream.items():
        records.decode("message-event", value)
        table[key] += 1
        count += 1
        first = first or time.perf_counter()
        if count == int(sample):
            os.write(1, b" RATE %f " % (count / (time.perf_counter() - first)))
            os._exit(0)
sys.argv = ["faust", "worker", "-l", "error"]
app.main()
"""


def _faust(settings: Settings) -> float:
    """Events a second of the baseline, from its first event on."""
    broker = str(settings.kafka_client()["bootstrap.servers"])
    topic = topics.topic_name("message-events", settings.ledger)
    with tempfile.TemporaryDirectory() as folder:
        command = (sys.executable, "-c", _FAUST, broker, topic, folder, str(SAMPLE))
        done = subprocess.run(command, check=True, capture_output=True, timeout=180)  # noqa: S603 - ourselves
    return float(done.stdout.rpartition(b"RATE")[2])


# Memory


def _memory() -> float:
    program = "import tests.bench.track as t; print(t.grown())"
    return float(subprocess.run((sys.executable, "-c", program), check=True, capture_output=True).stdout)  # noqa: S603


def grown(units: int = 1_000_000) -> float:
    """Resident megabytes of this process once it holds open units of three legs each."""
    part, chunk = Part.empty(0, _TERMS), 20_000
    for start in range(0, units, chunk):
        events = [event for number in range(start, start + chunk) for event in _open(number)]
        framed = [(event.message_key.encode(), envelope.encode(event)) for event in events]
        for batch in _batches(framed):
            part.take(batch)
    return psutil.Process().memory_info().rss / 1e6


def _open(number: int) -> list[MessageEvent]:
    """A submission, its next queue and the store's session, with no report: it stays open."""
    key, at = f"m{number}@origin.test", number * 0.001
    _, submission = submitted(at, f"A{number}", key=key)
    handed = sent(at, ("origin", f"A{number}"), ("relay", f"B{number}"), key=key)[0]
    stay = stored(at, ("relay", f"B{number}"), f"s{number}", key=key)[0]
    return [submission, handed, stay]


if __name__ == "__main__":
    run()
