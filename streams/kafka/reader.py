"""Reading records in batches, as a member of a group.

Rules:
- Nothing is committed but by `commit`, after the effect is stored; its metadata names what was stored.
- Classic group protocol with static membership: a worker that dies is replaced within seconds, and one that comes back
  under its name takes its partitions up again.
- A reader that was put out of its group, or may not read, says so at once: it would otherwise be silent for ever.
- One that has not heard of its group for a session says that it waits for it.
- What is committed beyond the end of a log is of a tail that was lost (a power cut, an unclean election): it counts no
  more, since what is written there next would be passed over. A reader that lives through it is told by the client,
  also where the log has grown beyond its place since (by the leader's epoch): it takes back what is committed, and is
  of no use any more.
- Where retention took what was to be read next, the group goes on with what is left, and says what it has not read.
"""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, TopicPartition
from tenacity import Retrying, retry_if_exception, stop_after_delay, wait_fixed

from streams.core.errors import Unavailable
from streams.kafka.fetching import FETCHING, broken_off, failed, grouped, is_fatal, say, uncollected
from streams.kafka.ports import Assigned, Committed, Records, Revoked
from streams.kafka.registry import frames_of
from streams.kafka.topics import TIMEOUT, topic_name
from streams.settings import Settings

log = logging.getLogger(__name__)

MEMBERSHIP = {
    "group.protocol": "classic",
    "session.timeout.ms": 6000,
    "heartbeat.interval.ms": 2000,
    "partition.assignment.strategy": "range",
    "topic.metadata.refresh.interval.ms": 5000,
}
"""KIP-848 took 45 s to replace a worker, and refused a static member that came back. Who comes while nobody leads the
topic joins after the next look at the topics: by default that is in five minutes."""


COMING_BACK = {
    KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
    KafkaError.COORDINATOR_NOT_AVAILABLE,
    KafkaError.NOT_COORDINATOR,
}
"""What a broker that has just come back, or another that takes its place, says of a group for some seconds."""

SETTLING = 10.0
"""Seconds that this may take; a member keeps its place meanwhile."""


def _is_coming_back(error: BaseException) -> bool:
    return isinstance(error, KafkaException) and error.args[0].code() in COMING_BACK


SETTLE = Retrying(
    retry=retry_if_exception(_is_coming_back), stop=stop_after_delay(SETTLING), wait=wait_fixed(0.2), reraise=True
)
"""Asks again meanwhile."""


