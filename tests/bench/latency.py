"""How long an alarm takes: from the append of the tick that decides it to its record as a consumer sees it.

- A tracker runs as a worker does. A producer in a process of its own offers load by the clock, whatever happens behind
  it (an open loop), a tick every second, and each second some submissions that are overdue ten later.
- A tick was appended when the broker says so; the alert names its tick. Where less was appended than offered, it
  is said.
"""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
from confluent_kafka import Consumer, Producer, TopicPartition

from streams.core.identity import partition_of
from streams.core.terms import SECOND
from streams.kafka.names import EVENTS
from streams.kafka.progress import plain
from streams.kafka.ranges import end_offsets
from streams.kafka.topics import topic_name
from streams.settings import Settings
from streams.wire import records
from tests.bench.events import Framed, opened, submission, tick, written
from tests.bench.figure import Figure
from tests.bench.members import Group, Member
from tests.bench.size import Size, stack

RATES = (10_000, 50_000, 100_000)
PROBES = 40
"""Submissions a second that will be overdue."""

DUE = 10
"""Seconds until one is due that is urgent."""

SLOT = 0.01
ENOUGH = 0.98
START = 10_000
"""Second of the log at which it begins."""

PATIENCE = 60


def latency(size: Size) -> Iterator[Figure]:
    """Milliseconds, the median, the 99th of a hundred and the worst, by offered load."""
    with stack() as started:
        for rate in RATES if not size.is_quick else RATES[:1]:
            settings = written(started, f"load{rate}", [], START)
            tracker = Member(settings, "0", "work")
            tracker.go()
            Group(settings).wait_until(end_offsets(settings, EVENTS))  # it works
            try:
                yield _figure(rate, *_measured(settings, rate, size.of(18, DUE + 2)))
            finally:
                tracker.kill()


def _figure(rate: int, waits: list[float], reached: float) -> Figure:
    ordered = sorted(waits)
    note = f"{len(ordered)} alarms" + ("" if reached >= ENOUGH else f"; only {rate * reached:,.0f}/s were appended")
    return Figure(
        what=f"alarm after tick, {rate // 1000} k/s", spread="p50 p99 max", unit="ms", note=note,
        runs=[ordered[len(ordered) // 2], ordered[int(len(ordered) * 0.99)], ordered[-1]],
    )  # fmt: skip


def _measured(settings: Settings, rate: int, seconds: int) -> tuple[list[float], float]:
    """Milliseconds of each alarm, and which part of the offered load was appended in its time."""
    told = msgspec.json.encode(settings, enc_hook=str).decode()
    command = (sys.executable, "-m", "tests.bench.latency", told, str(rate), str(seconds))
    eyes = _Eyes(settings)
    producer = subprocess.Popen(command, stdout=subprocess.PIPE)  # noqa: S603 - ourselves
    while producer.poll() is None:
        eyes.look()
    assert producer.stdout
    said = msgspec.json.decode(producer.stdout.read(), type=_Said)
    expected = (seconds - DUE + 1) * PROBES
    deadline = time.monotonic() + PATIENCE
    while len(eyes.seen) < expected:
        assert time.monotonic() < deadline, f"{len(eyes.seen)} alarms of {expected}"
        eyes.look()
    ticks = {(one.clock, one.partition): one.appended for one in said.ticks}
    waits = [1000 * at - ticks[place] for place, at in eyes.seen]
    return waits, said.appended / said.offered


class _Tick(msgspec.Struct):
    clock: int
    partition: int
    appended: int
    """Milliseconds, of the broker."""


class _Said(msgspec.Struct):
    offered: int
    appended: int
    """Until its time was over."""
    ticks: list[_Tick]


class _Eyes:
    """A consumer of alerts.

    Attributes:
        seen: clock and partition of each alert that was raised, and the second at which it was here.
    """

    def __init__(self, settings: Settings) -> None:
        self.seen: list[tuple[tuple[int, int], float]] = []
        self._consumer = Consumer(settings.kafka_client() | {"group.id": "bench-eyes", "enable.auto.commit": False})
        name = topic_name("alerts", settings.ledger)
        count = len(self._consumer.list_topics(name, timeout=10).topics[name].partitions)
        self._consumer.assign([TopicPartition(name, number, 0) for number in range(count)])

    def look(self) -> None:
        """Wait a moment for what there is."""
        message = self._consumer.poll(0.01)
        if message is None or message.error():
            return
        now = time.time()
        alert = plain(records.decode("alert", message.value()))
        if alert["state"] == "raised" and alert["rule"] == "overdue":
            self.seen.append(((alert["clock"], alert["partition"]), now))


# The producer


class Load:
    """Offers load by the clock."""

    def __init__(self, settings: Settings, rate: int) -> None:
        """Nothing is sent yet."""
        self._producer = Producer(
            settings.kafka_client()
            | {"acks": "all", "enable.idempotence": True, "linger.ms": 5, "compression.type": "lz4"}
            | {"queue.buffering.max.messages": 2_000_000, "queue.buffering.max.kbytes": 1_000_000}
        )
        self._topic, self._partitions, self._rate = topic_name(EVENTS, settings.ledger), settings.partitions, rate
        self._ticks: list[_Tick] = []
        self._probes = self._units = 0

    def run(self, seconds: int) -> _Said:
        """Slot after slot; what a slow slot missed is due at once."""
        start, sent = time.monotonic(), 0
        for slot in range(round(seconds / SLOT)):
            time.sleep(max(0.0, start + slot * SLOT - time.monotonic()))
            at = START + slot * SLOT
            if slot % round(1 / SLOT) == 0:
                self._tick(at)
                self._probe(at)
            due = round(self._rate * (slot + 1) * SLOT)
            while sent < due:
                sent += self._unit(at)
            self._producer.poll(0)
        time.sleep(max(0.0, start + seconds - time.monotonic()))
        self._producer.poll(0)
        appended = sent - max(0, len(self._producer))
        self._tick(START + seconds)
        self._producer.flush(PATIENCE)
        return _Said(offered=sent, appended=appended, ticks=self._ticks)

    def _unit(self, at: float) -> int:
        """The events of one message."""
        self._units += 1
        some = opened(self._units, int(at))
        for one in some:
            self._send(one)
        return len(some)

    def _probe(self, at: float) -> None:
        """Submissions that will be overdue."""
        for _ in range(PROBES):
            self._probes += 1
            self._send(submission(90_000_000 + self._probes, at, is_late=True)[0])

    def _tick(self, at: float) -> None:
        key, value = tick(at)
        for partition in range(self._partitions):
            self._producer.produce(self._topic, value, key, partition, on_delivery=self._heard(round(at * SECOND)))
        self._producer.poll(0)

    def _heard(self, clock: int) -> Callable[[Any, Any], None]:
        def heard(error: Any, message: Any) -> None:
            assert error is None, error
            self._ticks.append(_Tick(clock=clock, partition=message.partition(), appended=message.timestamp()[1]))

        return heard

    def _send(self, one: Framed) -> None:
        key, value = one
        self._producer.produce(self._topic, value, key, partition_of(key.decode(), self._partitions))


if __name__ == "__main__":
    _settings = msgspec.json.decode(sys.argv[1], type=Settings, dec_hook=lambda kind, text: kind(text))
    sys.stdout.write(msgspec.json.encode(Load(_settings, int(sys.argv[2])).run(int(sys.argv[3]))).decode())
