"""A ledger in the real engine, filled with hand-made events as the feed fills it, and what the stream tells of them."""

import weakref
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Self

import msgspec

from streams.core.answers import report_states
from streams.core.clock import BEGINNING, Tick
from streams.core.events import Kind, MessageEvent
from streams.core.identity import partition_of
from streams.core.queues import queues
from streams.core.terms import SECOND, Terms
from streams.kafka.names import EVENTS
from streams.kafka.ports import Records
from streams.settings import Settings
from streams.track.part import Part
from streams.warehouse.client import ask, connect
from streams.warehouse.derive import derivation, derive, is_derived
from streams.warehouse.fed import COLUMNS
from streams.warehouse.questions import Warehouse
from streams.warehouse.rows import rows
from streams.wire import envelope
from tests.warehouse import known, spare

Alarm = tuple[int, int | None, int | None, bool, bool]
"""Raised, cleared, due (microseconds), proven, and withdrawn."""

Found = dict[tuple[str, bytes], Alarm]
"""By rule and unit."""

READ = 4_102_444_800_000_000
"""2100: evidence that was read long ago is not kept."""


@dataclass(slots=True)
class Stream:
    """What the tracker knows of some partitions, and what it told.

    Attributes:
        terms: what is owed.
        parts: by partition, its state.
    """

    terms: Terms
    parts: dict[int, Part] = field(default_factory=dict)
    _alerts: list[dict[str, Any]] = field(default_factory=list)

    def take(self, records: Records) -> None:
        """Read records of a partition."""
        part = self.parts.setdefault(records.partition, Part.empty(records.partition, self.terms))
        self._alerts += part.take(records).alerts

    def told(self) -> Found:
        """What it has told."""
        found: Found = {}
        for one in self._alerts:
            raised, _, due, proven, _ = found.get((one["rule"], one["unit"]), (0, None, None, False, False))
            if one["state"] == "raised":
                found[one["rule"], one["unit"]] = one["at"], None, one.get("due"), one.get("proven", False), False
            else:
                taken = "withdrawn" in one.get("attributes", ())
                found[one["rule"], one["unit"]] = raised, one["at"], due, proven, taken
        return found


@dataclass(slots=True, weakref_slot=True)
class Ledger:
    """Some partitions of events, in the engine and in the stream.

    Attributes:
        client: of the ledger's database.
        terms: what is owed.
        partitions: how many.
        stream: the tracker that has read all of them.
    """

    client: Any
    terms: Terms
    partitions: int = 1
    stream: Stream = field(init=False)
    _log: dict[int, list[MessageEvent]] = field(default_factory=dict)
    _clocks: dict[int, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """The stream has read nothing."""
        self.stream = Stream(self.terms)

    @classmethod
    def made(cls, stack: Settings, terms: Terms, partitions: int = 1) -> Self:
        """An empty ledger; its database is another's once nobody holds this."""
        database = spare.taken(stack)
        made = cls(connect(database.settings), terms, partitions)
        weakref.finalize(made, database.free)
        return made

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
        return self.stream.told()

    def derived_from(self) -> Stream:
        """A stream of its own that has read what the last derivation was made of: its vector of offsets, its clock."""
        last, stream = derivation(self.client), Stream(self.terms)
        for number, after in last.offsets.items():
            log = self._log[number]
            ticks = [one for one in log[after:] if one.kind is Kind.TICK and one.occurred_at <= last.clock.through]
            stream.take(_records(number, [*log[:after], *ticks], 0))
        return stream

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
        for part in self.stream.parts.values():
            legs, states = report_states(part.custody, part.clock)
            keys = part.custody.legs.index.keys[legs]
            found |= {key.tobytes(): state.value for key, state in zip(keys, states, strict=True)}
        return found

    def ask(self, question: str, **parameters: Any) -> list[dict[str, Any]]:
        """The rows of a question."""
        return ask(self.client, question, parameters)

    def _feed(self, number: int, events: Sequence[MessageEvent]) -> None:
        log = self._log.setdefault(number, [])
        records = _records(number, events, len(log))
        log.extend(events)
        read = rows(records.values, records.keys, number, records.offsets, self._clocks.get(number, BEGINNING))
        self._clocks[number] = read.clock
        self.stream.take(records)
        for table, some in (("event_records", read.events), ("ticks", read.ticks)):
            if len(some):
                self.client.insert_arrow(table, some)
        self.client.insert("fed", [(EVENTS, number, 0, len(log))], COLUMNS)


def _records(number: int, events: Sequence[MessageEvent], start: int) -> Records:
    """Events as a partition has them from an offset on."""
    return Records(
        partition=number,
        values=[envelope.encode(msgspec.structs.replace(event, observed_at=READ)) for event in events],
        keys=[event.message_key.encode() for event in events],
        offsets=list(range(start, start + len(events))),
    )


def assert_agree(ledger: Ledger) -> None:
    """SQL finds what the stream told, row by row, and what it withdrew; and both know the same of units and legs."""
    assert is_derived(ledger.client)
    assert differences(ledger, ledger.stream) == {}


def differences(ledger: Ledger, stream: Stream) -> dict[str, Any]:
    """By view, the rows of what was derived that are not what a stream knows: SQL's, and the stream's."""
    parts = stream.parts.values()
    views: dict[str, tuple[Mapping[Any, Any], Mapping[Any, Any]]] = {
        "alarms": (ledger.derived(), stream.told()),
        "custody": (_view(ledger, "custody", "unit"), known.units(parts)),
        "legs": (_view(ledger, "legs", "leg"), known.legs(parts)),
        "queues": (
            _owed(Warehouse(ledger.client).queue()),
            _owed(asdict(queue) for part in parts for queue in queues(part.custody)),
        ),
    }
    found = {name: _apart(derived, told) for name, (derived, told) in views.items()}
    return {name: apart for name, apart in found.items() if apart}


def _owed(rows: Iterable[Mapping[str, Any]]) -> dict[tuple[str, str], dict[str, int]]:
    """What each queue owes, by host and next hop, whatever else its rows are told apart by."""
    found: dict[tuple[str, str], dict[str, int]] = {}
    for one in rows:
        row = found.setdefault((one["host"], one["next_hop"]), {"oldest": READ})
        row["oldest"] = min(row["oldest"], _plain(one["oldest"]))
        for name in ("count", "volume", "deferred", "held"):
            row[name] = row.get(name, 0) + one[name]
    return found


def _view(ledger: Ledger, view: str, key: str) -> dict[bytes, known.Row]:
    """The rows of a view; times in microseconds."""
    found = ledger.ask(f"SELECT * FROM {view}")  # noqa: S608 - our names
    return {row[key]: {name: _plain(value) for name, value in row.items()} for row in found}


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return (value.replace(tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    return value


def _apart(derived: Mapping[Any, Any], told: Mapping[Any, Any]) -> dict[Any, Any]:
    """By key, what is on one side alone or differs; of a derived row, only the columns that were told."""
    pairs = {key: (derived.get(key), told.get(key)) for key in {*derived, *told}}
    return {key: found for key, (one, two) in pairs.items() if (found := _differ(one, two))}


def _differ(one: Any, two: Any) -> Any:
    if isinstance(one, dict) and isinstance(two, dict):
        return {name: (one[name], value) for name, value in two.items() if one[name] != value}
    return None if one == two else (one, two)
