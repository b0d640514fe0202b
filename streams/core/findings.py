"""Findings: pure functions of what is known and of the log's clock.

Rules:
- A finding's identity is (rule, unit): the leg it is about. Due, times and severity are its content.
- A finding has the time at which it was raised and the time at which it was cleared; both follow from `known` columns,
  so they are the same live, in replay, and whatever the batches were.
- overdue is raised at max(due, submission known) iff clock >= due + grace and no report is known by then, or as soon as
  it could be known that those which are known are of others; it is cleared when a report is known. The others follow
  the same form.
- Every rule decides by what was known when the finding was raised: what becomes known later may clear it, and never
  makes it not to have been. So it does not matter when, or how often, anyone looked.
- A finding that the clock has not reached is not made: nothing here reads another clock.
- What a person discharges is settled: whatever is found of that unit is cleared, but for what its queue still has to
  do (stuck), and for whole entries, which are of several units.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial

import numpy as np

from streams.core import tables
from streams.core.clock import BEGINNING, Clock
from streams.core.custody import CLASSES, Custody
from streams.core.effective import Effective
from streams.core.events import Traffic
from streams.core.facts import Mask, Times
from streams.core.found import Found, of_entries, of_legs, standing
from streams.core.index import Rows
from streams.core.lattice import NEVER
from streams.core.leaving import away, left
from streams.core.mailboxes import duplicate, not_read, unread
from streams.core.notices import untold
from streams.core.terms import SECOND, SETTLED
from streams.core.unaccounted import complete, unaccounted

OURS = (CLASSES[Traffic.OURS], CLASSES[Traffic.BULK])
"""Classes of what we submit."""


def findings(custody: Custody, clock: Clock) -> Iterator[Found]:
    """All findings up to the clock, one batch a rule, for the rules that the terms switch on."""
    for found in prospects(custody, clock):
        some = found.decided <= clock.through
        if some.any():
            yield found.some(some)


def prospects(custody: Custody, clock: Clock) -> Iterator[Found]:
    """What is found at each clock, this one or later, if nothing more becomes known; but for what is over by then."""
    known = Effective.of(custody)
    rules: dict[str, Callable[[Custody, Effective], Iterator[Found]]] = {
        "overdue": partial(overdue, clock=clock),
        "unread": unread,
        "not-read": not_read,
        "stuck": stuck,
        "refused": refused,
        "deleted": deleted,
        "unaccounted": unaccounted,
        "misrouted": misrouted,
        "duplicate": duplicate,
        "identity-reused": identity_reused,
        "uncorroborated-report": partial(uncorroborated, clock=clock),
    }
    for name, rule in rules.items():
        if name in custody.terms.findings:
            for found in rule(custody, known):
                if not len(found.rows):
                    continue
                told = _settled(found, known) if name in SETTLED and found.subject == "leg" else found
                yield told.some((told.raised != NEVER) & (told.cleared > told.raised))


def _settled(found: Found, known: Effective) -> Found:
    """What was found, cleared where a person discharged its unit."""
    return replace(found, cleared=np.minimum(found.cleared, np.maximum(known.by_hand(found.rows), found.raised)))


def overdue(custody: Custody, known: Effective, *, clock: Clock) -> Iterator[Found]:
    """A promised report did not come in time: `blind` if a source was silent, `clock-doubt` if one told wrong times."""
    due, late_known, proved = known["due_at"], known["unanswered_known"], known["answered_known"]
    grace = custody.terms.profile.grace * SECOND
    late = (due != NEVER) & (proved > late_known)
    blind = touched(clock.silences(), known["due_from"], due)
    doubt = touched(clock.doubts(), known["due_from"], late_known)
    whys = (("overdue", ~blind & ~doubt), ("blind", blind), ("clock-doubt", doubt & ~blind))
    for name, some in ((name, late & why) for name, why in whys):
        raised = late_known[some]
        proven = known["shown_known"][some] <= raised
        found = of_legs(name, known.legs(some), due[some], raised, proved[some], proven)
        yield replace(found, decided=np.maximum(raised, due[some] + grace))


def touched(spans: Iterable[tuple[int, int]], start: Times, end: Times) -> Mask:
    """Which of some times, each from a start to an end, fall together with a span."""
    touches = np.zeros(len(start), np.bool_)
    for since, until in spans:
        touches |= (since <= end) & (until >= start)
    return touches


def stuck(custody: Custody, known: Effective) -> Iterator[Found]:
    """A stay in one queue lasts too long: for each recipient, or for the entry if not one was known by then."""
    del known
    entries, legs = custody.entries, custody.legs
    owed = entries["stuck_after"] != tables.MOST
    due = np.where(owed, entries["stay_from"] + entries["stuck_after"] * np.int64(SECOND), NEVER)
    late = due != NEVER
    raised = np.maximum(due, entries["arrived_known"])
    rows = custody.stays()
    rows = rows[late[legs["entry"][rows]]]
    entry, met = legs["entry"][rows].astype(np.int64), legs["met_known"][rows]
    peopled = np.full(len(entries), NEVER, np.int64)
    np.minimum.at(peopled, entry, met)
    gone = np.minimum(left(custody, rows), entries.take("left_known", entry))
    some = peopled[entry] <= raised[entry]
    since, gone = _but_for_absence(custody, rows[some], np.maximum(raised[entry], met)[some], gone[some])
    yield of_legs("stuck", rows[some], due[entry][some], since, gone, np.zeros(len(since), np.bool_))
    whole = np.flatnonzero(late & (peopled > raised))
    yield of_entries("stuck", whole, due[whole], raised[whole], entries.take("left_known", whole))


def _but_for_absence(custody: Custody, legs: Rows, since: Times, until: Times) -> tuple[Times, Times]:
    """What is found of stays from one time to another, where it could not be known meanwhile that they go on."""
    absent, back = away(custody, legs)
    return (
        np.where(absent <= since, np.maximum(since, back), since),
        np.where((since < absent) & (absent < back), np.minimum(until, absent), until),
    )


def refused(custody: Custody, known: Effective) -> Iterator[Found]:
    """The system gave up; under "untold" only where the originator was not told in time, or by what was undelivered.

    Not of bulk: nobody waits for it, and what sends it mostly takes no mail.
    """
    at = np.minimum(known["refused_known"], _of_open_legs(custody, known, "refused_known"))
    some = at != NEVER
    if custody.terms.profile.bulk:
        entries = custody.legs["entry"][known.legs(some)].astype(np.int64)
        some[some] = custody.entries.take("arrived_as", entries) != CLASSES[Traffic.BULK]
    if custody.terms.profile.refused == "untold":
        due = np.where(some, at, 0) + custody.terms.profile.told_within * SECOND
        raised, told = untold(custody, known, np.maximum(due, known["submitted_known"]), some)
        some &= told > raised
        yield of_legs(
            "refused", known.legs(some), due[some], raised[some], told[some], known["delivered_known"][some] <= at[some]
        )
    else:
        yield standing("refused", known.legs(some), np.maximum(at, known["submitted_known"])[some])


def deleted(custody: Custody, known: Effective) -> Iterator[Found]:
    """An operator deleted a message that was still owed to a recipient; a later delivery clears it.

    Where its recipients were not named yet, it is found of the entry, and cleared when they are.
    """
    at = _of_open_legs(custody, known, "deleted_known")
    some = at != NEVER
    raised = np.maximum(at, known["submitted_known"])[some]
    cleared = np.minimum(known["delivered_known"], known["proved_known"])[some]
    yield of_legs("deleted", known.legs(some), np.full(len(raised), NEVER), raised, cleared, cleared <= raised)
    yield _deleted_unnamed(custody)


def _deleted_unnamed(custody: Custody) -> Found:
    """Entries of ours that were deleted before all recipients were named, which is at an attempt: at least one."""
    entries = custody.entries
    raised = np.maximum(entries["deleted_known"], entries["arrived_known"])
    rows = np.flatnonzero((raised != NEVER) & np.isin(entries["arrived_as"], OURS))
    at = raised[rows]
    count = np.where(entries.take("expected_known", rows) <= at, -entries.take("expected", rows), 1)
    return of_entries("deleted", rows, np.full(len(rows), NEVER), at, complete(custody, rows, count))


def _of_open_legs(custody: Custody, known: Effective, column: str) -> Times:
    """For each unit the earliest such event of an entry that one of its legs had not left by then."""
    entries, legs = custody.entries, custody.legs
    hit = entries[column] != NEVER
    if not hit.any():
        return np.full(len(known.unit), NEVER, np.int64)
    queued = custody.stays()
    queued = queued[hit[legs["entry"][queued]]]
    at = entries[column][legs["entry"][queued]]
    open_ = left(custody, queued) >= at
    absent, back = away(custody, queued)
    at = np.maximum(np.maximum(at, legs["met_known"][queued]), np.where(absent < at, back, at))
    return _earliest(known, queued[open_], at[open_])


def _earliest(known: Effective, legs: Rows, at: Times) -> Times:
    """For each unit the earliest of some times at which something could be known of legs that are its own."""
    owners, _, times = known.owned(legs, at)
    return _least(known, owners, times)


def _least(known: Effective, owners: Rows, at: Times) -> Times:
    result = np.full(len(known.unit), NEVER, np.int64)
    np.minimum.at(result, owners, at)
    return result


def misrouted(custody: Custody, known: Effective) -> Iterator[Found]:
    """A message was handed on for another recipient, and nothing said in time that its own was redirected.

    A report that names another recipient counts only once the host that reports is seen to have had the message: what
    hosts do whose evidence is not read, or whom an invented Message-ID hides, they may have good reason for.
    """
    diverted, wait = _diverted(custody, known), custody.terms.profile.unaccounted_after * SECOND
    if not (diverted != NEVER).any():
        return
    raised = np.maximum(np.minimum(diverted, NEVER - wait) + wait, known["submitted_known"])
    told = _redirected(custody, known)
    some = (diverted != NEVER) & (told > raised)
    never = np.full(int(some.sum()), NEVER)
    yield of_legs("misrouted", known.legs(some), never, raised[some], told[some], np.zeros(len(never), np.bool_))


def _diverted(custody: Custody, known: Effective) -> Times:
    """For each unit when it could be known first that it was handed on, or is seen to have come, for another."""
    entries, legs = custody.entries, custody.legs
    handed, claimed = legs["diverted_known"], legs["claimed_known"]
    rows = np.flatnonzero((handed != NEVER) | (claimed != NEVER))
    at = np.minimum(handed[rows], np.maximum(claimed[rows], entries.take("arrived_known", legs["entry"][rows])))
    owners, own, times = _owned(custody, known, rows, at)
    return _least(known, owners[~own], times[~own])


def _redirected(custody: Custody, known: Effective) -> Times:
    """For each unit when it could be known first that its recipient gave way to another."""
    told = custody.legs["redirected_known"]
    rows = np.flatnonzero(told != NEVER)
    owners, own, times = _owned(custody, known, rows, told[rows])
    return _least(known, owners[own], times[own])


def _owned(custody: Custody, known: Effective, legs: Rows, at: Times) -> tuple[Rows, Mask, Times]:
    """Whose some times are, and whether they are of legs for whom that was submitted."""
    owners, numbers, times = known.owned(legs, at)
    whom = custody.units.take("due_recipient", known.unit[owners])
    own: Mask = custody.legs.index.keys[legs[numbers], 1] == whom
    return owners, own, times


def identity_reused(custody: Custody, known: Effective) -> Iterator[Found]:
    """A Message-ID was submitted again: found at every submission but the first known."""
    legs, messages = custody.legs, custody.messages
    if not ((messages["second_known"] != NEVER) | (messages["before"] == 1)).any():
        return
    message = legs["message"][known.legs(slice(None))].astype(np.int64)
    again = messages["first_entry"][message] != custody.units["due_leg"][known.unit]
    again |= messages["before"][message] == 1
    yield standing("identity-reused", known.legs(again), known["submitted_known"][again])


def uncorroborated(custody: Custody, known: Effective, *, clock: Clock) -> Iterator[Found]:
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
    some = submitted > due
    never = np.full(int(some.sum()), NEVER)
    yield of_legs("uncorroborated-report", leg[some], never, due[some], submitted[some], np.zeros(len(never), np.bool_))
