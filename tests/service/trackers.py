"""A tracker or a feed in a process of its own, and what was told, for service tests."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
from confluent_kafka import Consumer, KafkaException, TopicPartition

from streams import profiles
from streams.cli.demo import wait
from streams.core.errors import Unavailable
from streams.kafka.broker import KafkaLog
from streams.kafka.lag import waiting
from streams.kafka.ports import Records
from streams.kafka.progress import plain
from streams.kafka.ranges import end_offsets, read_range
from streams.kafka.topics import topic_name
from streams.kafka.writer import Writer
from streams.settings import Settings
from streams.track.tracker import Tracker
from streams.wire import records as wire
from tests.waiting import until

TERMS = Path("tests/data/day/day-terms.toml")
PATIENCE = LONG = 120
"""Seconds until a group has come to the end of a topic, after whatever was done to it."""


_PROGRAM = """
import signal, sys, threading, msgspec
from streams import profiles
from streams.core.errors import Unavailable
from streams.kafka.broker import KafkaLog
from streams.settings import Settings
settings = msgspec.json.decode(sys.argv[1], type=Settings, dec_hook=lambda kind, text: kind(text))
stop = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: stop.set())
def track():
    from streams.track.tracker import Tracker
    return Tracker(KafkaLog(settings), profiles.load(sys.argv[2]), member=settings.worker_name)
def feed():
    from streams.warehouse.feed import Feeds
    from streams.warehouse.store import ClickHouse
    return Feeds(KafkaLog(settings), ClickHouse(settings), member=settings.worker_name)
while not stop.is_set():
    try:
        {"track": track, "feed": feed}[sys.argv[3]]().run(stop.is_set)
    except Unavailable as error:
        print(f"{sys.argv[3]} {settings.worker_name} starts again: {error}", file=sys.stderr)
"""


@contextmanager
def running(settings: Settings, role: str = "track") -> Iterator[subprocess.Popen[bytes]]:
    """A tracker, or a feed, that starts again when a service was away; killed with SIGKILL when the block ends."""
    told = msgspec.json.encode(settings, enc_hook=str).decode()
    command = (sys.executable, "-c", _PROGRAM, told, str(TERMS), role)
    process = subprocess.Popen(command)  # noqa: S603 - ourselves
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def followed(settings: Settings) -> None:
    """Follow the log to its end in this process, and keep what is known."""
    tracker, ends = (
        Tracker(KafkaLog(settings), profiles.load(str(TERMS)), member="0"),
        end_offsets(settings, "message-events"),
    )
    deadline = time.monotonic() + PATIENCE
    while {number: part.offset for number, part in tracker.parts.items()} != ends:
        tracker.step()
        assert time.monotonic() < deadline, "the tracker did not reach the end of the log"
    tracker.keep()
    tracker.close()


def settled(settings: Settings) -> None:
    """Wait until what was told is what a replay tells, and all is fed: also what clears, which `wait` passes over."""
    wait(settings, lambda _: None)
    until(lambda: has_read_all(settings), "tracker and feed have read all", LONG)


def has_read_all(settings: Settings) -> bool:
    """Have tracker and feed read, and committed, all of a ledger, as far as the brokers say."""
    try:
        return not waiting(settings, 10)
    except Unavailable:  # the brokers are busy
        return False


def wait_until_committed(settings: Settings, process: subprocess.Popen[bytes]) -> None:
    """Wait until the tracker's group has committed the end of the log."""
    _wait_for_group(settings, f"custody-tracker-{settings.ledger}", "message-events", process)


def wait_until_fed(settings: Settings, process: subprocess.Popen[bytes]) -> None:
    """Wait until the feed's groups have committed the ends of events and alerts."""
    for topic in ("message-events", "alerts"):
        _wait_for_group(settings, f"custody-feed-{topic}-{settings.ledger}", topic, process)


def _wait_for_group(settings: Settings, group: str, topic: str, process: subprocess.Popen[bytes]) -> None:
    ends = {number: end for number, end in end_offsets(settings, topic).items() if end}
    consumer = Consumer(settings.kafka_client() | {"group.id": group})
    places = [TopicPartition(topic_name(topic, settings.ledger), number) for number in ends]
    deadline = time.monotonic() + LONG
    while (there := _committed(consumer, places)) != ends:
        assert process.poll() is None, f"a worker of {group} died"
        assert time.monotonic() < deadline, f"{group} came to {there}, not to {ends}, the end of {topic}"
        time.sleep(0.1)
    consumer.close()


def _committed(consumer: Consumer, places: list[TopicPartition]) -> dict[int, int] | str:
    """The offsets that a group has committed; what the broker says where it tells none, since it has just come back."""
    try:
        return {place.partition: place.offset for place in consumer.committed(places, timeout=10)}
    except KafkaException as error:
        return str(error.args[0].str())


def alerts(settings: Settings) -> dict[tuple[bytes, str], set[int]]:
    """The times that were told of each alert and state."""
    told: dict[tuple[bytes, str], set[int]] = {}
    for alert in all_alerts(settings):
        told.setdefault((alert["alert_id"], alert["state"]), set()).add(alert["at"])
    return told


def all_alerts(settings: Settings) -> list[dict[str, Any]]:
    """Every record of the alerts topic."""
    return [
        plain(wire.decode("alert", value))
        for batch in read_range(settings, "alerts")
        for value in batch.values
        if value
    ]


def write(settings: Settings, batches: list[Records]) -> None:
    """Append records to the log, each to its partition."""
    writer = Writer(settings)
    for batch in batches:
        for key, value in zip(batch.keys, batch.values, strict=True):
            writer.write("message-events", key, value, batch.partition)
    writer.flush()
