"""Whatever evidence has in it: each bad piece ends in a count with its place and reason; everything else is read."""

import gzip
from pathlib import Path

from streams.collect.declaration import Declaration, Source
from streams.collect.parser import Counts
from streams.collect.reading import LINE
from streams.collect.run import Collector
from tests.collect.broker import Log, Writer

GOOD = (
    b"2026-11-23T22:48:16.%06d+00:00 mx postfix/smtp[7]: 4dF1234567zABCD: to=<%d@example.org>, relay=a[192.0.2.1]:25, "
    b"delay=1, delays=1/0/0/0, dsn=2.0.0, status=sent (250 ok)\n"
)
BAD = {
    "year 9999": b"9999-12-31T23:59:59.999999+00:00 mx postfix/qmgr[7]: 4dF1234567zABCD: removed\n",
    "year 1": b"0001-01-01T00:00:00+23:00 mx postfix/qmgr[7]: 4dF1234567zABCD: removed\n",
    "a subject of 1 MB": b"2026-11-23T22:48:16+00:00 mx postfix/cleanup[7]: 4dF1234567zABCD: info: header Subject: "
    + b"x" * LINE
    + b"\n",
    "no log at all": bytes(range(14, 256)) * 9 + b"\n",
}
ODD = b"2026-11-23T22:48:16+00:00 mx postfix/smtp[7]: 4dF1234567zABCD: to=<nul@example.org>, relay=a[192.0.2.1]:25, \
delay=1, delays=1/0/0/0, dsn=2.0.0, status=sent (250 \0 \xff\xfe ok)\n"


def _collected(folder: Path, source: Source) -> tuple[Log, Counts]:
    log = Log()
    collector = Collector(source=source, declaration=Declaration(), writer=Writer(log), store=folder / "store")
    collector.read()
    return log, collector.parser.counts


def _said(counts: Counts) -> set[tuple[str, int]]:
    return {(Path(example.file).name, example.offset) for example in counts.examples}


def test_a_folder_of_bad_logs(tmp_path: Path) -> None:
    """Bad lines, files that are empty, cut off, gone or cannot be unpacked: each costs only itself."""
    logs = tmp_path / "logs"
    logs.mkdir()
    places = set()
    with (logs / "a.log").open("wb") as file:
        for number, line in enumerate(BAD.values()):
            file.write(GOOD % (number, number))
            places.add(("a.log", file.tell()))
            file.write(line)
        file.write(ODD)
    (logs / "b.log").touch()
    (logs / "c.log").write_bytes(GOOD % (10, 10) + (GOOD % (11, 11))[:70])
    (logs / "d.log").symlink_to("e.log")
    (logs / "f.log").write_bytes(gzip.compress(GOOD % (12, 12))[:-9])
    (logs / "g.log").write_bytes(b"\x1f\x8bno gzip")
    (logs / "h.log").write_bytes(GOOD % (13, 13))
    paths = (str(logs), str(logs / "d.log"))
    log, counts = _collected(tmp_path, Source(name="bad", kind="postfix", host="mx", paths=paths))
    recipients = {event.recipient for event in log.events.values() if event.side == "sent"}
    assert recipients >= {f"{n}@example.org" for n in (0, 1, 2, 3, 10, 13, "nul")}
    assert all("\0" not in (event.diagnostic or "") for event in log.events.values())
    others = {("b.log", 0), ("c.log", len(GOOD % (10, 10))), ("d.log", 0), ("g.log", 0)}
    assert _said(counts) >= places | others
    assert {file for file, _ in _said(counts)} == {f"{letter}.log" for letter in "abcdfg"}
    assert not [
        event for event in log.events.values() if not 1990 <= 1970 + event.occurred_at // 31_556_952_000_000 < 2200
    ]


def test_a_folder_of_bad_mails(tmp_path: Path) -> None:
    """A report without its original, an empty mail, no mail and an unknown bounce are counted; others are read."""
    mails = tmp_path / "mails"
    mails.mkdir()
    status = (
        b"Reporting-MTA: dns; mx.example.org\n\nFinal-Recipient: rfc822; a@example.org\nAction: failed\nStatus: 5.1.1\n"
    )
    kind = b"multipart/report; report-type=delivery-status; boundary=b"
    head = b"Date: Mon, 23 Nov 2026 22:48:16 +0000\nContent-Type: " + kind + b"\n\n"
    part = b"--b\nContent-Type: message/delivery-status\n\n" + status
    original = b"--b\nContent-Type: message/rfc822\n\nMessage-ID: <1@example.org>\nFrom: o@example.org\n\nhello\n"
    (mails / "1.eml").write_bytes(head + part + b"--b--\n")
    (mails / "2.eml").write_bytes(b"")
    (mails / "3.eml").write_bytes(bytes(range(256)) * 100)
    (mails / "4.eml").write_bytes(head + part + original + b"--b--\n")
    (mails / "5.eml").write_bytes(
        b"Return-Path: <>\nFrom: Postmaster@example.org\n\nnot delivered to:\n  a@example.org\n"
    )
    large = b"Subject: " + b"x" * 1_000_000 + b"\n"
    (mails / "6.eml").write_bytes(
        large + head + part + original.replace(b"Message-ID: <1@", large + b"Message-ID: <2@") + b"--b--\n"
    )
    log, counts = _collected(tmp_path, Source(name="mails", kind="reports", host="mx", paths=(str(mails),)))
    assert {event.recipient for event in log.events.values()} == {"a@example.org"}
    assert {event.message_key for event in log.events.values()} == {"1@example.org", "2@example.org"}
    assert {file for file, _ in _said(counts)} >= {"1.eml", "2.eml", "5.eml"}
    assert counts.unread.total() + counts.ignored.total() == 4


def test_an_event_without_a_recipient(tmp_path: Path) -> None:
    """An event of a whole queue entry has no recipient: it is an event like any other, and its neighbours are read."""
    line = b'{"kind":"removed","occurred_at":1795424401250000,"host":"mx","queue_id":"Q%d"}\n'
    wrong = b'{"kind":"removed","occurred_at":253402300799000000,"host":"mx","queue_id":"Q"}\n'
    (tmp_path / "events.jsonl").write_bytes(line % 1 + wrong + line % 2)
    paths = (str(tmp_path / "events.jsonl"),)
    log, counts = _collected(tmp_path, Source(name="json", kind="jsonl", paths=paths))
    assert sorted(event.queue_id for event in log.events.values()) == ["Q1", "Q2"]
    assert _said(counts) == {("events.jsonl", len(line % 1))}
    assert "occurred_at" in counts.examples[0].reason
