"""When a message closes, and how its rows leave.

Rules:
- A message is settled when no queue owes it, its reports are there, its copies in watched mailboxes were read or left
  the store, and no alarm of it stands. It closes at the first tick at which nothing was heard of it for `linger`, and
  no source is silent; what is never settled, at the first at which nothing was heard of it for `horizon`.
- Nor is it settled while a notification of its failure may still be undelivered, where that would be found.
- So closing follows from facts and ticks alone: when the rows really leave changes nothing that is said.
- Messages that share a chain close together.
- Rows that stay keep their order, hence every chain its name.
"""

import numpy as np
from numpy.typing import NDArray

from streams.core import queues
from streams.core.clock import BEGINNING, Clock
from streams.core.custody import CLASSES, Custody
from streams.core.effective import Effective
from streams.core.events import Traffic
from streams.core.excerpt import Excerpt, keep
from streams.core.facts import Mask, Times
from streams.core.identity import half
from streams.core.index import Rows
from streams.core.lattice import NEVER
from streams.core.mailboxes import left_unread, moves, opened
from streams.core.tables import UNNAMED
from streams.core.terms import SECOND

ON_ITS_WAY = 7 * 86_400
"""Seconds for which a notification may lie in a queue: RFC 5321 4.5.4.1 speaks of four to five days, and Postfix's
bounce_queue_lifetime is five."""


def closing(custody: Custody, standing: Mask, clock: Clock, among: Mask) -> Mask:
    """Which messages close at a tick, shape (messages,).

    Args:
        custody: what is known.
        standing: of which messages an alarm stands, shape (messages,).
        clock: at the tick.
        among: which messages are looked at, with all that they share something with.
    """
    closes = np.zeros(len(among), np.bool_)
    if not among.any():
        return closes
    some = Excerpt.of(custody, among)
    closes[some.messages] = _closing(some.custody, standing[some.messages], clock)
    return closes


def _closing(custody: Custody, standing: Mask, clock: Clock) -> Mask:
    profile, heard = custody.terms.profile, _heard(custody)
    quiet = heard < clock.through - profile.linger * SECOND
    if quiet.any():
        calm = clock.calm()
        open_ = standing | _owed(custody) | (heard >= _before(calm, profile.linger))
        if profile.refused == "untold":
            open_ |= _notified(custody, _before(calm, ON_ITS_WAY))
        quiet &= ~open_ | (heard < clock.through - profile.horizon * SECOND)
    return ~_spread(~quiet, _links(custody))


def _before(at: int, seconds: int) -> int:
    return max(at, BEGINNING + seconds * SECOND) - seconds * SECOND


def _heard(custody: Custody) -> Times:
    """When the last that is known of each message could be known.

    From `known` columns alone, which a fact that is read again does not change.
    """
    heard = custody.messages["since"].copy()
    of_leg = custody.legs["message"]
    alive = np.flatnonzero(custody.units["leg"] >= 0)
    for table, rows, messages in (
        (custody.entries, np.arange(len(custody.entries)), custody.entries["message"]),
        (custody.legs, np.arange(len(custody.legs)), of_leg),
        (custody.copies, np.arange(len(custody.copies)), of_leg[custody.copies["leg"]]),
        (custody.notices, np.arange(len(custody.notices)), custody.entries["message"][custody.notices["entry"]]),
        (custody.units, alive, of_leg[custody.units["leg"][alive]]),
    ):
        for name in table.columns:
            if name.endswith("_known"):
                said = table.take(name, rows)
                np.maximum.at(heard, messages[said != NEVER], said[said != NEVER])
    return heard


def _owed(custody: Custody) -> Mask:
    """To which messages something is owed."""
    owed = np.zeros(len(custody.messages), np.bool_)
    owed[custody.legs["message"][queues.owed(custody)]] = True
    owed[custody.entries["message"][queues.unnamed(custody)[0]]] = True
    known, copies = Effective.of(custody), custody.copies
    late = (known["due_at"] != NEVER) & (known["answered_known"] == NEVER)
    owed[custody.legs["message"][known.legs(late)]] = True
    unread = (copies["due_at"] != NEVER) & (opened(custody, known) == NEVER) & (left_unread(custody) == NEVER)
    owed[custody.legs["message"][copies["leg"][unread]]] = True
    return owed


