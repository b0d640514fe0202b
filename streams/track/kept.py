"""What of a partition is in the snapshots topic."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from streams.core.clock import BEGINNING
from streams.core.errors import Undecodable
from streams.kafka.names import SNAPSHOTS
from streams.kafka.ports import Log
from streams.track import segments
from streams.track.part import Part
from streams.track.segments import Lists

GENERATIONS = 60
"""Generations of changed rows after which all may be written anew, so that recovery reads no row too often."""


@dataclass(slots=True)
class Kept:
    """What of a partition is in the snapshots topic, and what was told of its queues.

    Attributes:
        generations: that count, with their numbers of segments.
        number: of the last of them.
        manifest: id of the manifest that names them.
        heap: names that were kept.
        learned: links that were kept.
        offset: what comes after what was kept.
        counted: what comes after what was there when its queues were counted last.
        since: the tick from which on they are counted; what was told of later ones before would stand.
        queues: that owed something when they were told last.
        lists: that were kept.
        found: keys that were there when it came.
    """

    generations: list[tuple[str, int]] = field(default_factory=list)
    number: int = 0
    manifest: str = ""
    heap: int = 0
    learned: int = 0
    offset: int = -1
    counted: int = -1
    since: int = BEGINNING + 1
    queues: set[tuple[str, str]] = field(default_factory=set)
    lists: Lists = field(default_factory=Lists)
    found: set[bytes] = field(default_factory=set)

    def is_uncounted(self, part: Part) -> bool:
        """Are its queues to be counted: something came since, and its clock is where it was before."""
        return part.offset > self.counted and part.clock.through >= self.since

    def is_due_anew(self, part: Part) -> bool:
        """Is everything to be written: rows have other numbers, or more was written since than there is."""
        first, *rest = (count for _, count in self.generations) if self.generations else (0,)
        return part.renumbered or (len(rest) >= GENERATIONS and sum(rest) >= first)


Held = dict[bytes, bytes]
"""Records of one partition's snapshots, by key."""


def snapshots(records: Log, partitions: Iterable[int]) -> dict[int, Held]:
    """All live records of the snapshots topic that belong to some partitions."""
    held: dict[bytes, Held] = {str(number).encode(): {} for number in partitions}
    for batch in records.read_range(SNAPSHOTS, count=2000) if held else ():
        for key, value in zip(batch.keys, batch.values, strict=True):
            of = held.get((key or b"").partition(b"/")[2].partition(b"/")[0])
            if key is None or of is None:
                continue
            if value is None:
                of.pop(key, None)
            else:
                of[key] = value
    return {int(number): of for number, of in held.items()}


def keys(partition: int, generations: Iterable[tuple[str, int]]) -> Iterator[bytes]:
    """The keys of the segments of generations, in order."""
    return (segments.segment_key(partition, name, n) for name, count in generations for n in range(count))


def there(held: Held, partition: int, generations: Iterable[tuple[str, int]]) -> list[bytes]:
    """The segments of generations, in order.

    Raises:
        Undecodable: one is missing.
    """
    found = [held.get(key) for key in keys(partition, generations)]
    if None in found:
        raise Undecodable("a segment is missing")
    return [one for one in found if one is not None]
