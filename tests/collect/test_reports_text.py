"""What the values of fields mean."""

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.collect.reports_text import action, address, moment, only_id, replied, status, typed, word


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
        (r"utf-8; gr\x{FC}n@y.test", "grün@y.test"),
        (r"UTF-8 ;<\x{1F600}\x{fc}@\x{3B4}.test>", "\U0001f600ü@δ.test"),
        (r"utf-8; grün\x{2B}\x{5C}x@y.test (Grün)", "grün+\\x@y.test"),
        (r"utf-8; a\x{00}\x{0A}\x{D800}\x{110000}\x{F}@y", r"a\x{00}\x{0A}\x{D800}\x{110000}\x{F}@y"),
        (r'rfc822; "gr\x{FC}n"@y.test', r'"gr\x{FC}n"@y.test'),
        ("rfc822; carol+2024@y.test", "carol+2024@y.test"),
        ("x400; /RFC-822=pr(a)x.test/ADMD= /C=WW/", "/RFC-822=pr(a)x.test/ADMD= /C=WW/"),
        ("X-400 ;/DD.RFC-822=a(u)b(a)y.test/C=XX/", "/DD.RFC-822=a(u)b(a)y.test/C=XX/"),
        ("rfc822; x400(a)y@z.test", "x400 y@z.test"),
    ],
)
def test_addresses(value: str, want: str) -> None:
    """Without type, name, comment and brackets, of a bounded length; RFC 6533's escapes only in its own type."""
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


@pytest.mark.parametrize(
    ("value", "want"),
    [
        ("smtp; 550 5.1.1 no", "5.1.1"),
        ("SMTP;550-5.7.1 [192.0.2.5] no", "5.7.1"),
        ("550 #5.1.0 no", "5.1.0"),
        ("smtp; 550 sorry, no mailbox here (#5.1.1)", "5.1.1"),
        ("smtp; 5.1.1 no", "5.1.1"),
        ("smtp; 550 no", "5.0.0"),
        ("smtp; 450 no", "4.0.0"),
        ("smtp; 250", "2.0.0"),
        ("smtp; 554 since version 2.4.1", "5.0.0"),
        ("smtp; 5500", None),
        ("smtp; 354 go on", None),
        ("x-unix; 255", None),
        ("x-postfix; unknown user", None),
        ("smtp; Connection timed out", None),
        ("", None),
    ],
)
def test_a_reply_s_status(value: str, want: str | None) -> None:
    """The one that agrees with its code, else the class's; what is no reply has none."""
    assert replied(value) == want


def test_actions() -> None:
    """Comments and other spellings; what is missing is told by a permanent failure only."""
    assert action("Delivered (to mailbox)", None) == "delivered"
    assert action("Failure", None) == action("Expired", None) == "failed"
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


def test_a_leap_second_is_the_next() -> None:
    """Wherever the sun is then."""
    want = moment("Sun, 1 Jan 2017 00:00:00 +0000")
    assert want == moment("Sat, 31 Dec 2016 23:59:60 +0000") == moment("Sun, 1 Jan 2017 05:29:60 +0530 (IST)")
    assert moment("31 Dec 2016 3:59:60 +0000") == moment("31 Dec 2016 4:00:00 +0000")
    assert (moment("31 Dec 2016 23:59:61 +0000"), moment("31 Dec 9999 23:59:60 +0000")) == (None, None)


@settings(max_examples=200, deadline=None)
@given(value=st.text(max_size=100))
def test_foreign_text_never_raises(value: str) -> None:
    """Any text is a value."""
    for meaning in (address, typed, word, status, replied, only_id, moment):
        meaning(value)
