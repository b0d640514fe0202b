"""A reader of a group: what the broker says of itself is told in our words."""

from collections.abc import Callable
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException, TopicPartition
from tenacity import stop_after_attempt

from streams.core.errors import Unavailable
from streams.kafka import reader
from streams.kafka.ports import Committed
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


class Loading:
    """A consumer whose coordinator refuses a commit, for a while or for a reason."""

    def __init__(self, *codes: int) -> None:
        """Fail with these, one after the other; then store."""
        self._codes = list(codes)

    def __call__(self, _settings: dict[str, Any]) -> "Loading":
        """Take any settings."""
        return self

    def subscribe(self, _topics: list[str], **_callbacks: Any) -> None:
        """Take any topics."""

    def commit(self, *, offsets: list[TopicPartition], asynchronous: bool) -> list[TopicPartition]:
        """Refuse, or store."""
        assert not asynchronous
        if self._codes:
            raise KafkaException(KafkaError(self._codes.pop(0)))
        return offsets


def committing(monkeypatch: pytest.MonkeyPatch, *codes: int) -> None:
    """A commit that is refused with these codes at first."""
    monkeypatch.setattr(reader, "Consumer", Loading(*codes))
    settings = Settings(ledger="test", kafka_brokers="127.0.0.1:1")
    reader.BatchReader(settings, "message-events", "group").commit({0: Committed(offset=1)})


def test_a_commit_waits_for_a_coordinator_that_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """It loads its groups for some seconds; a member that left for that would only make it longer."""
    committing(monkeypatch, KafkaError.COORDINATOR_LOAD_IN_PROGRESS, KafkaError.NOT_COORDINATOR)


def test_a_commit_waits_neither_for_ever_nor_where_it_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever was put out of the group has lost its partitions: that is said at once."""
    with pytest.raises(Unavailable, match="Unknown member"):
        committing(monkeypatch, KafkaError.UNKNOWN_MEMBER_ID)
    monkeypatch.setattr(reader, "SETTLE", reader.SETTLE.copy(stop=stop_after_attempt(2)))
    with pytest.raises(Unavailable, match="oad in progress"):
        committing(monkeypatch, *[KafkaError.COORDINATOR_LOAD_IN_PROGRESS] * 3)
