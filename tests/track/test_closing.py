"""What is closed leaves: memory is bounded, nothing else that is said changes, and nothing comes back."""

from copy import deepcopy
from itertools import pairwise
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.core import identity
from streams.core.events import Kind, MessageEvent
from streams.core.terms import SECOND, Terms
from streams.track import segments
from streams.track.part import Part
from streams.track.replay import live
from tests.core.journeys import TERMS, event, journey, reported, submitted
from tests.track.lives import NOW, differs, follow, ledger, write
from tests.track.logs import apart, cuts, logs, records, tick, told

HOUR = 3600
LINGER = TERMS | {"linger": 600, "horizon": 10 * HOUR}
"""A journey of tests lasts a minute; ten minutes later it has closed."""


def part(terms: dict[str, Any] = LINGER) -> Part:
    """A partition of which nothing is known."""
    return Part.empty(0, Terms.parse(terms))


def day(hours: int, each: int = 5) -> list[MessageEvent]:
    """Journeys every hour, and a tick a little after each of them."""
    events: list[MessageEvent] = []
    for hour in range(hours):
        for n in range(each):
            events += journey(hour * HOUR + n, f"{hour}-{n}", key=f"m{hour}-{n}@origin.test")
        events.append(tick((hour * HOUR + 500) * SECOND))
    return events


def play(one: Part, events: list[MessageEvent], size: int) -> list[dict[str, Any]]:
    """What is told when a log is taken in batches."""
    edges = [*range(0, len(events), size), len(events)]
    return [alert for start, end in pairwise(edges) for alert in one.take(records(events, start, end)).alerts]


def test_rows_of_settled_messages_leave() -> None:
    """A day of messages leaves no more than its last hours behind; whoever is late with a batch keeps as little."""
    events = day(24)
    for size in (7, 40, len(events)):
        one = part()
        play(one, events, size)
        one.take(records([tick(30 * HOUR * SECOND)], 0, 1))
        tables = (one.custody.messages, one.custody.legs, one.custody.entries, one.custody.units, one.custody.pairs)
        assert [len(table) for table in tables] == [0] * len(tables)
        assert len(one.custody.names) == 0


def test_closing_changes_nothing_that_is_told() -> None:
    """The same alarms are told as if nothing ever closed."""
    events = day(12)
    kept = play(part(TERMS), events, 40)
    assert told(play(part(), events, 40)) == told(kept) == told(play(part(), events, 11))


def test_a_log_that_is_read_again_revives_nothing() -> None:
    """Months later, the same evidence makes no row and no alarm."""
    events, one = day(6), part()
    play(one, events, 40)
    one.take(records([tick(2000 * HOUR * SECOND)], 0, 1))
    assert len(one.custody.closed)
    assert play(one, events, 40) == []
    assert len(one.custody.legs) == len(one.custody.units) == 0


def test_a_message_id_used_again_after_its_message_closed_is_found() -> None:
    """What has closed is known to have been used, and a new message under its id is followed."""
    events, one = day(3, each=1), part()
    play(one, events, 40)
    again = [*journey(40 * HOUR, "again", key="m0-0@origin.test"), tick(41 * HOUR * SECOND)]
    said = play(one, again, 100)
    assert {(alert["rule"], alert["queue_id"]) for alert in said} == {("identity-reused", "Aagain")}


def test_what_is_owed_stays_until_the_horizon() -> None:
    """A message whose report never came stays long after the linger, with its alarm, and leaves at the horizon."""
    events, one = [*journey(0, "1")[:3], tick(HOUR * SECOND)], part()
    play(one, events, 100)
    one.take(records([tick(5 * HOUR * SECOND)], 0, 1))
    assert len(one.custody.units) == 1
    one.take(records([tick(11 * HOUR * SECOND)], 0, 1))
    assert len(one.custody.units) == 0


