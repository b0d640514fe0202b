"""What is found, when it is raised and when it is cleared."""

from typing import Any

from streams.core import identity
from streams.core.clock import Tick
from streams.core.events import Kind, MessageEvent, Traffic
from streams.core.facts import facts, frame_of
from streams.core.queues import owed
from streams.core.terms import SECOND
from tests.core.journeys import (
    alarms,
    claim,
    event,
    folded,
    journey,
    opened,
    redirected,
    reported,
    sent,
    stored,
    submitted,
)

A, B = ("origin", "A1"), ("relay", "B1")


def test_message_that_arrives_is_reported_and_read_raises_nothing() -> None:
    """All went well: the operator hears nothing."""
    assert alarms(folded(journey(0, "1")), 10_000) == set()


def test_missing_report_is_overdue_when_due_and_cleared_when_it_comes() -> None:
    """Overdue is raised at the due time and cleared by a late report."""
    events = journey(0, "1", report=False)
    assert alarms(folded(events), 59) == set()
    assert alarms(folded(events), 60) == {("overdue", "origin/A1", 60, None)}
    late = events + reported(75, B)
    assert alarms(folded(late), 74) == {("overdue", "origin/A1", 60, None)}
    assert alarms(folded(late), 80) == {("overdue", "origin/A1", 60, 75)}


def test_report_read_late_counts_from_when_it_was_known() -> None:
    """Evidence that comes after the clock has passed raises and clears as the live run did."""
    custody = folded(journey(0, "1", report=False))
    assert alarms(custody, 100) == {("overdue", "origin/A1", 60, None)}
    custody.fold(facts(frame_of(reported(2, B)), 90 * SECOND))
    assert alarms(custody, 100) == {("overdue", "origin/A1", 60, 90.000001)}  # it was not known at 90


def test_delayed_report_does_not_hide_a_late_one() -> None:
    """A delayed report is not final."""
    events = journey(0, "1", report=False) + reported(5, B, "delayed")
    assert alarms(folded(events), 61) == {("overdue", "origin/A1", 60, None)}


def test_declined_report_is_never_overdue() -> None:
    """NOTIFY=NEVER: nothing was promised."""
    events = [*submitted(0, "A1", report_requested=False), *sent(1, A, B), *stored(1, B, "s1"), *opened(2, "s1")]
    assert alarms(folded(events), 10_000) == set()


def test_silent_source_makes_it_blind_not_overdue() -> None:
    """Where a source was silent between submission and due we cannot see."""
    events = journey(0, "1", report=False)
    silence = (Tick(through=20 * SECOND, silent=("dest",)), Tick(through=50 * SECOND))
    assert alarms(folded(events), 70, *silence) == {("blind", "origin/A1", 60, None)}


def test_wrong_clock_makes_it_clock_doubt_not_overdue() -> None:
    """What is late by a clock that we know to be wrong may not be late; a source that is silent counts for more."""
    events = journey(0, "1", report=False)
    doubt = Tick(through=20 * SECOND, doubted=("origin-log",))
    assert alarms(folded(events), 70, doubt, Tick(through=50 * SECOND)) == {("clock-doubt", "origin/A1", 60, None)}
    assert alarms(folded(events), 70, doubt, Tick(through=50 * SECOND, silent=("dest",))) == {
        ("blind", "origin/A1", 60, None)
    }
    over = (Tick(through=-9 * SECOND, doubted=("origin-log",)), Tick(through=-5 * SECOND))
    assert alarms(folded(events), 70, *over) == {("overdue", "origin/A1", 60, None)}


