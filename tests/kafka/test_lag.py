"""How far groups are behind, as the brokers tell it."""

from types import SimpleNamespace
from typing import Any

import pytest
from confluent_kafka import OFFSET_INVALID, ConsumerGroupState, KafkaError, KafkaException, TopicPartition

from streams.core.errors import Unavailable
from streams.kafka import lag
from streams.kafka.lag import Lag, is_tracked, lags, topic_of, waiting
from streams.settings import Settings

ENDS = {("events", 0): (0, 9), ("message-events", 0): (2, 5), ("message-events", 1): (3, 4)}


class Brokers:
    """Brokers, an admin client of them and a consumer: one group, and what it committed."""

    def __init__(self, group: str, committed: dict[tuple[str, int], int]) -> None:
        """They answer."""
        self.group, self.offsets = group, committed
        self.errors: list[KafkaError] = []

    def __call__(self, _configuration: object) -> "Brokers":
        """A client."""
        return self

    def list_consumer_groups(self, **_: object) -> "Brokers":
        """Ask for the groups."""
        return self

    def result(self, _timeout: float) -> Any:
        """Their answer."""
        listed = SimpleNamespace(group_id=self.group, state=ConsumerGroupState.STABLE)
        return SimpleNamespace(valid=[] if self.errors else [listed], errors=self.errors)

    def list_topics(self, **_: object) -> Any:
        """The topics and their partitions."""
        names = {name for name, _ in ENDS}
        topics = {name: SimpleNamespace(partitions=[n for at, n in ENDS if at == name]) for name in names}
        return SimpleNamespace(topics=topics)

    def committed(self, places: list[TopicPartition], **_: object) -> list[TopicPartition]:
        """What the group committed."""
        known = self.offsets
        return [TopicPartition(p.topic, p.partition, known.get((p.topic, p.partition), OFFSET_INVALID)) for p in places]

    def get_watermark_offsets(self, place: TopicPartition, **_: object) -> tuple[int, int]:
        """The first record that is there, and the end."""
        return ENDS[place.topic, place.partition]

    def close(self) -> None:
        """Nothing is open."""


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Makes brokers those that are asked."""

    def ask(group: str, committed: dict[tuple[str, int], int]) -> Brokers:
        brokers = Brokers(group, committed)
        monkeypatch.setattr(lag, "AdminClient", brokers)
        monkeypatch.setattr(lag, "Consumer", brokers)
        return brokers

    return ask


@pytest.fixture
def settings() -> Settings:
    """The ledger main."""
    return Settings(kafka_brokers="nowhere:9092")


@pytest.mark.parametrize(
    ("group", "committed", "records", "done"),
    [
        ("custody-tracker-main", {}, 4, 0),
        ("custody-tracker-main", {("message-events", 0): 4}, 2, 4),
        ("custody-feed-message-events-main", {("message-events", 1): 4}, 3, 4),
        ("custody-track-control-main", {}, 0, 0),
        ("custody-track-control-main", {("events", 0): 4}, 5, 4),
    ],
    ids=["tracker-new", "tracker", "feed", "control-new", "control"],
)
def test_what_a_hot_group_never_committed_waits_for_it(
    asked: Any, settings: Settings, group: str, committed: dict[tuple[str, int], int], records: int, done: int
) -> None:
    """From the first record that is there; of Faust's own groups only what they committed counts."""
    asked(group, committed)
    assert lags(settings, 1) == [Lag(group=group, records=records, committed=done, is_read=True)]


def test_who_has_not_read_all_is_named(asked: Any, settings: Settings) -> None:
    """How many records wait for a group, or that it never read."""
    asked("custody-tracker-main", {("message-events", 0): 4})
    assert waiting(settings, 1) == "custody-feed-message-events-main never read it"
    asked("custody-feed-message-events-main", {("message-events", 0): 5})
    assert waiting(settings, 1) == "custody-tracker-main never read it"


def test_no_broker_is_not_no_group(asked: Any, settings: Settings) -> None:
    """Where none answers that is said; and that a tracker reads cannot be."""
    asked("custody-tracker-main", {}).errors.append(KafkaError(KafkaError._TRANSPORT))
    with pytest.raises(KafkaException):
        lags(settings, 1)
    assert not is_tracked(settings, 1)
    with pytest.raises(Unavailable):
        waiting(settings, 1)


@pytest.mark.parametrize(
    ("group", "topic"),
    [
        ("custody-tracker-x", "x-message-events"),
        ("custody-feed-evidence-x", "x-evidence"),
        ("custody-feed-queue-states-x", "x-queue-states"),
        ("custody-feed-control-x", ""),
        ("custody-clock-control-x", ""),
    ],
)
def test_a_hot_groups_topic_follows_from_its_name(group: str, topic: str) -> None:
    """Faust's control groups are others."""
    assert topic_of(group, "x") == topic
