"""Who is told that a mailbox is full, by the delivery agent that rejects."""

import msgspec
import pytest

from streams.collect.declaration import Source
from streams.collect.dovecot import DovecotParser
from streams.collect.parser import Piece
from streams.collect.proof import proofs
from streams.core.events import Kind, MessageEvent
from streams.wire import records
from tests.collect.dovecot_logs import CAROL, LMTP, SESSION, STORE, feed, parser, pieces, read, told
from tests.collect.postfix_logs import OBSERVED

LDA = f"lda({CAROL})<7><{SESSION}>: "
FULL = f"{LDA}msgid=<m@x.test>: rejected: Quota exceeded (mailbox for user is full)"
NOT_SENT = [
    "Auto-submitted message discarded: Quota exceeded",
    "Return-Path missing, rejection reason: Quota exceeded",
    "Permanently failed to send rejection: 550 no",
    "Temporarily failed to send rejection: 450 later",
    "Invalid postmaster_address - can't send rejection: no",
]
SENT_NONE = f"{LDA}msgid=<m@x.test>: {NOT_SENT[0]}"
TOLD = [Kind.REFUSED, Kind.REPORTED]


def _kinds(events: list[MessageEvent]) -> list[Kind]:
    return [event.kind for event in events]


def _at(time: str, session: str = SESSION) -> bytes:
    """What the delivery agent says of a full mailbox, at a time and in a session."""
    return f"2026-11-23T{time}.000000+0000 {FULL.replace(SESSION, session)}".encode()


@pytest.mark.parametrize("service", ["lda", "deliver"])
def test_who_wrote_to_a_full_mailbox_is_told(service: str) -> None:
    """The delivery agent refuses, and sends a notice without a word; that it sent none it would say."""
    refused, issued = read(told(FULL.replace("lda", service)))
    assert (refused.kind, issued.kind, issued.action) == (Kind.REFUSED, Kind.REPORTED, "issued")
    assert (refused.message_key, refused.recipient, refused.queue_id) == ("m@x.test", CAROL, SESSION)
    assert refused.diagnostic == "rejected Quota exceeded (mailbox for user is full)"
    assert issued.attributes == ("notification=failed",)
    assert (issued.leg, issued.occurred_at, issued.offset) == (refused.leg, refused.occurred_at, 0)


@pytest.mark.parametrize("why", NOT_SENT)
def test_who_wrote_to_a_full_mailbox_may_not_be_told(why: str) -> None:
    """The delivery agent says after it refused that it sends nothing, and other lines may stand in between."""
    by = parser()
    other = FULL.replace(SESSION, f"{SESSION}2")
    events = feed(by, told(FULL, other, f"{LDA}msgid=<m@x.test>: {why}"))
    assert _kinds(events) == [Kind.REFUSED, *TOLD]
    assert events[2].leg == events[1].leg
    assert by.counts.events == len(events)
    assert by.counts.ignored == {"lda": 1}


@pytest.mark.parametrize("live", [True, False])
def test_a_notice_waits_for_no_other_line(*, live: bool) -> None:
    """A store may be quiet for hours after it: its source claims meanwhile that all has been told."""
    by = DovecotParser(Source(name="store-log", kind="dovecot", host="store", live=live), STORE)
    assert _kinds(feed(by, told(FULL))) == TOLD
    assert not list(by.close())
    assert by.counts.events == 2


def test_a_clock_that_was_ahead_keeps_no_notice_back() -> None:
    """Nor does one that is set right: what a notice says has nothing to do with the time."""
    by = parser()
    assert [_kinds(feed(by, [_at(time, time)])) for time in ("05:00:00", "03:00:00", "04:30:00")] == [TOLD] * 3


@pytest.mark.parametrize("lines_of_a_read", [1, 700, 2_101])
def test_however_many_are_rejected_all_are_told(lines_of_a_read: int) -> None:
    """A list's mail to mailboxes that are full is thousands of rejections within seconds."""
    by = parser()
    lines = [_at(f"12:00:0{number % 6}", f"s{number}") for number in range(2_101)]
    issued = [
        event.queue_id
        for begin in range(0, len(lines), lines_of_a_read)
        for event in feed(by, lines[begin : begin + lines_of_a_read])
        if event.kind == Kind.REPORTED
    ]
    assert issued == [f"s{number}" for number in range(2_101)]


