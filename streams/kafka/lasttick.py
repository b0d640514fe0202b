"""How far the clock of a ledger is, as its log says: the last tick of each partition.

Rules:
- Ticks are found among the last records, fewer first: an import writes many, and none of them is one.
"""

from collections.abc import Iterator

from streams.core.clock import BEGINNING, Tick
from streams.core.errors import Undecodable
from streams.core.events import Kind, MessageEvent
from streams.kafka.names import EVENTS
from streams.kafka.ports import Log
from streams.wire import envelope

REACH = (1_000, 30_000, 1_000_000)
"""Records before the end of a partition among which its last tick is looked for, one after the other."""


def last_ticks(records: Log) -> list[Tick]:
    """The last tick of each partition; one at BEGINNING where there is none among the last of its records.

    Raises:
        Unavailable: the brokers do not answer.
    """
    return [_last(records, number, end) for number, end in records.end_offsets(EVENTS).items()]


def _last(records: Log, partition: int, end: int) -> Tick:
    until = end
    for reach in REACH:
        start = max(0, end - reach)
        if found := list(_between(records, partition, start, until)):
            return max(found, key=lambda tick: tick.through)
        until = start
    return Tick(through=BEGINNING)


def _between(records: Log, partition: int, start: int, end: int) -> Iterator[Tick]:
    for batch in records.read_range(EVENTS, {partition: start}, {partition: end}) if start < end else ():
        for key, value in zip(batch.keys, batch.values, strict=True):
            event = None if key else _event(value)
            if event is not None and event.kind is Kind.TICK:
                yield Tick.read(event.occurred_at, event.attributes)


def _event(value: bytes | None) -> MessageEvent | None:
    try:
        return envelope.decode(value)
    except Undecodable:
        return None
