"""Foreign mail costs little and never raises, whatever it holds."""

import time
import tracemalloc

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from streams.collect.reports_mail import CAP, PARTS, TEXT, Part, fields, part, parts
from tests.collect.report_mails import (
    EXCHANGE,
    EXCHANGE_READ,
    EXIM,
    EXIM_PLAIN,
    GMAIL,
    QMAIL,
    SENDMAIL,
    SENDMAIL_OLD,
    cases,
    feed,
    parser,
    report,
)

MAILS = [
    *cases().values(),
    *(text.encode() for text in (EXCHANGE, EXCHANGE_READ, EXIM, EXIM_PLAIN, GMAIL, QMAIL, SENDMAIL, SENDMAIL_OLD)),
    report().encode(),
]


def test_parts_stand_in_their_order() -> None:
    """Each part before its own parts; an attached mail is one part."""
    assert [one.kind for one in parts(part(EXCHANGE.encode()))] == [
        "multipart/report",
        "multipart/alternative",
        "text/plain",
        "text/html",
        "message/delivery-status",
        "message/rfc822",
    ]


def test_fields_are_unfolded_and_named_in_lower_case() -> None:
    """A line that is no field is left out; what is not UTF-8, and NUL, becomes U+FFFD."""
    block = b"From foo Mon\nA: 1\n 2\n\t3\nB :x\nno field\n: empty\nC: \xff\0\nD:\n" + b"N" * 90 + b": long\n"
    assert fields(block) == [("a", "1 2 3"), ("b", "x"), ("c", "\ufffd\ufffd"), ("d", "")]


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r\r\n"])
def test_line_ends_of_any_kind(end: bytes) -> None:
    """Gateways rewrite them."""
    mail = part(b"A: b\nContent-Type: Text/Plain; x=y\n\nbody\n".replace(b"\n", end))
    assert (mail.kind, mail.first("a"), mail.body) == ("text/plain", "b", b"body\n")


def test_a_long_part_is_decoded_as_far_as_it_counts() -> None:
    """Half a group of base64 at the cut is no error."""
    head = {"content-transfer-encoding": ["base64"]}
    assert len(Part("text/plain", head, b"QUJD" * TEXT).content()) == TEXT // 4 * 3
    assert Part("text/plain", head, b"QUJDR").content() == b"QUJDR"


TOP = b"Content-Type: multipart/report; report-type=delivery-status; boundary=x\n\n"
STATUS = b"--x\nContent-Type: message/delivery-status\n\n"
LAST = b"--x\nContent-Type: text/rfc822-headers\n\n"
DAEMON = b"From: mailer-daemon@x\nX-Failed-Recipients: a@b\n"
ONE = b"Final-Recipient: rfc822; a@b\nAction: failed\n"

