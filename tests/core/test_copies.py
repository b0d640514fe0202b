"""What is found of copies in mailboxes: read, unread, moved, thrown away, there twice."""

from typing import Any

from streams.core import identity
from streams.core.clock import Clock
from streams.core.events import Kind
from streams.core.facts import facts, frame_of
from streams.core.findings import findings
from streams.core.terms import SECOND
from tests.core.journeys import (
    alarms,
    event,
    filed,
    folded,
    journey,
    moved,
    opened,
    stored,
    submitted,
    there,
)

B = ("relay", "B1")


def test_unread_copy_is_found_and_cleared_when_opened() -> None:
    """A watched copy not opened in time."""
    events = journey(0, "1", read=False)
    assert alarms(folded(events), 101) == {("unread", "store/s1", 101, None)}
    assert alarms(folded(events, opened(150, "s1")), 200) == {("unread", "store/s1", 101, 150)}


def test_expunged_unread_is_not_read() -> None:
    """A copy that leaves the store unread before it was due is not-read, and no longer unread."""
    gone = there(Kind.NOT_READ, 50, "INBOX")
    assert alarms(folded(journey(0, "1", read=False), [gone]), 1000) == {("not-read", "store/s1", 50, None)}


def test_moved_copy_is_read_where_it_lies_now() -> None:
    """MOVE is not leaving unread: a read in the new mailbox clears."""
    ways = [moved(5, "INBOX", "Later"), there(Kind.READ, 7, "Later")]
    assert alarms(folded(journey(0, "1", read=False), ways), 1000) == set()


def test_copy_that_is_moved_unopened_is_still_to_be_read_by_its_time() -> None:
    """A move within the store, before it was due or after, neither reads it nor gives it longer; not even two moves."""
    unread = journey(0, "1", read=False)
    for ways in ([moved(50, "INBOX", "Later")], [moved(150, "INBOX", "Later")],
                 [moved(50, "INBOX", "Later"), moved(60, "Later", "Trash")]):  # fmt: skip
        assert alarms(folded(unread, ways), 1000) == {("unread", "store/s1", 101, None)}
    opened_there = [moved(50, "INBOX", "Later"), there(Kind.READ, 170, "Later")]
    assert alarms(folded(unread, opened_there), 1000) == {("unread", "store/s1", 101, 170)}


def test_copy_that_is_thrown_away_unopened_is_not_read_once_the_trash_is_emptied() -> None:
    """Until then it lies in the store to be read."""
    purged = [moved(5, "INBOX", "Trash"), there(Kind.NOT_READ, 50, "Trash")]
    assert alarms(folded(journey(0, "1", read=False), purged), 1000) == {("not-read", "store/s1", 50, None)}


def test_read_of_a_moved_copy_counts_from_when_the_move_was_known() -> None:
    """The store's lines come in their order; a move that is read late says late whose copy was opened."""
    custody = folded(journey(0, "1", read=False), [there(Kind.READ, 90, "Later")])
    assert alarms(custody, 110) == {("unread", "store/s1", 101, None)}
    custody.fold(facts(frame_of([moved(50, "INBOX", "Later")]), 120 * SECOND))
    assert alarms(custody, 200) == {("unread", "store/s1", 101, 120.000001)}


def test_receipt_means_the_only_copy_there_is() -> None:
    """A second copy that comes after the receipt does not take the read away."""
    receipt = event(Kind.READ, 50, host="origin", queue_id="A1", recipient="bob@dest.test", action="displayed")
    again = stored(60, B, "s2", ordinal=1)
    found = alarms(folded(journey(0, "1", read=False), [receipt], again), 1000)
    assert {one for one in found if one[0] == "unread"} == {("unread", "store/s2", 160, None)}


def test_second_copy_in_one_mailbox_is_a_duplicate() -> None:
    """A message delivered twice."""
    again = stored(9, ("relay", "B1"), "s2", ordinal=1)[:1] + stored(9, ("relay", "B1"), "s2")[2:]
    found = alarms(folded(journey(0, "1"), again, opened(10, "s2")), 1000)
    assert found == {("duplicate", "store/s2", 9, None)}


def test_copies_that_one_session_brought_are_no_duplicates() -> None:
    """A filter files a copy and keeps one; whether or not a switch tells of the session."""
    filing = [*journey(0, "1"), filed(0.9, "s1"), filed(1, "s1", "Later", ordinal=10)]
    assert alarms(folded(filing), 1000) == set()
    alone = [*submitted(0, "A1"), *stored(4, B, "s9")[2:], filed(4, "s9"), opened(5, "s9")[0]]
    assert "duplicate" not in {rule for rule, *_ in alarms(folded(alone), 1000)}


def test_a_second_session_brings_as_many_duplicates_as_copies() -> None:
    """A message delivered twice is filed and kept twice."""
    again = stored(9, B, "s2", ordinal=1)[:1] + stored(9, B, "s2")[2:]
    twice = [*journey(0, "1"), filed(1, "s1"), *again, filed(9, "s2"), *opened(10, "s2")]
    assert alarms(folded(twice), 1000) == {
        ("duplicate", "store/s2", 9, None),
        ("duplicate", "store/INBOX/s2", 9, None),
    }


def test_a_queue_may_deliver_twice() -> None:
    """Only a session is one delivery: what a stay in a queue brought twice lies there twice."""
    where: dict[str, Any] = {"host": "origin", "queue_id": "A1", "recipient": "bob@dest.test"}
    twice = [
        event(Kind.DELIVERED, at, next_leg=identity.copy_leg("store", "bob@dest.test", "INBOX", uid), **where)
        for at, uid in ((1, "u1"), (9, "u2"))
    ]
    assert {(rule, at) for rule, _, at, _ in alarms(folded([*submitted(0, "A1"), *twice]), 20)} == {("duplicate", 9)}


def test_copy_that_no_switch_told_of_proves_delivery() -> None:
    """The store's log alone: the only submission is proven, so its overdue report is of low severity."""
    copy = identity.copy_leg("store", "bob@dest.test", "INBOX", "s9")
    session = identity.session_leg("s9")
    saved = event(Kind.DELIVERED, 4, host="store", queue_id="s9", recipient="bob@dest.test", leg=session, next_leg=copy)
    custody = folded([*submitted(0, "A1"), saved])
    assert ("overdue", "origin/A1", 60, None) in alarms(custody, 70)
    clock = Clock(through=70 * SECOND)
    proven = [one.proven.tolist() for one in findings(custody, clock) if one.rule == "overdue"]
    assert proven == [[True]]
