"""The queue in Postfix's logs: ends, notifications, what operators and checks do; one trap a test."""

import pytest

from streams.core.events import Kind, Traffic
from streams.core.identity import leg_of
from tests.collect.postfix_logs import (
    ACTIVE,
    CLIENT,
    HEAD,
    NAMED,
    OBSERVED,
    Q1,
    Q2,
    Q3,
    arrivals,
    attempt,
    case,
    log_of,
    of,
    parser,
    pieces,
    read,
    short,
    told,
)

GONE = "postfix/smtpd[7]: disconnect from x[127.0.0.1] ehlo=1 mail=1 rcpt=1 data=1 quit=1 commands=5"
"""The client was heard to the end, so that what it sent was accepted."""


def test_expired_and_forced() -> None:
    """Expiry names no recipient: everyone still owed is refused, with the status of the last attempt."""
    (expired,) = of(read("relay", case("dsn_d_delay_e_expired", "relay")), Kind.REFUSED)
    assert (expired.recipient, expired.status, expired.action) == ("carol@dest.test", "4.4.1", "expired")
    (forced,) = of(read("relay", case("postsuper_f_held", "relay")), Kind.REFUSED)
    assert (forced.recipient, forced.action) == ("carol@dest.test", "forced")
    unknown = told("origin", *HEAD, f"postfix/qmgr[9]: {Q1}: from=<a@x>, status=expired, returned to sender")
    assert [(e.recipient, e.status) for e in of(unknown, Kind.REFUSED)] == [("", "4.4.7")]


def test_only_the_owed_expire() -> None:
    """A recipient that was served before is not refused."""
    events = told(
        "origin",
        *HEAD,
        attempt(f"sent (250 Ok: queued as {Q2})", "done@dest.test"),
        attempt("deferred (x)", "late@dest.test"),
        f"postfix/qmgr[9]: {Q1}: from=<alice@origin.test>, status=expired, returned to sender",
    )
    assert [e.recipient for e in of(events, Kind.REFUSED)] == ["late@dest.test"]


def test_what_qmgr_defers_itself_is_no_expiry() -> None:
    """Where a transport cannot be had, qmgr says of each recipient what `error` would: deferred, and nobody refused."""
    unavailable = attempt("deferred (mail transport unavailable)", "b@y", dsn="4.3.0")
    before = (*HEAD, attempt("deferred (x)", "b@y"), attempt("deferred (x)", "c@y"))
    events = told("origin", *before, unavailable.replace("postfix/smtp", "postfix/qmgr"))
    assert events == told("origin", *before, unavailable.replace("postfix/smtp", "postfix/error"))
    assert [(e.kind, e.recipient, e.status) for e in events[-1:]] == [(Kind.DEFERRED, "b@y", "4.3.0")]
    assert not of(events, Kind.REFUSED)


def test_notifications() -> None:
    """A failed, delayed or successful notification is told under its subject, and is a report of its own."""
    events = read("relay", case("dsn_d_delay_e_expired", "relay"))
    issued = of(events, Kind.REPORTED)
    assert [(e.action, e.recipient, e.message_key, e.attributes[0]) for e in issued] == [
        ("issued", "", "d-delay@origin.test", "notification=delayed"),
        ("issued", "", "d-delay@origin.test", "notification=failed"),
    ]
    report = [e for e in arrivals(events, "alice@origin.test") if e.queue_id == issued[1].next_queue_id]
    assert [(e.kind, e.traffic, e.subject_key) for e in report] == [
        (Kind.SUBMITTED, Traffic.REPORT, "d-delay@origin.test")
    ]


def test_a_postmaster_notice() -> None:
    """A copy for the postmaster is the system's own."""
    events = told(
        "origin",
        *HEAD,
        f"postfix/bounce[3]: {Q1}: postmaster non-delivery notification: {Q2}",
        f"postfix/cleanup[8]: {Q2}: message-id=<{Q2}@origin.test>",
        f"postfix/qmgr[9]: {Q2}: from=<double-bounce@origin.test>, size=1, nrcpt=1 (queue active)",
    )
    assert arrivals(events)[1].traffic is Traffic.SYSTEM


