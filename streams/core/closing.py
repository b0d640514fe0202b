"""When a message closes, and how its rows leave.

Rules:
- A message is settled when no queue owes it, its reports are there, its copies in watched mailboxes were read or left
  the store, and no alarm of it stands. It closes at the first tick at which nothing was heard of it for `linger`; what
  is never settled, at the first at which nothing was heard of it for `horizon`.
- So closing follows from facts and ticks alone: when the rows really leave changes nothing that is said.
- Messages that share a chain close together.
- Rows that stay keep their order, hence every chain its name.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from streams.core.custody import Custody
from streams.core.effective import Effective
from streams.core.facts import Mask, Times
from streams.core.identity import half
from streams.core.index import Rows
from streams.core.lattice import NEVER, Table
from streams.core.mailboxes import moves, opened
from streams.core.terms import SECOND


@dataclass(frozen=True, slots=True, kw_only=True)
class Stayed:
    """Which rows stayed, by their old numbers in their order."""

    legs: Rows
    entries: Rows


@dataclass(frozen=True, slots=True, kw_only=True)
class _Held:
    """Rows of some messages."""

    legs: Rows
    entries: Rows
    copies: Rows
    units: Rows


def closing(custody: Custody, standing: Mask, through: int, among: Mask) -> Mask:
    """Which messages close at a tick, shape (messages,).

    Args:
        custody: what is known.
        standing: of which messages an alarm stands, shape (messages,).
        through: of the tick.
        among: which messages are looked at, with all that they share something with.
    """
    links, profile = _links(custody), custody.terms.profile
    among = _spread(among.copy(), links)
    held = _held(custody, among)
    heard = _heard(custody, held)
    quiet = among & (heard < through - profile.linger * SECOND)
    if quiet.any():
        quiet &= ~(standing | _owed(custody, held)) | (heard < through - profile.horizon * SECOND)
    return ~_spread(~quiet, links)


def _held(custody: Custody, messages: Mask) -> _Held:
    """The rows of some messages in each table."""
    legs = messages[custody.legs["message"]]
    units = custody.units["leg"]
    return _Held(
        legs=np.flatnonzero(legs),
        entries=np.flatnonzero(messages[custody.entries["message"]]),
        copies=np.flatnonzero(legs[custody.copies["leg"]]) if len(legs) else np.empty(0, np.int64),
        units=np.flatnonzero((units >= 0) & legs[units]) if len(legs) else np.empty(0, np.int64),
    )


def _heard(custody: Custody, held: _Held) -> Times:
    """When the last that is known of each message could be known; the first, where it is not looked at.

    From `known` columns alone, which a fact that is read again does not change.
    """
    heard = custody.messages["since"].copy()
    of_leg = custody.legs["message"]
    for table, rows, messages in (
        (custody.entries, held.entries, custody.entries["message"][held.entries]),
        (custody.legs, held.legs, of_leg[held.legs]),
        (custody.copies, held.copies, of_leg[custody.copies["leg"][held.copies]]),
        (custody.units, held.units, of_leg[custody.units["leg"][held.units]]),
    ):
        for name in table.columns:
            if name.endswith("_known"):
                said = table.take(name, rows)
                np.maximum.at(heard, messages[said != NEVER], said[said != NEVER])
    return heard


def _owed(custody: Custody, held: _Held) -> Mask:
    """To which messages something is owed."""
    owed = np.zeros(len(custody.messages), np.bool_)
    owed[_stays(custody, held)] = True
    units, copies = custody.units, custody.copies
    unproven = (units.take("due_at", held.units) != NEVER) & (units.take("proved_known", held.units) == NEVER)
    unread = held.copies[(copies["due_at"] != NEVER)[held.copies] & (copies["moved_known"] == NEVER)[held.copies]]
    unread = unread[copies["unread_at"][unread] == NEVER]
    if unproven.any() or len(unread):
        known = Effective.of(custody)
        late = (known["due_at"] != NEVER) & (known["proved_known"] == NEVER)
        owed[custody.legs["message"][known.legs(late)]] = True
        unread = unread[opened(custody, known)[unread] == NEVER]
        owed[custody.legs["message"][copies["leg"][unread]]] = True
    return owed


def _stays(custody: Custody, held: _Held) -> Rows:
    """Messages that lie in a queue."""
    legs, entries = custody.legs, custody.entries
    here = (entries["arrived_at"] != NEVER) & (entries["left_at"] == NEVER)
    queued = held.legs[legs["entry"][held.legs] >= 0]
    entry = legs["entry"][queued]
    waits = here[entry] & (legs.take("left_at", queued) == NEVER)
    lonely = held.entries[here[held.entries] & ~np.isin(held.entries, entry)]
    messages: Rows = np.concatenate([legs["message"][queued[waits]], entries["message"][lonely]])
    return messages


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


def close(custody: Custody, closes: Mask, through: int) -> Stayed:
    """Let the rows of messages leave; their hashes stay.

    Args:
        custody: what is known.
        closes: which messages, as `closing` says.
        through: of the clock.
    """
    custody.closed.add(through, _hashes(custody, closes))
    stay = ~closes
    legs = np.flatnonzero(stay[custody.legs["message"]])
    entries = np.flatnonzero(stay[custody.entries["message"]])
    messages = np.flatnonzero(stay)
    _renumber(custody, messages, entries, legs)
    _rename(custody)
    return Stayed(legs=legs, entries=entries)


def _hashes(custody: Custody, closes: Mask) -> NDArray[np.uint64]:
    """Places that closed, and keys of those that were submitted."""
    legs, entries, messages = custody.legs, custody.entries, custody.messages
    stored = closes[legs["message"]] & (legs["entry"] < 0)
    submitted = np.flatnonzero(closes & (messages["first_known"] != NEVER))
    keys = [int.from_bytes(half("p", custody.message_key(row)), "little") for row in submitted.tolist()]
    places = entries.index.keys[: len(entries)][closes[entries["message"]], 0]
    return np.concatenate([places, legs.index.keys[: len(legs)][stored, 0], np.array(keys, np.uint64)])


def _renumber(custody: Custody, messages: Rows, entries: Rows, legs: Rows) -> None:
    """Keep these rows of these tables, and in all others what belongs to them."""
    leg, entry, message = (
        _numbers(len(table), rows)
        for table, rows in ((custody.legs, legs), (custody.entries, entries), (custody.messages, messages))
    )
    copies = np.flatnonzero(leg[custody.copies["leg"]] >= 0)
    units = np.flatnonzero((custody.units["leg"] >= 0) & (leg[custody.units["leg"]] >= 0))
    pairs = np.flatnonzero(message[custody.pairs.index.keys[: len(custody.pairs), 0].astype(np.int64)] >= 0)
    custody.chains.keep(legs, leg)
    for table, rows in (
        (custody.legs, legs),
        (custody.entries, entries),
        (custody.messages, messages),
        (custody.copies, copies),
        (custody.units, units),
        (custody.pairs, pairs),
    ):
        table.keep(rows)
    custody.pairs.index.rekey(0, message)
    for table, name, numbers in (
        (custody.legs, "message", message),
        (custody.legs, "entry", entry),
        (custody.entries, "message", message),
        (custody.copies, "leg", leg),
        (custody.units, "leg", leg),
    ):
        _point(table, name, numbers)


def _numbers(count: int, rows: Rows) -> Rows:
    """New numbers by old ones, -1 for those that left; one more than there are, so that -1 stays -1."""
    numbers = np.full(count + 1, -1, np.int64)
    numbers[rows] = np.arange(len(rows))
    return numbers


def _point(table: Table, name: str, numbers: Rows) -> None:
    """Let a column of row numbers say the new ones."""
    table.set(name, np.arange(len(table)), numbers[table[name]])


def _rename(custody: Custody) -> None:
    """Keep the names of the rows that are left."""
    tables = (custody.messages, custody.entries, custody.legs)
    offsets = np.concatenate([table["name"] for table in tables]).astype(np.int64)
    order = np.argsort(offsets)
    moved = np.empty(len(offsets), np.int64)
    moved[order] = custody.names.keep(offsets[order])
    start = 0
    for table in tables:
        table.set("name", np.arange(len(table)), moved[start : start + len(table)])
        start += len(table)
