"""Custody of one partition: what is known of every message, entry, leg, copy and chain.

Rules:
- `fold` joins a batch of facts into the tables of tables.py. Every join is a semilattice and chains are a disjoint-set
  forest, so order, repetition and the split into batches cannot change what is known.
- What is known of a chain stands in the row of its root; when two chains become one, their rows are joined.
- Nothing here decides; see findings.py.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np

from streams.core import tables
from streams.core.chains import Chains
from streams.core.events import Kind, Traffic
from streams.core.facts import Facts, Mask, Times
from streams.core.identity import COPY, SESSION, half, recipient_half
from streams.core.index import Keys, Rows
from streams.core.lattice import NEVER, Table
from streams.core.names import Names
from streams.core.terms import Terms

TRAFFIC_BITS = {traffic.value: 1 << number for number, traffic in enumerate(Traffic)}
"""One bit a class of traffic, in `traffic` columns."""

FINAL_ACTIONS = ("delivered", "failed", "relayed", "expanded")
"""Actions of a report after which none is owed (RFC 3464 2.3.3); `delayed` is not final."""

_SESSION = np.frombuffer(SESSION, np.uint64)[0]
COPY_HALF = np.frombuffer(COPY, np.uint64)[0]
"""The half of a key that says: a copy in a store."""

_NOBODY = np.uint64(0)

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Custody:
    """The tables of one partition.

    Attributes:
        terms: what is owed; due times are fixed when a submission is folded.
    """

    terms: Terms
    messages: Table = field(default_factory=lambda: Table(tables.MESSAGES, 1, twos=(tables.SUBMISSIONS,)))
    entries: Table = field(default_factory=lambda: Table(tables.ENTRIES, 1, (tables.EXPECTED, tables.STAY)))
    legs: Table = field(default_factory=lambda: Table(tables.LEGS, 2, (tables.TRIED, tables.HANDED)))
    copies: Table = field(default_factory=lambda: Table(tables.COPIES, 2, (tables.READ_BY, tables.MOVED)))
    units: Table = field(
        default_factory=lambda: Table(tables.UNITS, 2, (tables.DUE, tables.ABOUT, tables.USER), (tables.RECIPIENTS,))
    )
    pairs: Table = field(default_factory=lambda: Table(tables.PAIRS, 2, (tables.PAIR,)))
    hosts: Table = field(default_factory=lambda: Table(tables.HOSTS, 1))
    chains: Chains = field(default_factory=Chains)
    names: Names = field(default_factory=Names)

    def fold(self, facts: Facts) -> None:
        """Join a batch of facts; ticks carry none."""
        self._meet_entries(facts)
        legs = self._meet_legs(facts, facts.leg, "host", "queue_id")
        nexts = self._meet_legs(facts, facts.next_leg, "peer", "next_queue_id")
        self._hand_over(legs, nexts)
        self._meet_chains(facts, legs, nexts)
        self._fold_entries(facts)
        self._fold_legs(facts, legs)
        self._fold_copies(facts, legs, nexts)
        self._fold_units(facts, legs)

    # Rows: what is named for the first time

    def _meet_legs(self, facts: Facts, keys: Keys, host: str, queue_id: str) -> Rows:
        """Rows of legs, shape (n,); -1 where an event names none (a tick, a whole entry)."""
        named = np.flatnonzero(keys[:, 1] != _NOBODY)
        before = len(self.legs)
        rows = np.full(len(keys), -1, np.int64)
        rows[named] = self.legs.rows(keys[named])
        self.chains.extend(len(self.legs))
        self._christen_legs(facts, _firsts(rows, named, before, len(self.legs)), before, (host, queue_id))
        return rows

    def _christen_legs(self, facts: Facts, firsts: Rows, before: int, columns: tuple[str, str]) -> None:
        """Give new legs their message, their entry and their name."""
        if not len(firsts):
            return
        rows = np.arange(before, before + len(firsts))
        keys = self.legs.index.keys[rows]
        messages = self._messages(facts, firsts)
        places = self._places(facts, firsts, columns, keys[:, 1] == COPY_HALF)
        recipients = facts.texts("recipient", firsts)
        queued = (keys[:, 1] != _SESSION) & (keys[:, 1] != COPY_HALF)
        entries = np.full(len(rows), -1, np.int64)
        entries[queued] = self._entries(keys[queued, :1], messages[queued], places, np.flatnonzero(queued))
        self.legs.set("message", rows, messages)
        self.legs.set("entry", rows, entries)
        self.legs.set("name", rows, self.names.add(*places, recipients))

    def _places(self, facts: Facts, firsts: Rows, columns: tuple[str, str], copy: Mask) -> list[list[str]]:
        """Host and queue id of new legs; a copy is called by its mailbox and number, whichever names it first."""
        own = [facts.texts(column, firsts) for column in ("host", "queue_id")]
        if columns == ("host", "queue_id"):
            return own
        others = [facts.texts(column, firsts) for column in columns]
        return [
            [
                (theirs or mine) if is_copy else theirs
                for mine, theirs, is_copy in zip(*both, copy.tolist(), strict=True)
            ]
            for both in zip(own, others, strict=True)
        ]

    def _meet_chains(self, facts: Facts, legs: Rows, nexts: Rows) -> None:
        """A chain knows the recipients that its legs in queues have; once handed over, so that it has one row."""
        rows, known = np.concatenate([legs, nexts]), np.concatenate([facts.known, facts.known])
        earlier = np.flatnonzero(rows >= 0)
        earlier = earlier[known[earlier] < self.legs["met_known"][rows[earlier]]]
        self.legs.join("met_known", rows[earlier], known[earlier])
        earlier = earlier[self.legs["entry"][rows[earlier]] >= 0]
        told = (known[earlier], self.legs.index.keys[rows[earlier], 1])
        self.units.join_two(tables.RECIPIENTS, self._units(rows[earlier]), told)

    def _meet_entries(self, facts: Facts) -> None:
        """Whole entries are named by events without a recipient."""
        named = np.flatnonzero((facts.leg[:, 1] == _NOBODY) & (facts.leg[:, 0] != _NOBODY))
        if len(named):
            places = [facts.texts(column, named) for column in ("host", "queue_id")]
            self._entries(facts.leg[named, :1], self._messages(facts, named), places, np.arange(len(named)))

    def _entries(self, keys: Keys, messages: Rows, places: list[list[str]], at: Rows) -> Rows:
        """Rows of entries; new ones get their name and message."""
        before = len(self.entries)
        rows = self.entries.rows(keys)
        firsts = _firsts(rows, np.arange(len(rows)), before, len(self.entries))
        if len(firsts):
            new = np.arange(before, len(self.entries))
            firsts_at = at[firsts].tolist()
            names = self.names.add(*([place[i] for i in firsts_at] for place in places))
            self.entries.set("name", new, names)
            self.entries.set("message", new, messages[firsts])
        return rows

    def _messages(self, facts: Facts, events: Rows) -> Rows:
        """Rows of the messages of some events."""
        keys = facts.texts("message_key", events)
        hashes = {key: int.from_bytes(half("p", key), "little") for key in set(keys)}
        before = len(self.messages)
        rows = self.messages.rows(np.array([hashes[key] for key in keys], np.uint64)[:, None])
        firsts = _firsts(rows, np.arange(len(rows)), before, len(self.messages))
        names = self.names.add([keys[i] for i in firsts.tolist()])
        self.messages.set("name", np.arange(before, len(self.messages)), names)
        return rows

    # Chains

    def _hand_over(self, legs: Rows, nexts: Rows) -> None:
        """Legs that custody passed between are one chain; rows of chains that lost their name are joined."""
        edges = (legs >= 0) & (nexts >= 0)
        lost = self.chains.union(legs[edges], nexts[edges])
        if not len(lost):
            return
        old = self.units.index.find(self.legs.index.keys[lost])
        lost, old = lost[old >= 0], old[old >= 0]
        self.units.merge(self._units(lost), old)
        self.units.set("leg", old, -1)

    def _units(self, legs: Rows) -> Rows:
        """Rows of what is known of the chains of some legs."""
        roots = self.chains.root(legs)
        units = self.units.rows(self.legs.index.keys[roots])
        self.units.set("leg", units, roots)
        return units

    # Facts

    def _fold_entries(self, facts: Facts) -> None:
        whole = facts.leg[:, 1] == _NOBODY
        queued = (facts.leg[:, 1] != _SESSION) & (facts.leg[:, 1] != COPY_HALF)
        arrived = self.arrivals(facts) & queued
        self._join_entries(facts, "arrived", arrived)
        self._join_entries(facts, "left", whole & facts.of(Kind.REMOVED, Kind.DELETED, Kind.REROUTED))
        self._join_entries(facts, "deleted", whole & facts.of(Kind.DELETED))
        self._join_entries(facts, "refused", whole & facts.of(Kind.REFUSED))
        issued = queued & facts.of(Kind.REPORTED) & facts.text_is("action", "issued")
        self._join_entries(facts, "told", facts.noted(issued, "notification=failed"))
        for name, kind in (("held_at", Kind.HELD), ("released_at", Kind.RELEASED)):
            events = np.flatnonzero(queued & facts.of(kind))
            self.entries.join(name, self._entry_rows(facts, events), facts.at[events])
        self._expect(facts, np.flatnonzero(arrived))

    def _expect(self, facts: Facts, events: Rows) -> None:
        """What an arrival says of its entry: how many recipients, what traffic, how long it may stay."""
        if not len(events):
            return
        rows = self._entry_rows(facts, events)
        traffic = facts.texts("traffic", events)
        owed = _each(
            lambda t, *rest: self.terms.owed(Traffic(t or "ours"), *rest),
            zip(traffic, *self._parties(facts, events), strict=True),
        )
        bits = np.array([TRAFFIC_BITS[one.traffic.value] for one in owed], np.int16)
        stuck = np.array([NEVER if one.stuck is None else one.stuck for one in owed], np.int64)
        expected = facts.numbers("recipients_expected", events, 0)
        self.entries.join_first(tables.STAY, rows, (facts.known[events], facts.at[events], stuck))
        says = expected > 0
        self.entries.join_first(tables.EXPECTED, rows[says], (facts.known[events][says], -expected[says]))
        self.entries.join("size", rows, facts.numbers("size", events, 0))
        hosts = np.array(self.names.intern(facts.texts("host", events)), np.uint64)
        self.entries.join("host", rows, hosts)
        self.hosts.join("spoke_known", self.hosts.rows(hosts[:, None]), facts.known[events])
        self.entries.join("traffic", rows, bits)

    def _parties(self, facts: Facts, events: Rows) -> tuple[list[int], list[str], list[str], list[str]]:
        """Priority, originator, recipient and grade of some events."""
        return (
            facts.numbers("priority", events, 0).tolist(),
            facts.texts("originator", events),
            facts.texts("recipient", events),
            facts.notes("grade", events) if self.terms.by_grade else [""] * len(events),
        )

    def _fold_legs(self, facts: Facts, legs: Rows) -> None:
        here = legs >= 0
        sent = facts.of(Kind.TRANSFERRED) & facts.text_is("side", "sent")
        ends = facts.of(
            Kind.DELIVERED,
            Kind.REFUSED,
            Kind.DISCARDED,
            Kind.QUARANTINED,
            Kind.DELETED,
            Kind.REDIRECTED,
            Kind.REROUTED,
        )
        _join(self.legs, "left", legs, facts, here & (sent | ends))
        self._fold_handed(facts, legs, np.flatnonzero(here & sent & (facts.next_leg[:, 0] != _NOBODY)))
        tried = np.flatnonzero(here & (sent | ends | facts.of(Kind.DEFERRED)))
        if len(tried):
            hops = self.names.intern(facts.texts("peer", tried))
            self.legs.join_first(tables.TRIED, legs[tried], (-facts.at[tried], np.array(hops, np.uint64)))

    def _fold_handed(self, facts: Facts, legs: Rows, events: Rows) -> None:
        if len(events):
            peers = np.array(self.names.intern(facts.texts("peer", events)), np.uint64)
            told = (facts.known[events], facts.at[events], facts.next_leg[events, 0], peers)
            self.legs.join_first(tables.HANDED, legs[events], told)

    def _fold_copies(self, facts: Facts, legs: Rows, nexts: Rows) -> None:
        copy, becomes = facts.leg[:, 1] == COPY_HALF, facts.next_leg[:, 1] == COPY_HALF
        self._save(facts, nexts, np.flatnonzero(becomes & facts.of(Kind.DELIVERED, Kind.QUARANTINED)))
        self._move(facts, legs, nexts, np.flatnonzero(copy & becomes & facts.of(Kind.TRANSFERRED)))
        for name, kind in (("read", Kind.READ), ("unread", Kind.NOT_READ)):
            events = np.flatnonzero(copy & facts.of(kind))
            rows = self._copies(facts.leg[events], legs[events])
            self.copies.join_known(name, rows, facts.at[events], facts.known[events])

    def _save(self, facts: Facts, nexts: Rows, events: Rows) -> None:
        """A copy lies in a mailbox; by when it must be read."""
        if not len(events):
            return
        rows = self._copies(facts.next_leg[events], nexts[events])
        users = facts.texts("recipient", events)
        boxes = facts.notes("mailbox", events, "INBOX")
        after = _each(self.terms.unread_after, zip(users, boxes, strict=True))
        owners = _each(lambda user: _number(recipient_half(user)), ((user,) for user in users))
        watched = np.array([one is not None for one in after])
        due = facts.at[events] + np.array([one or 0 for one in after], np.int64)
        self.copies.join_known("saved", rows, facts.at[events], facts.known[events])
        self.copies.join("user", rows, np.array(owners, np.uint64))
        self.copies.join_first(tables.READ_BY, rows[watched], (facts.known[events][watched], due[watched]))

    def _move(self, facts: Facts, legs: Rows, nexts: Rows, events: Rows) -> None:
        """A copy moved within its store is still there to be read."""
        old = self._copies(facts.leg[events], legs[events])
        self._copies(facts.next_leg[events], nexts[events])
        self.copies.join_first(tables.MOVED, old, (facts.known[events], facts.next_leg[events, 0]))

    def _copies(self, keys: Keys, legs: Rows) -> Rows:
        rows = self.copies.rows(keys)
        self.copies.set("leg", rows, legs)
        return rows

    def _fold_units(self, facts: Facts, legs: Rows) -> None:
        here = legs >= 0
        self._submit(facts, legs, np.flatnonzero(here & facts.of(Kind.SUBMITTED) & self._ours(facts)))
        report = here & facts.of(Kind.REPORTED)
        final = report & np.any([facts.text_is("action", action) for action in FINAL_ACTIONS], axis=0)
        failed = report & facts.text_is("action", "failed")
        beyond = facts.of(Kind.TRANSFERRED) & facts.text_is("action", "relayed")
        copy = facts.leg[:, 1] == COPY_HALF
        for name, events in (
            ("delivered", facts.of(Kind.DELIVERED)),
            ("proved", final | beyond | facts.of(Kind.DISCHARGED)),
            ("failed", failed),
            ("told", failed),
            ("reported", report & ~facts.text_is("action", "issued")),
            ("refused", facts.of(Kind.REFUSED, Kind.NON_DELIVERED)),
            ("discarded", facts.of(Kind.DISCARDED, Kind.QUARANTINED)),
            ("read", facts.of(Kind.READ) & ~copy),
        ):
            self._join_units(facts, legs, name, here & events)
        self._meet_users(facts, legs, np.flatnonzero(here & facts.of(Kind.DELIVERED) & (facts.leg[:, 1] == _SESSION)))
        redirected = np.flatnonzero(here & facts.of(Kind.REDIRECTED))
        self.units.join("redirected_known", self._units(legs[redirected]), facts.known[redirected])

    def _join_units(self, facts: Facts, legs: Rows, name: str, events: Mask) -> None:
        some = np.flatnonzero(events)
        if not len(some):
            return
        units = self._units(legs[some])
        self.units.join_known(name, units, facts.at[some], facts.known[some])
        self.units.join_first(tables.ABOUT, units, (facts.known[some], facts.leg[some, 0], facts.leg[some, 1]))

    def _meet_users(self, facts: Facts, legs: Rows, events: Rows) -> None:
        """A chain knows the recipient that its store names: who it is credited to if no switch's log joins it."""
        if len(events):
            users = [_number(recipient_half(to)) for to in facts.texts("recipient", events)]
            told = (facts.known[events], np.array(users, np.uint64))
            self.units.join_first(tables.USER, self._units(legs[events]), told)

    def _submit(self, facts: Facts, legs: Rows, events: Rows) -> None:
        """A submission makes its chain a unit; what is owed is fixed by the first that is known."""
        if not len(events):
            return
        units, keys, at, seen = self._units(legs[events]), facts.leg[events], facts.at[events], facts.known[events]
        due = self._due(facts, events)
        self.units.join_known("submitted", units, at, seen)
        self.units.join_first(tables.DUE, units, (seen, at, due, keys[:, 0], keys[:, 1]))
        messages = self.legs["message"][legs[events]].astype(np.int64)
        self.messages.join_two(tables.SUBMISSIONS, messages, (seen, at, keys[:, 0]))
        pairs = self.pairs.rows(np.column_stack([self.messages.index.keys[messages, 0], keys[:, 1]]))
        self.pairs.join_first(tables.PAIR, pairs, (seen, at, keys[:, 0]))

    def _due(self, facts: Facts, events: Rows) -> Times:
        """When a report is due, microseconds; NEVER where none is owed."""
        asked = facts.frame["report_requested"].gather(events).to_list()
        due = facts.at[events].copy()
        reports = _each(
            lambda *parties: self.terms.owed(Traffic.OURS, *parties).report,
            zip(*self._parties(facts, events), strict=True),
        )
        for row, (request, owed) in enumerate(zip(asked, reports, strict=True)):
            promised = request if request is not None else self.terms.profile.report_when == "unless-declined"
            due[row] = due[row] + owed if promised and owed is not None else NEVER
        return due

    # Which events

    def arrivals(self, facts: Facts) -> Mask:
        """Where an entry is said to have arrived."""
        return facts.of(Kind.SUBMITTED) | (facts.of(Kind.TRANSFERRED) & facts.text_is("side", "received"))

    def _ours(self, facts: Facts) -> Mask:
        return facts.text_is("traffic", "ours") | ~facts.has("traffic")

    def _join_entries(self, facts: Facts, name: str, events: Mask) -> None:
        some = np.flatnonzero(events)
        if len(some):
            self.entries.join_known(name, self._entry_rows(facts, some), facts.at[some], facts.known[some])

    def _entry_rows(self, facts: Facts, events: Rows) -> Rows:
        return self.entries.rows(facts.leg[events, :1])


def _join(table: Table, name: str, rows: Rows, facts: Facts, events: Mask) -> None:
    table.join_known(name, rows[events], facts.at[events], facts.known[events])


def _firsts(rows: Rows, events: Rows, before: int, after: int) -> Rows:
    """For each new row an event that names it, shape (after - before,)."""
    firsts = np.empty(after - before, np.int64)
    mine = rows[events] if len(rows) != len(events) else rows
    new = mine >= before
    firsts[mine[new] - before] = events[new]
    return firsts


def _each(work: Callable[..., T], rows: Iterable[tuple[Any, ...]]) -> list[T]:
    """What `work` says of each row; of equal rows it is asked once."""
    known: dict[tuple[Any, ...], T] = {}
    return [known[row] if row in known else known.setdefault(row, work(*row)) for row in rows]


def _number(hashed: bytes) -> int:
    return int.from_bytes(hashed, "little")
