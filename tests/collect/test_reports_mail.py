"""Foreign mail costs little and never raises, whatever it holds."""

import base64
import time
import tracemalloc

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from streams.collect.reports_mail import CAP, DEPTH, FIELD, LINES, PARTS, Part, fields, part, parts
from streams.collect.reports_plain import RECIPIENTS, TEXT
from streams.collect.reports_status import FIELDS, GROUPS
from tests.collect.report_mails import (
    ABOUT,
    EXCHANGE,
    EXCHANGE_READ,
    EXIM,
    EXIM_PLAIN,
    GMAIL,
    ORIGINAL,
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
    assert [one.kind for one in parts(part(EXCHANGE.encode()))[0]] == [
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


@pytest.mark.parametrize(
    ("body", "want"),
    [
        (b"QUJD\n" * 200_000, b"ABC" * 200_000),
        (b"QUJD\nR", b"ABC"),
        (b"QUJD\nRE\n", b"ABC"),
        (b"QUJD\nREV\n", b"ABC"),
        (b"Action: failed\n\n", b"Action: failed\n\n"),
    ],
)
def test_base64_is_decoded_as_far_as_it_goes(body: bytes, want: bytes) -> None:
    """A group that a cut took half of is no error; what only says to be base64 stands as it is."""
    assert Part("text/plain", {"content-transfer-encoding": ["base64"]}, body).content() == want


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
    "fields of other letters": (b"a: " + "\U0001f600x".encode() * 200 + b"\n") * (CAP // 1004),
    "folds of a status": TOP + STATUS + b"Action: failed" + b"\n " * (CAP // 2),
    "short fields": TOP + STATUS + b"a:\n" * (CAP // 3),
    "short groups": TOP + STATUS + b"a:\n\n" * (CAP // 4),
    "fields in bodies": TOP + STATUS + ONE + (b"--x\n\n" + b"a: b\n" * 4_000 + b"\n\n") * PARTS,
    "no fields": TOP + STATUS + b"x\n" * (CAP // 2),
    "spaces after a name": TOP + STATUS + (b"a" * 79 + b" " * 2_000 + b"\n") * (CAP // 2_080),
    "escapes": TOP + STATUS + b"Action: failed\nFinal-Recipient: utf-8; " + rb"\x{FC}" * (CAP // 6),
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


# Bounds


def _unread(raw: bytes) -> tuple[int, dict[str, int]]:
    """How many events come of a mail, and what is said of it."""
    by = parser()
    events = feed(by, raw)
    assert not by.counts.ignored
    assert by.counts.unread.total() == len(by.counts.examples)
    return len(events), dict(by.counts.unread)


@pytest.mark.parametrize("size", [FIELD - 1, FIELD, 1_000_000])
@pytest.mark.parametrize("fold", ["", "\n "])
def test_a_large_subject_hides_nothing(size: int, fold: str) -> None:
    """Of a report, of a receipt, or of the message that came back: the fields after it count, and it is dropped."""
    large = f"Subject: {f'{fold}xx' * (size // 2)}\n"
    receipt = EXCHANGE_READ.replace("Subject: Read: secret\n", large)
    for mail in (report(more=large), report(last=ORIGINAL.replace("\n\n", f"\n\n{large}", 1)), receipt):
        assert _unread(mail.encode()) == (1, {})


def test_a_long_status_part_is_read_whole() -> None:
    """Fifteen hundred recipients of five hundred bytes, as they are and in base64."""
    group = "\nFinal-Recipient: rfc822; c%d@dest.test\nAction: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550 %s\n"
    status = ABOUT + "".join(group % (number, "x" * 400) for number in range(1_500))
    assert _unread(report(status).encode()) == (1_500, {})
    packed = report("STATUS").replace("-status\n", "-status\nContent-Transfer-Encoding: base64\n", 1)
    assert _unread(packed.replace("STATUS", base64.encodebytes(status.encode()).decode()).encode()) == (1_500, {})


FAR = b"x" * 70 + b"\n"


@pytest.mark.parametrize(
    ("raw", "events", "reason"),
    [
        (TOP + b"--x\n\n" + FAR * (CAP // 70) + STATUS + ONE, 0, "a report cut at 4194304 bytes"),
        (TOP + STATUS + (ONE + b"\n") * 2 + ONE + FAR * (CAP // 70), 2, "a report cut at 4194304 bytes"),
        (
            TOP + STATUS + ONE + LAST + b"Message-ID: <a@b>\n" + (b"a:" + b"x" * FIELD + b"\n") * 17,
            1,
            "a report cut at 4194304 bytes",
        ),
        (TOP + STATUS + (ONE + b"x:\n" * 50) * 1_000 + LAST, 769, f"a report cut at {FIELDS} fields"),
        (TOP + STATUS + ONE + b"\n" + b"x\n\n" * 5_000 + LAST, 1, f"a report of more than {GROUPS} groups"),
        (
            b"From: a@b\n" + b"".join(b"Content-Type: multipart/x; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(9)),
            0,
            f"parts that nest deeper than {DEPTH}",
        ),
        (TOP + b"--x\n\nx\n" * 201 + STATUS + ONE, 0, f"a mail of more than {PARTS} parts"),
        (b"a: b\n" * LINES + TOP + STATUS + ONE, 0, f"a mail of {LINES} fields or more"),
        (
            DAEMON.replace(b" a@b", b" a@b," * 600) + b"\n\n",
            500,
            f"a bounce of more than {RECIPIENTS} recipients",
        ),
        (
            b"From: mailer-daemon@x\n\nHi. This is the qmail-send program\n\n<a@b>:\nno\n\n" + FAR * (TEXT // 70),
            1,
            f"a bounce cut at {TEXT} bytes",
        ),
    ],
    ids=["words", "status", "original", "fields", "groups", "depth", "parts", "head", "recipients", "plain"],
)
def test_what_a_bound_leaves_out_is_said(raw: bytes, events: int, reason: str) -> None:
    """What is within it counts; the mail is counted with its place, too."""
    assert _unread(b"In-Reply-To: <a@b>\n" + raw) == (events, {reason: 1})


def test_a_large_message_that_came_back_is_not_cut() -> None:
    """Beyond the head of the original, and beyond the words of a bounce, nothing counts."""
    assert _unread(report(last=f"{ORIGINAL}\n").encode() + FAR * (CAP // 70))[1] == {}
    assert _unread(QMAIL.encode() + FAR * (CAP // 70)) == (2, {})


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
