"""Writing: what is not acknowledged is known, and a writer that lost a record is dead."""

from collections.abc import Callable

import msgspec
import pytest
from confluent_kafka import KafkaError, KafkaException

from streams.core.errors import CustodyError, Unavailable, Undecodable
from streams.core.events import Kind, MessageEvent
from streams.core.identity import partition_of
from streams.kafka import topics
from streams.kafka.ranges import read_range
from streams.kafka.writer import EventWriter, Writer, write_all
from streams.settings import Settings
from streams.wire import envelope, records


def event(key: str, **fields: object) -> MessageEvent:
    """A narrow event."""
    given = {
        "event_id": key.encode().ljust(16),
        "leg": bytes(16),
        "kind": Kind.READ,
        "occurred_at": 1,
        "observed_at": 1,
    }
    return MessageEvent(message_key=key, **given | fields)  # type: ignore[arg-type]


def test_a_writer_that_lost_a_record_is_dead() -> None:
    """A broker that stays away longer than our patience: flush fails with the reason, and so does all that follows."""
    away = Settings(kafka_brokers="127.0.0.1:1")  # where nobody listens
    writer = Writer(away, patience=1)
    writer.write("message-events", b"k", b"v")
    with pytest.raises(Unavailable, match="message-events") as failed:
        writer.flush()
    assert "checkpoint" in failed.value.hint
    with pytest.raises(Unavailable):
        writer.write("message-events", b"k", b"later")
    with pytest.raises(Unavailable):
        writer.flush()


class Dying:
    """A producer whose broker lost what it had acknowledged: the client gives up, and raises it here."""

    def __init__(self, error: Exception) -> None:
        """In this way."""
        self._error = error

    def produce(self, *_: object) -> None:
        """Take anything."""

    def flush(self, _timeout: float) -> int:
        """Give up."""
        raise self._error

    poll = flush


def wrapped(cause: Exception) -> SystemError:
    """As the binding raises it where it has a result, too."""
    error = SystemError("returned a result with an exception set")
    error.__cause__ = cause
    return error


DESYNCHRONIZED = KafkaException(KafkaError(KafkaError.OUT_OF_ORDER_SEQUENCE_NUMBER))


def write_many(writer: Writer) -> None:
    """So many that the client is asked for news."""
    for _ in range(500):
        writer.write("message-events", b"k", b"v")


@pytest.mark.parametrize("ask", [Writer.flush, write_many])
@pytest.mark.parametrize("error", [DESYNCHRONIZED, wrapped(DESYNCHRONIZED)])
def test_a_writer_whose_client_gives_up_is_dead(error: Exception, ask: Callable[[Writer], None]) -> None:
    """Whoever has it begins again from its checkpoint; whatever it was asked for."""
    writer = Writer(Settings(kafka_brokers="127.0.0.1:1"))
    writer._producer = Dying(error)  # type: ignore[assignment]
    with pytest.raises(Unavailable, match="out of order sequence"):
        ask(writer)
    with pytest.raises(Unavailable, match="out of order sequence"):
        writer.write("message-events", b"k", b"later")


def test_what_is_no_word_of_the_client_is_no_broker_that_is_away() -> None:
    """A bug of the binding's is told as it is."""
    writer = Writer(Settings(kafka_brokers="127.0.0.1:1"))
    writer._producer = Dying(SystemError("a bug"))  # type: ignore[assignment]
    with pytest.raises(SystemError, match="a bug"):
        writer.flush()


class Full:
    """A producer whose buffer is full at first, and that refuses afterwards."""

    def __init__(self, code: int) -> None:
        """With this code."""
        self.errors = [BufferError(), BufferError(), KafkaException(KafkaError(code))]

    def produce(self, *_: object) -> None:
        """Take nothing."""
        raise self.errors.pop(0)

    def poll(self, _timeout: float) -> None:
        """Nothing happens."""


@pytest.mark.parametrize(
    ("code", "wanted"),
    [(KafkaError.TOPIC_AUTHORIZATION_FAILED, Unavailable), (KafkaError.MSG_SIZE_TOO_LARGE, Undecodable)],
    ids=["refused", "too large"],
)
def test_what_is_refused_after_a_wait_is_refused_as_at_once(code: int, wanted: type[CustodyError]) -> None:
    """The buffer was full before: who asked hears the same."""
    writer = Writer(Settings(kafka_brokers="127.0.0.1:1"))
    writer._producer = Full(code)  # type: ignore[assignment]
    with pytest.raises(wanted):
        writer.write("message-events", b"k", b"v")


