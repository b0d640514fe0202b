"""MailScanner: what it lets pass goes on under another queue id."""

import pytest

from streams.core.events import Kind, Traffic
from streams.core.identity import leg_of
from tests.collect.postfix_logs import (
    ACTIVE,
    CLIENT,
    NAMED,
    OBSERVED,
    Q1,
    Q2,
    Q3,
    arrivals,
    attempt,
    log_of,
    of,
    parser,
    pieces,
    short,
    told,
)

CHECK = f"postfix/cleanup[8]: {Q1}: hold: header Received: by mx from x[127.0.0.1]; from=<a@x> to=<c@dest.test> proto=E"
GONE = "postfix/smtpd[7]: disconnect from x[127.0.0.1] ehlo=1 mail=1 rcpt=1 data=1 quit=1 commands=5"
BATCH = "MailScanner[5]: New Batch: Scanning 1 messages, 1500 bytes"
PASSED = f"MailScanner[5]: Requeue: {Q1}.A29D3 to {Q2}"
ONWARD = (ACTIVE.replace(Q1, Q2), attempt("deferred (x)").replace(Q1, Q2), f"postfix/qmgr[9]: {Q2}: removed")


@pytest.mark.parametrize("between", [(GONE,), ()], ids=["after its session", "within it"])
def test_a_message_that_it_lets_pass(between: tuple[str, ...]) -> None:
    """It was accepted and on hold; custody passes to the new entry, under the same Message-ID."""
    events = told("origin", CLIENT, CHECK, NAMED, *between, BATCH, PASSED, *ONWARD)
    assert short(events) == [
        ("submitted", Q1, ""),
        ("submitted", Q1, "c@dest.test"),
        ("held", Q1, ""),
        ("rerouted", Q1, ""),
        ("rerouted", Q1, ""),
        ("transferred", Q2, ""),
        ("transferred", Q2, "c@dest.test"),
        ("rerouted", Q1, "c@dest.test"),
        ("deferred", Q2, "c@dest.test"),
        ("removed", Q2, ""),
    ]
    assert {event.message_key for event in events} == {"m@x.test"}
    assert [(e.traffic, e.recipients_expected) for e in arrivals(events)] == [
        (Traffic.OURS, None),
        (Traffic.TRANSIT, 1),
    ]
    taken, taken_up, onward = of(events, Kind.REROUTED)
    assert taken.attributes == ("pid=5", "program=MailScanner")
    assert taken_up.next_leg == leg_of("origin", Q2, key="m@x.test")
    assert onward.next_leg == leg_of("origin", Q2, "c@dest.test", key="m@x.test")


def test_recipients_that_the_check_did_not_name() -> None:
    """Whom only the new entry names was owed in the one that it continues."""
    other = attempt("deferred (x)", "d@dest.test").replace(Q1, Q2)
    events = told("origin", CLIENT, CHECK, NAMED, GONE, PASSED, *ONWARD[:2], other)
    assert [e.queue_id for e in arrivals(events, "d@dest.test")] == [Q2, Q1]
    assert [(e.queue_id, e.next_queue_id) for e in of(events, Kind.REROUTED) if e.recipient == "d@dest.test"] == [
        (Q1, Q2)
    ]


def test_an_entry_from_before_the_log() -> None:
    """What began before the log goes on by its new queue id."""
    events = told("origin", PASSED, *ONWARD)
    told_of = [(e.queue_id, e.next_queue_id, e.recipient) for e in of(events, Kind.REROUTED)]
    assert told_of == [(Q1, Q2, ""), (Q1, Q2, "c@dest.test")]
    assert {event.message_key for event in events} == {f"/origin/{Q2}"}


def test_it_is_said_twice() -> None:
    """A line that is read again begins nothing again."""
    first = (CLIENT, CHECK, NAMED, GONE, PASSED, *ONWARD[:2])
    assert told("origin", *first, PASSED) == told("origin", *first)


@pytest.mark.parametrize(
    "said",
    [
        "Requeue: ",
        f"Requeue: {Q1}.A29D3",
        f"Requeue: {Q1} to {Q2}",
        f"Requeue: {Q1}.A29D3 to elsewhere",
        f"Requeue: x.A29D3 to {Q2}",
        f"{Q3}: something",
        "Uninfected: Delivered 1 messages",
    ],
)
def test_its_other_lines(said: str) -> None:
    """They carry nothing, and are counted."""
    reader = parser()
    log = log_of("origin", CLIENT, NAMED, f"MailScanner[5]: {said}")
    assert not reader.parse(pieces(log), file="f", observed_at=OBSERVED)
    assert reader.counts.ignored == {"MailScanner": 1}
    assert not reader.counts.unread


def test_memory_of_both_ends() -> None:
    """Both entries are forgotten once the new one has left."""
    reader = parser()
    reader.parse(pieces(log_of("origin", CLIENT, CHECK, NAMED, GONE, PASSED, *ONWARD)), file="f", observed_at=OBSERVED)
    later = "\n".join(f"Nov 24 {hour}:00:00 origin postfix/qmgr[9]: {Q3}: removed" for hour in ("10", "11", "12"))
    reader.parse(pieces(later.encode()), file="f", observed_at=OBSERVED)
    assert Q1.encode() not in reader.state()
    assert Q2.encode() not in reader.state()