def test_a_notice_is_proved_by_its_rejection() -> None:
    """The evidence of both events is the line that rejects; of another file's line at its place nothing comes."""
    by, proven = parser(), dict[bytes, bytes]()
    for file, line in (("mail.log", _at("03:00:00")), ("mail.log.new", told(f"{LMTP}Connect from local")[0])):
        read_now = [Piece(offset=0, raw=line)]
        events = list(by.parse(read_now, file=file, observed_at=OBSERVED))
        proven |= proofs(read_now, events, "store-log", file)
    found = [records.decode("evidence", value) for value in proven.values()]
    assert [(one["file"], one["raw"]) for one in found] == [("mail.log", _at("03:00:00"))] * 2


def test_a_read_that_falls_between_the_two_lines() -> None:
    """What was told is not taken back: the second line is counted, and the notice stands."""
    by = parser()
    first, second = pieces(told(FULL, SENT_NONE))
    assert _kinds(list(by.parse([first], file="dovecot.log", observed_at=OBSERVED))) == TOLD
    again = parser()
    again.restore(by.state())
    assert not list(again.parse([second], file="dovecot.log", observed_at=OBSERVED))
    assert again.counts.ignored == {"lda": 1}


def _nameless(*texts: str) -> list[bytes]:
    """Lines of the versions that name nobody but the user."""
    return [f"Nov 23 12:00:00 mx dovecot: lda({CAROL}): msgid={text}".encode() for text in texts]


def test_a_session_that_has_no_name_refuses_again() -> None:
    """Old lines name nobody but the user: what takes a notice back is about the latest that stands."""
    full, none = "rejected: Quota exceeded", NOT_SENT[0]
    events = read(_nameless(f"<m@x.test>: {full}", f"<n@x.test>: {full}", f"<n@x.test>: {none}"))
    assert [(event.kind, event.message_key) for event in events] == [
        (Kind.REFUSED, "m@x.test"),
        (Kind.REPORTED, "m@x.test"),
        (Kind.REFUSED, "n@x.test"),
    ]
    both = [f"<m@x.test>: {full}", f"<n@x.test>: {full}", f"<m@x.test>: {none}", f"<n@x.test>: {none}"]
    assert _kinds(read(_nameless(*both))) == [Kind.REFUSED] * 2


def test_what_is_taken_back_is_taken_back_once() -> None:
    """What is said after it is about the filter's rejection that follows."""
    none = NOT_SENT[0]
    rejected = "rejected message from <a@x.test> (reject)"
    lines = [f"<m@x.test>: {what}" for what in ("rejected: Quota exceeded", none, none, rejected, rejected)]
    assert _kinds(read(_nameless(*lines))) == [Kind.REFUSED, Kind.REFUSED, *TOLD]


def test_a_checkpoint_of_before_is_taken_up() -> None:
    """One that was written before the delivery agent's rejections were read has the same form."""
    held = ("alike", "copies", "origins", "saved", "marked", "left", "descended", "lying")
    parts: dict[str, object] = {name: {} for name in held}
    parts |= {"version": 1, "clock": [None, 0, 0], "second": [0, 0], "held": 0, "unsent": {SESSION: True}}
    by = parser()
    by.restore(msgspec.msgpack.encode(parts))
    assert msgspec.msgpack.decode(by.state()) == parts


@pytest.mark.parametrize("text", ["server rejected: no", "x: rejected", "Recipient rejected: 550 no"])
def test_what_else_is_rejected(text: str) -> None:
    """Only the delivery agent's own word decides."""
    by = parser()
    assert not feed(by, told(f"{LMTP}msgid=<m@x.test> {text}", LMTP + text))
    assert not by.counts.unread


def test_a_refusal_that_names_no_message_is_unread() -> None:
    """As any decision without msgid in the format (deliver_log_format)."""
    by = parser()
    assert not feed(by, told(f"{LDA}m@x.test: rejected: Quota exceeded"))
    assert by.counts.unread == {"what became of a message that is not named (deliver_log_format)": 1}
