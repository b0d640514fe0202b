"""The tail of a one-partition topic: what is written from now on."""

from collections.abc import Iterator

from confluent_kafka import Consumer, TopicPartition

from streams.kafka import registry
from streams.kafka.fetching import NOBODY, look, say
from streams.kafka.ranges import end_offsets
from streams.kafka.topics import topic_name
from streams.settings import Settings

WAIT = 0.5
"""Seconds of one look; Ctrl-C is heard between two."""


def tail(settings: Settings, topic: str) -> Iterator[bytes]:
    """Values that are written from now on, for ever; a broker that is away is waited for, and said so.

    Raises:
        Unavailable: the brokers do not answer at the start, or the topic is gone.
        Misuse: we may not read it (any more).
    """
    start = end_offsets(settings, topic)[0]
    consumer = Consumer(settings.kafka_client() | {"group.id": NOBODY, "enable.auto.commit": False, "error_cb": say})
    try:
        consumer.assign([TopicPartition(topic_name(topic, settings.ledger), 0, start)])
        while True:
            for message in consumer.consume(1000, WAIT):
                look(message.error())
                if not message.error() and (value := registry.inward(settings, topic, message.value())) is not None:
                    yield value
    finally:
        consumer.close()