def test_report_that_calls_a_recipient_otherwise_names_nobody_in_a_queue() -> None:
    """Of two recipients one waits; a report of the other's delivery under a later address makes no third."""
    both = [one for to in ("bob@dest.test", "carol@dest.test") for one in submitted(0, "A1", to, recipients_expected=2)]
    gave, _, got = sent(1, A, B)
    told = event(Kind.REPORTED, 3, host="origin", queue_id="A1", recipient="robert@else.test", action="delivered")
    waits = folded(both, [gave, got, told, event(Kind.REMOVED, 2, host="relay", queue_id="B1")])
    assert {one for one in alarms(waits, 31) if one[0] == "stuck"} == {("stuck", "origin/A1", 30, None)}
    assert len(owed(waits)) == 1
    short = folded(
        [*submitted(0, "A1", recipients_expected=2), told, event(Kind.REMOVED, 9, host="origin", queue_id="A1")]
    )
    assert ("unaccounted", "origin/A1", 9, None) in alarms(short, 10)


def test_long_stay_is_stuck_until_it_leaves() -> None:
    """A stay in one queue is measured from its arrival."""
    events = submitted(0, "A1")
    assert ("stuck", "origin/A1", 30, None) in alarms(folded(events), 40)
    assert ("stuck", "origin/A1", 30, 45) in alarms(folded(events, sent(45, A, B)), 46)


def test_recipient_known_only_by_the_hand_over_is_stuck_at_the_next_host() -> None:
    """Held on arrival: the host names no recipient, its neighbour did."""
    events = submitted(0, "A1") + sent(1, A, B)
    assert alarms(folded(events), 40) == {("stuck", "relay/B1", 31, None)}


def test_entry_without_any_known_recipient_is_stuck_as_a_whole() -> None:
    """Only the number of recipients is known."""
    events = [event(Kind.SUBMITTED, 0, host="origin", queue_id="A1", traffic=Traffic.OURS, recipients_expected=2)]
    assert alarms(folded(events), 31) == {("stuck", "origin/A1", 30, None)}


def test_deletion_by_an_operator_is_found_and_the_report_overdue() -> None:
    """An operator ran postsuper -d on a queue that still owed the message."""
    events = [*submitted(0, "A1"), *sent(1, A, B), event(Kind.DELETED, 9, host="relay", queue_id="B1")]
    assert alarms(folded(events), 70) == {("deleted", "origin/A1", 9, None), ("overdue", "origin/A1", 60, None)}


def test_deletion_before_anybody_was_named_is_found_of_the_entry() -> None:
    """Postfix names a recipient at the first attempt; one of the two may have had it."""
    where: dict[str, Any] = {"host": "origin", "queue_id": "A1"}
    held = [event(Kind.SUBMITTED, 0, traffic=Traffic.OURS, **where), event(Kind.DELETED, 9, **where)]
    assert alarms(folded(held), 70) == {("deleted", "origin/A1", 9, None)}
    two = [event(Kind.SUBMITTED, 0, traffic=Traffic.OURS, recipients_expected=2, **where), held[1]]
    one = sent(1, A, B)
    assert ("deleted", "origin/A1", 9, None) in alarms(folded(two, one), 20)
    again = event(Kind.DEFERRED, 30, recipient="eve@dest.test", **where)
    assert ("deleted", "origin/A1", 9, 30) in alarms(folded(two, one, [again]), 40)


def test_deletion_of_what_is_not_ours_or_did_not_come_is_nothing() -> None:
    """Held spam is deleted every day."""
    where: dict[str, Any] = {"host": "relay", "queue_id": "B1"}
    gone = event(Kind.DELETED, 9, **where)
    got = event(Kind.TRANSFERRED, 0, side="received", traffic=Traffic.INBOUND, recipients_expected=2, **where)
    assert alarms(folded([gone]), 70) == set()
    assert alarms(folded([got, gone]), 70) == set()


def test_deletion_after_the_recipient_left_is_nothing() -> None:
    """Another recipient's copy was deleted, not this one's."""
    events = [*journey(0, "1"), event(Kind.DELETED, 9, host="relay", queue_id="B1")]
    assert alarms(folded(events), 70) == set()


def test_refusal_is_found() -> None:
    """The system gave up."""
    gone = event(Kind.REFUSED, 3, host="relay", queue_id="B1", recipient="bob@dest.test", status="5.1.1")
    events = [*submitted(0, "A1"), *sent(1, A, B), gone, *reported(4, B, "failed")]
    assert alarms(folded(events), 70) == {("refused", "origin/A1", 3, None)}
    assert alarms(folded(events, terms={"refused": "untold"}), 70) == set()
    untold = [*submitted(0, "A1"), *sent(1, A, B), gone]
    assert ("refused", "origin/A1", 23, None) in alarms(folded(untold, terms={"refused": "untold"}), 70)


