"""What one would write first: each event decoded with fastavro and folded into dictionaries of objects.

The same facts are joined as in the tables of the core, so that the same could be found in them; nothing is looked up
twice. It exists only to be measured beside the columns.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from io import BytesIO
from typing import Any

import fastavro

from streams.core.clock import BEGINNING
from streams.core.events import OF_NOTICES, Traffic
from streams.core.identity import COPY, NOBODY, SESSION, recipient_half
from streams.core.lattice import NEVER
from streams.core.terms import Terms
from streams.wire.schemas import FRAME, schema

Event = dict[str, Any]
Row = dict[str, Any]

_FINAL = {"delivered", "failed", "relayed", "expanded"}
_ENDS = {
    "delivered",
    "refused",
    "discarded",
    "quarantined",
    "deleted",
    "redirected",
    "rerouted",
    "forwarded",
    "non_delivered",
}
_LEAVES = {"removed", "deleted", "rerouted"}
_UNITS = {
    "delivered": ("delivered",),
    "discharged": ("proved",),
    "refused": ("refused",),
    "non_delivered": ("refused",),
    "discarded": ("discarded",),
    "quarantined": ("discarded",),
}


def _bare(kind: Any) -> Any:
    """A type without its logical type, so that a time stays a number, which is faster."""
    if isinstance(kind, dict):
        return {name: _bare(value) for name, value in kind.items() if name != "logicalType"}
    return [_bare(one) for one in kind] if isinstance(kind, list) else kind


_SCHEMA = fastavro.parse_schema(_bare(schema("message-event")))


def decoded(value: bytes) -> Event:
    """A framed event as fastavro reads it."""
    return fastavro.schemaless_reader(BytesIO(value[FRAME:]), _SCHEMA, None)  # type: ignore[return-value]


def _known(row: Row, name: str, at: int, known: int) -> None:
    if at < row.get(name, NEVER):
        row[name] = at
    name += "_known"
    if known < row.get(name, NEVER):
        row[name] = known


def _first(row: Row, name: str, value: tuple[Any, ...]) -> None:
    if name not in row or value < row[name]:
        row[name] = value


def _two(row: Row, name: str, value: tuple[Any, ...]) -> None:
    """The two least that differ in their last part."""
    held = {one[-1]: one for one in sorted((*row.get(name, ()), value), reverse=True)}
    row[name] = sorted(held.values())[:2]


@dataclass(slots=True)
class Plain:
    """What is known of one partition."""

    terms: Terms
    messages: dict[str, Row] = field(default_factory=dict)
    entries: dict[bytes, Row] = field(default_factory=dict)
    legs: dict[bytes, Row] = field(default_factory=dict)
    copies: dict[bytes, Row] = field(default_factory=dict)
    units: dict[bytes, Row] = field(default_factory=dict)
    pairs: dict[tuple[str, bytes], Row] = field(default_factory=dict)
    hosts: dict[str, int] = field(default_factory=dict)
    clock: int = BEGINNING
    _above: dict[bytes, bytes] = field(default_factory=dict)
    _owed: Callable[..., Any] = field(init=False)

    def __post_init__(self) -> None:
        """Ask the terms once of equal parties."""
        self._owed = lru_cache(100_000)(self.terms.owed)

    def take(self, values: Iterable[bytes]) -> None:
        """Fold some framed events."""
        for value in values:
            self._fold(decoded(value))

    def _fold(self, event: Event) -> None:
        at, leg, next_leg = event["occurred_at"], event["leg"], event["next_leg"]
        known = at if at > self.clock else self.clock + 1
        message = self.messages.setdefault(event["message_key"], {"since": NEVER})
        message["since"] = min(message["since"], known)
        if leg[8:] == NOBODY:
            self._entry(event, leg[:8], known)
            return
        row = self._meet(event, leg, known, (event["host"], event["queue_id"]))
        if next_leg is not None:
            self._meet(event, next_leg, known, (event["peer"], event["next_queue_id"]))
            self._union(leg, next_leg)
        self._leg(event, row, known)
        self._copy(event, known)
        self._unit(event, known)
        if event["kind"] == "submitted" or event["side"] == "received":
            self._arrive(event, self.entries[leg[:8]], known)

    # Entries

    def _place(self, event: Event, half: bytes, name: tuple[str, str]) -> Row:
        return self.entries.setdefault(half, {"name": name, "message": event["message_key"]})

    def _entry(self, event: Event, half: bytes, known: int) -> None:
        row, kind = self._place(event, half, (event["host"], event["queue_id"])), event["kind"]
        if kind == "submitted" or event["side"] == "received":
            self._arrive(event, row, known)
        elif kind in _LEAVES:
            _known(row, "left", event["occurred_at"], known)
        elif kind in {"held", "released"}:
            row[kind] = max(row.get(kind, BEGINNING), event["occurred_at"])
        if kind in {"deleted", "refused"}:
            _known(row, kind, event["occurred_at"], known)

    def _arrive(self, event: Event, row: Row, known: int) -> None:
        at = event["occurred_at"]
        owed = self._owed(
            Traffic(event["traffic"] or "ours"), event["priority"] or 0, event["originator"] or "", event["recipient"]
        )
        row["arrived"] = min(row.get("arrived", NEVER), at)
        _first(row, "stay", (known, at, owed.stuck))
        if event["recipients_expected"]:
            _first(row, "expected", (known, -event["recipients_expected"]))
        row["size"] = max(row.get("size", 0), event["size"] or 0)
        row.setdefault("traffic", set()).add(owed.traffic)
        row["host"] = event["host"]
        self.hosts[event["host"]] = min(self.hosts.get(event["host"], NEVER), known)

    # Legs and chains

    def _meet(self, event: Event, leg: bytes, known: int, name: tuple[str, str]) -> Row:
        row = self.legs.get(leg)
        if row is None:
            row = self.legs[leg] = {"message": event["message_key"], "met": NEVER, "recipient": event["recipient"]}
            if leg[8:] not in {SESSION, COPY}:
                self._place(event, leg[:8], name)
            else:
                row["name"] = name
        if known < row["met"]:
            row["met"] = known
            if leg[8:] not in {SESSION, COPY}:
                _two(self._of(leg), "recipients", (known, leg[8:]))
        return row

    def _root(self, leg: bytes) -> bytes:
        above = self._above
        while (next_ := above.get(leg, leg)) != leg:
            above[leg] = above.get(next_, next_)
            leg = next_
        return leg

    def _union(self, one: bytes, other: bytes) -> None:
        kept, lost = self._root(one), self._root(other)
        if kept == lost:
            return
        self._above[lost] = kept
        old = self.units.pop(lost, None)
        if old:
            self._merge(self._of(kept), old)

    def _merge(self, row: Row, old: Row) -> None:
        for name, value in old.items():
            if name == "recipients":
                for one in value:
                    _two(row, name, one)
            elif name not in row or value < row[name]:
                row[name] = value

    def _of(self, leg: bytes) -> Row:
        return self.units.setdefault(self._root(leg), {})

    def _leg(self, event: Event, row: Row, known: int) -> None:
        kind, at = event["kind"], event["occurred_at"]
        sent = kind == "transferred" and event["side"] == "sent"
        if sent or kind in _ENDS:
            _known(row, "left", at, known)
        if sent and event["next_leg"] is not None:
            _first(row, "handed", (known, event["next_leg"][:8], event["peer"]))
        if sent or kind in _ENDS or kind == "deferred":
            _first(row, "tried", (-at, event["peer"] or ""))

    # Copies

    def _copy(self, event: Event, known: int) -> None:
        kind, leg, next_leg = event["kind"], event["leg"], event["next_leg"]
        if next_leg is not None and next_leg[8:] == COPY and kind in {"delivered", "quarantined"}:
            self._save(event, self.copies.setdefault(next_leg, {}), known)
        if leg[8:] != COPY:
            return
        row = self.copies.setdefault(leg, {})
        if kind in {"read", "not_read"}:
            _known(row, kind, event["occurred_at"], known)
        elif kind == "transferred" and next_leg is not None:
            self.copies.setdefault(next_leg, {})
            _first(row, "moved", (known, next_leg[:8]))

    def _save(self, event: Event, row: Row, known: int) -> None:
        at, user = event["occurred_at"], event["recipient"]
        box = next((text[8:] for text in event["attributes"] if text.startswith("mailbox=")), "INBOX")
        after = self.terms.unread_after(user, box)
        _known(row, "saved", at, known)
        row["user"] = recipient_half(user)
        if after is not None:
            _first(row, "read_by", (known, at + after))

    # Units

    def _unit(self, event: Event, known: int) -> None:
        kind, leg = event["kind"], event["leg"]
        if kind == "submitted":
            self._submit(event, known)
        said = [*_UNITS.get(kind, ()), *(_reports(event) if kind == "reported" else ())]
        if kind == "read" and leg[8:] != COPY:
            said.append("read")
        if event["action"] == "relayed" and kind == "transferred":
            said.append("proved")
        for name in said:
            _known(self._of(leg), name, event["occurred_at"], known)
            _first(self._of(leg), "about", (known, leg))
        if kind == "delivered" and leg[8:] == SESSION:
            _first(self._of(leg), "user", (known, recipient_half(event["recipient"])))

    def _submit(self, event: Event, known: int) -> None:
        at, leg, key = event["occurred_at"], event["leg"], event["message_key"]
        owed = self._owed(Traffic.OURS, event["priority"] or 0, event["originator"] or "", event["recipient"])
        due = at + owed.report if event["report_requested"] and owed.report is not None else NEVER
        row = self._of(leg)
        row["submitted"] = min(row.get("submitted", NEVER), at)
        _first(row, "due", (known, at, due, leg))
        _two(self.messages[key], "submissions", (known, at, leg[:8]))
        _first(self.pairs.setdefault((key, leg[8:]), {}), "pair", (known, at, leg[:8]))


def _reports(event: Event) -> list[str]:
    action = event["action"]
    said = ["reported"] if action not in OF_NOTICES else []
    if action in _FINAL:
        said.append("proved")
    return [*said, *(("failed", "told") if action == "failed" else ())]
