"""The tables of one partition, and how rows get into them: whatever evidence names for the first time gets a row.

Rules:
- A leg in a queue is named by its entry and its recipient; a stay in a store has a place of its own.
- What is known of a chain stands in the row of its root; when two chains become one, their rows are joined.
- A message is found by a hash of this process alone; all other hashes are the events' own.
"""

import secrets
from dataclasses import dataclass, field

import numpy as np
import polars as pl
from numpy.typing import NDArray

from streams.core import picking, tables
from streams.core.chains import Chains
from streams.core.closed import Closed
from streams.core.events import Kind
from streams.core.facts import Facts, Mask
from streams.core.identity import COPY, SESSION, half
from streams.core.index import Keys, Rows
from streams.core.lattice import NEVER, Table
from streams.core.names import Names

SESSION_HALF = np.frombuffer(SESSION, np.uint64)[0]
"""The second half of a session's leg."""

COPY_HALF = np.frombuffer(COPY, np.uint64)[0]
"""The second half of a copy's leg."""

NOBODY_HALF = np.uint64(0)
"""The second half of a whole entry; both halves of nothing."""

CAME_BACK = (Kind.REPORTED, Kind.READ, Kind.NOT_READ)
"""Kinds of reports and receipts."""

REMEMBER = 400 * 86_400 * 1_000_000
"""Microseconds for which what has closed is known: a log of last year that is read again revives nothing."""

_SEED = secrets.randbits(63)


