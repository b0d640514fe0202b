"""The tail of a one-partition topic: what is written from now on."""

from collections.abc import Iterator

from confluent_kafka import Consumer, TopicPartition

from streams.kafka import registry
from streams.kafka.ranges import end_offsets
from streams.kafka.topics import topic_name
from streams.settings import Settings

WAIT = 0.5
"""Seconds of one look; Ctrl-C is heard between two."""


def tail(settings: Settings, topic: str) -> Iterator[bytes]:
    """Values that are written from now on, for ever; a broker that is away is waited for.

    Raises:
        Unavailable: the brokers do not answer at the start.
    """
    start = end_offsets(settings, topic)[0]
    consumer = Consumer(settings.kafka_client() | {"group.id": "none", "enable.auto.commit": False})
    try:
        consumer.assign([TopicPartition(topic_name(topic, settings.ledger), 0, start)])
        while True:
            for message in consumer.consume(1000, WAIT):
                value = None if message.error() else registry.inward(settings, topic, message.value())
                if value is not None:
                    yield value
    finally:
        consumer.close()
