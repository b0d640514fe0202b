"""The tracker end to end, on the real broker, its state kept; beside a stock Faust agent with a table.

- One process: from the start of its tracker (joining the group included) to the commit of the last offset with its
  manifest.
- Two processes: from the moment at which both have their partitions; one process likewise beside it.
- The baseline decodes each event with fastavro and counts it in a table, on the first records of the same topic; its
  clock starts at its first event.
"""

import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from functools import partial

from streams.kafka import topics
from streams.kafka.ranges import end_offsets
from streams.settings import Settings
from tests.bench.events import in_orders, journeys, written
from tests.bench.figure import Figure, alternate
from tests.bench.members import Group, members
from tests.bench.size import Size, stack

SAMPLE = 15_000
"""Events that the baseline takes."""


def tracker(size: Size) -> Iterator[Figure]:
    """Events a second, in both orders, in one process and in two."""
    count = size.of(80_000, 2_000)
    with stack() as started:
        for name, framed in in_orders(journeys(count)).items():
            settings = written(started, f"bench{name[:4].strip()}", framed, count * 0.001 + 1000)
            one = Taken(settings, len(framed))
            agent = partial(faust, settings, min(SAMPLE, len(framed) // 2))
            runs = alternate(size.rounds, one.alone, agent, partial(one.together, 1), partial(one.together, 2))
            alone, agents, single, double = runs
            yield Figure(
                what=f"tracker end to end, {name}", unit="events/s", runs=alone,
                baseline="a stock Faust agent with a table", beside=agents,
            )  # fmt: skip
            yield Figure(
                what=f"two processes, {name}", unit="events/s", runs=double, baseline="one process, joined already",
                beside=single, note="the broker needs a part of the same cores",
            )  # fmt: skip


class Taken:
    """How fast a ledger is taken from nothing to its end."""

    def __init__(self, settings: Settings, events: int) -> None:
        """Look at its log once."""
        self._settings, self._events = settings, events
        self._ends, self._group = end_offsets(settings, "message-events"), Group(settings)

    def alone(self) -> float:
        """One process, from the start of its tracker."""
        self._group.forget()
        with members(self._settings, "follow", "") as (one,):
            start = time.perf_counter()
            one.go()
            self._group.wait_until(self._ends)
            return self._events / (time.perf_counter() - start)

    def together(self, count: int) -> float:
        """Some processes that have their partitions."""
        self._group.forget()
        with members(self._settings, "wait", *([""] * count)) as some:
            for one in some:
                one.go()
            for one in some:
                one.wait_for(f"has {self._settings.partitions // count} of {self._settings.partitions}")
            start = time.perf_counter()
            for one in some:
                one.go()
            self._group.wait_until(self._ends)
            return self._events / (time.perf_counter() - start)


_FAUST = """
import os, sys, time, faust
from tests.bench.plain import decoded
broker, topic, folder, sample, name = sys.argv[1:6]
app = faust.App(name, broker=f"kafka://{broker}", value_serializer="raw", key_serializer="raw",
    store="memory://", web_enabled=False, datadir=folder, topic_disable_leader=True, topic_replication_factor=1)
table = app.Table("seen", default=int, partitions=4, key_type=bytes, value_type=int)
first = count = 0
@app.agent(app.topic(topic))
async def agent(stream):
    global first, count
    async for key, value in stream.items():
        decoded(value)
        table[key] += 1
        count += 1
        first = first or time.perf_counter()
        if count == int(sample):
            os.write(1, b" RATE %f " % (count / (time.perf_counter() - first)))
            os._exit(0)
sys.argv = ["faust", "worker", "-l", "error"]
app.main()
"""


def faust(settings: Settings, sample: int) -> float:
    """Events a second of the baseline, from its first event on."""
    broker = str(settings.kafka_client()["bootstrap.servers"])
    topic, name = topics.topic_name("message-events", settings.ledger), f"bench-{secrets.token_hex(4)}"
    with tempfile.TemporaryDirectory() as folder:
        command = (sys.executable, "-c", _FAUST, broker, topic, folder, str(sample), name)
        done = subprocess.run(command, check=True, capture_output=True, timeout=180)  # noqa: S603 - ourselves
    return float(done.stdout.rpartition(b"RATE")[2])
