"""Findings: pure functions of what is known and of the log's clock.

Rules:
- A finding's identity is (rule, unit): the leg it is about. Due, times and severity are its content.
- A finding has the time at which it was raised and the time at which it was cleared; both follow from `known` columns,
  so they are the same live, in replay, and whatever the batches were.
- overdue is raised at max(due, submission known) iff clock >= due + grace and report known > due; it is cleared when a
  report is known. The others follow the same form.
- A finding that the clock has not reached is not made: nothing here reads another clock.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from streams.core import tables
from streams.core.clock import Clock
from streams.core.custody import REDIRECTED, Custody
from streams.core.effective import Effective, unit_of
from streams.core.facts import Mask, Times
from streams.core.index import Rows
from streams.core.lattice import NEVER
from streams.core.terms import SECOND


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Findings of one rule, as columns.

    Attributes:
        rule: name of the rule.
        subject: "leg" or "entry": the table that `rows` number.
        rows: what they are about, shape (n,).
        due: microseconds, shape (n,); NEVER where the rule has no due time.
        raised: microseconds, shape (n,).
        cleared: microseconds, shape (n,); NEVER while it stands.
        proven: shape (n,); was delivery proven otherwise when it was raised.
    """

    rule: str
    subject: str
    rows: Rows
    due: Times
    raised: Times
    cleared: Times
    proven: Mask


def findings(custody: Custody, clock: Clock) -> Iterator[Found]:
    """All findings up to the clock, one batch a rule, for the rules that the terms switch on."""
    known = Effective.of(custody)
    rules = {
        "overdue": overdue,
        "unread": unread,
        "not-read": not_read,
        "stuck": stuck,
        "refused": refused,
        "deleted": deleted,
        "unaccounted": unaccounted,
        "misrouted": misrouted,
        "duplicate": duplicate,
        "identity-reused": identity_reused,
        "uncorroborated-report": uncorroborated,
    }
    for name, rule in rules.items():
        if name in custody.terms.findings:
            yield from (found for found in rule(custody, known, clock) if len(found.rows))


def overdue(custody: Custody, known: Effective, clock: Clock) -> Iterator[Found]:
    """A promised report did not come in time; `blind` where a source was silent meanwhile."""
    due, proved = known["due_at"], known["proved_known"]
    grace = custody.terms.profile.grace * SECOND
    late = (due != NEVER) & (due <= clock.through - grace) & (proved > due)
    blind = np.zeros(len(due), np.bool_)
    for since, until in clock.silences():
        blind |= (since <= due) & (until >= known["submitted_at"])
    for name, some in (("overdue", late & ~blind), ("blind", late & blind)):
        raised = np.maximum(due, known["submitted_known"])[some]
        yield _found(name, known.leg[some], due[some], raised, proved[some], known["delivered_known"][some] <= raised)


def unread(custody: Custody, known: Effective, clock: Clock) -> Iterator[Found]:
    """A copy in a watched mailbox was not opened in time."""
    copies = custody.copies
    due, read = copies["due_at"], _opened(custody, known)
    gone = np.minimum(read, copies["unread_known"])
    late = (due <= clock.through) & (gone > due) & (copies["moved_to"] < 0)
    raised = np.maximum(due, copies["saved_known"])[late]
    yield _found("unread", copies["leg"][late], due[late], raised, gone[late], np.ones(int(late.sum()), np.bool_))


def not_read(custody: Custody, known: Effective, clock: Clock) -> Iterator[Found]:
    """A copy left a watched mailbox unread."""
    copies = custody.copies
    at = copies["unread_known"]
    left = (copies["due_at"] != NEVER) & (at <= clock.through) & (_opened(custody, known) > at)
    yield _standing("not-read", copies["leg"][left], np.maximum(at, copies["saved_known"])[left])


def _opened(custody: Custody, known: Effective) -> Times:
    """When each copy could be known to be read, where it lies now or where it was moved to, or by a receipt."""
    copies = custody.copies
    read: Times = np.minimum(copies["read_known"], _by_receipt(custody, known))
    moved = np.flatnonzero(copies["moved_to"] >= 0)
    for _ in range(len(moved)):
        before = read[moved].copy()
        target = copies["moved_to"][moved].astype(np.int64)
        together = np.minimum(read[moved], read[target])
        read[moved], read[target] = together, together
        if (read[moved] == before).all():
            break
    return read


def _by_receipt(custody: Custody, known: Effective) -> Times:
    """When a receipt for each copy's unit could be known; only where the unit has one copy can it mean that copy."""
    place = np.full(len(custody.units) + 1, -1, np.int64)
    place[known.unit] = np.arange(len(known.unit))
    owner = place[unit_of(custody, custody.copies["leg"].astype(np.int64))]
    counts = np.bincount(owner[owner >= 0], minlength=len(known.unit))
    read = np.full(len(owner), NEVER, np.int64)
    alone = np.flatnonzero(owner >= 0)
    alone = alone[counts[owner[alone]] == 1]
    read[alone] = known["read_known"][owner[alone]]
    return read


