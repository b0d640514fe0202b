"""What checks and milters put on hold: it is there once all of it was received, and nothing rejected it."""

import pytest

from streams.collect.declaration import Source
from streams.collect.postfix import PostfixParser
from streams.core.events import Kind
from tests.collect.postfix_logs import (
    ACTIVE,
    CLIENT,
    DECLARATION,
    NAMED,
    OBSERVED,
    Q1,
    Q2,
    log_of,
    parser,
    pieces,
    short,
    told,
)

GONE = "postfix/smtpd[7]: disconnect from x[127.0.0.1] ehlo=1 mail=1 rcpt=1 data=1 quit=1 commands=5"
"""The client was heard to the end, so that what it sent was accepted."""

HOLD = f"postfix/cleanup[8]: {Q1}: hold: header X: y from x[127.0.0.1]; from=<a@x> to=<c@dest.test> proto=E helo=<c>"
ABANDONED = "{} after {} (20480 bytes) from x[127.0.0.1]"
REASONS = [(why, what) for why in ("lost connection", "timeout", "too many errors") for what in ("DATA", "BDAT")]


@pytest.mark.parametrize(
    "end",
    [
        f"postfix/cleanup[8]: {Q1}: milter-reject: END-OF-MESSAGE from x[127.0.0.1]: 5.7.1 spam; from=<a@x>",
        f"postfix/smtpd[7]: {Q1}: reject: END-OF-MESSAGE from x[127.0.0.1]: 552 5.3.4 too big; from=<a@x>",
        f"postfix/cleanup[8]: {Q1}: removed (canceled)",
        *(f"postfix/smtpd[7]: {ABANDONED.format(*reason)}" for reason in REASONS),
        *(f"postfix/smtpd[7]: {Q1}: {ABANDONED.format(*reason)}" for reason in REASONS),
        f"postfix/smtpd[7]: {Q1}: reject: DATA content from x[127.0.0.1]: 421 4.3.0 mx Server local data error",
        f"postfix/smtpd[7]: {Q1}: reject: BDAT content from x[127.0.0.1]: bare <LF> received; from=<a@x> proto=ESMTP",
        f"postfix/smtpd[7]: warning: {Q1}: queue file size limit exceeded",
        f"postfix/cleanup[8]: warning: {Q1}: queue file size limit exceeded",
        f"postfix/cleanup[8]: warning: {Q1}: write queue file: No space left on device",
        f"postfix/cleanup[8]: warning: {Q1}: message rejected: hopcount exceeded",
        f"postfix/cleanup[8]: warning: {Q1}: x map lookup problem for a@x -- message not accepted, try again later",
    ],
)
def test_held_but_never_accepted(end: str) -> None:
    """What a check puts on hold is here only once all of it was received, and nothing rejected it."""
    assert not told("origin", CLIENT, HOLD, NAMED, end, GONE)
    assert not told("origin", CLIENT, NAMED, HOLD, end, GONE)
    again = told("origin", CLIENT, HOLD, NAMED, end, *(line.replace(Q1, Q2) for line in (CLIENT, HOLD, NAMED)), GONE)
    assert {(e.queue_id, e.kind) for e in again} == {(Q2, Kind.SUBMITTED), (Q2, Kind.HELD)}


@pytest.mark.parametrize("command", ["DATA", "BDAT"])
def test_a_command_for_data_that_is_refused_ends_no_message(command: str) -> None:
    """The transaction goes on under the same queue id: the client may give the command again."""
    refused = f"postfix/smtpd[7]: {Q1}: reject: {command} from x[127.0.0.1]: 450 4.7.1 later; from=<a@x> proto=ESMTP"
    events = told("origin", CLIENT, refused, HOLD, NAMED, GONE)
    assert [event.event_id for event in events] == [
        event.event_id for event in told("origin", CLIENT, HOLD, NAMED, GONE)
    ]
    assert [event.kind for event in events] == [Kind.SUBMITTED, Kind.SUBMITTED, Kind.HELD]


