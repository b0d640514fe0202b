"""Notifications of failure that switches issued: while one stands, its originator is told.

Rules:
- A notification tells of all whose legs its entry has: of whom it is, no line says.
- It tells from when it was issued until it could be known that it was undelivered itself. Then its originator is told
  by nothing else than another that stands, or a report of failure that was seen.
"""

from typing import NamedTuple

import numpy as np

from streams.core.custody import Custody
from streams.core.effective import Effective
from streams.core.facts import Times
from streams.core.index import Rows
from streams.core.lattice import NEVER


class Spans(NamedTuple):
    """While notifications tell of units.

    Attributes:
        owner: places of units.
        since: when that could be known.
        until: when it could be known that a notification was undelivered; NEVER while it stands.
    """

    owner: Rows
    since: Times
    until: Times


def untold(custody: Custody, known: Effective, since: Times) -> tuple[Times, Times]:
    """Each unit's first moment, not before a time, at which its originator is told by nothing, and when it is again.

    Args:
        custody: what is known.
        known: of units.
        since: one a unit.
    """
    spans = told(custody, known)
    begins, again = since.copy(), known["told_known"].copy()
    order = np.lexsort([spans.since, spans.owner])
    spans = Spans(*(column[order] for column in spans))
    number = np.arange(len(order)) - np.searchsorted(spans.owner, spans.owner)
    for turn in range(int(number.max(initial=-1)) + 1):
        owner, start, end = (column[number == turn] for column in spans)
        goes_on = (start <= begins[owner]) & (end > begins[owner])
        begins[owner[goes_on]] = end[goes_on]
    later = spans.since > begins[spans.owner]
    np.minimum.at(again, spans.owner[later], spans.since[later])
    return begins, again


def standing(custody: Custody, known: Effective) -> Times:
    """For each unit since when a notification tells of it that is not known to be undelivered."""
    spans, first = told(custody, known), np.full(len(known.unit), NEVER, np.int64)
    stands = spans.until == NEVER
    np.minimum.at(first, spans.owner[stands], spans.since[stands])
    return first


def told(custody: Custody, known: Effective) -> Spans:
    """While notifications tell of each unit, in any order."""
    legs, numbers = _about(custody)
    notices = custody.notices
    at = np.maximum(notices["issued_known"][numbers], custody.legs["met_known"][legs])
    owner, which, since = known.owned(legs, at)
    until = notices["lost_known"][numbers[which]]
    some = since < until
    return Spans(owner[some], since[some], until[some])


def _about(custody: Custody) -> tuple[Rows, Rows]:
    """Rows of legs in queues, and of notifications that tell of them: each pair."""
    notices, entries = custody.notices, custody.legs["entry"]
    numbers = np.flatnonzero(notices["issued_known"] < notices["lost_known"])
    if not len(numbers):
        return numbers, numbers
    theirs = notices["entry"][numbers]
    is_theirs = np.zeros(len(custody.entries), np.bool_)
    is_theirs[theirs] = True
    queued = custody.stays()
    queued = queued[is_theirs[entries[queued]]]
    queued = queued[np.argsort(entries[queued], kind="stable")]
    start, end = (np.searchsorted(entries[queued], theirs, side) for side in ("left", "right"))
    count = end - start
    within = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
    return queued[np.repeat(start, count) + within], np.repeat(numbers, count)
