"""A log in this process, for tests: what Kafka promises and no more, with faults on demand.

Rules:
- A record is in the log once it is acknowledged. Of what is not, any beginning of each partition's records may be there
  as well: of a flush that failed, and of a writer whose process died.
- A batch may be given again, late, or cut anywhere.
- A process has a view of the log, with faults of its own. One that dies leaves its places in the groups until they are
  taken over under its name, or until its sessions expire.
- Nothing waits and nothing runs by itself: a reader that has nothing to read says so at once.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from streams.core.errors import Unavailable, Undecodable
from streams.kafka.names import PROGRESS
from streams.kafka.ports import Assigned, Committed, Records, Revoked, Spans
from streams.kafka.topics import all_topics, partitions
from streams.settings import Settings
from tests.kafka.membership import Group

LARGEST = 1_000_000
"""Bytes of a record, as librdkafka and brokers have it by default."""

_Record = tuple[bytes | None, bytes | None]


def _nothing(_call: str, _topic: str) -> None:
    """Let every call be done."""


def _none(_count: int) -> int:
    """Keep nothing."""
    return 0


@dataclass(slots=True, kw_only=True)
class Faults:
    """What goes wrong next for one process; numbers count down call by call.

    Attributes:
        refused: flushes that write nothing and fail.
        unheard: flushes that write and fail.
        torn: flushes of which the log keeps some, and that fail.
        repeated: reads that will be given again.
        late: reads that give nothing, though there is something.
        unstored: commits that store nothing and fail.
        unheard_commits: commits that store and fail.
        most: records that a read gives at most.
        kept: of so many records of a partition that are not acknowledged, how many the log keeps.
        at: told the name and the topic of each call before it is done (of a flush, the topic that was written to last);
            it may raise, or let others go first.
    """

    refused: int = 0
    unheard: int = 0
    torn: int = 0
    repeated: int = 0
    late: int = 0
    unstored: int = 0
    unheard_commits: int = 0
    most: int = 1 << 62
    kept: Callable[[int], int] = _none
    at: Callable[[str, str], None] = _nothing

    def has(self, name: str) -> bool:
        """Is this fault due; it counts as done."""
        left: int = getattr(self, name)
        setattr(self, name, max(0, left - 1))
        return left > 0


@dataclass(slots=True)
class MemoryLog:
    """One ledger's records in this process, as one process sees them.

    Attributes:
        settings: of the ledger.
        faults: what goes wrong next.
        topics: records by topic and partition; None where compaction took one.
        stored: offsets by group, topic and partition.
        groups: the members of each group of a topic.
        writers: that were opened through this view.
        readers: likewise.
    """

    settings: Settings
    faults: Faults = field(default_factory=Faults)
    topics: dict[str, list[list[_Record | None]]] = field(default_factory=dict)
    stored: dict[tuple[str, str, int], Committed] = field(default_factory=dict)
    groups: dict[tuple[str, str], Group] = field(default_factory=dict)
    writers: list["MemoryWriter"] = field(default_factory=list)
    readers: list["MemoryReader"] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Make every topic there is."""
        for name, topic in all_topics().items() if not self.topics else ():
            self.topics[name] = [[] for _ in range(partitions(topic, self.settings))]

    def view(self, faults: Faults) -> "MemoryLog":
        """The same log as another process sees it."""
        return MemoryLog(self.settings, faults, self.topics, self.stored, self.groups)

    def writer(self) -> "MemoryWriter":
        """A writer."""
        self.writers.append(MemoryWriter(self))
        return self.writers[-1]

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
        self.readers.append(MemoryReader(self, topic, group, member, assigned, revoked))
        return self.readers[-1]

    def read_range(
        self,
        topic: str,
        starts: dict[int, int] | None = None,
        ends: dict[int, int] | None = None,
        *,
        count: int = 50_000,
    ) -> Iterator[Records]:
        """All records of a topic between offsets, without a group."""
        self.faults.at("range", topic)
        last = self.end_offsets(topic)
        for number, size in last.items():
            start = (starts or {}).get(number, 0)
            end = size if ends is None else min(size, ends.get(number, 0))
            for first in range(start, end, count):
                part = self.part(topic, number, first, min(end, first + count))
                if part.offsets:
                    yield part

    def end_offsets(self, topic: str) -> dict[int, int]:
        """The offset after the last record of each partition, as it is now."""
        return {number: len(records) for number, records in enumerate(self.topics[topic])}

    def spans(self, topic: str) -> Spans:
        """What each partition holds, as it is now; where retention took all of it, both offsets are the end."""
        ends = self.end_offsets(topic)
        firsts = {
            number: (offset for offset, record in enumerate(self.topics[topic][number]) if record is not None)
            for number in ends
        }
        return {number: (next(firsts[number], end), end) for number, end in ends.items()}

    def part(self, topic: str, number: int, start: int, end: int) -> Records:
        """Some records of a partition."""
        some = enumerate(self.topics[topic][number][start:end], start)
        found = [(offset, record) for offset, record in some if record is not None]
        return Records(
            partition=number,
            values=[record[1] for _, record in found],
            keys=[record[0] for _, record in found],
            offsets=[offset for offset, _ in found],
        )

    def next_offset(self, topic: str, number: int, start: int) -> int:
        """The offset of the first record from an offset on."""
        records = self.topics[topic][number]
        return next((offset for offset in range(start, len(records)) if records[offset] is not None), start)

    def compact(self, topic: str) -> None:
        """Take what a later record of the same key replaces."""
        for records in self.topics[topic]:
            last = {record[0]: offset for offset, record in enumerate(records) if record is not None}
            keep = set(last.values())
            records[:] = [record if offset in keep else None for offset, record in enumerate(records)]

    # the process

    def die(self) -> None:
        """The process is gone: of what its writers still held, some is in the log."""
        for writer in self.writers:
            writer.send(self.faults.kept)

    def expire(self) -> None:
        """The process was not heard of for too long: its groups go on without it."""
        for reader in self.readers:
            reader.expire()


