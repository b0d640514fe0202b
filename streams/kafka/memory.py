"""A log in this process, for tests: what Kafka promises and no more, with faults on demand.

Rules:
- Records are in the log once they are flushed; a flush whose acknowledgement is lost leaves them there, and says that
  it failed.
- A group gives its partitions to its members in turn; a member that comes back under its name puts the older one out.
- Nothing waits and nothing runs by itself: a reader that has nothing to read says so at once.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from streams.core.errors import Unavailable, Undecodable
from streams.kafka.ports import Assigned, Committed, Records, Revoked
from streams.kafka.topics import all_topics, partitions
from streams.settings import Settings

LARGEST = 1_000_000
"""Bytes of a record, as librdkafka and brokers have it by default."""

_Record = tuple[bytes | None, bytes | None]


@dataclass(slots=True, kw_only=True)
class Faults:
    """What goes wrong next.

    Attributes:
        refused: flushes that write nothing and fail.
        unheard: flushes that write and fail.
        repeated: reads that will be given again.
    """

    refused: int = 0
    unheard: int = 0
    repeated: int = 0


@dataclass(slots=True)
class MemoryLog:
    """One ledger's records in this process.

    Attributes:
        settings: of the ledger.
        faults: what goes wrong next.
        topics: records by topic and partition.
        stored: offsets by group, topic and partition.
        groups: the members of each group of a topic, by name.
    """

    settings: Settings
    faults: Faults = field(default_factory=Faults)
    topics: dict[str, list[list[_Record]]] = field(default_factory=dict)
    stored: dict[tuple[str, str, int], Committed] = field(default_factory=dict)
    groups: dict[tuple[str, str], dict[str, "MemoryReader"]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Make every topic there is."""
        for name, topic in all_topics().items():
            self.topics[name] = [[] for _ in range(partitions(topic, self.settings))]

    def writer(self) -> "MemoryWriter":
        """A writer."""
        return MemoryWriter(self)

    def reader(
        self,
        topic: str,
        group: str,
        *,
        member: str = "",
        assigned: Assigned | None = None,
        revoked: Revoked | None = None,
    ) -> "MemoryReader":
        """A member of a group; `member` is the static name of this worker."""
        return MemoryReader(self, topic, group, member, assigned, revoked)

    def read_range(
        self,
        topic: str,
        starts: dict[int, int] | None = None,
        ends: dict[int, int] | None = None,
        *,
        count: int = 50_000,
    ) -> Iterator[Records]:
        """All records of a topic between offsets, without a group."""
        last = self.end_offsets(topic)
        for number, size in last.items():
            start = (starts or {}).get(number, 0)
            end = size if ends is None else min(size, ends.get(number, 0))
            for first in range(start, end, count):
                yield self.part(topic, number, first, min(end, first + count))

    def end_offsets(self, topic: str) -> dict[int, int]:
        """The offset after the last record of each partition, as it is now."""
        return {number: len(records) for number, records in enumerate(self.topics[topic])}

    def part(self, topic: str, number: int, start: int, end: int) -> Records:
        """Some records of a partition."""
        found = self.topics[topic][number][start:end]
        return Records(
            partition=number,
            values=[value for _, value in found],
            keys=[key for key, _ in found],
            offsets=list(range(start, start + len(found))),
        )


class MemoryWriter:
    """Writes records of one ledger."""

    def __init__(self, log: MemoryLog) -> None:
        """Write to a log."""
        self.settings = log.settings
        self._log = log
        self._waiting: list[tuple[str, int, _Record]] = []
        self._dead = False

    def write(self, topic: str, key: bytes | None, value: bytes | None, partition: int = 0) -> None:
        """Hand over one record."""
        self._check()
        if len(value or b"") + len(key or b"") > LARGEST:
            raise Undecodable(f"{len(value or b'')} bytes are too many for a record of {topic}")
        self._waiting.append((topic, partition, (key, value)))

    def flush(self) -> None:
        """Wait until everything before is acknowledged."""
        self._check()
        faults = self._log.faults
        if faults.refused:
            faults.refused -= 1
            self._dead = True
            self._check()
        for topic, partition, record in self._waiting:
            self._log.topics[topic][partition].append(record)
        self._waiting = []
        if faults.unheard:
            faults.unheard -= 1
            self._dead = True
        self._check()

    def _check(self) -> None:
        if self._dead:
            raise Unavailable("A record was not acknowledged.", hint="start again from the last checkpoint")


class MemoryReader:
    """Reads one topic as a member of a group."""

    def __init__(
        self,
        log: MemoryLog,
        topic: str,
        group: str,
        member: str,
        assigned: Assigned | None,
        revoked: Revoked | None,
    ) -> None:
        """Join a group; what it gives comes with the next read."""
        self._log, self._topic, self._group = log, topic, group
        self._assigned, self._revoked = assigned, revoked
        self._members = log.groups.setdefault((group, topic), {})
        self._name = member or f"#{id(self)}"
        self._members.pop(self._name, None)
        self._members[self._name] = self
        self._places: dict[int, int] = {}

    def read(self, count: int, timeout: float) -> list[Records]:
        """Up to `count` records, by partition."""
        del timeout
        self._check()
        self._rebalance()
        found = []
        for number, place in self._places.items():
            part = self._log.part(self._topic, number, place, place + count)
            if part.offsets:
                found.append(part)
                count -= len(part.offsets)
        self._advance(found)
        return found

    def commit(self, partition: int, offset: int, metadata: str = "") -> None:
        """Store the offset of the next record to read, with what it names."""
        self._check()
        self._log.stored[self._group, self._topic, partition] = Committed(offset=offset, metadata=metadata)

    def seek(self, partition: int, offset: int) -> None:
        """Read a partition again from an offset."""
        if partition not in self._places:
            raise Unavailable("Kafka: the partition is not ours.")
        self._places[partition] = offset

    def close(self) -> None:
        """Leave the group."""
        if self._members.get(self._name) is self:
            self._lose()
            del self._members[self._name]

    def _advance(self, found: list[Records]) -> None:
        if found and self._log.faults.repeated:
            self._log.faults.repeated -= 1
            return
        self._places |= {part.partition: part.offsets[-1] + 1 for part in found}

    def _rebalance(self) -> None:
        """Take what is ours by turn, and give up what is not."""
        names = list(self._members)
        every = range(len(self._log.topics[self._topic]))
        mine = [number for number in every if names[number % len(names)] == self._name]
        if mine != sorted(self._places):
            self._lose()
            nothing = Committed(offset=None, metadata="")
            known = {number: self._log.stored.get((self._group, self._topic, number), nothing) for number in mine}
            starts = self._assigned(known) if self._assigned else {}
            self._places = {number: starts.get(number, place.offset or 0) for number, place in known.items()}

    def _lose(self) -> None:
        if self._places and self._revoked:
            self._revoked(list(self._places))
        self._places = {}

    def _check(self) -> None:
        if self._members.get(self._name) is not self:
            raise Unavailable("Kafka put this reader out.")