def stuck(custody: Custody, known: Effective, clock: Clock) -> Iterator[Found]:
    """A stay in one queue lasts too long: for each recipient still owed there, or for the entry where none is known."""
    del known
    entries, legs = custody.entries, custody.legs
    owed = (entries["arrived_at"] != NEVER) & (entries["stuck_after"] != NEVER)
    due = np.where(owed, entries["arrived_at"], 0) + np.where(owed, entries["stuck_after"], NEVER)
    late = due <= clock.through
    if late.any():
        queued = np.flatnonzero(legs["entry"] >= 0)
        entry = legs["entry"][queued].astype(np.int64)
        left = np.minimum(legs["left_known"][queued], entries["left_known"][entry])
        some = late[entry] & (left > due[entry])
        entry, rows, left = entry[some], queued[some], left[some]
        raised = np.maximum(due, entries["arrived_known"])[entry]
        yield _found("stuck", rows, due[entry], raised, left, np.zeros(len(rows), np.bool_))
        yield from _stuck_whole(custody, due, late)


def _stuck_whole(custody: Custody, due: Times, late: Mask) -> Iterator[Found]:
    """Entries of which not one recipient is known."""
    entries = custody.entries
    lonely = late & (entries["left_known"] > due) & (_recipients(custody) == 0)
    rows = np.flatnonzero(lonely)
    raised = np.maximum(due, entries["arrived_known"])[rows]
    yield Found(
        rule="stuck",
        subject="entry",
        rows=rows,
        due=due[rows],
        raised=raised,
        cleared=_until(entries["left_known"][rows], raised),
        proven=np.zeros(len(rows), np.bool_),
    )


def _recipients(custody: Custody) -> NDArray[np.int64]:
    """How many recipients of each entry are known."""
    entry = custody.legs["entry"]
    return np.bincount(entry[entry >= 0], minlength=len(custody.entries))


def refused(custody: Custody, known: Effective, clock: Clock) -> Iterator[Found]:
    """The system gave up; under "untold" only where the originator was not told in time."""
    at = np.minimum(known["refused_known"], _of_open_legs(custody, known, "refused_known"))
    some = at <= clock.through
    if custody.terms.profile.refused == "untold":
        due = np.where(some, at, 0) + custody.terms.profile.told_within * SECOND
        told = np.minimum(known["told_known"], _issued(custody, known))
        some &= (due <= clock.through) & (told > due)
        raised = np.maximum(due, known["submitted_known"])
        yield _found(
            "refused", known.leg[some], due[some], raised[some], told[some], known["delivered_known"][some] <= at[some]
        )
    else:
        yield _standing("refused", known.leg[some], np.maximum(at, known["submitted_known"])[some])


def deleted(custody: Custody, known: Effective, clock: Clock) -> Iterator[Found]:
    """An operator deleted a message that was still owed to a recipient; a later delivery clears it."""
    at = _of_open_legs(custody, known, "deleted_known")
    some = at <= clock.through
    raised = np.maximum(at, known["submitted_known"])[some]
    cleared = np.minimum(known["delivered_known"], known["proved_known"])[some]
    yield _found("deleted", known.leg[some], np.full(len(raised), NEVER), raised, cleared, cleared <= raised)


def _of_open_legs(custody: Custody, known: Effective, column: str) -> Times:
    """For each unit the earliest such event of an entry that one of its legs had not left by then."""
    entries, legs = custody.entries, custody.legs
    result = np.full(len(known.unit), NEVER, np.int64)
    hit = entries[column] != NEVER
    if not hit.any():
        return result
    queued = np.flatnonzero(legs["entry"] >= 0)
    queued = queued[hit[legs["entry"][queued]]]
    at = entries[column][legs["entry"][queued]]
    open_ = legs["left_known"][queued] >= at
    place = np.full(len(custody.units) + 1, -1, np.int64)
    place[known.unit] = np.arange(len(known.unit))
    owner = place[unit_of(custody, queued[open_])]
    np.minimum.at(result, owner[owner >= 0], at[open_][owner >= 0])
    return result


def _issued(custody: Custody, known: Effective) -> Times:
    """For each unit when a notification of failure about one of its entries was issued."""
    entries, legs = custody.entries, custody.legs
    result = np.full(len(known.unit), NEVER, np.int64)
    queued = np.flatnonzero(legs["entry"] >= 0)
    queued = queued[entries["told_known"][legs["entry"][queued]] != NEVER]
    place = np.full(len(custody.units) + 1, -1, np.int64)
    place[known.unit] = np.arange(len(known.unit))
    owner = place[unit_of(custody, queued)]
    at = entries["told_known"][legs["entry"][queued]]
    np.minimum.at(result, owner[owner >= 0], at[owner >= 0])
    return result


