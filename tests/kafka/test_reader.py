"""A reader of a group: what the broker says of itself is told in our words."""

from collections.abc import Callable
from typing import Any

import pytest
from confluent_kafka import OFFSET_BEGINNING, OFFSET_INVALID, KafkaError, KafkaException, Message, TopicPartition
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


class Leaving:
    """A consumer that is given a partition while it leaves its group."""

    def __init__(self, _settings: dict[str, Any]) -> None:
        """Take any settings."""
        self._give: Callable[..., None]

    def subscribe(self, _topics: list[str], *, on_assign: Callable[..., None], **_callbacks: Any) -> None:
        """Take any topics."""
        self._give = on_assign

    def committed(self, _places: list[TopicPartition], **_: Any) -> None:
        """Answer nothing any more."""
        raise KafkaException(KafkaError(KafkaError._DESTROY))

    def close(self) -> None:
        """What is given by then is told first."""
        self._give(self, [TopicPartition("t", 3)])


def test_a_reader_that_leaves_takes_nothing_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """It would ask for what was committed, and end with an error of the client."""
    monkeypatch.setattr(reader, "Consumer", Leaving)
    settings, taken = Settings(ledger="test", kafka_brokers="127.0.0.1:1"), dict[int, Committed]()

    def take(known: dict[int, Committed]) -> dict[int, int]:
        taken.update(known)
        return {}

    reader.BatchReader(settings, "message-events", "group", assigned=take).close()
    assert taken == {}


class Holding:
    """A consumer of a partition of which some is there, and what was committed for its group."""

    def __init__(self, first: int, end: int, committed: int, read: int = OFFSET_INVALID) -> None:
        """Hold what is between two offsets."""
        self._span, self.committed_at, self._read = (first, end), committed, read
        self.began, self.said = list[int](), list[int]()
        self._assign: Callable[..., None]

    def __call__(self, _settings: dict[str, Any]) -> "Holding":
        """Take any settings."""
        return self

    def subscribe(self, _topics: list[str], *, on_assign: Callable[..., None], **_callbacks: Any) -> None:
        """Take any topics."""
        self._assign = on_assign

    def assign(self, places: list[TopicPartition]) -> None:
        """Be told where to begin."""
        self.began = [place.offset for place in places]

    def committed(self, places: list[TopicPartition], timeout: float) -> list[TopicPartition]:
        """What the group stored."""
        del timeout
        return [TopicPartition(one.topic, one.partition, self.committed_at, metadata="m") for one in places]

    def get_watermark_offsets(self, _place: TopicPartition, timeout: float) -> tuple[int, int]:
        """What there is."""
        del timeout
        return self._span

    def position(self, places: list[TopicPartition]) -> list[TopicPartition]:
        """The offset after what was read last."""
        return [TopicPartition(one.topic, one.partition, self._read) for one in places]

    def commit(self, *, offsets: list[TopicPartition], asynchronous: bool) -> list[TopicPartition]:
        """Store."""
        assert not asynchronous
        self.said += [place.offset for place in offsets]
        return offsets

    def consume(self, _count: int, _timeout: float) -> list[Any]:
        """Give the partition, then say that the next record is not there."""
        if not self.began:
            self._assign(self, [TopicPartition("t", 0)])
            return []
        return [Message("t", 0, error=KafkaError(KafkaError._AUTO_OFFSET_RESET))]


def holding(monkeypatch: pytest.MonkeyPatch, consumer: Holding, starts: dict[int, int] | None = None) -> Any:
    """A reader that was given the partition."""
    monkeypatch.setattr(reader, "Consumer", consumer)
    settings = Settings(ledger="test", kafka_brokers="127.0.0.1:1")
    opened = reader.BatchReader(settings, "message-events", "group", assigned=lambda _: starts or {})
    assert opened.read(1, 0) == []
    return opened


@pytest.mark.parametrize(
    ("consumer", "starts", "began"),
    [
        (Holding(50, 100, 10), None, OFFSET_BEGINNING),
        (Holding(50, 100, 10), {0: 0}, OFFSET_BEGINNING),
        (Holding(50, 100, 80), {0: 0}, OFFSET_BEGINNING),
        (Holding(50, 100, 80), None, 80),
        (Holding(0, 100, 120), None, OFFSET_BEGINNING),
        (Holding(0, 0, OFFSET_INVALID), {0: 0}, OFFSET_BEGINNING),
        (Holding(0, 0, OFFSET_INVALID), None, OFFSET_BEGINNING),
    ],
)
def test_a_reader_never_begins_where_nothing_is(
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    consumer: Holding,
    starts: dict[int, int] | None,
    began: int,
) -> None:
    """But at what is left: a topic may be new, retention may have taken the beginning, and the tail may be lost."""
    holding(monkeypatch, consumer, starts)
    assert consumer.began == [began]
    assert ("and 10 was committed: retention took" in caplog.text) == (consumer.committed_at == 10)


