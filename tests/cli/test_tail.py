"""The tail of a topic: who may not read it any more hears of it."""

from typing import Any

import pytest
from confluent_kafka import KafkaError

from streams.cli import _tail
from streams.core.errors import CustodyError, Misuse, Unavailable
from streams.kafka import registry
from streams.settings import Settings


class Message:
    """What is fetched."""

    def __init__(self, error: KafkaError | None, value: bytes | None = None) -> None:
        """An error or a record."""
        self.error = lambda: error
        self.value = lambda: value


class Consumer:
    """It gives a record, a word that passes, and an error."""

    config: dict[str, Any]

    def __init__(self, error: int) -> None:
        """With this code."""
        self.messages = [Message(None, b"x"), Message(KafkaError(KafkaError._TRANSPORT)), Message(KafkaError(error))]

    def __call__(self, config: dict[str, Any]) -> "Consumer":
        """It is opened."""
        self.config = config
        return self

    def assign(self, _places: Any) -> None:
        """Begin."""

    def consume(self, _count: int, _timeout: float) -> list[Message]:
        """Whatever there is."""
        return self.messages

    def close(self) -> None:
        """End."""


@pytest.mark.parametrize(
    ("code", "wanted"),
    [(KafkaError.TOPIC_AUTHORIZATION_FAILED, Misuse), (KafkaError.UNKNOWN_TOPIC_OR_PART, Unavailable)],
    ids=["forbidden", "gone"],
)
def test_who_waits_for_what_cannot_come_is_told(
    monkeypatch: pytest.MonkeyPatch, code: int, wanted: type[CustodyError]
) -> None:
    """A right that was taken away, a topic that is gone; what passes is said, and waited for."""
    consumer = Consumer(code)
    monkeypatch.setattr(_tail, "end_offsets", lambda *_: {0: 0})
    monkeypatch.setattr(_tail, "Consumer", consumer)
    monkeypatch.setattr(registry, "inward", lambda _settings, _topic, value: value)
    values = _tail.tail(Settings(kafka_brokers="127.0.0.1:1"), "alerts")
    assert next(values) == b"x"
    with pytest.raises(wanted):
        next(values)
    assert "error_cb" in consumer.config
