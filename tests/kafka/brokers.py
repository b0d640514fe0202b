"""Brokers in memory, as far as an administrator sees them: their topics, and who may make some."""

from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from types import SimpleNamespace
from typing import Any, Self

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.cimpl import NewTopic

from streams.kafka import topics
from streams.settings import Settings

PLACE = "127.0.0.1:1"  # where nobody listens


class Brokers:
    """In the place of `AdminClient`."""

    def __init__(self, counts: Mapping[str, int], *, closed: bool = False) -> None:
        """Have topics of so many partitions, 0 while somebody makes one; closed: nobody may make more."""
        self.counts, self._closed = dict(counts), closed

    def __call__(self, _config: Mapping[str, Any]) -> Self:
        """A client of these brokers."""
        return self

    def list_topics(self, timeout: float) -> Any:
        """All topics."""
        del timeout
        found = {name: SimpleNamespace(partitions=range(count)) for name, count in self.counts.items()}
        return SimpleNamespace(topics=found)

    def create_topics(self, wanted: Sequence[NewTopic], request_timeout: float) -> dict[str, "Future[None]"]:
        """Make some, or refuse."""
        del request_timeout
        return {new.topic: self._made(new) for new in wanted}

    def _made(self, new: NewTopic) -> "Future[None]":
        done: Future[None] = Future()
        if self._closed:
            done.set_exception(KafkaException(KafkaError(KafkaError.TOPIC_AUTHORIZATION_FAILED)))
        elif new.topic in self.counts:
            done.set_exception(KafkaException(KafkaError(KafkaError.TOPIC_ALREADY_EXISTS)))
        else:
            done.set_result(None)
        if not self._closed:
            self.counts[new.topic] = new.num_partitions
        return done


def counts(settings: Settings) -> dict[str, int]:
    """The topics of a ledger as its settings want them."""
    wanted = topics.all_topics().values()
    return {topics.topic_name(topic.name, settings.ledger): topics.partitions(topic, settings) for topic in wanted}
