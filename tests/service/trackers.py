"""A tracker in a process of its own, and what it told, for service tests."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
from confluent_kafka import Consumer, TopicPartition

from streams import profiles
from streams.kafka.broker import KafkaLog
from streams.kafka.progress import plain
from streams.kafka.reader import Records, end_offsets, read_range
from streams.kafka.topics import topic_name
from streams.kafka.writer import Writer
from streams.settings import Settings
from streams.track.tracker import Tracker
from streams.wire import records as wire

TERMS = Path("tests/data/day/day-terms.toml")
PATIENCE = 60

_PROGRAM = """
import sys, msgspec
from streams import profiles
from streams.kafka.broker import KafkaLog
from streams.settings import Settings
from streams.track.tracker import Tracker
settings = msgspec.json.decode(sys.argv[1], type=Settings, dec_hook=lambda kind, text: kind(text))
Tracker(KafkaLog(settings), profiles.load(sys.argv[2]), member=settings.worker_name).run(lambda: False)
"""


@contextmanager
def running(settings: Settings) -> Iterator[subprocess.Popen[bytes]]:
    """A tracker that is killed with SIGKILL when the block ends."""
    command = (sys.executable, "-c", _PROGRAM, msgspec.json.encode(settings, enc_hook=str).decode(), str(TERMS))
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


def wait_until_committed(settings: Settings, process: subprocess.Popen[bytes]) -> None:
    """Wait until the tracker's group has committed the end of the log."""
    ends = end_offsets(settings, "message-events")
    group = {"group.id": f"custody-tracker-{settings.ledger}"}
    consumer = Consumer(settings.kafka_client() | group)
    places = [TopicPartition(topic_name("message-events", settings.ledger), number) for number in ends]
    deadline = time.monotonic() + PATIENCE
    while {place.partition: place.offset for place in consumer.committed(places, timeout=10)} != ends:
        assert process.poll() is None, "the tracker died"
        assert time.monotonic() < deadline, "the tracker did not reach the end of the log"
        time.sleep(0.1)
    consumer.close()


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