def test_only_a_notification_of_failure_tells_of_a_refusal() -> None:
    """A delay notice came first: the originator does not know that the system gave up."""
    gone = event(Kind.REFUSED, 3, host="origin", queue_id="A1", recipient="bob@dest.test", status="4.4.7")
    notices = {
        what: [
            event(Kind.REPORTED, 2, host="origin", queue_id="A1", action="issued", attributes=(f"notification={what}",))
        ]
        for what in ("delayed", "delivered", "failed")
    }
    found = {
        what: {rule for rule, *_ in alarms(folded(submitted(0, "A1"), [gone], notice, terms={"refused": "untold"}), 25)}
        for what, notice in notices.items()
    }
    assert found == {"delayed": {"refused"}, "delivered": {"refused"}, "failed": set()}


def test_a_store_that_sent_its_rejection_has_told() -> None:
    """A filter rejects what its switch called delivered; only a notification of failure tells the originator."""
    session = identity.session_leg("s1")
    gave = event(Kind.DELIVERED, 1, host="origin", queue_id="A1", recipient="bob@dest.test", next_leg=session)
    there: dict[str, Any] = {"host": "store", "queue_id": "s1", "recipient": "bob@dest.test", "leg": session}
    events = [*submitted(0, "A1"), gave, event(Kind.REFUSED, 1, **there)]
    for notice, rules in (("failed", set()), ("delayed", {"refused"})):
        issued = event(Kind.REPORTED, 1, action="issued", attributes=(f"notification={notice}",), **there)
        found = alarms(folded(events, [issued], terms={"refused": "untold"}), 50)
        assert {rule for rule, *_ in found} == rules
        overdue = alarms(folded(events, [issued]), 70)
        assert "overdue" in {rule for rule, *_ in overdue}


def test_one_of_two_with_the_same_id_is_lost() -> None:
    """Evidence of the one that arrived is not credited to the one that was lost."""
    twice = [*journey(0, "1"), *submitted(5, "A2"), *sent(6, ("origin", "A2"), ("relay", "B2"))]
    twice.append(event(Kind.DELETED, 9, host="relay", queue_id="B2"))
    assert alarms(folded(twice), 70) == {
        ("identity-reused", "origin/A2", 5, None),
        ("deleted", "origin/A2", 9, None),
        ("overdue", "origin/A2", 65, None),
    }


def test_evidence_connected_to_nothing_is_credited_to_the_only_submission() -> None:
    """No log of the relay: a report and a copy know only the Message-ID and the recipient."""
    copy = identity.copy_leg("store", "bob@dest.test", "INBOX", "s9")
    saved = event(
        Kind.DELIVERED,
        4,
        host="store",
        queue_id="s9",
        recipient="bob@dest.test",
        leg=identity.session_leg("s9"),
        next_leg=copy,
    )
    report = event(
        Kind.REPORTED, 5, recipient="bob@dest.test", action="delivered", leg=identity.pair_leg("m", "bob@dest.test")
    )
    events = [*submitted(0, "A1"), *sent(1, A, ("far", "F1"))[:2], saved, report, *opened(9, "s9")]
    assert alarms(folded(events), 1000) == set()


def copy_at(at: float) -> MessageEvent:
    """A store's word that bob has a copy, which no switch's log joins."""
    copy = identity.copy_leg("store", "bob@dest.test", "INBOX", "s9")
    where: dict[str, Any] = {
        "host": "store",
        "queue_id": "s9",
        "recipient": "bob@dest.test",
        "leg": identity.session_leg("s9"),
    }
    return event(Kind.DELIVERED, at, next_leg=copy, **where)


def loose_report(at: float) -> MessageEvent:
    """A report that names no queue id."""
    leg = identity.pair_leg("m", "bob@dest.test")
    return event(Kind.REPORTED, at, recipient="bob@dest.test", action="delivered", leg=leg)


