"""The laws of custody: order, repetition and the split into batches change nothing."""

from collections import defaultdict
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from streams.core import identity
from streams.core.clock import Clock, Tick
from streams.core.custody import Custody
from streams.core.events import Kind, MessageEvent, Traffic
from streams.core.facts import facts, frame_of
from streams.core.findings import findings
from streams.core.lattice import Join
from streams.core.terms import SECOND, Terms
from tests.core.journeys import TERMS, event, journey, submitted

KEYS = ("m1", "m2")
HOSTS = ("origin", "relay", "dest")
RECIPIENTS = ("bob@dest.test", "carol@dest.test", "")


def legs(key: str) -> list[bytes]:
    """Some legs of a message."""
    queued = [identity.leg_of(h, q, r, key=key) for h in HOSTS for q in ("Q1", "Q2") for r in RECIPIENTS[:2]]
    copies = [identity.copy_leg("store", "bob", box, key) for box in ("INBOX", "X")]
    return [*queued, identity.session_leg(key), *copies]


times = st.integers(0, 200)


@st.composite
def anything(draw: st.DrawFn) -> MessageEvent:
    """Any event about a few messages, hosts and recipients, sensible or not."""
    key = draw(st.sampled_from(KEYS))
    other: dict[str, Any] = {"leg": draw(st.sampled_from(legs(key)))} if draw(st.booleans()) else {}
    kind = draw(st.sampled_from([kind for kind in Kind if kind is not Kind.TICK]))
    one = event(
        kind,
        draw(times),
        key=key,
        host=draw(st.sampled_from(HOSTS)),
        queue_id=draw(st.sampled_from(("Q1", "Q2"))),
        recipient=draw(st.sampled_from(RECIPIENTS)),
        next_leg=draw(st.none() | st.sampled_from(legs(key))),
        side=draw(st.sampled_from((None, "sent", "received", "moved"))),
        action=draw(st.sampled_from((None, "delivered", "failed", "relayed", "delayed", "issued", "undelivered"))),
        next_queue_id=draw(st.sampled_from((None, "N1", "N2"))),
        attributes=draw(st.sampled_from(((), ("notification=failed",)))),
        traffic=draw(st.sampled_from((Traffic.OURS, Traffic.REPORT, Traffic.TRANSIT))),
        report_requested=draw(st.sampled_from((True, False, None))),
        recipients_expected=draw(st.integers(0, 3)),
        **other,
    )
    keeps = kind is Kind.REDIRECTED and draw(st.booleans())
    return replace(one, next_leg=one.leg) if keeps else one


@st.composite
def sensible(draw: st.DrawFn) -> list[MessageEvent]:
    """Some whole journeys, of which some events are missing."""
    events: list[MessageEvent] = []
    for number in range(draw(st.integers(1, 3))):
        key, start = draw(st.sampled_from(KEYS)), draw(st.integers(0, 50))
        events += journey(start, str(number), key=key, report=draw(st.booleans()), read=draw(st.booleans()))
    return [one for one in events if draw(st.integers(0, 5))]


logs = sensible() | st.lists(anything(), max_size=25)


def split(draw: st.DrawFn, events: list[MessageEvent]) -> list[list[MessageEvent]]:
    """The same events in other batches."""
    cuts = sorted(draw(st.lists(st.integers(0, len(events)), max_size=4)))
    return [events[a:b] for a, b in zip([0, *cuts], [*cuts, len(events)], strict=True)]


@st.composite
def told_otherwise(draw: st.DrawFn) -> tuple[list[MessageEvent], list[list[MessageEvent]]]:
    """Some events, and the same in another order, some of them more than once, in other batches."""
    events = draw(logs)
    again = draw(st.permutations(events + [one for one in events if draw(st.booleans())]))
    return events, split(draw, again)


def state(custody: Custody) -> dict[str, Any]:
    """All that is known, without the numbers of rows."""
    known: dict[str, Any] = {}
    chains = defaultdict(set)
    legs = custody.legs.index.keys[: len(custody.legs)]
    for row, root in enumerate(custody.chains.root(np.arange(len(custody.legs))).tolist()):
        chains[root].add(tuple(legs[row].tolist()))
    known["chains"] = {frozenset(chain) for chain in chains.values()}
    known["pairs"] = {
        (custody.message_key(message), recipient): values(custody.pairs, row)
        for row, (message, recipient) in enumerate(custody.pairs.index.keys[: len(custody.pairs)].tolist())
    }
    for name in ("messages", "entries", "legs", "copies", "notices", "hosts"):
        table = getattr(custody, name)
        known[name] = {tuple(table.index.keys[row].tolist()): values(table, row) for row in range(len(table))}
    known["units"] = {
        frozenset(chains[root]): values(custody.units, row)
        for row, root in enumerate(custody.units["leg"].tolist())
        if root >= 0
    }
    return known


def values(table: Any, row: int) -> tuple[Any, ...]:
    """The joined columns of one row."""
    return tuple(table[name][row].item() for name, column in table.columns.items() if column.join is not Join.PLAIN)


