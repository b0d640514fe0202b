"""A ledger in the real engine, filled with hand-made events as the feed fills it, and what the core finds in them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import msgspec

from streams.core.clock import BEGINNING, Clock, Tick
from streams.core.custody import Custody
from streams.core.events import Kind, MessageEvent
from streams.core.facts import facts, frame_of
from streams.core.findings import findings
from streams.core.identity import partition_of
from streams.core.lattice import NEVER
from streams.core.terms import SECOND, Terms
from streams.settings import Settings
from streams.warehouse.client import ask, connect
from streams.warehouse.derive import derive
from streams.warehouse.migrations import migrate
from streams.warehouse.rows import rows
from streams.wire import envelope

Alarm = tuple[int, int | None, int | None, bool]
"""Raised, cleared, due (microseconds), and proven."""

Found = dict[tuple[str, bytes], Alarm]
"""By rule and unit."""

READ = 4_102_444_800_000_000
"""2100: evidence that was read long ago is not kept."""


@dataclass(slots=True)
class Ledger:
    """Some partitions of events, in the engine and in the core.

    Attributes:
        client: of the ledger's database.
        terms: what is owed.
        partitions: how many.
    """

    client: Any
    terms: Terms
    partitions: int = 1
    _custody: dict[int, Custody] = field(default_factory=dict)
    _clocks: dict[int, Clock] = field(default_factory=dict)
    _offsets: dict[int, int] = field(default_factory=dict)

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
            self._custody_of(number).fold(facts(frame_of(some), self._clock_of(number).through))
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
            self._clock_of(number).hear(tick)

    def derive(self) -> int:
        """Derive in SQL what changed."""
        return derive(self.client, self.terms)

    def told(self) -> Found:
        """What the core finds."""
        found: Found = {}
        for number, custody in self._custody.items():
            for one in findings(custody, self._clock_of(number)):
                keys = (custody.legs if one.subject == "leg" else custody.entries).index.keys
                end = self._clock_of(number).through
                for row, *times, proven in zip(
                    one.rows.tolist(), one.raised.tolist(), one.cleared.tolist(), one.due.tolist(), one.proven.tolist(),
                    strict=True,
                ):  # fmt: skip
                    raised, cleared, due = times
                    unit = keys[row].tobytes().ljust(16, b"\0")
                    found[one.rule, unit] = (
                        raised,
                        cleared if cleared <= end else None,
                        None if due == NEVER else due,
                        proven,
                    )
        return found

    def derived(self) -> Found:
        """What SQL finds, but for findings about sources."""
        return {
            (row["rule"], row["unit"]): (row["raised"], row["cleared"], row["late"], bool(row["proven"]))
            for row in self.ask(
                "SELECT rule, unit, toUnixTimestamp64Micro(raised_at) AS raised, proven,"
                " toUnixTimestamp64Micro(cleared_at) AS cleared, toUnixTimestamp64Micro(due) AS late"
                " FROM alarms WHERE NOT startsWith(rule, 'source-')"
            )
        }

    def ask(self, question: str, **parameters: Any) -> list[dict[str, Any]]:
        """The rows of a question."""
        return ask(self.client, question, parameters)

    def _feed(self, number: int, events: Sequence[MessageEvent]) -> None:
        values = [envelope.encode(msgspec.structs.replace(event, observed_at=READ)) for event in events]
        keys = [event.message_key.encode() for event in events]
        first = self._offsets.get(number, 0)
        offsets = range(first, first + len(events))
        read = rows(values, keys, number, offsets, self._clock_of(number).through)
        self._offsets[number] = first + len(events)
        for table, some in (("event_records", read.events), ("ticks", read.ticks)):
            if len(some):
                self.client.insert_arrow(table, some)

    def _custody_of(self, number: int) -> Custody:
        return self._custody.setdefault(number, Custody(terms=self.terms))

    def _clock_of(self, number: int) -> Clock:
        return self._clocks.setdefault(number, Clock(through=BEGINNING))
