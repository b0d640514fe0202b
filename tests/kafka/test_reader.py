"""A reader of a group: what the broker says of itself is told in our words."""

from collections.abc import Callable
from typing import Any

import pytest
from confluent_kafka import KafkaError, TopicPartition

from streams.core.errors import Unavailable
from streams.kafka import reader
from streams.settings import Settings


class Returning:
    """A consumer whose coordinator has just come back."""

    def __init__(self, _settings: dict[str, Any]) -> None:
        """Take any settings."""

    def subscribe(self, _topics: list[str], **_callbacks: Any) -> None:
        """Take any topics."""

    def consume(self, _count: int, _timeout: float) -> None:
        """Fail as the client does: with an error where an exception is due."""
        raise KafkaError(KafkaError.NOT_COORDINATOR)  # type: ignore[misc]


def test_a_coordinator_that_has_just_come_back_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever reads begins again, as with every service that is away."""
    monkeypatch.setattr(reader, "Consumer", Returning)
    settings = Settings(ledger="test", kafka_brokers="127.0.0.1:1")
    with pytest.raises(Unavailable, match="Not coordinator"):
        reader.BatchReader(settings, "message-events", "group").read(1, 0)


class Losing:
    """A consumer whose group is not heard of any more."""

    def __init__(self, _settings: dict[str, Any]) -> None:
        """Take any settings."""
        self._lose: Callable[..., None]

    def subscribe(self, _topics: list[str], *, on_lost: Callable[..., None], **_callbacks: Any) -> None:
        """Take any topics."""
        self._lose = on_lost

    def consume(self, _count: int, _timeout: float) -> list[Any]:
        """Lose a partition."""
        self._lose(self, [TopicPartition("t", 3)])
        return []


def test_who_does_not_hear_of_the_group_says_so(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It gives its partitions up, and reads on when a broker answers."""
    monkeypatch.setattr(reader, "Consumer", Losing)
    settings, gone = Settings(ledger="test", kafka_brokers="127.0.0.1:1"), list[int]()
    assert reader.BatchReader(settings, "message-events", "group", revoked=gone.extend).read(1, 0) == []
    assert gone == [3]
    assert "does not answer: waiting for it" in caplog.text