class MemoryWriter:
    """Writes records of one ledger."""

    def __init__(self, log: MemoryLog) -> None:
        """Write to a log."""
        self.settings = log.settings
        self._log = log
        self._waiting: dict[tuple[str, int], list[_Record]] = {}
        self._dead, self._latest = False, ""

    def write(self, topic: str, key: bytes | None, value: bytes | None, partition: int = 0) -> None:
        """Hand over one record."""
        self._log.faults.at("write", topic)
        self._check()
        self._latest = topic
        if len(value or b"") + len(key or b"") > LARGEST:
            raise Undecodable(f"{len(value or b'')} bytes are too many for a record of {topic}")
        self._waiting.setdefault((topic, partition), []).append((key, value))

    def flush(self) -> None:
        """Wait until everything before is acknowledged."""
        faults = self._log.faults
        faults.at("flush", self._latest)
        self._check()
        if faults.has("refused"):
            self._dead, self._waiting = True, {}
        elif faults.has("torn"):
            self._dead = True
            self.send(faults.kept)
        else:
            self.send(lambda count: count)
            self._dead = faults.has("unheard")
        self._check()

    def send(self, kept: Callable[[int], int]) -> None:
        """What waits reaches the log, or the beginning of it; the rest is forgotten."""
        for (topic, partition), records in self._waiting.items():
            self._log.topics[topic][partition] += records[: kept(len(records))]
        self._waiting = {}

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
        self._members = log.groups.setdefault((group, topic), Group(len(log.topics[topic])))
        self._name = member or f"#{len(log.readers)}/{id(self)}"
        self._generation = self._members.join(self._name, self)
        self._places: dict[int, int] = {}

    def read(self, count: int, timeout: float) -> list[Records]:
        """Up to `count` records, by partition."""
        del timeout
        self._log.faults.at("read", self._topic)
        self._check()
        self._rebalance()
        faults = self._log.faults
        if faults.has("late"):
            return []
        count = min(count, faults.most)
        found = []
        for number, there in sorted(self._places.items(), key=lambda item: -self._left(*item)):
            place = self._log.next_offset(self._topic, number, there)
            part = self._log.part(self._topic, number, place, place + count)
            if part.offsets:
                found.append(part)
                count -= len(part.offsets)
        if not faults.has("repeated"):
            self._places |= {part.partition: part.offsets[-1] + 1 for part in found}
        return sorted(found, key=lambda part: part.partition)

    def commit(self, places: Mapping[int, Committed]) -> None:
        """Store by partition the offset of the next record to read, with what it names."""
        faults = self._log.faults
        faults.at("commit", self._topic)
        self._check()
        if not self._members.is_current(self._name, self._generation):
            raise Unavailable("Kafka did not store an offset: the group has gone on.")
        if faults.has("unstored"):
            raise Unavailable("Kafka did not store an offset: it did not answer.")
        for number, place in places.items():
            self._log.stored[self._group, self._topic, number] = place
        if faults.has("unheard_commits"):
            raise Unavailable("Kafka did not store an offset: it did not answer.")

    def close(self) -> None:
        """Leave the group."""
        if self._members.has(self._name, self):
            self._lose()
            self._members.leave(self._name)

    def expire(self) -> None:
        """The group goes on without this member."""
        if self._members.has(self._name, self):
            self._members.leave(self._name)

    def _left(self, number: int, place: int) -> int:
        return len(self._log.topics[self._topic][number]) - place

    def _rebalance(self) -> None:
        """Give up what is ours when the group changes, and take our share when all have."""
        if not self._members.is_current(self._name, self._generation) or self._members.is_changing:
            self._lose()
            self._generation = self._members.rejoin(self._name, self)
        share = self._members.share(self._name)
        generation = self._members.generation
        if share is not None and self._generation != generation:
            self._take(share)
            self._generation = generation

    def _take(self, share: list[int]) -> None:
        nothing = Committed(offset=None, metadata="")
        known = {number: self._log.stored.get((self._group, self._topic, number), nothing) for number in share}
        for number, (low, end) in self._log.spans(self._topic).items():
            if number in known and (known[number].offset or 0) > end:
                known[number] = Committed(offset=low)
        starts = self._assigned(known) if self._assigned else {}
        self._places = {number: starts.get(number, place.offset or 0) for number, place in known.items()}

    def _lose(self) -> None:
        if self._places and self._revoked:
            self._revoked(list(self._places))
        self._places = {}

    def _check(self) -> None:
        if self._members.is_replaced(self._name, self):
            raise Unavailable("Kafka put this reader out.")


def put(log: MemoryLog, topic: str, records: Iterable[tuple[bytes, bytes]], partition: int = 0) -> None:
    """Write records and wait for them."""
    writer = log.writer()
    for key, value in records:
        writer.write(topic, key, value, partition)
    writer.flush()


def told(*records: tuple[bytes, bytes]) -> MemoryLog:
    """A ledger whose sources said something."""
    log = MemoryLog(Settings())
    put(log, PROGRESS, records)
    return log
