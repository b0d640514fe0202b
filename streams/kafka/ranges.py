"""Reading a topic between offsets, without a group: for replays, snapshots and what is said of sources."""

import time
from bisect import bisect_left
from collections.abc import Iterator
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition
from tenacity import retry, retry_if_exception, stop_after_delay, wait_exponential

from streams.core.errors import NoTopic, Unavailable
from streams.kafka.fetching import FETCHING, NOBODY, ended, failed, grouped, say, uncollected
from streams.kafka.ports import Records, Spans
from streams.kafka.registry import Frames, frames_of
from streams.kafka.topics import TIMEOUT, topic_name
from streams.settings import Settings

_WAIT = 0.2
"""Seconds that one fetch may take before we look again."""

_YOUNG = {
    KafkaError.NOT_LEADER_FOR_PARTITION,
    KafkaError.LEADER_NOT_AVAILABLE,
    KafkaError.UNKNOWN_TOPIC_OR_PART,
    KafkaError._UNKNOWN_PARTITION,  # noqa: SLF001 - the library names its codes so
}
"""What is said of a partition that was made, or moved, a moment ago, or whose broker has just come back."""


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
    name, frames = topic_name(topic, settings.ledger), frames_of(settings, topic)
    consumer = _consumer(settings)
    try:
        found = _spans(consumer, name, starts or {}, ends)
        consumer.assign([TopicPartition(name, number, span[0]) for number, span in found.items() if span[0] < span[1]])
        yield from _until(consumer, name, found, count, frames)
    except KafkaException as error:
        raise Unavailable(f"Kafka: {error.args[0].str()}") from error
    finally:
        consumer.close()


def end_offsets(settings: Settings, topic: str) -> dict[int, int]:
    """The offset after the last record of each partition, as it is now.

    Raises:
        Unavailable: the brokers do not answer.
    """
    return {number: end for number, (_, end) in spans(settings, topic).items()}


def spans(settings: Settings, topic: str) -> Spans:
    """What each partition holds, as it is now.

    Raises:
        Unavailable: the brokers do not answer.
    """
    consumer = _consumer(settings)
    try:
        return _spans(consumer, topic_name(topic, settings.ledger), {}, None)
    except KafkaException as error:
        raise Unavailable(f"Kafka: {error.args[0].str()}") from error
    finally:
        consumer.close()


def _consumer(settings: Settings) -> Consumer:
    own = {"group.id": NOBODY, "enable.partition.eof": True, "error_cb": say}
    return Consumer(settings.kafka_client() | FETCHING | own)


def _is_young(error: BaseException) -> bool:
    return isinstance(error, KafkaException) and error.args[0].code() in _YOUNG


@retry(
    retry=retry_if_exception(_is_young),
    stop=stop_after_delay(TIMEOUT),
    wait=wait_exponential(multiplier=0.02, max=1),
    reraise=True,
)
def _spans(consumer: Consumer, name: str, starts: dict[int, int], ends: dict[int, int] | None) -> Spans:
    topic = consumer.list_topics(name, timeout=TIMEOUT).topics[name]
    if topic.error:
        raise NoTopic(f"Kafka has no topic {name}.", hint="custody topics --create, with the same --ledger")
    spans = {}
    for number in sorted(topic.partitions):
        low, high = consumer.get_watermark_offsets(TopicPartition(name, number), timeout=TIMEOUT)
        spans[number] = (max(low, starts.get(number, low)), high if ends is None else min(high, ends.get(number, 0)))
    return spans


def _until(consumer: Any, name: str, spans: Spans, count: int, frames: Frames | None) -> Iterator[Records]:
    """Read until every partition has reached its end; the end of a compacted one is told by the broker."""
    left = {number: end - start for number, (start, end) in spans.items() if start < end}
    last_word = time.monotonic()
    while left:
        with uncollected():
            messages = consumer.consume(min(count, sum(left.values())), _WAIT)
            bad = failed(messages)
            found, over, said = grouped(messages, bad, frames), ended(bad), bool(messages)
            del messages, bad
        if said:
            last_word = time.monotonic()
        elif time.monotonic() - last_word > TIMEOUT:
            raise Unavailable(f"Kafka gave no record for {TIMEOUT:.0f} seconds.")
        for records in found:
            end = spans[records.partition][1]
            left[records.partition] = end - records.offsets[-1] - 1
            if records.offsets[0] < end:
                yield before(records, end)
        for number in [number for number, rest in left.items() if rest <= 0 or number in over]:
            del left[number]
            consumer.pause([TopicPartition(name, number)])


def before(records: Records, end: int) -> Records:
    """The records before an offset."""
    return records if records.offsets[-1] < end else records.some(slice(bisect_left(records.offsets, end)))


def since(records: Records, start: int) -> Records:
    """The records from an offset on."""
    return records if records.offsets[0] >= start else records.some(slice(bisect_left(records.offsets, start), None))
