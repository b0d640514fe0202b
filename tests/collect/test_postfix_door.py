"""What is turned away at the door is told, once, however often and by whatever path its line comes."""

from pathlib import Path

import msgspec
import pytest

from streams.collect.declaration import Source
from streams.collect.rejection import Rejection
from streams.collect.run import Collector
from streams.wire import records
from tests.collect.broker import Log, Writer
from tests.collect.postfix_logs import CLIENT, DECLARATION, NAMED, OBSERVED, Q1, log_of, parser, pieces

FROM = "x.test[192.0.2.1]"

PARTIES = "from=<a@x.test> to=<c@dest.test> proto=ESMTP helo=<x>"

NOBODY = f"NOQUEUE: reject: RCPT from {FROM}: 550 5.1.1 <c@dest.test>: Recipient address rejected: no; {PARTIES}"


def turned_away(*lines: str) -> list[Rejection]:
    """What some lines of one second turn away."""
    reader, found = parser(), list[Rejection]()
    reader.counts.rejected = found.append
    assert not reader.parse(pieces(log_of("origin", *lines)), file="mail.log", observed_at=OBSERVED)
    return found


def test_a_recipient_is_turned_away() -> None:
    """Who refused whom, at what stage, and what the client was told, with its place."""
    (one,) = turned_away(f"postfix/submission/smtpd[7]: {NOBODY}")
    assert msgspec.structs.asdict(one) | {"rejection_id": b"", "occurred_at": 0} == {
        "rejection_id": b"",
        "occurred_at": 0,
        "observed_at": OBSERVED,
        "host": "origin",
        "service": "postfix/submission/smtpd",
        "stage": "RCPT",
        "client": "x.test",
        "address": "192.0.2.1",
        "code": 550,
        "status": "5.1.1",
        "originator": "a@x.test",
        "recipient": "c@dest.test",
        "queue_id": "",
        "diagnostic": "<c@dest.test>: Recipient address rejected: no",
        "source": "origin-log",
        "file": "mail.log",
        "offset": 0,
    }


@pytest.mark.parametrize(
    ("line", "stage", "reply", "parties", "words"),
    [
        (
            f"smtpd[7]: NOQUEUE: reject: MAIL from {FROM}: 552 5.3.4 too large; from=<a@x> proto=ESMTP",
            "MAIL", (552, "5.3.4"), ("a@x", ""), "too large",
        ),
        (
            "smtpd[7]: NOQUEUE: milter-reject: CONNECT from x[IPv6:2001:db8::1]:25: 451 4.7.1 later; proto=SMTP",
            "CONNECT", (451, "4.7.1"), (None, ""), "later",
        ),
        (
            "postscreen[7]: NOQUEUE: reject: RCPT from [192.0.2.9]:401: 550 5.7.1 blocked; from=<>, to=<b@y>, helo=<v>",
            "RCPT", (550, "5.7.1"), ("", "b@y"), "blocked",
        ),
        (
            "postscreen[7]: NOQUEUE: reject: CONNECT from [192.0.2.9]:4: too many connections",
            "CONNECT", (None, ""), (None, ""), "too many connections",
        ),
        (
            f"smtpd[7]: NOQUEUE: reject: HELO from {FROM}: 504 no such name; proto=SMTP helo=<x>",
            "HELO", (504, ""), (None, ""), "no such name",
        ),
        (
            f"smtpd[7]: {Q1}: reject: DATA content from {FROM}: 550 5.7.1 no; from=<a@x> to=<b@y> proto=ESMTP helo=<x>",
            "DATA content", (550, "5.7.1"), ("a@x", "b@y"), "no",
        ),
    ],
)  # fmt: skip
def test_stages(line: str, stage: str, reply: tuple[int, str], parties: tuple[str | None, str], words: str) -> None:
    """Every stage of a session, with or without a status, sender and recipient; postscreen writes commas."""
    (one,) = turned_away(f"postfix/{line}")
    assert (one.stage, (one.code, one.status), (one.originator, one.recipient), one.diagnostic) == (
        stage, reply, parties, words,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("said", "stage", "words"),
    [
        (f"milter-reject: END-OF-MESSAGE from {FROM}: 5.7.1 spam; {PARTIES}", "END-OF-MESSAGE", "spam"),
        (
            f"reject: header Subject: a from b[c]; from=<d> from {FROM}; {PARTIES}: 5.7.1 not that: see x",
            "header",
            "not that: see x",
        ),
    ],
)
def test_a_message_that_cleanup_rejects(said: str, stage: str, words: str) -> None:
    """It was never accepted either; it had a queue id by then."""
    reader, found = parser(), list[Rejection]()
    reader.counts.rejected = found.append
    reader.parse(
        pieces(log_of("origin", CLIENT, NAMED, f"postfix/cleanup[8]: {Q1}: {said}")), file="f", observed_at=OBSERVED
    )
    (one,) = found
    assert (one.stage, one.code, one.status, one.diagnostic) == (stage, None, "5.7.1", words)
    assert (one.queue_id, one.address, one.originator, one.recipient) == (Q1, "192.0.2.1", "a@x.test", "c@dest.test")


@pytest.mark.parametrize(
    "line",
    [
        f"smtpd[7]: NOQUEUE: reject_warning: RCPT from {FROM}: 553 5.7.1 no; {PARTIES}",
        "postscreen[7]: PREGREET 11 after 0.2 from [192.0.2.9]:4: EHLO x",
        f"smtpd[7]: NOQUEUE: reject: {'A' * 5_000} from",
    ],
)
def test_what_refuses_nobody(line: str) -> None:
    """Warnings, other lines, and what has no reply that a client was told by code are counted only."""
    assert turned_away(f"postfix/{line}") == []


def test_alike_within_a_second_are_told_apart() -> None:
    """By process and by how many there were: a scan tries the same again and again."""
    lines = [f"postfix/smtpd[{process}]: {NOBODY}" for process in (7, 8, 7)]
    found = [one.rejection_id for one in turned_away(*lines)]
    assert len(set(found)) == len(lines)
    assert [one.rejection_id for one in turned_away(*lines)] == found


def test_a_collector_writes_each_once(tmp_path: Path) -> None:
    """Beside events, in the order of acknowledgement; and what is read again by another checkpoint is the same."""
    file = tmp_path / "mail.log"
    file.write_bytes(log_of("origin", *(f"postfix/smtpd[{number}]: {NOBODY}" for number in range(3))) + b"\n")
    source = Source(name="s", kind="postfix", host="origin", paths=(str(file),), year=2026)
    log = Log()
    for store in ("one", "two"):
        Collector(source=source, declaration=DECLARATION, writer=Writer(log), store=tmp_path / store).read()
    told = [
        (key, records.decode("rejection", value)["diagnostic"])
        for topic, key, value in log.records
        if topic == "rejections"
    ]
    assert len(told) == 6
    assert len(set(told)) == 3
