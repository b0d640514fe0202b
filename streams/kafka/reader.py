"""Reading records in batches.

Rules:
- Nothing is committed but by `commit`, after the effect is stored; its metadata names what was stored.
- Classic group protocol with static membership: a worker that dies is replaced within seconds, and one that comes back
  under its name takes its partitions up again.
- librdkafka's fetcher sleeps a second after its queue was full; 10 ms makes it seven times faster.
"""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, Message, TopicPartition

from streams.core.errors import Unavailable
from streams.kafka.topics import topic_name
from streams.settings import Settings

log = logging.getLogger(__name__)

END_OF_PARTITION = KafkaError._PARTITION_EOF  # noqa: SLF001 - the library names its codes so

TIMEOUT = 30.0
"""Seconds for one request to the brokers."""

FETCHING = {
    "enable.auto.commit": False,
    "enable.auto.offset.store": False,
    "auto.offset.reset": "earliest",
    "fetch.queue.backoff.ms": 10,
    "fetch.max.bytes": 50_000_000,
    "fetch.message.max.bytes": 8_000_000,
    "queued.max.messages.kbytes": 100_000,
    "check.crcs": True,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Records:
    """Consecutive records of one partition.

    Attributes:
        partition: their partition.
        values: as they are; None is a tombstone.
        keys: likewise.
        offsets: of each.
    """

    partition: int
    values: list[bytes | None]
    keys: list[bytes | None]
    offsets: list[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Committed:
    """What a group stored for a partition.

    Attributes:
        offset: of the next record to read; None where nothing is stored.
        metadata: what was said when it was stored.
    """

    offset: int | None
    metadata: str


Assigned = Callable[[dict[int, Committed]], dict[int, int]]
"""Told the partitions and what is stored for them; answers from where to read each."""

Revoked = Callable[[Sequence[int]], None]


class BatchReader:
    """Reads one topic as a member of a group."""

    def __init__(
        self,
        settings: Settings,
        topic: str,
        group: str,
        *,
        member: str = "",
        assigned: Assigned | None = None,
        revoked: Revoked | None = None,
    ) -> None:
        """Join a group; `member` is the static name of this worker."""
        self.topic = topic_name(topic, settings.ledger)
        self._assigned, self._revoked = assigned, revoked
        static = {"group.instance.id": f"{group}-{member}"} if member else {}
        self._consumer = Consumer(
            settings.kafka_client()
            | FETCHING
            | {"group.id": group, "session.timeout.ms": 6000, "heartbeat.interval.ms": 2000, "error_cb": _say}
            | static
        )
        self._consumer.subscribe([self.topic], on_assign=self._on_assign, on_revoke=self._on_revoke)

    def read(self, count: int, timeout: float) -> list[Records]:
        """Up to `count` records within `timeout` seconds, by partition.

        Raises:
            Unavailable: the brokers say so in a way that waiting does not cure.
        """
        try:
            return grouped(self._consumer.consume(count, timeout))
        except KafkaException as error:
            raise Unavailable(f"Kafka: {error.args[0].str()}") from error

    def commit(self, partition: int, offset: int, metadata: str = "") -> None:
        """Store the offset of the next record to read, with what it names.

        Raises:
            Unavailable: not stored; this member may have lost the partition.
        """
        place = TopicPartition(self.topic, partition, offset, metadata=metadata)
        try:
            for stored in self._consumer.commit(offsets=[place], asynchronous=False) or []:
                if stored.error:
                    raise Unavailable(f"Kafka did not store an offset: {stored.error.str()}")
        except KafkaException as error:
            raise Unavailable(f"Kafka did not store an offset: {error.args[0].str()}") from error

    def seek(self, partition: int, offset: int) -> None:
        """Read a partition again from an offset."""
        self._consumer.seek(TopicPartition(self.topic, partition, offset))

    def close(self) -> None:
        """Leave the group."""
        self._consumer.close()

    def _on_assign(self, consumer: Any, places: list[TopicPartition]) -> None:
        stored = {place.partition: place for place in consumer.committed(places, timeout=TIMEOUT)}
        known = {
            number: Committed(offset=place.offset if place.offset >= 0 else None, metadata=place.metadata or "")
            for number, place in stored.items()
        }
        starts = self._assigned(known) if self._assigned else {}
        for place in places:
            offset = known[place.partition].offset
            place.offset = starts.get(place.partition, OFFSET_BEGINNING if offset is None else offset)
        consumer.assign(places)

    def _on_revoke(self, consumer: Any, places: list[TopicPartition]) -> None:
        del consumer
        if self._revoked:
            self._revoked([place.partition for place in places])


def read_range(
    settings: Settings,
    topic: str,
    starts: dict[int, int] | None = None,
    ends: dict[int, int] | None = None,
    *,
    count: int = 50_000,
) -> Iterator[Records]:
    """All records of a topic between offsets, without a group; partitions as they come.

    Args:
        settings: of the ledger.
        topic: without the ledger.
        starts: first offset by partition; default: the beginning.
        ends: offset after the last by partition; default: the end as it is now.
        count: records a batch at most.

    Raises:
        Unavailable: the brokers do not answer.
    """
    consumer = Consumer(settings.kafka_client() | FETCHING | {"group.id": "none", "enable.partition.eof": True})
    name = topic_name(topic, settings.ledger)
    try:
        spans = _spans(consumer, name, starts or {}, ends)
        consumer.assign([TopicPartition(name, number, span[0]) for number, span in spans.items()])
        yield from _until(consumer, spans, count)
    except KafkaException as error:
        raise Unavailable(f"Kafka: {error.args[0].str()}") from error
    finally:
        consumer.close()


def end_offsets(settings: Settings, topic: str) -> dict[int, int]:
    """The offset after the last record of each partition, as it is now."""
    consumer = Consumer(settings.kafka_client() | {"group.id": "none"})
    try:
        return {
            number: span[1] for number, span in _spans(consumer, topic_name(topic, settings.ledger), {}, None).items()
        }
    except KafkaException as error:
        raise Unavailable(f"Kafka: {error.args[0].str()}") from error
    finally:
        consumer.close()


def _spans(consumer: Any, name: str, starts: dict[int, int], ends: dict[int, int] | None) -> dict[int, tuple[int, int]]:
    topic = consumer.list_topics(name, timeout=TIMEOUT).topics[name]
    if topic.error:
        raise Unavailable(f"Kafka has no topic {name}.", hint="custody topics --create")
    spans = {}
    for number in sorted(topic.partitions):
        low, high = consumer.get_watermark_offsets(TopicPartition(name, number), timeout=TIMEOUT)
        spans[number] = (max(low, starts.get(number, low)), high if ends is None else min(high, ends.get(number, 0)))
    return spans


def _until(consumer: Any, spans: dict[int, tuple[int, int]], count: int) -> Iterator[Records]:
    """Read until every partition has reached its end; a compacted end is told by the broker."""
    ends = {number: span[1] for number, span in spans.items() if span[1] > span[0]}
    last_word = time.monotonic()
    while ends:
        messages = consumer.consume(count, 0.2)
        if messages:
            last_word = time.monotonic()
        elif time.monotonic() - last_word > TIMEOUT:
            raise Unavailable("Kafka gave no record for 30 seconds.")
        for message in messages:
            if message.error() and message.error().code() == END_OF_PARTITION:
                ends.pop(message.partition(), None)
        for records in grouped(messages):
            yield _before(records, spans[records.partition][1])
            if records.offsets[-1] + 1 >= spans[records.partition][1]:
                ends.pop(records.partition, None)


def _before(records: Records, end: int) -> Records:
    if not records.offsets or records.offsets[-1] < end:
        return records
    keep = sum(offset < end for offset in records.offsets)
    return Records(
        partition=records.partition,
        values=records.values[:keep],
        keys=records.keys[:keep],
        offsets=records.offsets[:keep],
    )


def grouped(messages: Sequence[Message]) -> list[Records]:
    """Messages by partition, in the order of the log; what is no message is said and passed over."""
    parts: dict[int, list[Message]] = {}
    for message in messages:
        error = message.error()
        if error is None:
            parts.setdefault(message.partition() or 0, []).append(message)
        elif error.code() != END_OF_PARTITION:
            log.warning("kafka: %s", error.str())
    return [
        Records(
            partition=number,
            values=[message.value() for message in part],
            keys=[message.key() for message in part],
            offsets=[message.offset() or 0 for message in part],
        )
        for number, part in sorted(parts.items())
    ]


def _say(error: KafkaError) -> None:
    log.warning("kafka: %s", error.str())