@pytest.mark.service
def test_events_go_to_the_partition_of_their_key(stack: Settings, ledger: str) -> None:
    """The core says where; the evidence that proves an event goes beside it."""
    settings = msgspec.structs.replace(stack, ledger=ledger)
    topics.create(settings)
    events = [event(f"m{number}@example.org") for number in range(50)]
    proof = records.encode(
        "evidence",
        {"event_id": events[7].event_id, "message_key": "m7", "source": "s", "file": "f", "offset": 0, "raw": b"line"},
    )
    writer = EventWriter(Writer(settings))
    assert writer.write(events, {events[7].event_id: proof}) == 50
    writer.flush()
    found = {
        (part.partition, envelope.decode(value).message_key)
        for part in read_range(settings, "message-events")
        for value in part.values
    }
    assert found == {(partition_of(one.message_key, 4), one.message_key) for one in events}
    (beside,) = read_range(settings, "evidence")
    assert (beside.partition, beside.keys, beside.values) == (
        partition_of(events[7].message_key, 4), [events[7].event_id], [proof],
    )  # fmt: skip


@pytest.mark.service
def test_an_event_that_no_record_holds_is_a_dead_letter(stack: Settings, ledger: str) -> None:
    """A subject of 1 MB, a size of 64 bits: kept in part with the reason, and the events beside them are written."""
    settings = msgspec.structs.replace(stack, ledger=ledger)
    topics.create(settings)
    writer = EventWriter(Writer(settings))
    odd = [event("b", diagnostic="x" * 1_100_000), event("d", size=2**63)]
    writer.write([event("a"), *odd, event("c")], {odd[1].event_id: bytes(1_100_000)})
    writer.flush()
    written = [key for part in read_range(settings, "message-events") for key in part.keys]
    assert sorted(key for key in written if key) == [b"a", b"c"]
    (letters,) = read_range(settings, "message-events-dlq")
    kept = [records.decode("dead-letter", value) for value in letters.values]
    assert [(letter["topic"], letter["key"], letter["offset"]) for letter in kept] == [
        (f"{ledger}-message-events", b"b", -1),
        (f"{ledger}-message-events", b"d", -1),
        (f"{ledger}-evidence", odd[1].event_id, -1),
    ]
    assert len(kept[0]["value"]) == 65_536
    assert [letter["reason"].partition(" ")[2][:8] for letter in kept] == ["bytes ar", "number o", "bytes ar"]


@pytest.mark.service
def test_a_full_buffer_is_waited_for(stack: Settings, ledger: str) -> None:
    """Writing faster than the broker takes holds the writer back, and loses nothing."""
    settings = msgspec.structs.replace(stack, ledger=ledger)
    topics.create(settings)
    writer = Writer(settings, **{"queue.buffering.max.messages": 10})
    for number in range(500):
        writer.write("message-events", b"k", b"%d" % number)
    writer.flush()
    found = [int(value or b"-1") for part in read_range(settings, "message-events") for value in part.values]
    assert found == list(range(500))


@pytest.mark.service
def test_a_topic_that_is_not_there_is_a_failure(stack: Settings, ledger: str) -> None:
    """Nothing is written to a topic that nobody made."""
    settings = msgspec.structs.replace(stack, ledger=ledger)
    writer = Writer(settings, patience=5, **{"topic.metadata.propagation.max.ms": 500})
    writer.write("progress", b"k", b"v")
    with pytest.raises(Unavailable):
        writer.flush()


@pytest.mark.service
def test_a_few_records_are_written_and_waited_for(stack: Settings, ledger: str) -> None:
    """They are there when the call returns."""
    settings = msgspec.structs.replace(stack, ledger=ledger)
    topics.create(settings)
    write_all(settings, "progress", [(b"a", b"1"), (b"b", b"2")])
    assert [value for part in read_range(settings, "progress") for value in part.values] == [b"1", b"2"]
