"""What a log of records can do for us, whoever keeps it: Kafka, or a double in this process."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import compress
from typing import Protocol

from streams.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Records:
    """Consecutive records of one partition.

    Attributes:
        partition: their partition.
        values: as they are; None is a tombstone.
        keys: likewise.
        offsets: of each.
    """

    partition: int
    values: list[bytes | None]
    keys: list[bytes | None]
    offsets: list[int]

    def some(self, which: slice) -> "Records":
        """Some of them."""
        values, keys, offsets = self.values[which], self.keys[which], self.offsets[which]
        return Records(partition=self.partition, values=values, keys=keys, offsets=offsets)

    def those(self, which: Iterable[bool]) -> "Records":
        """Those of which it is so."""
        taken = list(which)
        values, keys = list(compress(self.values, taken)), list(compress(self.keys, taken))
        return Records(partition=self.partition, values=values, keys=keys, offsets=list(compress(self.offsets, taken)))


Place = tuple[int, int]
"""Of a record in its topic: partition and offset."""

Spans = dict[int, tuple[int, int]]
"""By partition: the first offset, and the one after the last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Committed:
    """What a group stored for a partition.

    Attributes:
        offset: of the next record to read; None where nothing is stored.
        metadata: what was said when it was stored; nothing where the tail of the log was lost, which is then read from
            the beginning.
    """

    offset: int | None
    metadata: str = ""


Assigned = Callable[[dict[int, Committed]], dict[int, int]]
"""Told the partitions and what is stored for them; answers from where to read each."""

Revoked = Callable[[Sequence[int]], None]


class RecordWriter(Protocol):
    """Writes records of one ledger.

    Attributes:
        settings: of the ledger.
    """

    settings: Settings

    def write(self, topic: str, key: bytes | None, value: bytes | None, partition: int = 0) -> None:
        """Hand over one record; blocks while the buffer is full.

        Raises:
            Undecodable: no record can hold it; the writer lives on.
            Unavailable: the writer is dead.
        """
        ...

    def flush(self) -> None:
        """Wait until everything before is acknowledged.

        Raises:
            Unavailable: something was not; the writer is dead.
        """
        ...


class RecordReader(Protocol):
    """Reads one topic as a member of a group."""

    def read(self, count: int, timeout: float) -> list[Records]:
        """Up to `count` records within `timeout` seconds, by partition.

        Raises:
            Unavailable: this reader is of no use any more; close it and open another.
        """
        ...

    def commit(self, places: Mapping[int, Committed]) -> None:
        """Store by partition the offset of the next record to read, with what it names.

        Raises:
            Unavailable: one was not stored; this member may have lost the partition.
        """
        ...

    def close(self) -> None:
        """Leave the group."""
        ...


class Log(Protocol):
    """Opens what reads and writes one ledger's records.

    Attributes:
        settings: of the ledger.
    """

    settings: Settings

    def writer(self) -> RecordWriter:
        """A writer."""
        ...

    def reader(
        self,
        topic: str,
        group: str,
        *,
        member: str = "",
        assigned: Assigned | None = None,
        revoked: Revoked | None = None,
    ) -> RecordReader:
        """A member of a group; `member` is the static name of this worker."""
        ...

    def read_range(
        self,
        topic: str,
        starts: dict[int, int] | None = None,
        ends: dict[int, int] | None = None,
        *,
        count: int = 50_000,
    ) -> Iterator[Records]:
        """All records of a topic between offsets, without a group."""
        ...

    def end_offsets(self, topic: str) -> dict[int, int]:
        """The offset after the last record of each partition, as it is now."""
        ...

    def spans(self, topic: str) -> Spans:
        """What each partition holds, as it is now; where retention took all of it, both offsets are the end."""
        ...
