"""What became of the report that a unit was promised."""

from typing import Any

from streams.core.answers import ReportState, report_states
from streams.core.clock import Clock, Tick
from streams.core.custody import Custody
from streams.core.events import Kind, MessageEvent
from streams.core.facts import facts, frame_of
from streams.core.terms import SECOND
from tests.core.journeys import alarms, event, folded, journey, reported, submitted

A, B = ("origin", "A1"), ("relay", "B1")
SILENCE = (Tick(through=20 * SECOND, silent=("dest",)), Tick(through=50 * SECOND))


def state(custody: Custody, at: float, *ticks: Tick) -> ReportState:
    """The state of the only unit's report at a second."""
    clock = Clock()
    for tick in (*ticks, Tick(through=round(at * SECOND))):
        clock.hear(tick)
    legs, (found,) = report_states(custody, clock)
    assert custody.leg_name(legs[0])[:2] == A
    one: ReportState = found
    return one


def happened(kind: Kind, at: float, **fields: Any) -> MessageEvent:
    """Something happened to bob's message at the origin."""
    return event(kind, at, host="origin", queue_id="A1", recipient="bob@dest.test", **fields)


def test_report_is_expected_until_it_is_overdue_and_received_when_it_came() -> None:
    """Overdue from the microsecond at which the finding is raised to the one at which it is cleared."""
    custody = folded(journey(0, "1", report=False) + reported(75, B))
    assert state(custody, 59.999999) is ReportState.EXPECTED
    assert state(custody, 60) is ReportState.OVERDUE
    assert state(custody, 74.999999) is ReportState.OVERDUE
    assert state(custody, 75) is ReportState.RECEIVED


def test_report_is_expected_within_the_grace_of_the_terms() -> None:
    """As long as the finding waits, so does the state."""
    custody = folded(journey(0, "1", report=False), terms={"grace": 5})
    for at, found in ((64.999999, ReportState.EXPECTED), (65, ReportState.OVERDUE)):
        assert state(custody, at) is found
        assert bool(alarms(custody, at)) == (found is ReportState.OVERDUE)


def test_submission_that_becomes_known_late_is_overdue_from_then_on() -> None:
    """Before that nobody could know that a report was owed."""
    custody = folded(journey(0, "1", report=False), clock=80)
    assert state(custody, 80) is ReportState.EXPECTED
    assert state(custody, 81) is ReportState.OVERDUE


def test_report_is_blind_where_a_source_was_silent_meanwhile() -> None:
    """Silent between submission and due; not before, not after."""
    custody = folded(journey(0, "1", report=False))
    assert state(custody, 70, *SILENCE) is ReportState.BLIND
    assert state(custody, 55, *SILENCE) is ReportState.EXPECTED
    after = (Tick(through=61 * SECOND), Tick(through=62 * SECOND, silent=("dest",)), Tick(through=63 * SECOND))
    assert state(custody, 70, *after) is ReportState.OVERDUE


def test_report_that_nobody_asked_for_is_not_asked_unless_it_comes() -> None:
    """Declined, it is never late; nor is it beyond sight, for nothing was to be seen."""
    declined = submitted(0, "A1", report_requested=False)
    assert state(folded(declined), 10_000) is ReportState.NOT_ASKED
    beyond = happened(Kind.TRANSFERRED, 1, side="sent", peer="mute", action="relayed")
    assert state(folded(declined, [beyond]), 10_000) is ReportState.NOT_ASKED
    assert state(folded(declined, reported(5, A)), 10_000) is ReportState.RECEIVED


def test_report_is_beyond_sight_where_the_next_party_does_not_report() -> None:
    """By the hand-over to it, or by a report that says so, whatever comes later."""
    handed = happened(Kind.TRANSFERRED, 1, side="sent", peer="mute", action="relayed")
    for said in ([handed], reported(5, A, "relayed"), [handed, *reported(6, A)]):
        assert state(folded(submitted(0, "A1"), said), 10_000) is ReportState.BEYOND_SIGHT
    assert state(folded(submitted(0, "A1"), [handed]), 0.5) is ReportState.EXPECTED
    assert state(folded(submitted(0, "A1"), reported(5, A), reported(6, A, "relayed")), 9) is ReportState.RECEIVED


def test_report_that_names_no_queue_id_is_credited_with_what_it_says() -> None:
    """While its message has one submission; a relayed one is known to be one."""
    for action, found in (("failed", ReportState.RECEIVED), ("relayed", ReportState.BEYOND_SIGHT)):
        assert state(folded(submitted(0, "A1"), reported(5, ("", ""), action)), 70) is found


def test_delayed_report_is_not_the_one_that_was_promised() -> None:
    """It is not final."""
    assert state(folded(submitted(0, "A1"), reported(5, A, "delayed")), 9) is ReportState.EXPECTED


def test_discharge_by_hand_stands_for_the_report() -> None:
    """Nobody waits for it any more."""
    assert state(folded(submitted(0, "A1"), [happened(Kind.DISCHARGED, 70)]), 70) is ReportState.RECEIVED


def test_report_that_is_read_late_is_received_when_it_could_be_known() -> None:
    """At the clock it was not there."""
    custody = folded(journey(0, "1", report=False))
    custody.fold(facts(frame_of(reported(2, B)), 90 * SECOND))
    assert state(custody, 90) is ReportState.OVERDUE
    assert state(custody, 91) is ReportState.RECEIVED
