"""Findings: pure functions of what is known and of the log's clock.

Rules:
- A finding's identity is (rule, unit): the leg it is about. Due, times and severity are its content.
- A finding has the time at which it was raised and the time at which it was cleared; both follow from `known` columns,
  so they are the same live, in replay, and whatever the batches were.
- overdue is raised at max(due, submission known) iff clock >= due + grace and no report is known by then; it is cleared
  when a report is known. The others follow the same form.
- Every rule decides by what was known when the finding was raised: what becomes known later may clear it, and never
  makes it not to have been. So it does not matter when, or how often, anyone looked.
- A finding that the clock has not reached is not made: nothing here reads another clock.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from streams.core import tables
from streams.core.clock import BEGINNING, Clock
from streams.core.custody import Custody
from streams.core.effective import Effective, unit_of
from streams.core.facts import Mask, Times
from streams.core.holdings import COPY_HALF
from streams.core.index import Rows
from streams.core.lattice import NEVER, Table
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
            for found in rule(custody, known, clock):
                yield from _reached(found, clock)


def _reached(found: Found, clock: Clock) -> Iterator[Found]:
    """Those findings whose time has come, but for what was over when it could be known."""
    some = (found.raised <= clock.through) & (found.cleared > found.raised)
    if some.all():
        yield from (found,) if len(some) else ()
    elif some.any():
        columns = {name: getattr(found, name)[some] for name in ("rows", "due", "raised", "cleared", "proven")}
        yield replace(found, **columns)


def overdue(custody: Custody, known: Effective, clock: Clock) -> Iterator[Found]:
    """A promised report did not come in time: `blind` if a source was silent, `clock-doubt` if one told wrong times."""
    due, proved = known["due_at"], known["proved_known"]
    grace = custody.terms.profile.grace * SECOND
    late = (due != NEVER) & (due <= clock.through - grace) & (proved > due)
    blind = np.zeros(len(due), np.bool_)
    for since, until in clock.silences():
        blind |= (since <= due) & (until >= known["due_from"])
    since_known = np.maximum(due, known["submitted_known"])
    doubt = np.zeros(len(due), np.bool_)
    for since, until in clock.doubts():
        doubt |= (since <= since_known) & (until >= known["due_from"])
    whys = (("overdue", ~blind & ~doubt), ("blind", blind), ("clock-doubt", doubt & ~blind))
    for name, some in ((name, late & why) for name, why in whys):
        raised = since_known[some]
        yield _found(name, known.legs(some), due[some], raised, proved[some], known["delivered_known"][some] <= raised)


def unread(custody: Custody, known: Effective, clock: Clock) -> Iterator[Found]:
    """A copy in a watched mailbox was not opened in time; one that was moved is not watched where it is now."""
    copies = custody.copies
    due = copies["due_at"]
    gone = np.minimum(np.minimum(opened(custody, known), copies["unread_known"]), copies["moved_known"])
    late = (due <= clock.through) & (gone > due)
    raised = np.maximum(due, copies["due_known"])[late]
    yield _found("unread", copies["leg"][late], due[late], raised, gone[late], np.ones(int(late.sum()), np.bool_))


def not_read(custody: Custody, known: Effective, clock: Clock) -> Iterator[Found]:
    """A copy left a watched mailbox unread."""
    copies = custody.copies
    at = copies["unread_known"]
    left = (copies["due_at"] != NEVER) & (at <= clock.through) & (opened(custody, known) > at)
    yield _standing("not-read", copies["leg"][left], np.maximum(at, copies["due_known"])[left])


def opened(custody: Custody, known: Effective) -> Times:
    """When each copy could be known to be read, where it lies now or where it was moved to, or by a receipt."""
    copies = custody.copies
    read: Times = np.minimum(copies["read_known"], _by_receipt(custody, known))
    moved, target = moves(custody)
    moved_known = copies["moved_known"][moved]
    for _ in range(len(moved)):
        before = read[moved]
        read[moved] = np.minimum(before, np.maximum(read[target], moved_known))
        if (read[moved] == before).all():
            break
    return read


def moves(custody: Custody) -> tuple[Rows, Rows]:
    """Copies that were moved, and the copies that they became."""
    copies = custody.copies
    moved = np.flatnonzero(copies["moved_known"] != NEVER)
    keys = np.column_stack([copies["moved_to"][moved], np.full(len(moved), COPY_HALF)])
    return moved, copies.index.find(keys)


def _by_receipt(custody: Custody, known: Effective) -> Times:
    """When a receipt for each copy's unit could be known; it means the first copy, until there is a second."""
    copies = custody.copies
    place = np.full(len(custody.units) + 1, -1, np.int64)
    place[known.unit] = np.arange(len(known.unit))
    saved = np.flatnonzero(copies["saved_known"] != NEVER)
    owner = place[unit_of(custody, copies["leg"][saved].astype(np.int64))]
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


