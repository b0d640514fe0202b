"""Who is told of a filter's rejection."""

import pytest

from streams.core.events import Kind
from tests.collect.dovecot_logs import LMTP, SESSION, feed, parser, read, told

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