def _notified(custody: Custody, since: int) -> Mask:
    """About which messages a notification of failure was issued since a time that may be undelivered yet."""
    notices, notified = custody.notices, np.zeros(len(custody.messages), np.bool_)
    waits = (notices["issued_known"] != NEVER) & (notices["issued_known"] >= since) & (notices["lost_known"] == NEVER)
    notified[custody.entries["message"][notices["entry"][waits]]] = True
    if custody.terms.profile.bulk:
        notified &= ~_bulk(custody)
    return notified


def _bulk(custody: Custody) -> Mask:
    """Which messages were submitted as bulk alone: that it is refused is no finding, whoever is told of it."""
    entries = custody.entries
    bulk, ours = np.zeros((2, len(custody.messages)), np.bool_)
    for some, traffic in ((bulk, Traffic.BULK), (ours, Traffic.OURS)):
        some[entries["message"][entries["arrived_as"] == CLASSES[traffic]]] = True
    only: Mask = bulk & ~ours
    return only


def _spread(marked: Mask, links: tuple[Rows, Rows]) -> Mask:
    """Mark also what shares something with what is marked."""
    ones, others = links
    while True:
        apart = marked[ones] != marked[others]
        if not apart.any():
            return marked
        marked[ones[apart]] = marked[others[apart]] = True


def _links(custody: Custody) -> tuple[Rows, Rows]:
    """Pairs of messages that share a chain, an entry or a copy's way."""
    legs, copies = custody.legs, custody.copies
    message = legs["message"]
    queued = np.flatnonzero(legs["entry"] >= 0)
    moved, targets = moves(custody)
    ones = [message, message[queued], message[copies["leg"][moved]]]
    others = [
        message[custody.chains.root(np.arange(len(legs)))] if len(legs) else message,
        custody.entries["message"][legs["entry"][queued]],
        message[copies["leg"][targets]],
    ]
    one, other = np.concatenate(ones), np.concatenate(others)
    return one[one != other], other[one != other]


def close(custody: Custody, closes: Mask, through: int) -> Excerpt:
    """Let the rows of messages leave; their hashes stay.

    Args:
        custody: what is known.
        closes: which messages, as `closing` says.
        through: of the clock.
    """
    custody.closed.add(through, _hashes(custody, closes))
    stayed = keep(custody, ~closes)
    _rename(custody)
    return stayed


def _hashes(custody: Custody, closes: Mask) -> NDArray[np.uint64]:
    """Places that closed, and keys of those that were submitted."""
    legs, entries, messages = custody.legs, custody.entries, custody.messages
    stored = closes[legs["message"]] & (legs["entry"] < 0)
    submitted = np.flatnonzero(closes & (messages["first_known"] != NEVER))
    keys = [int.from_bytes(half("p", custody.message_key(row)), "little") for row in submitted.tolist()]
    places = entries.index.keys[: len(entries)][closes[entries["message"]], 0]
    return np.concatenate([places, legs.index.keys[: len(legs)][stored, 0], np.array(keys, np.uint64)])


def _rename(custody: Custody) -> None:
    """Keep the names of the rows that are left."""
    columns = [
        (custody.messages, "name"),
        (custody.messages, "originator"),
        (custody.entries, "name"),
        (custody.legs, "name"),
    ]
    offsets = np.concatenate([table[name] for table, name in columns]).astype(np.int64)
    each, places = np.unique(offsets, return_inverse=True)
    named = each != UNNAMED
    each[named] = custody.names.keep(each[named])
    start = 0
    for table, name in columns:
        table.set(name, np.arange(len(table)), each[places[start : start + len(table)]])
        start += len(table)