def stuck(custody: Custody, known: Effective, clock: Clock) -> Iterator[Found]:
    """A stay in one queue lasts too long: for each recipient, or for the entry if not one was known by then."""
    del known
    entries, legs = custody.entries, custody.legs
    owed = entries["stuck_after"] != tables.MOST
    due = np.where(owed, entries["stay_from"] + entries["stuck_after"] * np.int64(SECOND), NEVER)
    late = due <= clock.through
    if not late.any():
        return
    raised = np.maximum(due, entries["arrived_known"])
    rows = np.flatnonzero(legs["entry"] >= 0)
    rows = rows[late[legs["entry"][rows]]]
    entry, met = legs["entry"][rows].astype(np.int64), legs["met_known"][rows]
    peopled = np.full(len(entries), NEVER, np.int64)
    np.minimum.at(peopled, entry, met)
    left = np.minimum(legs.take("left_known", rows), entries.take("left_known", entry))
    some = peopled[entry] <= raised[entry]
    since = np.maximum(raised[entry], met)[some]
    yield _found("stuck", rows[some], due[entry][some], since, left[some], np.zeros(len(since), np.bool_))
    whole = np.flatnonzero(late & (peopled > raised))
    yield _of_entries("stuck", whole, due[whole], raised[whole], entries.take("left_known", whole))


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
            "refused", known.legs(some), due[some], raised[some], told[some], known["delivered_known"][some] <= at[some]
        )
    else:
        yield _standing("refused", known.legs(some), np.maximum(at, known["submitted_known"])[some])


def deleted(custody: Custody, known: Effective, clock: Clock) -> Iterator[Found]:
    """An operator deleted a message that was still owed to a recipient; a later delivery clears it."""
    at = _of_open_legs(custody, known, "deleted_known")
    some = at <= clock.through
    raised = np.maximum(at, known["submitted_known"])[some]
    cleared = np.minimum(known["delivered_known"], known["proved_known"])[some]
    yield _found("deleted", known.legs(some), np.full(len(raised), NEVER), raised, cleared, cleared <= raised)


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
    open_ = legs.take("left_known", queued) >= at
    at = np.maximum(at, legs["met_known"][queued])
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
    at = np.maximum(entries["told_known"][legs["entry"][queued]], legs["met_known"][queued])
    np.minimum.at(result, owner[owner >= 0], at[owner >= 0])
    return result


def unaccounted(custody: Custody, known: Effective, clock: Clock) -> Iterator[Found]:
    """An entry was removed with fewer recipients accounted for than it had, or a hand-over never arrived."""
    del known
    entries, legs = custody.entries, custody.legs
    raised = np.maximum(np.maximum(entries["left_known"], entries["arrived_known"]), entries["expected_known"])
    queued = np.flatnonzero(legs["entry"] >= 0)
    entry = legs["entry"][queued].astype(np.int64)
    in_time = legs["met_known"][queued] <= raised[entry]
    short = np.bincount(entry[in_time], minlength=len(entries)) < -entries["expected"]
    rows = np.flatnonzero((raised <= clock.through) & short)
    cleared = np.minimum(_complete(custody, rows), entries.take("deleted_known", rows))
    yield _of_entries("unaccounted", rows, np.full(len(rows), NEVER), raised[rows], cleared)
    yield _never_arrived(custody, clock)


def _complete(custody: Custody, entries: Rows) -> Times:
    """When as many recipients of some entries could be known as each said that it had."""
    legs = custody.legs
    queued = np.flatnonzero((legs["entry"] >= 0) & np.isin(legs["entry"], entries))
    order = np.lexsort([legs["met_known"][queued], legs["entry"][queued]])
    queued = queued[order]
    start, end = (np.searchsorted(legs["entry"][queued], entries, side) for side in ("left", "right"))
    last = start - custody.entries.take("expected", entries) - 1
    known = np.append(legs["met_known"][queued], NEVER)
    return np.where(last < end, known[np.minimum(last, len(queued))], NEVER)


def _never_arrived(custody: Custody, clock: Clock) -> Found:
    """Hand-overs to a host that speaks in this log, which never said that it received them."""
    legs = custody.legs
    known, wait = legs["handed_known"], custody.terms.profile.unaccounted_after * SECOND
    handed = np.flatnonzero(known <= clock.through - wait)
    due = known[handed] + wait
    raised = np.maximum(due, _known_of(custody.hosts, "spoke_known", legs.take("handed_to", handed)))
    arrived = _known_of(custody.entries, "arrived_known", legs.take("next_entry", handed))
    late = np.flatnonzero((raised <= clock.through) & (arrived > raised))
    late = late[_is_named(custody, handed[late])]
    return _found("unaccounted", handed[late], due[late], raised[late], arrived[late], np.zeros(len(late), np.bool_))


def _is_named(custody: Custody, legs: Rows) -> Mask:
    """Where a leg's message has a Message-ID: without one, the next host may call it by an id that it made."""
    names = custody.messages["name"][custody.legs["message"][legs].astype(np.int64)].tolist()
    return np.array([not custody.names.get(name)[0].startswith("/") for name in names], np.bool_)


def _known_of(table: Table, column: str, keys: NDArray[np.uint64]) -> Times:
    """A time of some rows by their keys; NEVER where there is no such row."""
    rows = table.index.find(keys[:, None])
    return np.append(table[column], NEVER)[rows]