def test_credit_ends_when_a_second_submission_is_known() -> None:
    """What was known before it was about the first; what comes after it may be about either."""
    events = [*submitted(0, "A1"), *opened(4, "s9"), copy_at(4), *submitted(10, "A2")]
    late = {place for rule, place, *_ in alarms(folded(events, [loose_report(9)]), 1000) if rule == "overdue"}
    assert late == {"origin/A2"}
    late = {place for rule, place, *_ in alarms(folded(events, [loose_report(11)]), 1000) if rule == "overdue"}
    assert late == {"origin/A1", "origin/A2"}


def test_second_submission_that_becomes_known_late_takes_no_credit_away() -> None:
    """An alarm that a report had cleared is not raised again when another host's log arrives."""
    custody = folded([*submitted(0, "A1"), loose_report(70)])
    overdue = ("overdue", "origin/A1", 60, 70)
    assert overdue in alarms(custody, 80)
    custody.fold(facts(frame_of(submitted(1, "A2")), 80 * SECOND))
    assert overdue in alarms(custody, 200)
    assert ("identity-reused", "origin/A2", 80.000001, None) in alarms(custody, 200)


def test_what_was_over_when_it_could_be_known_is_no_finding() -> None:
    """The whole log came late: a report that was late then was here when anyone could see."""
    events = [*journey(0, "1", report=False), *reported(75, B)]
    assert alarms(folded(events, clock=500), 1000) == set()


def test_recipient_that_becomes_known_after_the_alarm_of_the_whole_entry_is_no_other_alarm() -> None:
    """First only the number is known; the alarm is the entry's until it leaves."""
    where: dict[str, Any] = {"host": "origin", "queue_id": "A1"}
    custody = folded([event(Kind.SUBMITTED, 0, traffic=Traffic.OURS, recipients_expected=1, **where)])
    assert {one for one in alarms(custody, 35) if one[0] == "stuck"} == {("stuck", "origin/A1", 30, None)}
    custody.fold(facts(frame_of([*submitted(0, "A1"), event(Kind.REMOVED, 45, **where)]), 40 * SECOND))
    assert {one for one in alarms(custody, 50) if one[0] == "stuck"} == {("stuck", "origin/A1", 30, 45)}


def test_recipients_that_become_known_late_are_accounted_for() -> None:
    """Removed with one recipient known of two; the other's line came an hour later."""
    custody = folded([*submitted(0, "A1", recipients_expected=2), *sent(1, A, B)])
    carol = submitted(0, "A1", "carol@dest.test", recipients_expected=2)[1:]
    custody.fold(facts(frame_of(carol), 3600 * SECOND))
    assert ("unaccounted", "origin/A1", 1, 3600.000001) in alarms(custody, 4000)


def test_redirection_that_becomes_known_late_clears_misrouted() -> None:
    """The alias's line came after the copy for its member."""
    other = identity.leg_of("origin", "A1", "eve@else.test", key="m")
    where: dict[str, Any] = {"host": "origin", "queue_id": "A1", "recipient": "bob@dest.test", "next_leg": other}
    custody = folded(submitted(0, "A1"), [event(Kind.TRANSFERRED, 1, side="sent", peer="origin", **where)])
    custody.fold(facts(frame_of([event(Kind.REDIRECTED, 1, **where)]), 100 * SECOND))
    assert ("misrouted", "origin/A1", 21, 100.000001) in alarms(custody, 200)


def test_redirection_of_somebody_else_is_no_reason_why_a_message_went_astray() -> None:
    """An operator's table gave it to eve, whose own address gives way to dave's: bob's never did."""
    events = [*submitted(0, "A1"), *sent(1, A, B), claim(3, "dave@else.test")]
    astray = ("misrouted", "origin/A1", 23, None)
    assert astray in alarms(folded(events, [redirected(2, "eve@else.test", "dave@else.test")]), 30)
    assert astray not in alarms(folded(events, [redirected(2, "bob@dest.test", "dave@else.test")]), 30)


