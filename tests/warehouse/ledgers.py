"""A ledger in the real engine, filled with hand-made events as the feed fills it, and what the stream tells of them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import msgspec

from streams.core.answers import report_states
from streams.core.clock import BEGINNING, Tick
from streams.core.events import Kind, MessageEvent
from streams.core.identity import partition_of
from streams.core.terms import SECOND, Terms
from streams.kafka.reader import Records
from streams.settings import Settings
from streams.track.part import Part
from streams.warehouse.client import ask, connect
from streams.warehouse.derive import derive
from streams.warehouse.migrations import migrate
from streams.warehouse.rows import rows
from streams.wire import envelope

Alarm = tuple[int, int | None, int | None, bool, bool]
"""Raised, cleared, due (microseconds), proven, and withdrawn."""

Found = dict[tuple[str, bytes], Alarm]
"""By rule and unit."""

READ = 4_102_444_800_000_000
"""2100: evidence that was read long ago is not kept."""


@dataclass(slots=True)
class Ledger:
    """Some partitions of events, in the engine and in the stream.

    Attributes:
        client: of the ledger's database.
        terms: what is owed.
        partitions: how many.
    """

    client: Any
    terms: Terms
    partitions: int = 1
    _parts: dict[int, Part] = field(default_factory=dict)
    _clocks: dict[int, int] = field(default_factory=dict)
    _alerts: list[dict[str, Any]] = field(default_factory=list)

    @classmethod
    def made(cls, stack: Settings, name: str, terms: Terms, partitions: int = 1) -> Self:
        """An empty ledger."""
        settings = msgspec.structs.replace(stack, ledger=name)
        migrate(settings)
        return cls(connect(settings), terms, partitions)

    def write(self, events: Iterable[MessageEvent]) -> None:
        """Append events to their partitions, and feed them."""
        parts: dict[int, list[MessageEvent]] = {}
        for event in events:
            parts.setdefault(partition_of(event.message_key, self.partitions), []).append(event)
        for number, some in parts.items():
            self._feed(number, some)

    def tick(self, at: float, **said: Any) -> None:
        """Append a tick to every partition, and feed it."""
        tick = Tick(through=round(at * SECOND), **said)
        event = MessageEvent(
            event_id=bytes(16),
            kind=Kind.TICK,
            occurred_at=tick.through,
            observed_at=tick.through,
            leg=bytes(16),
            message_key="",
            attributes=tick.attributes(),
        )
        for number in range(self.partitions):
            self._feed(number, [event])

    def derive(self) -> int:
        """Derive in SQL what changed."""
        return derive(self.client, self.terms)

    def told(self) -> Found:
        """What the stream has told."""
        found: Found = {}
        for one in self._alerts:
            raised, _, due, proven, _ = found.get((one["rule"], one["unit"]), (0, None, None, False, False))
            if one["state"] == "raised":
                found[one["rule"], one["unit"]] = one["at"], None, one.get("due"), one.get("proven", False), False
            else:
                taken = "withdrawn" in one.get("attributes", ())
                found[one["rule"], one["unit"]] = raised, one["at"], due, proven, taken
        return found

    def derived(self) -> Found:
        """What SQL finds."""
        return {
            (row["rule"], row["unit"]): (
                row["raised"],
                row["cleared"],
                row["late"],
                bool(row["proven"]),
                bool(row["withdrawn"]),
            )
            for row in self.ask(
                "SELECT rule, unit, toUnixTimestamp64Micro(raised_at) AS raised, proven, withdrawn,"
                " toUnixTimestamp64Micro(cleared_at) AS cleared, toUnixTimestamp64Micro(due) AS late"
                " FROM alarms"
            )
        }

    def report_states(self) -> dict[bytes, str]:
        """The state of each unit's report, as the stream knows it."""
        found: dict[bytes, str] = {}
        for part in self._parts.values():
            legs, states = report_states(part.custody, part.clock)
            keys = part.custody.legs.index.keys[legs]
            found |= {key.tobytes(): state.value for key, state in zip(keys, states, strict=True)}
        return found

    def ask(self, question: str, **parameters: Any) -> list[dict[str, Any]]:
        """The rows of a question."""
        return ask(self.client, question, parameters)

    def _feed(self, number: int, events: Sequence[MessageEvent]) -> None:
        part = self._parts.setdefault(number, Part.empty(number, self.terms))
        values: list[bytes | None] = [
            envelope.encode(msgspec.structs.replace(event, observed_at=READ)) for event in events
        ]
        keys: list[bytes | None] = [event.message_key.encode() for event in events]
        offsets = list(range(part.offset, part.offset + len(events)))
        read = rows(values, keys, number, offsets, self._clocks.get(number, BEGINNING))
        self._clocks[number] = read.clock
        self._alerts += part.take(Records(partition=number, values=values, keys=keys, offsets=offsets)).alerts
        for table, some in (("event_records", read.events), ("ticks", read.ticks)):
            if len(some):
                self.client.insert_arrow(table, some)


def assert_agree(ledger: Ledger) -> None:
    """SQL finds what the stream told, row by row, and what it withdrew."""
    told, derived = ledger.told(), ledger.derived()
    assert {key: one for key, one in told.items() if derived.get(key) != one} == {}
    assert derived.keys() == told.keys()