@dataclass(slots=True, kw_only=True)
class Holdings:
    """Rows and names of one partition."""

    messages: Table = field(default_factory=lambda: Table(tables.MESSAGES, 1, twos=(tables.SUBMISSIONS,)))
    entries: Table = field(default_factory=lambda: Table(tables.ENTRIES, 1, (tables.EXPECTED, tables.STAY)))
    legs: Table = field(default_factory=lambda: Table(tables.LEGS, 2, (tables.TRIED, tables.HANDED)))
    copies: Table = field(default_factory=lambda: Table(tables.COPIES, 2, (tables.SAVED, tables.READ_BY, tables.MOVED)))
    units: Table = field(
        default_factory=lambda: Table(tables.UNITS, 2, (tables.DUE, tables.ABOUT, tables.USER), (tables.RECIPIENTS,))
    )
    pairs: Table = field(default_factory=lambda: Table(tables.PAIRS, 2, (tables.PAIR, tables.TURNED)))
    notices: Table = field(default_factory=lambda: Table(tables.NOTICES, 2))
    hosts: Table = field(default_factory=lambda: Table(tables.HOSTS, 1))
    chains: Chains = field(default_factory=Chains)
    names: Names = field(default_factory=Names)
    closed: Closed = field(default_factory=lambda: Closed(REMEMBER))

    def meet(self, facts: Facts) -> tuple[Rows, Rows, Rows]:
        """What events name.

        Returns:
            Rows of the legs that they are about and hand over to, shape (n,) each; -1 where an event names none. Rows
            of the messages that they are about, of any number.
        """
        self._meet_entries(facts)
        legs = self._meet_legs(facts, facts.leg, "host", "queue_id")
        nexts = self._meet_legs(facts, facts.next_leg, "peer", "next_queue_id")
        self._hand_over(legs, nexts)
        self._meet_chains(facts, legs, nexts)
        messages = self.messages_of(facts, legs)
        self._link(legs, nexts, messages)
        known = messages >= 0
        self.messages.join("since", messages[known], facts.known[known])
        return legs, nexts, messages[known]

    def messages_of(self, facts: Facts, legs: Rows) -> Rows:
        """Rows of the messages that events are about, by their legs or else their entries; -1 where none is known."""
        messages = _of(self.legs["message"], legs)
        whole = np.flatnonzero(legs < 0)
        messages[whole] = _of(self.entries["message"], self.entries.index.find(facts.leg[whole, :1]))
        return messages

    def mentioned(self, facts: Facts) -> Rows:
        """Rows of the messages that events name: by leg or entry, by next leg, by key; -1 for none; shape (n, 3)."""
        beyond = _of(self.legs["message"], self.legs.index.find(facts.next_leg))
        keys = self.messages.index.find(hashed(facts.frame["message_key"]))
        return np.column_stack([self.messages_of(facts, self.legs.index.find(facts.leg)), beyond, keys])

    def still_open(self, facts: Facts) -> Facts:
        """Facts without those about places that have closed, and without hand-overs to them."""
        if not len(self.closed):
            return facts
        gone, beyond = (self._has_closed(keys) for keys in (facts.leg, facts.next_leg))
        return facts.without(gone, beyond) if gone.any() or beyond.any() else facts

    def _has_closed(self, keys: Keys) -> Mask:
        closed = np.zeros(len(keys), np.bool_)
        unknown = np.flatnonzero((self.entries.index.find(keys[:, :1]) < 0) & (self.legs.index.find(keys) < 0))
        closed[unknown] = self.closed.has(keys[unknown, 0])
        return closed

    def about(self, subject: str) -> Table:
        """The table of what a finding is about, "leg" or "entry"."""
        return self.legs if subject == "leg" else self.entries

    def stays(self) -> Rows:
        """Rows of legs in queues: of recipients that a queue's own evidence names, or whoever handed them there.

        What came back names them as its sender or a later host calls them, which may be as no queue ever did.
        """
        legs = self.legs
        rows: Rows = np.flatnonzero((legs["entry"] >= 0) & (legs["met_known"] != NEVER))
        return rows

    def leg_name(self, row: int) -> tuple[str, str, str]:
        """Host, queue id and recipient of a leg."""
        entry, name = int(self.legs["entry"][row]), self.names.get(int(self.legs["name"][row]))
        host, queue_id, recipient = name if entry < 0 else (*self.entry_name(entry), *name)
        return host, queue_id, recipient

    def entry_name(self, row: int) -> tuple[str, str]:
        """Host and queue id of an entry."""
        host, queue_id = self.names.get(int(self.entries["name"][row]))
        return host, queue_id

    def message_key(self, row: int) -> str:
        """The key of a message."""
        return self.names.get(int(self.messages["name"][row]))[0]

    def sender(self, row: int) -> str:
        """The envelope sender of a message's first submission; "": the null sender, or it was not submitted here."""
        offset = int(self.messages["originator"][row])
        return "" if offset == tables.UNNAMED else self.names.get(offset)[0]

    def priority(self, row: int) -> int | None:
        """The RFC 6710 priority of a message; None where no arrival says one."""
        rank = int(self.messages["priority"][row])
        return None if rank == tables.UNRANKED else rank

    def find_again(self) -> None:
        """Make rows findable that a snapshot put back; messages are found by a hash of this process alone."""
        keys = self.names.column(self.messages["name"].astype(np.int64))
        self.messages.index.keys[: len(keys)] = hashed(keys)
        others = (self.entries, self.legs, self.copies, self.units, self.pairs, self.notices, self.hosts)
        for table in (self.messages, *others):
            table.index.rebuild()

    # What is named for the first time

    def _meet_legs(self, facts: Facts, keys: Keys, host: str, queue_id: str) -> Rows:
        """Rows of legs, shape (n,); -1 where an event names none (a tick, a whole entry)."""
        named = np.flatnonzero(keys[:, 1] != NOBODY_HALF)
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
        queued = (keys[:, 1] != SESSION_HALF) & (keys[:, 1] != COPY_HALF)
        entries = np.full(len(rows), -1, np.int64)
        entries[queued] = self._entries(keys[queued, :1], messages[queued], places, np.flatnonzero(queued))
        self.legs.set("message", rows, messages)
        self.legs.set("entry", rows, entries)
        self._name_legs(facts.series("recipient", firsts), places, rows, queued)

    def _name_legs(self, recipients: pl.Series, places: list[pl.Series], rows: Rows, queued: Mask) -> None:
        """A leg in a queue is named by its entry and its recipient; a stay in a store has no entry."""
        queues, stores = np.flatnonzero(queued), np.flatnonzero(~queued)
        self.legs.set("name", rows[queues], self.names.add_shared(picking.series(recipients, queues)))
        stored = (picking.series(one, stores) for one in (*places, recipients))
        self.legs.set("name", rows[stores], self.names.add(*stored))

    def _places(self, facts: Facts, firsts: Rows, columns: tuple[str, str], copy: Mask) -> list[pl.Series]:
        """Host and queue id of new legs; a copy is called by its mailbox and number, whichever names it first."""
        others = [facts.series(column, firsts) for column in columns]
        if columns == ("host", "queue_id") or not copy.any():
            return others
        own = [facts.series(column, firsts) for column in ("host", "queue_id")]
        copies = pl.Series(copy)
        return [theirs.zip_with(~copies | (theirs != ""), mine) for mine, theirs in zip(own, others, strict=True)]

    def _meet_chains(self, facts: Facts, legs: Rows, nexts: Rows) -> None:
        """A chain knows the recipients that its legs in queues have; once handed over, so that it has one row."""
        rows, known = np.concatenate([legs, nexts]), np.concatenate([facts.known, facts.known])
        earlier = np.flatnonzero(rows >= 0)
        earlier = earlier[known[earlier] < self.legs["met_known"][rows[earlier]]]
        met = earlier[~np.tile(facts.of(*CAME_BACK), 2)[earlier]]
        self.legs.join("met_known", rows[met], known[met])
        earlier = earlier[self.legs["entry"][rows[earlier]] >= 0]
        told = (known[earlier], self.legs.index.keys[rows[earlier], 1])
        self.units.join_two(tables.RECIPIENTS, self._units(rows[earlier]), told)

    def _meet_entries(self, facts: Facts) -> None:
        """Whole entries are named by events without a recipient."""
        named = np.flatnonzero((facts.leg[:, 1] == NOBODY_HALF) & (facts.leg[:, 0] != NOBODY_HALF))
        if len(named):
            places = [facts.series(column, named) for column in ("host", "queue_id")]
            self._entries(facts.leg[named, :1], self._messages(facts, named), places, np.arange(len(named)))

    def _entries(self, keys: Keys, messages: Rows, places: list[pl.Series], at: Rows) -> Rows:
        """Rows of entries; new ones get their name and message."""
        before = len(self.entries)
        rows = self.entries.rows(keys)
        firsts = _firsts(rows, np.arange(len(rows)), before, len(self.entries))
        if len(firsts):
            new = np.arange(before, len(self.entries))
            names = self.names.add(*(picking.series(place, at[firsts]) for place in places))
            self.entries.set("name", new, names)
            self.entries.set("message", new, messages[firsts])
        return rows

    def _entry_rows(self, facts: Facts, events: Rows) -> Rows:
        return self.entries.rows(facts.leg[events, :1])

    def _messages(self, facts: Facts, events: Rows) -> Rows:
        """Rows of the messages of some events."""
        keys = facts.series("message_key", events)
        before = len(self.messages)
        rows = self.messages.rows(hashed(keys))
        firsts = _firsts(rows, np.arange(len(rows)), before, len(self.messages))
        if len(firsts):
            new = picking.series(keys, firsts)
            self.messages.set("name", np.arange(before, len(self.messages)), self.names.add(new))
            self._used_before(new, before)
        return rows

    def _used_before(self, keys: pl.Series, start: int) -> None:
        """Mark new messages whose key was submitted before, and has closed."""
        if len(self.closed):
            halves = np.array([int.from_bytes(half("p", key), "little") for key in keys.to_list()], np.uint64)
            used = start + np.flatnonzero(self.closed.has(halves))
            self.messages.join("before", used, np.ones(len(used), np.int8))

    # Chains

    def _link(self, legs: Rows, nexts: Rows, messages: Rows) -> None:
        """Mark messages that share something: a hand-over or a move between them, or an entry.

        Args:
            legs: that events are about.
            nexts: that they hand over to.
            messages: that they are about.
        """
        for rows in (legs, nexts):
            entries = _of(self.legs["entry"], rows)
            for others in (_of(self.legs["message"], rows), _of(self.entries["message"], entries)):
                apart = np.flatnonzero((others >= 0) & (messages >= 0) & (others != messages))
                both = np.concatenate([messages[apart], others[apart]])
                self.messages.join("linked", both, np.ones(len(both), np.int8))

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


def hashed(keys: pl.Series) -> Keys:
    """Hashes of message keys, shape (n, 1); nobody outside knows the seed, since evidence is hostile."""
    return keys.hash(_SEED).to_numpy()[:, None]


def _of(column: NDArray[np.int32], rows: Rows) -> Rows:
    """The row numbers that a column says at some rows; -1 where there is no row."""
    found = np.full(len(rows), -1, np.int64)
    found[rows >= 0] = column[rows[rows >= 0]]
    return found


def _firsts(rows: Rows, events: Rows, before: int, after: int) -> Rows:
    """For each new row an event that names it, shape (after - before,)."""
    firsts = np.empty(after - before, np.int64)
    mine = rows[events] if len(rows) != len(events) else rows
    new = mine >= before
    firsts[mine[new] - before] = events[new]
    return firsts
