"""What Custody finds in a world: its events through the tracker's own parts, in process, with the clock's ticks.

The events are encoded and partitioned as a writer would; the parts decode, fold and find as a worker would.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from streams.core.events import MessageEvent
from streams.core.identity import partition_of
from streams.core.terms import Terms
from streams.kafka.ports import Records
from streams.simulate.pace import Wait, at_once
from streams.simulate.reading import Beat
from streams.track import ticks
from streams.track.part import Part
from streams.wire import envelope

LEDGER = "simulated"

Told = Callable[[int], None]
"""Told how far the clock is, microseconds."""


Batches = Iterable[tuple[int, Sequence[MessageEvent]]]
"""(time of reading, events), by time."""


def log(
    beats: Sequence[Beat], batches: Batches, *, whole: bool = False, wait: Wait = at_once
) -> Iterator[Sequence[MessageEvent] | Beat]:
    """The log of a world: events and ticks, in its order.

    Args:
        beats: the ticks.
        batches: the events.
        whole: a batch holds all that could be read by its time, and so comes before the tick of that time.
        wait: waits for the moment of each.
    """
    waiting = iter(beats)
    beat = next(waiting, None)
    for read_at, some in batches:
        while beat is not None and (beat.at < read_at or (beat.at == read_at and not whole)):
            wait(beat.at)
            yield beat
            beat = next(waiting, None)
        wait(read_at)
        yield some
    if beat is not None:
        yield beat
        yield from waiting


@dataclass(slots=True)
class _Batch:
    """Records of one partition that were not taken yet."""

    values: list[bytes | None] = field(default_factory=list)
    keys: list[bytes | None] = field(default_factory=list)
    offset: int = 0

    def take(self, partition: int) -> Records:
        """Records of the batch; it is empty after."""
        values, keys, first = self.values, self.keys, self.offset
        self.values, self.keys, self.offset = [], [], first + len(values)
        return Records(partition=partition, values=values, keys=keys, offsets=list(range(first, self.offset)))


def alerts(
    written: Iterable[Sequence[MessageEvent] | Beat],
    terms: Terms,
    *,
    partitions: int = 8,
    every: int = 10,
    told: Told | None = None,
) -> list[dict[str, Any]]:
    """Every alert record that Custody writes for a log.

    Args:
        written: see `log`.
        terms: that are in force.
        partitions: of the ledger.
        every: ticks after which findings are looked for.
        told: told of every such look.
    """
    parts = [Part.empty(number, terms) for number in range(partitions)]
    batches = [_Batch() for _ in parts]
    found: list[dict[str, Any]] = []
    since = 0
    for one in written:
        if isinstance(one, Beat):
            value = ticks.encoded(one.tick(terms), LEDGER)
            for batch in batches:
                batch.values.append(value)
                batch.keys.append(b"")
            since += 1
            if since == every:
                since = 0
                found += _taken(parts, batches)
                if told is not None:
                    told(one.through)
        else:
            _append(batches, one)
    return found + _taken(parts, batches)


def _append(batches: list[_Batch], some: Iterable[MessageEvent]) -> None:
    for event in some:
        batch = batches[partition_of(event.message_key, len(batches))]
        batch.values.append(envelope.encode(event))
        batch.keys.append(event.message_key.encode())


def _taken(parts: list[Part], batches: list[_Batch]) -> list[dict[str, Any]]:
    return [
        alert
        for part, batch in zip(parts, batches, strict=True)
        for alert in part.take(batch.take(part.partition)).alerts
    ]
