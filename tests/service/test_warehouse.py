"""The feed on the real broker and engine: nothing is lost while the warehouse refuses, nothing counts twice."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import msgspec
import pytest

from streams.core.events import MessageEvent
from streams.kafka import topics
from streams.kafka.broker import KafkaLog
from streams.kafka.deadletters import latest
from streams.kafka.ranges import end_offsets, read_range
from streams.kafka.writer import EventWriter, Writer
from streams.settings import Settings
from streams.warehouse.client import ask, connect
from streams.warehouse.feed import Feeds
from streams.warehouse.rows import EVENTS
from streams.warehouse.store import ClickHouse
from streams.wire import envelope, records
from streams.wire.schemas import FRAME
from tests.core.journeys import journey

PATIENCE = 120
"""Seconds until something must have come."""

LATER = 4_102_444_800_000_000
"""2100: evidence that was read long ago is not kept."""

pytestmark = pytest.mark.service


@pytest.fixture
def settings(stack: Settings, ledger: str) -> Settings:
    """A ledger with its topics."""
    made = msgspec.structs.replace(stack, ledger=ledger)
    topics.create(made)
    return made


@contextmanager
def fed(settings: Settings) -> Iterator[Feeds]:
    """A feed at work."""
    feeds, stop = Feeds(KafkaLog(settings), ClickHouse(settings)), threading.Event()
    thread = threading.Thread(target=feeds.run, args=(stop.is_set,))
    thread.start()
    try:
        yield feeds
    finally:
        stop.set()
        thread.join(PATIENCE)


def write(settings: Settings, count: int, first: int = 0) -> int:
    """Some journeys into the log, with evidence; returns how many events."""
    events = [one for n in range(first, first + count) for one in read_now(journey(n, str(n), key=f"k{n}"))]
    writer = EventWriter(Writer(settings))
    writer.write(events, {event.event_id: proof(event) for event in events})
    writer.flush()
    return len(events)


def proof(event: MessageEvent) -> bytes:
    """The line that proves an event."""
    line = {"event_id": event.event_id, "message_key": event.message_key, "source": "test", "file": "log", "offset": 0}
    return records.encode("evidence", line | {"raw": b"a line \xff\x00"})


def read_now(events: list[MessageEvent]) -> list[MessageEvent]:
    """The same events, read lately."""
    return [msgspec.structs.replace(one, observed_at=LATER) for one in events]


def rows(settings: Settings, table: str) -> int:
    """Rows of a view."""
    return int(ask(connect(settings), f"SELECT count() AS n FROM {table}")[0]["n"])  # noqa: S608 - our names


def wait_for(settings: Settings, table: str, count: int) -> None:
    """Until a view has so many rows."""
    deadline = time.monotonic() + PATIENCE
    while (there := rows(settings, table)) < count:
        assert time.monotonic() < deadline, f"{there} of {count} rows in {table}"
        time.sleep(0.1)


def test_fed_twice_is_fed_once(settings: Settings) -> None:
    """The same events written again, and read by a feed that starts anew, change no count."""
    count = write(settings, 20)
    with fed(settings):
        wait_for(settings, "events", count)
        wait_for(settings, "evidence", count)
        wait_for(settings, "custody", 20)
        assert write(settings, 20) == count
        write(settings, 1, first=20)
        wait_for(settings, "custody", 21)
    assert rows(settings, "custody") == 21
    assert rows(settings, "events") == count + count // 20


def test_a_fact_told_twice_in_one_insert_is_one(settings: Settings) -> None:
    """Views take it once, before any part is merged."""
    connected = ClickHouse(settings)
    connected.prepare()
    connect(settings).command("SYSTEM STOP MERGES event_records")
    count = write(settings, 20)
    assert write(settings, 20) == count
    with fed(settings) as feeds:
        wait_for(settings, "events", count)
        wait_for(settings, "custody", 20)
    assert feeds.rows >= 2 * count
    assert rows(settings, "event_records") == 2 * count
    assert rows(settings, "events") == count


def test_every_field_is_kept(settings: Settings) -> None:
    """Those that no event of an insert has are null; the others are as they were told."""
    write(settings, 2)
    with fed(settings):
        wait_for(settings, "events", 20)
    for number in range(2):
        told = {event.event_id: event for event in read_now(journey(number, str(number), key=f"k{number}"))}
        kept = ask(connect(settings), "SELECT * FROM events WHERE message_key = {key:String}", {"key": f"k{number}"})
        assert {row["event_id"] for row in kept} == set(told)
        for row in kept:
            event = told[row["event_id"]]
            assert {name: fed_as(name, getattr(event, name)) for name in EVENTS} == {name: row[name] for name in EVENTS}


def fed_as(name: str, value: object) -> object:
    """A field of an event as a row has it."""
    match name, value:
        case (("occurred_at" | "observed_at"), int()):
            return datetime.fromtimestamp(value / 1e6, UTC).replace(tzinfo=None)  # as the driver gives UTC
        case "kind", _:
            return str(value).replace("-", "_")
        case "next_leg", None:
            return bytes(16)
        case _, tuple():
            return list(value)
        case _:
            return value


def test_a_warehouse_that_refuses_is_waited_for(settings: Settings, caplog: pytest.LogCaptureFixture) -> None:
    """Nothing is lost, nothing goes to the dead letters, and it is said."""
    count = write(settings, 2)
    with fed(settings):
        wait_for(settings, "events", count)
        client = connect(settings)
        client.command("RENAME TABLE event_records TO taken_away")
        more = write(settings, 3, first=2)
        deadline = time.monotonic() + PATIENCE
        while "refuses" not in caplog.text:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        client.command("RENAME TABLE taken_away TO event_records")
        wait_for(settings, "events", count + more)
    assert sum(end_offsets(settings, "message-events-dlq").values()) == 0


def test_what_cannot_be_understood_goes_to_the_dead_letters(settings: Settings) -> None:
    """Each with its place and reason, in whatever way it is broken, and the rest is fed."""
    writer = Writer(settings)
    (late, *_) = journey(253_402_300_000, "x", key="y9999")
    whole = envelope.encode(late)
    writer.write("message-events", b"k", b"not avro", 0)
    writer.write("message-events", b"y9999", whole, 0)
    writer.write("message-events", b"y9999", b"\0\0\0\x03\xe7" + whole[FRAME:], 0)
    writer.write("message-events", b"y9999", whole[:-20], 0)
    writer.write("alerts", b"a", b"\0\0\0\0\1nothing", 0)
    writer.flush()
    count = write(settings, 5)
    with fed(settings):
        wait_for(settings, "events", count)
        deadline = time.monotonic() + PATIENCE
        while sum(end_offsets(settings, "message-events-dlq").values()) < 5:
            assert time.monotonic() < deadline
            time.sleep(0.1)
    letters = [
        records.decode("dead-letter", value)
        for batch in read_range(settings, "message-events-dlq")
        for value in batch.values
    ]
    told = [one["key"] for one in latest(KafkaLog(settings), 9)]
    assert [key for key in told if key != b"a"] == [b"k", b"y9999", b"y9999", b"y9999"], "in the order of their log"
    assert sorted(told) == [b"a", b"k", b"y9999", b"y9999", b"y9999"], "which topic is fed first is open"
    name = len(f"{settings.ledger}-")
    assert {(one["topic"][name:], one["partition"], one["offset"]): one["reason"] for one in letters} == {
        ("message-events", 0, 0): "not in the Confluent wire format: no zero byte",
        ("message-events", 0, 1): "its time lies outside 1900 to 2299: 253402300000000000 microseconds",
        ("message-events", 0, 2): "schema id 999 is unknown, not message-event",
        ("message-events", 0, 3): "cut off in size",
        ("alerts", 0, 0): "schema id 1 is message-event, not alert",
    }
    assert rows(settings, "events") == count
