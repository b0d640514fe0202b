"""What receipts tell: only "displayed" is a read, only "deleted" a non-receipt."""

from datetime import UTC, datetime

import pytest

from streams.core.events import Kind, Traffic
from streams.core.identity import leg_of, pair_leg
from tests.collect.report_mails import EXCHANGE_READ, ORIGIN, RECEIPT, feed, one, parser, report

KEY, TO = "wild-1@origin.test", "carol@dest.test"
WHOSE = f"Final-Recipient: rfc822;{TO}\nOriginal-Message-ID: <wild-1@origin.test>\n"
MANUAL = "manual-action/MDN-sent-manually; "


def receipt(disposition: str, whose: str = WHOSE, last: str | None = None, more: str = "") -> str:
    """A receipt."""
    return report(f"Reporting-UA: ua.test; UA 1.0\n{whose}Disposition: {disposition}\n", last, kind=RECEIPT, more=more)


@pytest.mark.parametrize(
    ("disposition", "kind", "action", "modifier"),
    [
        ("displayed", Kind.READ, "displayed", ""),
        ("Displayed (in a window)", Kind.READ, "displayed", ""),
        ("displayed/warning", Kind.READ, "displayed", "warning"),
        ("displayed/error", Kind.REPORTED, "displayed", "error"),
        ("deleted", Kind.NOT_READ, "deleted", ""),
        ("deleted/error", Kind.REPORTED, "deleted", "error"),
        ("dispatched", Kind.REPORTED, "dispatched", ""),
        ("processed/error", Kind.REPORTED, "processed", "error"),
        ("processed/x-other,failure", Kind.REPORTED, "processed", "x-other,failure"),
        ("denied", Kind.REPORTED, "denied", ""),
    ],
)
def test_dispositions(disposition: str, kind: Kind, action: str, modifier: str) -> None:
    """The type decides, unless the modifier takes it back; how it came about is told."""
    event = one(receipt(MANUAL + disposition))
    assert (event.kind, event.action, event.traffic, event.recipient) == (kind, action, Traffic.RECEIPT, TO)
    assert "mode=manual-action/mdn-sent-manually" in event.attributes
    assert (f"modifier={modifier}" in event.attributes) == bool(modifier)
    assert "receipt=report-1@dest.test" in event.attributes
    assert "secret" not in repr(event)


def test_a_disposition_without_its_mode() -> None:
    """Some leave out how it came about."""
    assert one(receipt("displayed")).kind == Kind.READ


@pytest.mark.parametrize(
    ("mail", "reason"),
    [
        (receipt(MANUAL + "failed"), "a receipt without a recipient or a known disposition"),
        (receipt(MANUAL + "x-seen"), "a receipt without a recipient or a known disposition"),
        (receipt(""), "a receipt without a recipient or a known disposition"),
        (receipt("displayed", "Original-Message-ID: <a@b>\n"), "a receipt without a recipient or a known disposition"),
        (receipt("displayed", f"Final-Recipient: rfc822;{TO}\n"), "a receipt that names no message"),
    ],
)
def test_what_is_not_understood_is_counted(mail: str, reason: str) -> None:
    """RFC 2298's `failed` among it: it must not look like a report of failure."""
    by = parser()
    assert not feed(by, mail.encode())
    assert by.counts.unread == {reason: 1}


def test_a_receipt_without_a_trace_is_about_the_pair() -> None:
    """The message and the recipient are all that its fields name."""
    event = one(receipt(MANUAL + "displayed"))
    assert (event.leg, event.host, event.queue_id) == (pair_leg(KEY, TO), "", "")
    whose = f"Final-Recipient: rfc822;{TO}\n"
    assert one(receipt("displayed", whose, more="In-Reply-To: <wild-1@origin.test>\n")).leg == pair_leg(KEY, TO)


def test_a_receipt_with_a_trace_is_about_the_origin() -> None:
    """The last part's trace names the origin's queue entry; Original-Recipient is as the originator wrote it."""
    last = (
        "Content-Type: text/rfc822-headers\n\n"
        f"Received: from c by origin.lab.test (Postfix) with ESMTP id {ORIGIN}; Mon\nMessage-ID: <wild-1@origin.test>\n"
    )
    event = one(receipt("displayed", f"Original-Recipient: rfc822;Team@x.test\n{WHOSE}", last))
    assert event.leg == leg_of("origin", ORIGIN, "team@x.test", key=KEY)
    assert (event.recipient, event.original_recipient) == ("Team@x.test", "Team@x.test")
    assert event.attributes[0] == f"trace=origin/{ORIGIN}"


def test_a_receipt_that_does_not_say_for_whom_it_was_is_about_the_pair() -> None:
    """Whoever opened it may have an address that the origin's queue never had, whatever its trace names."""
    last = (
        "Content-Type: text/rfc822-headers\n\n"
        f"Received: from c by origin.lab.test (Postfix) with ESMTP id {ORIGIN}; Mon\nMessage-ID: <wild-1@origin.test>\n"
    )
    event = one(receipt("displayed", last=last))
    assert (event.leg, event.host, event.queue_id) == (pair_leg(KEY, TO), "", "")
    assert event.attributes[0] == f"trace=origin/{ORIGIN}"


def test_exchange_s_receipt() -> None:
    """Fields of its own, no third part."""
    event = one(EXCHANGE_READ)
    assert (event.kind, event.message_key, event.leg) == (Kind.READ, KEY, pair_leg(KEY, TO))
    assert event.occurred_at == round(datetime(2026, 11, 23, 23, tzinfo=UTC).timestamp() * 1_000_000)
