"""What a fetched message is to us, and what an error says who must act."""

import gc
from types import SimpleNamespace
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException

from streams.core.errors import Misuse, Unavailable
from streams.kafka import fetching, ranges, registry, topics
from streams.kafka.broker import KafkaLog
from streams.kafka.fetching import END_OF_PARTITION
from streams.kafka.ports import Records
from streams.settings import Settings

AWAY = Settings(kafka_brokers="127.0.0.1:1")  # where nobody listens


@pytest.mark.parametrize(
    ("code", "kind", "said"),
    [
        (KafkaError.UNKNOWN_TOPIC_OR_PART, Unavailable, "has not the topic"),
        (KafkaError.TOPIC_AUTHORIZATION_FAILED, Misuse, "refuses us"),
        (KafkaError.GROUP_AUTHORIZATION_FAILED, Misuse, "refuses us"),
        (KafkaError._FATAL, Unavailable, "put this reader out"),
    ],
)
def test_an_error_that_does_not_pass_is_raised(code: int, kind: type[Exception], said: str) -> None:
    """Reading on would be silence for ever."""
    with pytest.raises(kind, match=said):
        fetching.look(KafkaError(code))


@pytest.mark.parametrize(
    ("error", "words"), [(None, 0), (KafkaError(END_OF_PARTITION), 0), (KafkaError(KafkaError._TRANSPORT), 1)]
)
def test_an_error_that_passes_is_said(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, error: KafkaError | None, words: int
) -> None:
    """The client connects again by itself; that a partition has ended is none."""
    monkeypatch.setattr(fetching, "_lately", {})
    fetching.look(error)
    assert len(caplog.messages) == words


def test_the_same_error_is_said_once_in_a_while(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A client whose broker is away tries eight times a second; another error, and the same later, is news."""
    monkeypatch.setattr(fetching, "_lately", {})
    for more in ("after 0ms in state CONNECT)", "after 1ms in state CONNECT, 9 identical error(s) suppressed)"):
        fetching.say(KafkaError(KafkaError._TRANSPORT, f"b1:9092: Connection refused ({more}"))
    fetching.say(KafkaError(KafkaError._TRANSPORT, "b2:9092: Connection refused (after 0ms in state CONNECT)"))
    assert [said.split(" (")[0] for said in caplog.messages] == [
        f"kafka: {name}:9092: Connection refused" for name in ("b1", "b2")
    ]
    monkeypatch.setattr(fetching, "SAY_EVERY", 0)
    fetching.say(KafkaError(KafkaError._TRANSPORT, "b1:9092: Connection refused (after 0ms in state CONNECT)"))
    assert len(caplog.messages) == 3


def test_records_end_before_an_offset() -> None:
    """What is behind the end of a range is cut off."""
    records = Records(partition=0, values=[b"a", b"b", b"c"], keys=[None] * 3, offsets=[3, 5, 9])
    assert ranges.before(records, 10) is records
    assert ranges.before(records, 9).offsets == [3, 5]
    assert ranges.before(records, 4).values == [b"a"]


class Returning:
    """A consumer whose broker has just come back: it knows its partition at the second question."""

    def __init__(self, code: int) -> None:
        """At the first it says this."""
        self._says = [KafkaException(KafkaError(code))]

    def list_topics(self, name: str, timeout: float) -> Any:
        """One topic of one partition."""
        del timeout
        return SimpleNamespace(topics={name: SimpleNamespace(error=None, partitions={0: None})})

    def get_watermark_offsets(self, place: Any, timeout: float) -> tuple[int, int]:
        """Five records."""
        del place, timeout
        if self._says:
            raise self._says.pop()
        return 0, 5


@pytest.mark.parametrize("code", [KafkaError.NOT_LEADER_FOR_PARTITION, KafkaError._UNKNOWN_PARTITION])
def test_a_broker_that_has_just_come_back_is_asked_again(code: int) -> None:
    """What it does not know yet, it knows in a moment."""
    assert ranges._spans(Returning(code), "alerts", {}, None) == {0: (0, 5)}  # type: ignore[arg-type]


def test_brokers_that_are_away_are_said_to_be(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ranges, ends and topics: each says that a service is away."""
    for module in (ranges, topics):
        monkeypatch.setattr(module, "TIMEOUT", 0.2)
    log = KafkaLog(AWAY)
    with pytest.raises(Unavailable, match="Kafka"):
        next(log.read_range("alerts"))
    with pytest.raises(Unavailable, match="Kafka"):
        log.end_offsets("alerts")
    with pytest.raises(Unavailable, match="does not answer"):
        topics.create(AWAY)


def test_without_a_registry_values_pass_as_they_are() -> None:
    """Who reads without a reader of ours asks the same question."""
    assert registry.inward(AWAY, "alerts", b"\0\0\0\0\2") == b"\0\0\0\0\2"
    assert registry.outward(AWAY, "alerts", None) is None


def test_a_fetch_leaves_the_collector_as_it_was() -> None:
    """It is off while messages are made, and on again after it; a fetch within a fetch changes nothing."""
    with fetching.uncollected():
        with fetching.uncollected():
            assert not gc.isenabled()
        assert not gc.isenabled()
    assert gc.isenabled()
