"""May we be a member of a group: asked before a worker joins, since Faust waits without a word where it may not."""

import time

from confluent_kafka import Consumer, KafkaException, TopicPartition

from streams.kafka.fetching import look
from streams.kafka.names import PROGRESS
from streams.kafka.topics import TIMEOUT, topic_name
from streams.settings import Settings

_WAIT = 0.2
"""Seconds until we look whether an answer is a refusal: that comes in place of a message."""


def check(settings: Settings, group: str) -> None:
    """Ask for a group; where no broker answers in time nothing is known, and whoever joins waits for one.

    Raises:
        Misuse: we may not read as its member.
        Unavailable: the client is dead.
    """
    consumer = Consumer(settings.kafka_client() | {"group.id": group, "enable.auto.commit": False})
    place, end = TopicPartition(topic_name(PROGRESS, settings.ledger), 0), time.monotonic() + TIMEOUT
    try:
        while time.monotonic() < end:
            try:
                consumer.committed([place], timeout=_WAIT)
            except KafkaException:
                if message := consumer.poll(_WAIT):
                    look(message.error())
            else:
                return
    finally:
        consumer.close()