def test_hold_release_delete_and_requeue() -> None:
    """Each act of an operator is told on the entry; a deletion also for whom it was still owed."""
    events = read("relay", case("postsuper_hold_release_delete_requeue", "relay"))
    acts = short(of(events, Kind.HELD, Kind.RELEASED, Kind.DELETED))
    assert acts == [
        ("held", "4jYLqd2LYKz1TCQ2", ""),
        ("deleted", "4jYLqd3Q1cz1TCQ6", ""),
        ("deleted", "4jYLqd3Q1cz1TCQ6", "carol@dest.test"),
        ("released", "4jYLqd2LYKz1TCQ2", ""),
    ]
    requeued = [e.queue_id for e in of(events, Kind.REROUTED) if not e.recipient]
    assert requeued == ["4jYLqd3Mj2z1TCQB", "4jYLqd2LYKz1TCQ2"]


def test_requeued_entries_follow_each_other() -> None:
    """orig_id names the first of a row; custody passes from the last."""

    def again(old: str, new: str) -> tuple[str, ...]:
        return (
            f"postfix/postsuper[5]: {old}: requeued",
            f"postfix/pickup[6]: {new}: uid=102 from=<alice@origin.test> orig_id={Q1}",
            NAMED.replace(Q1, new),
            ACTIVE.replace(Q1, new),
        )

    events = told("origin", *HEAD, attempt("deferred (x)"), *again(Q1, Q2), *again(Q2, Q3))
    edges = [e for e in of(events, Kind.REROUTED) if e.recipient]
    assert [(e.queue_id, e.next_queue_id, e.recipient) for e in edges] == [
        (Q1, Q2, "c@dest.test"),
        (Q2, Q3, "c@dest.test"),
    ]
    assert [e.traffic for e in arrivals(events)] == [Traffic.OURS, Traffic.TRANSIT, Traffic.TRANSIT]


def test_what_goes_on_with_a_requeued_entry_is_told_before_qmgr_has_it() -> None:
    """Qmgr may come to it much later: pickup has taken it up once cleanup has named it, whoever it is for."""
    head, log = (*HEAD, attempt("deferred (x)")), _requeued(Q1, Q2)
    events = read("origin", log_of("origin", *head) + b"\n" + "\n".join(log[:3]).encode())
    again, taken_up = [e for e in of(events, Kind.REROUTED) if not e.recipient]
    assert (again.queue_id, again.next_leg, again.attributes) == (Q1, None, ("pid=5",))
    assert (taken_up.queue_id, taken_up.next_queue_id, taken_up.leg) == (Q1, Q2, again.leg)
    assert taken_up.next_leg == leg_of("origin", Q2, key="m@x.test")
    lost = [line for line in log if "cleanup" not in line]
    later = read("origin", log_of("origin", *head) + b"\n" + "\n".join(lost).encode())
    assert [e.next_queue_id for e in of(later, Kind.REROUTED) if not e.recipient] == [None, Q2]


def test_a_queue_id_that_is_another_messages_by_now_is_not_taken_up() -> None:
    """What is in the queue under the number of what was put in again, unseen, has another key, and stays."""
    other = [line.replace("m@x.test", "n@x.test") for line in (CLIENT, NAMED, ACTIVE)]
    events = told("origin", *other, *(line[23:] for line in _requeued(Q1, Q2)[1:]))
    assert [(e.queue_id, e.message_key) for e in of(events, Kind.REROUTED)] == [(Q1, "m@x.test")]


def test_held_at_its_arrival() -> None:
    """A header check's hold stands before the Message-ID and without qmgr: the message is here, and held."""
    events = read("relay", case("hold_on_arrival_force_expire", "relay"))
    mine = [e for e in events if e.queue_id == "4jYM3v1gW3z1TBc2"]
    assert short(mine) == [
        ("transferred", "4jYM3v1gW3z1TBc2", ""),
        ("transferred", "4jYM3v1gW3z1TBc2", "carol@dest.test"),
        ("held", "4jYM3v1gW3z1TBc2", ""),
    ]
    assert {e.message_key for e in mine} == {"held-new@origin.test"}
    assert mine[0].originator == "alice@origin.test"


def test_held_by_an_access_rule() -> None:
    """A hold before there is a queue id is the next message's; the number of recipients is told when it is known."""
    rule = "postfix/smtpd[7]: NOQUEUE: hold: RCPT from x[127.0.0.1]: triggers HOLD action; from=<a@x> to=<c@dest.test>"
    events = told("origin", rule, CLIENT, NAMED, f"postfix/postsuper[1]: {Q1}: released from hold", ACTIVE)
    assert [e.kind for e in events] == [Kind.SUBMITTED, Kind.SUBMITTED, Kind.HELD, Kind.RELEASED, Kind.SUBMITTED]
    assert [e.recipients_expected for e in arrivals(events)] == [None, 1]
    assert len({e.event_id for e in events}) == 5