def unaccounted(custody: Custody, known: Effective, clock: Clock) -> Iterator[Found]:
    """An entry was removed with fewer recipients accounted for than it had, or a hand-over never arrived."""
    del known
    entries = custody.entries
    gone = entries["left_known"]
    short = (gone <= clock.through) & (entries["deleted_at"] == NEVER) & (_recipients(custody) < entries["expected"])
    rows = np.flatnonzero(short)
    yield Found(
        rule="unaccounted",
        subject="entry",
        rows=rows,
        due=np.full(len(rows), NEVER),
        raised=np.maximum(gone, entries["arrived_known"])[rows],
        cleared=np.full(len(rows), NEVER),
        proven=np.zeros(len(rows), np.bool_),
    )
    yield _never_arrived(custody, clock)


def _never_arrived(custody: Custody, clock: Clock) -> Found:
    """Hand-overs to a host that speaks in this log, which never said that it received them."""
    entries, legs = custody.entries, custody.legs
    speaking = np.unique(entries["host"][entries["arrived_at"] != NEVER])
    handed = np.flatnonzero((legs["handed_at"] != NEVER) & np.isin(legs["handed_to"], speaking))
    target = entries.index.find(legs["next_entry"][handed][:, None]) if len(handed) else handed
    arrived = np.where(target >= 0, entries["arrived_known"][np.maximum(target, 0)], NEVER) if len(handed) else handed
    due = legs["handed_known"][handed] + custody.terms.profile.unaccounted_after * SECOND
    late = (due <= clock.through) & (arrived > due)
    rows = handed[late]
    return _found("unaccounted", rows, due[late], due[late], arrived[late], np.zeros(len(rows), np.bool_))


def misrouted(custody: Custody, known: Effective, clock: Clock) -> Iterator[Found]:
    """A chain in queues names another recipient, and nothing says that it was redirected."""
    units = custody.units
    least, greatest = units["recipient_least"][known.unit], units["recipient_greatest"][known.unit]
    told = (units["seen"][known.unit] & REDIRECTED) != 0
    some = (least != greatest) & ~told & (known["submitted_known"] <= clock.through)
    yield _standing("misrouted", known.leg[some], known["submitted_known"][some])


def duplicate(custody: Custody, known: Effective, clock: Clock) -> Iterator[Found]:
    """One unit lies twice in one mailbox: found at the second copy."""
    del known
    copies = custody.copies
    there = np.flatnonzero((copies["saved_known"] <= clock.through) & ~_moved_here(custody))
    unit = unit_of(custody, copies["leg"][there].astype(np.int64))
    user = copies["user"][there]
    least, at = copies.index.keys[there, 0], copies["saved_at"][there]  # of two known at once, whichever was read first
    order = np.lexsort([least, at, copies["saved_known"][there], user, unit])
    again = np.zeros(len(order), np.bool_)
    again[1:] = (np.diff(unit[order]) == 0) & (np.diff(user[order]) == 0) & (unit[order][1:] < len(custody.units))
    rows = there[order[again]]
    yield _standing("duplicate", copies["leg"][rows], copies["saved_known"][rows])


def _moved_here(custody: Custody) -> Mask:
    moved = np.zeros(len(custody.copies), np.bool_)
    target = custody.copies["moved_to"]
    moved[target[target >= 0]] = True
    return moved


def identity_reused(custody: Custody, known: Effective, clock: Clock) -> Iterator[Found]:
    """A Message-ID was submitted again: found at every submission but the first."""
    legs, messages = custody.legs, custody.messages
    message = legs["message"][known.leg].astype(np.int64)
    again = messages["first_entry"][message] != custody.units["due_leg"][known.unit]
    some = again & (known["submitted_known"] <= clock.through)
    yield _standing("identity-reused", known.leg[some], known["submitted_known"][some])


def uncorroborated(custody: Custody, known: Effective, clock: Clock) -> Iterator[Found]:
    """A report about a message that no source saw submitted; cleared when a submission becomes known."""
    units, legs, messages = custody.units, custody.legs, custody.messages
    at = units["reported_known"][known.astray]
    message = legs["message"][units["leg"][known.astray]].astype(np.int64)
    never = messages["first_at"][message] == NEVER
    due = np.where(at != NEVER, at, 0) + custody.terms.profile.told_within * SECOND
    some = never & (at != NEVER) & (due <= clock.through)
    about = np.column_stack([units[name][known.astray[some]] for name in tables.ABOUT])
    yield _standing("uncorroborated-report", legs.index.find(about), due[some])


def _found(rule: str, legs: Rows, due: Times, raised: Times, cleared: Times, proven: Mask) -> Found:
    return Found(
        rule=rule,
        subject="leg",
        rows=legs.astype(np.int64),
        due=due,
        raised=raised,
        cleared=_until(cleared, raised),
        proven=proven,
    )


def _standing(rule: str, legs: Rows, raised: Times) -> Found:
    never = np.full(len(legs), NEVER, np.int64)
    return _found(rule, legs, never, raised, never, np.zeros(len(legs), np.bool_))


def _until(cleared: Times, raised: Times) -> Times:
    """A finding is not cleared before it was raised."""
    return np.maximum(cleared, raised)
