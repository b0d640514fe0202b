"""Whom nobody accounts for: recipients that an entry had and did not name, and hand-overs that never arrived.

Rules:
- An entry accounts for its recipients by the time it leaves: each is named by then, or it is found.
- One that was put in again accounts for them under its other id, where they are named at the first attempt: it waits.
  If no other entry goes on with it by then, all of it is unaccounted for, named or not.
- What was handed to a host that speaks in this log must arrive there.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from streams.core.custody import Custody
from streams.core.effective import Effective
from streams.core.facts import Mask, Times
from streams.core.found import Found, of_entries, of_legs
from streams.core.index import Rows
from streams.core.lattice import NEVER, Table
from streams.core.terms import SECOND

Span = tuple[Times, Times]
"""From when to when something is found of each entry; NEVER where it is not."""


def unaccounted(custody: Custody, known: Effective) -> Iterator[Found]:
    """An entry left with fewer recipients accounted for than it had, or to be put in again; or a hand-over got lost."""
    del known
    entries = custody.entries
    since, until = _merged(_short(custody), _not_taken_up(custody))
    rows = np.flatnonzero(since != NEVER)
    cleared = np.minimum(until[rows], entries.take("deleted_known", rows))
    yield of_entries("unaccounted", rows, np.full(len(rows), NEVER), since[rows], cleared)
    yield _never_arrived(custody)


def _merged(one: Span, other: Span) -> Span:
    """Two spans of each entry as one: the first, and the other with it where they meet.

    One that comes apart from the first does not count: a rule finds an entry once, and what was cleared stands.
    """
    (since, until), (again, later) = _in_order(one, other)
    meet = (again != NEVER) & (again <= until)
    return since, np.where(meet, np.maximum(until, later), until)


def _in_order(one: Span, other: Span) -> tuple[Span, Span]:
    """Of two spans of each entry the one that begins first, and the other."""
    swap = other[0] < one[0]
    first = np.where(swap, other[0], one[0]), np.where(swap, other[1], one[1])
    return first, (np.where(swap, one[0], other[0]), np.where(swap, one[1], other[1]))


def _short(custody: Custody) -> Span:
    """An entry left with fewer recipients accounted for than it had."""
    entries, legs = custody.entries, custody.legs
    raised = np.maximum(np.maximum(entries["left_known"], entries["arrived_known"]), entries["expected_known"])
    waits = (raised != NEVER) & (entries["rerouted_known"] <= raised)
    raised[waits] += custody.terms.profile.unaccounted_after * SECOND
    queued = custody.stays()
    entry = legs["entry"][queued].astype(np.int64)
    in_time = legs["met_known"][queued] <= raised[entry]
    short = np.bincount(entry[in_time], minlength=len(entries)) < -entries["expected"]
    rows = np.flatnonzero((raised != NEVER) & short)
    until = np.full(len(entries), NEVER)
    until[rows] = complete(custody, rows, -entries.take("expected", rows))
    return np.where(short, raised, NEVER), until


def _not_taken_up(custody: Custody) -> Span:
    """An entry was put in again, and no other goes on with it."""
    entries, wait = custody.entries, custody.terms.profile.unaccounted_after * SECOND
    raised = np.maximum(entries["rerouted_known"], entries["arrived_known"])
    raised[raised != NEVER] += wait
    taken_up = entries["resumed_known"]
    return np.where(taken_up > raised, raised, NEVER), taken_up


def complete(custody: Custody, entries: Rows, counts: NDArray[np.int32]) -> Times:
    """When so many recipients of some entries could be known."""
    legs = custody.legs
    queued = custody.stays()
    queued = queued[np.isin(legs["entry"][queued], entries)]
    order = np.lexsort([legs["met_known"][queued], legs["entry"][queued]])
    queued = queued[order]
    start, end = (np.searchsorted(legs["entry"][queued], entries, side) for side in ("left", "right"))
    last = start + counts - 1
    known = np.append(legs["met_known"][queued], NEVER)
    return np.where(last < end, known[np.minimum(last, len(queued))], NEVER)


def _never_arrived(custody: Custody) -> Found:
    """Hand-overs to a host that speaks in this log, which never said that it received them."""
    legs = custody.legs
    known, wait = legs["handed_known"], custody.terms.profile.unaccounted_after * SECOND
    handed = np.flatnonzero(known != NEVER)
    due = known[handed] + wait
    raised = np.maximum(due, known_of(custody.hosts, "spoke_known", legs.take("handed_to", handed)))
    arrived = known_of(custody.entries, "arrived_known", legs.take("next_entry", handed))
    late = np.flatnonzero((raised != NEVER) & (arrived > raised))
    late = late[_is_named(custody, handed[late])]
    return of_legs("unaccounted", handed[late], due[late], raised[late], arrived[late], np.zeros(len(late), np.bool_))


def _is_named(custody: Custody, legs: Rows) -> Mask:
    """Where a leg's message has a Message-ID: without one, the next host may call it by an id that it made."""
    names = custody.messages["name"][custody.legs["message"][legs]]
    named: Mask = custody.names.initials(names) != ord("/")
    return named


def known_of(table: Table, column: str, keys: NDArray[np.uint64]) -> Times:
    """A time of some rows by their keys; NEVER where there is no such row."""
    rows = table.index.find(keys[:, None])
    return np.append(table[column], NEVER)[rows]
