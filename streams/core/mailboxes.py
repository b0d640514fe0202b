"""Findings of mailboxes: what lies unread, what left unread, what lies there twice.

Only copies that were put into a mailbox that the terms watch have a due time. A copy that a client moves unopened is
still there to be read, by the same time, wherever it lies then: it was promised to the reader of the mailbox that it
was put into. So it is in a folder that nobody watches, too, be it the trash: what is thrown away unopened was not read,
and what is then purged left the store unread.
"""

from collections.abc import Iterator

import numpy as np

from streams.core.credit import unit_of
from streams.core.custody import Custody
from streams.core.effective import Effective
from streams.core.facts import Mask, Times
from streams.core.found import Found, of_legs, standing
from streams.core.holdings import COPY_HALF
from streams.core.index import Rows
from streams.core.lattice import NEVER


def unread(custody: Custody, known: Effective) -> Iterator[Found]:
    """A copy in a watched mailbox was not opened in time, there or where it was moved to."""
    copies = custody.copies
    due = copies["due_at"]
    gone = np.minimum(opened(custody, known), left_unread(custody))
    late = (due != NEVER) & (gone > due)
    raised = np.maximum(due, copies["due_known"])[late]
    yield of_legs("unread", copies["leg"][late], due[late], raised, gone[late], np.ones(int(late.sum()), np.bool_))


def not_read(custody: Custody, known: Effective) -> Iterator[Found]:
    """A copy left a watched mailbox unread, or where it was moved to from there."""
    copies = custody.copies
    at = left_unread(custody)
    unseen = (copies["due_at"] != NEVER) & (at != NEVER) & (opened(custody, known) > at)
    yield standing("not-read", copies["leg"][unseen], np.maximum(at, copies["due_known"])[unseen])


def opened(custody: Custody, known: Effective) -> Times:
    """When each copy could be known to be read, where it lies now or where it was moved to, or by a receipt."""
    return _moved_along(custody, np.minimum(custody.copies["read_known"], _by_receipt(custody, known)))


def left_unread(custody: Custody) -> Times:
    """When each copy could be known to have left the store unread, from where it lay or was moved to."""
    return _moved_along(custody, custody.copies["unread_known"].copy())


def _moved_along(custody: Custody, at: Times) -> Times:
    """What is known of copies, with what is known of those that they became; changes `at`."""
    moved, target = moves(custody)
    moved_known = custody.copies["moved_known"][moved]
    for _ in range(len(moved)):
        before = at[moved]
        at[moved] = np.minimum(before, np.maximum(at[target], moved_known))
        if (at[moved] == before).all():
            break
    return at


def moves(custody: Custody) -> tuple[Rows, Rows]:
    """Copies that were moved, and the copies that they became."""
    copies = custody.copies
    moved = np.flatnonzero(copies["moved_known"] != NEVER)
    keys = np.column_stack([copies["moved_to"][moved], np.full(len(moved), COPY_HALF)])
    return moved, copies.index.find(keys)


def _by_receipt(custody: Custody, known: Effective) -> Times:
    """When a receipt for each copy's unit could be known; it means the first copy, until there is a second."""
    copies = custody.copies
    saved = np.flatnonzero(copies["saved_known"] != NEVER)
    owner = known.places(copies["leg"][saved].astype(np.int64))
    some = (owner >= 0) & (np.append(known["read_known"], NEVER)[owner] != NEVER)
    saved, owner = saved[some], owner[some]
    order = _by_time(custody, saved, owner)
    saved, owner = saved[order], owner[order]
    first = np.flatnonzero(np.concatenate(([True], np.diff(owner) != 0))[: len(owner)])
    end = np.append(first[1:], len(owner))
    second = np.where(end - first > 1, copies["saved_known"][saved[np.minimum(first + 1, len(saved) - 1)]], NEVER)
    receipt = known["read_known"][owner[first]]
    read = np.full(len(copies), NEVER, np.int64)
    read[saved[first]] = np.where(receipt < second, receipt, NEVER)
    return read


def _by_time(custody: Custody, rows: Rows, *groups: Rows) -> Rows:
    """The order of some copies by group, and by when they came; of two known at once, whichever is the least."""
    copies = custody.copies
    return np.lexsort([copies.index.keys[rows, 0], copies["saved_at"][rows], copies["saved_known"][rows], *groups])


def duplicate(custody: Custody, known: Effective) -> Iterator[Found]:
    """One unit lies twice with one user: found at the second copy. What one session filed and kept is one delivery.

    A copy whose session no switch tells is connected to nothing. Where its message had one submission, for one
    recipient, whatever lies in one mailbox is one unit all the same; a second submission that becomes known clears it.
    """
    del known
    copies = custody.copies
    there = np.flatnonzero(copies["saved_known"] < _moved_here(custody))
    legs, user = copies["leg"][there].astype(np.int64), copies["user"][there]
    message, unit = custody.legs["message"][legs].astype(np.int64), unit_of(custody, legs)
    linked = _again(custody, there, user, unit) & (unit < len(custody.units))
    alone = _again(custody, there, user, message) & _is_for_one(custody, message, copies["saved_known"][there])
    cleared = np.where(linked, NEVER, custody.messages.take("second_known", message))
    rows = np.flatnonzero(linked | alone)
    raised, never = copies["saved_known"][there[rows]], np.full(len(rows), NEVER, np.int64)
    yield of_legs("duplicate", copies["leg"][there[rows]], never, raised, cleared[rows], np.zeros(len(rows), np.bool_))


def _again(custody: Custody, copies: Rows, *groups: Rows) -> Mask:
    """Where a copy was brought by another session than the first of its group."""
    order = _by_time(custody, copies, *groups)
    begins = np.ones(len(order), np.bool_)
    begins[1:] = np.any([np.diff(group[order]) != 0 for group in groups], axis=0)
    first = np.maximum.accumulate(np.where(begins, np.arange(len(order)), 0))
    session = custody.copies["session"][copies[order]]
    again = np.zeros(len(order), np.bool_)
    again[order] = session != session[first]
    return again


def _is_for_one(custody: Custody, message: Rows, at: Times) -> Mask:
    """Where a message had one submission by some time, and that one recipient."""
    messages, entries = custody.messages, custody.entries
    first = entries.index.find(messages["first_entry"][message][:, None])
    expected = np.append(entries["expected"], 0)[first]
    alone: Mask = (messages.take("second_known", message) > at) & (expected == -1)
    return alone


def _moved_here(custody: Custody) -> Times:
    """When each copy could be known to have come by a move."""
    came = np.full(len(custody.copies), NEVER, np.int64)
    moved, target = moves(custody)
    np.minimum.at(came, target, custody.copies["moved_known"][moved])
    return came
