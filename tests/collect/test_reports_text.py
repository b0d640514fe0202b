"""What the values of fields mean."""

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.collect.reports_text import action, address, moment, only_id, status, typed, word


@pytest.mark.parametrize(
    ("value", "want"),
    [
        ("rfc822; carol@dest.test", "carol@dest.test"),
        ("RFC822;<carol@dest.test>", "carol@dest.test"),
        ("carol@dest.test", "carol@dest.test"),
        ("rfc822; Carol C. <carol@dest.test>", "carol@dest.test"),
        ("rfc822; carol@dest.test (Carol)", "carol@dest.test"),
        ('rfc822; "carol (x)"@dest.test', '"carol (x)"@dest.test'),
        ("rfc822;<>", ""),
        ("", ""),
        ("rfc822; " + "x" * 2_000, "x" * 500),
    ],
)
def test_addresses(value: str, want: str) -> None:
    """Without type, name, comment and brackets, of a bounded length."""
    assert address(value) == want


@pytest.mark.parametrize(
    ("value", "want"),
    [
        ("5.1.1", "5.1.1"),
        ("5.0.0 (permanent; see 4.4.1)", "5.0.0"),
        ("(x) 4.4.7", "4.4.7"),
        ("host 192.0.2.5.1.1", None),
        ("550 5.1.1 <a@b>", "5.1.1"),
        ("3.1.1", None),
        ("5.1", None),
        ("", None),
    ],
)
def test_statuses(value: str, want: str | None) -> None:
    """Class, subject and detail; an address of a host is none."""
    assert status(value) == want


def test_actions() -> None:
    """Comments and other spellings; what is missing is told by a permanent failure only."""
    assert action("Delivered (to mailbox)", None) == "delivered"
    assert action("Failure", None) == "failed"
    assert (action("", "5.0.0"), action("", "4.0.0"), action("", None)) == ("failed", "", "")


def test_one_message_answered() -> None:
    """Several ids name none."""
    assert only_id("your message <a@b> of today") == "<a@b>"
    assert (only_id("<a@b> <c@d>"), only_id("")) == ("", "")


def test_moments() -> None:
    """Without a zone it is UTC; a clock that was never set tells none."""
    want = round(datetime(2026, 11, 23, 22, 50, 17, tzinfo=UTC).timestamp() * 1_000_000)
    assert moment("Mon, 23 Nov 2026 22:50:17") == moment(" 23 Nov 2026 23:50:17 +0100 (CET)") == want
    assert (moment("Thu, 1 Jan 1970 00:00:00 +0000"), moment("")) == (None, None)


@settings(max_examples=200, deadline=None)
@given(value=st.text(max_size=100))
def test_foreign_text_never_raises(value: str) -> None:
    """Any text is a value."""
    for meaning in (address, typed, word, status, only_id, moment):
        meaning(value)