class BatchReader:
    """Reads one topic as a member of a group."""

    def __init__(
        self,
        settings: Settings,
        topic: str,
        group: str,
        *,
        member: str = "",
        assigned: Assigned | None = None,
        revoked: Revoked | None = None,
    ) -> None:
        """Join a group; `member` is the static name of this worker."""
        self.topic = topic_name(topic, settings.ledger)
        self._assigned, self._revoked = assigned, revoked
        self._frames = frames_of(settings, topic)
        static = {"group.instance.id": f"{group}-{member}"} if member else {}
        self._fatal, self._is_leaving = "", False
        self._begun: dict[int, int] = {}
        own = {"group.id": group, "error_cb": self._on_error, "auto.offset.reset": "error"}
        self._consumer = Consumer(settings.kafka_client() | FETCHING | MEMBERSHIP | own | static)
        self._consumer.subscribe(
            [self.topic], on_assign=self._on_assign, on_revoke=self._on_revoke, on_lost=self._on_lost
        )

    def read(self, count: int, timeout: float) -> list[Records]:
        """Up to `count` records within `timeout` seconds, by partition.

        Raises:
            Unavailable: this reader is of no use any more; close it and open another.
            Misuse: we may not read this topic.
        """
        self._check()
        try:
            with uncollected():
                messages = self._consumer.consume(count, timeout)
                bad = failed(messages)
                records, broken = grouped(messages, bad, self._frames), broken_off(bad)
                del messages, bad
            for number in broken:
                self._fatal = self._broken_off(number)
        except KafkaException as error:
            raise Unavailable(f"Kafka: {error.args[0].str()}") from error
        # What consume raises, whatever its stub says, of a coordinator that has just come back.
        except KafkaError as error:  # type: ignore[misc]
            raise Unavailable(f"Kafka: {error.str()}") from error
        self._check()
        return records

    def commit(self, places: Mapping[int, Committed]) -> None:
        """Store by partition the offset of the next record to read, with what it names.

        Raises:
            Unavailable: one was not stored; this member may have lost the partition.
        """
        self._check()
        offsets = [
            TopicPartition(self.topic, number, place.offset, metadata=place.metadata)
            for number, place in places.items()
            if place.offset is not None
        ]
        try:
            SETTLE(self._store, offsets)
        except KafkaException as error:
            raise Unavailable(f"Kafka did not store an offset: {error.args[0].str()}") from error

    def _store(self, offsets: list[TopicPartition]) -> None:
        for stored in self._consumer.commit(offsets=offsets, asynchronous=False) or []:
            if stored.error:
                raise KafkaException(stored.error)

    def close(self) -> None:
        """Leave the group; what is given to us meanwhile is not taken up: a client that closes answers nothing."""
        self._is_leaving = True
        self._consumer.close()

    def _check(self) -> None:
        if self._fatal:
            raise Unavailable(f"Kafka put this reader out: {self._fatal}")

    def _broken_off(self, number: int) -> str:
        """Why what was to be read next is not there; where the tail is lost, nothing committed counts any more."""
        place = TopicPartition(self.topic, number)
        low, end = self._consumer.get_watermark_offsets(place, timeout=TIMEOUT)
        (read,) = self._consumer.position([place])
        at = read.offset if read.offset >= 0 else self._begun.get(number, OFFSET_BEGINNING)
        if at < low:
            return f"{self.topic}/{number} begins at {low} by now, and {max(at, 0)} was to be read"
        SETTLE(self._store, [TopicPartition(self.topic, number, low)])
        lost = f"{self.topic}/{number} lost its tail, and ends at {end}; it is read from the beginning"
        log.error("kafka: %s", lost)
        return lost

    def _on_error(self, error: KafkaError) -> None:
        """A fatal error comes here and nowhere else: reading on would give nothing for ever."""
        say(error)
        if is_fatal(error):
            self._fatal = error.str()

    def _on_assign(self, consumer: Any, places: list[TopicPartition]) -> None:
        if self._is_leaving:
            return
        stored = consumer.committed(places, timeout=TIMEOUT)
        spans = {place.partition: _span(consumer, place) for place in stored if place.offset >= 0}
        known = {place.partition: _counting(place, spans.get(place.partition)) for place in stored}
        lows = {number: low for number, (low, _) in spans.items()}
        starts = self._assigned(known) if self._assigned else {}
        for place in places:
            offset = starts.get(place.partition, known[place.partition].offset) or 0
            place.offset = OFFSET_BEGINNING if offset <= lows.get(place.partition, 0) else offset
        self._begun = {place.partition: place.offset for place in places}
        consumer.assign(places)

    def _on_lost(self, consumer: Any, places: Sequence[TopicPartition]) -> None:
        """No broker answered for a session, or another took our place."""
        log.warning("kafka: the group of %s does not answer: waiting for it", self.topic)
        self._on_revoke(consumer, places)

    def _on_revoke(self, consumer: Any, places: Sequence[TopicPartition]) -> None:
        del consumer
        if self._revoked:
            self._revoked([place.partition for place in places])


def _span(consumer: Any, place: TopicPartition) -> tuple[int, int]:
    """The first offset of a partition, and the one after the last."""
    low, end = consumer.get_watermark_offsets(place, timeout=TIMEOUT)
    return low, end


def _counting(place: TopicPartition, span: tuple[int, int] | None) -> Committed:
    """What is stored for a partition, if it still counts."""
    if span is None:
        return Committed(offset=None)
    low, end = span
    if place.offset > end:
        lost = "kafka: %s/%d ends at %d, and %d was committed: its tail is lost, and it is read from the beginning"
        log.error(lost, place.topic, place.partition, end, place.offset)
        return Committed(offset=low)
    if place.offset < low:
        gone = "kafka: %s/%d begins at %d, and %d was committed: retention took what was between, and it was never read"
        log.error(gone, place.topic, place.partition, low, place.offset)
    return Committed(offset=place.offset, metadata=place.metadata or "")