def test_report_of_a_host_that_nobody_hears_says_nothing_of_why() -> None:
    """The relay would have said what it did with bob's address; once heard, it has as long as others to say so."""
    custody = folded([*submitted(0, "A1"), *sent(1, A, B)[:2], claim(3, "dave@else.test")])
    assert {one for one in alarms(custody, 1000) if one[0] == "misrouted"} == set()
    custody.fold(facts(frame_of(sent(1, A, B)[2:]), 40 * SECOND))
    assert ("misrouted", "origin/A1", 60.000001, None) in alarms(custody, 1000)


def test_expansion_passes_custody_to_the_members() -> None:
    """An alias: the members' copies belong to the alias's unit; nothing is misrouted."""
    members = ["carol@dest.test", "dave@dest.test"]
    edges = [
        event(
            Kind.REDIRECTED,
            2,
            host="relay",
            queue_id="B1",
            recipient="bob@dest.test",
            original_recipient="bob@dest.test",
            next_leg=identity.leg_of("relay", "B1", one, key="m"),
            ordinal=n,
        )
        for n, one in enumerate(members)
    ]
    copies = [e for n, one in enumerate(members) for e in stored(2, B, f"s{n}", one)]
    read = [e for n, one in enumerate(members) for e in opened(3, f"s{n}", one)]
    events = [*submitted(0, "A1"), *sent(1, A, B), *edges, *copies, *read, *reported(3, B, "expanded")]
    assert alarms(folded(events), 1000) == set()


def test_other_recipient_without_a_redirection_is_misrouted() -> None:
    """A chain that names another recipient, and nothing says why."""
    other = identity.leg_of("relay", "B1", "eve@else.test", key="m")
    diverted = event(
        Kind.TRANSFERRED,
        1,
        host="origin",
        queue_id="A1",
        recipient="bob@dest.test",
        side="sent",
        peer="relay",
        next_leg=other,
    )
    assert ("misrouted", "origin/A1", 21, None) in alarms(folded(submitted(0, "A1"), [diverted]), 25)


def test_removal_with_recipients_missing_is_unaccounted() -> None:
    """Three recipients went in, one came out."""
    events = submitted(0, "A1", recipients_expected=3) + sent(1, A, B)
    assert ("unaccounted", "origin/A1", 1, None) in alarms(folded(events), 5)


def test_hand_over_that_never_arrived_is_unaccounted() -> None:
    """Lost inside the next switch: its log goes on, and never names the message."""
    other = [*submitted(0, "A9", key="n"), *sent(1, ("origin", "A9"), ("relay", "B9"), key="n")]
    lost = [*submitted(0, "A1"), *sent(1, A, B)[:2]]
    assert ("unaccounted", "origin/A1", 21, None) in alarms(folded(lost, other), 30)
    assert not [one for one in alarms(folded(lost), 30) if one[0] == "unaccounted"]  # a host that we never hear
    assert ("unaccounted", "origin/A1", 21, 25) in alarms(folded(lost, other, sent(25, A, B)[2:]), 30)


def test_report_for_a_message_never_seen_is_uncorroborated() -> None:
    """A forged report: no source saw the submission."""
    assert alarms(folded(reported(5, ("dest", "X1"))), 100) == {("uncorroborated-report", "dest/X1", 25, None)}


def test_report_waits_for_a_silent_source_before_it_is_uncorroborated() -> None:
    """The submission may stand in the log that nobody reads meanwhile."""
    silence = (Tick(through=4 * SECOND, silent=("origin",)), Tick(through=90 * SECOND))
    report = reported(5, ("dest", "X1"))
    assert alarms(folded(report), 105, *silence) == set()
    assert alarms(folded(report), 120, *silence) == {("uncorroborated-report", "dest/X1", 110, None)}
    assert alarms(folded(report), 120, silence[0]) == set()


def test_report_before_submission_is_no_finding() -> None:
    """The order in which evidence is read does not matter."""
    events = journey(0, "1")
    assert alarms(folded(events[::-1]), 1000) == set()
