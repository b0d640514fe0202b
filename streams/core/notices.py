"""Notifications of failure that switches issued: while one stands, its originator is told.

Rules:
- A notification tells of all whose legs its entry has: of whom it is, no line says.
- It tells from when it was issued until it could be known that it was undelivered itself. Then its originator is told
  by nothing else than another that stands, or a report of failure that was seen.
"""

import numpy as np

from streams.core.custody import Custody
from streams.core.effective import Effective
from streams.core.facts import Mask, Times
from streams.core.index import Rows
from streams.core.lattice import NEVER
from streams.core.spans import Spans, uncovered


def untold(custody: Custody, known: Effective, since: Times, some: Mask) -> tuple[Times, Times]:
    """Each unit's first moment, not before a time, at which its originator is told by nothing, and when it is again.

    Args:
        custody: what is known.
        known: of units.
        since: one a unit.
        some: which units it is asked of; what is said of others means nothing.
    """
    spans = told(custody, known)
    return uncovered(spans.some(some[spans.owner]), since, known["told_known"])


def told(custody: Custody, known: Effective) -> Spans:
    """While notifications tell of each unit, in any order; of several of an entry that stand, the first."""
    legs, numbers = _about(custody, _telling(custody))
    notices = custody.notices
    at = np.maximum(notices["issued_known"][numbers], custody.legs["met_known"][legs])
    owner, which, since = known.owned(legs, at)
    until = notices["lost_known"][numbers[which]]
    return Spans(owner, since, until).some(since < until)


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