def misrouted(custody: Custody, known: Effective, clock: Clock) -> Iterator[Found]:
    """A message was handed on for another recipient, and nothing said in time that it was redirected."""
    at = custody.units.take("diverted_known", known.unit)
    wait = custody.terms.profile.unaccounted_after * SECOND
    raised = np.maximum(np.where(at == NEVER, at - wait, at) + wait, known["submitted_known"])
    told = custody.units.take("redirected_known", known.unit)
    some = (raised <= clock.through) & (told > raised)
    never = np.full(int(some.sum()), NEVER)
    yield _found("misrouted", known.legs(some), never, raised[some], told[some], np.zeros(len(never), np.bool_))


def duplicate(custody: Custody, known: Effective, clock: Clock) -> Iterator[Found]:
    """One unit lies twice in one mailbox: found at the second copy.

    A copy whose session no switch tells is connected to nothing. Where its message had one submission, for one
    recipient, whatever lies in one mailbox is one unit all the same; a second submission that becomes known clears it.
    """
    del known
    copies = custody.copies
    there = np.flatnonzero((copies["saved_known"] <= clock.through) & (copies["saved_known"] < _moved_here(custody)))
    legs, user = copies["leg"][there].astype(np.int64), copies["user"][there]
    message, unit = custody.legs["message"][legs].astype(np.int64), unit_of(custody, legs)
    linked = _again(custody, there, user, unit) & (unit < len(custody.units))
    alone = _again(custody, there, user, message) & _is_for_one(custody, message, copies["saved_known"][there])
    cleared = np.where(linked, NEVER, custody.messages["second_known"][message])
    rows = np.flatnonzero(linked | alone)
    raised, never = copies["saved_known"][there[rows]], np.full(len(rows), NEVER, np.int64)
    yield _found("duplicate", copies["leg"][there[rows]], never, raised, cleared[rows], np.zeros(len(rows), np.bool_))


def _again(custody: Custody, copies: Rows, *groups: Rows) -> Mask:
    """Where a copy is not the first of its group."""
    order = _by_time(custody, copies, *groups)
    same = np.ones(max(len(order) - 1, 0), np.bool_)
    for group in groups:
        same &= group[order][1:] == group[order][:-1]
    again = np.zeros(len(order), np.bool_)
    again[order[1:]] = same
    return again


def _is_for_one(custody: Custody, message: Rows, at: Times) -> Mask:
    """Where a message had one submission by some time, and that one recipient."""
    messages, entries = custody.messages, custody.entries
    first = entries.index.find(messages["first_entry"][message][:, None])
    expected = np.append(entries["expected"], 0)[first]
    alone: Mask = (messages["second_known"][message] > at) & (expected == -1)
    return alone


def _moved_here(custody: Custody) -> Times:
    """When each copy could be known to have come by a move."""
    came = np.full(len(custody.copies), NEVER, np.int64)
    moved, target = moves(custody)
    np.minimum.at(came, target, custody.copies["moved_known"][moved])
    return came


def identity_reused(custody: Custody, known: Effective, clock: Clock) -> Iterator[Found]:
    """A Message-ID was submitted again: found at every submission but the first known."""
    legs, messages = custody.legs, custody.messages
    if not ((messages["second_known"] != NEVER) | (messages["before"] == 1)).any():
        return
    message = legs["message"][known.legs(slice(None))].astype(np.int64)
    again = messages["first_entry"][message] != custody.units["due_leg"][known.unit]
    again |= messages["before"][message] == 1
    some = again & (known["submitted_known"] <= clock.through)
    yield _standing("identity-reused", known.legs(some), known["submitted_known"][some])


def uncorroborated(custody: Custody, known: Effective, clock: Clock) -> Iterator[Found]:
    """A report about a message that no source saw submitted; cleared when a submission becomes known.

    While a source is silent nobody can tell: it waits until that source has spoken.
    """
    del known
    units, legs, messages = custody.units, custody.legs, custody.messages
    reported = np.flatnonzero((units["leg"] >= 0) & (units["reported_known"] != NEVER))
    at, wait = units["reported_known"][reported], custody.terms.profile.told_within * SECOND
    due = at + wait
    for since, until in sorted(clock.silences()):
        due = np.where((since <= due) & (until >= at), np.maximum(due, min(until, NEVER - wait) + wait), due)
    leg = legs.index.find(np.column_stack([units[name][reported] for name in tables.ABOUT[1:]]))
    message = legs["message"][leg]
    submitted = np.where(messages["before"][message] == 1, BEGINNING, messages["first_known"][message])
    submitted = np.minimum(submitted, units["submitted_known"][reported])
    some = (due <= clock.through) & (submitted > due)
    never = np.full(int(some.sum()), NEVER)
    yield _found("uncorroborated-report", leg[some], never, due[some], submitted[some], np.zeros(len(never), np.bool_))


def _of_entries(rule: str, rows: Rows, due: Times, raised: Times, cleared: Times) -> Found:
    return Found(
        rule=rule,
        subject="entry",
        rows=rows,
        due=due,
        raised=raised,
        cleared=_until(cleared, raised),
        proven=np.zeros(len(rows), np.bool_),
    )


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
