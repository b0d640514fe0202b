"""The log at real brokers."""

from collections.abc import Iterator

from streams.kafka.ports import Assigned, Records, Revoked, Spans
from streams.kafka.ranges import end_offsets, read_range, spans
from streams.kafka.reader import BatchReader
from streams.kafka.writer import Writer
from streams.settings import Settings


class KafkaLog:
    """Opens what reads and writes one ledger's records in Kafka."""

    def __init__(self, settings: Settings) -> None:
        """Name the ledger; nothing is opened yet."""
        self.settings = settings

    def writer(self) -> Writer:
        """A writer."""
        return Writer(self.settings)

    def reader(
        self,
        topic: str,
        group: str,
        *,
        member: str = "",
        assigned: Assigned | None = None,
        revoked: Revoked | None = None,
    ) -> BatchReader:
        """A member of a group; `member` is the static name of this worker."""
        return BatchReader(self.settings, topic, group, member=member, assigned=assigned, revoked=revoked)

    def read_range(
        self,
        topic: str,
        starts: dict[int, int] | None = None,
        ends: dict[int, int] | None = None,
        *,
        count: int = 50_000,
    ) -> Iterator[Records]:
        """All records of a topic between offsets, without a group."""
        return read_range(self.settings, topic, starts, ends, count=count)

    def end_offsets(self, topic: str) -> dict[int, int]:
        """The offset after the last record of each partition, as it is now."""
        return end_offsets(self.settings, topic)

    def spans(self, topic: str) -> Spans:
        """What each partition holds, as it is now; where retention took all of it, both offsets are the end."""
        return spans(self.settings, topic)