@pytest.mark.parametrize(
    ("counted", "held"),
    [
        ("data=0/1", False),
        ("data=0/1 bdat=0/2", False),
        pytest.param(f"data=0/{'1' * 5000}", False, id="many digits"),
        ("bdat=0/1", False),
        ("bdat=1", True),
        ("bdat=1/2", True),
        ("data=0/1 bdat=1", True),
        ("data=1/2", True),
        ("", True),
    ],
)
def test_a_session_in_which_nothing_was_accepted(counted: str, held: bool) -> None:  # noqa: FBT001 - a parameter
    """Where smtpd counts at the end that no data was accepted, what waits on hold was not; else nobody knows."""
    end = f"postfix/smtpd[7]: disconnect from x[127.0.0.1] ehlo=1 mail=1 rcpt=1 {counted} quit=1 commands=4/5"
    events = told("origin", CLIENT, HOLD, NAMED, end)
    assert [event.kind for event in events] == ([Kind.SUBMITTED, Kind.SUBMITTED, Kind.HELD] if held else [])


def test_one_of_several_messages_was_too_big() -> None:
    """What says that one message was not accepted says it of no other of its session."""
    first = [line.replace(Q1, Q2) for line in (CLIENT, HOLD, NAMED)]
    big = f"postfix/smtpd[7]: warning: {Q1}: queue file size limit exceeded"
    events = told("origin", *first, CLIENT, HOLD, NAMED, big, GONE.replace("data=1", "data=1/2"))
    assert {(event.queue_id, event.kind) for event in events} == {(Q2, Kind.SUBMITTED), (Q2, Kind.HELD)}
    assert told("origin", CLIENT, NAMED, ACTIVE, big, GONE) == told("origin", CLIENT, NAMED, ACTIVE)


def test_what_a_warning_says_of_nobody() -> None:
    """Other warnings, of entries or not, carry nothing, and are counted."""
    reader = parser()
    said = (
        "postfix/cleanup[8]: warning: x: y",
        f"postfix/cleanup[8]: warning: {Q2}: message rejected: hopcount exceeded",
    )
    reader.parse(pieces(log_of("origin", CLIENT, *said, "postfix/smtpd[7]: warning")), file="f", observed_at=OBSERVED)
    assert reader.counts.ignored == {"cleanup": 2, "smtpd": 1}
    assert not reader.counts.unread


@pytest.mark.parametrize(
    "after",
    [
        GONE,
        CLIENT.replace(Q1, Q2),
        "postfix/smtpd[7]: connect from y[127.0.0.1]",
        f"postfix/postsuper[5]: {Q1}: placed on hold",
        ACTIVE,
    ],
)
def test_held_and_accepted(after: str) -> None:
    """Nothing says that a message on hold was accepted: its process goes on to something else, or it is acted on."""
    events = told("origin", CLIENT, HOLD, NAMED, after)
    assert short(events)[:3] == [("submitted", Q1, ""), ("submitted", Q1, "c@dest.test"), ("held", Q1, "")]
    assert told("origin", CLIENT, HOLD, NAMED, after, GONE) == events


def test_held_in_a_log_without_sessions() -> None:
    """Where nobody says that sessions end, a hold is told at the next sweep, with its own time."""
    reader = parser()
    reader.parse(pieces(log_of("origin", CLIENT, HOLD, NAMED)), file="f", observed_at=OBSERVED)
    later = f"Nov 25 01:00:00 origin {CLIENT.replace(Q1, Q2)}".replace("smtpd[7]", "smtpd[8]").encode()
    events = reader.parse(pieces(later), file="f", observed_at=OBSERVED)
    assert short(events) == [("submitted", Q1, ""), ("submitted", Q1, "c@dest.test"), ("held", Q1, "")]
    assert events[-1].event_id == told("origin", CLIENT, HOLD, NAMED, GONE)[-1].event_id


def test_held_where_the_log_ends() -> None:
    """At the end of an import nothing more can be said, as with lines picked out of a log; a live log goes on."""
    reader, live = parser(), PostfixParser(Source(name="x", kind="postfix", host="origin", live=True), DECLARATION)
    for one in (reader, live):
        assert not one.parse(pieces(log_of("origin", CLIENT, HOLD, NAMED)), file="f", observed_at=OBSERVED)
    events = list(reader.close())
    assert short(events) == [("submitted", Q1, ""), ("submitted", Q1, "c@dest.test"), ("held", Q1, "")]
    assert events[-1].event_id == told("origin", CLIENT, HOLD, NAMED, GONE)[-1].event_id
    assert reader.counts.events == len(events)
    assert not list(reader.close())
    assert not list(live.close())
