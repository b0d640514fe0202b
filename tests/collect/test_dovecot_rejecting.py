"""Who is told of a rejection: by a filter, and by the delivery agent where a mailbox is full."""

import pytest

from streams.collect.declaration import Source
from streams.collect.dovecot import DovecotParser
from streams.core.events import Kind, MessageEvent
from tests.collect.dovecot_logs import CAROL, LMTP, SESSION, STORE, feed, parser, read, told

REJECTED = f"{LMTP}sieve: msgid=<m@x.test>: rejected message from <a@x.test> (reject)"


@pytest.mark.parametrize("service", ["lmtp", "lda"])
def test_who_is_rejected_by_a_filter_has_been_told(service: str) -> None:
    """Sieve says that it rejected a message once the rejection was sent; no switch can tell what that is about."""
    refused, issued = read(told(REJECTED.replace("lmtp", service)))
    assert (refused.kind, issued.kind, issued.action) == (Kind.REFUSED, Kind.REPORTED, "issued")
    assert issued.attributes == ("notification=failed",)
    assert (issued.leg, issued.message_key, issued.occurred_at) == (refused.leg, "m@x.test", refused.occurred_at)


@pytest.mark.parametrize(
    "why",
    [
        "Auto-submitted message discarded: no",
        "Return-Path missing, rejection reason: no",
        "Permanently failed to send rejection: 550 no",
        "Invalid postmaster_address - can't send rejection: no",
    ],
)
def test_a_rejection_that_was_not_sent_told_nobody(why: str) -> None:
    """Sieve rejects all the same where the store says before that it sends nothing; the next message is another."""
    by = parser()
    lines = [f"{LMTP}msgid=<m@x.test>: {why}", REJECTED, REJECTED.replace(SESSION, f"{SESSION}:2")]
    kinds = [event.kind for event in feed(by, told(*lines))]
    assert kinds == [Kind.REFUSED, Kind.REFUSED, Kind.REPORTED]
    assert by.counts.ignored == {"lmtp": 1}


LDA = f"lda({CAROL})<7><{SESSION}>: "
FULL = f"{LDA}msgid=<m@x.test>: rejected: Quota exceeded (mailbox for user is full)"
LATER = f"2026-11-23T12:02:00.000000+0000 {LMTP}Connect from local".encode()
NOT_SENT = [
    "Auto-submitted message discarded: Quota exceeded",
    "Return-Path missing, rejection reason: Quota exceeded",
    "Permanently failed to send rejection: 550 no",
    "Temporarily failed to send rejection: 450 later",
    "Invalid postmaster_address - can't send rejection: no",
]


def _kinds(events: list[MessageEvent]) -> list[Kind]:
    return [event.kind for event in events]


@pytest.mark.parametrize("service", ["lda", "deliver"])
def test_who_wrote_to_a_full_mailbox_is_told(service: str) -> None:
    """The delivery agent refuses, and sends a notice without a word; that it sent none it would say at once."""
    refused, issued = read([*told(FULL.replace("lda", service)), LATER])
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
    events = feed(by, [*told(FULL, other, f"{LDA}msgid=<m@x.test>: {why}"), LATER])
    assert _kinds(events) == [Kind.REFUSED, Kind.REFUSED, Kind.REPORTED]
    assert events[2].leg == events[1].leg
    assert by.counts.events == len(events)
    assert by.counts.ignored == {"lda": 1, "lmtp": 1}


def test_a_notice_is_held_until_nothing_speaks_against_it() -> None:
    """What a store may yet take back is not told: not for a minute, nor where the collector begins again meanwhile."""
    by = parser()
    assert _kinds(feed(by, told(FULL, f"{LMTP}Connect from local"))) == [Kind.REFUSED]
    again = parser()
    again.restore(by.state())
    assert _kinds(feed(again, [LATER])) == [Kind.REPORTED]
    assert not feed(again, [LATER])
    assert again.counts.events == 1


@pytest.mark.parametrize("live", [True, False])
def test_the_end_of_an_import_holds_nothing_back(*, live: bool) -> None:
    """Nothing comes any more that could take a notice back; a log that is followed goes on."""
    by = DovecotParser(Source(name="store-log", kind="dovecot", host="store", live=live), STORE)
    assert _kinds(feed(by, told(FULL))) == [Kind.REFUSED]
    assert _kinds(list(by.close())) == ([] if live else [Kind.REPORTED])
    assert by.counts.events == (1 if live else 2)


def test_a_session_that_has_no_name_refuses_again() -> None:
    """Old lines name nobody but the user: the next refusal ends what the one before could have taken back."""
    first = f"Nov 23 12:00:00 mx dovecot: lda({CAROL}): msgid=<m@x.test>: rejected: Quota exceeded".encode()
    second = first.replace(b"m@x", b"n@x")
    events = read([first, second, second.replace(b"rejected: ", f"{NOT_SENT[0]}: ".encode()), LATER])
    assert [(event.kind, event.message_key) for event in events] == [
        (Kind.REFUSED, "m@x.test"),
        (Kind.REFUSED, "n@x.test"),
        (Kind.REPORTED, "m@x.test"),
    ]


def test_notices_are_bounded() -> None:
    """The oldest is forgotten, and then nobody was told as far as is known."""
    by = parser()
    lines = told(*[FULL.replace(SESSION, f"{SESSION}{number}") for number in range(60)])
    for number in range(40):
        feed(by, [line.replace(SESSION.encode(), f"s{number}-".encode()) for line in lines])
    assert len(feed(by, [LATER])) == 2_000


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
