"""Notifications of failure that switches issued: while one stands, its originator is told.

Rules:
- A notification tells of all whose legs its entry has: of whom it is, no line says.
- It tells from when it was issued until it could be known that it was undelivered itself. Then its originator is told
  by nothing else than another that stands, or a report of failure that was seen.
"""

from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from streams.core.custody import Custody
from streams.core.effective import Effective
from streams.core.facts import Mask, Times
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


def untold(custody: Custody, known: Effective, since: Times, some: Mask) -> tuple[Times, Times]:
    """Each unit's first moment, not before a time, at which its originator is told by nothing, and when it is again.

    Args:
        custody: what is known.
        known: of units.
        since: one a unit.
        some: which units it is asked of; what is said of others means nothing.
    """
    spans = _those(told(custody, known), some)
    begins, again = since.copy(), known["told_known"].copy()
    for owner, start, end in _in_turn(spans):
        goes_on = (start <= begins[owner]) & (end > begins[owner])
        begins[owner[goes_on]] = end[goes_on]
    later = spans.since > begins[spans.owner]
    np.minimum.at(again, spans.owner[later], spans.since[later])
    return begins, again


def _those(spans: Spans, some: Mask) -> Spans:
    """Spans of some units."""
    theirs = some[spans.owner]
    return Spans(*(column[theirs] for column in spans))


def _in_turn(spans: Spans) -> Iterator[Spans]:
    """The first span of each unit, then the second of each that has one, and so on: every span once."""
    order = np.lexsort([spans.since, spans.owner])
    owner = spans.owner[order]
    number = np.arange(len(order)) - np.searchsorted(owner, owner)
    order = order[np.argsort(number, kind="stable")]
    ends = np.cumsum(np.bincount(number))
    for since, until in pairwise([0, *ends.tolist()]):
        yield Spans(*(column[order[since:until]] for column in spans))


def told(custody: Custody, known: Effective) -> Spans:
    """While notifications tell of each unit, in any order; of several of an entry that stand, the first."""
    legs, numbers = _about(custody, _telling(custody))
    notices = custody.notices
    at = np.maximum(notices["issued_known"][numbers], custody.legs["met_known"][legs])
    owner, which, since = known.owned(legs, at)
    until = notices["lost_known"][numbers[which]]
    some = since < until
    return Spans(owner[some], since[some], until[some])


def _telling(custody: Custody) -> Rows:
    """Notifications that told for a while, and the first of each entry that stands: the others of it add nothing."""
    notices = custody.notices
    issued, lost, entry = (notices[name] for name in ("issued_known", "lost_known", "entry"))
    stand = np.flatnonzero((issued != NEVER) & (lost == NEVER))
    stand = stand[np.lexsort([issued[stand], entry[stand]])]
    _, first = np.unique(entry[stand], return_index=True)
    return np.concatenate([np.flatnonzero((issued < lost) & (lost != NEVER)), stand[first]])


def _about(custody: Custody, numbers: Rows) -> tuple[Rows, Rows]:
    """Rows of legs in queues, and of those of some notifications that tell of them: each pair."""
    notices, entries = custody.notices, custody.legs["entry"]
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
