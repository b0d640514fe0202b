"""Ticks into every partition of the log."""

from streams.core.clock import Tick
from streams.core.events import Kind, MessageEvent
from streams.core.identity import fact_id
from streams.kafka.ports import RecordWriter
from streams.wire import envelope

_NOWHERE = bytes(16)


def write(writer: RecordWriter, tick: Tick) -> None:
    """Append a tick to every partition and wait until all have it."""
    event = MessageEvent(
        event_id=fact_id(Kind.TICK, writer.settings.ledger, "", tick.through),
        kind=Kind.TICK,
        occurred_at=tick.through,
        observed_at=tick.through,
        leg=_NOWHERE,
        message_key="",
        source="clock",
        attributes=tick.attributes(),
    )
    value = envelope.encode(event)
    for partition in range(writer.settings.partitions):
        writer.write("message-events", b"", value, partition)
    writer.flush()