@pytest.mark.parametrize(
    ("consumer", "known"),
    [
        (Holding(5, 140, 150), Committed(offset=5)),
        (Holding(5, 140, 100), Committed(offset=100, metadata="m")),
        (Holding(5, 140, OFFSET_INVALID), Committed(offset=None)),
    ],
)
def test_a_reader_says_whether_a_tail_was_lost_or_nothing_was_stored(
    monkeypatch: pytest.MonkeyPatch, consumer: Holding, known: Committed
) -> None:
    """What only the lost tail knew is known to be gone: an offset in the name of nothing says so."""
    told: list[dict[int, Committed]] = []

    def assigned(committed: dict[int, Committed]) -> dict[int, int]:
        told.append(committed)
        return {}

    monkeypatch.setattr(reader, "Consumer", consumer)
    settings = Settings(ledger="test", kafka_brokers="127.0.0.1:1")
    reader.BatchReader(settings, "message-events", "group", assigned=assigned).read(1, 0)
    assert told == [{0: known}]


@pytest.mark.parametrize("read", [100, OFFSET_INVALID])
def test_a_reader_that_lives_through_the_loss_of_a_tail_takes_back_what_was_committed(
    monkeypatch: pytest.MonkeyPatch, read: int
) -> None:
    """The log may be longer than its place when the next life looks; and nothing is committed over that."""
    consumer = Holding(5, 140, 100, read)
    opened = holding(monkeypatch, consumer)
    for _ in range(2):
        with pytest.raises(Unavailable, match="lost its tail, and ends at 140"):
            opened.read(1, 0)
    with pytest.raises(Unavailable, match="lost its tail"):
        opened.commit({0: Committed(offset=100)})
    assert consumer.said == [5]


def test_a_reader_that_retention_overtook_keeps_what_was_committed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its next life goes on from there with what is left."""
    consumer = Holding(50, 140, 20, 30)
    opened = holding(monkeypatch, consumer)
    consumer._span = (50, 140)
    with pytest.raises(Unavailable, match="begins at 50 by now, and 30 was to be read"):
        opened.read(1, 0)
    assert consumer.said == []


class Loading:
    """A consumer whose coordinator refuses a commit, for a while or for a reason."""

    def __init__(self, *codes: int) -> None:
        """Fail with these, one after the other; then store."""
        self._codes = list(codes)
        self.asked = 0

    def __call__(self, _settings: dict[str, Any]) -> "Loading":
        """Take any settings."""
        return self

    def subscribe(self, _topics: list[str], **_callbacks: Any) -> None:
        """Take any topics."""

    def commit(self, *, offsets: list[TopicPartition], asynchronous: bool) -> list[TopicPartition]:
        """Refuse, or store."""
        assert not asynchronous
        self.asked += 1
        if self._codes:
            raise KafkaException(KafkaError(self._codes.pop(0)))
        return offsets


def committing(monkeypatch: pytest.MonkeyPatch, consumer: Loading) -> None:
    """A commit by such a consumer."""
    monkeypatch.setattr(reader, "Consumer", consumer)
    settings = Settings(ledger="test", kafka_brokers="127.0.0.1:1")
    reader.BatchReader(settings, "message-events", "group").commit({0: Committed(offset=1)})


def test_a_commit_waits_for_a_coordinator_that_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """It loads its groups for some seconds; a member that left for that would only make it longer."""
    consumer = Loading(KafkaError.COORDINATOR_LOAD_IN_PROGRESS, KafkaError.NOT_COORDINATOR)
    committing(monkeypatch, consumer)
    assert consumer.asked == 3


def test_a_commit_waits_neither_for_ever_nor_where_it_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever was put out of the group has lost its partitions: that is said at once."""
    refused = Loading(*[KafkaError.UNKNOWN_MEMBER_ID] * 3)
    with pytest.raises(Unavailable, match="Unknown member"):
        committing(monkeypatch, refused)
    monkeypatch.setattr(reader, "SETTLE", reader.SETTLE.copy(stop=stop_after_attempt(2)))
    loading = Loading(*[KafkaError.COORDINATOR_LOAD_IN_PROGRESS] * 3)
    with pytest.raises(Unavailable, match="oad in progress"):
        committing(monkeypatch, loading)
    assert (refused.asked, loading.asked) == (1, 2)
