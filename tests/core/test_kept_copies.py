"""An alias that keeps a copy: what became of the other members says nothing of it."""

from typing import Any

from streams.core import identity
from streams.core.events import Kind, MessageEvent
from streams.core.queues import owed
from tests.core.journeys import alarms, event, folded, submitted


def keeps(at: float, to: str = "bob@dest.test") -> MessageEvent:
    """Bob's alias has bob himself, or another, among its members."""
    leg = identity.leg_of("origin", "A1", to, key="m")
    return event(Kind.REDIRECTED, at, host="origin", queue_id="A1", recipient="bob@dest.test", next_leg=leg)


def at_origin(kind: Kind, at: float, recipient: str = "bob@dest.test", **fields: Any) -> MessageEvent:
    """What became of bob's own copy, or of another's."""
    return event(kind, at, host="origin", queue_id="A1", recipient=recipient, **fields)


def test_an_alias_that_keeps_a_copy_has_one_that_waits() -> None:
    """What another member got says nothing of bob's own copy: it is owed, and stuck until it leaves."""
    member = [keeps(1, "sec@dest.test"), at_origin(Kind.DELIVERED, 1, "sec@dest.test")]
    events = [*submitted(0, "A1"), *member, keeps(2)]
    custody = folded(events, terms={"report": {}})
    assert [custody.leg_name(row)[2] for row in owed(custody).tolist()] == ["bob@dest.test"]
    assert alarms(custody, 40) == {("stuck", "origin/A1", 30, None)}
    left = folded([*events, at_origin(Kind.DELIVERED, 35)], terms={"report": {}})
    assert not len(owed(left))
    assert alarms(left, 40) == {("stuck", "origin/A1", 30, 35)}
    without = folded(events[:-1], terms={"report": {}})
    assert not len(owed(without))
    assert alarms(without, 40) == set()


def test_a_copy_that_becomes_known_late_is_stuck_from_then_on() -> None:
    """Known to wait only after it was due; what an alias cleared meanwhile stays cleared."""
    for other, own, raised, cleared in ((20, 50, 50, None), (40, 50, 30, 40), (40, 35, 30, None)):
        member = keeps(other, "sec@dest.test"), at_origin(Kind.DELIVERED, 5, "sec@dest.test")
        custody = folded([*submitted(0, "A1"), *member, keeps(own)], terms={"report": {}})
        assert alarms(custody, 90) == {("stuck", "origin/A1", raised, cleared)}


def test_deletion_of_a_copy_that_an_alias_keeps() -> None:
    """Bob gave way to another, and his own copy was deleted."""
    member = [keeps(1, "sec@dest.test"), at_origin(Kind.DISCARDED, 1, "sec@dest.test")]
    events = [*submitted(0, "A1"), *member, at_origin(Kind.DELETED, 5, "")]
    assert alarms(folded(events), 10) == set()
    assert alarms(folded([*events, keeps(2)]), 10) == {("deleted", "origin/A1", 5, None)}
    assert alarms(folded([*events, keeps(7)]), 10) == {("deleted", "origin/A1", 7, None)}