@pytest.mark.parametrize("known", [True, False], ids=["with a queue id", "before one"])
@pytest.mark.parametrize(("act", "kind"), [("hold", Kind.HELD), ("discard", Kind.DISCARDED)])
def test_a_milter_acts_before_the_data(act: str, kind: Kind, *, known: bool) -> None:
    """A milter may hold or throw away a message while smtpd hears its recipients, as an access rule may."""
    trigger = f"milter triggers {act.upper()} action; from=<a@x> to=<c@dest.test> proto=ESMTP helo=<c>"
    said = f"postfix/smtpd[7]: {Q1 if known else 'NOQUEUE'}: milter-{act}: RCPT from c[192.0.2.1]: {trigger}"
    events = told("origin", *((CLIENT, said) if known else (said, CLIENT)), NAMED, GONE)
    whom = ["", "c@dest.test"] if kind is Kind.DISCARDED else [""]
    assert [(e.queue_id, e.recipient) for e in of(events, kind)] == [(Q1, recipient) for recipient in whom]


REFUSED = "550 5.1.1 no; from=<a@x> to=<bad@y> proto=ESMTP helo=<c>"
ACT = "triggers {} action; from=<a@x> to=<bad@y> proto=ESMTP helo=<c>"


@pytest.mark.parametrize("known", [True, False], ids=["with a queue id", "before one"])
def test_held_for_a_recipient_that_is_refused(*, known: bool) -> None:
    """A hold is said once, and holds for whom comes next; who is refused is none; what qmgr takes up is not on hold."""
    name = Q1 if known else "NOQUEUE"
    hold = f"postfix/smtpd[7]: {name}: hold: RCPT from c[192.0.2.1]: {ACT.format('HOLD')}"
    refused = f"postfix/smtpd[7]: {name}: reject: RCPT from c[192.0.2.1]: {REFUSED}"
    lines = (CLIENT, hold, refused, NAMED) if known else (hold, refused, CLIENT, NAMED)
    events = told("origin", *lines, GONE)
    assert [(e.kind, e.recipient) for e in events] == [(Kind.SUBMITTED, ""), (Kind.HELD, "")]
    good = attempt("deferred (x)", "good@y")
    more = told("origin", *lines, ACTIVE, good)[2:]
    assert [(e.kind, e.recipient) for e in more] == [
        (Kind.RELEASED, ""),
        (Kind.SUBMITTED, ""),
        (Kind.SUBMITTED, "good@y"),
        (Kind.DEFERRED, "good@y"),
    ]


def test_thrown_away_before_another_message() -> None:
    """No recipient of what is thrown away is refused: who is refused after it was so in another message."""
    discard = f"postfix/smtpd[7]: NOQUEUE: discard: RCPT from c[192.0.2.1]: {ACT.format('DISCARD')}"
    refused = f"postfix/smtpd[7]: NOQUEUE: reject: RCPT from c[192.0.2.1]: {REFUSED}"
    assert of(told("origin", discard, refused.replace("bad@", "worse@"), CLIENT, NAMED), Kind.DISCARDED)
    assert short(told("origin", discard, refused, *HEAD)) == [("submitted", Q1, "")]


def test_thrown_away_at_its_arrival() -> None:
    """DISCARD is accepted and not passed on: said of the entry and of its recipient."""
    for check in (
        "discard: header Subject: x from local; from=<a@x> to=<c@dest.test>: text",
        "milter-discard: END-OF-MESSAGE from x[127.0.0.1]: milter action; from=<a@x> to=<c@dest.test> proto=E",
    ):
        events = told("origin", CLIENT, NAMED, f"postfix/cleanup[8]: {Q1}: {check}")
        assert short(of(events, Kind.DISCARDED)) == [("discarded", Q1, ""), ("discarded", Q1, "c@dest.test")]


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("hold: header Subject: a secret from us; from=<b from local;", "hold: header Subject:"),
        ("hold: header Subject:", "hold: header Subject:"),
        ("discard: body dear Bob", "discard: body"),
    ],
)
def test_what_a_message_says_is_not_told(said: str, kept: str) -> None:
    """A check's line quotes the header, or the line of the body, that it was about: only which check it was is kept."""
    end = "from local; from=<a@x> to=<c@dest.test>: text"
    told_of = told("origin", CLIENT, NAMED, f"postfix/cleanup[8]: {Q1}: {said} {end}", GONE)
    assert {e.diagnostic for e in told_of if e.kind in {Kind.HELD, Kind.DISCARDED}} == {f"{kept} {end}"}


