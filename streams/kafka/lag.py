"""How far each consumer group of a ledger is behind the end of what it reads.

Rules:
- Only what cannot end our process is asked: librdkafka's admin requests to a group's coordinator (its offsets, its
  members) end it where the coordinator moves or is away (librdkafka issues 5040 and 4605, not mended in 2.16). So
  offsets are asked as a consumer of the group does, one that never joins it, and who reads is known from the list.
- What the tracker and the feed read is known: there a partition of which nothing is committed waits from its beginning,
  or a group that hangs in its first batch would have nothing to do.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from confluent_kafka import Consumer, ConsumerGroupState, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient

from streams.core.errors import Unavailable
from streams.kafka.names import EVENTS, feed_group, tracker_group
from streams.kafka.topics import all_topics, topic_name
from streams.settings import Settings

_QUIET = {"log_level": 0}


@dataclass(frozen=True, slots=True, kw_only=True)
class Lag:
    """One group: how many records wait for it, and whether anybody reads them.

    Attributes:
        group: its id.
        records: not yet committed, over all its partitions.
        committed: records that are, over all its partitions: it grows while the group works.
        is_read: it has members.
    """

    group: str
    records: int
    committed: int
    is_read: bool


def lags(settings: Settings, timeout: float) -> list[Lag]:
    """The lag of every group of a ledger that the brokers know, by name.

    Raises:
        KafkaException: they do not answer.
        TimeoutError: not within `timeout` seconds.
    """
    admin = AdminClient(settings.kafka_client() | _QUIET)
    groups = _groups(admin, settings.ledger, timeout)
    topics = admin.list_topics(timeout=timeout).topics.items() if groups else ()
    places = [TopicPartition(name, number) for name, topic in topics for number in topic.partitions]
    # Who tells before who hears of it: what the tracker writes meanwhile must not be missed of the feed.
    found = [_lag(settings, one, places, is_read=groups[one], timeout=timeout) for one in sorted(groups, reverse=True)]
    return found[::-1]


def is_tracked(settings: Settings, timeout: float) -> bool:
    """Does a tracker read a ledger now; not, where no broker can say so."""
    with suppress(Unavailable):
        return says_tracked(settings, timeout)
    return False


def says_tracked(settings: Settings, timeout: float) -> bool:
    """Do the brokers say that a tracker reads a ledger.

    Raises:
        Unavailable: they do not say.
    """
    admin = AdminClient(settings.kafka_client() | _QUIET)
    try:
        return _groups(admin, settings.ledger, timeout).get(tracker_group(settings.ledger), False)
    except (KafkaException, TimeoutError) as error:
        raise Unavailable("The brokers do not say whether a tracker reads the ledger.") from error


def waiting(settings: Settings, timeout: float) -> str:
    """Who of tracker and feed has not read all of a ledger; "" where both have.

    Raises:
        Unavailable: the brokers do not say.
    """
    try:
        found = {lag.group: lag.records for lag in lags(settings, timeout) if topic_of(lag.group, settings.ledger)}
    except (KafkaException, TimeoutError) as error:
        raise Unavailable("The brokers do not say how far tracker and feed are.") from error
    for group in (tracker_group(settings.ledger), feed_group(EVENTS, settings.ledger)):
        if group not in found:
            return f"{group} never read it"
    return next((f"{count:,} records wait for {group}" for group, count in found.items() if count), "")


def topic_of(group: str, ledger: str) -> str:
    """What the tracker's or one of the feed's groups reads, as the brokers call it; "" for all others."""
    readers = {feed_group(topic, ledger): topic for topic in all_topics()} | {tracker_group(ledger): EVENTS}
    return topic_name(readers[group], ledger) if group in readers else ""


def _groups(admin: AdminClient, ledger: str, timeout: float) -> dict[str, bool]:
    """The groups of a ledger, by name; which of them have members."""
    own = re.compile(rf"custody-.+-{re.escape(ledger)}")
    answer = admin.list_consumer_groups(request_timeout=timeout / 2).result(timeout)
    nobody = (ConsumerGroupState.EMPTY, ConsumerGroupState.DEAD)
    found = {one.group_id: one.state not in nobody for one in answer.valid if own.fullmatch(one.group_id)}
    if answer.errors and not found:  # some broker did not answer, which is not the same as no group
        raise KafkaException(answer.errors[0])  # the error itself can be raised, but no `except` catches it
    return dict(sorted(found.items()))


def _lag(settings: Settings, group: str, places: list[TopicPartition], *, is_read: bool, timeout: float) -> Lag:
    own = topic_of(group, settings.ledger)
    with _asking(settings, group) as consumer:
        found = [
            place for place in consumer.committed(places, timeout=timeout) if place.offset >= 0 or place.topic == own
        ]
        marks = [consumer.get_watermark_offsets(place, timeout=timeout) for place in found]
    behind = sum(max(0, end - max(low, place.offset)) for place, (low, end) in zip(found, marks, strict=True))
    committed = sum(max(0, place.offset) for place in found)
    return Lag(group=group, records=behind, committed=committed, is_read=is_read)


@contextmanager
def _asking(settings: Settings, group: str) -> Iterator[Any]:
    """A consumer that knows a group and never joins it."""
    consumer = Consumer(settings.kafka_client() | _QUIET | {"group.id": group, "enable.auto.commit": False})
    try:
        yield consumer
    finally:
        consumer.close()
