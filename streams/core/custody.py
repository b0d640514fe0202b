"""Custody of one partition: what is known of every message, entry, leg, copy and chain.

Rules:
- `fold` joins a batch of facts into the tables of tables.py. Every join is a semilattice and chains are a disjoint-set
  forest, so order, repetition and the split into batches cannot change what is known.
- Nothing here decides; see findings.py.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from streams.core import picking, tables
from streams.core.events import OF_NOTICES, UNDELIVERED, Kind, Traffic
from streams.core.facts import Facts, Mask, Times
from streams.core.holdings import COPY_HALF, NOBODY_HALF, SESSION_HALF, Holdings
from streams.core.identity import half, recipient_half
from streams.core.index import Keys, Rows
from streams.core.lattice import NEVER, Table
from streams.core.terms import SECOND, Terms

CLASSES = {traffic: number for number, traffic in enumerate(Traffic)}
"""Number of each class of traffic."""

FINAL_ACTIONS = ("delivered", "failed", "relayed", "expanded")
"""Actions of a report after which none is owed (RFC 3464 2.3.3); `delayed` is not final."""

T = TypeVar("T")


@dataclass(slots=True, kw_only=True)
class Custody(Holdings):
    """What is known of one partition.

    Attributes:
        terms: what is owed; due times are fixed when a submission is folded.
    """

    terms: Terms

    def fold(self, facts: Facts) -> Rows:
        """Join a batch of facts; ticks carry none. Answers rows of the messages that something was said of."""
        facts = self.still_open(facts)
        if not len(facts.frame):
            return np.empty(0, np.int64)
        legs, nexts, messages = self.meet(facts)
        self._fold_entries(facts)
        self._fold_legs(facts, legs)
        self._fold_recipients(facts, legs, nexts)
        self._fold_copies(facts, legs, nexts)
        self._fold_units(facts, legs)
        return messages

    def _fold_entries(self, facts: Facts) -> None:
        whole = facts.leg[:, 1] == NOBODY_HALF
        queued = (facts.leg[:, 1] != SESSION_HALF) & (facts.leg[:, 1] != COPY_HALF)
        arrived = self.arrivals(facts) & queued
        self._join_entries(facts, "left", whole & facts.of(Kind.REMOVED, Kind.DELETED, Kind.REROUTED))
        self._join_entries(facts, "deleted", whole & facts.of(Kind.DELETED))
        again = np.flatnonzero(whole & facts.of(Kind.REROUTED))
        self.entries.join("rerouted_known", self._entry_rows(facts, again), facts.known[again])
        resumed = again[facts.next_leg[again, 0] != NOBODY_HALF]
        self.entries.join("resumed_known", self._entry_rows(facts, resumed), facts.known[resumed])
        self._join_entries(facts, "refused", whole & facts.of(Kind.REFUSED))
        self._fold_notices(facts, queued & facts.of(Kind.REPORTED))
        for name, kind in (("held_at", Kind.HELD), ("released_at", Kind.RELEASED)):
            events = np.flatnonzero(queued & facts.of(kind))
            self.entries.join(name, self._entry_rows(facts, events), facts.at[events])
        self._expect(facts, np.flatnonzero(arrived))

    def _fold_notices(self, facts: Facts, reports: Mask) -> None:
        """That a notification of failure was issued, and that it was undelivered itself."""
        issued = facts.noted(reports & facts.text_is("action", "issued"), "notification=failed")
        for name, some in (("issued", issued), ("lost", reports & facts.text_is("action", UNDELIVERED))):
            events = np.flatnonzero(some)
            if len(events):
                numbers = [_number(half("n", number)) for number in facts.texts("next_queue_id", events)]
                rows = self.notices.rows(np.column_stack([facts.leg[events, 0], np.array(numbers, np.uint64)]))
                self.notices.set("entry", rows, self._entry_rows(facts, events))
                self.notices.join_known(name, rows, facts.at[events], facts.known[events])

    def _expect(self, facts: Facts, events: Rows) -> None:
        """What an arrival says of its entry: how many recipients, what traffic, how long it may stay."""
        if not len(events):
            return
        rows = self._entry_rows(facts, events)
        traffic = facts.texts("traffic", events)
        owed = np.array(_each(self._stay, zip(traffic, *self._parties(facts, events), strict=True)), np.int64)
        expected = _capped(facts.numbers("recipients_expected", events, 0))
        says = expected > 0
        self.entries.join("arrived_at", rows, facts.at[events])
        stays = (facts.known[events], facts.at[events], _capped(owed[:, 1]), owed[:, 0].astype(np.int8))
        self.entries.join_first(tables.STAY, rows, stays)
        self.entries.join_first(tables.EXPECTED, rows[says], (facts.known[events][says], -expected[says]))
        self.entries.join("size", rows, _capped(facts.numbers("size", events, 0)))
        ranks = facts.numbers("priority", events, tables.UNRANKED).astype(np.int8)
        self.messages.join("priority", self.entries["message"][rows].astype(np.int64), ranks)
        hosts = self.hosts.rows(np.array(self.names.intern(facts.texts("host", events)), np.uint64)[:, None])
        self.entries.set("host", rows, hosts)
        self.hosts.join("spoke_known", hosts, facts.known[events])

    def _stay(self, traffic: str, *parties: Any) -> tuple[int, int]:
        """The number of an arrival's class, and how many seconds it may stay."""
        owed = self.terms.owed(Traffic(traffic or "ours"), *parties)
        return CLASSES[owed.traffic], tables.MOST if owed.stuck is None else owed.stuck // SECOND

    def _parties(self, facts: Facts, events: Rows) -> tuple[list[int], list[str], list[str], list[str]]:
        """Priority, originator, recipient and grade of some events; "" where no term asks for it."""
        nothing = [""] * len(events)
        return (
            facts.numbers("priority", events, 0).tolist(),
            facts.texts("originator", events) if self.terms.by_party else nothing,
            facts.texts("recipient", events) if self.terms.by_party else nothing,
            facts.notes("grade", events) if self.terms.by_grade else nothing,
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
            Kind.REROUTED,
            Kind.FORWARDED,
            Kind.NON_DELIVERED,
        )
        _join(self.legs, "left", legs, facts, here & (sent | ends))
        self._fold_handed(facts, legs, np.flatnonzero(here & sent & (facts.next_leg[:, 0] != NOBODY_HALF)))
        tried = np.flatnonzero(here & (sent | ends | facts.of(Kind.DEFERRED)))
        if len(tried):
            hops = self.names.intern(facts.texts("peer", tried))
            self.legs.join_first(tables.TRIED, legs[tried], (-facts.at[tried], np.array(hops, np.uint64)))

    def _fold_handed(self, facts: Facts, legs: Rows, events: Rows) -> None:
        if len(events):
            peers = np.array(self.names.intern(facts.texts("peer", events)), np.uint64)
            told = (facts.known[events], facts.next_leg[events, 0], peers)
            self.legs.join_first(tables.HANDED, legs[events], told)

    def _fold_recipients(self, facts: Facts, legs: Rows, nexts: Rows) -> None:
        """Where custody passed from one recipient to another: said to be a redirection, or merely so."""
        turned, kept = (legs >= 0) & facts.of(Kind.REDIRECTED), (facts.leg == facts.next_leg).all(axis=1)
        _join(self.legs, "redirected", legs, facts, turned & ~kept)
        self.legs.join("kept_known", legs[turned & kept], facts.known[turned & kept])
        some = np.flatnonzero(turned)
        self._turn(facts, legs, some[_is_queued(facts.next_leg[some, 1])])
        crosses = _crosses(facts)
        for name, kinds in (("diverted_known", (Kind.TRANSFERRED, Kind.REROUTED)), ("claimed_known", (Kind.REPORTED,))):
            some = np.flatnonzero(crosses & facts.of(*kinds))
            self.legs.join(name, nexts[some], facts.known[some])

    def _turn(self, facts: Facts, legs: Rows, events: Rows) -> None:
        """Whom a recipient gave way to: what names only them may be about it."""
        pairs = self._pairs(legs[events], facts.next_leg[events, 1])
        self.pairs.join_first(tables.TURNED, pairs, (facts.known[events], facts.next_leg[events, 0]))

    def _pairs(self, legs: Rows, recipients: NDArray[np.uint64]) -> Rows:
        """Rows of the pairs of some legs' messages and recipients."""
        return self.pairs.rows(np.column_stack([self.legs["message"][legs].astype(np.uint64), recipients]))

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
        brought = facts.leg[events, 1] == SESSION_HALF
        session = np.where(brought, facts.leg[events, 0], facts.next_leg[events, 0])
        self.copies.join("saved_at", rows, facts.at[events])
        self.copies.join_first(tables.SAVED, rows, (facts.known[events], session))
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
        rejected = report & (facts.leg[:, 1] == SESSION_HALF) & facts.text_is("action", "issued")
        relayed = facts.text_is("action", "relayed")
        beyond = facts.of(Kind.TRANSFERRED) & relayed
        copy = facts.leg[:, 1] == COPY_HALF
        for name, events in (
            ("delivered", facts.of(Kind.DELIVERED)),
            ("proved", final | beyond | facts.of(Kind.DISCHARGED)),
            ("relayed", beyond | (report & relayed)),
            ("told", failed | facts.noted(rejected, "notification=failed")),
            ("reported", report & ~np.any([facts.text_is("action", action) for action in OF_NOTICES], axis=0)),
            ("refused", facts.of(Kind.REFUSED, Kind.NON_DELIVERED)),
            ("discarded", facts.of(Kind.DISCARDED, Kind.QUARANTINED)),
            ("read", facts.of(Kind.READ) & ~copy),
            ("discharged", facts.of(Kind.DISCHARGED)),
        ):
            self._join_units(facts, legs, name, here & events)
        self._meet_users(
            facts, legs, np.flatnonzero(here & facts.of(Kind.DELIVERED) & (facts.leg[:, 1] == SESSION_HALF))
        )

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
        self.units.join_first(tables.DUE, units, (seen, at, due, keys[:, 0], keys[:, 1]))
        messages = self.legs["message"][legs[events]].astype(np.int64)
        before = self.messages["first_entry"][messages]
        self.messages.join_two(tables.SUBMISSIONS, messages, (seen, at, keys[:, 0]))
        self._sent_by(facts, events, messages, before)
        self.pairs.join_first(tables.PAIR, self._pairs(legs[events], keys[:, 1]), (seen, at, keys[:, 0]))

    def _sent_by(self, facts: Facts, events: Rows, messages: Rows, before: Keys) -> None:
        """Who sent messages: the originator of the first submission that is known, whichever is read first."""
        first = self.messages["first_entry"][messages]
        new = np.flatnonzero((first != before) & (first == facts.leg[events, 0]))
        if len(new):
            names = self.names.add_shared(facts.series("originator", events[new]))
            self.messages.set("originator", messages[new], names)

    def _due(self, facts: Facts, events: Rows) -> Times:
        """When a report is due, microseconds; NEVER where none is owed."""
        asked = picking.listed(facts.frame["report_requested"], events)
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


def _join(table: Table, name: str, rows: Rows, facts: Facts, events: Mask) -> None:
    table.join_known(name, rows[events], facts.at[events], facts.known[events])


def _crosses(facts: Facts) -> Mask:
    """Where an event joins stays in queues that have other recipients."""
    one, two = facts.leg[:, 1], facts.next_leg[:, 1]
    crosses: Mask = (one != two) & _is_queued(one) & _is_queued(two)
    return crosses


def _is_queued(halves: NDArray[np.uint64]) -> Mask:
    """Which second halves of legs are those of recipients in queues."""
    queued: Mask = ~np.isin(halves, [NOBODY_HALF, SESSION_HALF, COPY_HALF])
    return queued


def _each(work: Callable[..., T], rows: Iterable[tuple[Any, ...]]) -> list[T]:
    """What `work` says of each row; of equal rows it is asked once."""
    known: dict[tuple[Any, ...], T] = {}
    return [known[row] if row in known else known.setdefault(row, work(*row)) for row in rows]


def _capped(values: NDArray[np.int64]) -> NDArray[np.int32]:
    return np.minimum(values, tables.MOST).astype(np.int32)


def _number(hashed: bytes) -> int:
    return int.from_bytes(hashed, "little")