def test_what_was_never_accepted() -> None:
    """Rejected before or by a milter at the end: no event, and the queue id is free for another message."""
    events = told(
        "origin",
        "postfix/smtpd[7]: NOQUEUE: reject: RCPT from x[192.0.2.1]: 550 5.1.1 no; from=<a@x> to=<c@dest.test>",
        CLIENT,
        NAMED,
        f"postfix/cleanup[8]: {Q1}: milter-reject: END-OF-MESSAGE from x[127.0.0.1]: 5.7.1 spam; from=<a@x>",
        "postfix/postscreen[2]: NOQUEUE: reject: RCPT from [192.0.2.1]:25: 550 5.7.1 Service unavailable; from=<>",
        "postfix/anvil[3]: statistics: max connection rate 1/60s",
    )
    assert not events


def test_what_cleanup_takes_away() -> None:
    """Postfix since 3.12 says what it never queued: thrown away by a check, or not accepted, and then forgotten."""
    rule = f"postfix/smtpd[7]: {Q1}: discard: RCPT from x[127.0.0.1]: DISCARD action; from=<a@x> to=<c@dest.test>"
    events = told("origin", CLIENT, rule, f"postfix/cleanup[8]: {Q1}: removed (discarded)")
    assert short(of(events, Kind.DISCARDED)) == [("discarded", Q1, ""), ("discarded", Q1, "c@dest.test")]
    check = f"postfix/cleanup[8]: {Q1}: discard: header X: y from local; from=<a@x> to=<c@dest.test>"
    before = told("origin", CLIENT, NAMED, check)
    assert told("origin", CLIENT, NAMED, check, f"postfix/cleanup[8]: {Q1}: removed (discarded)") == before
    assert not told("origin", CLIENT, NAMED, f"postfix/cleanup[8]: {Q1}: removed (canceled)")


def test_refusals_are_counted_by_their_code() -> None:
    """What smtpd does not accept gives no event; how often and why is told."""
    reader = parser()
    said = (
        "NOQUEUE: reject: RCPT from x[192.0.2.1]: 550 5.1.1 <c@dest.test>: no; from=<a@x> to=<c@dest.test>",
        "NOQUEUE: reject: RCPT from x[192.0.2.1]: 550 5.1.1 <d@dest.test>: no; from=<a@x> to=<d@dest.test>",
        "NOQUEUE: milter-reject: CONNECT from x[192.0.2.1]: 451 4.7.1 later; proto=SMTP",
        "NOQUEUE: reject_warning: RCPT from x[192.0.2.1]: 553 5.7.1 no; from=<a@x> to=<d@dest.test>",
        f"{Q1}: client=x[192.0.2.1]",
        f"{Q1}: reject: END-OF-MESSAGE from x[192.0.2.1]: 552 5.3.4 Message size exceeds fixed limit; from=<a@x>",
    )
    log = log_of("origin", *(f"postfix/smtpd[7]: {line}" for line in said))
    assert not reader.parse(pieces(log), file="mail.log", observed_at=OBSERVED)
    assert reader.counts.ignored == {
        "smtpd reject 550 5.1.1": 2,
        "smtpd milter-reject 451 4.7.1": 1,
        "smtpd reject 552 5.3.4": 1,
        "smtpd": 1,
    }
    assert f"origin/{Q1}".encode() not in reader.state()


def test_a_queue_id_used_again() -> None:
    """A queue id that was removed and comes again is another entry with another key."""
    removed = f"postfix/qmgr[9]: {Q1}: removed"
    events = told("origin", *HEAD, removed, *(line.replace("m@x", "n@x") for line in HEAD), removed)
    assert [e.message_key for e in events] == ["m@x.test", "m@x.test", "n@x.test", "n@x.test"]
    assert len({e.event_id for e in events}) == 4


def test_a_log_that_begins_in_the_middle() -> None:
    """An entry whose beginning was never read is told by its queue id."""
    events = told("origin", attempt("deferred (x)"))
    assert {e.message_key for e in events} == {f"/origin/{Q1}"}
    assert events[0].traffic is Traffic.TRANSIT
    assert events[-1].leg == leg_of("origin", Q1, "c@dest.test", key=f"/origin/{Q1}")