def test_a_copy_that_was_moved_unopened_stays_until_it_was_due() -> None:
    """A message is not settled while somebody has yet to read it, wherever it lies."""
    old, new = (identity.copy_leg("store", "bob@dest.test", box, "s1") for box in ("INBOX", "Later"))
    where: dict[str, Any] = {"host": "store", "queue_id": "INBOX/s1", "recipient": "bob@dest.test"}
    moved = event(Kind.TRANSFERRED, 5, leg=old, next_leg=new, side="moved", **where)
    slow = LINGER | {"unread": {"after": 2 * HOUR, "mailboxes": ["*/INBOX"]}}
    ticks = [tick(hour * HOUR * SECOND) for hour in (1, 2, 3)]
    said = play(part(slow), [*journey(0, "1", read=False), moved, *ticks], 100)
    assert [(alert["rule"], alert["at"] // SECOND) for alert in said] == [("unread", 2 * HOUR + 1)]


def refused(number: str = "N1") -> list[MessageEvent]:
    """A message of ours that was refused, as its originator was notified of; then what became of the notification."""
    there: dict[str, Any] = {"host": "origin", "queue_id": "A1"}
    failed: dict[str, Any] = {"next_queue_id": number, "attributes": ("notification=failed",)}
    return [
        *submitted(0, "A1"),
        event(Kind.REFUSED, 3, recipient="bob@dest.test", status="5.1.1", **there),
        event(Kind.REPORTED, 4, action="issued", **there, **failed),
        event(Kind.REMOVED, 4, **there),
        event(Kind.REPORTED, 2 * HOUR, action="undelivered", **there, **failed),
    ]


UNTOLD = LINGER | {"refused": "untold", "findings": ["refused"], "report": {}}


@pytest.mark.parametrize("is_kept", [False, True])
def test_a_refusal_stays_while_its_notification_may_be_undelivered(*, is_kept: bool) -> None:
    """Where that would be found: a notification may lie in a queue for days; also in one that a snapshot put back."""
    *before, lost = refused()
    one = part(UNTOLD)
    assert play(one, [*before, tick(HOUR * SECOND), tick(3 * HOUR * SECOND // 2)], 1) == []
    if is_kept:
        back = part(UNTOLD)
        segments.apply(back, [*segments.whole(one)])
        back.clock, one = deepcopy(one.clock), back
    said = play(one, [lost, tick(3 * HOUR * SECOND)], 100)
    assert [(alert["rule"], alert["state"], alert["at"]) for alert in said] == [
        ("refused", "raised", 2 * HOUR * SECOND)
    ]
    one.take(records([tick(13 * HOUR * SECOND)], 0, 1))
    assert len(one.custody.units) == len(one.custody.notices) == 0


def test_bulk_that_is_refused_waits_for_no_notification() -> None:
    """Its refusal is no finding, whatever becomes of the notification."""
    *before, _ = refused()
    one = part(UNTOLD | {"bulk": ["al@*"]})
    assert play(one, [*before, tick(HOUR * SECOND)], 100) == []
    one.take(records([tick(2 * HOUR * SECOND)], 0, 1))
    assert len(one.custody.units) == len(one.custody.notices) == 0


def test_a_refusal_that_is_found_anyway_waits_for_no_notification() -> None:
    """Where the terms find every refusal, nothing depends on whether it was told."""
    one = part(UNTOLD | {"refused": "always", "findings": ["stuck"]})
    play(one, [*refused()[:-1], tick(HOUR * SECOND)], 100)
    one.take(records([tick(2 * HOUR * SECOND)], 0, 1))
    assert len(one.custody.units) == len(one.custody.notices) == 0


@pytest.mark.parametrize(("silent", "left"), [((), 0), (("relay-log",), 1)])
def test_nothing_closes_while_a_source_is_silent(silent: tuple[str, ...], left: int) -> None:
    """That source may tell of it yet; once it has spoken the linger begins, and the horizon stays."""
    one, minutes = part(), [tick(n * 600 * SECOND, *silent) for n in range(1, 9)]
    play(one, [*journey(1, "1"), *minutes], 1)
    assert len(one.custody.messages) == left
    play(one, [tick(n * 600 * SECOND) for n in (9, 10, 11)], 1)
    assert len(one.custody.messages) == 0
    play(one, [*journey(7000, "2", key="n"), *(tick(n * HOUR * SECOND, *silent) for n in range(2, 14))], 1)
    assert len(one.custody.messages) == 0


def test_a_short_silence_now_and_then_keeps_nothing() -> None:
    """Some source of many is restarted every other hour: what is settled leaves at the next tick without a silence."""
    events, one = day(24), part(LINGER | {"linger": 3 * HOUR})
    ticks = [number for number, said in enumerate(events) if said.kind is Kind.TICK]
    for number in ticks[::2]:
        events[number] = tick(events[number].occurred_at, "relay-log")
    play(one, events, 7)
    assert len(one.custody.messages) < 5 * 6


@pytest.mark.parametrize("size", [1, 100])
def test_a_refusal_does_not_close_in_a_silence(size: int) -> None:
    """That its notification was undelivered may stand in what the silent source has yet to tell."""
    *before, lost = refused()
    lost = msgspec.structs.replace(lost, occurred_at=3 * 24 * HOUR * SECOND)
    silent = [tick(n * 12 * HOUR * SECOND, *(("origin-log",) if n >= 4 else ())) for n in range(1, 19)]
    said = play(part(UNTOLD | {"horizon": 1440 * HOUR}), [*before, *silent, lost, tick(240 * HOUR * SECOND)], size)
    assert ("refused", "raised") in {(alert["rule"], alert["state"]) for alert in said}


def test_what_was_silent_once_says_for_ever_what_had_closed() -> None:
    """A message that closed before a silence is not open again in it, whether its rows had left or not."""
    quiet = [*journey(1, "1"), tick(500 * SECOND), tick(1200 * SECOND)]
    late = event(Kind.NON_DELIVERED, 30, host="far", queue_id="F1", recipient="bob@dest.test")
    events = [*quiet, tick(1300 * SECOND, "relay-log"), late, tick(1400 * SECOND, "relay-log"), tick(9000 * SECOND)]
    for size in (1, len(quiet), len(events)):
        assert [one["rule"] for one in play(part(), events, size) if one["rule"] != "source-silent"] == []


def test_another_way_to_speak_of_a_settled_message_does_not_open_it() -> None:
    """A refusal that nothing joins comes after it closed: it counts no more, whether its rows left or not."""
    said = [*journey(0, "1"), tick(HOUR * SECOND)]
    late = event(Kind.NON_DELIVERED, 30, host="far", queue_id="F1", recipient="bob@dest.test")
    events = [*said, late, tick(2 * HOUR * SECOND)]
    for size in (len(said), len(events)):
        assert play(part(), events, size) == []


def test_what_closed_comes_back_from_a_snapshot() -> None:
    """A worker that starts again knows what has closed, and rows under their new numbers."""
    events, one = day(6), part()
    play(one, events, 40)
    closed = [raw for at, hashes in one.custody.closed.take_fresh() for raw in segments.closed(at, hashes)]
    back = part()
    segments.apply(back, [*segments.whole(one)])
    segments.apply_closed(back, closed)
    back.clock = deepcopy(one.clock)
    assert len(back.custody.closed) == len(one.custody.closed) > 0
    assert play(back, events, 40) == []


def _silenced(one: MessageEvent, silent: set[int]) -> MessageEvent:
    """It, or a tick that names a silent source, where it is one of those."""
    return tick(one.occurred_at, "relay-log") if one.kind is Kind.TICK and one.occurred_at in silent else one


@settings(max_examples=200, deadline=None)
@given(logs, logs, st.data())
def test_any_split_tells_the_same_though_messages_close(
    events: list[MessageEvent], others: list[MessageEvent], data: Any
) -> None:
    """When rows really leave changes nothing: not with late evidence, nor when the same is told again."""
    later = [msgspec.structs.replace(one, occurred_at=one.occurred_at + 3000 * SECOND) for one in others]
    silent = data.draw(
        st.sets(st.sampled_from([one.occurred_at for one in [*events, *later] if one.kind is Kind.TICK]))
    )
    events, later = ([_silenced(one, silent) for one in some] for some in (events, later))
    log = [*events, *later, *data.draw(st.lists(st.sampled_from([*events, *later]), max_size=10)), tick(9000 * SECOND)]
    once = part().take(records(log, 0, len(log))).alerts
    parts, said = part(), []
    for start, end in data.draw(cuts(log)):
        said += parts.take(records(log, start, end)).alerts
    assert apart(said, once) == set()


def test_a_message_may_close_before_the_first_look_of_a_life() -> None:
    """The first that is said after a recovery is of it: whoever took up the state would die of it, each time."""
    open_ = [one for n in range(20) for one in submitted(50, f"Q{n}", key=f"m{n}")]
    log = ledger(*journey(0, "1", key="old"), *open_, tick(60 * SECOND), tick(99 * SECOND))
    follow(log, NOW)
    before = live(log)
    write(log, *reported(99, ("relay", "B1"), key="old"), tick(100 * SECOND))
    follow(log, NOW)
    assert live(log) == before
    assert not differs(log)
