"""Writing records: nothing counts as written until everything before it is acknowledged.

Rules:
- Idempotent producer, acks=all, the partition always explicit.
- `flush` returns only if every record since the last flush is acknowledged. After a failure the writer is dead: a
  record that timed out and a later one that succeeded leave a hole, so the owner starts again from its checkpoint.
- What the brokers lost of our own (a log's tail) makes the client give up: it raises that in place of calling back, out
  of whatever it does, and the binding may wrap it.
- A broker that is away is waited for (`patience`), and said so.
- A record that no broker takes, because it is too large, is the evidence's fault: an event of that kind goes to the
  dead letters, for it would be too large for ever.
"""

import logging
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import msgspec
from confluent_kafka import KafkaError, KafkaException, Message, Producer

from streams.core.errors import Unavailable, Undecodable
from streams.core.events import MessageEvent
from streams.core.identity import partition_of
from streams.kafka.deadletters import DeadLetters
from streams.kafka.fetching import say
from streams.kafka.names import EVENTS, EVIDENCE
from streams.kafka.ports import RecordWriter
from streams.kafka.registry import Frames, frames_of
from streams.kafka.topics import topic_name
from streams.settings import Settings
from streams.wire import envelope

log = logging.getLogger(__name__)

PATIENCE = 600
"""Seconds that a record may wait for a broker before the writer gives up."""

SAY_EVERY = 10.0
"""Seconds between words about a broker that is waited for."""

_SECOND = 1000
_POLL_EVERY = 500

_WRITING = {
    "enable.idempotence": True,
    "acks": "all",
    "linger.ms": 20,
    "compression.type": "lz4",
    "queue.buffering.max.messages": 1_000_000,
    "queue.buffering.max.kbytes": 262_144,
    "delivery.report.only.error": True,
}


class Writer:
    """Writes records of one ledger."""

    def __init__(self, settings: Settings, *, patience: int = PATIENCE, **config: Any) -> None:
        """Open a producer; the brokers are first asked when something is written."""
        self.settings = settings
        self._failure: str | None = None
        wanted = settings.kafka_client() | _WRITING | {"message.timeout.ms": patience * _SECOND, "error_cb": say}
        self._producer = Producer(wanted | config)
        self._topics: dict[str, tuple[str, Frames | None]] = {}
        self._since_poll = 0
        self._told = self._failed  # bound once, not for every record

    def write(self, topic: str, key: bytes | None, value: bytes | None, partition: int = 0) -> None:
        """Hand over one record; blocks while the buffer is full.

        Raises:
            Undecodable: no record can hold it; the writer lives on.
            Unavailable: the writer is dead.
        """
        if self._failure is not None:
            self._check()
        name, frames = self._topics.get(topic) or self._open(topic)
        written = value if frames is None else frames.outward(value)
        try:
            self._producer.produce(name, written, key, partition, self._told)
        except BufferError:
            self._wait(name, written, key, partition)
        except KafkaException as error:
            raise _refusal(error.args[0], name, written) from error
        self._since_poll += 1
        if self._since_poll >= _POLL_EVERY:
            self._since_poll = 0
            self._poll(0)

    def flush(self) -> None:
        """Wait until everything before is acknowledged.

        Raises:
            Unavailable: something was not; the writer is dead.
        """
        said = time.monotonic()
        while waiting := self._left():
            self._check()
            if time.monotonic() - said >= SAY_EVERY:
                log.warning("kafka: %d records wait for a broker to acknowledge them", waiting)
                said = time.monotonic()
        self._check()

    def _left(self) -> int:
        """Wait a second for acknowledgements; how many are missing."""
        with self._living():
            return self._producer.flush(1.0)

    def _poll(self, seconds: float) -> None:
        with self._living():
            self._producer.poll(seconds)

    @contextmanager
    def _living(self) -> Iterator[None]:
        """The client may find that it is dead."""
        try:
            yield
        except (KafkaException, SystemError) as error:
            told = error.__cause__ if isinstance(error, SystemError) else error
            if not isinstance(told, KafkaException):
                raise
            self._failure = self._failure or told.args[0].str()
            self._check()

    def _open(self, topic: str) -> tuple[str, Frames | None]:
        opened = self._topics[topic] = (topic_name(topic, self.settings.ledger), frames_of(self.settings, topic))
        return opened

    def _wait(self, name: str, value: bytes | None, key: bytes | None, partition: int) -> None:
        """The buffer is full: wait until there is room."""
        while True:
            self._poll(0.1)
            self._check()
            try:
                self._producer.produce(name, value, key, partition, self._told)
            except BufferError:
                continue
            except KafkaException as error:
                raise _refusal(error.args[0], name, value) from error
            return

    def _failed(self, error: KafkaError | None, message: Message) -> None:
        if error is not None and self._failure is None:
            self._failure = f"{message.topic()}[{message.partition()}]: {error.str()}"

    def _check(self) -> None:
        if self._failure is not None:
            raise Unavailable(
                f"A record was not acknowledged: {self._failure}", hint="start again from the last checkpoint"
            )


class EventWriter:
    """Writes events, and beside them the evidence that proves them."""

    def __init__(self, writer: RecordWriter) -> None:
        """Write to the partitions of the writer's ledger."""
        self._writer = writer
        self._letters = DeadLetters(writer)
        self._partitions = writer.settings.partitions

    def write(self, events: Iterable[MessageEvent], evidence: Mapping[bytes, bytes] | None = None) -> int:
        """Hand over some events and the encoded evidence of some of them, by event id; returns their number."""
        count, last, key, partition = 0, None, b"", 0
        for event in events:
            if event.message_key != last:  # a line's events have the same key
                last = event.message_key
                key, partition = last.encode("utf-8", "replace"), partition_of(last, self._partitions)
            try:
                self._writer.write(EVENTS, key, envelope.encode(event), partition)
            except Undecodable as error:
                self._pass_over(event, partition, error)
            if evidence and (proof := evidence.get(event.event_id)):
                self._prove(event, proof, partition)
            count += 1
        return count

    def record(self, topic: str, key: bytes, value: bytes, partition: int = 0) -> None:
        """Hand over one record of another topic, in the same order of acknowledgement."""
        self._writer.write(topic, key, value, partition)

    def flush(self) -> None:
        """Wait until everything before is acknowledged, or raise Unavailable."""
        self._writer.flush()

    def _prove(self, event: MessageEvent, proof: bytes, partition: int) -> None:
        try:
            self._writer.write(EVIDENCE, event.event_id, proof, partition)
        except Undecodable as error:
            self._letters.put(EVIDENCE, partition, -1, proof, str(error), key=event.event_id)

    def _pass_over(self, event: MessageEvent, partition: int, error: Undecodable) -> None:
        """Keep what can be kept of an event that no record holds."""
        said = str(msgspec.structs.asdict(event)).encode("utf-8", "replace")
        self._letters.put(EVENTS, partition, -1, said, str(error), key=event.message_key.encode("utf-8", "replace"))


def write_all(settings: Settings, topic: str, records: Sequence[tuple[bytes, bytes]]) -> None:
    """Write a few records of a one-partition topic and wait for them."""
    writer = Writer(settings)
    for key, value in records:
        writer.write(topic, key, value)
    writer.flush()


def _refusal(error: KafkaError, name: str, value: bytes | None) -> Unavailable | Undecodable:
    if error.code() == KafkaError.MSG_SIZE_TOO_LARGE:
        return Undecodable(f"{len(value or b'')} bytes are too many for a record of {name}")
    return Unavailable(f"Kafka refused a record of {name}: {error.str()}")