def found(custody: Custody, clock: Clock) -> set[tuple[Any, ...]]:
    """All findings, by the hash of what they are about."""
    result = set()
    for one in findings(custody, clock):
        keys = (custody.legs if one.subject == "leg" else custody.entries).index.keys
        rows = zip(one.rows.tolist(), one.due.tolist(), one.raised.tolist(), one.cleared.tolist(), strict=True)
        result |= {(one.rule, tuple(keys[row].tolist()), *times_) for row, *times_ in rows}
    return result


@settings(max_examples=500, deadline=None)
@given(told_otherwise())
def test_any_order_repetition_and_split_gives_the_same_custody(
    told: tuple[list[MessageEvent], list[list[MessageEvent]]],
) -> None:
    """Custody is a join: it commutes, associates and is idempotent."""
    events, batches = told
    one, two = Custody(terms=Terms.parse(TERMS)), Custody(terms=Terms.parse(TERMS))
    one.fold(facts(frame_of(events), 0))
    for batch in batches:
        two.fold(facts(frame_of(batch), 0))
    assert state(one) == state(two)
    clock = Clock(through=150 * SECOND)
    assert found(one, clock) == found(two, clock)


@st.composite
def expanded(draw: st.DrawFn) -> list[MessageEvent]:
    """A recipient of an entry that gives way to others and perhaps keeps a copy, which is tried, or ends, somehow."""
    bob, eve = "bob@dest.test", "eve@dest.test"
    where: dict[str, Any] = {"host": "origin", "queue_id": "A1"}
    legs_ = [identity.leg_of("origin", "A1", to, key="m") for to in (bob, eve)]
    turns = [
        event(Kind.REDIRECTED, draw(times), recipient=bob, next_leg=leg, ordinal=number, **where)
        for number, leg in enumerate(legs_)
    ]
    kinds = (Kind.DEFERRED, Kind.DELIVERED, Kind.REFUSED, Kind.REROUTED)
    ends = [event(draw(st.sampled_from(kinds)), draw(times), recipient=to, **where) for to in (bob, eve)]
    whole = [event(kind, draw(times), **where) for kind in (Kind.DELETED, Kind.REFUSED, Kind.REMOVED)]
    events = [*submitted(draw(times), "A1"), *turns, *ends, *whole]
    return [one for one in events if draw(st.integers(0, 2))]


@st.composite
def a_log(draw: st.DrawFn) -> list[MessageEvent | int]:
    """Events and ticks in the order of a log; evidence may be late."""
    log: list[MessageEvent | int] = list(draw(logs | expanded()))
    log = draw(st.permutations(log)) if draw(st.booleans()) else log
    for through in sorted(draw(st.lists(times, max_size=5))):
        log.insert(draw(st.integers(0, len(log))), through * SECOND)
    return log


def play(log: list[MessageEvent | int], *, every: int, overlap: int) -> list[set[tuple[Any, ...]]]:
    """Findings at each tick; batches of `every` records, each batch reads `overlap` records again."""
    custody, clock = Custody(terms=Terms.parse(TERMS)), Clock()
    told: list[set[tuple[Any, ...]]] = []
    seen = -1
    for start in range(0, len(log), every):
        first = max(0, start - overlap)
        before = max((r for r in log[:first] if isinstance(r, int)), default=-(2**62))
        batch: list[MessageEvent] = []
        for place in range(first, min(len(log), start + every)):
            record = log[place]
            if not isinstance(record, int):
                batch.append(record)
                continue
            custody.fold(facts(frame_of(batch), before))
            batch, before = [], max(before, record)
            clock.hear(Tick(through=record))
            if place > seen:
                told.append(found(custody, clock))
            seen = max(seen, place)
        custody.fold(facts(frame_of(batch), before))
    return told


@settings(max_examples=500, deadline=None)
@given(a_log(), st.integers(1, 7), st.integers(0, 9))
def test_any_split_and_overlap_gives_the_same_alarms_at_the_same_times(
    log: list[MessageEvent | int], every: int, overlap: int
) -> None:
    """After a recovery some records are read again: every tick finds what it found."""
    assert play(log, every=every, overlap=overlap) == play(log, every=len(log) or 1, overlap=0)


@settings(max_examples=100, deadline=None)
@given(expanded(), st.lists(times, min_size=2, max_size=4, unique=True))
def test_what_a_tick_found_of_a_stay_stands(events: list[MessageEvent], ticks: list[int]) -> None:
    """However late it becomes known that an alias keeps a copy, no alarm is unmade, moved, or back once cleared."""
    log: list[MessageEvent | int] = list(events)
    for number, through in enumerate(sorted(ticks)):
        log.insert((number + 1) * len(log) // len(ticks), through * SECOND)
    before: set[Any] = set()
    over: set[Any] = set()
    for tick, told in zip(sorted(ticks), play(log, every=len(log), overlap=0), strict=True):
        stuck = {one[:4]: one[4] for one in told if one[0] == "stuck"}
        assert before <= stuck.keys()
        assert over <= stuck.items()
        before, over = set(stuck), {one for one in stuck.items() if one[1] <= tick * SECOND}
