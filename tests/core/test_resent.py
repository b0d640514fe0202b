"""A resend is a child of what it resends: one unit, due when the first was, proven when any of its submissions is."""

from itertools import permutations

from streams.core.custody import Custody
from streams.core.events import Kind, MessageEvent
from streams.core.lattice import NEVER
from tests.core.journeys import alarms, event, folded, journey, reported, resent, submitted


def given_up(at: float) -> MessageEvent:
    """The origin gave the first submission up."""
    return event(Kind.REFUSED, at, host="origin", queue_id="A1", recipient="bob@dest.test", status="4.4.7")


FIRST = [*submitted(0, "A1"), given_up(3)]
AGAIN = journey(65, "2")
EDGE = [resent(65, "A1", "A2")]
"""Told by who submitted it again."""


def units(custody: Custody) -> int:
    """How many."""
    return int(((custody.units["leg"] >= 0) & (custody.units["submitted_known"] != NEVER)).sum())


def test_a_resend_is_of_the_unit_that_it_resends() -> None:
    """In any order: it was due when the first was, its late report clears that, and its Message-ID is not reused."""
    for order in permutations([FIRST, AGAIN, EDGE]):
        custody = folded(*order)
        assert units(custody) == 1
        assert alarms(custody, 100) == {("refused", "origin/A1", 3, None), ("overdue", "origin/A1", 60, 67)}


def test_without_its_event_it_is_another_message() -> None:
    """That nobody said that it is a resend cannot be told from a Message-ID that is used twice."""
    custody = folded(FIRST, AGAIN)
    assert units(custody) == 2
    assert alarms(custody, 100) == {
        ("refused", "origin/A1", 3, None),
        ("overdue", "origin/A1", 60, None),
        ("identity-reused", "origin/A2", 65, None),
    }


def test_a_chain_of_resends_is_proven_when_any_of_them_is() -> None:
    """The first report that comes is the unit's, whichever submission it is about."""
    chain = [resent(20, "A1", "A2"), resent(40, "A2", "A3")]
    told = [FIRST, submitted(20, "A2"), submitted(40, "A3"), chain]
    for name in ("A1", "A2", "A3"):
        custody = folded(*told, reported(50, ("origin", name)))
        assert units(custody) == 1
        assert not {rule for rule, *_ in alarms(custody, 200)} & {"overdue", "identity-reused"}


def test_only_the_recipient_that_was_resent_is_joined() -> None:
    """Who else the message was for is a unit of its own, as before."""
    custody = folded(submitted(0, "A1"), submitted(0, "A1", "eve@dest.test"), submitted(50, "A2"), EDGE)
    assert units(custody) == 2
    assert {place for rule, place, *_ in alarms(custody, 70) if rule == "overdue"} == {"origin/A1"}
