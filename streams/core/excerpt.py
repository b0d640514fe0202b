"""Some messages of a custody, with all that is known of them, as a custody of its own.

What is decided of few need not look at all.

Rules:
- Messages that share a chain, an entry or a copy's way with another come along always, so that what is found in an
  excerpt is what is found in the whole.
- Rows keep their order, hence every chain its name.
- Hosts and names are those of the whole: they are read here, never written.
"""

from collections.abc import Callable
from copy import copy
from dataclasses import dataclass

import numpy as np

from streams.core.custody import Custody
from streams.core.facts import Mask
from streams.core.index import Rows
from streams.core.lattice import Table

Numbers = Callable[[Rows], Rows]
"""New row numbers by old ones; -1 stays -1."""

FEW = 16
"""New numbers are searched where rows are fewer than one in so many."""


@dataclass(frozen=True, slots=True)
class Excerpt:
    """Some messages.

    Attributes:
        custody: what is known of them.
        messages: their rows in the whole, in their order.
        entries: likewise of entries.
        legs: likewise of legs.
    """

    custody: Custody
    messages: Rows
    entries: Rows
    legs: Rows

    def rows(self, subject: str) -> Rows:
        """Rows in the whole of the table that a finding is about, "leg" or "entry"."""
        return self.legs if subject == "leg" else self.entries

    @classmethod
    def whole(cls, custody: Custody) -> "Excerpt":
        """All messages."""
        rows = (np.arange(len(table)) for table in (custody.messages, custody.entries, custody.legs))
        return cls(custody, *rows)

    @classmethod
    def of(cls, custody: Custody, messages: Mask) -> "Excerpt":
        """Some messages, and those that are linked; to be read only, since it may be the whole."""
        messages = messages | linked(custody)
        if messages.all():
            return cls.whole(custody)
        some = copy(custody)
        for name in ("messages", "entries", "legs", "copies", "units", "pairs", "notices"):
            setattr(some, name, getattr(custody, name).copy())
        some.chains = copy(custody.chains)
        return keep(some, messages)


def linked(custody: Custody) -> Mask:
    """Which messages share something with another, shape (messages,)."""
    mask: Mask = custody.messages["linked"] == 1
    return mask


def keep(custody: Custody, messages: Mask) -> Excerpt:
    """Let all other messages go, and their rows with them."""
    in_legs, in_entries = messages[custody.legs["message"]], messages[custody.entries["message"]]
    rows, legs, entries = (np.flatnonzero(mask) for mask in (messages, in_legs, in_entries))
    copies = np.flatnonzero(in_legs[custody.copies["leg"]])
    alive = np.flatnonzero(custody.units["leg"] >= 0)
    units = alive[in_legs[custody.units["leg"][alive]]]
    notices = np.flatnonzero(in_entries[custody.notices["entry"]])
    pairs = np.flatnonzero(messages[custody.pairs.index.keys[: len(custody.pairs), 0].view(np.int64)])
    message, entry, leg = (
        _numbers(len(table), kept)
        for table, kept in ((custody.messages, rows), (custody.entries, entries), (custody.legs, legs))
    )
    custody.chains.keep(legs, leg)
    for table, kept in (
        (custody.messages, rows),
        (custody.entries, entries),
        (custody.legs, legs),
        (custody.copies, copies),
        (custody.units, units),
        (custody.pairs, pairs),
        (custody.notices, notices),
    ):
        table.keep(kept)
    custody.pairs.index.rekey(0, message)
    for table, name, numbers in (
        (custody.legs, "message", message),
        (custody.legs, "entry", entry),
        (custody.entries, "message", message),
        (custody.copies, "leg", leg),
        (custody.units, "leg", leg),
        (custody.notices, "entry", entry),
    ):
        _point(table, name, numbers)
    return Excerpt(custody, rows, entries, legs)


def _numbers(count: int, rows: Rows) -> Numbers:
    if len(rows) * FEW < count:
        return lambda old: np.where(old < 0, -1, np.searchsorted(rows, old))
    numbers = np.full(count + 1, -1, np.int64)
    numbers[rows] = np.arange(len(rows))
    return lambda old: numbers[old]


def _point(table: Table, name: str, numbers: Numbers) -> None:
    """Let a column of row numbers say the new ones."""
    table.set(name, np.arange(len(table)), numbers(table[name]))