@pytest.mark.parametrize("birth", ["", CLIENT, NAMED, f"postfix/pickup[6]: {Q1}: uid=1000 from=<alice@origin.test>"])
def test_how_many_recipients_are_left(birth: str) -> None:
    """Who was served before the log begins nobody knows, and qmgr counts him still."""
    removed = f"postfix/qmgr[9]: {Q1}: removed"
    again = (ACTIVE.replace("nrcpt=1", "nrcpt=3"), attempt("sent (250 Ok)"), removed)
    events = told("origin", birth, *again) if birth else told("origin", *again)
    assert {e.recipients_expected for e in arrivals(events) + arrivals(events, "c@dest.test")} == {3 if birth else None}


def test_a_crash_in_between() -> None:
    """After a crash the entry goes on under its id."""
    events = read("relay", case("crash_restart", "relay"))
    mine = [e for e in events if e.queue_id == "4jYMRg55xVz1TBkf"]
    assert [e.kind for e in mine if not e.recipient] == [Kind.TRANSFERRED, Kind.REMOVED]


def _requeued(old: str, new: str, *, first: str = Q1, at: str = "22:52:25") -> list[str]:
    """An operator puts an entry in again; nobody in it was tried yet."""
    said = (
        f"postfix/postsuper[5]: {old}: requeued",
        f"postfix/pickup[6]: {new}: uid=102 from=<alice@origin.test> orig_id={first}",
        NAMED.replace(Q1, new),
        ACTIVE.replace(Q1, new).replace("nrcpt=1", "nrcpt=2"),
    )
    return [f"Nov 23 {at} origin {line}" for line in said]


@pytest.mark.parametrize("restarted", [False, True])
def test_requeued_before_the_first_attempt(*, restarted: bool) -> None:
    """Whom only the requeued entry names was owed in each entry before it, even hours later."""
    deferred = attempt("deferred (x)")
    log = log_of("origin", CLIENT, NAMED, ACTIVE.replace("nrcpt=1", "nrcpt=2")).decode().split("\n")
    log += _requeued(Q1, Q2) + _requeued(Q2, Q3)
    log += [f"Nov 23 22:52:25 origin {deferred.replace(Q1, Q3)}"]
    log += [f"Nov 23 23:52:25 origin {deferred.replace(Q1, Q3).replace('c@', 'd@')}"]
    log += [f"Nov 23 23:52:25 origin postfix/qmgr[9]: {Q3}: removed"]
    one, events = parser("origin"), []
    for line in log:
        events += one.parse(pieces(line.encode()), file="mail.log", observed_at=OBSERVED)
        if restarted:
            state, one = one.state(), parser("origin")
            one.restore(state)
    for recipient in ("c@dest.test", "d@dest.test"):
        told_of = [e for e in events if e.recipient == recipient and e.kind is not Kind.DEFERRED]
        assert sorted((e.queue_id, e.kind, e.next_queue_id) for e in told_of) == [
            (Q1, Kind.REROUTED, Q2),
            (Q1, Kind.SUBMITTED, None),
            (Q2, Kind.REROUTED, Q3),
            (Q2, Kind.TRANSFERRED, None),
            (Q3, Kind.TRANSFERRED, None),
        ]
        assert {e.traffic for e in of(told_of, Kind.SUBMITTED)} == {Traffic.OURS}
    later = "\n".join(f"Nov 24 {hour}:00:00 origin postfix/qmgr[9]: {Q1[:-1]}X: removed" for hour in ("10", "11", "12"))
    one.parse(pieces(later.encode()), file="mail.log", observed_at=OBSERVED)
    assert Q1.encode() not in one.state()


def test_whom_a_filter_adds_was_not_owed_before() -> None:
    """Only what an operator requeued has the same recipients as the entry before it."""
    back = f"postfix/f/smtpd[7]: {Q2}: client=unknown[127.0.0.1], orig_queue_id={Q1}"
    lines = (*HEAD, back, NAMED.replace(Q1, Q2), ACTIVE.replace(Q1, Q2), attempt("deferred (x)").replace(Q1, Q2))
    assert [e.queue_id for e in arrivals(told("origin", *lines), "c@dest.test")] == [Q2]


def test_entries_that_name_each_other() -> None:
    """Lines that nobody can have meant end, too."""
    again = [line for old, new in ((Q1, Q2), (Q2, Q1), (Q1, Q1)) for line in _requeued(old, new, first=old)]
    events = read("origin", "\n".join([*again, f"Nov 23 22:52:25 origin {attempt('deferred (x)')}"]).encode())
    assert of(events, Kind.DEFERRED)