HOSTILE = {
    "fields": b"a: b\n" * (CAP // 5),
    "folds": b"a: b" + b"\n " * (CAP // 2),
    "zeros": b"\0" * CAP,
    "marks": TOP + b"\n--xz" * (CAP // 5),
    "empty parts": TOP + b"--x\n\n" * (CAP // 5),
    "a mark and spaces": TOP + b"--x" + b" " * CAP,
    "depth": b"".join(b"Content-Type: multipart/x; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(5_000)),
    "one boundary for all": b"Content-Type: multipart/x; boundary=b\n\n--b\n" * 50_000,
    "large heads": TOP + (b"--x\n" + b"a: b\n" * 4_000 + b"\n\n") * PARTS,
    "recipients": TOP + STATUS + (ONE + b"\n") * 80_000 + LAST + b"Message-ID: <a@b>\n",
    "recipients in a row": TOP + STATUS + ONE * 80_000 + LAST + b"Message-ID: <a@b>\n",
    "empty lines": TOP + STATUS + b"\n" * CAP,
    "comments": TOP + STATUS + b"Final-Recipient: rfc822; a\nAction: " + b"(" * CAP,
    "brackets": TOP + STATUS + b"Action: failed\nFinal-Recipient: " + b"<" * CAP,
    "digits": TOP + STATUS + ONE + b"Status: " + b"5.1.1" * (CAP // 5),
    "stays": TOP + STATUS + ONE + LAST + b"Received: by relay.lab.test id 4jYMGG2nY6z1TBY7\n" * 80_000,
    "a long stay": TOP + STATUS + ONE + LAST + b"Received: " + b"by id " * (CAP // 6),
    "base64": TOP + b"--x\nContent-Type: message/delivery-status\nContent-Transfer-Encoding: base64\n\n" + b"A" * CAP,
    "dashes": DAEMON + b"\n" + b"-" * CAP,
    "lines of dashes": DAEMON + b"\n" + b"---\n" * (CAP // 4),
    "spaces": DAEMON + b"\n" + b" " * CAP,
    "failed recipients": DAEMON + b"X-Failed-Recipients: " + b"a@b," * 60_000 + b"\n\n  a@b\n",
    "qmail's paragraphs": DAEMON + b"\nHi. This is the x\n\n" + b"<a@b>:\nno\n\n" * (CAP // 12),
    "dates": b"Date: " + b"1 " * 100_000 + b"\nReceived: " + b";x" * 100_000 + b"\n\n",
    "boundaries": b"Content-Type: multipart/mixed;" + b" boundary =" * 20_000 + b"\n\n--x\n",
}


@pytest.mark.parametrize("raw", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_mail_costs_little(raw: bytes) -> None:
    """No mail takes a second of the processor, and none more memory than a few times its size."""
    began = time.process_time()
    feed(parser(), raw)
    assert time.process_time() - began < 1
    tracemalloc.start()
    feed(parser(), raw)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 8 * CAP


@settings(max_examples=300, deadline=None)
@given(raw=st.binary(max_size=400))
def test_arbitrary_bytes_never_raise(raw: bytes) -> None:
    """Bytes of any kind are a mail that is ignored or counted."""
    _accounted(raw)


@settings(max_examples=300, deadline=None)
@given(raw=st.sampled_from(MAILS), data=st.data())
def test_cut_and_damaged_reports_never_raise(raw: bytes, data: st.DataObject) -> None:
    """A report that is cut off, or has bytes changed, is used as far as it goes, and accounted for."""
    begin = data.draw(st.integers(0, len(raw)))
    end = data.draw(st.integers(begin, len(raw)))
    _accounted(raw[:begin] + data.draw(st.binary(max_size=8)) + raw[end:])
    _accounted(raw[:begin])


@settings(max_examples=200, deadline=None)
@given(values=st.lists(st.text(max_size=60), min_size=8, max_size=8))
@example(values=[*[""] * 7, "/"])
@example(values=[*[""] * 7, "</ <>"])
def test_foreign_values_never_raise(values: list[str]) -> None:
    """Every field of a report may hold any text."""
    names = ("Final-Recipient", "Original-Recipient", "Action", "Status", "Remote-MTA", "Diagnostic-Code")
    block = "".join(f"{name}: {value}\n" for name, value in zip(names, values, strict=False))
    last = f"Content-Type: text/rfc822-headers\n\nReceived: {values[6]}\nMessage-ID: {values[7]}\n"
    status = f"Reporting-MTA: {values[0]}\nX-Postfix-Queue-ID: {values[1]}\n\n{block}"
    for kind in ("message/delivery-status", "message/disposition-notification"):
        _accounted(report(status, last, kind=kind, more=f"Date: {values[2]}\n").encode("utf-8", "surrogatepass"))


def _accounted(raw: bytes) -> None:
    by = parser()
    events = feed(by, raw)
    assert by.counts.events == len(events)
    assert len(events) + by.counts.ignored.total() + by.counts.unread.total() >= 1
    for event in events:
        assert event.message_key
        assert "\0" not in event.recipient + event.message_key + event.queue_id
        msgspec.json.encode(event)
